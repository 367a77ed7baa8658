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

#include "lib/hyp.h"

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
};

/* What was wrong, or "" where the error says it all. */
struct rings_error {
    char what[128];
};

/*
 * -ENODEV: there are no buffers.  What is mapped stays so; after an error too,
 * free(r->map) is all there is to free.
 */
int rings_map(struct hyp *h, struct rings *r, struct rings_error *err);

/* The header of a slot.  Xen may be writing it: copy before it is checked. */
static inline const struct xen_flightrec_packet *
rings_slot(const struct ring_map *m, unsigned int ch, unsigned int slot)
{
    return (const void *)((const char *)m->page +
                          (size_t)m->ch[ch].first_frame * RINGS_FRAME +
                          (size_t)m->ch[ch].slot_bytes * slot);
}

#endif /* XENFLIGHT_RINGS_H */
