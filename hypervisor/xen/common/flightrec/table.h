/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/table.h: what is done with an event: recorded at all, in
 * which channel, under which compact id?
 *
 * An event word is class and subclass (16 bits) and 12 low bits.  Class and
 * subclass select a section by a hash that has no collision among the sections
 * of the list (fr_table_init() checks it); the section says which event its
 * part of the map begins with.  The difference to that is bounds-checked, which
 * tells both that it is this section and that the map has an entry.  So nothing
 * is ever indexed by bits that a guest may choose (HVMOP_xentrace lets it choose
 * the low ones) without that check.
 */

#ifndef __XEN_FLIGHTREC_TABLE_H__
#define __XEN_FLIGHTREC_TABLE_H__

/* The platform first: it has the fixed-width types. */
#include <xen/flightrec-platform.h>
#include <public/flightrec.h>

/* A map entry: id | flags.  0: event is not in the list. */
#define FR_ENT_ID        XEN_FLIGHTREC_ID_MASK
#define FR_ENT_BUSY      0x0200U /* record in busy: by mask */
#define FR_ENT_RARE      0x0400U /* record in rare: by mask */
#define FR_ENT_CHANNELS  (FR_ENT_BUSY | FR_ENT_RARE)
#define FR_ENT_FAST      0x8000U /* has an id and goes to busy alone */

#define FR_SECTION_BITS  6
#define FR_SECTIONS      (1U << FR_SECTION_BITS)
#define FR_MAP_ENTRIES   8192

/* Any odd number for which fr_table_init() finds no collision. */
#define FR_SECTION_HASH  0x094e5899U

struct fr_section {
    uint32_t first;        /* event that map[base] is for */
    uint16_t base;
    uint16_t limit;        /* entries from base on; 0: no such section */
};

extern struct fr_section fr_section[FR_SECTIONS];
extern uint16_t fr_map[FR_MAP_ENTRIES];

/* -ERANGE if the event list needs a larger map or another hash. */
int fr_table_init(void);

/* Entry for an event outside the list: escape, if a mask asks for it. */
unsigned int fr_lookup_escape(uint32_t event);

static inline struct fr_section *fr_find_section(uint32_t event)
{
    uint32_t hash = (event >> 12) * FR_SECTION_HASH;

    return &fr_section[hash >> (32 - FR_SECTION_BITS)];
}

/* 0: not in the list. */
static inline unsigned int fr_lookup(uint32_t event)
{
    const struct fr_section *s = fr_find_section(event);
    uint32_t low = event - s->first;

    return likely(low < s->limit) ? fr_read(fr_map[s->base + low]) : 0;
}

#endif /* __XEN_FLIGHTREC_TABLE_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
