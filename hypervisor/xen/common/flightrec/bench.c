/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/bench.c: measure the cost of a trace point on this pCPU with
 * the active sinks: the recorder, the trace buffers, both, or none.
 *
 * The recorder writes into a ring made for this, so that no history is
 * overwritten.  Interrupts are off for one batch at a time.
 */

#include <xen/flightrec.h>
#include <xen/sched.h>
#include <xen/trace.h>

#include "glue.h"

#define FR_BENCH_RECORDS 4096 /* limit per operation */
#define FR_BENCH_BATCH   256
#define FR_BENCH_BYTES   XEN_FLIGHTREC_MIN_CPU_BYTES
/* An event that goes to busy only. */
#define FR_BENCH_EVENT   TRC_MEM_PAGE_GRANT_MAP

/* One block of heap holds the core's state, the information page, the slots. */
struct fr_bench {
    void *block, *next;
    unsigned int order;
    struct fr_geometry geo[FR_CHANNELS];
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS];
};

static uint32_t *cf_check fr_bench_slot(void *arg, unsigned int channel,
                                        unsigned int index)
{
    struct fr_bench *b = arg;
    void *slot = b->next;

    b->next += b->geo[channel].slot_bytes;
    return slot;
}

static int fr_bench_init(struct fr_bench *b)
{
    unsigned int core = PFN_UP(sizeof(struct fr_cpu)), i;
    unsigned int bytes = (core + 1) * PAGE_SIZE + FR_BENCH_BYTES;
    int rc = fr_geometry(FR_BENCH_BYTES, 0, 0, b->geo);

    if ( rc )
        return rc;
    b->order = get_order_from_bytes(bytes);
    b->block = alloc_xenheap_pages(b->order, 0);
    if ( !b->block )
        return -ENOMEM;
    for ( i = 0; i < 1U << b->order; i++ )
        clear_page(b->block + i * PAGE_SIZE);
    b->next = b->block + (core + 1) * PAGE_SIZE;
    fr_cpu_init(b->block, smp_processor_id(), 0, b->geo,
                b->block + core * PAGE_SIZE, fr_bench_slot, b);
    return 0;
}

/* A trace point with its gate and a timestamp, as in this version of Xen. */
static inline void fr_bench_point(const struct fr_bench *b, unsigned int bytes)
{
#ifdef TRACE_TIME /* 4.20 */
    if ( unlikely(tb_init_done) )
        trace_time(FR_BENCH_EVENT, bytes, b->data);
#else
    trace_var(FR_BENCH_EVENT, 1, bytes, b->data);
#endif
}

/* Write n records; those of NMIs on this pCPU are added to them. */
static uint64_t fr_bench_records(struct fr_bench *b, unsigned int n,
                                 unsigned int bytes)
{
    struct fr_cpu **mine = &flightrec_cpu[smp_processor_id()];
    struct fr_cpu *real;
    unsigned long flags = fr_irq_save();
    uint64_t t;

    real = *mine;
    fr_write(*mine, b->block);
    t = rdtsc_ordered();
    while ( n-- )
        fr_bench_point(b, bytes);
    t = rdtsc_ordered() - t;
    fr_write(*mine, real);
    fr_irq_restore(flags);

    return t;
}

/* The lower bound: the same number of TSC reads and of bytes stored. */
static uint64_t fr_bench_floor(struct fr_bench *b, unsigned int n,
                               unsigned int bytes)
{
    const struct fr_cpu *c = b->block;
    uint32_t *first = c->ring[XEN_FLIGHTREC_CH_BUSY].slot[0].data, *to = first;
    unsigned int words = bytes / 4, i;
    unsigned long flags = fr_irq_save();
    uint64_t t = rdtsc_ordered();

    while ( n-- )
    {
        fr_write(*to++, (uint32_t)fr_clock());
        for ( i = 0; i < words; i++ )
            fr_write(*to++, b->data[i]);
        if ( to + 8 > first + XEN_FLIGHTREC_MIN_SLOT_BYTES / 4 )
            to = first;
    }
    t = rdtsc_ordered() - t;
    fr_irq_restore(flags);

    return t;
}

int fr_bench(struct xen_flightrec_op_bench *op)
{
    struct fr_bench b = {};
    unsigned int done, n, bytes = op->words * 4;
    struct xen_flightrec_op_cpu counted = {};
    int rc;

    if ( !op->records || op->records > FR_BENCH_RECORDS ||
         op->words > XEN_FLIGHTREC_MAX_WORDS )
        return -EINVAL;
    rc = fr_bench_init(&b);
    if ( rc )
        return rc;

    op->sinks = ACCESS_ONCE(tb_init_done);
    for ( done = 0; done < op->records; done += n )
    {
        n = min(op->records - done, 0U + FR_BENCH_BATCH);
        op->cycles += fr_bench_records(&b, n, bytes);
        op->floor += fr_bench_floor(&b, n, bytes);
    }
    fr_cpu_counters(b.block, XEN_FLIGHTREC_CH_BUSY, &counted);
    op->recorded = counted.emitted;
    free_xenheap_pages(b.block, b.order);
    return 0;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
