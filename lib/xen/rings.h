/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rings.h: the recorder's rings, mapped read-only.
 *
 * Slots are found in the mapping without a hypercall.  The geometry is checked
 * once, by rings_map().  Programs that use this must link the backends (hyp.h).
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
    /* Set for Xen's own trace buffers: the mapping has the fetched copies. */
    struct rings_tbuf *tbuf;
};

/* The reason of an error, or "" if the error code is all there is. */
struct rings_error {
    char what[128];
};

/*
 * Map the rings of all pCPUs.  Return 0, -ENODEV if there are no buffers,
 * -EPROTO if a page is invalid, or -errno.  The caller must call rings_free()
 * in all cases.  Mappings stay until the process exits.
 */
int rings_map(struct hyp *h, struct rings *r, struct rings_error *err);
void rings_free(struct rings *r);

/* The header of a slot.  Xen may write it: callers must copy, then check. */
static inline const struct xen_flightrec_packet *
rings_slot(const struct ring_map *m, unsigned int ch, unsigned int slot)
{
    return (const void *)((const char *)m->page +
                          (size_t)m->ch[ch].first_frame * RINGS_FRAME +
                          (size_t)m->ch[ch].slot_bytes * slot);
}

/*
 * Fetch a generation from Xen's own trace buffers into the mapping, as packets
 * of that generation, and let the buffers overwrite again.  Does nothing for
 * the recorder's own rings.
 */
struct rings_fetched {
    uint64_t records;
    uint64_t lost;         /* between them, as Xen reports */
    uint64_t left_out;     /* the oldest, for lack of slots */
    unsigned int damaged;  /* pCPUs whose buffer could not be read to its end */
};

int rings_fetch(struct rings *r, uint32_t gen, uint64_t tsc, hyp_op_fn *op,
                void *arg, struct rings_fetched *out);
/* Return the records that Xen lost after the last fetch, as it reports. */
uint64_t rings_lost_since(const struct rings *r);
/* Free the memory of the fetched packets. */
void rings_done(struct rings *r);

#endif /* XENFLIGHT_RINGS_H */
