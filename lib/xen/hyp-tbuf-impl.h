/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf-impl.h: shared by the files of the trace buffer backend.
 *
 *   hyp-tbuf.c            open and close
 *   hyp-tbuf-ops.c        the recorder's operations
 *   hyp-tbuf-deaths.c     domains that crashed
 *   hyp-tbuf-gen.c        the book of generations
 *   hyp-tbuf-bind.c       become the consumer; restore Xen's settings
 *   hyp-tbuf-consumer.c   move the consumer indices
 *   hyp-tbuf-buffers.c    find and map the buffers
 *   hyp-tbuf-raw.c        requests to the Xen below
 *
 * Each file uses only those below it.  All functions that return int return 0
 * or -errno.
 */

#ifndef XENFLIGHT_HYP_TBUF_IMPL_H
#define XENFLIGHT_HYP_TBUF_IMPL_H

#include <time.h>

#include "lib/xen/hyp-backend.h"
#include "lib/xen/hyp-tbuf.h"

/* One pCPU's buffer. */
struct cpu {
    bool present;
    bool reported;             /* its invalid indices are in the log */
    struct tbuf_consumer c;
    uint64_t end[XEN_FLIGHTREC_MAX_HELD]; /* of generation g: [g % ...] */
};

struct generation {
    struct xen_flightrec_trigger t;
    bool fetched;              /* the reader has a copy of all windows */
    uint64_t since_ns;         /* CLOCK_MONOTONIC */
};

struct hyp_tbuf {
    struct hyp hyp;
    struct hyp *raw;           /* the Xen below; owned */
    struct hyp_tbuf_conf conf;
    struct hyp_tbuf_host host;
    uint8_t *info;             /* a copy of t_info; NULL if no buffers */
    size_t info_bytes;
    uint64_t info_mfn;
    uint32_t pages;            /* of each buffer */
    uint32_t nr_cpus;
    struct cpu *cpu;

    bool consumer, running;
    uint32_t found_mask;       /* restored at exit */
    bool made;                 /* the buffers were made by us */

    uint32_t gen, released;    /* newest begun, newest released */
    struct generation g[XEN_FLIGHTREC_MAX_HELD];
    uint32_t causes, deferred, expired;

    struct hyp_domain *dom;    /* as listed last */
    unsigned int nr_dom;
    bool listed;
};

static inline struct hyp_tbuf *to_tbuf(struct hyp *h)
{
    return (struct hyp_tbuf *)h;
}

/*
 * hyp-tbuf-raw.c
 */

/* One line to the log of the process that configured the backend. */
void hyp_tbuf_log(const struct hyp_tbuf *x, const char *fmt, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* CLOCK_MONOTONIC stands in for Xen's system time, which is not readable. */
uint64_t hyp_tbuf_clock_ns(clockid_t clock);
/* @op receives the answer; NULL if the caller does not need it. */
int hyp_tbuf_raw(struct hyp_tbuf *x, uint32_t cmd, uint32_t value,
                 struct hyp_tbuf_op *op);

/*
 * hyp-tbuf-buffers.c
 */

/* Find Xen's trace buffers.  Return 0 with x->info NULL if there are none. */
int hyp_tbuf_find_buffers(struct hyp_tbuf *x);
void hyp_tbuf_forget_buffers(struct hyp_tbuf *x);
/* Map the buffer of a pCPU.  -ENODEV if it has none. */
int hyp_tbuf_map_cpu(struct hyp_tbuf *x, uint32_t cpu, bool writable,
                     void **out);

/*
 * hyp-tbuf-consumer.c
 */

/* Map all buffers writable and take over their consumer indices. */
int hyp_tbuf_take_buffers(struct hyp_tbuf *x);
/* The oldest generation that was not fetched yet; 0 if there is none. */
uint32_t hyp_tbuf_unfetched(const struct hyp_tbuf *x);
/*
 * Move the consumer index of each buffer that is half full.  A generation that
 * was not fetched keeps a quarter of the buffer.  @oldest: the oldest of them,
 * 0 if there is none.
 */
void hyp_tbuf_advance(struct hyp_tbuf *x, uint32_t oldest);
/* The same, but only if every generation was fetched. */
void hyp_tbuf_go_on(struct hyp_tbuf *x);

/*
 * hyp-tbuf-bind.c
 */

int hyp_tbuf_virq_bind(struct hyp *h, enum hyp_virq which, int *fd);
int hyp_tbuf_virq_ack(struct hyp *h, enum hyp_virq which);
/* Write the configured masks to Xen. */
int hyp_tbuf_set_masks(struct hyp_tbuf *x);
/* Restore the settings found at the bind, unless changed by others since. */
void hyp_tbuf_restore(struct hyp_tbuf *x);

/*
 * hyp-tbuf-gen.c
 */

/* Return a held generation, or NULL. */
struct generation *hyp_tbuf_generation(struct hyp_tbuf *x, uint32_t g);
/* Fill @t with a trigger of this moment, about no domain. */
void hyp_tbuf_trigger(struct xen_flightrec_trigger *t, uint8_t cause);
/*
 * Begin a generation.  Return -ENODEV if there are no buffers, -EBUSY if all
 * generations are held.
 */
int hyp_tbuf_begin(struct hyp_tbuf *x, const struct xen_flightrec_trigger *t);
/* Release the generations that no reader fetched within the lease. */
void hyp_tbuf_expire(struct hyp_tbuf *x);
/* The operations ack, release and HYP_OP_TBUF_FETCHED. */
int hyp_tbuf_op_gen(struct hyp_tbuf *x, uint32_t cmd, uint32_t gen);
int hyp_tbuf_op_freeze(struct hyp_tbuf *x, struct xen_flightrec_op_freeze *f);
int hyp_tbuf_op_window(struct hyp_tbuf *x, struct hyp_tbuf_window *w);

/*
 * hyp-tbuf-deaths.c
 */

/* List the domains; each that crashed since the last call is a trigger. */
int hyp_tbuf_domains(struct hyp *h, struct hyp_domain **list,
                     unsigned int *nr);

/*
 * hyp-tbuf-ops.c
 */

int hyp_tbuf_serve(struct hyp *h, struct xen_flightrec_op *op);

#endif /* XENFLIGHT_HYP_TBUF_IMPL_H */
