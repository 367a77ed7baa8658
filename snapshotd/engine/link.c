/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link.c: messages to and from the monitor and the xenstore process; part of the
 * engine.  Messages only note something: the loop does the work.
 */

#include "snapshotd/engine/engine-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"

#define PROGRESS_NS 100000000ULL
/* Messages of one line before the other and the work get their turn. */
#define TURN        256

/*
 * To the monitor.
 */

static void __attribute__((__noreturn__)) monitor_gone(int rc)
{
    if ( rc != -EPIPE )
        log_error("monitor: %s: ending", strerror(-rc));
    exit(rc == -EPIPE ? 0 : 1);
}

void engine_send(struct engine *e, struct msg *m)
{
    int rc = proto_send(e->fd, m, 0);

    if ( rc )
        monitor_gone(rc);
}

void engine_progress(struct engine *e)
{
    struct msg m = { .type = MSG_PONG };
    const uint64_t now = now_ns(CLOCK_MONOTONIC);

    if ( now - e->told_ns < PROGRESS_NS )
        return;
    e->told_ns = now;
    engine_send(e, &m);
}

void engine_send_counters(struct engine *e)
{
    struct msg m = { .type = MSG_COUNT, .u.counters = e->counters };

    engine_send(e, &m);
}

/*
 * To the xenstore process.
 */

/* It is gone, or sent nonsense: then the monitor must replace it. */
static void unlink_text(struct engine *e, bool bad)
{
    struct msg m = { .type = MSG_UNLINK };
    struct request *q;

    if ( e->text < 0 )
        return;
    close(e->text);
    e->text = -1;
    for ( q = e->queue.slot; q < e->queue.slot + QUEUE_REQUESTS; q++ )
        request_step(q, REQUEST_LOST);
    if ( !bad )
        return;
    log_error("xenstore: malformed message: closing the line to it");
    engine_send(e, &m);
}

/*
 * The messages under way are bounded by the queue and fit into the socket.  If
 * the process does not read for long the monitor replaces it anyway.
 */
static bool send_text(struct engine *e, struct text_msg *m)
{
    int rc = e->text < 0 ? -EPIPE : proto_text_send(e->text, m, MSG_DONTWAIT);

    if ( rc )
        unlink_text(e, rc != -EPIPE);
    return !rc;
}

static void pass_answer(struct engine *e, struct request *q)
{
    struct text_msg m = { .type = TEXT_ANSWER, .number = q->number,
                          .answer = q->answer };

    if ( q->link == e->link )
    {
        if ( e->text >= 0 && send_text(e, &m) )
            request_step(q, REQUEST_PASS);
    }
    /* Of a former process; this one knows nothing of it. */
    else if ( e->synced )
        request_step(q, REQUEST_DROP);
}

void engine_deliver(struct engine *e, struct request *q)
{
    struct msg m = { .type = MSG_ANSWER, .u.signal.number = q->number };

    if ( q->state != REQUEST_ANSWERED )
        return;
    if ( q->source == FROM_SIGNAL )
    {
        engine_send(e, &m);
        request_step(q, REQUEST_CONFIRM);
    }
    else if ( q->source != FROM_SOCKET )
        pass_answer(e, q);
}

/*
 * Requests.
 */

static void log_request(struct engine *e, const struct request *in)
{
    char from[32] = "";
    struct log_text text;

    if ( !engine_may_log(e, 'R') )
        return;
    if ( in->source == FROM_SIGNAL )
        strcpy(from, " by signal");
    else if ( in->source == FROM_SOCKET )
        strcpy(from, " by socket");
    else if ( in->source == FROM_GUEST )
        snprintf(from, sizeof(from), " of domain %u", in->domid);
    log_info("request%s: \"%s\"", from,
             log_escape(&text, in->text, in->text_bytes));
}

/* A freeze by a former engine covers its number: that generation answers it. */
static void resume(struct engine *e, struct request *q)
{
    const struct freeze *f = e->conf.freeze;

    if ( !q->number || e->conf.incarnation != e->rings.info.incarnation )
        return;
    for ( ; f < e->conf.freeze + PROTO_FREEZES; f++ )
    {
        if ( !f->gen || f->number[q->source] < q->number )
            continue;
        q->gen = f->gen;
        q->tsc = f->tsc;
        q->ns = f->ns;
        request_step(q, REQUEST_RESUME);
        return;
    }
}

struct request *engine_request(struct engine *e, const struct request *in,
                               uint16_t *error)
{
    const struct conf *c = &e->conf.conf;
    const bool guest = in->source == FROM_GUEST;
    uint64_t due = now_ns(CLOCK_MONOTONIC) +
                   (guest ? 0 : c->delay_ms * 1000000ULL);
    struct request *q;

    e->counters.requests++;
    log_request(e, in);
    if ( !guest && !(c->sources & (1U << in->source)) )
    {
        *error = ANSWER_OFF;
        count_add(&e->counters, OUTCOME_REFUSED, XEN_FLIGHTREC_CAUSE_REQUEST);
        return NULL;
    }
    q = queue_add(&e->queue, in, due);
    *error = ANSWER_LIMIT;
    if ( !q )
        return NULL;
    if ( q->state == REQUEST_DELAYED )
        resume(e, q);
    e->work = true;
    return q;
}

/* Without a place in the queue: the answer is not kept. */
static void refuse(struct engine *e, const struct request *in, uint16_t error)
{
    struct msg m = { .type = MSG_ANSWER, .u.signal.number = in->number };
    struct text_msg t = { .type = TEXT_ANSWER, .number = in->number,
                          .answer = { .state = ANSWER_FAILED,
                                      .error = error } };

    log_error("request: failed: %s", request_error_text(error));
    if ( in->source == FROM_SIGNAL )
        engine_send(e, &m);
    else
        send_text(e, &t);
}

static void got_signal(struct engine *e, const struct msg_signal *in)
{
    const struct request q = { .source = FROM_SIGNAL, .client = -1,
                               .number = in->number };
    uint16_t error;

    if ( !engine_request(e, &q, &error) )
        refuse(e, &q, error);
}

static void got_request(struct engine *e, const struct text_msg *in)
{
    struct request r = { .source = in->source, .number = in->number,
                         .domid = in->domid, .client = -1, .link = e->link,
                         .text_bytes = in->bytes };
    struct request *q;
    uint16_t error;

    memcpy(r.handle, in->handle, sizeof(r.handle));
    memcpy(r.text, in->text, in->bytes);
    q = queue_adopt(&e->queue, &r);
    if ( q )
        engine_deliver(e, q);
    else if ( !engine_request(e, &r, &error) )
        refuse(e, &r, error);
}

/*
 * Messages of the xenstore process.
 */

/*
 * A domain that the monitor has not sent yet counts as gone until it does: so
 * their number is bounded.
 */
static void got_name(struct engine *e, const struct text_msg *in)
{
    struct domain *d = domains_get(&e->domains, in->domid, in->handle);
    const bool is_new = d && !d->changed;

    if ( !d || !domains_set_name(d, in->text, in->bytes) )
        return;
    d->d.gone |= is_new;
    domains_changed(&e->domains, d);
}

static void got_confirm(struct engine *e, uint64_t number)
{
    struct request *q;

    for ( q = e->queue.slot; q < e->queue.slot + QUEUE_REQUESTS; q++ )
        if ( q->state == REQUEST_PASSED && q->number == number )
            request_step(q, REQUEST_CONFIRM);
}

static void got_sync(struct engine *e)
{
    struct request *q;

    e->synced = true;
    for ( q = e->queue.slot; q < e->queue.slot + QUEUE_REQUESTS; q++ )
        if ( q->link != e->link && (q->state == REQUEST_ANSWERED ||
                                    q->state == REQUEST_PASSED) )
            request_step(q, REQUEST_DROP);
}

static bool got_text(struct engine *e, const struct text_msg *m)
{
    switch ( m->type )
    {
    case TEXT_NAME:
        got_name(e, m);
        return true;

    case TEXT_REQUEST:
        if ( m->source != FROM_XENSTORE && m->source != FROM_GUEST )
            return false;
        got_request(e, m);
        return true;

    case TEXT_CONFIRM:
        got_confirm(e, m->number);
        return true;

    case TEXT_SYNC:
        got_sync(e);
        return true;

    default:
        return false;
    }
}

/*
 * Messages of the monitor.
 */

static void got_link(struct engine *e, int fd)
{
    unlink_text(e, false);
    e->text = fd;
    e->link++;
    e->synced = false;
}

/*
 * Limits and budget apply from now on; another directory or user, or other
 * threads, need another engine.
 */
static void got_conf(struct engine *e, const struct msg_conf *in)
{
    e->restart |= strcmp(in->conf.state, e->conf.conf.state) ||
                  in->conf.threads != e->conf.conf.threads ||
                  in->uid != e->conf.uid || in->gid != e->conf.gid;
    if ( !e->restart )
        e->conf.conf = in->conf;
    e->expire_ns = 0;
    e->work = true;
}

static void got_wake(struct engine *e, const struct msg_wake *in)
{
    if ( in->source == WAKE_VIRQ )
        e->virq = *in;
    else
        e->wake = *in;
    e->work = true;
}

static void got_message(struct engine *e, const struct msg *m, int fd)
{
    switch ( m->type )
    {
    case MSG_WAKE:
        got_wake(e, &m->u.wake);
        return;

    case MSG_DOMAIN:
        if ( domains_copy(&e->domains, &m->u.domain) )
            log_error("domain %u: no memory to note it", m->u.domain.domid);
        return;

    case MSG_LINK:
        if ( fd >= 0 )
            got_link(e, fd);
        return;

    case MSG_GUESTS:
        e->guests = m->u.guests;
        return;

    case MSG_SIGNAL:
        got_signal(e, &m->u.signal);
        return;

    case MSG_HOOK:
        e->hook = m->u.hook;
        return;

    case MSG_PING:
        e->told_ns = 0;
        engine_progress(e);
        return;

    case MSG_CONF:
        got_conf(e, &m->u.conf);
        return;

    case MSG_END:
        e->work = e->end = true;
        return;

    default:
        monitor_gone(-EPROTO);
    }
}

int engine_ask(struct engine *e, struct msg *m)
{
    const uint32_t seq = ++e->seq;
    int fd, rc;

    m->seq = seq;
    engine_send(e, m);
    for ( ;; )
    {
        rc = proto_receive_fd(e->fd, m, 0, &fd);
        if ( rc )
            monitor_gone(rc);
        if ( m->type == MSG_REPLY && m->seq == seq )
            return m->rc;
        got_message(e, m, fd);
    }
}

int engine_op(void *arg, struct xen_flightrec_op *op)
{
    struct msg m = { .type = MSG_OP, .u.op.op = *op };
    int rc = engine_ask(arg, &m);

    if ( !rc )
        *op = m.u.op.op;
    return rc;
}

/* The monitor's first: a domain before its name, a wake-up after it. */
void engine_receive(struct engine *e)
{
    struct text_msg t;
    unsigned int i;
    struct msg m;
    int fd, rc = 0;

    for ( i = 0; !rc && i < TURN; i++ )
    {
        rc = proto_receive_fd(e->fd, &m, MSG_DONTWAIT, &fd);
        if ( rc && rc != -EAGAIN )
            monitor_gone(rc);
        if ( !rc )
            got_message(e, &m, fd);
    }
    for ( i = 0; e->text >= 0 && i < TURN; i++ )
    {
        rc = proto_text_receive(e->text, &t, MSG_DONTWAIT);
        if ( rc == -EAGAIN )
            return;
        if ( rc || !got_text(e, &t) )
            unlink_text(e, rc != -EPIPE);
    }
}
