/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet-write.h: make packets of records, for who writes a snapshot of some
 * records of another.  Form and times as lib/format/packet.h reads them.
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
 * `hdr` has all but magic, version, lengths and counts; its tsc_shift is at most
 * PACKET_MAX_SHIFT.  `room` is at least twice the header's size.
 */
void packet_begin(struct packet_write *w, void *buf, size_t room,
                  const struct xen_flightrec_packet *hdr);
/*
 * False: no room.  A stamp that is older than the one before it gets that one's:
 * position is what counts.
 */
bool packet_add(struct packet_write *w, const struct packet_record *rec);
/* Completes the header; the packet's length. */
size_t packet_end(struct packet_write *w);

#endif /* XENFLIGHT_PACKET_WRITE_H */
