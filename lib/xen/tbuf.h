/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tbuf.h: one pCPU's trace buffer in a stock Xen, and how to make it overwrite.
 *
 * Xen never overwrites: it writes at the producer index while there is room up
 * to the consumer index, and drops records that do not fit.  Moving the
 * consumer index forward drops the oldest ones instead.  Nothing is copied.
 *
 *      consumer                producer
 *         v                       v
 *   |.....#########################...........|   #: the history
 *         |<------- fill -------->|
 *
 * Xen raises VIRQ_TBUF when a record takes the fill across a half from below,
 * and only then.  So after each move the fill must
 *
 *   - be at least a quarter: the history that is always there;
 *   - be less than a half, or Xen never raises the VIRQ again, the buffer fills
 *     and all new records are dropped.  It must be less by TBUF_MARGIN: a
 *     record begun before the move compares the fill with the old consumer
 *     index, and must not cross the half.  There is at most one such record,
 *     since Xen holds a lock, and the producer index is read again after the
 *     move;
 *   - end with the consumer index at the begin of a record.
 *
 * Each producer index seen is the begin of a record, so a few of them are
 * noted.  If none lies in the range, headers are walked from the newest note
 * before it.  A wake then comes each third of half a ring, and walks are rare
 * (a quarter step would wake less often but walk at each second wake).
 *
 * Refused: stopping Xen's tracing while the buffer is read (Xen forgets its
 * count of lost records); consuming everything, as xentrace does (no history).
 *
 * The pages are shared with Xen and with other root processes: indices and
 * headers are read once and checked, and a walk ends at the producer index it
 * began with.
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

/* Records of Xen about the buffer itself. */
#define TBUF_EV_LOST        0x0001f001U  /* count, dom/vCPU, first TSC */
#define TBUF_EV_WRAP        0x0001f002U  /* padding up to the end */
#define TBUF_LOST_WORDS     4

#define TBUF_MAX_RECORD     (4 + 8 + 7 * 4)
#define TBUF_MARGIN         256
/* This many notes at this distance cover the half where moves end. */
#define TBUF_NOTES          12
#define TBUF_NOTE_EVERY(bytes) ((bytes) / 16)

/* A mapped buffer.  Indices go modulo 2 * bytes. */
struct tbuf {
    uint32_t *index;       /* [0] consumer, [1] producer; shared with Xen */
    const uint8_t *data;
    uint32_t bytes;        /* of data; not a power of two */
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

/*
 * Read both indices.  Return 0, or -EBADMSG if they are invalid: Xen would call
 * them bogus and stop tracing.
 */
int tbuf_look(const struct tbuf *t, uint32_t *cons, uint32_t *fill);

struct tbuf_record {
    uint64_t tsc;          /* 0 without has_tsc */
    uint32_t event;
    uint8_t words;
    uint8_t bytes;         /* of the whole record */
    bool has_tsc;
    uint32_t data[7];      /* `words` of them are set */
};

/* Return the size of the record with this header. */
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
 * Read the header at offset @off of the data, @left bytes before the producer.
 * Return 0 with the size of its record in *@bytes, or -EBADMSG if there is no
 * record.
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
    /* Padding must end where the buffer does. */
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
 * Return 1 with a record (padding is skipped), 0 at the end, or -EBADMSG if
 * there is no record; it->left bytes were not walked then.
 */
int tbuf_next(struct tbuf_iter *it, struct tbuf_record *rec);

/*
 * The consumer.  Positions count bytes from its begin, so they do not wrap, and
 * the content of the buffer is [pos, pos + fill).
 */
struct tbuf_consumer {
    struct tbuf t;
    uint64_t pos;
    uint32_t base;         /* index of position 0 */
    unsigned int nr_notes;
    uint64_t note[TBUF_NOTES]; /* begins of records, ascending */
    uint64_t counted;      /* reports of losses are read up to here */
    unsigned int looks_left; /* that must still search for such reports */
    /* Counters. */
    uint64_t lost;         /* records, as Xen reports */
    uint64_t fulls;        /* times the buffer was found full */
    uint64_t moves;
    uint64_t walks;
    uint64_t walked_bytes;
    uint64_t resyncs;      /* history dropped: no record where one must be */
    uint64_t bogus;        /* times the indices were invalid */
};

/*
 * Adopt the buffer as it is.  Return 0, or -EBADMSG if its indices are
 * invalid.
 */
int tbuf_consumer_init(struct tbuf_consumer *c, struct tbuf t);

/*
 * Read the producer's position, and note it.  Return 0, -EBADMSG as above, or
 * -EAGAIN if another process moved the consumer index, which is adopted.
 */
int tbuf_consumer_look(struct tbuf_consumer *c, uint64_t *prod);

/*
 * Move the consumer index if the fill is too high for the next VIRQ, and count
 * lost records if there can be any.  @keep: history from this position on is
 * kept (~0: none), even if Xen drops new records then.  Return 0, -ENOBUFS if
 * @keep did not allow the move, or -EBADMSG.
 */
int tbuf_consumer_advance(struct tbuf_consumer *c, uint64_t keep);

/* The index of a position. */
static inline uint32_t tbuf_index(const struct tbuf_consumer *c, uint64_t pos)
{
    return (c->base + pos) % (2ULL * c->t.bytes);
}

/* Check the t_info pages, Xen's table of its buffers.  -EPROTO if invalid. */
int tbuf_info_check(const void *info, size_t bytes, uint32_t *pages);
/*
 * Copy the frames of one pCPU's buffer to mfn[pages].  -ENODEV if it has none.
 */
int tbuf_info_cpu(const void *info, size_t bytes, unsigned int cpu,
                  uint32_t *mfn);

/* Return the shift for stamps of about 10 ns, as Xen chooses it. */
uint8_t tbuf_tsc_shift(uint32_t tsc_khz);

#endif /* XENFLIGHT_TBUF_H */
