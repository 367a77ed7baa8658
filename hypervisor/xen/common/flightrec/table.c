/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/table.c: builds the map from the event list and the masks.
 */

#include "ring.h"
#include "table.h"

#include <public/flightrec-events.h>

/* Where FR_EVENT() rows may send an event; a mask may forbid, not add. */
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
 * Xen's class and subclass masks.  A guest alone decides how many GUEST events
 * there are, and what they say: off unless asked for.  Shadow paging's trace
 * code is off for its history (XSA-477), not for this one's sake.
 */
#define FR_TRC_GUEST     0x08000000U
#define FR_TRC_SHADOW    0x00400000U
#define FR_TRC_ALL       0x0ffff000U
#define FR_MASK_DEFAULT  (FR_TRC_ALL & ~(FR_TRC_GUEST | FR_TRC_SHADOW))

struct fr_section fr_section[FR_SECTIONS];
uint16_t fr_map[FR_MAP_ENTRIES];

static uint32_t fr_mask[FR_CHANNELS] = { FR_MASK_DEFAULT, FR_MASK_DEFAULT };

/* As xentrace matches: a class bit in common, and a subclass bit. */
static bool fr_mask_match(uint32_t mask, uint32_t event)
{
    return (mask & event & 0x0fff0000U) && (mask & event & 0xf000U);
}

static unsigned int fr_entry(unsigned int i)
{
    uint32_t event = fr_event[i].event;
    unsigned int ent = XEN_FLIGHTREC_ID_FIRST + i;

    if ( fr_mask_match(fr_mask[XEN_FLIGHTREC_CH_BUSY], event) )
        ent |= fr_event[i].channels & FR_ENT_BUSY;
    if ( fr_mask_match(fr_mask[XEN_FLIGHTREC_CH_RARE], event) )
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
        uint32_t event = fr_event[i].event;
        const struct fr_section *s = fr_find_section(event);

        fr_write(fr_map[s->base + event - s->first], (uint16_t)fr_entry(i));
    }
}

int fr_table_init(void)
{
    unsigned int i, used = 0;

    memset(fr_section, 0, sizeof(fr_section));
    for ( i = 0; i < FR_EVENTS; i++ )
    {
        uint32_t low = fr_event[i].event & 0xfff;
        struct fr_section *s = fr_find_section(fr_event[i].event);

        if ( s->limit && s->first != fr_event[i].event - low )
            return -ERANGE;
        s->first = fr_event[i].event - low;
        if ( s->limit <= low )
            s->limit = low + 1;
    }

    for ( i = 0; i < FR_SECTIONS; i++ )
    {
        fr_section[i].base = used;
        used += fr_section[i].limit;
        if ( used > FR_MAP_ENTRIES )
            return -ERANGE;
    }

    fr_map_fill();
    return 0;
}

unsigned int fr_lookup_escape(uint32_t event)
{
    if ( !fr_mask_match(fr_read(fr_mask[XEN_FLIGHTREC_CH_BUSY]), event) )
        return 0;

    return XEN_FLIGHTREC_ID_ESCAPE | FR_ENT_BUSY;
}

int fr_set_mask(unsigned int channel, uint32_t mask)
{
    if ( channel >= FR_CHANNELS || (mask & ~FR_TRC_ALL) )
        return -EINVAL;

    fr_write(fr_mask[channel], mask);
    fr_map_fill();
    return 0;
}

uint32_t fr_get_mask(unsigned int channel)
{
    return channel < FR_CHANNELS ? fr_read(fr_mask[channel]) : 0;
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
