/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rings.c: map the recorder's rings and check their geometry. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xen/hyp-tbuf.h"
#include "lib/xen/rings-impl.h"

static int __attribute__((__format__(__printf__, 3, 4)))
fail(struct rings_error *err, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->what, sizeof(err->what), fmt, ap);
    va_end(ap);
    return rc;
}

static int hyp_op_arg(void *arg, struct xen_flightrec_op *op)
{
    return hyp_op(arg, op);
}

/* The pages are written by Xen only, but are checked all the same. */
static int check_channel(const struct xen_flightrec_channel *c,
                         uint32_t frames)
{
    if ( c->slots < XEN_FLIGHTREC_MIN_SLOTS ||
         c->slots > XEN_FLIGHTREC_MAX_SLOTS || c->slot_bytes % RINGS_FRAME ||
         c->slot_bytes < XEN_FLIGHTREC_MIN_SLOT_BYTES ||
         c->slot_bytes > XEN_FLIGHTREC_MAX_SLOT_BYTES )
        return -EPROTO;
    if ( c->first_frame < 1 || c->first_frame > frames ||
         c->slots * (c->slot_bytes / RINGS_FRAME) > frames - c->first_frame )
        return -EPROTO;
    return 0;
}

static int map_cpu(struct hyp *h, uint32_t cpu, uint32_t frames,
                   struct ring_map *m)
{
    const void *p;
    unsigned int ch;
    int rc = hyp_map(h, cpu, frames, &p);

    if ( rc )
        return rc;
    m->cpu = cpu;
    m->page = p;
    m->node = m->page->node;
    if ( m->page->magic != XEN_FLIGHTREC_CPU_MAGIC ||
         m->page->version != XEN_FLIGHTREC_VERSION || m->page->cpu != cpu )
        return -EPROTO;
    memcpy(m->ch, m->page->ch, sizeof(m->ch));
    for ( ch = 0; !rc && ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        rc = check_channel(&m->ch[ch], frames);
    return rc;
}

static int map_cpus(struct hyp *h, uint32_t nr_cpus, struct rings *r,
                    struct rings_error *err)
{
    struct xen_flightrec_op o;
    uint32_t cpu;
    int rc;

    for ( cpu = 0; cpu < nr_cpus; cpu++ )
    {
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_cpu,
                                       .u.cpu.cpu = cpu };
        rc = hyp_op(h, &o);
        if ( rc == -ENODEV )
            continue;
        if ( !rc )
            rc = map_cpu(h, cpu, o.u.cpu.frames, &r->map[r->nr]);
        if ( rc )
            return fail(err, rc, "pCPU %u: %s", cpu, strerror(-rc));
        r->nr++;
    }
    return r->nr ? 0 : -ENODEV;
}

int rings_map(struct hyp *h, struct rings *r, struct rings_error *err)
{
    struct xen_flightrec_op_status st;
    const void *info;
    int rc;

    memset(r, 0, sizeof(*r));
    err->what[0] = '\0';
    rc = hyp_status(hyp_op_arg, h, &st);
    if ( rc )
        return rc;
    if ( !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        return -ENODEV;
    r->map = calloc(st.nr_cpus ? st.nr_cpus : 1, sizeof(*r->map));
    if ( !r->map )
        return -ENOMEM;
    if ( st.state & HYP_ST_TBUF )
        return rings_tbuf_map(h, &st, r);
    rc = hyp_map(h, XEN_FLIGHTREC_RES_INFO, 1, &info);
    if ( rc )
        return fail(err, rc, "information page: %s", strerror(-rc));
    memcpy(&r->info, info, sizeof(r->info));
    if ( r->info.magic != XEN_FLIGHTREC_INFO_MAGIC ||
         r->info.version != XEN_FLIGHTREC_VERSION )
        return fail(err, -EPROTO, "information page: not of version %u",
                    XEN_FLIGHTREC_VERSION);
    return map_cpus(h, st.nr_cpus, r, err);
}

void rings_free(struct rings *r)
{
    rings_tbuf_free(r->tbuf);
    free(r->map);
    r->tbuf = NULL;
    r->map = NULL;
    r->nr = 0;
}
