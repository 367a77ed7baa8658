/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/xenstore/xs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>
#include <xenstore_lib.h>

#include "snapshotd/common/log.h"

#define PATH_ROOM  256
#define NAME_PATH  "/local/domain/%u/name"
#define NAME_TOKEN "name-%u"

void xs_wait_begin(struct xs *x)
{
    pthread_mutex_unlock(&x->lock);
}

void xs_wait_end(struct xs *x)
{
    const int saved = errno;
    struct timespec ts;

    pthread_mutex_lock(&x->lock);
    clock_gettime(CLOCK_MONOTONIC, &ts);
    x->answered_ms = ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
    errno = saved;
}

/*
 * The library falls back to /dev/xen/xenbus when there is no socket, and a read
 * there waits for ever if no xenstored serves it.  So try the socket first.
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

static int watch_all(struct xs *x)
{
    /* Makes the parents, which a watch does not need but readers like. */
    if ( !XS_CALL(x, xs_mkdir(x->h, XBT_NULL, XS_TRIGGER_REQUEST)) ||
         !XS_CALL(x, xs_watch(x->h, "@introduceDomain", "introduce")) ||
         !XS_CALL(x, xs_watch(x->h, "@releaseDomain", "release")) ||
         !XS_CALL(x, xs_watch(x->h, XS_TRIGGER_REQUEST, "request")) ||
         !XS_CALL(x, xs_watch(x->h, XS_TRIGGER_GUEST, "guests")) )
        return -errno;
    return 0;
}

int xs_connect(struct xs *x)
{
    int rc = XS_CALL(x, socket_answers());

    x->h = NULL;
    x->fd = -1;
    if ( rc )
        return rc;
    x->h = XS_CALL(x, xs_open(0));
    if ( !x->h )
        return -errno;
    rc = watch_all(x);
    if ( rc )
    {
        xs_disconnect(x);
        return rc;
    }
    x->fd = xs_fileno(x->h);
    return 0;
}

void xs_disconnect(struct xs *x)
{
    struct xs_handle *h = x->h;

    x->h = NULL;
    x->fd = -1;
    if ( !h )
        return;
    xs_wait_begin(x);
    xs_close(h);
    xs_wait_end(x);
}

/* Tokens are ours: they say what is watched, whatever the path looks like. */
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
    char *value = XS_CALL(x, xs_read(x->h, XBT_NULL, "/tool", &len));
    int rc = value || errno == ENOENT ? 0 : -EIO;

    free(value);
    return rc;
}

/* Bytes of a node, cut to `room`.  False: not there. */
static bool read_node(struct xs *x, const char *path, char *buf, size_t room,
                      size_t *bytes)
{
    unsigned int len;
    char *value = x->h ? XS_CALL(x, xs_read(x->h, XBT_NULL, path, &len))
                       : NULL;

    *bytes = 0;
    if ( !value )
        return false;
    *bytes = len < room ? len : room;
    memcpy(buf, value, *bytes);
    free(value);
    return true;
}

void xs_watch_name(struct xs *x, unsigned int domid, bool on)
{
    char path[PATH_ROOM], token[32];

    if ( !x->h )
        return;
    snprintf(path, sizeof(path), NAME_PATH, domid);
    snprintf(token, sizeof(token), NAME_TOKEN, domid);
    if ( on ? !XS_CALL(x, xs_watch(x->h, path, token)) && errno != EEXIST
            : !XS_CALL(x, xs_unwatch(x->h, path, token)) && errno != ENOENT )
        log_warning("xenstore: %s: cannot be %swatched: %s", path,
                    on ? "" : "un", strerror(errno));
}

size_t xs_domain_name(struct xs *x, unsigned int domid, char *buf, size_t room)
{
    char path[PATH_ROOM];
    size_t bytes;

    snprintf(path, sizeof(path), NAME_PATH, domid);
    read_node(x, path, buf, room, &bytes);
    return bytes;
}

char **xs_requests(struct xs *x, unsigned int *nr)
{
    char **names;

    *nr = 0;
    names = x->h ? XS_CALL(x, xs_directory(x->h, XBT_NULL, XS_TRIGGER_REQUEST,
                                           nr))
                 : NULL;
    if ( !names )
        *nr = 0;
    return names;
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
    if ( x->h && !XS_CALL(x, xs_rm(x->h, XBT_NULL, path)) && errno != ENOENT )
        log_warning("xenstore: a node in %s cannot be removed: %s", base,
                    strerror(errno));
}

void xs_request_remove(struct xs *x, const char *name)
{
    remove_node(x, XS_TRIGGER_REQUEST, name);
}

void xs_answer_remove(struct xs *x, const char *name)
{
    remove_node(x, XS_TRIGGER_RESULT, name);
}

static void write_answer(struct xs *x, const char *name, const char *child,
                         const char *value)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), XS_TRIGGER_RESULT "/%s%s%s", name,
             *child ? "/" : "", child);
    if ( !XS_CALL(x, xs_write(x->h, XBT_NULL, path, value, strlen(value))) )
        log_error("xenstore: %s: the answer cannot be written: %s", path,
                  strerror(errno));
}

/* The state last: who waits for it finds the rest there. */
void xs_answer(struct xs *x, const char *name, const char *state,
               const char *file, const char *error)
{
    if ( !x->h )
        return;
    if ( file )
        write_answer(x, name, XS_TRIGGER_FILE, file);
    if ( error )
        write_answer(x, name, XS_TRIGGER_ERROR, error);
    write_answer(x, name, "", state);
}

bool xs_status(struct xs *x, const char *name, const char *value)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof(path), XS_TRIGGER_HEALTH "/%s", name);
    return x->h &&
           XS_CALL(x, xs_write(x->h, XBT_NULL, path, value, strlen(value)));
}

void xs_status_remove(struct xs *x)
{
    if ( x->h )
        XS_CALL(x, xs_rm(x->h, XBT_NULL, XS_TRIGGER_HEALTH));
}

void xs_answers_remove_all(struct xs *x)
{
    if ( x->h && !XS_CALL(x, xs_rm(x->h, XBT_NULL, XS_TRIGGER_RESULT)) &&
         errno != ENOENT )
        log_warning("xenstore: old answers cannot be removed: %s",
                    strerror(errno));
}
