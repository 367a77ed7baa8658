/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rings-impl.h: between rings.c and rings-tbuf.c. */

#ifndef XENFLIGHT_RINGS_IMPL_H
#define XENFLIGHT_RINGS_IMPL_H

#include "lib/xen/rings.h"

/* What rings_map() does for Xen's trace buffers; r->map is there. */
int rings_tbuf_map(struct hyp *h, const struct xen_flightrec_op_status *st,
                   struct rings *r);
void rings_tbuf_free(struct rings_tbuf *t);

#endif /* XENFLIGHT_RINGS_IMPL_H */
