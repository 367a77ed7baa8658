/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gen.c: build packets for tests.
 */

#include <string.h>

#include "tests/lib/gen.h"

uint64_t gen_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

static void put_word(struct gen *g, uint32_t word)
{
    memcpy(g->slot + g->bytes, &word, sizeof(word));
    g->bytes += sizeof(word);
}

static uint32_t make_head(const struct gen *g, uint64_t tsc,
                          const struct gen_record *rec)
{
    uint32_t time = (tsc >> g->shift) & XEN_FLIGHTREC_TIME_MASK;

    return time << XEN_FLIGHTREC_TIME_SHIFT |
           rec->words << XEN_FLIGHTREC_WORDS_SHIFT | rec->id;
}

void gen_begin(struct gen *g, struct gen_at at)
{
    struct xen_flightrec_packet hdr = {
        .magic = XEN_FLIGHTREC_PACKET_MAGIC,
        .version = XEN_FLIGHTREC_VERSION,
        .header_bytes = sizeof(hdr),
        .cpu = g->cpu,
        .channel = g->channel,
        .tsc_shift = g->shift,
        .flags = XEN_FLIGHTREC_PKT_SYNC,
        .seq = ++g->seq,
        .begin_tsc = at.tsc,
        .sync_ns = at.tsc / 2,
        .gen = 1,
        .domid = at.domid,
        .vcpu = at.vcpu,
        .emitted = g->emitted,
    };

    memcpy(g->slot, &hdr, sizeof(hdr));
    g->bytes = sizeof(hdr);
    g->records = 0;
    g->anchor = at.tsc >> g->shift;
}

bool gen_add(struct gen *g, const struct gen_record *rec)
{
    uint64_t now = rec->tsc >> g->shift;
    bool anchor = now - g->anchor > XEN_FLIGHTREC_TIME_MASK;
    bool escape = rec->id == XEN_FLIGHTREC_ID_ESCAPE;
    unsigned int words = 1 + escape + rec->words + (anchor ? 3 : 0);

    if ( g->bytes + words * 4 > sizeof(g->slot) )
        return false;

    if ( anchor )
    {
        struct gen_record a = { .id = XEN_FLIGHTREC_ID_ANCHOR, .words = 2 };

        put_word(g, make_head(g, rec->tsc, &a));
        put_word(g, rec->tsc);
        put_word(g, rec->tsc >> 32);
        g->anchor = now;
    }

    put_word(g, make_head(g, rec->tsc, rec));
    if ( escape )
        put_word(g, rec->event);
    for ( unsigned int i = 0; i < rec->words; i++ )
        put_word(g, rec->data[i]);
    g->records++;
    g->emitted++;
    return true;
}

uint32_t gen_end(struct gen *g)
{
    struct xen_flightrec_packet hdr;

    memcpy(&hdr, g->slot, sizeof(hdr));
    hdr.used_bytes = g->bytes;
    hdr.records = g->records;
    hdr.hold_gen = 1;
    memcpy(g->slot, &hdr, sizeof(hdr));
    return g->bytes;
}
