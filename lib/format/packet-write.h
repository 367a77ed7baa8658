/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet-write.h: build packets from records, to write a snapshot with a part
 * of another's records.  lib/format/packet.h describes packets and times.
 *
 *     packet_begin(&w, buf, sizeof(buf), &hdr);
 *     while ( packet_add(&w, &rec) )
 *         ...
 *     bytes = packet_end(&w);
 */

#ifndef XENFLIGHT_PACKET_WRITE_H
#define XENFLIGHT_PACKET_WRITE_H

#include "lib/format/packet.h"

struct packet_write {
    uint8_t *buf;
    size_t room, bytes;
    uint32_t records;
    uint64_t anchor, newest;   /* in units of 2^shift ticks */
    uint8_t shift;
};

/*
 * Start a packet in `buf`.  Callers must fill `hdr` but for magic, version,
 * lengths and counts; tsc_shift must be at most PACKET_MAX_SHIFT.  `room` must
 * be at least twice the size of the header.
 */
void packet_begin(struct packet_write *w, void *buf, size_t room,
                  const struct xen_flightrec_packet *hdr);
/*
 * Append a record; false if it does not fit.  A stamp older than the one
 * before it is raised to that, since records are ordered by position.
 */
bool packet_add(struct packet_write *w, const struct packet_record *rec);
/* Complete the header.  Return the packet's length in bytes. */
size_t packet_end(struct packet_write *w);

#endif /* XENFLIGHT_PACKET_WRITE_H */
