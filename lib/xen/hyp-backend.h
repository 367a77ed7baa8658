/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-backend.h: the functions of a backend.  For lib/xen/hyp*.c only. */

#ifndef XENFLIGHT_HYP_BACKEND_H
#define XENFLIGHT_HYP_BACKEND_H

#include "lib/xen/hyp.h"

/* Requests to Xen's own trace buffers, made by hyp-tbuf-*.c. */
enum hyp_tbuf_cmd {
    HYP_TBUF_GET_INFO,     /* value: event mask; mfn (0: none), size: t_info */
    HYP_TBUF_SET_MASK,     /* value */
    HYP_TBUF_SET_SIZE,     /* value: frames of each buffer; once a boot */
    HYP_TBUF_ALL_CPUS,
    HYP_TBUF_ENABLE,
    HYP_TBUF_DISABLE,
};

struct hyp_tbuf_op {
    uint32_t cmd;          /* enum hyp_tbuf_cmd */
    uint32_t value;
    uint64_t mfn;
    uint32_t size;         /* bytes */
    uint32_t _pad;
};

struct hyp_tbuf_host {
    uint32_t tsc_khz;
    uint32_t max_cpus;     /* pCPU numbers are below this */
    uint32_t online;
    uint32_t shadow;       /* Xen has shadow paging */
};

/*
 * host, tbuf, map_frames and unmap are set only in backends that talk to a Xen,
 * not in the one on top of them.
 */
struct hyp_backend {
    void (*close)(struct hyp *h);
    int (*op)(struct hyp *h, struct xen_flightrec_op *op);
    int (*virq_bind)(struct hyp *h, enum hyp_virq which, int *fd);
    int (*virq_ack)(struct hyp *h, enum hyp_virq which);
    int (*map)(struct hyp *h, uint32_t id, uint32_t frames, const void **out);
    int (*domains)(struct hyp *h, struct hyp_domain **list, unsigned int *nr);
    int (*version)(struct hyp *h, struct hyp_version *v);
    int (*host)(struct hyp *h, struct hyp_tbuf_host *out);
    int (*tbuf)(struct hyp *h, struct hyp_tbuf_op *op);
    int (*map_frames)(struct hyp *h, const uint32_t *mfn, uint32_t frames,
                      bool writable, void **out);
    void (*unmap)(void *map, size_t bytes);
};

/* First member of each backend's own structure. */
struct hyp {
    const struct hyp_backend *be;
};

int hyp_xen_open(struct hyp **out);
int hyp_hosted_open(const char *dir, struct hyp **out);
/*
 * Open the backend on top of @raw, and take ownership of @raw.  On error @raw
 * stays the caller's.
 */
int hyp_tbuf_open(struct hyp *raw, struct hyp **out);

#endif /* XENFLIGHT_HYP_BACKEND_H */
