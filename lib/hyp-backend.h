/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-backend.h: what a backend of hyp.h provides.  For lib/hyp*.c only. */

#ifndef XENFLIGHT_HYP_BACKEND_H
#define XENFLIGHT_HYP_BACKEND_H

#include "hyp.h"

struct hyp_backend {
    void (*close)(struct hyp *h);
    int (*op)(struct hyp *h, struct xen_flightrec_op *op);
    int (*virq_bind)(struct hyp *h, enum hyp_virq which, int *fd);
    int (*virq_ack)(struct hyp *h, enum hyp_virq which);
    int (*map)(struct hyp *h, uint32_t id, uint32_t frames, const void **out);
    int (*domains)(struct hyp *h, struct hyp_domain **list, unsigned int *nr);
    int (*version)(struct hyp *h, struct hyp_version *v);
};

/* First member of each backend's own structure. */
struct hyp {
    const struct hyp_backend *be;
};

int hyp_xen_open(struct hyp **out);
int hyp_hosted_open(const char *dir, struct hyp **out);

#endif /* XENFLIGHT_HYP_BACKEND_H */
