/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tbuf-packets.h: the content of a stock Xen's trace buffer as packets.
 *
 * The packets lie in our own memory, in the form in which the flight recorder
 * lends its rings (public/flightrec.h), so that a snapshot is written from
 * both in the same way.  A record without a stamp (most of those of an HVM
 * exit) gets the stamp of the record before it.  The audit counts only
 * converted records: those overwritten are not known.
 */

#ifndef XENFLIGHT_TBUF_PACKETS_H
#define XENFLIGHT_TBUF_PACKETS_H

#include "lib/format/event.h"
#include "lib/xen/tbuf.h"

#include <public/flightrec.h>

/* Map from event to compact id, for the compiled-in list. */
struct tbuf_ids;

int tbuf_ids_new(struct tbuf_ids **out);
void tbuf_ids_free(struct tbuf_ids *ids);

/*
 * Memory for one pCPU's packets: xen_flightrec_cpu in the first frame, then the
 * slots of the busy channel; the rare one has none.  The address space is twice
 * the buffer, the most that its records can need (up to 32 MiB: of a larger
 * buffer the oldest may not fit).  Memory is used only where it is written.
 */
struct tbuf_pages {
    struct xen_flightrec_cpu *cpu;
    size_t map_bytes;
    uint32_t slot_bytes, slots;
    uint8_t tsc_shift;
};

int tbuf_pages_new(uint32_t cpu, uint32_t node, uint32_t buffer_bytes,
                   uint8_t tsc_shift, struct tbuf_pages *p);
void tbuf_pages_free(struct tbuf_pages *p);
/* Free the memory; the address space stays. */
void tbuf_pages_empty(struct tbuf_pages *p);

/* The part to convert: [cons, cons + bytes) of the buffer. */
struct tbuf_window {
    struct tbuf t;
    uint32_t cons;         /* index */
    uint32_t bytes;
    uint64_t pos;          /* bytes consumed before it */
    uint32_t gen;          /* of the packets */
    uint64_t tsc;          /* of the hold */
};

struct tbuf_converted {
    uint64_t records;
    uint64_t lost;         /* as Xen reports */
    uint64_t left_out;     /* the oldest, for lack of slots */
    uint32_t unread;       /* bytes at the end that are not records */
};

void tbuf_pages_fill(struct tbuf_pages *p, const struct tbuf_ids *ids,
                     const struct tbuf_window *w, struct tbuf_converted *res);

/* Return the lost records that Xen reports in [cons, cons + bytes). */
uint64_t tbuf_count_lost(const struct tbuf *t, uint32_t cons, uint32_t bytes);

#endif /* XENFLIGHT_TBUF_PACKETS_H */
