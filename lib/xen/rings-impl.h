/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rings-impl.h: the part of rings.c for trace buffers, in rings-tbuf.c. */

#ifndef XENFLIGHT_RINGS_IMPL_H
#define XENFLIGHT_RINGS_IMPL_H

#include "lib/xen/rings.h"

/* rings_map() for Xen's trace buffers.  @r->map must be allocated. */
int rings_tbuf_map(struct hyp *h, const struct xen_flightrec_op_status *st,
                   struct rings *r);
void rings_tbuf_free(struct rings_tbuf *t);

#endif /* XENFLIGHT_RINGS_IMPL_H */
