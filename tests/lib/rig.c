/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rig.c: one pCPU's recorder on ordinary memory.
 */

#include <stdlib.h>

#include "tests/lib/rig.h"

#define RIG_CPU         5
#define RIG_INCARNATION 42

uint64_t rig_tsc = 1ULL << 32, rig_tick = 40;

/* In one instruction: a signal handler may read it in between. */
static uint64_t rig_clock(void)
{
    return __atomic_add_fetch(&rig_tsc, rig_tick, __ATOMIC_RELAXED);
}

static uint32_t *rig_slot(void *arg, unsigned int channel, unsigned int i)
{
    struct rig *rig = arg;

    return rig->mem[channel] + i * (rig->geo[channel].slot_bytes / 4);
}

static void rig_release_all(void)
{
    uint32_t gen, released;

    fr_generations(&gen, &released);
    while ( released != gen )
        if ( fr_release(++released) )
            abort();
}

static void rig_channel(struct rig *rig, unsigned int ch, uint32_t frame,
                        const struct rig_form *form)
{
    rig->geo[ch] = (struct fr_geometry){
        .slot_bytes = form->slot_bytes, .slots = form->slots,
        .spares = form->spares, .first_frame = frame,
    };
    rig->mem[ch] = calloc(form->slots, form->slot_bytes);
    if ( !rig->mem[ch] )
        abort();
}

void rig_open(struct rig *rig, const struct rig_form *form)
{
    struct fr_geometry *geo = rig->geo;

    memset(rig, 0, sizeof(*rig));
    fr_hosted_clock = rig_clock;
    if ( fr_init(2600000) )
        abort();
    rig_release_all();

    rig->info = calloc(1, sizeof(*rig->info));
    rig->cpu = aligned_alloc(FR_CACHELINE, sizeof(*rig->cpu));
    rig_channel(rig, XEN_FLIGHTREC_CH_RARE, 1, form);
    rig_channel(rig, XEN_FLIGHTREC_CH_BUSY,
                1 + form->slots * form->slot_bytes / 4096, form);
    if ( !rig->info || !rig->cpu )
        abort();

    fr_cpu_init(rig->cpu, RIG_CPU, RIG_INCARNATION, geo, rig->info, rig_slot,
                rig);
    fr_hosted_cpu = rig->cpu;
}

void rig_close(struct rig *rig)
{
    unsigned int ch;

    fr_hosted_cpu = NULL;
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        free(rig->mem[ch]);
    free(rig->info);
    free(rig->cpu);
}

int rig_packet(const struct rig *rig, unsigned int channel, unsigned int slot,
               struct packet *p)
{
    const struct fr_ring *r = &rig->cpu->ring[channel];
    struct xen_flightrec_packet *hdr =
        (struct xen_flightrec_packet *)r->slot[slot].data;
    uint64_t pos = r->pos;
    int rc;

    if ( !r->slot[slot].seq )
        return -ENODATA;

    if ( (pos & FR_OFF_MASK) == FR_OFF_MASK ||
         ((pos >> FR_SLOT_SHIFT) & FR_SLOT_MASK) != slot )
        return packet_parse(hdr, rig->geo[channel].slot_bytes, p);

    /* Still open: its end is known from pos alone. */
    if ( hdr->used_bytes || hdr->records )
        return -EBADMSG;
    hdr->used_bytes = pos & FR_OFF_MASK;
    hdr->records = (pos >> FR_NREC_SHIFT) & FR_NREC_MASK;
    rc = packet_parse(hdr, rig->geo[channel].slot_bytes, p);
    hdr->used_bytes = hdr->records = 0;

    return rc;
}

/* Slots of a channel by sequence number. */
static unsigned int rig_order(const struct fr_ring *r, unsigned int *order)
{
    unsigned int i, j, n = 0;

    for ( i = 0; i < r->slots; i++ )
    {
        if ( !r->slot[i].seq )
            continue;
        for ( j = n++; j && r->slot[order[j - 1]].seq > r->slot[i].seq; j-- )
            order[j] = order[j - 1];
        order[j] = i;
    }

    return n;
}

int rig_read(const struct rig *rig, unsigned int channel,
             struct rig_record *rec, unsigned int max)
{
    const struct fr_ring *r = &rig->cpu->ring[channel];
    unsigned int order[FR_SLOTS], i, n = rig_order(r, order), found = 0;

    for ( i = 0; i < n; i++ )
    {
        struct packet p;
        struct packet_iter it;
        uint32_t count = 0;
        int rc = rig_packet(rig, channel, order[i], &p);

        if ( rc )
            return rc;
        if ( p.hdr.seq != r->slot[order[i]].seq )
            return -EBADMSG;

        packet_iter_init(&it, &p);
        while ( found < max && (rc = packet_next(&it, &rec[found].rec)) > 0 )
        {
            rec[found].seq = p.hdr.seq;
            rec[found].slot = order[i];
            rec[found++].hold_gen = r->slot[order[i]].hold_gen;
            count++;
        }
        if ( found == max )
            return found;
        if ( rc || count != p.hdr.records )
            return -EBADMSG;
    }

    return found;
}

const struct xen_flightrec_audit *rig_audit(const struct rig *rig,
                                            unsigned int channel, uint32_t gen)
{
    const struct xen_flightrec_audit *a =
        &rig->info->audit[gen % XEN_FLIGHTREC_MAX_HELD][channel];

    return a->gen == gen ? a : NULL;
}

int64_t rig_imbalance(const struct xen_flightrec_audit *a)
{
    int64_t left = a->emitted - a->late;
    unsigned int i;

    left -= a->held + a->held_earlier + a->sacrificed + a->overwritten;
    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        left -= a->lost[i];

    return left;
}

uint32_t rig_freeze(void)
{
    struct xen_flightrec_trigger t = { .cause = XEN_FLIGHTREC_CAUSE_REQUEST };
    bool gave_up;

    return fr_freeze(&t, &gave_up) ? 0 : t.gen;
}
