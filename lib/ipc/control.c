/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* control.c: connect to the daemon, ask it, or take its lock. */

#include "lib/ipc/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/ipc/command.h"

/* Interval of retries while another process holds the lock. */
#define LOCK_PAUSE_MS 20

int control_connect(const char *run, const char *name)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd, n, rc;

    n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", run, name);
    if ( n >= (int)sizeof(sun.sun_path) )
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if ( fd < 0 )
        return -errno;
    if ( connect(fd, (struct sockaddr *)&sun, sizeof(sun)) )
    {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/* One packet, within the time that is left.  0 at the end of the answer. */
static ssize_t receive_piece(int fd, char *buf, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    ssize_t n;
    int rc;

    do {
        rc = poll(&p, 1, timeout_ms);
        n = rc > 0 ? recv(fd, buf, CONTROL_PIECE, MSG_TRUNC) : 0;
    } while ( (rc < 0 || n < 0) && errno == EINTR );
    if ( rc <= 0 )
        return rc ? -errno : -ETIMEDOUT;
    if ( n < 0 )
        return -errno;
    return n > CONTROL_PIECE ? -EBADMSG : n;
}

/* Packets until the daemon closes the socket. */
static int receive_answer(int fd, int timeout_ms, json_t **answer)
{
    char *buf = NULL, *grown;
    size_t bytes = 0;
    ssize_t n;

    do {
        grown = bytes + CONTROL_PIECE > CONTROL_MAX
                    ? NULL
                    : realloc(buf, bytes + CONTROL_PIECE);
        if ( !grown )
        {
            free(buf);
            return bytes ? -EFBIG : -ENOMEM;
        }
        buf = grown;
        n = receive_piece(fd, buf + bytes, timeout_ms);
        bytes += n > 0 ? n : 0;
    } while ( n > 0 );
    *answer = n ? NULL : json_loadb(buf, bytes, 0, NULL);
    free(buf);
    if ( n )
        return n;
    if ( !bytes )
        return -EPIPE;
    return json_is_object(*answer) ? 0 : -EBADMSG;
}

int control_ask(int fd, const void *req, size_t bytes, int timeout_ms,
                json_t **answer)
{
    int rc;

    *answer = NULL;
    if ( send(fd, req, bytes, MSG_NOSIGNAL) != (ssize_t)bytes )
        return -errno;
    rc = receive_answer(fd, timeout_ms, answer);
    if ( rc )
    {
        json_decref(*answer);
        *answer = NULL;
    }
    return rc;
}

/* A user with write access to RUN could replace the socket or the lock. */
static int make_run(const char *run)
{
    struct stat st;

    if ( mkdir(run, 0700) && errno != EEXIST )
        return -errno;
    if ( lstat(run, &st) )
        return -errno;
    if ( !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
         (st.st_mode & 022) )
        return -EPERM;
    return 0;
}

int control_lock(const char *run)
{
    char path[512];
    int fd, rc;

    if ( snprintf(path, sizeof(path), "%s/" CONTROL_LOCK, run) >=
         (int)sizeof(path) )
        return -ENAMETOOLONG;
    rc = make_run(run);
    if ( rc )
        return rc;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if ( fd < 0 )
        return -errno;
    if ( flock(fd, LOCK_EX | LOCK_NB) )
    {
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static bool daemon_listens(const char *run)
{
    int fd = control_connect(run, COMMAND_SOCKET);

    if ( fd >= 0 )
        close(fd);
    return fd >= 0;
}

int control_lock_wait(const char *run, int wait_ms)
{
    const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000 };
    int fd = control_lock(run);

    /* Poll: there is no event for a released lock or a new socket. */
    for ( ; fd == -EBUSY && wait_ms > 0; wait_ms -= LOCK_PAUSE_MS )
    {
        if ( daemon_listens(run) )
            return -EALREADY;
        nanosleep(&pause, NULL);
        fd = control_lock(run);
    }
    return fd;
}
