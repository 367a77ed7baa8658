/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp.c: choose the backend; words for what it answers. */

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

/* Without a recorder (-ENOSYS) the trace buffers have to do. */
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
        return "Xen's devices may not be opened by this user: run it as root";
    case ENOENT:
        return "no Xen devices (/dev/xen/privcmd): this is not a Xen Dom0, or "
               "its modules are not loaded: modprobe xen-privcmd xen-evtchn";
    case ENOSYS:
        return "this Xen has no flight recorder: boot one that was built with "
               "CONFIG_FLIGHTREC, or set backend = tbuf";
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
    case EUSERS:
        return "VIRQ_TBUF is bound: xentrace or xenbaked is running, and Xen's "
               "trace buffers have one reader: end it first";
    case EBUSY:
        return "the recorder can hold nothing more: all it has is held for "
               "snapshots that are still being written";
    case EOPNOTSUPP:
        return "not with Xen's own trace buffers: they are made once a boot, "
               "of one size and for good";
    case EINVAL:
        return "Xen or the backend does not know the request";
    default:
        return strerror(-rc);
    }
}
