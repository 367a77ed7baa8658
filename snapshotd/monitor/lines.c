/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lines.c: link the engine and the xenstore process; part of the monitor. */

#include "snapshotd/monitor/lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "snapshotd/common/log.h"

bool lines_linked(const struct lines *l, const struct engine_child *e,
                  const struct xenstore_child *x)
{
    return e->child.ready && x->child.ready &&
           l->engine_starts == e->child.starts &&
           l->xenstore_starts == x->child.starts;
}

/* An end whose other one is not sent reads as closed, until the next try. */
static bool send_ends(struct engine_child *e, struct xenstore_child *x,
                      const int fd[2])
{
    struct msg m = { .type = MSG_LINK };

    if ( proto_send_fd(e->child.fd, &m, fd[0]) )
        return false;
    strcpy(m.u.link.state, e->state);
    return !proto_send_fd(x->child.fd, &m, fd[1]);
}

/* The engine must know all domains before it gets names of them. */
bool lines_make(struct lines *l, struct engine_child *e,
                struct xenstore_child *x)
{
    int fd[2], size = 1 << 20;
    bool good;

    if ( lines_linked(l, e, x) || !x->child.ready || !monitor_engine_knows(e) )
        return true;
    if ( socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) )
    {
        log_error("engine: socket: %s", strerror(errno));
        return false;
    }
    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    good = send_ends(e, x, fd);
    close(fd[0]);
    close(fd[1]);
    if ( !good )
        return false;
    l->engine_starts = e->child.starts;
    l->xenstore_starts = x->child.starts;
    /* A crash that is held already waits for its domain's name. */
    monitor_xenstore_await_names(x);
    return true;
}
