/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/table.h: what is done with an event: recorded at all, in
 * which channel, under which compact id?
 *
 * An event word has 28 bits.  A multiplication hashes it into a table in which
 * no two events of the list share a place: fr_table_init() looks for a factor
 * for which that holds.  The place's event is then compared in full.  So a
 * lookup is one load away, whatever a guest chose as the event's low bits
 * (HVMOP_xentrace lets it), and never outside of the table.
 */

#ifndef __XEN_FLIGHTREC_TABLE_H__
#define __XEN_FLIGHTREC_TABLE_H__

/* The platform first: it has the fixed-width types. */
#include <xen/flightrec-platform.h>
#include <public/flightrec.h>

#define FR_CHANNELS      XEN_FLIGHTREC_CHANNELS

/* A map entry: id | flags.  0: event is not in the list. */
#define FR_ENT_ID        XEN_FLIGHTREC_ID_MASK
#define FR_ENT_BUSY      0x0200U /* record in busy: by mask */
#define FR_ENT_RARE      0x0400U /* record in rare: by mask */
#define FR_ENT_CHANNELS  (FR_ENT_BUSY | FR_ENT_RARE)
#define FR_ENT_FAST      0x8000U /* has an id and goes to busy alone */

#define FR_MAP_BITS      12

struct fr_map_entry {
    uint32_t event;
    uint16_t ent;          /* 0: no event has this place */
    uint16_t fast;         /* the id, if FR_ENT_FAST; else 0 */
};

extern struct fr_map_entry fr_map[1U << FR_MAP_BITS];
extern uint32_t fr_hash;

/* xentrace's mask semantics for one channel.  Any time. */
int fr_set_mask(unsigned int channel, uint32_t mask);
uint32_t fr_get_mask(unsigned int channel);
/*
 * Refuse one event of the list in one channel, whatever the mask says, or no
 * more.  Any time; callers serialise among themselves.  -ENOENT: not in the
 * list; -EINVAL: no such channel.
 */
int fr_refuse(unsigned int channel, uint32_t event, bool refuse);
/* The refused event with the next higher word than `event`; 0: none. */
uint32_t fr_refused_after(unsigned int channel, uint32_t event);

/* id -> event, for struct xen_flightrec_info; returns the number of ids. */
unsigned int fr_events(uint32_t event[XEN_FLIGHTREC_IDS]);
/* -ERANGE if the event list needs a larger map. */
int fr_table_init(void);

/* Entry for an event outside the list: escape, if a mask asks for it. */
unsigned int fr_lookup_escape(uint32_t event);

static inline struct fr_map_entry *fr_place(uint32_t event)
{
    return &fr_map[event * fr_hash >> (32 - FR_MAP_BITS)];
}

/* The id of an event that goes to busy alone; 0: ask fr_lookup(). */
static inline unsigned int fr_lookup_fast(uint32_t event)
{
    const struct fr_map_entry *m = fr_place(event);

    return likely(m->event == event) ? fr_read(m->fast) : 0;
}

/* 0: not in the list. */
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
