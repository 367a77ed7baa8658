/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status.c: read and check the recorder's status; asks Xen only through @op. */

#include <errno.h>

#include "lib/xen/hyp.h"

#define MAX_CPUS 4096

int hyp_status(hyp_op_fn *op, void *arg, struct xen_flightrec_op_status *st)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_status };
    int rc = op(arg, &o);

    if ( rc )
        return rc;
    if ( o.u.status.version != XEN_FLIGHTREC_VERSION ||
         o.u.status.nr_cpus > MAX_CPUS )
        return -EPROTO;
    *st = o.u.status;
    return 0;
}
