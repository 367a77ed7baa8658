/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/glue.h: the interfaces between the parts around the core.
 *
 * Who calls whom, each part only those before it: cpus, table, ring, state,
 * stream, crash, wake, pages, buffers, boot, bench, control.
 *
 * Locks, in the order they are taken: CPU maps, fr_lock, fr_trigger_lock.
 * fr_lock protects the set of buffers and the state that control operations
 * change; process context only.  fr_trigger_lock (crash.c) is a leaf, taken
 * with interrupts off in any context in which a domain dies.
 */

#ifndef __XEN_FLIGHTREC_GLUE_H__
#define __XEN_FLIGHTREC_GLUE_H__

#include <xen/mm.h>
#include <xen/spinlock.h>
#include <xen/tasklet.h>

#include <public/flightrec-events.h>

#include "ring.h"

/* state.c */

/*
 * One pCPU's recorder.  The core's state must come first.  Its memory consists
 * of blocks: the information page and the slots.
 */
struct fr_pcpu {
    struct fr_cpu core;
    struct fr_pcpu *next;  /* in fr_set.pcpus */
    struct tasklet adopt;
    uint32_t quiet[FR_HELD]; /* gen, if found quiescent: [gen % FR_HELD] */
    unsigned int made;     /* blocks allocated, from the first */
    unsigned int lent;     /* blocks lent to Dom0, from the first */
    unsigned int checked;  /* blocks found not mapped by check `check` */
    unsigned int check;
    struct tasklet pass;   /* see fr_pcpu_retire() */
    bool retired;
    bool passed;           /* the pCPU is outside of all records that used it */
};

enum fr_set_state {
    FR_SET_NONE,
    FR_SET_CREATING,       /* some pCPUs have buffers; cannot be mapped yet */
    FR_SET_CREATED,
    /* A destroy that is not complete: */
    FR_SET_DESTROYING,     /* some pages are no longer lent */
    FR_SET_RESTORING,      /* a page is mapped: they are lent again */
    FR_SET_FREEING,        /* out of use; waiting for pCPUs inside a record */
};

/*
 * The current set of buffers, protected by fr_lock; `state` is also read
 * without it.
 */
struct fr_set {
    enum fr_set_state state;
    struct xen_flightrec_op_create how; /* input of the create operation */
    struct fr_geometry geo[FR_CHANNELS];
    unsigned int frames;   /* of each pCPU's resource */
    uint64_t incarnation;  /* changes with each create */
    struct xen_flightrec_info *info;
    bool info_lent;
    struct fr_pcpu *pcpus; /* all; the last one that was begun is first */
    struct fr_pcpu *making; /* that one, while it is not complete */
    int error;             /* of a create that failed and is being destroyed */
    unsigned int check;    /* number of the next check for mapped pages */
    bool whole;            /* the set was complete before this destroy */
    bool ran;              /* events were recorded before this destroy */
};
extern struct fr_set fr_set;
extern spinlock_t fr_lock;
/* Initialised at boot; if not, all operations are refused.  Set by boot.c. */
extern bool fr_ready;

/* Return a pCPU's recorder; NULL if it has no buffers. */
static inline struct fr_pcpu *fr_pcpu(unsigned int cpu)
{
    struct fr_cpu *c = flightrec_cpu[cpu];

    return c ? container_of(c, struct fr_pcpu, core) : NULL;
}

/* Start and stop recording, with a mark in this pCPU's ring. */
void fr_start(void);
void fr_halt(void);
bool fr_running(void);
/* Record one of the recorder's own events on this pCPU, if it is running. */
void fr_mark(uint32_t event, const uint32_t *words, unsigned int nr);

/* crash.c */
/* As in struct xen_flightrec_op_status. */
struct fr_counts {
    uint32_t deferred, given_up, expired, suppressed;
};
extern struct fr_counts fr_counts;
extern uint32_t fr_causes;
extern unsigned int fr_lease_s;

/*
 * Begin a generation for t->cause and fill in t->cpu, t->ns, t->gen and t->tsc.
 * Any context except NMI.  Return 0; -EBUSY if all generations are held and the
 * oldest is being read, in which case a trigger that is not a request is
 * deferred; -ENODEV after a panic.
 */
int fr_gen_begin(struct xen_flightrec_trigger *t);
/* As fr_ack() and fr_release(); a release begins a deferred trigger. */
int fr_gen_ack(uint32_t gen);
int fr_gen_release(uint32_t gen);
/* The buffers go away: release all generations, drop a deferred trigger. */
void fr_gen_release_all(void);
/*
 * Update a crash kernel's view.  Must be called when a pCPU's buffers were
 * added or removed, and when the set begins or ends.
 */
void fr_root_cpu(unsigned int cpu);
void fr_root_set(void);

/*
 * pages.c: blocks of zeroed Xen heap on a pCPU's node.  alloc returns NULL if
 * there is no memory.  reclaim returns false, with nothing changed, if Dom0 has
 * a page of the block mapped.
 */
void *fr_pages_alloc(unsigned int cpu, unsigned int bytes);
void fr_pages_free(void *p, unsigned int bytes);
void fr_pages_lend(void *p, unsigned int bytes);
void fr_pages_lend_again(void *p, unsigned int bytes);
bool fr_pages_reclaim(void *p, unsigned int bytes);
bool fr_pages_are_mapped(const void *p, unsigned int bytes);
bool fr_page_is_mapped(const void *page);

/* buffers.c */

/*
 * Callers must hold the CPU maps and fr_lock.  Errors are those of the
 * operations in public/flightrec.h.  On -ERESTART other work is pending on this
 * pCPU, or another pCPU is inside a record: the caller must call again.
 */
int fr_buffers_create(const struct xen_flightrec_op_create *how);
int fr_buffers_destroy(void);
int fr_buffers_mapped(struct xen_flightrec_op_mapped *op);
/* A pCPU comes up: give it buffers, or prepare those that it has. */
void fr_buffers_cpu_up(unsigned int cpu);
/* Return the bytes of slots per pCPU. */
uint32_t fr_buffers_bytes(void);

/* wake.c: send VIRQ_FLIGHTREC_WAKE if a reader has armed it. */
extern uint32_t fr_wakes;  /* VIRQs sent */
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
