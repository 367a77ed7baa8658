/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-xen.c: the backend that talks to Xen through its libraries.  Only this
 * file includes them, apart from xenstore's.  It takes no decisions.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xentoollog.h>

#include "lib/xen/hyp-backend.h"

struct hyp_xen {
    struct hyp hyp;
    xentoollog_logger log;       /* keeps the libraries silent */
    xc_interface *xch;
    xenforeignmemory_handle *fmem;
    xenevtchn_handle *evtchn[HYP_VIRQS];
    xenevtchn_port_or_error_t port[HYP_VIRQS];
};

_Static_assert(sizeof(struct xen_flightrec_op) <=
                   sizeof(((struct xen_sysctl *)0)->u),
               "the operation overlays the sysctl's union");

static struct hyp_xen *to_xen(struct hyp *h)
{
    return (struct hyp_xen *)h;
}

/* Our callers report failures; the libraries' lines would repeat them. */
static void log_nothing(struct xentoollog_logger *logger,
                        xentoollog_level level, int errnoval,
                        const char *context, const char *format, va_list al)
{
}

static void progress_nothing(struct xentoollog_logger *logger,
                             const char *context, const char *doing,
                             int percent, unsigned long done,
                             unsigned long total)
{
}

static void log_destroy(struct xentoollog_logger *logger)
{
}

static void xen_close(struct hyp *h)
{
    struct hyp_xen *x = to_xen(h);
    unsigned int i;

    for ( i = 0; i < HYP_VIRQS; i++ )
        if ( x->evtchn[i] )
            xenevtchn_close(x->evtchn[i]);
    if ( x->fmem )
        xenforeignmemory_close(x->fmem);
    if ( x->xch )
        xc_interface_close(x->xch);
    free(x);
}

/*
 * Xen checks the interface version first and answers EACCES.  An unknown
 * tbuf_op is EINVAL, and a Xen without trace buffers answers ENOSYS.  The
 * recorder itself never answers EINVAL to `status`.
 */
static int op_error(uint32_t cmd, int err)
{
    switch ( err )
    {
    case EACCES:
        return -EPROTO;
    case EINVAL:
    case EOPNOTSUPP:
        return cmd == XEN_FLIGHTREC_OP_status ? -ENOSYS : -err;
    default:
        return -err;
    }
}

static int xen_op(struct hyp *h, struct xen_flightrec_op *op)
{
    struct xen_sysctl sysctl;
    uint32_t cmd = op->cmd;
    int rc;

    /* ERESTART: the operation was preempted, or a pCPU is being plugged. */
    do {
        memset(&sysctl, 0, sizeof(sysctl));
        sysctl.cmd = XEN_SYSCTL_tbuf_op;
        memcpy(&sysctl.u, op, sizeof(*op));
        rc = xc_sysctl(to_xen(h)->xch, &sysctl);
    } while ( rc && errno == ERESTART );
    if ( rc )
        return op_error(cmd, errno);
    memcpy(op, &sysctl.u, sizeof(*op));
    return 0;
}

/* One handle for each VIRQ: different parts of a program wait for them. */
static int xen_virq_bind(struct hyp *h, enum hyp_virq which, int *fd)
{
    static const unsigned int virq[HYP_VIRQS] = {
        [HYP_VIRQ_TRIGGER] = VIRQ_FLIGHTREC,
        [HYP_VIRQ_WAKE] = VIRQ_FLIGHTREC_WAKE,
        [HYP_VIRQ_TBUF] = VIRQ_TBUF,
    };
    struct hyp_xen *x = to_xen(h);
    xenevtchn_handle *evtchn = xenevtchn_open(&x->log, 0);
    int rc;

    if ( !evtchn )
        return -errno;
    x->port[which] = xenevtchn_bind_virq(evtchn, virq[which]);
    if ( x->port[which] < 0 )
    {
        rc = -errno;
        xenevtchn_close(evtchn);
        return rc;
    }
    x->evtchn[which] = evtchn;
    *fd = xenevtchn_fd(evtchn);
    return 0;
}

static int xen_virq_ack(struct hyp *h, enum hyp_virq which)
{
    xenevtchn_handle *evtchn = to_xen(h)->evtchn[which];
    xenevtchn_port_or_error_t port = xenevtchn_pending(evtchn);

    if ( port < 0 || xenevtchn_unmask(evtchn, port) )
        return -errno;
    return 0;
}

static int open_fmem(struct hyp_xen *x)
{
    if ( !x->fmem )
        x->fmem = xenforeignmemory_open(&x->log, 0);
    return x->fmem ? 0 : -errno;
}

static int xen_map(struct hyp *h, uint32_t id, uint32_t frames,
                   const void **out)
{
    struct hyp_xen *x = to_xen(h);
    void *addr = NULL;
    int rc = open_fmem(x);

    if ( rc )
        return rc;
    if ( !xenforeignmemory_map_resource(x->fmem, DOMID_XEN,
                                        XENMEM_resource_flightrec, id, 0,
                                        frames, &addr, PROT_READ, 0) )
        return -errno;
    *out = addr;
    return 0;
}

/* No array of errors: a failure of any frame fails the call. */
static int xen_map_frames(struct hyp *h, const uint32_t *mfn, uint32_t frames,
                          bool writable, void **out)
{
    struct hyp_xen *x = to_xen(h);
    xen_pfn_t *list = calloc(frames, sizeof(*list));
    uint32_t i;
    int rc;

    if ( !list )
        return -ENOMEM;
    for ( i = 0; i < frames; i++ )
        list[i] = mfn[i];
    rc = open_fmem(x);
    if ( !rc )
    {
        *out = xenforeignmemory_map(x->fmem, DOMID_XEN,
                                    writable ? PROT_READ | PROT_WRITE
                                             : PROT_READ,
                                    frames, list, NULL);
        rc = *out ? 0 : -errno;
    }
    free(list);
    return rc;
}

static void xen_unmap(void *map, size_t bytes)
{
    munmap(map, bytes);
}

static int xen_host(struct hyp *h, struct hyp_tbuf_host *out)
{
    xc_physinfo_t info = { 0 };

    if ( xc_physinfo(to_xen(h)->xch, &info) )
        return errno == EACCES ? -EPROTO : -errno;
    *out = (struct hyp_tbuf_host){
        .tsc_khz = info.cpu_khz,
        .max_cpus = info.max_cpu_id + 1,
        .online = info.nr_cpus,
        .shadow = !!(info.capabilities & XEN_SYSCTL_PHYSCAP_shadow),
    };
    return 0;
}

static int all_cpus(xc_interface *xch)
{
    xc_cpumap_t map = xc_cpumap_alloc(xch);
    int bytes = xc_get_cpumap_size(xch), rc;

    if ( !map || bytes <= 0 )
        return -ENOMEM;
    memset(map, 0xff, bytes);
    rc = xc_tbuf_set_cpu_mask(xch, map) ? -errno : 0;
    free(map);
    return rc;
}

static int xen_tbuf(struct hyp *h, struct hyp_tbuf_op *op)
{
    static const uint32_t cmd[] = {
        [HYP_TBUF_GET_INFO] = XEN_SYSCTL_TBUFOP_get_info,
        [HYP_TBUF_SET_MASK] = XEN_SYSCTL_TBUFOP_set_evt_mask,
        [HYP_TBUF_SET_SIZE] = XEN_SYSCTL_TBUFOP_set_size,
        [HYP_TBUF_ENABLE] = XEN_SYSCTL_TBUFOP_enable,
        [HYP_TBUF_DISABLE] = XEN_SYSCTL_TBUFOP_disable,
    };
    xc_interface *xch = to_xen(h)->xch;
    struct xen_sysctl sysctl = { .cmd = XEN_SYSCTL_tbuf_op };
    struct xen_sysctl_tbuf_op *t = &sysctl.u.tbuf_op;

    if ( op->cmd == HYP_TBUF_ALL_CPUS )
        return all_cpus(xch);
    t->cmd = cmd[op->cmd];
    t->evt_mask = op->value;
    t->size = op->value;
    if ( xc_sysctl(xch, &sysctl) )
        return errno == EACCES ? -EPROTO : -errno;
    if ( op->cmd == HYP_TBUF_GET_INFO )
    {
        op->value = t->evt_mask;
        op->mfn = t->buffer_mfn;
        op->size = t->size;
    }
    return 0;
}

static void domain_from_info(struct hyp_domain *d, const xc_domaininfo_t *info)
{
    memset(d, 0, sizeof(*d));
    d->domid = info->domain;
    d->shutdown = !!(info->flags & XEN_DOMINF_shutdown);
    d->dying = !!(info->flags & XEN_DOMINF_dying);
    d->reason = (info->flags >> XEN_DOMINF_shutdownshift) &
                XEN_DOMINF_shutdownmask;
    memcpy(d->handle, info->handle, sizeof(d->handle));
    d->vcpus = info->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID
                   ? 0
                   : info->max_vcpu_id + 1;
}

static int xen_domains(struct hyp *h, struct hyp_domain **list,
                       unsigned int *nr)
{
    enum { BATCH = 64, LIMIT = 32768 };
    xc_domaininfo_t info[BATCH];
    struct hyp_domain *all = NULL, *more;
    unsigned int n = 0;
    uint32_t next = 0;
    int got, i, rc;

    while ( n < LIMIT )
    {
        got = xc_domain_getinfolist(to_xen(h)->xch, next, BATCH, info);
        if ( got < 0 )
        {
            rc = errno == EACCES ? -EPROTO : -errno;
            goto out;
        }
        if ( !got )
            break;
        more = reallocarray(all, n + got, sizeof(*all));
        if ( !more )
        {
            rc = -ENOMEM;
            goto out;
        }
        all = more;
        for ( i = 0; i < got; i++ )
            domain_from_info(&all[n++], &info[i]);
        next = info[got - 1].domain + 1U;
    }
    *list = all;
    *nr = n;
    return 0;

 out:
    free(all);
    return rc;
}

static void version_build_id(xc_interface *xch, struct hyp_version *v)
{
    union {
        xen_build_id_t id;
        unsigned char room[sizeof(xen_build_id_t) + 32];
    } u = { .id.len = 32 };
    int n = xc_version(xch, XENVER_build_id, &u.id), i;

    for ( i = 0; i < n && i < 32; i++ )
        snprintf(&v->build_id[2 * i], 3, "%02x", u.id.buf[i]);
}

static int xen_version(struct hyp *h, struct hyp_version *v)
{
    xc_interface *xch = to_xen(h)->xch;
    xen_extraversion_t extra = "";
    xen_commandline_t cmdline = "";
    int number = xc_version(xch, XENVER_version, NULL);

    if ( number < 0 )
        return -errno;
    if ( xc_version(xch, XENVER_extraversion, &extra) < 0 ||
         xc_version(xch, XENVER_commandline, &cmdline) < 0 )
        return -errno;
    snprintf(v->version, sizeof(v->version), "%d.%d%.16s", number >> 16,
             number & 0xffff, extra);
    snprintf(v->cmdline, sizeof(v->cmdline), "%.*s", (int)sizeof(cmdline),
             cmdline);
    version_build_id(xch, v);
    return 0;
}

static const struct hyp_backend xen_backend = {
    .close = xen_close,
    .op = xen_op,
    .virq_bind = xen_virq_bind,
    .virq_ack = xen_virq_ack,
    .map = xen_map,
    .domains = xen_domains,
    .version = xen_version,
    .host = xen_host,
    .tbuf = xen_tbuf,
    .map_frames = xen_map_frames,
    .unmap = xen_unmap,
};

int hyp_xen_open(struct hyp **out)
{
    struct hyp_xen *x = calloc(1, sizeof(*x));
    int rc;

    if ( !x )
        return -ENOMEM;
    x->hyp.be = &xen_backend;
    x->log.vmessage = log_nothing;
    x->log.progress = progress_nothing;
    x->log.destroy = log_destroy;
    x->xch = xc_interface_open(&x->log, &x->log, 0);
    if ( !x->xch )
    {
        rc = -errno;
        xen_close(&x->hyp);
        return rc;
    }
    *out = &x->hyp;
    return 0;
}
