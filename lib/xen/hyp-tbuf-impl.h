/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-tbuf-impl.h: between hyp-tbuf.c and hyp-tbuf-deaths.c. */

#ifndef XENFLIGHT_HYP_TBUF_IMPL_H
#define XENFLIGHT_HYP_TBUF_IMPL_H

#include "lib/xen/hyp-backend.h"
#include "lib/xen/hyp-tbuf.h"

struct cpu {
    bool present, told;
    struct tbuf_consumer c;
    uint64_t end[XEN_FLIGHTREC_MAX_HELD]; /* of generation g: [g % ...] */
};

struct generation {
    struct xen_flightrec_trigger t;
    bool fetched;
    uint64_t since_ns;
};

struct hyp_tbuf {
    struct hyp hyp;
    struct hyp *raw;
    struct hyp_tbuf_conf conf;
    struct hyp_tbuf_host host;
    uint8_t *info;             /* a copy of t_info, NULL: no buffers */
    size_t info_bytes;
    uint64_t info_mfn;
    uint32_t pages;            /* of each buffer */
    uint32_t nr_cpus;
    struct cpu *cpu;

    bool consumer, running;
    uint32_t found_mask;       /* to be restored */
    bool made;                 /* there were no buffers before us */

    uint32_t gen, released;
    struct generation g[XEN_FLIGHTREC_MAX_HELD];
    uint32_t causes, deferred, expired;

    struct hyp_domain *dom;    /* as listed last */
    unsigned int nr_dom;
    bool listed;
};

/* To whoever configured the backend. */
void hyp_tbuf_say(const struct hyp_tbuf *x, const char *fmt, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* A trigger of this moment, about no domain. */
void hyp_tbuf_trigger(struct xen_flightrec_trigger *t, uint8_t cause);
/* Begins a generation.  -ENODEV: no buffers; -EBUSY: nothing left to hold. */
int hyp_tbuf_begin(struct hyp_tbuf *x, const struct xen_flightrec_trigger *t);

/* Lists the domains; one that crashed since the last time is a trigger. */
int hyp_tbuf_domains(struct hyp *h, struct hyp_domain **list,
                     unsigned int *nr);

#endif /* XENFLIGHT_HYP_TBUF_IMPL_H */
