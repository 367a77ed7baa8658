/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-tbuf-ops.c: answer the recorder's operations from the trace buffers. */

#include <time.h>
#include <x86intrin.h>

#include "lib/xen/hyp-tbuf-impl.h"

static void op_status(struct hyp_tbuf *x, struct xen_flightrec_op_status *st)
{
    struct hyp_tbuf_op op;

    hyp_tbuf_expire(x);
    hyp_tbuf_go_on(x);
    *st = (struct xen_flightrec_op_status){
        .version = XEN_FLIGHTREC_VERSION,
        .state = HYP_ST_TBUF | (x->info ? XEN_FLIGHTREC_ST_CREATED : 0) |
                 (x->info && !x->consumer ? HYP_ST_UNREAD : 0) |
                 (x->running ? XEN_FLIGHTREC_ST_RUNNING : 0),
        .incarnation = x->info ? x->info_mfn : 0,
        .gen = x->gen,
        .released = x->released,
        .nr_cpus = x->nr_cpus,
        .tsc_khz = x->host.tsc_khz,
        .tsc_shift = tbuf_tsc_shift(x->host.tsc_khz),
        .causes = x->causes,
        .deferred = x->deferred,
        .expired = x->expired,
        .bytes_per_cpu = x->pages * TBUF_FRAME,
    };
    if ( !hyp_tbuf_raw(x, HYP_TBUF_GET_INFO, 0, &op) )
        st->mask[XEN_FLIGHTREC_CH_BUSY] = op.value;
}

/* Set the mask first: Xen enables tracing when it makes the buffers. */
static int op_create(struct hyp_tbuf *x, uint32_t bytes)
{
    int rc;

    if ( x->info )
        return x->pages == bytes / TBUF_FRAME ? 0 : -EEXIST;
    rc = hyp_tbuf_set_masks(x);
    if ( !rc )
        rc = hyp_tbuf_raw(x, HYP_TBUF_SET_SIZE, bytes / TBUF_FRAME, NULL);
    if ( !rc )
        rc = hyp_tbuf_find_buffers(x);
    if ( !rc && x->consumer )
        rc = hyp_tbuf_take_buffers(x);
    x->running = !rc && x->info;
    return rc;
}

static int op_switch(struct hyp_tbuf *x, bool on)
{
    int rc;

    if ( !x->info )
        return -ENODEV;
    rc = on ? hyp_tbuf_set_masks(x) : 0;
    if ( !rc )
        rc = hyp_tbuf_raw(x, on ? HYP_TBUF_ENABLE : HYP_TBUF_DISABLE, 0, NULL);
    if ( !rc )
        x->running = on;
    return rc;
}

static int op_mask(struct hyp_tbuf *x, struct xen_flightrec_op_mask *m)
{
    int rc;

    if ( m->how == XEN_FLIGHTREC_MASK_NEXT )
        m->event = 0; /* Xen cannot refuse single events here */
    if ( m->how != XEN_FLIGHTREC_MASK_SET )
        return m->how == XEN_FLIGHTREC_MASK_NEXT ? 0 : -EOPNOTSUPP;
    if ( m->channel != XEN_FLIGHTREC_CH_BUSY )
        return -EINVAL;
    rc = hyp_tbuf_raw(x, HYP_TBUF_SET_MASK, m->mask, NULL);
    if ( !rc )
        x->conf.mask = m->mask;
    return rc;
}

static uint64_t oldest_tsc(const struct tbuf_consumer *c)
{
    struct tbuf_record r;
    struct tbuf_iter it;
    uint32_t cons, fill;

    if ( tbuf_look(&c->t, &cons, &fill) )
        return 0;
    tbuf_iter_init(&it, &c->t, cons, fill);
    while ( tbuf_next(&it, &r) > 0 )
        if ( r.has_tsc )
            return r.tsc;
    return 0;
}

static int op_cpu(struct hyp_tbuf *x, struct xen_flightrec_op_cpu *o)
{
    const struct cpu *p = o->cpu < x->nr_cpus ? &x->cpu[o->cpu] : NULL;

    if ( !p || !p->present )
        return -ENODEV;
    *o = (struct xen_flightrec_op_cpu){
        .cpu = o->cpu, .channel = o->channel, .frames = x->pages,
        .flags = XEN_FLIGHTREC_CPU_ONLINE, .tsc = __rdtsc(),
    };
    if ( !x->consumer || o->channel != XEN_FLIGHTREC_CH_BUSY )
        return 0;
    o->lost[XEN_FLIGHTREC_LOST_BUSY] = p->c.lost;
    o->oldest_tsc = oldest_tsc(&p->c);
    return 0;
}

static int op_counters(struct hyp_tbuf *x, struct hyp_tbuf_counters *o)
{
    const struct cpu *p = o->cpu < x->nr_cpus ? &x->cpu[o->cpu] : NULL;
    const struct tbuf_consumer *c = &p->c;
    uint32_t cons, fill = 0;

    if ( !p || !p->present )
        return -ENODEV;
    if ( x->consumer )
        tbuf_look(&c->t, &cons, &fill);
    *o = (struct hyp_tbuf_counters){
        .cpu = o->cpu, .bytes = x->pages * TBUF_FRAME - TBUF_INDEX_BYTES,
        .fill = fill, .produced = c->pos + fill, .lost = c->lost,
        .moves = c->moves, .walks = c->walks, .walked_bytes = c->walked_bytes,
        .fulls = c->fulls, .resyncs = c->resyncs, .bogus = c->bogus,
    };
    return 0;
}

static void op_clock(struct xen_flightrec_op_clock *o)
{
    uint64_t wall = hyp_tbuf_clock_ns(CLOCK_REALTIME);

    *o = (struct xen_flightrec_op_clock){
        .tsc = __rdtsc(), .ns = hyp_tbuf_clock_ns(CLOCK_MONOTONIC),
        .wall_sec = wall / 1000000000, .wall_nsec = wall % 1000000000,
    };
}

int hyp_tbuf_serve(struct hyp *h, struct xen_flightrec_op *op)
{
    struct hyp_tbuf *x = to_tbuf(h);
    const struct generation *g;

    switch ( op->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        op_status(x, &op->u.status);
        return 0;
    case XEN_FLIGHTREC_OP_create:
        return op_create(x, op->u.create.bytes_per_cpu);
    case XEN_FLIGHTREC_OP_start:
    case XEN_FLIGHTREC_OP_stop:
        return op_switch(x, op->cmd == XEN_FLIGHTREC_OP_start);
    case XEN_FLIGHTREC_OP_freeze:
        return hyp_tbuf_op_freeze(x, &op->u.freeze);
    case XEN_FLIGHTREC_OP_quiesce:
        op->u.quiesce.pending = 0;
        return hyp_tbuf_generation(x, op->u.quiesce.gen) ? 0 : -ENOENT;
    case XEN_FLIGHTREC_OP_ack:
    case XEN_FLIGHTREC_OP_release:
    case HYP_OP_TBUF_FETCHED:
        return hyp_tbuf_op_gen(x, op->cmd, op->u.gen.gen);
    case XEN_FLIGHTREC_OP_trigger:
        g = hyp_tbuf_generation(x, op->u.trigger.gen);
        if ( g )
            op->u.trigger = g->t;
        return g ? 0 : -ENOENT;
    case XEN_FLIGHTREC_OP_mask:
        return op_mask(x, &op->u.mask);
    case XEN_FLIGHTREC_OP_causes:
        x->causes = op->u.causes.causes;
        return 0;
    case XEN_FLIGHTREC_OP_clock:
        op_clock(&op->u.clock);
        return 0;
    case XEN_FLIGHTREC_OP_cpu:
        return op_cpu(x, &op->u.cpu);
    case HYP_OP_TBUF_WINDOW:
        return hyp_tbuf_op_window(x, hyp_op_room(op));
    case HYP_OP_TBUF_COUNTERS:
        return op_counters(x, hyp_op_room(op));
    case XEN_FLIGHTREC_OP_destroy:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}
