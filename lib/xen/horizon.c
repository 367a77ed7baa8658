/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* horizon.c: measure how far back the recorder reaches at this moment. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/audit.h"
#include "lib/xen/horizon.h"
#include "lib/xen/hyp-tbuf.h"

#define TORN_TRIES 8

/* The same for all rings. */
struct scale {
    uint32_t tsc_khz;
    uint32_t held;         /* generations */
    uint64_t tsc, ns;      /* now */
};

/* The headers of one ring, without slots never used. */
struct headers {
    struct xen_flightrec_packet hdr[XEN_FLIGHTREC_MAX_SLOTS]; /* by seq */
    unsigned int nr;
    unsigned int unused;   /* slots */
};

const char *horizon_channel_name(unsigned int channel)
{
    static const char *const name[XEN_FLIGHTREC_CHANNELS] = {
        [XEN_FLIGHTREC_CH_BUSY] = "busy",
        [XEN_FLIGHTREC_CH_RARE] = "rare",
    };

    return name[channel];
}

const char *horizon_lost_name(unsigned int cause)
{
    return audit_lost_name(cause);
}

/*
 * Headers.
 */

/*
 * Xen may open this slot again while it is copied.  It clears used_bytes first
 * and writes the fields behind seq after seq.  So a copy with the same seq
 * before and after is of one packet, and one with used_bytes set is complete.
 */
static bool copy_header(const struct xen_flightrec_packet *from,
                        struct xen_flightrec_packet *to)
{
    for ( unsigned int i = 0; i < TORN_TRIES; i++ )
    {
        uint64_t seq = __atomic_load_n(&from->seq, __ATOMIC_ACQUIRE);

        memcpy(to, from, sizeof(*to));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if ( to->seq == seq &&
             __atomic_load_n(&from->seq, __ATOMIC_RELAXED) == seq )
            return true;
    }

    return false;
}

static int by_seq(const void *a, const void *b)
{
    const struct xen_flightrec_packet *x = a, *y = b;

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void read_headers(const struct ring_map *m, unsigned int ch,
                         struct headers *h)
{
    h->nr = h->unused = 0;
    for ( unsigned int i = 0; i < m->ch[ch].slots; i++ )
    {
        struct xen_flightrec_packet *hdr = &h->hdr[h->nr];

        if ( !copy_header(rings_slot(m, ch, i), hdr) )
            continue;
        if ( hdr->magic == XEN_FLIGHTREC_PACKET_MAGIC && hdr->seq )
            h->nr++;
        else
            h->unused++;
    }
    qsort(h->hdr, h->nr, sizeof(h->hdr[0]), by_seq);
}

/*
 * Return the slots that stay writable when one more generation is held.  The
 * same computation as in Xen (ring.c).
 */
static unsigned int keeps(const struct ring_map *m, unsigned int ch,
                          uint32_t held)
{
    unsigned int most = XEN_FLIGHTREC_MAX_HELD - 1;
    unsigned int spares = m->ch[ch].spares < 2 ? 2 : m->ch[ch].spares;

    if ( held > most )
        held = most;

    return 2 + (spares - 2) * (most - held) / most;
}

/* Return the oldest packet that a generation begun now would hold, or NULL. */
static const struct xen_flightrec_packet *
first_kept(const struct headers *h, unsigned int keep)
{
    unsigned int given_up = h->unused;

    for ( unsigned int i = 0; i < h->nr; i++ )
    {
        if ( h->hdr[i].hold_gen )
            continue;
        if ( given_up++ >= keep )
            return &h->hdr[i];
    }

    return NULL;
}

static uint64_t age(const struct scale *s, const struct xen_flightrec_packet *p)
{
    uint64_t ticks;

    if ( p->flags & XEN_FLIGHTREC_PKT_SYNC )
        return s->ns > p->sync_ns ? s->ns - p->sync_ns : 0;

    ticks = s->tsc > p->begin_tsc ? s->tsc - p->begin_tsc : 0;
    return (unsigned __int128)ticks * 1000000 / s->tsc_khz;
}

static void measure(const struct ring_map *m, unsigned int ch,
                    const struct scale *s, struct horizon_channel *c)
{
    const struct xen_flightrec_packet *first;
    uint64_t records = 0, bytes = 0;
    struct headers h;

    read_headers(m, ch, &h);
    first = first_kept(&h, keeps(m, ch, s->held));
    c->measured = true;
    c->reach_ns = first ? age(s, first) : 0;
    c->whole = first ? !first->overwritten && first->seq == h.hdr[0].seq
                     : !c->emitted;
    if ( c->reach_ns && c->emitted > first->emitted )
        c->events_per_s = (c->emitted - first->emitted) * 1e9 / c->reach_ns;

    for ( unsigned int i = 0; i < h.nr; i++ )
    {
        records += h.hdr[i].records;
        bytes += h.hdr[i].used_bytes;
    }
    if ( records )
        c->bytes_per_event = (double)bytes / records;
}

/*
 * All rings.
 */

static const struct ring_map *find_map(const struct rings *rings, uint32_t cpu)
{
    for ( unsigned int i = 0; rings && i < rings->nr; i++ )
        if ( rings->map[i].cpu == cpu )
            return &rings->map[i];

    return NULL;
}

static void take_counters(const struct xen_flightrec_op_cpu *c,
                          const struct scale *s, struct horizon_channel *out)
{
    uint64_t ticks = c->oldest_tsc && c->tsc > c->oldest_tsc
                         ? c->tsc - c->oldest_tsc
                         : 0;

    *out = (struct horizon_channel){
        .emitted = c->emitted,
        .overwritten = c->overwritten,
        .newest_seq = c->newest_seq,
        .writable = c->writable,
        .held = c->held,
        .reach_ns = (unsigned __int128)ticks * 1000000 / s->tsc_khz,
        .whole = !c->overwritten,
    };
    memcpy(out->lost, c->lost, sizeof(out->lost));
}

/* Return -ENODEV if the pCPU has no buffers. */
static int read_cpu(hyp_op_fn *op, void *arg, const struct ring_map *map,
                    const struct scale *s, struct horizon_cpu *out)
{
    for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        struct xen_flightrec_op o = {
            .cmd = XEN_FLIGHTREC_OP_cpu,
            .u.cpu = { .cpu = out->cpu, .channel = ch },
        };
        int rc = op(arg, &o);

        if ( rc )
            return rc;
        out->online = o.u.cpu.flags & XEN_FLIGHTREC_CPU_ONLINE;
        take_counters(&o.u.cpu, s, &out->ch[ch]);
        if ( map )
            measure(map, ch, s, &out->ch[ch]);
    }

    return 0;
}

static int read_scale(hyp_op_fn *op, void *arg,
                      const struct xen_flightrec_op_status *st, struct scale *s)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_clock };
    int rc = op(arg, &o);

    *s = (struct scale){
        .tsc_khz = st->tsc_khz,
        .held = st->gen - st->released,
        .tsc = o.u.clock.tsc,
        .ns = o.u.clock.ns,
    };
    return !rc && !s->tsc_khz ? -EPROTO : rc;
}

/*
 * Return the youngest begin of the rings that have overwritten records.  If
 * none has, the whole history is there: the oldest begin of all.
 */
static uint64_t complete(const struct horizon *h, unsigned int ch)
{
    uint64_t least = UINT64_MAX, most = 0;

    for ( unsigned int i = 0; i < h->nr; i++ )
    {
        const struct horizon_channel *c = &h->cpu[i].ch[ch];

        if ( c->reach_ns > most )
            most = c->reach_ns;
        if ( !c->whole && (c->emitted || c->reach_ns) &&
             c->reach_ns < least )
            least = c->reach_ns;
    }

    return least == UINT64_MAX ? most : least;
}

int horizon_read(hyp_op_fn *op, void *arg, const struct rings *rings,
                 struct horizon *out)
{
    struct xen_flightrec_op_status st;
    struct scale s;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = hyp_status(op, arg, &st);
    if ( rc || !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        return rc;
    rc = read_scale(op, arg, &st, &s);
    if ( rc )
        return rc;
    if ( rings && (rings->tbuf || rings->info.incarnation != st.incarnation) )
        rings = NULL;
    out->cpu = calloc(st.nr_cpus ? st.nr_cpus : 1, sizeof(*out->cpu));
    if ( !out->cpu )
        return -ENOMEM;

    for ( uint32_t i = 0; i < st.nr_cpus; i++ )
    {
        struct horizon_cpu *cpu = &out->cpu[out->nr];

        *cpu = (struct horizon_cpu){ .cpu = i };
        rc = read_cpu(op, arg, find_map(rings, i), &s, cpu);
        /* Records overwritten in Xen's own buffers are not counted. */
        if ( st.state & HYP_ST_TBUF )
            cpu->ch[XEN_FLIGHTREC_CH_BUSY].whole = false;
        if ( !rc )
            out->nr++;
        else if ( rc != -ENODEV )
            return rc;
    }

    for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        out->complete_ns[ch] = complete(out, ch);
    return 0;
}

void horizon_free(struct horizon *h)
{
    free(h->cpu);
    memset(h, 0, sizeof(*h));
}

/*
 * As JSON.
 */

static json_t *channel_json(const struct horizon_channel *c)
{
    json_t *lost = json_object(), *o;

    for ( unsigned int i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        json_object_set_new(lost, horizon_lost_name(i),
                            json_integer(c->lost[i]));
    o = json_pack("{sI sI so sI sI sI sb sf}",
                  "emitted", (json_int_t)c->emitted,
                  "overwritten", (json_int_t)c->overwritten,
                  "lost", lost,
                  "writable", (json_int_t)c->writable,
                  "held", (json_int_t)c->held,
                  "newest_seq", (json_int_t)c->newest_seq,
                  "whole", c->whole,
                  "horizon_s", c->reach_ns / 1e9);
    if ( o && c->measured )
    {
        json_object_set_new(o, "events_per_s", json_real(c->events_per_s));
        json_object_set_new(o, "bytes_per_event",
                            json_real(c->bytes_per_event));
    }
    return o;
}

json_t *horizon_cpus_json(const struct horizon *h)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; list && i < h->nr; i++ )
    {
        const struct horizon_cpu *c = &h->cpu[i];
        json_t *channels = json_object();
        int rc = 0;

        for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
            rc |= json_object_set_new(channels, horizon_channel_name(ch),
                                      channel_json(&c->ch[ch]));
        rc |= json_array_append_new(
            list, json_pack("{sI sb so}", "cpu", (json_int_t)c->cpu, "online",
                            c->online, "channels", channels));
        if ( rc )
        {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}

json_t *horizon_complete_json(const struct horizon *h)
{
    json_t *o = json_object();

    for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        json_object_set_new(o, horizon_channel_name(ch),
                            json_real(h->complete_ns[ch] / 1e9));
    return o;
}
