/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link.c: messages to and from the monitor and the engine; part of the xenstore
 * process.  It may block on the monitor, which blocks on no one, but not on the
 * engine.
 */

#include "snapshotd/xenstore/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"
#include "snapshotd/xenstore/xenstore.h"

#define PROGRESS_MS 100

static void __attribute__((__noreturn__)) monitor_gone(int rc)
{
    if ( rc != -EPIPE )
        log_error("monitor: %s: ending", strerror(-rc));
    exit(rc == -EPIPE ? 0 : 1);
}

void link_send(struct link *l, struct msg *m)
{
    int rc = proto_send(l->monitor, m, 0);

    if ( rc )
        monitor_gone(rc);
}

static void engine_lost(struct link *l)
{
    if ( l->engine < 0 )
        return;
    close(l->engine);
    l->engine = -1;
    l->confirms = 0;
    l->lost(l->arg);
}

static void set_engine(struct link *l, const struct msg_link *in, int fd)
{
    engine_lost(l);
    l->engine = fd;
    l->sync_owed = true;
    memcpy(l->state, in->state, sizeof(l->state));
    l->state[sizeof(l->state) - 1] = '\0';
}

/* One message.  Return false without one. */
static bool receive(struct link *l, struct msg *m, bool block)
{
    int fd, rc = proto_receive_fd(l->monitor, m, block ? 0 : MSG_DONTWAIT, &fd);

    if ( rc == -EAGAIN )
        return false;
    if ( rc )
        monitor_gone(rc);
    if ( m->type == MSG_LINK && fd >= 0 )
        set_engine(l, &m->u.link, fd);
    else if ( m->type != MSG_REPLY )
        l->note(l->arg, m);
    return true;
}

void link_receive(struct link *l, bool block)
{
    struct msg m;

    while ( receive(l, &m, block) )
        block = false;
}

void link_progress(struct link *l)
{
    struct msg m = { .type = MSG_PONG };
    const uint64_t now = now_ms();

    if ( now - l->progress_ms < PROGRESS_MS )
        return;
    l->progress_ms = now;
    link_send(l, &m);
}

/* Sends a question and waits for the reply; other messages may come first. */
static void ask(struct link *l, struct msg *m)
{
    const uint32_t seq = ++l->seq;

    m->seq = seq;
    link_send(l, m);
    do {
        receive(l, m, true);
    } while ( m->type != MSG_REPLY || m->seq != seq );
}

bool link_has_domain(struct link *l, uint16_t domid, const uint8_t handle[16])
{
    struct msg m = { .type = MSG_HAS_DOMAIN, .u.guest.domid = domid };

    memcpy(m.u.guest.handle, handle, sizeof(m.u.guest.handle));
    ask(l, &m);
    return m.u.guest.yes;
}

/* FNV-1a of its place: the same for each process. */
static uint64_t key_of(const struct request *q)
{
    const char *c = q->node;
    uint64_t h = 14695981039346656037ULL;
    unsigned int i;

    while ( q->source == FROM_XENSTORE && *c )
        h = (h ^ (uint8_t)*c++) * 1099511628211ULL;
    for ( i = 0; q->source == FROM_GUEST && i < sizeof(q->handle); i++ )
        h = (h ^ q->handle[i]) * 1099511628211ULL;
    return (h ^ q->source ^ (uint64_t)q->domid << 16) * 1099511628211ULL;
}

bool link_may_ask(struct link *l, struct request *q)
{
    struct msg m = { .type = MSG_MAY_ASK,
                     .u.guest = { .domid = q->domid, .source = q->source,
                                  .again = q->again, .key = key_of(q) } };

    memcpy(m.u.guest.handle, q->handle, sizeof(m.u.guest.handle));
    ask(l, &m);
    q->number = m.u.guest.number;
    return m.u.guest.yes;
}

void link_tally(struct link *l, enum tally event)
{
    struct msg m = { .type = MSG_TALLY, .u.tally.event = event };

    link_send(l, &m);
}

bool link_send_engine(struct link *l, struct text_msg *m)
{
    int rc;

    if ( l->engine < 0 )
        return false;
    rc = proto_text_send(l->engine, m, MSG_DONTWAIT);
    if ( rc == -EPIPE )
        engine_lost(l);
    return !rc;
}

bool link_send_name(struct link *l, const struct msg_domain *d,
                    const char *name, size_t bytes)
{
    struct text_msg m = { .type = TEXT_NAME, .domid = d->domid,
                          .bytes = bytes };

    memcpy(m.handle, d->handle, sizeof(m.handle));
    memcpy(m.text, name, bytes);
    return link_send_engine(l, &m);
}

bool link_send_request(struct link *l, const struct request *q)
{
    struct text_msg m = { .type = TEXT_REQUEST, .number = q->number,
                          .source = q->source, .domid = q->domid,
                          .bytes = q->text_bytes };

    memcpy(m.handle, q->handle, sizeof(m.handle));
    memcpy(m.text, q->text, q->text_bytes);
    return link_send_engine(l, &m);
}

void link_confirm(struct link *l, uint64_t number)
{
    /* More than the engine can have: it made some up. */
    if ( l->confirms < LINK_CONFIRMS )
        l->confirm[l->confirms++] = number;
}

bool link_send_owed(struct link *l)
{
    struct text_msg m = { .type = TEXT_CONFIRM };

    while ( l->confirms )
    {
        m.number = l->confirm[l->confirms - 1];
        if ( !link_send_engine(l, &m) )
            return false;
        l->confirms--;
    }
    return true;
}

int link_receive_engine(struct link *l, struct text_msg *m)
{
    int rc;

    if ( l->engine < 0 )
        return -EAGAIN;
    rc = proto_text_receive(l->engine, m, MSG_DONTWAIT);
    if ( rc == -EPIPE )
        engine_lost(l);
    if ( !rc && m->type != TEXT_ANSWER )
        rc = -EPROTO;
    if ( rc == -EPROTO )
    {
        log_error("engine: malformed message: ending");
        exit(XENSTORE_BAD_ENGINE);
    }
    return rc ? -EAGAIN : 0;
}
