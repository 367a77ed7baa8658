/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xs.c: read, write and watch nodes; part of the xenstore process. */

#include "snapshotd/xenstore/xs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore.h>
#include <xenstore_lib.h>

#include "lib/base/uuid.h"
#include "snapshotd/common/log.h"

#define PATH_ROOM  256
#define NAME_PATH  "/local/domain/%u/name"
#define VM_PATH    "/local/domain/%u/vm"
#define NAME_TOKEN "name-%u"
/* Transactions that others got in between, before it is done without one. */
#define TRIES      8

/*
 * The library falls back to /dev/xen/xenbus when there is no socket, and a read
 * there blocks for ever if no xenstored serves it.  So try the socket first.
 */
static int socket_answers(void)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    const char *path = xs_daemon_socket();
    int fd, rc = 0;

    if ( strlen(path) >= sizeof(sun.sun_path) )
        return -ENAMETOOLONG;
    strcpy(sun.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if ( fd < 0 )
        return -errno;
    if ( connect(fd, (struct sockaddr *)&sun, sizeof(sun)) )
        rc = -errno;
    close(fd);
    return rc;
}

int xs_connect(struct xs *x)
{
    int rc = socket_answers();

    if ( rc )
        return rc;
    x->h = xs_open(0);
    return x->h ? 0 : -errno;
}

int xs_watch_all(struct xs *x)
{
    /* Creates the parents, which a watch does not need but readers like. */
    if ( !xs_mkdir(x->h, XBT_NULL, XS_TRIGGER_REQUEST) ||
         !xs_watch(x->h, "@introduceDomain", "introduce") ||
         !xs_watch(x->h, "@releaseDomain", "release") ||
         !xs_watch(x->h, XS_TRIGGER_REQUEST, "request") ||
         !xs_watch(x->h, XS_TRIGGER_GUEST, "guests") )
        return -errno;
    x->fd = xs_fileno(x->h);
    return 0;
}

/* Tokens are ours, so they identify the watch; the path is not used. */
static void one_event(struct xs *x, const char *token)
{
    unsigned int n;

    if ( !strcmp(token, "introduce") )
        x->introduced = true;
    else if ( !strcmp(token, "release") )
        x->released = true;
    else if ( !strcmp(token, "request") )
        x->requested = true;
    else if ( !strcmp(token, "guests") )
        x->reviewed = true;
    else if ( sscanf(token, NAME_TOKEN, &n) == 1 )
        x->renamed(x->arg, n);
    else if ( sscanf(token, XS_GUEST_TOKEN, &n) == 1 )
        x->asked(x->arg, n);
}

int xs_drain(struct xs *x)
{
    char **event;

    while ( (event = xs_check_watch(x->h)) )
    {
        one_event(x, event[XS_WATCH_TOKEN]);
        free(event);
    }
    return errno == EAGAIN ? 0 : -EIO;
}

int xs_alive(struct xs *x)
{
    unsigned int len;
    char *value = xs_read(x->h, XBT_NULL, "/tool", &len);
    int rc = value || errno == ENOENT ? 0 : -EIO;

    free(value);
    return rc;
}

/* Bytes of a node, cut to `room`.  Return false if there is none. */
static bool read_node(struct xs *x, const char *path, char *buf, size_t room,
                      size_t *bytes)
{
    unsigned int len;
    char *value = xs_read(x->h, XBT_NULL, path, &len);

    *bytes = 0;
    if ( !value )
        return false;
    *bytes = len < room ? len : room;
    memcpy(buf, value, *bytes);
    free(value);
    return true;
}

static void watch_vm(struct xs *x, unsigned int domid, bool on)
{
    char path[PATH_ROOM], token[32];

    snprintf(path, sizeof(path), VM_PATH, domid);
    snprintf(token, sizeof(token), NAME_TOKEN, domid);
    /* Errors do no harm: it may be watched already, or not. */
    if ( on )
        xs_watch(x->h, path, token);
    else
        xs_unwatch(x->h, path, token);
}

void xs_watch_name(struct xs *x, unsigned int domid, bool on)
{
    char path[PATH_ROOM], token[32];

    snprintf(path, sizeof(path), NAME_PATH, domid);
    snprintf(token, sizeof(token), NAME_TOKEN, domid);
    if ( !on )
        watch_vm(x, domid, false);
    if ( on ? !xs_watch(x->h, path, token) && errno != EEXIST
            : !xs_unwatch(x->h, path, token) && errno != ENOENT )
        log_warning("%s: %swatch failed: %s", path, on ? "" : "un",
                    strerror(errno));
}

/*
 * Return true if `vm' ("/vm/<uuid>") names another domain than @handle: the
 * nodes are those of a former domain of that number.  Without it, nothing is
 * known.
 */
static bool is_stale(struct xs *x, unsigned int domid, const uint8_t handle[16])
{
    char path[PATH_ROOM], vm[sizeof("/vm/") + UUID_TEXT_BYTES];
    uint8_t uuid[UUID_BYTES];
    size_t bytes;

    snprintf(path, sizeof(path), VM_PATH, domid);
    if ( !read_node(x, path, vm, sizeof(vm) - 1, &bytes) )
        return false;
    vm[bytes] = '\0';
    return !strncmp(vm, "/vm/", 4) && !uuid_from_text(vm + 4, uuid) &&
           memcmp(uuid, handle, sizeof(uuid));
}

size_t xs_domain_name(struct xs *x, unsigned int domid,
                      const uint8_t handle[16], char *buf, size_t room)
{
    char path[PATH_ROOM];
    size_t bytes;

    /* First, since a toolstack writes both in one transaction. */
    if ( is_stale(x, domid, handle) )
    {
        watch_vm(x, domid, true);
        return 0;
    }
    snprintf(path, sizeof(path), NAME_PATH, domid);
    read_node(x, path, buf, room, &bytes);
    return bytes;
}

static char **list(struct xs *x, const char *path, unsigned int *nr)
{
    char **names;

    *nr = 0;
    names = xs_directory(x->h, XBT_NULL, path, nr);
    if ( !names )
        *nr = 0;
    return names;
}

char **xs_requests(struct xs *x, unsigned int *nr)
{
    return list(x, XS_TRIGGER_REQUEST, nr);
}

bool xs_request_text(struct xs *x, const char *name, char *buf, size_t room,
                     size_t *bytes)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), XS_TRIGGER_REQUEST "/%s", name);
    return read_node(x, path, buf, room, bytes);
}

static void remove_node(struct xs *x, const char *base, const char *name)
{
    char path[PATH_ROOM + 4096];

    snprintf(path, sizeof(path), "%s/%s", base, name);
    if ( !xs_rm(x->h, XBT_NULL, path) && errno != ENOENT )
        log_warning("%s: removing a node failed: %s", base, strerror(errno));
}

void xs_request_remove(struct xs *x, const char *name)
{
    remove_node(x, XS_TRIGGER_REQUEST, name);
}

char **xs_answers(struct xs *x, unsigned int *nr)
{
    return list(x, XS_TRIGGER_RESULT, nr);
}

bool xs_answer_is(struct xs *x, const char *name, const char *state)
{
    char path[PATH_ROOM], value[32];
    size_t bytes;

    snprintf(path, sizeof(path), XS_TRIGGER_RESULT "/%s", name);
    return read_node(x, path, value, sizeof(value), &bytes) &&
           bytes == strlen(state) && !memcmp(value, state, bytes);
}

void xs_answer_remove(struct xs *x, const char *name)
{
    remove_node(x, XS_TRIGGER_RESULT, name);
}

static bool write_answer(struct xs *x, xs_transaction_t tr, const char *name,
                         const char *child, const char *value)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), XS_TRIGGER_RESULT "/%s%s%s", name,
             *child ? "/" : "", child);
    return xs_write(x->h, tr, path, value, strlen(value));
}

void xs_answer_first(struct xs *x, const char *name, const char *state)
{
    if ( !write_answer(x, XBT_NULL, name, "", state) )
        log_error("result/%s: writing the answer failed: %s", name,
                  strerror(errno));
}

/* The state last: a reader that sees it finds the rest. */
static bool write_all(struct xs *x, xs_transaction_t tr, const char *name,
                      const char *state, const char *file, const char *error)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), XS_TRIGGER_REQUEST "/%s", name);
    if ( !xs_rm(x->h, tr, path) && errno != ENOENT )
        return false;
    return (!file || write_answer(x, tr, name, XS_TRIGGER_FILE, file)) &&
           (!error || write_answer(x, tr, name, XS_TRIGGER_ERROR, error)) &&
           write_answer(x, tr, name, "", state);
}

/*
 * In one transaction, so that a process that dies leaves either a request
 * without an answer or an answer without a request.
 */
void xs_answer(struct xs *x, const char *name, const char *state,
               const char *file, const char *error)
{
    xs_transaction_t tr;
    unsigned int i;
    bool good;

    for ( i = 0; i < TRIES; i++ )
    {
        tr = xs_transaction_start(x->h);
        if ( tr == XBT_NULL )
            break;
        good = write_all(x, tr, name, state, file, error);
        if ( xs_transaction_end(x->h, tr, !good) && good )
            return;
        if ( !good || errno != EAGAIN )
            break;
    }
    if ( write_all(x, XBT_NULL, name, state, file, error) )
        return;
    log_error("result/%s: writing the answer failed: %s", name,
              strerror(errno));
    x->failed = true;
}

bool xs_status(struct xs *x, const char *name, const char *value)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), XS_TRIGGER_HEALTH "/%s", name);
    return xs_write(x->h, XBT_NULL, path, value, strlen(value));
}

void xs_status_remove(struct xs *x)
{
    xs_rm(x->h, XBT_NULL, XS_TRIGGER_HEALTH);
}

void xs_answers_remove_all(struct xs *x)
{
    if ( !xs_rm(x->h, XBT_NULL, XS_TRIGGER_RESULT) && errno != ENOENT )
        log_warning("result: removing old answers failed: %s",
                    strerror(errno));
}
