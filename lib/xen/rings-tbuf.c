/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rings-tbuf.c: the rings of a Xen without flight recorder.
 *
 * A held generation is first copied out of the trace buffers, because Xen
 * drops records once the rest of a buffer is full.  Then the buffers overwrite
 * again, and the copies are converted to packets.  Memory: the history (at
 * most half of the buffers, more if Xen wrote during the hold), and a second
 * time while it is converted, for one pCPU at a time.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/xen/hyp-tbuf.h"
#include "lib/xen/rings-impl.h"
#include "lib/xen/tbuf-packets.h"

struct ring_tbuf {
    struct tbuf t;             /* Xen's */
    uint8_t *copy;             /* same size; only the held part is used */
    struct tbuf_pages pages;
    struct tbuf_window w;      /* of the copy */
    uint32_t end;              /* index where the window ended */
    bool moved;                /* the consumer index changed during the copy */
};

struct rings_tbuf {
    struct tbuf_ids *ids;
    struct ring_tbuf *ring;    /* as rings.map[] */
};

static void fill_info(struct xen_flightrec_info *info,
                      const struct xen_flightrec_op_status *st)
{
    unsigned int i;

    *info = (struct xen_flightrec_info){
        .magic = XEN_FLIGHTREC_INFO_MAGIC,
        .version = XEN_FLIGHTREC_VERSION,
        .bytes = sizeof(*info),
        .incarnation = st->incarnation,
        .tsc_khz = st->tsc_khz,
        .tsc_shift = st->tsc_shift,
        .nr_cpus = st->nr_cpus,
        .nr_ids = XEN_FLIGHTREC_ID_FIRST + event_list_rows,
    };
    for ( i = 0; i < event_list_rows; i++ )
        info->event[XEN_FLIGHTREC_ID_FIRST + i] = event_list[i].event;
}

static int map_ring(struct hyp *h, uint32_t cpu, uint32_t frames,
                    struct rings *r)
{
    struct ring_tbuf *b = &r->tbuf->ring[r->nr];
    struct ring_map *m = &r->map[r->nr];
    const void *map;
    void *copy;
    int rc = hyp_map(h, cpu, frames, &map);

    if ( rc )
        return rc;
    b->t = tbuf_of((void *)map, frames);
    rc = tbuf_pages_new(cpu, ~0U, b->t.bytes, r->info.tsc_shift, &b->pages);
    if ( rc )
        return rc;
    copy = mmap(NULL, b->t.bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if ( copy == MAP_FAILED )
        return -errno;
    b->copy = copy;
    m->cpu = cpu;
    m->node = ~0U;
    m->page = b->pages.cpu;
    memcpy(m->ch, m->page->ch, sizeof(m->ch));
    r->nr++;
    return 0;
}

int rings_tbuf_map(struct hyp *h, const struct xen_flightrec_op_status *st,
                   struct rings *r)
{
    struct xen_flightrec_op o;
    uint32_t cpu;
    int rc;

    fill_info(&r->info, st);
    r->tbuf = calloc(1, sizeof(*r->tbuf));
    if ( r->tbuf )
        r->tbuf->ring = calloc(st->nr_cpus + 1, sizeof(*r->tbuf->ring));
    if ( !r->tbuf || !r->tbuf->ring )
        return -ENOMEM;
    rc = tbuf_ids_new(&r->tbuf->ids);
    for ( cpu = 0; !rc && cpu < st->nr_cpus; cpu++ )
    {
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_cpu,
                                       .u.cpu.cpu = cpu };
        rc = hyp_op(h, &o);
        if ( !rc )
            rc = map_ring(h, cpu, o.u.cpu.frames, r);
        if ( rc == -ENODEV )
            rc = 0;
    }
    return rc ? rc : r->nr ? 0 : -ENODEV;
}

/* Keep the offsets of the buffer, so that padding still ends at its end. */
static void copy_window(struct ring_tbuf *b)
{
    uint32_t off = b->w.cons % b->t.bytes;
    uint32_t first = b->t.bytes - off < b->w.bytes ? b->t.bytes - off
                                                   : b->w.bytes;

    memcpy(b->copy + off, b->t.data + off, first);
    memcpy(b->copy, b->t.data, b->w.bytes - first);
    /* If another process consumes, Xen may have overwritten the window. */
    b->moved = __atomic_load_n(&b->t.index[0], __ATOMIC_ACQUIRE) != b->w.cons;
}

static int take_window(struct ring_tbuf *b, uint32_t cpu, uint32_t gen,
                       hyp_op_fn *op, void *arg)
{
    struct xen_flightrec_op o = { .cmd = HYP_OP_TBUF_WINDOW };
    struct hyp_tbuf_window *w = hyp_op_room(&o);
    int rc;

    w->cpu = cpu;
    w->gen = gen;
    rc = op(arg, &o);
    if ( rc )
        return rc;
    if ( w->bytes > b->t.bytes || w->cons >= 2 * b->t.bytes || w->cons % 4 )
        return -EPROTO;
    b->w.t = (struct tbuf){ .data = b->copy, .bytes = b->t.bytes };
    b->w.cons = w->cons;
    b->w.bytes = w->bytes;
    b->w.pos = w->pos;
    b->w.gen = gen;
    b->end = (w->cons + (uint64_t)w->bytes) % (2ULL * b->t.bytes);
    copy_window(b);
    return 0;
}

int rings_fetch(struct rings *r, uint32_t gen, uint64_t tsc, hyp_op_fn *op,
                void *arg, struct rings_fetched *out)
{
    struct xen_flightrec_op o = { .cmd = HYP_OP_TBUF_FETCHED,
                                  .u.gen.gen = gen };
    struct tbuf_converted res;
    struct ring_tbuf *b;
    unsigned int i;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    if ( !r->tbuf )
        return 0;
    for ( i = 0; !rc && i < r->nr; i++ )
        rc = take_window(&r->tbuf->ring[i], r->map[i].cpu, gen, op, arg);
    if ( !rc )
        rc = op(arg, &o);
    for ( i = 0; !rc && i < r->nr; i++ )
    {
        b = &r->tbuf->ring[i];
        b->w.tsc = tsc;
        tbuf_pages_fill(&b->pages, r->tbuf->ids, &b->w, &res);
        madvise(b->copy, b->t.bytes, MADV_DONTNEED);
        out->records += res.records;
        out->lost += res.lost;
        out->left_out += res.left_out;
        out->damaged += res.unread || b->moved;
    }
    return rc;
}

uint64_t rings_lost_since(const struct rings *r)
{
    const struct ring_tbuf *b;
    uint32_t cons, fill, skip;
    uint64_t lost = 0;
    unsigned int i;

    for ( i = 0; r->tbuf && i < r->nr; i++ )
    {
        b = &r->tbuf->ring[i];
        if ( tbuf_look(&b->t, &cons, &fill) )
            continue;
        skip = b->end >= cons ? b->end - cons : b->end + 2 * b->t.bytes - cons;
        if ( skip > fill )
            skip = 0;
        lost += tbuf_count_lost(&b->t, (cons + skip) % (2 * b->t.bytes),
                                fill - skip);
    }
    return lost;
}

void rings_done(struct rings *r)
{
    unsigned int i;

    for ( i = 0; r->tbuf && i < r->nr; i++ )
        tbuf_pages_empty(&r->tbuf->ring[i].pages);
}

void rings_tbuf_free(struct rings_tbuf *t)
{
    if ( !t )
        return;
    tbuf_ids_free(t->ids);
    free(t->ring);
    free(t);
}
