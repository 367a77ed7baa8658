/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp.c: choose the backend; words for what it answers. */

#include <errno.h>
#include <string.h>

#include "hyp-backend.h"

#define HOSTED "hosted:"

int hyp_open(const char *backend, struct hyp **out)
{
    *out = NULL;
    if ( !backend || !strcmp(backend, "xen") )
        return hyp_xen_open(out);
    if ( !strncmp(backend, HOSTED, strlen(HOSTED)) )
        return hyp_hosted_open(backend + strlen(HOSTED), out);
    return -EINVAL;
}

void hyp_close(struct hyp *h)
{
    if ( h )
        h->be->close(h);
}

int hyp_op(struct hyp *h, struct xen_flightrec_op *op)
{
    return h->be->op(h, op);
}

int hyp_virq_bind(struct hyp *h, enum hyp_virq which, int *fd)
{
    return h->be->virq_bind(h, which, fd);
}

int hyp_virq_ack(struct hyp *h, enum hyp_virq which)
{
    return h->be->virq_ack(h, which);
}

int hyp_map(struct hyp *h, uint32_t id, uint32_t frames, const void **out)
{
    return h->be->map(h, id, frames, out);
}

int hyp_domains(struct hyp *h, struct hyp_domain **list, unsigned int *nr)
{
    return h->be->domains(h, list, nr);
}

int hyp_version(struct hyp *h, struct hyp_version *v)
{
    memset(v, 0, sizeof(*v));
    return h->be->version(h, v);
}

const char *hyp_why(int rc)
{
    switch ( -rc )
    {
    case EACCES:
        return "Xen's devices may not be opened by this user: run it as root";
    case ENOENT:
        return "no Xen devices (/dev/xen/privcmd): this is not a Xen Dom0, or "
               "its modules are not loaded: modprobe xen-privcmd xen-evtchn";
    case ENOSYS:
        return "this Xen has no flight recorder: boot one that was built with "
               "CONFIG_FLIGHTREC";
    case EPROTO:
        return "this Xen is of another release than libxenctrl: install the "
               "library that belongs to the running Xen";
    case EPERM:
        return "Xen refuses the operation: its security policy does not give "
               "this domain the right \"tbufcontrol\"";
    case ENODEV:
        return "the recorder has no buffers: run \"xenflight start\", or boot "
               "Xen with flightrec=1M";
    case EEXIST:
        return "another process has bound the recorder's VIRQ: is another "
               "snapshotd running?";
    case EBUSY:
        return "the recorder can hold nothing more: all it has is held for "
               "snapshots that are still being written";
    case EINVAL:
        return "Xen or the backend does not know the request";
    default:
        return strerror(-rc);
    }
}
