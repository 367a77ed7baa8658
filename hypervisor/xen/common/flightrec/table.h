/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/table.h: what is done with an event: recorded at all, in
 * which channel, under which compact id?
 *
 * An event word is class (12 bits, one-hot), subclass (4 bits, mostly one-hot)
 * and 12 low bits.  Class and subclass select a section, whose key is compared
 * in full, so that no other combination of bits aliases it; the low bits index
 * the section's part of the map after a bounds check.  Nothing is ever indexed
 * by bits that a guest may choose without that check (HVMOP_xentrace lets it
 * choose the low ones).
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

#define FR_CLASSES       12
#define FR_SUBCLASSES    4
/* One row and column more, for events without any class or subclass bit. */
#define FR_SECTIONS      ((FR_CLASSES + 1) * (FR_SUBCLASSES + 1))
#define FR_MAP_ENTRIES   8192

struct fr_section {
    uint16_t key;          /* event >> 12 */
    uint16_t base;         /* in fr_map */
    uint16_t limit;        /* low bits below this have an entry */
};

extern struct fr_section fr_section[FR_SECTIONS];
extern uint16_t fr_map[FR_MAP_ENTRIES];

/* -ERANGE if the event list needs a larger map or more ids. */
int fr_table_init(void);

/* Entry for an event outside the list: escape, if a mask asks for it. */
unsigned int fr_lookup_escape(uint32_t event);

static inline unsigned int fr_section_index(uint32_t event)
{
    unsigned int class = __builtin_ctz((event >> 16) | (1U << FR_CLASSES));
    unsigned int sub = __builtin_ctz((event >> 12) | (1U << FR_SUBCLASSES));

    return class * (FR_SUBCLASSES + 1) + sub;
}

static inline unsigned int fr_lookup(uint32_t event)
{
    const struct fr_section *s = &fr_section[fr_section_index(event)];
    unsigned int low = event & 0xfff, ent = 0;

    if ( likely(s->key == event >> 12 && low < s->limit) )
        ent = fr_read(fr_map[s->base + low]);

    return likely(ent) ? ent : fr_lookup_escape(event);
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
