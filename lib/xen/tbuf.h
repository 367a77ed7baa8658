/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tbuf.h: one pCPU's trace buffer as stock Xen has it, and how to make of it a
 * recorder that overwrites.
 *
 * Xen never overwrites: it writes at the producer index while there is room up
 * to the consumer index, and drops what does not fit.  Who moves the consumer
 * index forward makes it forget the oldest.  Nothing is copied.
 *
 *      consumer                producer
 *         v                       v
 *   |.....#########################...........|   #: the history
 *         |<------- fill -------->|
 *
 * Xen raises VIRQ_TBUF when a record takes the fill across a half from below,
 * and only then.  So after each move the fill must be
 *
 *   - at least a quarter: that much history there is always;
 *   - less than a half, or Xen never calls again, fills up and drops
 *     everything.  Less by TBUF_MARGIN: a record that was begun before the move
 *     compares the fill with the old consumer index, and must not cross the
 *     half.  There is one such record at most (Xen holds a lock), and the
 *     producer index is read again after the move;
 *   - such that the consumer index is at a record's begin.
 *
 * Where records begin is known of each producer index that was seen, so a few
 * of them are noted; where none lies in the range, headers are walked from the
 * newest note before it.  Wakes come each third of half a ring then, and walks
 * are rare (a quarter step would wake less often and walk at each second wake).
 *
 * Refused: to stop Xen's tracing while the buffer is read (it forgets its count
 * of lost records); to consume everything, as xentrace does (no history).
 *
 * The pages are shared with Xen and with whoever else is root: indices and
 * headers are read once and checked, a walk ends at the producer index it began
 * with.
 */

#ifndef XENFLIGHT_TBUF_H
#define XENFLIGHT_TBUF_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TBUF_FRAME          4096
#define TBUF_INDEX_BYTES    8            /* both indices, before the data */

#define TBUF_EVENT_MASK     0x0fffffffU
#define TBUF_WORDS_SHIFT    28
#define TBUF_WORDS_MASK     7U
#define TBUF_HAS_TSC        (1U << 31)

/* Xen's own records about the buffer. */
#define TBUF_EV_LOST        0x0001f001U  /* count, dom/vCPU, first TSC */
#define TBUF_EV_WRAP        0x0001f002U  /* padding up to the end */
#define TBUF_LOST_WORDS     4

#define TBUF_MAX_RECORD     (4 + 8 + 7 * 4)
#define TBUF_MARGIN         256
/* So many, so far apart, cover the half that matters. */
#define TBUF_NOTES          12
#define TBUF_NOTE_EVERY(bytes) ((bytes) / 16)

/* A mapped buffer.  Indices go modulo 2 * bytes. */
struct tbuf {
    uint32_t *index;       /* [0] consumer, [1] producer; Xen's too */
    const uint8_t *data;
    uint32_t bytes;        /* of data; no power of two */
};

/* The buffer in `pages` mapped pages. */
static inline struct tbuf tbuf_of(void *map, uint32_t pages)
{
    return (struct tbuf){
        .index = map,
        .data = (const uint8_t *)map + TBUF_INDEX_BYTES,
        .bytes = pages * TBUF_FRAME - TBUF_INDEX_BYTES,
    };
}

/* -EBADMSG: Xen would call them bogus, and stop tracing. */
int tbuf_look(const struct tbuf *t, uint32_t *cons, uint32_t *fill);

struct tbuf_record {
    uint64_t tsc;          /* 0 without has_tsc */
    uint32_t event;
    uint8_t words;
    uint8_t bytes;         /* of the whole record */
    bool has_tsc;
    uint32_t data[7];      /* `words` of them are set */
};

/* The size of the record with this header. */
static inline uint32_t tbuf_record_bytes(uint32_t head)
{
    return 4 + (head & TBUF_HAS_TSC ? 8 : 0) +
           4 * ((head >> TBUF_WORDS_SHIFT) & TBUF_WORDS_MASK);
}

static inline uint32_t tbuf_word(const struct tbuf *t, uint32_t off)
{
    uint32_t word;

    memcpy(&word, t->data + off, sizeof(word));
    return word;
}

/*
 * The header at offset `off` of the data, `left` bytes before the producer:
 * its size in *bytes, or -EBADMSG if no record lies there.
 */
static inline int tbuf_head(const struct tbuf *t, uint32_t off, uint32_t left,
                            uint32_t *head, uint32_t *bytes)
{
    if ( left < 4 || off > t->bytes - 4 )
        return -EBADMSG;
    *head = tbuf_word(t, off);
    *bytes = tbuf_record_bytes(*head);
    if ( *bytes > left || *bytes > t->bytes - off )
        return -EBADMSG;
    /* Padding that does not end where the buffer does is none. */
    if ( (*head & TBUF_EVENT_MASK) == TBUF_EV_WRAP &&
         *bytes != t->bytes - off )
        return -EBADMSG;
    return 0;
}

/* A walk over the records of [cons, cons + left). */
struct tbuf_iter {
    const struct tbuf *t;
    uint32_t off, left;
};

void tbuf_iter_init(struct tbuf_iter *it, const struct tbuf *t, uint32_t cons,
                    uint32_t bytes);
/*
 * 1: a record, padding left out; 0: the end; -EBADMSG: no record lies there,
 * it->left bytes were not walked.
 */
int tbuf_next(struct tbuf_iter *it, struct tbuf_record *rec);

/*
 * The consumer.  Positions count bytes from where it began, so they do not wrap
 * and the buffer's content is [pos, pos + fill).
 */
struct tbuf_consumer {
    struct tbuf t;
    uint64_t pos;
    uint32_t base;         /* index of position 0 */
    unsigned int nr_notes;
    uint64_t note[TBUF_NOTES]; /* begins of records, rising */
    uint64_t counted;      /* Xen's account of losses is read up to here */
    unsigned int looks_left; /* at which there may be more to read */
    /* Counters. */
    uint64_t lost;         /* records, by Xen's own account */
    uint64_t fulls;        /* found full */
    uint64_t moves;
    uint64_t walks;
    uint64_t walked_bytes;
    uint64_t resyncs;      /* history given up: no record where one must be */
    uint64_t bogus;        /* indices that made no sense */
};

/* Adopts the buffer as it is.  -EBADMSG: its indices make no sense. */
int tbuf_consumer_init(struct tbuf_consumer *c, struct tbuf t);

/* Where the producer is; notes it.  -EBADMSG as above, -EAGAIN: somebody else
 * has moved the consumer index; it is adopted. */
int tbuf_consumer_look(struct tbuf_consumer *c, uint64_t *prod);

/*
 * Moves, if the fill is above what lets Xen call again, and counts lost
 * records where there can be any.  `keep`: nothing from this position on is
 * given up (~0: no such position), though Xen may have to drop for it.
 * 0; -ENOBUFS: `keep` did not let it; -EBADMSG.
 */
int tbuf_consumer_advance(struct tbuf_consumer *c, uint64_t keep);

/* The index of a position. */
static inline uint32_t tbuf_index(const struct tbuf_consumer *c, uint64_t pos)
{
    return (c->base + pos) % (2ULL * c->t.bytes);
}

/* What Xen shows of its buffers: the t_info pages.  -EPROTO: nonsense. */
int tbuf_info_check(const void *info, size_t bytes, uint32_t *pages);
/* The frames of one pCPU's buffer, into mfn[pages].  -ENODEV: it has none. */
int tbuf_info_cpu(const void *info, size_t bytes, unsigned int cpu,
                  uint32_t *mfn);

/* A step of the records' stamps that is nearest to 10 ns, as Xen chooses it. */
uint8_t tbuf_tsc_shift(uint32_t tsc_khz);

#endif /* XENFLIGHT_TBUF_H */
