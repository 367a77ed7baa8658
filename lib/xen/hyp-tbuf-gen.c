/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-tbuf-gen.c: the book of generations: begin, hold, fetch, release. */

#include <x86intrin.h>

#include "lib/xen/hyp-tbuf-impl.h"

#define NO_VCPU   0xffff
#define NO_DOMAIN 0x7ff4         /* DOMID_INVALID */

/*
 * A generation that no reader fetched for this long is released: the buffers
 * are full by then, and Xen drops new records.
 */
#define LEASE_NS  60000000000ULL

static struct generation *place(struct hyp_tbuf *x, uint32_t g)
{
    return &x->g[g % XEN_FLIGHTREC_MAX_HELD];
}

struct generation *hyp_tbuf_generation(struct hyp_tbuf *x, uint32_t g)
{
    return g > x->released && g <= x->gen ? place(x, g) : NULL;
}

static void hold(struct hyp_tbuf *x, uint32_t g)
{
    struct generation *gen = place(x, g);
    uint64_t prod;
    struct cpu *p;
    uint32_t cpu;

    gen->fetched = false;
    gen->since_ns = hyp_tbuf_clock_ns(CLOCK_MONOTONIC);
    for ( cpu = 0; cpu < x->nr_cpus; cpu++ )
    {
        p = &x->cpu[cpu];
        if ( !p->present )
            continue;
        prod = p->c.pos;
        tbuf_consumer_look(&p->c, &prod);
        p->end[g % XEN_FLIGHTREC_MAX_HELD] = prod;
    }
}

int hyp_tbuf_begin(struct hyp_tbuf *x, const struct xen_flightrec_trigger *t)
{
    if ( !x->info )
        return -ENODEV;
    if ( x->gen - x->released == XEN_FLIGHTREC_MAX_HELD )
    {
        x->deferred++;
        return -EBUSY;
    }
    x->gen++;
    place(x, x->gen)->t = *t;
    place(x, x->gen)->t.gen = x->gen;
    hold(x, x->gen);
    return 0;
}

static void release(struct hyp_tbuf *x)
{
    x->released++;
    place(x, x->released)->fetched = true;
    hyp_tbuf_advance(x, hyp_tbuf_unfetched(x));
}

void hyp_tbuf_expire(struct hyp_tbuf *x)
{
    const struct generation *g;
    uint64_t now = hyp_tbuf_clock_ns(CLOCK_MONOTONIC);

    while ( (g = hyp_tbuf_generation(x, x->released + 1)) && !g->fetched &&
            now - g->since_ns > LEASE_NS )
    {
        hyp_tbuf_log(x,
                     "generation %u: not fetched within %llu s, releasing it",
                     x->released + 1, LEASE_NS / 1000000000);
        x->expired++;
        release(x);
    }
}

void hyp_tbuf_trigger(struct xen_flightrec_trigger *t, uint8_t cause)
{
    *t = (struct xen_flightrec_trigger){
        .cause = cause, .cpu = XEN_FLIGHTREC_NO_CPU, .domid = NO_DOMAIN,
        .vcpu = NO_VCPU, .tsc = __rdtsc(),
        .ns = hyp_tbuf_clock_ns(CLOCK_MONOTONIC),
    };
}

int hyp_tbuf_op_gen(struct hyp_tbuf *x, uint32_t cmd, uint32_t gen)
{
    struct generation *g = hyp_tbuf_generation(x, gen);

    if ( !g )
        return -ENOENT;
    if ( cmd == XEN_FLIGHTREC_OP_release && gen != x->released + 1 )
        return -EINVAL;
    switch ( cmd )
    {
    case XEN_FLIGHTREC_OP_release:
        release(x);
        break;
    case HYP_OP_TBUF_FETCHED:
        g->fetched = true;
        hyp_tbuf_advance(x, hyp_tbuf_unfetched(x));
        break;
    default:
        g->t.flags |= XEN_FLIGHTREC_TRG_ACKED;
        /* Its reader has died: hold the current content again. */
        if ( g->fetched )
        {
            hold(x, gen);
            g->t.flags |= XEN_FLIGHTREC_TRG_DEFERRED;
        }
    }
    return 0;
}

int hyp_tbuf_op_freeze(struct hyp_tbuf *x, struct xen_flightrec_op_freeze *f)
{
    struct xen_flightrec_trigger t;
    int rc;

    hyp_tbuf_trigger(&t, XEN_FLIGHTREC_CAUSE_REQUEST);
    t.reason = f->reason;
    rc = hyp_tbuf_begin(x, &t);
    f->gen = x->gen;
    return rc;
}

int hyp_tbuf_op_window(struct hyp_tbuf *x, struct hyp_tbuf_window *w)
{
    struct cpu *p;
    uint64_t end;

    if ( !hyp_tbuf_generation(x, w->gen) )
        return -ENOENT;
    if ( w->cpu >= x->nr_cpus || !x->cpu[w->cpu].present )
        return -ENODEV;
    p = &x->cpu[w->cpu];
    end = p->end[w->gen % XEN_FLIGHTREC_MAX_HELD];
    w->cons = tbuf_index(&p->c, p->c.pos);
    w->bytes = end > p->c.pos ? end - p->c.pos : 0;
    w->pos = p->c.pos;
    return 0;
}
