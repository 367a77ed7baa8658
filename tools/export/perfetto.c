/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * perfetto.c: writes a trace for Perfetto: a sequence of protobuf
 * TracePackets, each serialised as a Trace of one packet.  Concatenated they
 * are one Trace.
 *
 * Each pCPU has a track with a slice for each vCPU that runs there and an
 * instant for each record.  Each vCPU has a track with a slice for each
 * runstate.  A flow leads from the record that wakes a vCPU to the pCPU where
 * it then runs.  Slices end at a gap that makes them uncertain, at the end of
 * the domain and when the pCPU goes down.  A domain that reuses a number has
 * tracks of its own.
 *
 * Times are on the clock of Dom0 that the file knows: CLOCK_MONOTONIC, or else
 * CLOCK_REALTIME.  A trace of Dom0 itself then has the same times.  In a file
 * without either they are ns since TSC 0, on a clock without a name.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perfetto.pb-c.h"

#include "lib/base/text.h"
#include "tools/export/export.h"
#include "tools/stats/vcpus.h"

#define CLOCK_REALTIME_ID  1
#define CLOCK_MONOTONIC_ID 3

/* Uuids of tracks.  None may be 0. */
#define TRACK_PCPUS  1ULL
#define TRACK_PCPU   (1ULL << 32)  /* + pCPU */
#define TRACK_VCPU   (2ULL << 32)  /* + domid << 16 | vCPU + life */
#define TRACK_DOMAIN (3ULL << 32)  /* + domid + life */
#define TRACK_LIFE   (1ULL << 36)  /* times the number of earlier lives */

#define NOTES_MAX    (EVENT_MAX_FIELDS + 2)
/* A composed value with all its flags; a record has EVENT_MAX_FIELDS at most. */
#define FLAGS_TEXT_BYTES (EVENT_TEXT_BYTES / EVENT_MAX_FIELDS)

typedef Perfetto__TracePacket Packet;
typedef Perfetto__TrackEvent Event;
typedef Perfetto__DebugAnnotation Note;

struct cpu {
    uint64_t last;         /* ns of its newest record */
    bool has_track;
    bool busy;             /* a slice is open */
    uint32_t domid, vcpu;  /* of the open slice */
};

struct vcpu_state {
    struct vcpu *next;     /* of the domain, or NULL */
    bool listed;           /* in domain_state.first */
    bool has_track, open;
    uint32_t life;         /* domain_state.life that the track is for */
    uint16_t cpu;          /* pCPU where it ran last */
    uint64_t flow;         /* number of the flow from its wake-up, or 0 */
};

struct domain_state {
    struct vcpu *first;    /* its vCPUs, linked by next */
    bool has_track;
    bool gone;
    uint32_t life;         /* number of earlier domains with this domid */
};

struct perfetto {
    enum doc_clock clock;  /* of the times, DOC_CLOCK_TSC if none is known */
    uint32_t clock_id;     /* its number in Perfetto, or 0 */
    struct vcpus *vcpus;
    struct domain_state domain[UINT16_MAX + 1];
    uint64_t flows;
    uint64_t tsc;              /* of the record being exported */
    struct cpu cpu[UINT16_MAX + 1];
    uint8_t *buf;
    size_t size;
};

/*
 * Packets.
 */

static int put_packet(struct perfetto *p, Packet *packet)
{
    Packet *list[] = { packet };
    Perfetto__Trace trace = PERFETTO__TRACE__INIT;
    size_t bytes;

    trace.n_packet = 1;
    trace.packet = list;
    packet->has_trusted_packet_sequence_id = true;
    packet->trusted_packet_sequence_id = 1;

    bytes = perfetto__trace__get_packed_size(&trace);
    if ( bytes > p->size )
    {
        uint8_t *more = realloc(p->buf, bytes);

        if ( !more )
            return -ENOMEM;
        p->buf = more;
        p->size = bytes;
    }
    perfetto__trace__pack(&trace, p->buf);
    return fwrite(p->buf, 1, bytes, stdout) == bytes ? 0 : -EIO;
}

static int put_track(struct perfetto *p, uint64_t uuid, uint64_t parent,
                     char *name)
{
    Packet packet = PERFETTO__TRACE_PACKET__INIT;
    Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;

    track.has_uuid = true;
    track.uuid = uuid;
    track.name = name;
    track.has_parent_uuid = parent != 0;
    track.parent_uuid = parent;
    packet.track_descriptor = &track;
    return put_packet(p, &packet);
}

static int put_event(struct perfetto *p, Event *event, uint64_t ns)
{
    Packet packet = PERFETTO__TRACE_PACKET__INIT;

    event->has_type = event->has_track_uuid = true;
    packet.has_timestamp = true;
    packet.timestamp = ns;
    packet.has_timestamp_clock_id = p->clock_id != 0;
    packet.timestamp_clock_id = p->clock_id;
    packet.track_event = event;
    return put_packet(p, &packet);
}

static int put_end(struct perfetto *p, uint64_t track, uint64_t ns)
{
    Event event = PERFETTO__TRACK_EVENT__INIT;

    event.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END;
    event.track_uuid = track;
    return put_event(p, &event, ns);
}

static int put_begin(struct perfetto *p, uint64_t track, uint64_t ns,
                     const char *name, uint64_t flow)
{
    Event event = PERFETTO__TRACK_EVENT__INIT;

    event.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN;
    event.track_uuid = track;
    event.name = (char *)name;
    event.n_terminating_flow_ids = flow != 0;
    event.terminating_flow_ids = &flow;
    return put_event(p, &event, ns);
}

/*
 * Tracks.
 */

static uint64_t cpu_track(uint16_t cpu)
{
    return TRACK_PCPU + cpu;
}

static uint64_t vcpu_track(const struct perfetto *p, const struct vcpu *v)
{
    return TRACK_VCPU + ((uint32_t)v->domid << 16 | v->vcpu) +
           p->domain[v->domid].life * TRACK_LIFE;
}

static uint64_t domain_track(const struct perfetto *p, uint16_t domid)
{
    return TRACK_DOMAIN + domid + p->domain[domid].life * TRACK_LIFE;
}

static int need_cpu_track(struct perfetto *p, uint16_t cpu)
{
    char name[16];

    if ( p->cpu[cpu].has_track )
        return 0;

    p->cpu[cpu].has_track = true;
    snprintf(name, sizeof(name), "pCPU %u", cpu);
    return put_track(p, cpu_track(cpu), TRACK_PCPUS, name);
}

static int need_domain_track(struct export *x, uint16_t domid)
{
    struct perfetto *p = x->state;
    struct domain_state *st = &p->domain[domid];
    char safe[128], name[176], nth[16] = "";

    if ( st->has_track )
        return 0;

    st->has_track = true;
    text_escape(safe, sizeof(safe),
                lives_name(x->src->lives, domid, p->tsc));
    if ( st->life )
        snprintf(nth, sizeof(nth), " (%" PRIu32 ")", st->life + 1);
    if ( domid == VCPU_IDLE_DOMAIN )
        snprintf(name, sizeof(name), "idle");
    else if ( doc_is_other(&x->src->doc, domid) )
        snprintf(name, sizeof(name), "other domains or idle");
    else
        snprintf(name, sizeof(name), "domain %u%s%s%s", domid,
                 safe[0] ? " " : "", safe, nth);
    return put_track(p, domain_track(p, domid), 0, name);
}

static int need_vcpu_track(struct export *x, struct vcpu *v)
{
    struct perfetto *p = x->state;
    struct vcpu_state *st = v->data;
    char name[32];
    int rc;

    if ( st->has_track && st->life == p->domain[v->domid].life )
        return 0;

    rc = need_domain_track(x, v->domid);
    if ( rc )
        return rc;

    st->has_track = true;
    st->open = false;
    st->life = p->domain[v->domid].life;
    if ( doc_is_other(&x->src->doc, v->domid) )
        snprintf(name, sizeof(name), "other");
    else
        snprintf(name, sizeof(name), "d%uv%u", v->domid, v->vcpu);
    return put_track(p, vcpu_track(p, v), domain_track(p, v->domid), name);
}

/*
 * Slices.
 */

static int close_cpu(struct perfetto *p, uint16_t cpu, uint64_t ns)
{
    if ( !p->cpu[cpu].busy )
        return 0;

    p->cpu[cpu].busy = false;
    return put_end(p, cpu_track(cpu), ns);
}

static int close_vcpu(struct perfetto *p, struct vcpu *v, uint64_t ns)
{
    struct vcpu_state *st = v->data;

    if ( !st->open )
        return 0;

    st->open = false;
    return put_end(p, vcpu_track(p, v), ns);
}

/* A pCPU's slice lasts while one vCPU runs there. */
static int switch_cpu(struct perfetto *p, uint16_t n, uint64_t ns,
                      const struct runstate_change *c)
{
    struct cpu *cpu = &p->cpu[n];
    char name[32];
    int rc;

    if ( c->new != RUNNING )
        return cpu->domid == c->domid && cpu->vcpu == c->vcpu
               ? close_cpu(p, n, ns) : 0;

    rc = close_cpu(p, n, ns);
    if ( rc || c->domid == VCPU_IDLE_DOMAIN )
        return rc;

    cpu->busy = true;
    cpu->domid = c->domid;
    cpu->vcpu = c->vcpu;
    snprintf(name, sizeof(name), "d%" PRIu32 "v%" PRIu32, c->domid, c->vcpu);
    return put_begin(p, cpu_track(n), ns, name, 0);
}

/* End the slice of the pCPU where the vCPU ran, if it is still open. */
static int leave_cpu(struct perfetto *p, const struct vcpu *v, uint64_t ns)
{
    const struct vcpu_state *st = v->data;
    const struct cpu *cpu = &p->cpu[st->cpu];

    return cpu->domid == v->domid && cpu->vcpu == v->vcpu
           ? close_cpu(p, st->cpu, ns) : 0;
}

static int change_runstate(struct export *x, struct vcpu *v, uint16_t cpu,
                           const struct runstate_change *c)
{
    struct perfetto *p = x->state;
    struct vcpu_state *st = v->data;
    uint64_t ns = p->cpu[cpu].last, flow = 0;
    int rc;

    rc = need_vcpu_track(x, v);
    if ( !rc )
        rc = close_vcpu(p, v, ns);
    if ( !rc && st->cpu != cpu )
        rc = leave_cpu(p, v, ns);
    if ( !rc )
        rc = switch_cpu(p, cpu, ns, c);
    if ( rc )
        return rc;

    if ( c->new == RUNNING )
    {
        flow = st->flow;
        st->flow = 0;
        st->cpu = cpu;
    }
    st->open = true;
    return put_begin(p, vcpu_track(p, v), ns, runstate_text[c->new], flow);
}

/*
 * Begin and end of domains and pCPUs.
 */

/* Find or add a vCPU, and put it on its domain's list. */
static struct vcpu *vcpu_of(struct perfetto *p, uint32_t domid, uint32_t vcpu)
{
    struct vcpu *v = vcpus_get(p->vcpus, domid, vcpu);
    struct vcpu_state *st = v ? v->data : NULL;

    if ( st && !st->listed )
    {
        st->listed = true;
        st->next = p->domain[v->domid].first;
        p->domain[v->domid].first = v;
    }

    return v;
}

/* The list is taken apart: each record of an end would walk all of it again. */
static int end_domain(struct perfetto *p, uint16_t domid, uint64_t ns)
{
    struct vcpu *v;
    int rc = 0;

    while ( (v = p->domain[domid].first) && !rc )
    {
        struct vcpu_state *st = v->data;

        p->domain[domid].first = st->next;
        st->listed = false;
        st->flow = 0;
        rc = close_vcpu(p, v, ns);
        if ( !rc )
            rc = leave_cpu(p, v, ns);
    }

    p->domain[domid].gone = true;
    return rc;
}

static int begin_domain(struct perfetto *p, uint16_t domid, uint64_t ns)
{
    struct domain_state *st = &p->domain[domid];
    int rc = st->has_track ? end_domain(p, domid, ns) : 0;

    st->life += st->has_track;
    st->has_track = st->gone = false;
    return rc;
}

/* A record may begin or end a domain, or take another pCPU offline. */
static int change_life(struct perfetto *p, const struct merge_record *rec)
{
    uint64_t ns = p->cpu[rec->cpu].last, cpu;
    uint32_t domid;

    switch ( domain_life_of(rec, &domid) )
    {
    case LIFE_BEGINS:
        return begin_domain(p, domid, ns);
    case LIFE_ENDS:
        return end_domain(p, domid, ns);
    default:
        break;
    }

    if ( !rec->desc || strcmp(rec->desc->name, "FR_CPU_DOWN") ||
         !event_get(rec->desc, 0, rec->data, rec->words, &cpu) ||
         cpu > UINT16_MAX )
        return 0;

    return close_cpu(p, cpu, ns);
}

/* A vCPU of a removed domain that runs belongs to a new domain with its number,
 * whose begin was not recorded. */
static int change_vcpu(struct export *x, struct vcpu *v, uint16_t cpu,
                       const struct runstate_change *c)
{
    struct perfetto *p = x->state;
    int rc = 0;

    if ( p->domain[v->domid].gone && c->new != RUNNING )
        return 0;
    if ( p->domain[v->domid].gone )
        rc = begin_domain(p, v->domid, p->cpu[cpu].last);

    return rc ? rc : change_runstate(x, v, cpu, c);
}

/*
 * Instants.
 */

static void put_text_note(Note *note, const char *name, const char *text)
{
    note->name = (char *)name;
    note->string_value = (char *)text;
}

static void put_number_note(Note *note, const char *name, uint64_t n)
{
    note->name = (char *)name;
    note->has_uint_value = true;
    note->uint_value = n;
}

static void put_field_note(Note *note, const struct event_field *f, uint64_t v)
{
    const char *text = f->kind == EVENT_BITS ? NULL
                                             : event_value_name(f->names, v);

    if ( text )
        put_text_note(note, f->name, text);
    else if ( event_is_signed(f) )
    {
        note->name = (char *)f->name;
        note->has_int_value = true;
        note->int_value = event_signed(f, v);
    }
    else if ( f->kind == EVENT_HEX )
    {
        note->name = (char *)f->name;
        note->has_pointer_value = true; /* shown as hex */
        note->pointer_value = v;
    }
    else
        put_number_note(note, f->name, v);
}

/* The fields, or one text if the record does not fit its description. */
static size_t take_notes(const struct export *x, const struct merge_record *rec,
                         Note *note, char text[EVENT_TEXT_BYTES])
{
    uint64_t value;
    size_t n = 0;

    if ( rec->desc && event_fits(rec->desc, rec->data, rec->words) &&
         !rec->desc->args )
    {
        for ( unsigned int i = 0; i < rec->desc->nr_fields; i++ )
        {
            const struct event_field *f = &rec->desc->field[i];

            if ( !event_get(rec->desc, i, rec->data, rec->words, &value) )
                continue;
            put_field_note(&note[n], f, value);
            /* A composed value has its flags behind the name. */
            if ( event_value_code(f->names, value) != value )
            {
                put_text_note(&note[n], f->name, text);
                text += event_field_text(x->src->doc.dict, rec->desc, i,
                                         rec->data, rec->words, text,
                                         FLAGS_TEXT_BYTES) + 1;
            }
            n++;
        }
        return n;
    }

    if ( event_pairs(x->src->doc.dict, rec->desc, rec->data, rec->words, text,
                     EVENT_TEXT_BYTES) )
        put_text_note(&note[n++], "fields", text);
    return n;
}

static int put_instant(struct export *x, const struct merge_record *rec,
                       const char *name, uint64_t flow)
{
    struct perfetto *p = x->state;
    Event event = PERFETTO__TRACK_EVENT__INIT;
    Note note[NOTES_MAX], *list[NOTES_MAX];
    char text[EVENT_TEXT_BYTES];

    for ( size_t i = 0; i < NOTES_MAX; i++ )
    {
        perfetto__debug_annotation__init(&note[i]);
        list[i] = &note[i];
    }

    if ( rec->kind == MERGE_EVENT )
        event.n_debug_annotations = take_notes(x, rec, note, text);
    else
    {
        put_text_note(&note[0], "why", merge_gap_text(rec->gap));
        put_number_note(&note[1], "records", rec->missing);
        event.n_debug_annotations = 2;
    }
    event.debug_annotations = list;
    event.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT;
    event.track_uuid = cpu_track(rec->cpu);
    event.name = (char *)name;
    event.n_flow_ids = flow != 0;
    event.flow_ids = &flow;
    return put_event(p, &event, p->cpu[rec->cpu].last);
}

/* A gap in the rare channel changes nothing: the busy one has its records,
 * too. */
static int put_gap(struct export *x, const struct merge_record *rec)
{
    struct perfetto *p = x->state;
    struct cpu *cpu = &p->cpu[rec->cpu];
    bool unsure = cpu->busy && rec->channel == XEN_FLIGHTREC_CH_BUSY;
    struct vcpu *v = unsure ? vcpu_of(p, cpu->domid, cpu->vcpu) : NULL;
    int rc = v ? close_vcpu(p, v, cpu->last) : 0;

    if ( !rc && unsure )
        rc = close_cpu(p, rec->cpu, cpu->last);
    if ( !rc )
        rc = put_instant(x, rec, "records are missing", 0);
    return rc;
}

/* Return the number of the flow that begins if the change wakes @v, or 0. */
static uint64_t wake(struct perfetto *p, struct vcpu *v,
                     const struct runstate_change *c)
{
    if ( c->old != BLOCKED || c->new != RUNNABLE || p->domain[v->domid].gone )
        return 0;

    return ((struct vcpu_state *)v->data)->flow = ++p->flows;
}

/* Times from before the clock's 0, as of Xen's boot, become 0. */
static uint64_t time_of(const struct export *x, uint64_t tsc)
{
    const struct perfetto *p = x->state;
    int64_t ns;

    if ( !p->clock_id )
        return doc_tsc_ns(&x->src->doc, tsc);

    ns = doc_clock_at(&x->src->doc, p->clock, tsc);
    return ns > 0 ? ns : 0;
}

static int perfetto_record(struct export *x, const struct merge_record *rec)
{
    struct perfetto *p = x->state;
    uint64_t ns = time_of(x, rec->tsc), flow = 0;
    char buf[EVENT_NAME_BYTES];
    struct runstate_change c;
    struct vcpu *v = NULL;
    int rc;

    p->tsc = rec->tsc;
    rc = need_cpu_track(p, rec->cpu);
    if ( rc )
        return rc;

    if ( ns > p->cpu[rec->cpu].last )
        p->cpu[rec->cpu].last = ns;
    if ( rec->kind == MERGE_GAP )
        return put_gap(x, rec);

    if ( runstate_of(rec, &c) )
        v = vcpu_of(p, c.domid, c.vcpu);
    if ( v )
        flow = wake(p, v, &c);
    snprintf(buf, sizeof(buf), "id_%u", rec->id);
    rc = put_instant(x, rec, rec->event ? event_name(rec->desc, rec->event, buf)
                                        : buf, flow);
    if ( !rc )
        rc = v ? change_vcpu(x, v, rec->cpu, &c) : change_life(p, rec);
    return rc;
}

/*
 * The trace.
 */

/* All clocks that the file knows, at the trigger.  The first one is used. */
static int put_clocks(struct export *x)
{
    static const struct {
        enum doc_clock clock;
        uint32_t id;
    } clocks[] = {
        { DOC_CLOCK_MONOTONIC, CLOCK_MONOTONIC_ID },
        { DOC_CLOCK_REALTIME, CLOCK_REALTIME_ID },
    };
    const struct doc *d = &x->src->doc;
    struct perfetto *p = x->state;
    Packet packet = PERFETTO__TRACE_PACKET__INIT;
    Perfetto__ClockSnapshot snap = PERFETTO__CLOCK_SNAPSHOT__INIT;
    Perfetto__ClockSnapshot__Clock clock[2], *list[2];

    for ( size_t i = 0; i < 2; i++ )
    {
        Perfetto__ClockSnapshot__Clock *c = &clock[snap.n_clocks];

        if ( !doc_clock_known(d, clocks[i].clock) )
            continue;
        perfetto__clock_snapshot__clock__init(c);
        c->has_clock_id = c->has_timestamp = true;
        c->clock_id = clocks[i].id;
        c->timestamp = doc_clock_at(d, clocks[i].clock, d->tsc);
        list[snap.n_clocks++] = c;
        if ( p->clock_id )
            continue;
        p->clock = clocks[i].clock;
        p->clock_id = clocks[i].id;
    }
    if ( !p->clock_id )
        return 0;

    snap.clocks = list;
    snap.has_primary_trace_clock = true;
    snap.primary_trace_clock = p->clock_id;
    packet.clock_snapshot = &snap;
    return put_packet(p, &packet);
}

static int perfetto_open(struct export *x)
{
    struct perfetto *p = calloc(1, sizeof(*p));
    int rc;

    if ( !p )
        return -ENOMEM;

    x->state = p;
    p->vcpus = vcpus_new(sizeof(struct vcpu_state));
    if ( !p->vcpus )
        return -ENOMEM;

    rc = put_clocks(x);
    if ( !rc )
        rc = put_track(p, TRACK_PCPUS, 0, (char *)"pCPUs");
    return rc;
}

/* Slices that did not end in the recording stay open. */
static int perfetto_finish(struct export *x)
{
    return 0;
}

static void perfetto_close(struct export *x)
{
    struct perfetto *p = x->state;

    if ( !p )
        return;

    vcpus_free(p->vcpus);
    free(p->buf);
    free(p);
}

const struct export_format export_perfetto = {
    .name = "perfetto",
    .binary = true,
    .open = perfetto_open,
    .record = perfetto_record,
    .finish = perfetto_finish,
    .close = perfetto_close,
};
