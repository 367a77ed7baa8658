/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * questions.c: answer the engine's questions; part of the monitor.  Each number
 * in a question is hostile: it is checked, or passed to Xen, which checks it.
 */

#include "snapshotd/monitor/questions.h"

#include <errno.h>
#include <string.h>

#include "lib/xen/hyp-tbuf.h"
#include "snapshotd/common/now.h"

int monitor_op(void *hyp, struct xen_flightrec_op *op)
{
    return hyp_op(hyp, op);
}

/* Operations unknown to Xen go to the backend that has them, or nowhere. */
static int tbuf_filter(const struct questions *q,
                       const struct xen_flightrec_op *in,
                       struct xen_flightrec_op *out)
{
    struct hyp_tbuf_window w;

    if ( !hyp_is_tbuf(q->hyp) )
        return -EPERM;
    memcpy(&w, in->u.pad, sizeof(w));
    memcpy(out->u.pad, &w.cpu, sizeof(w.cpu));
    if ( in->cmd == HYP_OP_TBUF_WINDOW )
        memcpy(out->u.pad + sizeof(w.cpu), &w.gen, sizeof(w.gen));
    return 0;
}

/* A fresh structure with the input of this operation and nothing else. */
static int op_filter(const struct questions *q,
                     const struct xen_flightrec_op *in,
                     struct xen_flightrec_op *out)
{
    *out = (struct xen_flightrec_op){ .cmd = in->cmd };
    switch ( in->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
    case XEN_FLIGHTREC_OP_clock:
        return 0;

    case XEN_FLIGHTREC_OP_quiesce:
        out->u.quiesce.gen = in->u.quiesce.gen;
        return 0;

    case XEN_FLIGHTREC_OP_release:
        out->u.gen.gen = in->u.gen.gen;
        return 0;

    case HYP_OP_TBUF_FETCHED:
        out->u.gen.gen = in->u.gen.gen;
        return hyp_is_tbuf(q->hyp) ? 0 : -EPERM;

    case XEN_FLIGHTREC_OP_cpu:
        out->u.cpu.cpu = in->u.cpu.cpu;
        out->u.cpu.channel = in->u.cpu.channel;
        return 0;

    case HYP_OP_TBUF_WINDOW:
    case HYP_OP_TBUF_COUNTERS:
        return tbuf_filter(q, in, out);

    default:
        return -EPERM;
    }
}

static int answer_op(struct questions *q, const struct msg_op *in,
                     struct msg_op *out)
{
    int rc = op_filter(q, &in->op, &out->op);

    if ( !rc )
        rc = hyp_op(q->hyp, &out->op);
    if ( rc || in->op.cmd != XEN_FLIGHTREC_OP_release )
        return rc;
    q->reading = 0;
    q->released = in->op.u.gen.gen;
    policy_forget(&q->policy);
    return 0;
}

/*
 * TAKE.
 */

#define CLOCK_TRIES 3

static uint64_t halfway(uint64_t a, uint64_t b)
{
    return a + (b - a) / 2;
}

/*
 * A moment on all clocks.  Dom0's are read before and after Xen's; the distance
 * bounds the error of the pair.  The narrowest of a few.
 */
static int read_clocks(struct questions *q, struct clock_pair *out)
{
    uint64_t narrowest = UINT64_MAX;
    unsigned int i;

    for ( i = 0; i < CLOCK_TRIES; i++ )
    {
        struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_clock };
        const uint64_t wall = now_ns(CLOCK_REALTIME);
        const uint64_t mono = now_ns(CLOCK_MONOTONIC);
        int rc = hyp_op(q->hyp, &o);
        const uint64_t mono_after = now_ns(CLOCK_MONOTONIC);
        const uint64_t wall_after = now_ns(CLOCK_REALTIME);

        if ( rc )
            return rc;
        /* By the monotonic clock: the wall clock may be set in between. */
        if ( mono_after - mono >= narrowest )
            continue;
        narrowest = mono_after - mono;
        *out = (struct clock_pair){
            .tsc = o.u.clock.tsc,
            .ns = o.u.clock.ns,
            .wall_ns = halfway(wall, wall_after),
            .mono_ns = halfway(mono, mono_after),
            .width_ns = wall_after > wall ? wall_after - wall : narrowest,
        };
    }
    return 0;
}

/* The engine reads it from now on: should it die, that is on this account. */
static int acknowledge(struct questions *q, uint32_t gen)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_ack,
                                  .u.gen.gen = gen };
    int rc = hyp_op(q->hyp, &o);

    if ( !rc && gen != q->reading )
    {
        q->reading = gen;
        q->deaths = 0;
    }
    return rc;
}

/* Xen's trigger decides, not the engine's view of it. */
static int answer_take(struct questions *q, uint32_t gen,
                       struct msg_take *out)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                  .u.trigger.gen = gen };
    const struct xen_flightrec_trigger *t = &o.u.trigger;
    int rc;

    out->gen = gen;
    if ( !gen )
        return read_clocks(q, &out->now);
    q->takes += gen != q->asked;
    q->asked = gen;
    rc = acknowledge(q, gen);
    if ( !rc )
        rc = hyp_op(q->hyp, &o);
    if ( !rc )
        rc = read_clocks(q, &out->now);
    if ( rc )
        return rc;
    out->trigger = *t;
    out->outcome = policy_generation(&q->policy, q->conf, t,
                                     now_ns(CLOCK_MONOTONIC), &q->counters);
    if ( t->cause < STORE_CAUSES )
        out->count = q->counters.of[out->outcome][t->cause];
    return 0;
}

/*
 * FREEZE.
 */

/*
 * Should the engine die now, the next one must not freeze another generation for
 * the requests that this one answers.  A captured engine cannot cover requests
 * that were not made yet.
 */
static void note_freeze(struct questions *q, const struct msg_freeze *in,
                        uint32_t gen)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                  .u.trigger.gen = gen };
    struct freeze *f = &q->freeze[PROTO_FREEZES - 1];
    unsigned int i;

    memmove(q->freeze, q->freeze + 1, sizeof(q->freeze) - sizeof(*f));
    *f = (struct freeze){ .gen = gen };
    if ( !hyp_op(q->hyp, &o) )
    {
        f->tsc = o.u.trigger.tsc;
        f->ns = o.u.trigger.ns;
    }
    for ( i = 0; i < REQUEST_SOURCES; i++ )
        f->number[i] = in->number[i] < *q->number ? in->number[i] : *q->number;
}

void monitor_forget_freezes(struct questions *q)
{
    memset(q->freeze, 0, sizeof(q->freeze));
}

static int answer_freeze(struct questions *q, const struct msg_freeze *in,
                         struct msg_freeze *out)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_freeze };
    const bool guest = in->guest;
    int rc;

    out->outcome = policy_requests(&q->policy, q->conf, guest,
                                   now_ns(CLOCK_MONOTONIC), &q->counters);
    out->count = q->counters.of[out->outcome][guest
                                    ? STORE_CAUSE_GUEST
                                    : XEN_FLIGHTREC_CAUSE_REQUEST];
    if ( out->outcome != OUTCOME_WRITTEN )
        return 0;
    rc = hyp_op(q->hyp, &o);
    if ( rc )
        return rc;
    out->gen = o.u.freeze.gen;
    note_freeze(q, in, out->gen);
    return 0;
}

void monitor_question(struct questions *q, const struct msg *in)
{
    struct msg *r = &q->reply;

    memset(r, 0, sizeof(*r));
    r->type = MSG_REPLY;
    r->seq = in->seq;
    switch ( in->type )
    {
    case MSG_OP:
        r->rc = answer_op(q, &in->u.op, &r->u.op);
        break;
    case MSG_TAKE:
        r->rc = answer_take(q, in->u.take.gen, &r->u.take);
        break;
    case MSG_FREEZE:
        r->rc = answer_freeze(q, &in->u.freeze, &r->u.freeze);
        break;
    default:
        r->rc = -EPERM;
    }
    q->reply_owed = true;
}
