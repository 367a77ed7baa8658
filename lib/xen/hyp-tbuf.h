/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf.h: the recorder's operations on a Xen without flight recorder.
 *
 * This backend answers the operations from Xen's own trace buffers: it makes
 * them overwrite (lib/xen/tbuf.h) and keeps the book of generations itself.
 * To hold a generation it leaves the consumer indices where they are until the
 * reader has fetched the buffers.  This Xen does not report a crash, so a
 * domain that is found crashed when domains are listed (hyp_domains()) begins
 * a generation.
 *
 * The process that binds the VIRQ becomes the consumer, and only it changes
 * anything.  Others (the engine, a tool) only read.
 *
 * Limits: crashes are noticed through xenstored's @releaseDomain, so the hold
 * begins late; one channel; overwritten records are not counted; pCPUs brought
 * up after the buffers were made have none.
 */

#ifndef XENFLIGHT_HYP_TBUF_H
#define XENFLIGHT_HYP_TBUF_H

#include "lib/xen/hyp.h"
#include "lib/xen/tbuf.h"

/* In op_status.state: the answer is from this backend.  Xen never sets it. */
#define HYP_ST_TBUF          0x80000000U
/*
 * Also set if this process is not the consumer: there may be none, and tracing
 * may be off.
 */
#define HYP_ST_UNREAD        0x40000000U

/* Operations of this backend only: they never reach Xen. */
#define HYP_OP_TBUF_WINDOW   (XEN_FLIGHTREC_OP_BASE + 0x8000)
#define HYP_OP_TBUF_FETCHED  (XEN_FLIGHTREC_OP_BASE + 0x8001)
#define HYP_OP_TBUF_COUNTERS (XEN_FLIGHTREC_OP_BASE + 0x8002)

/*
 * The part of a buffer that a generation holds.  -ENOENT if the generation is
 * not held, -ENODEV if the pCPU has no buffer.
 */
struct hyp_tbuf_window {
    uint32_t cpu;          /* in */
    uint32_t gen;          /* in */
    uint32_t cons;         /* out: index where it begins */
    uint32_t bytes;        /* out */
    uint64_t pos;          /* out: bytes consumed before it */
};

/*
 * FETCHED takes struct xen_flightrec_op_gen: the reader has copied all windows
 * of the generation, so the buffers may overwrite again.
 */

struct hyp_tbuf_counters {
    uint32_t cpu;          /* in */
    uint32_t bytes;        /* out: of the buffer */
    uint32_t fill;
    uint32_t _pad;
    uint64_t produced;     /* bytes since this process became the consumer */
    uint64_t lost;         /* records, as Xen reports them */
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
    uint32_t all_cpus;     /* set the CPU mask; it cannot be restored */
    uint32_t at_exit;      /* enum hyp_tbuf_exit */
    const char *state;     /* file for the settings to restore; NULL: none */
    void (*say)(const char *text); /* log one line; may be NULL */
};

/* All classes but those a guest controls outright and the one of XSA-477. */
#define HYP_TBUF_MASK        (0x0ffff000U & ~0x08400000U)

/* Return true if @h is this backend. */
bool hyp_is_tbuf(const struct hyp *h);
/* Must be called before the VIRQ is bound.  No effect on another backend. */
void hyp_tbuf_configure(struct hyp *h, const struct hyp_tbuf_conf *conf);

#endif /* XENFLIGHT_HYP_TBUF_H */
