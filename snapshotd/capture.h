/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * capture.h: rings to file.
 *
 * The rings are mapped once, read-only, while the process may; they are found
 * in the mapping without asking Xen again.  A held slot does not change until
 * its generation is released, so packets are compressed straight from it.
 */

#ifndef SNAPSHOTD_CAPTURE_H
#define SNAPSHOTD_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/hyp.h"
#include "lib/snapshot.h"

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

/* -ENODEV: there are no buffers.  Says on the log what else was wrong. */
int rings_map(struct hyp *h, struct rings *r);

/*
 * What one (pCPU, channel) holds for a generation: the slots of the smallest
 * generation >= it that the pCPU adopted.  One that had nothing to record
 * between two triggers adopts only the newer; its slots then belong to both.
 */
struct stream {
    uint32_t cpu;
    unsigned int channel;
    bool found;            /* it adopted such a generation */
    bool balanced;         /* the audit adds up */
    struct xen_flightrec_audit audit;
    uint32_t slot_bytes;
    unsigned int nr;
    const void *slot[XEN_FLIGHTREC_MAX_SLOTS]; /* oldest first */
    uint64_t records;      /* by the slots' headers */
    uint64_t lost_before[XEN_FLIGHTREC_LOST_CAUSES]; /* when the first opened */
};

/*
 * All streams of a generation in the order to write them: every `rare` first,
 * and of each channel the pCPU `first` before the others.  free() the array.
 */
int capture_find(const struct rings *r, uint32_t gen, uint32_t first,
                 struct stream **streams, unsigned int *nr);

/* Writes a stream; *bad counts packets that could not be taken. */
int capture_write(struct snapshot_writer *w, const struct stream *s,
                  unsigned int *bad);

#endif /* SNAPSHOTD_CAPTURE_H */
