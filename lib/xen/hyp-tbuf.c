/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-tbuf.c: open and close the backend, see hyp-tbuf.h. */

#include <stdlib.h>

#include "lib/xen/hyp-tbuf-impl.h"

static int tbuf_map(struct hyp *h, uint32_t id, uint32_t frames,
                    const void **out)
{
    struct hyp_tbuf *x = to_tbuf(h);
    void *map;
    int rc = frames == x->pages ? hyp_tbuf_map_cpu(x, id, false, &map)
                                : -EINVAL;

    if ( !rc )
        *out = map;
    return rc;
}

static int tbuf_version(struct hyp *h, struct hyp_version *v)
{
    return to_tbuf(h)->raw->be->version(to_tbuf(h)->raw, v);
}

static void tbuf_close(struct hyp *h)
{
    struct hyp_tbuf *x = to_tbuf(h);

    if ( x->consumer )
        hyp_tbuf_restore(x);
    hyp_tbuf_forget_buffers(x);
    free(x->dom);
    x->raw->be->close(x->raw);
    free(x);
}

static const struct hyp_backend tbuf_backend = {
    .close = tbuf_close,
    .op = hyp_tbuf_serve,
    .virq_bind = hyp_tbuf_virq_bind,
    .virq_ack = hyp_tbuf_virq_ack,
    .map = tbuf_map,
    .domains = hyp_tbuf_domains,
    .version = tbuf_version,
};

bool hyp_is_tbuf(const struct hyp *h)
{
    return h->be == &tbuf_backend;
}

void hyp_tbuf_configure(struct hyp *h, const struct hyp_tbuf_conf *conf)
{
    if ( hyp_is_tbuf(h) )
        to_tbuf(h)->conf = *conf;
}

int hyp_tbuf_open(struct hyp *raw, struct hyp **out)
{
    struct hyp_tbuf *x = calloc(1, sizeof(*x));
    int rc;

    if ( !x )
        return -ENOMEM;
    x->hyp.be = &tbuf_backend;
    x->raw = raw;
    x->conf.mask = HYP_TBUF_MASK;
    x->causes = 1U << XEN_FLIGHTREC_CAUSE_REQUEST |
                1U << XEN_FLIGHTREC_CAUSE_CRASH |
                1U << XEN_FLIGHTREC_CAUSE_WATCHDOG;
    rc = raw->be->host(raw, &x->host);
    if ( !rc )
        rc = hyp_tbuf_find_buffers(x);
    if ( rc )
    {
        hyp_tbuf_forget_buffers(x);
        free(x);
        return rc;
    }
    *out = &x->hyp;
    return 0;
}
