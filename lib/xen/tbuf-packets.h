/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tbuf-packets.h: the content of a stock Xen's trace buffer as packets.
 *
 * They lie in memory of our own in the form in which the flight recorder lends
 * its rings (public/flightrec.h), so that whoever writes a snapshot from those
 * writes it from these.  A record that Xen wrote without a stamp (most of an
 * HVM exit's) gets that of the record before it.  The counts of the audit are
 * those of what was converted: nobody counts what was overwritten.
 */

#ifndef XENFLIGHT_TBUF_PACKETS_H
#define XENFLIGHT_TBUF_PACKETS_H

#include "lib/format/event.h"
#include "lib/xen/tbuf.h"

#include <public/flightrec.h>

/* event -> compact id, of the compiled-in list. */
struct tbuf_ids;

int tbuf_ids_new(struct tbuf_ids **out);
void tbuf_ids_free(struct tbuf_ids *ids);

/*
 * Memory for one pCPU's packets: xen_flightrec_cpu in the first frame, then
 * slots of the busy channel; the rare one has none.  Address space for twice
 * the buffer, which is what its records can take at most (up to 32 MiB: of a
 * larger one the oldest may not fit); memory as far as it is used.
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
/* Gives the memory back; the address space stays. */
void tbuf_pages_empty(struct tbuf_pages *p);

/* What is converted: [cons, cons + bytes) of the buffer. */
struct tbuf_window {
    struct tbuf t;
    uint32_t cons;         /* index */
    uint32_t bytes;
    uint64_t pos;          /* bytes that were ever before it */
    uint32_t gen;          /* that the packets are held for */
    uint64_t tsc;          /* of the hold */
};

struct tbuf_converted {
    uint64_t records;
    uint64_t lost;         /* by Xen's account */
    uint64_t left_out;     /* the oldest, for lack of slots */
    uint32_t unread;       /* bytes at the end where no record lay */
};

void tbuf_pages_fill(struct tbuf_pages *p, const struct tbuf_ids *ids,
                     const struct tbuf_window *w, struct tbuf_converted *res);

/* Records that Xen says it lost, in [cons, cons + bytes). */
uint64_t tbuf_count_lost(const struct tbuf *t, uint32_t cons, uint32_t bytes);

#endif /* XENFLIGHT_TBUF_PACKETS_H */
