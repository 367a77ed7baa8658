/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/table.c: build the map from the event list and the masks.
 */

#include "table.h"

#include <public/flightrec-events.h>

/* Channels that a row of the list allows; a mask can only remove one. */
#define FR_CH_BUSY FR_ENT_BUSY
#define FR_CH_BOTH (FR_ENT_BUSY | FR_ENT_RARE)

struct fr_event {
    uint32_t event;
    uint16_t channels;
};

#define FR_ROW(name, ev, ch, fields, format) { ev, FR_CH_##ch },
static const struct fr_event fr_event[] = { FR_EVENT_LIST(FR_ROW) };
#undef FR_ROW

#define FR_EVENTS (sizeof(fr_event) / sizeof(fr_event[0]))

_Static_assert(XEN_FLIGHTREC_ID_FIRST + FR_EVENTS <= XEN_FLIGHTREC_IDS,
               "the event list has outgrown the compact ids");

/*
 * Xen's class and subclass masks.  GUEST events are off by default because a
 * guest chooses their number and content.  SHADOW events are off because of
 * the past defects in shadow paging's trace code (XSA-477).
 */
#define FR_TRC_GUEST     0x08000000U
#define FR_TRC_SHADOW    0x00400000U
_Static_assert(XEN_FLIGHTREC_EVENTS_DEFAULT ==
                   (XEN_FLIGHTREC_EVENTS_ALL & ~(FR_TRC_GUEST | FR_TRC_SHADOW)),
               "the default mask");

/* For 240 events about one factor in a thousand is free of collisions. */
#define FR_HASH_TRIES    100000

struct fr_map_entry fr_map[1U << FR_MAP_BITS];
uint32_t fr_hash;

static uint32_t fr_mask[FR_CHANNELS] = {
    XEN_FLIGHTREC_EVENTS_DEFAULT, XEN_FLIGHTREC_EVENTS_DEFAULT
};
/* One bit per channel that refuses the event, regardless of the mask. */
static uint8_t fr_refused[FR_EVENTS];

/* As xentrace matches: a class bit and a subclass bit must be in common. */
static bool fr_mask_match(uint32_t mask, uint32_t event)
{
    return (mask & event & 0x0fff0000U) && (mask & event & 0xf000U);
}

static bool fr_wanted(unsigned int i, unsigned int channel)
{
    return fr_mask_match(fr_mask[channel], fr_event[i].event) &&
           !(fr_refused[i] & (1U << channel));
}

static unsigned int fr_entry(unsigned int i)
{
    unsigned int ent = XEN_FLIGHTREC_ID_FIRST + i;

    if ( fr_wanted(i, XEN_FLIGHTREC_CH_BUSY) )
        ent |= fr_event[i].channels & FR_ENT_BUSY;
    if ( fr_wanted(i, XEN_FLIGHTREC_CH_RARE) )
        ent |= fr_event[i].channels & FR_ENT_RARE;
    if ( (ent & FR_ENT_CHANNELS) == FR_ENT_BUSY )
        ent |= FR_ENT_FAST;

    return ent;
}

static void fr_map_fill(void)
{
    unsigned int i;

    for ( i = 0; i < FR_EVENTS; i++ )
    {
        struct fr_map_entry *m = fr_place(fr_event[i].event);
        uint16_t ent = fr_entry(i);

        fr_write(m->ent, ent);
        fr_write(m->fast, (uint16_t)(ent & FR_ENT_FAST ? ent & FR_ENT_ID : 0));
    }
}

/* Assign each event its entry.  Return false if two events collide. */
static bool fr_map_place(void)
{
    unsigned int i;

    memset(fr_map, 0, sizeof(fr_map));
    for ( i = 0; i < FR_EVENTS; i++ )
    {
        struct fr_map_entry *m = fr_place(fr_event[i].event);

        if ( m->event )
            return false;
        m->event = fr_event[i].event;
    }

    return true;
}

int fr_table_init(void)
{
    unsigned int i;

    fr_hash = 0x9e3779b1U;
    for ( i = 0; i < FR_HASH_TRIES; i++ )
    {
        if ( fr_map_place() )
        {
            fr_map_fill();
            return 0;
        }
        /* Any sequence of odd numbers with varying high bits works. */
        fr_hash = fr_hash * 1664525U + 2U * 506952112U;
        fr_hash |= 1;
    }

    return -ERANGE;
}

unsigned int fr_lookup_escape(uint32_t event)
{
    if ( !fr_mask_match(fr_read(fr_mask[XEN_FLIGHTREC_CH_BUSY]), event) )
        return 0;

    return XEN_FLIGHTREC_ID_ESCAPE | FR_ENT_BUSY;
}

int fr_set_mask(unsigned int channel, uint32_t mask)
{
    if ( channel >= FR_CHANNELS || (mask & ~XEN_FLIGHTREC_EVENTS_ALL) )
        return -EINVAL;

    fr_write(fr_mask[channel], mask);
    fr_map_fill();
    return 0;
}

uint32_t fr_get_mask(unsigned int channel)
{
    return channel < FR_CHANNELS ? fr_read(fr_mask[channel]) : 0;
}

int fr_refuse(unsigned int channel, uint32_t event, bool refuse)
{
    unsigned int i;

    if ( channel >= FR_CHANNELS )
        return -EINVAL;

    for ( i = 0; i < FR_EVENTS && fr_event[i].event != event; i++ )
        ;
    if ( i == FR_EVENTS )
        return -ENOENT;

    if ( refuse )
        fr_refused[i] |= 1U << channel;
    else
        fr_refused[i] &= ~(1U << channel);
    fr_map_fill();
    return 0;
}

uint32_t fr_refused_after(unsigned int channel, uint32_t event)
{
    uint32_t next = 0;
    unsigned int i;

    for ( i = 0; channel < FR_CHANNELS && i < FR_EVENTS; i++ )
        if ( (fr_refused[i] & (1U << channel)) && fr_event[i].event > event &&
             (!next || fr_event[i].event < next) )
            next = fr_event[i].event;

    return next;
}

unsigned int fr_events(uint32_t event[XEN_FLIGHTREC_IDS])
{
    unsigned int i;

    for ( i = 0; i < XEN_FLIGHTREC_IDS; i++ )
        event[i] = 0;
    for ( i = 0; i < FR_EVENTS; i++ )
        event[XEN_FLIGHTREC_ID_FIRST + i] = fr_event[i].event;

    return XEN_FLIGHTREC_ID_FIRST + FR_EVENTS;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
