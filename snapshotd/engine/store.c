/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/format/snapshot.h"
#include "snapshotd/common/log.h"

#define PART    ".part"
#define PARTIAL ".partial"

/* Of struct store_id's `again`: that many files may have otherwise equal names. */
#define AGAIN_MAX 255

/* Creates the last component only: the rest is the administrator's. */
int store_open(const char *path, uid_t uid, gid_t gid, int *fd)
{
    struct stat st;
    bool made;
    int rc = 0;

    made = !mkdir(path, 0700);
    if ( !made && errno != EEXIST )
        return -errno;
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if ( *fd < 0 )
        return -errno;
    if ( made && fchown(*fd, uid, gid) )
        rc = -errno;
    else if ( fstat(*fd, &st) )
        rc = -errno;
    else if ( st.st_uid != uid || (st.st_mode & 077) )
        rc = -EPERM;
    if ( rc )
    {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

bool store_gone(int dir)
{
    struct stat st;

    return !fstat(dir, &st) && !st.st_nlink;
}

void store_entry_name(const struct store_id *id, enum store_kind kind,
                      char name[STORE_NAME + 16])
{
    store_name(id, name);
    strcat(name, kind == STORE_PART      ? PART
                 : kind == STORE_PARTIAL ? PARTIAL
                                         : "");
}

int store_begin(int dir, struct store_id *id, int *fd)
{
    char name[STORE_NAME], part[STORE_NAME + 16];
    unsigned int i;

    for ( i = 0; i <= AGAIN_MAX; i++ )
    {
        id->again = i;
        store_name(id, name);
        if ( !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) )
            continue;
        store_entry_name(id, STORE_PART, part);
        *fd = openat(dir, part,
                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if ( *fd >= 0 )
            return 0;
        if ( errno != EEXIST )
            return -errno;
    }
    return -EEXIST;
}

/* The file system lacks a call: NFS, FUSE and ZFS before 2.2 do. */
static bool is_absent(int error)
{
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static int sync_if_it_can(int fd)
{
    return fsync(fd) && !is_absent(errno) ? -errno : 0;
}

/* Return 0, or -EEXIST if the name is in use.  Nothing is ever replaced. */
static int rename_new(int dir, const char *part, const char *name)
{
    if ( !renameat2(dir, part, dir, name, RENAME_NOREPLACE) )
        return 0;
    if ( !is_absent(errno) )
        return -errno;
    /* No other process makes files here: the monitor has one engine. */
    if ( !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) )
        return -EEXIST;
    return renameat(dir, part, dir, name) ? -errno : 0;
}

int store_commit(int dir, struct store_id *id, int fd)
{
    char name[STORE_NAME], part[STORE_NAME + 16];
    int rc;

    store_entry_name(id, STORE_PART, part);
    rc = sync_if_it_can(fd);
    if ( rc )
        return rc;
    do {
        store_name(id, name);
        rc = rename_new(dir, part, name);
    } while ( rc == -EEXIST && id->again++ < AGAIN_MAX );
    if ( rc )
        return rc;
    /* The file itself is safe. */
    rc = sync_if_it_can(dir);
    if ( rc )
        log_warning("store: %s: syncing its name failed: %s: it may not "
                    "survive a power failure", name, strerror(-rc));
    return 0;
}

void store_abort(int dir, const struct store_id *id)
{
    char part[STORE_NAME + 16];

    store_entry_name(id, STORE_PART, part);
    if ( unlinkat(dir, part, 0) && errno != ENOENT )
        log_error("store: %s: removing it failed: %s", part, strerror(errno));
}

enum store_kind store_kind(const char *name, struct store_id *id)
{
    if ( store_parse(name, "", id) )
        return STORE_FINAL;
    if ( store_parse(name, PART, id) )
        return STORE_PART;
    return store_parse(name, PARTIAL, id) ? STORE_PARTIAL : STORE_OTHER;
}

DIR *store_stream(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if ( !d && fd >= 0 )
        close(fd);
    return d;
}

/* Give a complete file its name.  Return -errno if it is not complete. */
static int finish_part(int dir, const char *part, struct store_id *id)
{
    int fd = openat(dir, part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;

    if ( fd < 0 )
        return -errno;
    rc = snapshot_verify(fd, NULL, NULL);
    if ( !rc )
        rc = store_commit(dir, id, fd);
    close(fd);
    return rc;
}

static void recover_part(int dir, const char *part, bool keep_partial,
                         const struct store_id *id)
{
    char partial[STORE_NAME + 16];

    store_entry_name(id, STORE_PARTIAL, partial);
    if ( keep_partial ? renameat(dir, part, dir, partial)
                      : unlinkat(dir, part, 0) )
        log_error("store: %s: putting away an unfinished file of a former "
                  "run failed: %s",
                  part, strerror(errno));
    else
        log_warning("store: %s: an unfinished file of a former run %s", part,
                    keep_partial ? "is kept as .partial" : "was removed");
}

void store_recover(int dir, bool keep_partial,
                   uint64_t finished[STORE_CAUSES])
{
    struct store_id id;
    struct dirent *e;
    DIR *d = store_stream(dir);

    if ( !d )
        return;
    while ( (e = readdir(d)) )
    {
        if ( !store_parse(e->d_name, PART, &id) )
            continue;
        if ( finish_part(dir, e->d_name, &id) )
        {
            recover_part(dir, e->d_name, keep_partial, &id);
            continue;
        }
        finished[id.cause]++;
        log_info("store: %s: was complete, has its final name now", e->d_name);
    }
    closedir(d);
}

/* Whether the document of an open file is of this trigger. */
static bool is_of(int fd, uint32_t gen, const struct store_moment *when)
{
    struct snapshot *s;
    json_t *meta = NULL, *t;
    char *text;
    size_t len;
    bool is;

    if ( snapshot_open_fd(fd, &s, NULL) )
        return false;
    if ( !snapshot_json(s, SNAPSHOT_META, &text, &len) )
    {
        meta = json_loadb(text, len, 0, NULL);
        free(text);
    }
    snapshot_close(s);
    t = json_object_get(meta, "trigger");
    is = json_integer_value(json_object_get(t, "gen")) == gen &&
         (uint64_t)json_integer_value(json_object_get(t, "tsc")) == when->tsc &&
         (uint64_t)json_integer_value(json_object_get(t, "ns")) == when->ns;
    json_decref(meta);
    return is;
}

bool store_find(int dir, uint32_t gen, const struct store_moment *when,
                struct store_id *id)
{
    DIR *d = when->ns ? store_stream(dir) : NULL;
    struct dirent *e;
    bool found = false;
    int fd;

    while ( d && !found && (e = readdir(d)) )
    {
        if ( !store_parse(e->d_name, "", id) || id->gen != gen )
            continue;
        fd = openat(dir, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if ( fd < 0 )
            continue;
        found = is_of(fd, gen, when);
        close(fd);
    }
    if ( d )
        closedir(d);
    return found;
}
