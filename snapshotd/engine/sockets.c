/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sockets.c: the connections of the control socket: silent ones, and those whose
 * answer is not sent to its end; part of the engine.
 */

#include "snapshotd/engine/engine-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipc/control.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"

/* A connection is dropped if nothing moves on it for so long. */
#define SILENCE_NS 2000000000ULL

void engine_client_close(struct client *c)
{
    if ( c->fd >= 0 )
        close(c->fd);
    free(c->out);
    *c = (struct client){ .fd = -1 };
}

uint64_t engine_client_expire(struct engine *e, uint64_t now_ns)
{
    uint64_t next = UINT64_MAX;
    struct client *c;

    for ( c = e->client; c < e->client + CLIENTS; c++ )
    {
        if ( c->fd >= 0 && c->until_ns <= now_ns )
            engine_client_close(c);
        if ( c->fd >= 0 && c->until_ns < next )
            next = c->until_ns;
    }
    return next;
}

struct client *engine_client_slot(struct engine *e, int fd)
{
    struct client *c, *best = e->client;

    for ( c = e->client; c < e->client + CLIENTS && c->fd >= 0; c++ )
        if ( c->until_ns < best->until_ns )
            best = c;
    if ( c == e->client + CLIENTS )
    {
        c = best;
        engine_client_close(c);
    }
    *c = (struct client){ .fd = fd,
                          .until_ns = now_ns(CLOCK_MONOTONIC) + SILENCE_NS };
    return c;
}

/* Return 0 if all of it is sent, -EAGAIN, or another -errno. */
static int send_pieces(struct client *c)
{
    size_t n;

    while ( c->at < c->bytes )
    {
        n = c->bytes - c->at < CONTROL_PIECE ? c->bytes - c->at
                                             : CONTROL_PIECE;
        if ( send(c->fd, c->out + c->at, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 )
            return -errno;
        c->at += n;
    }
    return 0;
}

void engine_client_flush(struct client *c)
{
    int rc = send_pieces(c);

    if ( rc == -EAGAIN )
    {
        c->until_ns = now_ns(CLOCK_MONOTONIC) + SILENCE_NS;
        return;
    }
    if ( rc )
        log_warning("control: sending an answer failed: %s", strerror(-rc));
    engine_client_close(c);
}

void engine_send_client(struct engine *e, int fd, json_t *o)
{
    struct client c = { .fd = fd };
    struct client *slot;
    int rc;

    c.out = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    c.bytes = c.out ? strlen(c.out) : 0;
    rc = send_pieces(&c);
    if ( rc && rc != -EAGAIN )
        log_warning("control: sending an answer failed: %s", strerror(-rc));
    if ( rc != -EAGAIN )
    {
        engine_client_close(&c);
        return;
    }
    slot = engine_client_slot(e, fd);
    c.until_ns = slot->until_ns;
    *slot = c;
}
