/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * redact.c: select the records of one domain, and write them to new packets.
 * doc.c builds the document.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <public/flightrec-events.h>

#include "lib/format/packet-write.h"
#include "tools/base/walk.h"
#include "tools/redact/redact.h"

/* Classes of events that a guest causes itself. */
#define OWN_CLASSES (0x00080000U | 0x00200000U | 0x00400000U | 0x08000000U)

/* Xen's emulated timers and interrupt lines: they run for any domain at any time. */
#define EMULATED_DEVICES 0x00084000U
#define SUBCLASS_MASK    0x0ffff000U

/*
 * Selection.
 */

/*
 * Events that reveal other domains or the host, though they are written while the
 * domain runs and name no other.
 */
static const uint32_t of_others[] = {
    0x0001f001, /* LOST_RECORDS: count over all domains */
    0x00022202, /* CSCHED2_RUNQ_POS: length of the queue before it */
    0x00022205, /* CSCHED2_TICKLE_CHECK: another vCPU woke up */
    0x00022207, /* CSCHED2_CREDIT_RESET: another vCPU ran out of credit */
    0x00022213, /* CSCHED2_PICKED_CPU: load of all domains */
    0x00022217, /* CSCHED2_RUNQ_CAND_CHECK: another pCPU was looking for work */
    0x0008200f, /* HVM_INTR: vector of a device of the host */
    0x00082010, /* HVM_NMI */
    0x00082011, /* HVM_SMI */
    0x00082015, /* HVM_MCE */
};

static bool is_of_others(uint32_t event)
{
    if ( (event & SUBCLASS_MASK) == EMULATED_DEVICES )
        return true;
    for ( size_t i = 0; i < sizeof(of_others) / sizeof(of_others[0]); i++ )
        if ( of_others[i] == event )
            return true;
    return false;
}

/*
 * Return true if the event has exactly the fields that this version knows.  Fields
 * added by another Xen have not been reviewed.
 */
static bool is_known(const struct event_dict *known, const struct event_desc *d)
{
    const struct event_desc *ours = event_by_event(known, d->event);

    if ( !ours || ours->nr_fields != d->nr_fields || ours->words != d->words )
        return false;
    for ( unsigned int i = 0; i < d->nr_fields; i++ )
    {
        const struct event_field *a = &d->field[i], *b = &ours->field[i];

        if ( a->kind != b->kind || a->word != b->word || a->bits != b->bits ||
             a->shift != b->shift || a->optional != b->optional )
            return false;
    }
    return true;
}

struct named {
    bool own, other;
};

static struct named find_named(const struct merge_record *rec, uint32_t domid)
{
    struct named n = { false, false };
    struct event_who who;

    for ( unsigned int k = 0; k < rec->desc->nr_domains; k++ )
        if ( event_domain(rec->desc, k, rec->data, rec->words, &who) )
        {
            n.own |= who.domid == domid;
            n.other |= who.domid != domid;
        }
    return n;
}

/* Return true if all fields are of these kinds. */
static bool only_kinds(const struct event_desc *d, unsigned int kinds)
{
    for ( unsigned int i = 0; i < d->nr_fields; i++ )
        if ( !(kinds & 1U << d->field[i].kind) )
            return false;
    return true;
}

#define KIND(k)    (1U << EVENT_##k)
#define KINDS_WHO  (KIND(DOMAIN) | KIND(VCPU))
#define KINDS_PLAIN (KINDS_WHO | KIND(UNSIGNED) | KIND(SIGNED) | \
                     KIND(ELAPSED) | KIND(CONST))

/* A field of 32 bits or fewer. */
static void set_field(struct merge_record *rec, unsigned int n, uint32_t value)
{
    const struct event_field *f = &rec->desc->field[n];
    uint32_t mask = (0xffffffffU >> (32 - f->bits)) << f->shift;

    if ( f->word >= rec->words ) /* optional and absent */
        return;
    rec->data[f->word] = (rec->data[f->word] & ~mask) |
                         (value << f->shift & mask);
}

static void hide_others(struct merge_record *rec, uint32_t domid)
{
    const struct event_desc *d = rec->desc;
    struct event_who who;

    for ( unsigned int k = 0; k < d->nr_domains; k++ )
    {
        if ( !event_domain(d, k, rec->data, rec->words, &who) ||
             who.domid == domid )
            continue;
        set_field(rec, d->dom[k], REDACT_OTHER);
        if ( d->vcpu[k] >= 0 )
            set_field(rec, d->vcpu[k], 0);
    }
}

/* A machine frame number: reveals the host's memory layout. */
static bool is_of_host(const struct event_field *f)
{
    return !strcmp(f->name, "mfn");
}

/* Clear bits that belong to no field, and fields of the host. */
static void clear_padding(struct merge_record *rec)
{
    const struct event_desc *d = rec->desc;
    uint32_t shown[XEN_FLIGHTREC_MAX_WORDS] = { 0 };

    if ( d->args )
        return;
    for ( unsigned int i = 0; i < d->nr_fields; i++ )
    {
        const struct event_field *f = &d->field[i];

        if ( f->kind == EVENT_CONST || is_of_host(f) ||
             f->word + (f->bits + 31U) / 32 > rec->words )
            continue;
        if ( f->bits > 32 )
            for ( unsigned int w = 0; w * 32 < f->bits; w++ )
                shown[f->word + w] = ~0U;
        else
            shown[f->word] |= (0xffffffffU >> (32 - f->bits)) << f->shift;
    }
    for ( unsigned int w = 0; w < rec->words; w++ )
        rec->data[w] &= shown[w];
}

static bool keeps(const struct event_dict *known,
                  const struct merge_record *rec, uint32_t domid)
{
    const struct event_desc *d = rec->desc;
    struct named n;

    if ( rec->kind != MERGE_EVENT || !d || !is_known(known, d) ||
         is_of_others(d->event) || !event_fits(d, rec->data, rec->words) )
        return false;

    n = find_named(rec, domid);
    if ( n.other )
        return n.own && only_kinds(d, KINDS_WHO);
    if ( !n.own )
        return rec->domid == domid && d->event & OWN_CLASSES;
    return rec->domid == domid || only_kinds(d, KINDS_PLAIN) ||
           d->event == XEN_FLIGHTREC_EV_DOMAIN_CRASH;
}

bool redact_record(const struct event_dict *known, struct merge_record *rec,
                   uint32_t domid)
{
    if ( !keeps(known, rec, domid) )
        return false;

    clear_padding(rec);
    hide_others(rec, domid);
    if ( rec->domid != domid )
    {
        rec->domid = REDACT_OTHER;
        rec->vcpu = 0;
    }
    rec->stamp = rec->tsc;
    return true;
}

/*
 * Packets of one stream.  They are collected until they fill a frame, because the
 * writer begins a new frame at each change of stream.
 */

#define SLOT_BYTES  (32 * 1024)
#define CHUNK_BYTES (SNAPSHOT_CHUNK_BYTES - SLOT_BYTES)

struct out_stream {
    uint16_t cpu;
    uint8_t channel;
    bool open;
    uint64_t seq, emitted;
    uint32_t domid, vcpu;      /* running, as a reader will conclude */
    struct packet_write packet;
    size_t bytes;              /* of chunk[], whole packets */
    uint8_t slot[SLOT_BYTES];
    uint8_t chunk[SNAPSHOT_CHUNK_BYTES];
};

struct slice {
    const struct source *src;
    const struct event_dict *known;
    uint32_t domid;
    const struct life *life;   /* of domid, or NULL: no other has the number */
    struct snapshot_writer *w;
    struct out_stream *stream[2 * (UINT16_MAX + 1)];
    uint8_t shift;
};

static int flush_chunk(struct slice *s, struct out_stream *o)
{
    int rc = 0;

    for ( size_t at = 0, len; !rc && at < o->bytes; at += len )
    {
        struct xen_flightrec_packet h;

        memcpy(&h, o->chunk + at, sizeof(h));
        len = h.used_bytes;
        rc = snapshot_put_packet(s->w, o->chunk + at, len);
    }
    o->bytes = 0;
    return rc;
}

static int close_packet(struct slice *s, struct out_stream *o)
{
    size_t len;

    if ( !o->open )
        return 0;

    o->open = false;
    len = packet_end(&o->packet);
    memcpy(o->chunk + o->bytes, o->slot, len);
    o->bytes += len;
    return o->bytes > CHUNK_BYTES ? flush_chunk(s, o) : 0;
}

/* The header must contain nothing that its first record does not. */
static void open_packet(struct slice *s, struct out_stream *o,
                        const struct merge_record *rec)
{
    const struct doc *d = &s->src->doc;
    struct xen_flightrec_packet h = {
        .cpu = o->cpu,
        .channel = o->channel,
        .tsc_shift = s->shift,
        .flags = d->has_ns ? XEN_FLIGHTREC_PKT_SYNC : 0,
        .seq = ++o->seq,
        .begin_tsc = rec->tsc,
        .sync_ns = d->has_ns ? doc_clock_at(d, DOC_CLOCK_XEN, rec->tsc) : 0,
        .gen = 1,
        .hold_gen = 1,
        .domid = rec->domid,
        .vcpu = rec->vcpu,
        .emitted = o->emitted,
    };

    packet_begin(&o->packet, o->slot, sizeof(o->slot), &h);
    o->open = true;
    o->domid = rec->domid;
    o->vcpu = rec->vcpu;
}

static struct out_stream *stream_of(struct slice *s,
                                    const struct merge_record *rec)
{
    struct out_stream **o = &s->stream[rec->cpu * 2 + (rec->channel & 1)];

    if ( !*o )
        *o = calloc(1, sizeof(**o));
    if ( *o && !(*o)->seq )
    {
        (*o)->cpu = rec->cpu;
        (*o)->channel = rec->channel;
        (*o)->seq = 1; /* 1 would mean the ring's first packet */
    }
    return *o;
}

static int put_record(struct slice *s, const struct merge_record *rec)
{
    struct out_stream *o = stream_of(s, rec);
    struct packet_record r = { .tsc = rec->tsc, .event = rec->event,
                               .id = rec->id, .words = rec->words };
    struct event_who who;
    int rc = 0;

    if ( !o )
        return -ENOMEM;
    memcpy(r.data, rec->data, sizeof(r.data));

    /* Readers take the running vCPU from the header and the switches after it. */
    if ( o->open && (o->domid != rec->domid || o->vcpu != rec->vcpu) )
        rc = close_packet(s, o);
    if ( !rc && o->open && !packet_add(&o->packet, &r) )
        rc = close_packet(s, o);
    else if ( !rc && o->open )
        goto added;
    if ( rc )
        return rc;

    open_packet(s, o, rec);
    packet_add(&o->packet, &r);
 added:
    o->emitted++;
    if ( event_runs(rec->desc, rec->data, rec->words, &who) )
    {
        o->domid = who.domid;
        o->vcpu = who.vcpu;
    }
    return 0;
}

/*
 * Two passes: one for the facts in the document, one to write the records.
 */

struct pass {
    const struct slice *slice;
    walk_fn each;
    void *arg;
    struct redact_totals *totals;
};

/* Whether the number was that of the domain at @tsc. */
static bool is_alive(const struct slice *s, uint64_t tsc)
{
    const struct life *life = lives_at(s->src->lives, s->domid, tsc);

    return !s->life || (life && lives_same(life, s->life));
}

static int pass_record(void *arg, const struct merge_record *rec)
{
    const struct pass *p = arg;
    struct merge_record own;

    if ( rec->kind != MERGE_EVENT )
        return 0;
    own = *rec;
    if ( !is_alive(p->slice, rec->tsc) ||
         !redact_record(p->slice->known, &own, p->slice->domid) )
    {
        p->totals->left_out++;
        return 0;
    }
    p->totals->kept++;
    return p->each(p->arg, &own);
}

static int walk(const struct slice *s, walk_fn each, void *arg,
                struct redact_totals *t)
{
    struct pass p = { .slice = s, .each = each, .arg = arg, .totals = t };

    memset(t, 0, sizeof(*t));
    return source_walk(s->src, WALK_ALL, pass_record, &p, NULL);
}

static int note_record(void *arg, const struct merge_record *rec)
{
    struct redact_facts *f = arg;

    if ( f->last_tsc < rec->tsc )
        f->last_tsc = rec->tsc;
    if ( rec->tsc >= f->window_from && !f->from_tsc )
        f->from_tsc = rec->tsc;
    if ( rec->tsc <= f->window_to )
        f->to_tsc = rec->tsc;
    return 0;
}

static int write_record(void *arg, const struct merge_record *rec)
{
    return put_record(arg, rec);
}

static int finish(struct slice *s)
{
    int rc = 0;

    for ( size_t i = 0; !rc && i < 2 * (UINT16_MAX + 1); i++ )
    {
        struct out_stream *o = s->stream[i];

        if ( !o )
            continue;
        rc = close_packet(s, o);
        if ( !rc )
            rc = flush_chunk(s, o);
    }
    return rc;
}

static int write_slice(struct slice *s, const struct redact_facts *facts,
                       int fd, struct redact_totals *totals)
{
    const struct doc *d = &s->src->doc;
    int64_t wall = d->has_wall ? doc_clock_at(d, DOC_CLOCK_REALTIME,
                                              facts->tsc) : 0;
    char *text;
    int rc;

    rc = redact_meta(s->src, s->domid, s->life, facts, &text);
    if ( rc )
        return rc;
    rc = snapshot_create(fd, wall, &s->w);
    if ( rc )
    {
        free(text);
        return rc;
    }
    rc = snapshot_put_meta(s->w, text, strlen(text));
    free(text);
    if ( !rc )
        rc = walk(s, write_record, s, totals);
    if ( !rc )
        rc = finish(s);
    if ( !rc )
        return snapshot_finish(s->w, NULL);
    snapshot_abort(s->w);
    return rc;
}

static int redact_slice(struct slice *s, int fd, struct redact_totals *totals)
{
    const struct doc *d = &s->src->doc;
    struct redact_facts facts;
    int rc;

    redact_get_window(d, &facts);
    rc = walk(s, note_record, &facts, totals);
    if ( rc )
        return rc;
    if ( !totals->kept )
        return -ENODATA;

    facts.is_trigger = d->domid == s->domid && is_alive(s, d->tsc);
    facts.tsc = facts.is_trigger ? d->tsc : facts.last_tsc;
    return write_slice(s, &facts, fd, totals);
}

int redact(const struct source *src, uint32_t domid, const struct life *life,
           int fd, struct redact_totals *totals)
{
    struct event_dict *known;
    struct slice *s = calloc(1, sizeof(*s));
    int rc;

    if ( !s )
        return -ENOMEM;
    rc = event_dict_build(NULL, 0, EVENT_VENDOR_UNKNOWN, &known);
    if ( rc )
    {
        free(s);
        return rc;
    }

    s->src = src;
    s->known = known;
    s->domid = domid;
    s->life = life;
    s->shift = redact_shift(&src->doc);
    rc = redact_slice(s, fd, totals);
    for ( size_t i = 0; i < 2 * (UINT16_MAX + 1); i++ )
        free(s->stream[i]);
    event_dict_free(known);
    free(s);
    return rc;
}
