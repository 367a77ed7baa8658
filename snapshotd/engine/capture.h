/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * capture.h: rings to file.
 *
 * The rings are mapped once, while the process may.  A held slot does not
 * change until its generation is released, so packets go from there into the
 * chunk that is compressed, without another copy.
 */

#ifndef SNAPSHOTD_CAPTURE_H
#define SNAPSHOTD_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/xen/rings.h"
#include "lib/format/snapshot.h"

/*
 * The packets of one (pCPU, channel) for a generation: the slots of the smallest
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
};

/*
 * All streams of a generation in the order to write them: those of the pCPU
 * `first`, then every `rare`, then the rest.  A channel without slots has none.
 * free() the array.
 */
int capture_find(const struct rings *r, uint32_t gen, uint32_t first,
                 struct stream **streams, unsigned int *nr);

/* Writes a stream; *bad counts packets that could not be taken. */
int capture_write(struct snapshot_writer *w, const struct stream *s,
                  unsigned int *bad);

#endif /* SNAPSHOTD_CAPTURE_H */
