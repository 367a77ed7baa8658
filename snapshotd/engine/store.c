/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/format/snapshot.h"
#include "snapshotd/common/log.h"

#define PART    ".part"
#define PARTIAL ".partial"

static const char *const causes[STORE_CAUSES] = {
    [XEN_FLIGHTREC_CAUSE_REQUEST] = "request",
    [XEN_FLIGHTREC_CAUSE_CRASH] = "crash",
    [XEN_FLIGHTREC_CAUSE_XEN_CRASH] = "xen-crash",
    [XEN_FLIGHTREC_CAUSE_WATCHDOG] = "watchdog",
    [XEN_FLIGHTREC_CAUSE_TRIPLE] = "triple-fault",
    [XEN_FLIGHTREC_CAUSE_VIRIDIAN] = "viridian",
    [STORE_CAUSE_GUEST] = "guest-request",
};

const char *store_cause(uint8_t cause)
{
    return cause < STORE_CAUSES && causes[cause] ? causes[cause]
                                                         : "unknown";
}

void store_uuid(const uint8_t u[16], char text[STORE_UUID])
{
    static const uint8_t none[16];
    unsigned int i, n = 0;

    if ( !memcmp(u, none, sizeof(none)) )
    {
        strcpy(text, "host");
        return;
    }
    for ( i = 0; i < 16; i++ )
        n += sprintf(text + n, "%s%02x",
                     i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

void store_name(const struct store_id *id, char name[STORE_NAME])
{
    time_t t = id->wall_s;
    char when[32] = "00000000T000000Z", uuid[STORE_UUID], again[8] = "";
    struct tm tm;

    if ( gmtime_r(&t, &tm) )
        strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
    store_uuid(id->uuid, uuid);
    if ( id->again )
        snprintf(again, sizeof(again), "-%u", id->again);
    snprintf(name, STORE_NAME, "%s-%s-%s-g%u%s" SNAPSHOT_SUFFIX, when, uuid,
             store_cause(id->cause), id->gen, again);
}

static bool parse_uuid(const char **s, uint8_t uuid[16])
{
    unsigned int i, byte;

    memset(uuid, 0, 16);
    if ( !strncmp(*s, "host-", 5) )
    {
        *s += 5;
        return true;
    }
    for ( i = 0; i < 16; i++ )
    {
        if ( (i == 4 || i == 6 || i == 8 || i == 10) && *(*s)++ != '-' )
            return false;
        if ( sscanf(*s, "%2x", &byte) != 1 )
            return false;
        uuid[i] = byte;
        *s += 2;
    }
    return *(*s)++ == '-';
}

/* What was built again must be equal: so the parts need no close look. */
bool store_parse(const char *name, const char *suffix, struct store_id *id)
{
    char again[STORE_NAME + 16];
    size_t len = strlen(name);
    unsigned int n = 0;
    struct tm tm = { 0 };
    const char *s;

    memset(id, 0, sizeof(*id));
    if ( len < 24 || len >= STORE_NAME + 16 ||
         sscanf(name, "%4d%2d%2dT%2d%2d%2dZ", &tm.tm_year, &tm.tm_mon,
                &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 )
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    id->wall_s = timegm(&tm);
    s = name + 17;
    if ( name[16] != '-' || !parse_uuid(&s, id->uuid) )
        return false;
    for ( id->cause = 1; id->cause < STORE_CAUSES; id->cause++ )
    {
        size_t c = strlen(causes[id->cause]);

        if ( strncmp(s, causes[id->cause], c) || strncmp(s + c, "-g", 2) )
            continue;
        if ( sscanf(s + c + 2, "%" SCNu32 "-%u", &id->gen, &n) < 1 || n > 255 )
            return false;
        id->again = n;
        break;
    }
    store_name(id, again);
    strcat(again, suffix);
    return !strcmp(name, again);
}

/* The last component only: the rest of the path is the administrator's. */
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

    for ( i = 0; i < 100; i++ )
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

int store_commit(int dir, const struct store_id *id, int fd)
{
    char name[STORE_NAME], part[STORE_NAME + 16];

    store_name(id, name);
    store_entry_name(id, STORE_PART, part);
    if ( fsync(fd) || renameat2(dir, part, dir, name, RENAME_NOREPLACE) )
        return -errno;
    /* It is written, and has its name. */
    if ( fsync(dir) )
        log_warning("store: %s: its name may not outlive a power failure: %s",
                    name, strerror(errno));
    return 0;
}

void store_abort(int dir, const struct store_id *id)
{
    char part[STORE_NAME + 16];

    store_entry_name(id, STORE_PART, part);
    if ( unlinkat(dir, part, 0) && errno != ENOENT )
        log_error("store: %s: cannot be removed: %s", part, strerror(errno));
}

bool store_same(const struct store_id *a, const struct store_id *b)
{
    return a->wall_s == b->wall_s && a->gen == b->gen &&
           a->cause == b->cause && a->again == b->again &&
           !memcmp(a->uuid, b->uuid, sizeof(a->uuid));
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

/* Gives a complete file its name; else says that it is not. */
static int finish_part(int dir, const char *part, const struct store_id *id)
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
        log_error("store: %s: an unfinished file of a former run cannot be "
                  "put away: %s",
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

bool store_has(int dir, struct store_id *id)
{
    struct store_id other = *id;
    char name[STORE_NAME];

    for ( other.wall_s = id->wall_s - 1; other.wall_s <= id->wall_s + 1;
          other.wall_s++ )
    {
        store_name(&other, name);
        if ( faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) )
            continue;
        *id = other;
        return true;
    }
    return false;
}
