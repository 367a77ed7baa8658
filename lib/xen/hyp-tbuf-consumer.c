/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf-consumer.c: move the consumer indices, so that the buffers overwrite
 * but keep the generations that were not fetched yet.
 */

#include "lib/xen/hyp-tbuf-impl.h"

#define KEEP_ALL UINT64_MAX

/*
 * Move an invalid consumer index to the producer; an invalid producer index
 * cannot be repaired.
 */
static void repair(struct hyp_tbuf *x, uint32_t cpu)
{
    struct cpu *p = &x->cpu[cpu];
    uint32_t prod = __atomic_load_n(&p->c.t.index[1], __ATOMIC_ACQUIRE);
    bool can = !(prod % 4) && prod < 2 * p->c.t.bytes;

    if ( !p->reported )
        hyp_tbuf_log(x,
                     "pCPU %u: invalid indices in the trace buffer (%#x, %#x), "
                     "another process writes there: %s",
                     cpu, p->c.t.index[0], prod,
                     can ? "dropping its history" : "skipping it");
    p->reported = true;
    if ( !can )
        return;
    __atomic_store_n(&p->c.t.index[0], prod, __ATOMIC_SEQ_CST);
    /* Xen has stopped tracing if it has read the invalid indices. */
    if ( x->running )
        hyp_tbuf_raw(x, HYP_TBUF_ENABLE, 0, NULL);
}

static int adopt_cpu(struct hyp_tbuf *x, uint32_t cpu)
{
    struct cpu *p = &x->cpu[cpu];
    void *map;
    int rc = hyp_tbuf_map_cpu(x, cpu, true, &map);

    if ( rc )
    {
        hyp_tbuf_log(x, "pCPU %u: cannot map the trace buffer: %s", cpu,
                     strerror(-rc));
        return rc;
    }
    if ( tbuf_consumer_init(&p->c, tbuf_of(map, x->pages)) )
    {
        repair(x, cpu);
        if ( tbuf_consumer_init(&p->c, tbuf_of(map, x->pages)) )
            p->present = false;
    }
    return 0;
}

int hyp_tbuf_take_buffers(struct hyp_tbuf *x)
{
    uint32_t cpu, n = 0;
    int rc = 0;

    for ( cpu = 0; !rc && cpu < x->nr_cpus; cpu++ )
    {
        if ( !x->cpu[cpu].present )
            continue;
        rc = adopt_cpu(x, cpu);
        n += !rc;
    }
    if ( !rc && n < x->host.online )
        hyp_tbuf_log(x,
                     "%u pCPUs have no trace buffer, they came up after the "
                     "buffers were made: not recorded until Xen reboots",
                     x->host.online - n);
    return rc;
}

uint32_t hyp_tbuf_unfetched(const struct hyp_tbuf *x)
{
    uint32_t g;

    for ( g = x->released + 1; g <= x->gen; g++ )
        if ( !x->g[g % XEN_FLIGHTREC_MAX_HELD].fetched )
            return g;
    return 0;
}

/* Generation @g needs the history from this position on. */
static uint64_t keep_for(const struct cpu *p, uint32_t g)
{
    uint64_t end = p->end[g % XEN_FLIGHTREC_MAX_HELD];

    return end > p->c.t.bytes / 4 ? end - p->c.t.bytes / 4 : 0;
}

void hyp_tbuf_advance(struct hyp_tbuf *x, uint32_t oldest)
{
    uint32_t cpu;
    struct cpu *p;

    for ( cpu = 0; x->consumer && cpu < x->nr_cpus; cpu++ )
    {
        p = &x->cpu[cpu];
        if ( p->present &&
             tbuf_consumer_advance(&p->c, oldest ? keep_for(p, oldest)
                                                 : KEEP_ALL) == -EBADMSG )
            repair(x, cpu);
    }
}

void hyp_tbuf_go_on(struct hyp_tbuf *x)
{
    if ( !hyp_tbuf_unfetched(x) )
        hyp_tbuf_advance(x, 0);
}
