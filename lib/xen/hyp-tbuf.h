/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf.h: a Xen without flight recorder, as one.
 *
 * This backend answers the recorder's operations from Xen's own trace buffers:
 * it keeps them overwriting (lib/xen/tbuf.h) and keeps the book of generations
 * itself.  A generation holds what the buffers have by not moving their
 * consumer indices until its reader has fetched them.  Since Xen itself does
 * not notice a death, a domain that is found to have crashed when domains are
 * listed (hyp_domains()) begins a generation.
 *
 * Who binds the VIRQ becomes the consumer, and is the only one that changes
 * anything; any other (the engine, a tool) only looks.
 *
 * Limits: only crashes that are seen through xenstored's @releaseDomain, so the
 * hold begins when they are seen; one channel; no count of what was
 * overwritten; pCPUs brought up after the buffers were made have none.
 */

#ifndef XENFLIGHT_HYP_TBUF_H
#define XENFLIGHT_HYP_TBUF_H

#include "lib/xen/hyp.h"
#include "lib/xen/tbuf.h"

/* In op_status.state: answered by this backend.  Xen never sets it. */
#define HYP_ST_TBUF          0x80000000U
/* ... by one who is not the consumer: nobody may be, and Xen be off. */
#define HYP_ST_UNREAD        0x40000000U

/* Operations of this backend's own: they never get to Xen. */
#define HYP_OP_TBUF_WINDOW   (XEN_FLIGHTREC_OP_BASE + 0x8000)
#define HYP_OP_TBUF_FETCHED  (XEN_FLIGHTREC_OP_BASE + 0x8001)
#define HYP_OP_TBUF_COUNTERS (XEN_FLIGHTREC_OP_BASE + 0x8002)

/* What a generation holds of a pCPU.  -ENOENT: not held, -ENODEV: no buffer. */
struct hyp_tbuf_window {
    uint32_t cpu;          /* in */
    uint32_t gen;          /* in */
    uint32_t cons;         /* out: index where it begins */
    uint32_t bytes;        /* out */
    uint64_t pos;          /* out: bytes before it, ever */
};

/*
 * FETCHED has struct xen_flightrec_op_gen: the reader has a copy of all windows
 * of the generation, the buffers may go on.
 */

struct hyp_tbuf_counters {
    uint32_t cpu;          /* in */
    uint32_t bytes;        /* out: of the buffer */
    uint32_t fill;
    uint32_t _pad;
    uint64_t produced;     /* bytes since we began */
    uint64_t lost;         /* records, by Xen's own account */
    uint64_t moves, walks, walked_bytes, fulls, resyncs, bogus;
};

static inline void *hyp_op_room(struct xen_flightrec_op *op)
{
    return op->u.pad;
}

enum hyp_tbuf_exit {
    HYP_TBUF_EXIT_AUTO,    /* disable if there were no buffers before */
    HYP_TBUF_EXIT_KEEP,
    HYP_TBUF_EXIT_DISABLE,
};

struct hyp_tbuf_conf {
    uint32_t mask;         /* events to record: xentrace's classes */
    uint32_t all_cpus;     /* set the CPU mask: what it was cannot be restored */
    uint32_t at_exit;      /* enum hyp_tbuf_exit */
    const char *state;     /* file for what is to be restored, NULL: none */
    void (*say)(const char *text); /* something to know, one line */
};

/* All but the classes that a guest controls outright or that XSA-477 is about. */
#define HYP_TBUF_MASK        (0x0ffff000U & ~0x08400000U)

/* Is this backend behind `h`? */
bool hyp_is_tbuf(const struct hyp *h);
/* Before the VIRQ is bound; nothing happens with another backend. */
void hyp_tbuf_configure(struct hyp *h, const struct hyp_tbuf_conf *conf);

#endif /* XENFLIGHT_HYP_TBUF_H */
