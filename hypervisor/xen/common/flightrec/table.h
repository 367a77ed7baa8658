/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/table.h: map an event to its compact id and its channels.
 *
 * An event word has 28 bits.  A multiplication hashes it into a table in which
 * no two events of the list share an entry; fr_table_init() searches for a
 * factor that satisfies this.  The entry's event is then compared in full.  So
 * a lookup takes one load and stays inside the table, whatever low bits a
 * guest chose for the event (HVMOP_xentrace lets it choose).
 */

#ifndef __XEN_FLIGHTREC_TABLE_H__
#define __XEN_FLIGHTREC_TABLE_H__

/* The platform first: it has the fixed-width types. */
#include <xen/flightrec-platform.h>
#include <public/flightrec.h>

#define FR_CHANNELS      XEN_FLIGHTREC_CHANNELS

/* A map entry: id | flags.  0: the event is not in the list. */
#define FR_ENT_ID        XEN_FLIGHTREC_ID_MASK
#define FR_ENT_BUSY      0x0200U /* selected for busy by its mask */
#define FR_ENT_RARE      0x0400U /* selected for rare by its mask */
#define FR_ENT_CHANNELS  (FR_ENT_BUSY | FR_ENT_RARE)
#define FR_ENT_FAST      0x8000U /* has an id and goes to busy only */

#define FR_MAP_BITS      12

struct fr_map_entry {
    uint32_t event;
    uint16_t ent;          /* FR_ENT_*; 0: unused entry */
    uint16_t fast;         /* the id if FR_ENT_FAST is set, else 0 */
};

extern struct fr_map_entry fr_map[1U << FR_MAP_BITS];
extern uint32_t fr_hash;

/*
 * Set one channel's mask, with xentrace's semantics.  Callers must serialise
 * among themselves.  Return 0, or -EINVAL for a channel or bits that do not
 * exist.
 */
int fr_set_mask(unsigned int channel, uint32_t mask);
uint32_t fr_get_mask(unsigned int channel);
/*
 * Refuse one event of the list in one channel, regardless of the mask, or
 * allow it again.  Callers must serialise among themselves.  Return 0, -ENOENT
 * if the event is not in the list, -EINVAL if there is no such channel.
 */
int fr_refuse(unsigned int channel, uint32_t event, bool refuse);
/* Return the refused event with the next higher word than @event; 0: none. */
uint32_t fr_refused_after(unsigned int channel, uint32_t event);

/* Fill in id -> event for the information page.  Return the number of ids. */
unsigned int fr_events(uint32_t event[XEN_FLIGHTREC_IDS]);
/* Build the map.  Return 0, or -ERANGE if the event list needs a larger one. */
int fr_table_init(void);

/* Entry for an event outside the list: escape, if the mask selects it. */
unsigned int fr_lookup_escape(uint32_t event);

static inline struct fr_map_entry *fr_place(uint32_t event)
{
    return &fr_map[event * fr_hash >> (32 - FR_MAP_BITS)];
}

/* Return the id of an event that goes to busy only; 0: use fr_lookup(). */
static inline unsigned int fr_lookup_fast(uint32_t event)
{
    const struct fr_map_entry *m = fr_place(event);

    return likely(m->event == event) ? fr_read(m->fast) : 0;
}

/* Return the event's entry; 0: not in the list. */
static inline unsigned int fr_lookup(uint32_t event)
{
    const struct fr_map_entry *m = fr_place(event);

    return likely(m->event == event) ? fr_read(m->ent) : 0;
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
