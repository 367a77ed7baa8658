/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tbuf-packets.c: convert Xen's trace records to the recorder's packets. */

#include "lib/xen/tbuf-packets.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "lib/format/packet.h"

/*
 * At least twice the events of the list, so that a look-up takes a step or
 * two.
 */
#define HASH_BITS   10
#define HASH_SIZE   (1U << HASH_BITS)

#define SCHED_CLASS 0x00020000U

struct tbuf_ids {
    struct event_dict *dict;
    uint32_t event[HASH_SIZE];
    uint16_t id[HASH_SIZE];    /* 0: free */
};

/*
 * Event -> id.
 */

static unsigned int hash(uint32_t event)
{
    return (event * 0x9e3779b1U) >> (32 - HASH_BITS);
}

static uint16_t find_id(const struct tbuf_ids *ids, uint32_t event)
{
    unsigned int i = hash(event);

    while ( ids->id[i] && ids->event[i] != event )
        i = (i + 1) % HASH_SIZE;
    return ids->id[i] ? ids->id[i] : XEN_FLIGHTREC_ID_ESCAPE;
}

_Static_assert(HASH_SIZE >= 2 * XEN_FLIGHTREC_IDS, "no look-up goes round");

int tbuf_ids_new(struct tbuf_ids **out)
{
    struct tbuf_ids *ids = calloc(1, sizeof(*ids));
    const struct event_desc *d;
    unsigned int i, at;
    int rc;

    if ( !ids )
        return -ENOMEM;
    rc = event_dict_build(NULL, 0, event_host_vendor(), &ids->dict);
    if ( rc )
    {
        free(ids);
        return rc;
    }
    for ( i = 0; i < event_dict_events(ids->dict); i++ )
    {
        d = event_dict_event(ids->dict, i);
        for ( at = hash(d->event); ids->id[at]; at = (at + 1) % HASH_SIZE )
            ;
        ids->event[at] = d->event;
        ids->id[at] = d->id;
    }
    *out = ids;
    return 0;
}

void tbuf_ids_free(struct tbuf_ids *ids)
{
    if ( ids )
        event_dict_free(ids->dict);
    free(ids);
}

/*
 * The pages.
 */

int tbuf_pages_new(uint32_t cpu, uint32_t node, uint32_t buffer_bytes,
                   uint8_t tsc_shift, struct tbuf_pages *p)
{
    uint32_t slot = 4 * TBUF_FRAME;
    uint64_t room = 2ULL * buffer_bytes;
    void *m;

    /* Use half the slots, so that dropping an old one costs little. */
    while ( slot < XEN_FLIGHTREC_MAX_SLOT_BYTES &&
            room / slot > XEN_FLIGHTREC_MAX_SLOTS / 2 )
        slot *= 2;
    p->slot_bytes = slot;
    p->slots = room / slot + 2 < XEN_FLIGHTREC_MAX_SLOTS
                   ? room / slot + 2
                   : XEN_FLIGHTREC_MAX_SLOTS;
    p->tsc_shift = tsc_shift;
    p->map_bytes = TBUF_FRAME + (size_t)p->slots * slot;
    m = mmap(NULL, p->map_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if ( m == MAP_FAILED )
        return -errno;
    p->cpu = m;
    p->cpu->magic = XEN_FLIGHTREC_CPU_MAGIC;
    p->cpu->version = XEN_FLIGHTREC_VERSION;
    p->cpu->bytes = sizeof(*p->cpu);
    p->cpu->cpu = cpu;
    p->cpu->node = node;
    p->cpu->ch[XEN_FLIGHTREC_CH_BUSY] = (struct xen_flightrec_channel){
        .first_frame = 1, .slot_bytes = slot, .slots = p->slots
    };
    return 0;
}

void tbuf_pages_free(struct tbuf_pages *p)
{
    if ( p->cpu )
        munmap(p->cpu, p->map_bytes);
    p->cpu = NULL;
}

void tbuf_pages_empty(struct tbuf_pages *p)
{
    madvise((char *)p->cpu + TBUF_FRAME, p->map_bytes - TBUF_FRAME,
            MADV_DONTNEED);
}

/*
 * Conversion.
 */

struct fill {
    struct tbuf_pages *p;
    const struct tbuf_ids *ids;
    const struct tbuf_window *w;
    struct tbuf_converted *res;
    struct xen_flightrec_packet *hdr; /* being filled, NULL: none */
    uint32_t used;
    uint32_t slot;             /* next to use */
    uint64_t seq, anchor;      /* anchor: in steps */
    uint64_t tsc;              /* newest stamp */
    uint16_t domid, vcpu;      /* running */
};

static struct xen_flightrec_packet *slot_at(const struct tbuf_pages *p,
                                            uint32_t slot)
{
    return (void *)((char *)p->cpu + TBUF_FRAME +
                    (size_t)slot * p->slot_bytes);
}

static void close_packet(struct fill *f)
{
    if ( !f->hdr )
        return;
    f->hdr->used_bytes = f->used;
    f->hdr = NULL;
}

static void open_packet(struct fill *f)
{
    struct xen_flightrec_packet *hdr = slot_at(f->p, f->slot);

    close_packet(f);
    /* Overwrite the oldest. */
    if ( f->seq >= f->p->slots )
        f->res->left_out += hdr->records;
    *hdr = (struct xen_flightrec_packet){
        .magic = XEN_FLIGHTREC_PACKET_MAGIC,
        .version = XEN_FLIGHTREC_VERSION,
        .header_bytes = sizeof(*hdr),
        .cpu = f->p->cpu->cpu,
        .channel = XEN_FLIGHTREC_CH_BUSY,
        .tsc_shift = f->p->tsc_shift,
        .slot = f->slot,
        /* Rises from snapshot to snapshot.  Never 1, the first of a ring. */
        .seq = 2 + f->w->pos / (f->p->slot_bytes / 4) + f->seq++,
        .begin_tsc = f->tsc,
        .gen = f->w->gen,
        .domid = f->domid,
        .vcpu = f->vcpu,
        .lost[XEN_FLIGHTREC_LOST_BUSY] = f->res->lost,
        .emitted = f->res->records + f->res->lost,
        .hold_gen = f->w->gen,
    };
    f->slot = (f->slot + 1) % f->p->slots;
    f->hdr = hdr;
    f->used = sizeof(*hdr);
    f->anchor = f->tsc >> f->p->tsc_shift;
}

static void put_word(struct fill *f, uint32_t word)
{
    memcpy((char *)f->hdr + f->used, &word, sizeof(word));
    f->used += sizeof(word);
}

static void put_anchor(struct fill *f, uint64_t units)
{
    put_word(f, XEN_FLIGHTREC_ID_ANCHOR | 2U << XEN_FLIGHTREC_WORDS_SHIFT |
                    (uint32_t)units << XEN_FLIGHTREC_TIME_SHIFT);
    put_word(f, f->tsc);
    put_word(f, f->tsc >> 32);
    f->anchor = units;
}

/* The largest record, with anchor and escape. */
#define MOST_BYTES (12 + 8 + 4 * XEN_FLIGHTREC_MAX_WORDS)

static void put_record(struct fill *f, const struct tbuf_record *r)
{
    uint16_t id = find_id(f->ids, r->event);
    uint64_t units = f->tsc >> f->p->tsc_shift;

    if ( !f->hdr || f->used + MOST_BYTES > f->p->slot_bytes )
        open_packet(f);
    if ( units - f->anchor > XEN_FLIGHTREC_TIME_MASK )
        put_anchor(f, units);
    put_word(f, id | (uint32_t)r->words << XEN_FLIGHTREC_WORDS_SHIFT |
                    (uint32_t)units << XEN_FLIGHTREC_TIME_SHIFT);
    if ( id == XEN_FLIGHTREC_ID_ESCAPE )
        put_word(f, r->event);
    memcpy((char *)f->hdr + f->used, r->data, 4 * r->words);
    f->used += 4 * r->words;
    f->hdr->records++;
    f->res->records++;
}

/* Note a switch: a packet's header names the vCPU running at its begin. */
static void note_running(struct fill *f, const struct tbuf_record *r)
{
    const struct event_desc *d;
    struct event_who run;

    if ( !(r->event & SCHED_CLASS) )
        return;
    d = event_by_event(f->ids->dict, r->event);
    if ( !d || !event_runs(d, r->data, r->words, &run) )
        return;
    f->domid = run.domid;
    f->vcpu = run.vcpu;
}

/* Xen writes this record before the first one after the gap. */
static void put_lost(struct fill *f, const struct tbuf_record *r)
{
    if ( r->words != TBUF_LOST_WORDS )
        return;
    f->res->lost += r->data[0];
    f->domid = r->data[1] & 0xffff;
    f->vcpu = r->data[1] >> 16;
    close_packet(f);
}

static uint64_t first_tsc(const struct tbuf_window *w)
{
    struct tbuf_record r;
    struct tbuf_iter it;

    tbuf_iter_init(&it, &w->t, w->cons, w->bytes);
    while ( tbuf_next(&it, &r) > 0 )
        if ( r.has_tsc )
            return r.tsc;
    return w->tsc;
}

static void convert(struct fill *f)
{
    struct tbuf_record r;
    struct tbuf_iter it;

    tbuf_iter_init(&it, &f->w->t, f->w->cons, f->w->bytes);
    while ( tbuf_next(&it, &r) > 0 )
    {
        if ( r.has_tsc )
            f->tsc = r.tsc;
        if ( r.event == TBUF_EV_LOST )
            put_lost(f, &r);
        else
        {
            put_record(f, &r);
            note_running(f, &r);
        }
    }
    f->res->unread = it.left;
}

void tbuf_pages_fill(struct tbuf_pages *p, const struct tbuf_ids *ids,
                     const struct tbuf_window *w, struct tbuf_converted *res)
{
    struct fill f = { .p = p, .ids = ids, .w = w, .res = res,
                      .domid = PACKET_NO_DOMAIN, .vcpu = PACKET_NO_DOMAIN };
    struct xen_flightrec_audit *a;
    uint32_t i;

    memset(res, 0, sizeof(*res));
    for ( i = 0; i < p->slots; i++ )
        memset(slot_at(p, i), 0, sizeof(struct xen_flightrec_packet));
    f.tsc = first_tsc(w);
    convert(&f);
    close_packet(&f);
    memset(p->cpu->audit, 0, sizeof(p->cpu->audit));
    a = &p->cpu->audit[w->gen % XEN_FLIGHTREC_MAX_HELD][XEN_FLIGHTREC_CH_BUSY];
    *a = (struct xen_flightrec_audit){
        .gen = w->gen,
        .slots = f.seq < p->slots ? f.seq : p->slots,
        .tsc = w->tsc,
        .emitted = res->records + res->lost,
        .held = res->records - res->left_out,
        .sacrificed = res->left_out,
        .lost[XEN_FLIGHTREC_LOST_BUSY] = res->lost,
    };
}

uint64_t tbuf_count_lost(const struct tbuf *t, uint32_t cons, uint32_t bytes)
{
    struct tbuf_record r;
    struct tbuf_iter it;
    uint64_t lost = 0;

    tbuf_iter_init(&it, t, cons, bytes);
    while ( tbuf_next(&it, &r) > 0 )
        if ( r.event == TBUF_EV_LOST && r.words == TBUF_LOST_WORDS )
            lost += r.data[0];
    return lost;
}
