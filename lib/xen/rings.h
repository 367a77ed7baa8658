/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rings.h: the recorder's rings, mapped read-only.
 *
 * A slot is found in the mapping without asking Xen again; geometry is checked
 * once, when it is mapped.  Programs that use it link what asks Xen (hyp.h).
 */

#ifndef XENFLIGHT_RINGS_H
#define XENFLIGHT_RINGS_H

#include <stdint.h>

#include "lib/xen/hyp.h"

#define RINGS_FRAME 4096 /* bytes of a frame of a resource */

/* One pCPU's resource.  Geometry is a checked copy. */
struct ring_map {
    uint32_t cpu;
    uint32_t node;
    const struct xen_flightrec_cpu *page;
    struct xen_flightrec_channel ch[XEN_FLIGHTREC_CHANNELS];
};

struct rings {
    struct xen_flightrec_info info; /* a copy */
    struct ring_map *map;
    unsigned int nr;
    /* Not NULL: Xen's own trace buffers; what is fetched of them is mapped. */
    struct rings_tbuf *tbuf;
};

/* What was wrong, or "" where the error says it all. */
struct rings_error {
    char what[128];
};

/*
 * -ENODEV: there are no buffers.  What is mapped stays so, after an error and
 * after rings_free() too.
 */
int rings_map(struct hyp *h, struct rings *r, struct rings_error *err);
void rings_free(struct rings *r);

/* The header of a slot.  Xen may be writing it: copy before it is checked. */
static inline const struct xen_flightrec_packet *
rings_slot(const struct ring_map *m, unsigned int ch, unsigned int slot)
{
    return (const void *)((const char *)m->page +
                          (size_t)m->ch[ch].first_frame * RINGS_FRAME +
                          (size_t)m->ch[ch].slot_bytes * slot);
}

/*
 * Xen's own trace buffers: brings what a generation holds into the mapping, as
 * packets of that generation, and lets the buffers go on.  The recorder's rings
 * are there already: nothing is done.
 */
struct rings_fetched {
    uint64_t records;
    uint64_t lost;         /* in between, by Xen's account */
    uint64_t left_out;     /* the oldest, for lack of room */
    unsigned int damaged;  /* pCPUs whose buffer could not be read to its end */
};

int rings_fetch(struct rings *r, uint32_t gen, uint64_t tsc, hyp_op_fn *op,
                void *arg, struct rings_fetched *out);
/* Records that Xen says it lost after what was fetched last. */
uint64_t rings_lost_since(const struct rings *r);
/* Gives back the memory of what was fetched. */
void rings_done(struct rings *r);

#endif /* XENFLIGHT_RINGS_H */
