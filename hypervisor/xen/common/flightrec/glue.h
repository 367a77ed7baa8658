/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/glue.h: what the parts around the core know of each other.
 *
 * Locks, in the order they are taken: CPU maps, fr_lock, fr_trigger_lock.
 * fr_lock covers the set of buffers and what control operations change; process
 * context only.  fr_trigger_lock (crash.c) is a leaf, taken with interrupts off
 * from wherever a domain dies.
 */

#ifndef __XEN_FLIGHTREC_GLUE_H__
#define __XEN_FLIGHTREC_GLUE_H__

#include <xen/mm.h>
#include <xen/rcupdate.h>
#include <xen/spinlock.h>
#include <xen/tasklet.h>

#include <public/flightrec-events.h>

#include "ring.h"

/* state.c */

/* One pCPU's memory; the core's state comes first. */
struct fr_pcpu {
    struct fr_cpu core;
    struct tasklet adopt;
    struct rcu_head rcu;
};

enum fr_set_state {
    FR_SET_NONE,
    FR_SET_CREATING,       /* some pCPUs have theirs; not to be mapped yet */
    FR_SET_CREATED,
    FR_SET_DESTROYING,     /* some pCPUs' pages are not lent any more */
};

/* The current set of buffers; under fr_lock, but `state` is also peeked at. */
struct fr_set {
    enum fr_set_state state;
    struct xen_flightrec_op_create how;
    struct fr_geometry geo[FR_CHANNELS];
    unsigned int frames;   /* of each pCPU's resource */
    uint64_t incarnation;
    struct xen_flightrec_info *info;
    /* How far a destroy has come: pCPUs below these are done. */
    unsigned int looked, taken;
    bool ran;              /* was recording when that destroy stopped it */
};
extern struct fr_set fr_set;
extern spinlock_t fr_lock;

static inline struct fr_pcpu *fr_pcpu(unsigned int cpu)
{
    return container_of(flightrec_cpu[cpu], struct fr_pcpu, core);
}

void fr_start(void);
void fr_halt(void);
bool fr_running(void);
/* Write one of our own events into this pCPU's ring. */
void fr_mark(uint32_t event, const uint32_t *words, unsigned int nr);

/* crash.c */
struct fr_counts {
    uint32_t deferred, given_up, expired, suppressed;
};
extern struct fr_counts fr_counts;
extern uint32_t fr_causes;
extern unsigned int fr_lease_s;

/* Begin a generation for t->cause; t->cpu, ->ns and, if 0, ->gen are set here. */
int fr_gen_begin(struct xen_flightrec_trigger *t);
int fr_gen_ack(uint32_t gen);
int fr_gen_release(uint32_t gen);
void fr_gen_release_all(void);
/* Some buffers have come or gone: what a crash kernel is to find. */
void fr_root_update(void);

/* buffers.c */

/*
 * With CPU maps and fr_lock held.  -ERESTART: others must run first; progress
 * is kept in fr_set and flightrec_cpu[], call again.
 */
int fr_buffers_create(const struct xen_flightrec_op_create *how);
int fr_buffers_destroy(void);
int fr_buffers_mapped(struct xen_flightrec_op_mapped *op);
/* Bytes of slots a pCPU has. */
uint32_t fr_buffers_bytes(void);

/* wake.c: VIRQ_FLIGHTREC_WAKE, if a reader waits for it. */
extern uint32_t fr_wakes;
void fr_wake_now(void);

/* bench.c */
#ifdef CONFIG_FLIGHTREC_BENCH
int fr_bench(struct xen_flightrec_op_bench *op);
#else
static inline int fr_bench(struct xen_flightrec_op_bench *op)
{
    return -EINVAL;
}
#endif

#endif /* __XEN_FLIGHTREC_GLUE_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
