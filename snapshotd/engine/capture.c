/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/engine/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/audit.h"
#include "snapshotd/common/log.h"

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
    s->balanced = audit_balances(&s->audit);
    for ( i = 0; i < m->ch[ch].slots; i++ )
    {
        p = rings_slot(m, ch, i);
        if ( p->magic == XEN_FLIGHTREC_PACKET_MAGIC &&
             p->hold_gen == s->audit.gen )
            add_slot(s, p);
    }
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
    for ( pass = 0; pass < 2; pass++ )
        for ( o = 0; o < XEN_FLIGHTREC_CHANNELS; o++ )
            for ( i = 0; i < r->nr; i++ )
                if ( r->map[i].ch[order[o]].slots &&
                     (r->map[i].cpu == first) == !pass )
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
