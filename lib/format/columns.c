/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * columns.c: convert packets to columns, and columns from untrusted bytes
 * back.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/columns.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot-layout.h"

_Static_assert(sizeof(struct columns_head) == 32, "head of columns");

/* The part of a record's head that repeats: compact id and word count. */
#define KIND_MASK  ((1U << XEN_FLIGHTREC_TIME_SHIFT) - 1)
/* An escape has one word more than its count. */
#define KIND_WORDS (XEN_FLIGHTREC_MAX_WORDS + 1)

_Static_assert(KIND_WORDS <= 8, "a mask is a byte");
_Static_assert(XEN_FLIGHTREC_TIME_BITS <= 7 * COLUMNS_MAX_TIME, "a step fits");

/* Return the number of payload words of a kind. */
static inline unsigned int kind_words(uint32_t kind)
{
    return (kind >> XEN_FLIGHTREC_WORDS_SHIFT) +
           ((kind & XEN_FLIGHTREC_ID_MASK) == XEN_FLIGHTREC_ID_ESCAPE);
}

static inline void store_word(uint8_t *at, uint32_t word)
{
    memcpy(at, &word, sizeof(word));
}

/*
 * Packing.
 */

struct columns_work {
    size_t max_bytes;
    uint16_t code_of[KIND_MASK + 1];   /* kind -> code + 1, or 0 */
    uint16_t kinds[COLUMNS_MAX_KINDS];
    uint32_t last[COLUMNS_MAX_KINDS][KIND_WORDS];
    uint8_t *codes, *masks, *times, *words; /* in the same allocation */
    uint8_t *headers;
};

struct columns_work *columns_work_new(size_t max_bytes)
{
    size_t records = max_bytes / sizeof(uint32_t);
    struct columns_work *work;

    /* Packing may write one word past the end of times and words. */
    work = malloc(sizeof(*work) + 2 * records + COLUMNS_MAX_TIME * records +
                  2 * max_bytes + 2 * sizeof(uint32_t));
    if ( !work )
        return NULL;

    work->max_bytes = max_bytes;
    work->codes = (uint8_t *)(work + 1);
    work->masks = work->codes + records;
    work->headers = work->masks + records;
    work->times = work->headers + max_bytes;
    work->words = work->times + COLUMNS_MAX_TIME * records + sizeof(uint32_t);
    return work;
}

void columns_work_free(struct columns_work *work)
{
    free(work);
}

/* The next entry of each column, and the time of the record before. */
struct cursor {
    uint8_t *headers, *codes, *masks, *times, *words;
    uint32_t nr_kinds;
    uint32_t time;
};

/* Give a new kind a code; false if there are too many kinds. */
static bool add_kind(struct columns_work *work, struct cursor *c, uint32_t kind)
{
    if ( c->nr_kinds == COLUMNS_MAX_KINDS )
        return false;

    memset(work->last[c->nr_kinds], 0, sizeof(work->last[0]));
    work->kinds[c->nr_kinds++] = kind;
    work->code_of[kind] = c->nr_kinds;
    return true;
}

/* Low bits first, 7 per byte; bit 7 is set if another byte follows. */
static inline uint8_t *put_step(uint8_t *at, uint32_t step)
{
    bool two = step >= 1U << 7, three = step >= 1U << 14;

    store_word(at, (step & 0x7f) | (uint32_t)two << 7 |
                   (step >> 7 & 0x7f) << 8 | (uint32_t)three << 15 |
                   (step >> 14) << 16);
    return at + 1 + two + three;
}

/* Pack the records of one packet; false if there are too many kinds. */
static bool pack_records(struct columns_work *work, struct cursor *cursor,
                         const uint8_t *at, const uint8_t *end)
{
    struct cursor c = *cursor;

    while ( at < end )
    {
        uint32_t head = packet_word(at), kind = head & KIND_MASK;
        uint32_t time = head >> XEN_FLIGHTREC_TIME_SHIFT, *last;
        unsigned int n = kind_words(kind), mask = 0;

        if ( !work->code_of[kind] && !add_kind(work, &c, kind) )
            return false;
        at += sizeof(head);
        /* The last record of a torn packet has only the words left. */
        if ( n > (size_t)(end - at) / sizeof(head) )
            n = (end - at) / sizeof(head);

        last = work->last[work->code_of[kind] - 1];
        *c.codes++ = work->code_of[kind] - 1;
        c.times = put_step(c.times,
                           (time - c.time) & XEN_FLIGHTREC_TIME_MASK);
        c.time = time;
        for ( unsigned int i = 0; i < n; i++, at += sizeof(head) )
        {
            uint32_t word = packet_word(at);
            bool other = word != last[i];

            mask |= (unsigned int)other << i;
            store_word(c.words, word);
            c.words += other * sizeof(word);
            last[i] = word;
        }
        *c.masks++ = mask;
    }

    *cursor = c;
    return true;
}

static bool pack_packets(struct columns_work *work, struct cursor *c,
                         const uint8_t *plain, size_t bytes)
{
    while ( bytes )
    {
        struct packet p;

        if ( packet_parse(plain, bytes, &p) )
            return false;

        memcpy(c->headers, plain, p.hdr.header_bytes);
        c->headers += p.hdr.header_bytes;
        if ( !pack_records(work, c, p.records, p.records + p.bytes) )
            return false;
        plain += p.hdr.used_bytes;
        bytes -= p.hdr.used_bytes;
    }

    return true;
}

static uint64_t columns_bytes(const struct columns_head *h)
{
    return sizeof(*h) + (uint64_t)h->header_bytes + h->kinds * 2ULL +
           h->records * 2ULL + h->time_bytes + h->words * 4ULL;
}

static uint8_t *append(uint8_t *at, const void *data, size_t bytes)
{
    memcpy(at, data, bytes);
    return at + bytes;
}

int columns_pack(struct columns_work *work, const void *plain, size_t bytes,
                 void *out, size_t *out_bytes)
{
    struct cursor c = { .headers = work->headers, .codes = work->codes,
                        .masks = work->masks, .times = work->times,
                        .words = work->words };
    struct columns_head h = { .magic = COLUMNS_MAGIC, .plain_bytes = bytes };
    uint8_t *at = out;

    if ( bytes > work->max_bytes )
        return -ENOTSUP;
    memset(work->code_of, 0, sizeof(work->code_of));
    if ( !pack_packets(work, &c, plain, bytes) )
        return -ENOTSUP;

    h.header_bytes = c.headers - work->headers;
    h.kinds = c.nr_kinds;
    h.records = c.codes - work->codes;
    h.time_bytes = c.times - work->times;
    h.words = (c.words - work->words) / sizeof(uint32_t);
    if ( columns_bytes(&h) >= bytes )
        return -ENOTSUP;

    at = append(at, &h, sizeof(h));
    at = append(at, work->headers, h.header_bytes);
    at = append(at, work->kinds, h.kinds * sizeof(work->kinds[0]));
    at = append(at, work->codes, h.records);
    at = append(at, work->masks, h.records);
    at = append(at, work->times, h.time_bytes);
    at = append(at, work->words, h.words * sizeof(uint32_t));
    *out_bytes = at - (uint8_t *)out;
    return 0;
}

/*
 * Unpacking.
 */

/* The unread part of each column. */
struct source {
    const uint8_t *headers, *headers_end;
    const uint8_t *codes, *codes_end;
    const uint8_t *masks;              /* as many as codes */
    const uint8_t *times, *times_end;
    const uint8_t *words, *words_end;
    uint16_t kinds[COLUMNS_MAX_KINDS];
    uint32_t nr_kinds;
    uint32_t last[COLUMNS_MAX_KINDS][KIND_WORDS];
    uint32_t time;
};

static int load_head(const void *in, size_t bytes, struct columns_head *h)
{
    if ( bytes < sizeof(*h) )
        return -EBADMSG;

    memcpy(h, in, sizeof(*h));
    if ( h->magic != COLUMNS_MAGIC || !h->plain_bytes ||
         h->plain_bytes > SNAPSHOT_MAX_DATA_BYTES ||
         h->kinds > COLUMNS_MAX_KINDS || columns_bytes(h) != bytes )
        return -EBADMSG;

    return 0;
}

int columns_plain_bytes(const void *in, size_t bytes, size_t *plain_bytes)
{
    struct columns_head h;
    int rc = load_head(in, bytes, &h);

    if ( !rc )
        *plain_bytes = h.plain_bytes;
    return rc;
}

static int load_kinds(struct source *s, const uint8_t *at, uint32_t nr)
{
    memcpy(s->kinds, at, nr * sizeof(s->kinds[0]));
    s->nr_kinds = nr;
    for ( uint32_t i = 0; i < nr; i++ )
        if ( s->kinds[i] > KIND_MASK )
            return -EBADMSG;

    memset(s->last, 0, nr * sizeof(s->last[0]));
    return 0;
}

/* Read the next time difference; false if it does not end. */
static inline bool get_step(struct source *s, uint32_t *step)
{
    size_t left = s->times_end - s->times;

    if ( left && s->times[0] < 0x80 )
    {
        *step = *s->times++;
        return true;
    }
    if ( left >= 2 && s->times[1] < 0x80 )
    {
        *step = (s->times[0] & 0x7f) | (uint32_t)s->times[1] << 7;
        s->times += 2;
        return true;
    }
    if ( left < 3 )
        return false;

    *step = (s->times[0] & 0x7f) | (s->times[1] & 0x7fU) << 7 |
            (uint32_t)s->times[2] << 14;
    s->times += 3;
    return *step <= XEN_FLIGHTREC_TIME_MASK;
}

/* Write one record to `at`.  Return its length in words, or 0 if invalid. */
static inline size_t unpack_record(struct source *s, uint8_t *at, size_t room)
{
    uint32_t code, kind, step, *last;
    unsigned int n, mask;

    if ( s->codes == s->codes_end || !get_step(s, &step) )
        return 0;
    code = *s->codes++;
    mask = *s->masks++;
    if ( code >= s->nr_kinds )
        return 0;

    kind = s->kinds[code];
    n = kind_words(kind);
    if ( n > room - 1 )
        n = room - 1;
    if ( mask >> n || (size_t)(s->words_end - s->words) <
                          __builtin_popcount(mask) * sizeof(uint32_t) )
        return 0;

    s->time = (s->time + step) & XEN_FLIGHTREC_TIME_MASK;
    store_word(at, kind | s->time << XEN_FLIGHTREC_TIME_SHIFT);
    last = s->last[code];
    for ( unsigned int i = 0; i < n; i++ )
    {
        if ( mask & 1U << i )
        {
            last[i] = packet_word(s->words);
            s->words += sizeof(uint32_t);
        }
        store_word(at + (1 + i) * sizeof(uint32_t), last[i]);
    }

    return 1 + n;
}

/* Write one packet into `room` bytes.  Return its length, or 0 if invalid. */
static size_t unpack_packet(struct source *s, uint8_t *plain, size_t room)
{
    size_t left = s->headers_end - s->headers, words, done;
    struct xen_flightrec_packet hdr;

    if ( left < sizeof(hdr) )
        return 0;
    memcpy(&hdr, s->headers, sizeof(hdr));
    if ( packet_check_header(&hdr, room) || hdr.header_bytes > left )
        return 0;

    memcpy(plain, s->headers, hdr.header_bytes);
    s->headers += hdr.header_bytes;
    plain += hdr.header_bytes;
    for ( words = (hdr.used_bytes - hdr.header_bytes) / 4; words;
          words -= done )
    {
        done = unpack_record(s, plain, words);
        if ( !done )
            return 0;
        plain += done * sizeof(uint32_t);
    }

    return hdr.used_bytes;
}

int columns_unpack(const void *in, size_t bytes, void *plain)
{
    const uint8_t *at = in;
    uint8_t *to = plain;
    struct columns_head h;
    struct source s;
    size_t left, done;
    int rc = load_head(in, bytes, &h);

    if ( rc )
        return rc;

    s.headers = at + sizeof(h);
    s.headers_end = s.headers + h.header_bytes;
    rc = load_kinds(&s, s.headers_end, h.kinds);
    if ( rc )
        return rc;
    s.codes = s.headers_end + h.kinds * sizeof(s.kinds[0]);
    s.codes_end = s.masks = s.codes + h.records;
    s.times = s.masks + h.records;
    s.times_end = s.words = s.times + h.time_bytes;
    s.words_end = s.words + h.words * sizeof(uint32_t);
    s.time = 0;

    for ( left = h.plain_bytes; left; left -= done, to += done )
    {
        done = unpack_packet(&s, to, left);
        if ( !done )
            return -EBADMSG;
    }

    return s.headers == s.headers_end && s.codes == s.codes_end &&
           s.times == s.times_end && s.words == s.words_end ? 0 : -EBADMSG;
}
