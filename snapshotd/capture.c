/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/recorder.h"
#include "log.h"

#define FRAME 4096

static int hyp_op_arg(void *arg, struct xen_flightrec_op *op)
{
    return hyp_op(arg, op);
}

/* The pages are Xen's own, but a wrong one must not lead us astray. */
static int check_channel(const struct xen_flightrec_channel *c,
                         uint32_t frames)
{
    if ( c->slots < XEN_FLIGHTREC_MIN_SLOTS ||
         c->slots > XEN_FLIGHTREC_MAX_SLOTS || c->slot_bytes % FRAME ||
         c->slot_bytes < XEN_FLIGHTREC_MIN_SLOT_BYTES ||
         c->slot_bytes > XEN_FLIGHTREC_MAX_SLOT_BYTES )
        return -EPROTO;
    if ( c->first_frame < 1 || c->first_frame > frames ||
         c->slots * (c->slot_bytes / FRAME) > frames - c->first_frame )
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

static int map_cpus(struct hyp *h, uint32_t nr_cpus, struct rings *r)
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
        {
            log_error("map: pCPU %u: %s", cpu, strerror(-rc));
            return rc;
        }
        r->nr++;
    }
    return r->nr ? 0 : -ENODEV;
}

int rings_map(struct hyp *h, struct rings *r)
{
    struct xen_flightrec_op_status st;
    const void *info;
    int rc;

    memset(r, 0, sizeof(*r));
    rc = recorder_status(hyp_op_arg, h, &st);
    if ( rc )
        return rc;
    if ( !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        return -ENODEV;
    r->map = calloc(st.nr_cpus ? st.nr_cpus : 1, sizeof(*r->map));
    if ( !r->map )
        return -ENOMEM;
    rc = hyp_map(h, XEN_FLIGHTREC_RES_INFO, 1, &info);
    if ( rc )
    {
        log_error("map: information page: %s", strerror(-rc));
        return rc;
    }
    memcpy(&r->info, info, sizeof(r->info));
    if ( r->info.magic != XEN_FLIGHTREC_INFO_MAGIC ||
         r->info.version != XEN_FLIGHTREC_VERSION )
    {
        log_error("map: information page: not of version %u",
                  XEN_FLIGHTREC_VERSION);
        return -EPROTO;
    }
    return map_cpus(h, st.nr_cpus, r);
}

static const struct xen_flightrec_packet *slot_at(const struct ring_map *m,
                                                  unsigned int ch,
                                                  unsigned int slot)
{
    return (const void *)((const char *)m->page +
                          (size_t)m->ch[ch].first_frame * FRAME +
                          (size_t)m->ch[ch].slot_bytes * slot);
}

static bool balances(const struct xen_flightrec_audit *a)
{
    uint64_t sum = a->held + a->held_earlier + a->sacrificed + a->overwritten;
    unsigned int i;

    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        sum += a->lost[i];
    return a->emitted - a->late == sum;
}

/* The account of the smallest adopted generation >= gen. */
static bool find_audit(const struct ring_map *m, unsigned int ch,
                       uint32_t gen, struct xen_flightrec_audit *out)
{
    struct xen_flightrec_audit a;
    bool found = false;
    unsigned int i;

    for ( i = 0; i < XEN_FLIGHTREC_MAX_HELD; i++ )
    {
        memcpy(&a, &m->page->audit[i][ch], sizeof(a));
        if ( a.gen < gen || (found && a.gen > out->gen) )
            continue;
        *out = a;
        found = true;
    }
    return found;
}

static void add_slot(struct stream *s, const struct xen_flightrec_packet *p)
{
    const struct xen_flightrec_packet *other;
    unsigned int i;

    for ( i = s->nr; i; i-- )
    {
        other = s->slot[i - 1];
        if ( other->seq < p->seq )
            break;
        s->slot[i] = other;
    }
    s->slot[i] = p;
    s->nr++;
    s->records += p->records;
}

static void find_stream(const struct ring_map *m, unsigned int ch,
                        uint32_t gen, struct stream *s)
{
    const struct xen_flightrec_packet *p;
    unsigned int i;

    memset(s, 0, sizeof(*s));
    s->cpu = m->cpu;
    s->channel = ch;
    s->slot_bytes = m->ch[ch].slot_bytes;
    s->found = find_audit(m, ch, gen, &s->audit);
    if ( !s->found )
        return;
    s->balanced = balances(&s->audit);
    for ( i = 0; i < m->ch[ch].slots; i++ )
    {
        p = slot_at(m, ch, i);
        if ( p->magic == XEN_FLIGHTREC_PACKET_MAGIC &&
             p->hold_gen == s->audit.gen )
            add_slot(s, p);
    }
    if ( s->nr )
        memcpy(s->lost_before,
               ((const struct xen_flightrec_packet *)s->slot[0])->lost,
               sizeof(s->lost_before));
}

int capture_find(const struct rings *r, uint32_t gen, uint32_t first,
                 struct stream **streams, unsigned int *nr)
{
    static const unsigned int order[XEN_FLIGHTREC_CHANNELS] = {
        XEN_FLIGHTREC_CH_RARE, XEN_FLIGHTREC_CH_BUSY
    };
    struct stream *s = calloc(r->nr * XEN_FLIGHTREC_CHANNELS, sizeof(*s));
    unsigned int o, pass, i, n = 0;

    if ( !s )
        return -ENOMEM;
    for ( o = 0; o < XEN_FLIGHTREC_CHANNELS; o++ )
        for ( pass = 0; pass < 2; pass++ )
            for ( i = 0; i < r->nr; i++ )
                if ( (r->map[i].cpu == first) == !pass )
                    find_stream(&r->map[i], order[o], gen, &s[n++]);
    *streams = s;
    *nr = n;
    return 0;
}

int capture_write(struct snapshot_writer *w, const struct stream *s,
                  unsigned int *bad)
{
    unsigned int i;
    int rc;

    for ( i = 0; i < s->nr; i++ )
    {
        rc = snapshot_put_packet(w, s->slot[i], s->slot_bytes);
        if ( rc == -EBADMSG || rc == -ENODATA || rc == -ESTALE )
        {
            log_warning("capture: pCPU %u, channel %u, packet %u of %u: left "
                        "out: %s",
                        s->cpu, s->channel, i + 1, s->nr, strerror(-rc));
            ++*bad;
        }
        else if ( rc )
            return rc;
    }
    return 0;
}
