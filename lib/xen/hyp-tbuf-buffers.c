/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-tbuf-buffers.c: find and map Xen's trace buffers. */

#include <stdlib.h>

#include "lib/xen/hyp-tbuf-impl.h"

#define MAX_CPUS 4096

void hyp_tbuf_forget_buffers(struct hyp_tbuf *x)
{
    free(x->info);
    free(x->cpu);
    x->info = NULL;
    x->cpu = NULL;
    x->nr_cpus = 0;
}

/* Map consecutive frames read-only. */
static int map_frames(struct hyp_tbuf *x, uint64_t mfn, uint32_t frames,
                      void **out)
{
    uint32_t *list = calloc(frames, sizeof(*list)), i;
    int rc;

    if ( !list )
        return -ENOMEM;
    for ( i = 0; i < frames; i++ )
        list[i] = mfn + i;
    rc = x->raw->be->map_frames(x->raw, list, frames, false, out);
    free(list);
    return rc;
}

static unsigned int count_buffers(struct hyp_tbuf *x, uint32_t *mfn)
{
    unsigned int cpu, n = 0;
    int rc;

    for ( cpu = 0; cpu < x->nr_cpus; cpu++ )
    {
        rc = tbuf_info_cpu(x->info, x->info_bytes, cpu, mfn);
        x->cpu[cpu].present = !rc;
        n += !rc;
        if ( rc && rc != -ENODEV )
            hyp_tbuf_log(x, "pCPU %u: invalid entry in Xen's table of trace "
                            "buffers, skipping it", cpu);
    }
    return n;
}

int hyp_tbuf_find_buffers(struct hyp_tbuf *x)
{
    struct hyp_tbuf_op op;
    uint32_t *mfn = NULL;
    void *info;
    int rc;

    hyp_tbuf_forget_buffers(x);
    rc = hyp_tbuf_raw(x, HYP_TBUF_GET_INFO, 0, &op);
    if ( rc || !op.mfn )
        return rc;
    if ( op.size < TBUF_FRAME || op.size > (64U << 20) )
        return -EPROTO;
    rc = map_frames(x, op.mfn, op.size / TBUF_FRAME, &info);
    if ( rc )
        return rc;
    x->info_mfn = op.mfn;
    x->info_bytes = op.size;
    x->nr_cpus = x->host.max_cpus < MAX_CPUS ? x->host.max_cpus : MAX_CPUS;
    x->info = malloc(op.size);
    x->cpu = calloc(x->nr_cpus, sizeof(*x->cpu));
    if ( !x->info || !x->cpu )
    {
        rc = -ENOMEM;
        goto out;
    }
    memcpy(x->info, info, op.size);
    rc = tbuf_info_check(x->info, op.size, &x->pages);
    if ( rc )
        goto out;
    mfn = calloc(x->pages, sizeof(*mfn));
    rc = !mfn ? -ENOMEM : count_buffers(x, mfn) ? 0 : -EPROTO;

 out:
    x->raw->be->unmap(info, op.size);
    free(mfn);
    if ( rc )
        hyp_tbuf_forget_buffers(x);
    return rc;
}

int hyp_tbuf_map_cpu(struct hyp_tbuf *x, uint32_t cpu, bool writable,
                     void **out)
{
    uint32_t *mfn;
    int rc;

    if ( cpu >= x->nr_cpus || !x->cpu[cpu].present )
        return -ENODEV;
    mfn = calloc(x->pages, sizeof(*mfn));
    if ( !mfn )
        return -ENOMEM;
    rc = tbuf_info_cpu(x->info, x->info_bytes, cpu, mfn);
    if ( !rc )
        rc = x->raw->be->map_frames(x->raw, mfn, x->pages, writable, out);
    free(mfn);
    return rc;
}
