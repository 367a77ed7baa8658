/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet.h: check one untrusted sub-buffer, walk its records.
 *
 * A packet comes from a file, or from Xen through memory that Xen may write
 * meanwhile.  The walk believes no length, but reads the records where they
 * lie: give it memory that nobody else writes.
 *
 * Times.  A record has 20 bits of (TSC >> shift).  The anchor, which is the
 * packet's begin_tsc or the newest ANCHOR record, has all of it, and no record
 * is 2^20 units or more behind its anchor: that makes the sum unique.  The
 * result is a multiple of 2^shift, so the first record may seem to be that much
 * older than the packet.  Order within a packet is position, never the stamp.
 */

#ifndef XENFLIGHT_PACKET_H
#define XENFLIGHT_PACKET_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <public/flightrec.h>

/* No step of the record's time is longer than 2^this TSC ticks. */
#define PACKET_MAX_SHIFT 16

/* In a header's domid: who ran at its begin is not known. */
#define PACKET_NO_DOMAIN 0xffffU

struct packet {
    struct xen_flightrec_packet hdr; /* a private copy, checked */
    const uint8_t *records;
    uint32_t bytes;                  /* of the records; a multiple of 4 */
};

struct packet_record {
    uint64_t tsc;
    uint32_t event;   /* `escaped`: the event word; else 0: look up `id` */
    uint16_t id;
    uint8_t words;
    bool escaped;
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS]; /* `words` of them are set */
};

struct packet_iter {
    const uint8_t *start, *next, *end;
    uint64_t anchor;  /* in units of 2^shift ticks */
    uint8_t shift;
};

/*
 * Checks a header that was copied out of a slot (or file) with `bytes` bytes.
 * 0, -EBADMSG: it is none, or its lengths do not fit; -ENODATA: still open.
 */
int packet_check_header(const struct xen_flightrec_packet *hdr, size_t bytes);

/*
 * The packet at `data`; `bytes` may be more than it uses.  Errors as above.
 * The next one in a frame starts hdr.used_bytes further on.
 */
int packet_parse(const void *data, size_t bytes, struct packet *p);

/*
 * Walks all records: how many there are, and the newest stamp by position.
 * -EBADMSG if the walk does not end at the end or the header has another
 * count; the results are set all the same.
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

/* One word; packets in a frame are aligned to 4 bytes, frames to nothing. */
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

/* An anchor must agree with its own time field. */
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

/* A record where it lies. */
struct packet_raw {
    const uint8_t *at;
    uint32_t head;
    uint8_t head_bytes; /* to the payload */
    uint8_t words;
};

/*
 * To the next record, whose anchor is it->anchor then.  1: got one; 0: the end;
 * -EBADMSG: what lies at it->next is no record, nothing behind it can be read.
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

/* The next record, decoded.  Results as of packet_step(). */
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
