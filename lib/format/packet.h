/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet.h: check one untrusted sub-buffer, walk its records.
 *
 * A packet comes from a file, or from Xen through memory that Xen may be
 * writing.  The walk trusts no length, but reads the records in place: callers
 * must pass memory that is not written during the walk.
 *
 * Times.  A record has 20 bits of (TSC >> shift).  Its anchor, the packet's
 * begin_tsc or the newest ANCHOR record, has the full value.  No record is
 * 2^20 units or more after its anchor, which makes the sum unique.  The result
 * is a multiple of 2^shift, so the first record may appear up to that much
 * older than the packet.  Records are ordered by position, never by stamp.
 */

#ifndef XENFLIGHT_PACKET_H
#define XENFLIGHT_PACKET_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <public/flightrec.h>

/* The largest shift: one unit of a record's time is 2^shift TSC ticks. */
#define PACKET_MAX_SHIFT 16

/* Value of a header's domid if the domain running at its begin is unknown. */
#define PACKET_NO_DOMAIN 0xffffU

struct packet {
    struct xen_flightrec_packet hdr; /* private copy, checked */
    const uint8_t *records;
    uint32_t bytes;                  /* of the records, a multiple of 4 */
};

struct packet_record {
    uint64_t tsc;
    uint32_t event;   /* if `escaped`, the event word; else 0, look up `id` */
    uint16_t id;
    uint8_t words;
    bool escaped;
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS]; /* the first `words` are set */
};

struct packet_iter {
    const uint8_t *start, *next, *end;
    uint64_t anchor;  /* in units of 2^shift ticks */
    uint8_t shift;
};

/*
 * Check a private copy of a header whose slot (or rest of the file) has
 * `bytes` bytes.  Return 0, -EBADMSG if it is invalid or its lengths do not
 * fit, or -ENODATA if the packet is still open.
 */
int packet_check_header(const struct xen_flightrec_packet *hdr, size_t bytes);

/*
 * Parse the packet at `data`; `bytes` may be more than it uses.  p->records
 * points into `data`.  In a frame, the next packet starts hdr.used_bytes
 * further on.  Return as packet_check_header().
 */
int packet_parse(const void *data, size_t bytes, struct packet *p);

/*
 * Walk all records: count them, and get the stamp of the last.  Return 0, or
 * -EBADMSG if a record is invalid or the header has another count; the results
 * are set either way.
 */
int packet_count(const struct packet *p, uint32_t *records,
                 uint64_t *last_tsc);

static inline void packet_iter_init(struct packet_iter *it,
                                    const struct packet *p)
{
    it->start = it->next = p->records;
    it->end = p->records + p->bytes;
    it->shift = p->hdr.tsc_shift;
    it->anchor = p->hdr.begin_tsc >> it->shift;
}

/*
 * Read one word.  Packets in a frame are aligned to 4 bytes, frames are not.
 */
static inline uint32_t packet_word(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t packet_extend(const struct packet_iter *it,
                                     uint32_t head)
{
    uint32_t low = head >> XEN_FLIGHTREC_TIME_SHIFT;

    return it->anchor + ((low - it->anchor) & XEN_FLIGHTREC_TIME_MASK);
}

/* Set the anchor; -EBADMSG if it differs from the record's own time field. */
static inline int packet_set_anchor(struct packet_iter *it, uint32_t head,
                                    unsigned int words)
{
    uint64_t tsc;

    if ( words != 2 )
        return -EBADMSG;

    tsc = packet_word(it->next + 4) | (uint64_t)packet_word(it->next + 8) << 32;
    it->anchor = tsc >> it->shift;
    if ( (it->anchor & XEN_FLIGHTREC_TIME_MASK) !=
         head >> XEN_FLIGHTREC_TIME_SHIFT )
        return -EBADMSG;

    return 0;
}

/* A record in place. */
struct packet_raw {
    const uint8_t *at;
    uint32_t head;
    uint8_t head_bytes; /* bytes before the payload */
    uint8_t words;
};

/*
 * Advance to the next record; it->anchor is then its anchor.  Return 1, 0 at
 * the end, or -EBADMSG if there is no valid record at it->next.  Nothing after
 * an invalid record can be read.
 */
static inline int packet_step(struct packet_iter *it, struct packet_raw *raw)
{
    while ( it->next < it->end )
    {
        uint32_t head = packet_word(it->next);
        uint32_t id = head & XEN_FLIGHTREC_ID_MASK;
        unsigned int words = (head >> XEN_FLIGHTREC_WORDS_SHIFT) &
                             XEN_FLIGHTREC_WORDS_MASK;
        size_t head_bytes = id == XEN_FLIGHTREC_ID_ESCAPE ? 8 : 4;
        size_t bytes = head_bytes + words * 4;

        if ( bytes > (size_t)(it->end - it->next) )
            return -EBADMSG;

        if ( id == XEN_FLIGHTREC_ID_ANCHOR )
        {
            if ( packet_set_anchor(it, head, words) )
                return -EBADMSG;
            it->next += bytes;
            continue;
        }
        if ( id == XEN_FLIGHTREC_ID_ESCAPE && packet_word(it->next + 4) >> 28 )
            return -EBADMSG;

        *raw = (struct packet_raw){ it->next, head, head_bytes, words };
        it->next += bytes;
        return 1;
    }

    return 0;
}

/* Decode the next record.  Return as packet_step(). */
static inline int packet_next(struct packet_iter *it, struct packet_record *rec)
{
    struct packet_raw raw;
    int rc = packet_step(it, &raw);

    if ( rc <= 0 )
        return rc;

    rec->tsc = packet_extend(it, raw.head) << it->shift;
    rec->id = raw.head & XEN_FLIGHTREC_ID_MASK;
    rec->words = raw.words;
    rec->escaped = raw.head_bytes == 8;
    rec->event = rec->escaped ? packet_word(raw.at + 4) : 0;
    for ( unsigned int i = 0; i < raw.words; i++ )
        rec->data[i] = packet_word(raw.at + raw.head_bytes + i * 4);

    return 1;
}

#endif /* XENFLIGHT_PACKET_H */
