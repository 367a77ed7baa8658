/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp.c: choose the backend, and explain its errors. */

#include <errno.h>
#include <string.h>

#include "lib/xen/hyp-backend.h"

#define HOSTED "hosted:"

static int open_seam(const char *seam, struct hyp **out)
{
    if ( !seam || !strcmp(seam, "xen") )
        return hyp_xen_open(out);
    if ( !strncmp(seam, HOSTED, strlen(HOSTED)) )
        return hyp_hosted_open(seam + strlen(HOSTED), out);
    return -EINVAL;
}

static int has_recorder(struct hyp *h)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_status };

    return hyp_op(h, &o);
}

/* Without a recorder (-ENOSYS) fall back to the trace buffers. */
static int open_kind(struct hyp *h, enum hyp_kind kind, struct hyp **out)
{
    int rc = kind == HYP_TBUF ? -ENOSYS : has_recorder(h);

    if ( rc == -ENOSYS && kind != HYP_FLIGHTREC )
        return hyp_tbuf_open(h, out);
    *out = h;
    return rc;
}

int hyp_kind(const char *name, enum hyp_kind *kind)
{
    static const char *const names[] = {
        [HYP_AUTO] = "auto",
        [HYP_FLIGHTREC] = "flightrec",
        [HYP_TBUF] = "tbuf",
    };
    unsigned int i;

    for ( i = 0; i < sizeof(names) / sizeof(names[0]); i++ )
    {
        if ( strcmp(name, names[i]) )
            continue;
        *kind = i;
        return 0;
    }
    return -EINVAL;
}

/* KIND, SEAM or KIND@SEAM. */
static int parse_backend(const char *backend, enum hyp_kind *kind,
                         const char **seam)
{
    const char *at = strchr(backend, '@');
    char name[16] = "";

    *seam = at ? at + 1 : NULL;
    if ( at && (size_t)(at - backend) < sizeof(name) )
        memcpy(name, backend, at - backend);
    if ( !hyp_kind(at ? name : backend, kind) )
        return 0;
    *kind = HYP_AUTO;
    *seam = backend;
    return at ? -EINVAL : 0;
}

int hyp_open(const char *backend, struct hyp **out)
{
    enum hyp_kind kind = HYP_AUTO;
    const char *seam = NULL;
    struct hyp *h = NULL;
    int rc = backend ? parse_backend(backend, &kind, &seam) : 0;

    *out = NULL;
    if ( !rc )
        rc = open_seam(seam, &h);
    if ( !rc )
        rc = open_kind(h, kind, out);
    if ( rc )
    {
        hyp_close(h);
        *out = NULL;
    }
    return rc;
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
        return "no permission to open Xen's devices: run it as root";
    case ENOENT:
        return "no Xen devices (/dev/xen/privcmd): this is not a Xen Dom0, or "
               "its modules are not loaded: modprobe xen-privcmd xen-evtchn";
    case ENOSYS:
        return "this Xen has no flight recorder: boot one built with "
               "CONFIG_FLIGHTREC, or set backend = tbuf";
    case EPROTO:
        return "libxenctrl and Xen are of different releases: install the "
               "library of the running Xen";
    case EPERM:
        return "permission denied by Xen's security policy: this domain lacks "
               "the right \"tbufcontrol\"";
    case ENODEV:
        return "the recorder has no buffers: run \"xenflight start\", or boot "
               "Xen with flightrec=1M";
    case EEXIST:
        return "another process has bound the recorder's VIRQ: is another "
               "snapshotd running?";
    case EUSERS:
        return "VIRQ_TBUF is bound, probably by xentrace or xenbaked; Xen's "
               "trace buffers have one reader: end that first";
    case EBUSY:
        return "all generations are held by snapshots that are still being "
               "written";
    case EOPNOTSUPP:
        return "not possible with Xen's own trace buffers: they are made once "
               "a boot, with one size";
    case EINVAL:
        return "request not known to Xen or to the backend";
    default:
        return strerror(-rc);
    }
}
