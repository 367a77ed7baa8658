/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tbuf.c: walk one of Xen's trace buffers, and make it overwrite. */

#include "lib/format/packet.h"
#include "lib/xen/tbuf.h"

/* Xen may write between a look and a move: retry the move this often. */
#define MOVE_TRIES 8
/* As in Xen: a step of the stamps is the largest power of two below this. */
#define STEP_NS    10

/*
 * The buffer.
 */

int tbuf_look(const struct tbuf *t, uint32_t *cons, uint32_t *fill)
{
    uint32_t twice = 2 * t->bytes;
    uint32_t c = __atomic_load_n(&t->index[0], __ATOMIC_RELAXED);
    /* Pairs with Xen's barrier: the records are written before the index. */
    uint32_t p = __atomic_load_n(&t->index[1], __ATOMIC_ACQUIRE);

    if ( c % 4 || p % 4 || c >= twice || p >= twice )
        return -EBADMSG;
    *cons = c;
    *fill = p >= c ? p - c : p + twice - c;
    return *fill > t->bytes ? -EBADMSG : 0;
}

void tbuf_iter_init(struct tbuf_iter *it, const struct tbuf *t, uint32_t cons,
                    uint32_t bytes)
{
    it->t = t;
    it->off = cons % t->bytes;
    it->left = bytes;
}

static void step(struct tbuf_iter *it, uint32_t bytes)
{
    it->left -= bytes;
    it->off += bytes;
    if ( it->off == it->t->bytes )
        it->off = 0;
}

static void get_record(const struct tbuf_iter *it, uint32_t head,
                       uint32_t bytes, struct tbuf_record *rec)
{
    uint32_t at = it->off + 4;

    rec->event = head & TBUF_EVENT_MASK;
    rec->words = (head >> TBUF_WORDS_SHIFT) & TBUF_WORDS_MASK;
    rec->bytes = bytes;
    rec->has_tsc = head & TBUF_HAS_TSC;
    rec->tsc = 0;
    if ( rec->has_tsc )
    {
        memcpy(&rec->tsc, it->t->data + at, sizeof(rec->tsc));
        at += sizeof(rec->tsc);
    }
    memcpy(rec->data, it->t->data + at, 4 * rec->words);
}

int tbuf_next(struct tbuf_iter *it, struct tbuf_record *rec)
{
    uint32_t head, bytes;

    while ( it->left )
    {
        if ( tbuf_head(it->t, it->off, it->left, &head, &bytes) )
            return -EBADMSG;
        if ( (head & TBUF_EVENT_MASK) != TBUF_EV_WRAP )
            get_record(it, head, bytes, rec);
        step(it, bytes);
        if ( (head & TBUF_EVENT_MASK) != TBUF_EV_WRAP )
            return 1;
    }
    return 0;
}

/*
 * The consumer.
 */

static void forget_notes(struct tbuf_consumer *c)
{
    unsigned int gone = 0;

    while ( gone < c->nr_notes && c->note[gone] <= c->pos )
        gone++;
    c->nr_notes -= gone;
    memmove(c->note, c->note + gone, c->nr_notes * sizeof(c->note[0]));
}

static void add_note(struct tbuf_consumer *c, uint64_t pos)
{
    uint64_t last = c->nr_notes ? c->note[c->nr_notes - 1] : c->pos;

    if ( pos < last + TBUF_NOTE_EVERY(c->t.bytes) )
        return;
    if ( c->nr_notes == TBUF_NOTES )
        memmove(c->note, c->note + 1, --c->nr_notes * sizeof(c->note[0]));
    c->note[c->nr_notes++] = pos;
}

int tbuf_consumer_init(struct tbuf_consumer *c, struct tbuf t)
{
    uint32_t cons, fill;
    int rc;

    memset(c, 0, sizeof(*c));
    c->t = t;
    rc = tbuf_look(&t, &cons, &fill);
    if ( !rc )
        c->base = cons;
    return rc;
}

/* Another process moved the index: skip the records it consumed. */
static void adopt(struct tbuf_consumer *c, uint32_t cons)
{
    uint32_t at = tbuf_index(c, c->pos);

    c->pos += cons >= at ? cons - at : cons + 2 * c->t.bytes - at;
    c->resyncs++;
    forget_notes(c);
}

int tbuf_consumer_look(struct tbuf_consumer *c, uint64_t *prod)
{
    uint32_t cons, fill;
    int rc = tbuf_look(&c->t, &cons, &fill);

    if ( rc )
    {
        c->bogus++;
        return rc;
    }
    if ( cons != tbuf_index(c, c->pos) )
    {
        adopt(c, cons);
        rc = -EAGAIN;
    }
    *prod = c->pos + fill;
    add_note(c, *prod);
    return rc;
}

/* Xen may overwrite the records before @pos as soon as the index is stored. */
static void move_to(struct tbuf_consumer *c, uint64_t pos)
{
    __atomic_store_n(&c->t.index[0], tbuf_index(c, pos), __ATOMIC_RELEASE);
    /* Xen must see the move before the producer index is read again. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    c->pos = pos;
    c->moves++;
    forget_notes(c);
}

/* Find the first record at or after @target.  -EBADMSG if the walk fails. */
static int walk_to(struct tbuf_consumer *c, uint64_t from, uint64_t prod,
                   uint64_t target, uint64_t *pos)
{
    uint32_t off = tbuf_index(c, from) % c->t.bytes, head, bytes;

    c->walks++;
    while ( from < target )
    {
        if ( tbuf_head(&c->t, off, prod - from, &head, &bytes) )
            return -EBADMSG;
        from += bytes;
        off += bytes;
        if ( off == c->t.bytes )
            off = 0;
        c->walked_bytes += bytes;
    }
    *pos = from;
    return 0;
}

/*
 * Choose the position to move to in [low, high]: the note nearest to a third of
 * a ring behind the producer, else the record that a walk finds there.
 */
static int choose(struct tbuf_consumer *c, uint64_t prod, uint64_t low,
                  uint64_t high, uint64_t *pos)
{
    uint64_t want = prod - c->t.bytes / 3, from = c->pos, d, best = UINT64_MAX;
    unsigned int i;

    for ( i = 0; i < c->nr_notes; i++ )
    {
        if ( c->note[i] < low )
            from = c->note[i];
        d = c->note[i] > want ? c->note[i] - want : want - c->note[i];
        if ( c->note[i] < low || c->note[i] > high || d >= best )
            continue;
        best = d;
        *pos = c->note[i];
    }
    if ( best != UINT64_MAX )
        return 0;
    return walk_to(c, from, prod, want < low ? low : want > high ? high : want,
                   pos);
}

/*
 * Count lost records.  A buffer that was not full since the last look has lost
 * none; Xen writes their number right before the next record that fits.  So
 * once the buffer was found full its records are walked, until two looks in a
 * row find it not full with new records (those before the first of these looks
 * may have been written before the move).
 */
static void count_lost(struct tbuf_consumer *c, uint64_t prod)
{
    bool full = prod - c->pos + TBUF_MARGIN > c->t.bytes;
    uint64_t from = c->counted > c->pos ? c->counted : c->pos;
    struct tbuf_record rec;
    struct tbuf_iter it;

    if ( full && !c->looks_left )
        c->fulls++;
    if ( full )
        c->looks_left = 2;
    c->counted = prod;
    if ( !c->looks_left || from >= prod )
        return;
    tbuf_iter_init(&it, &c->t, tbuf_index(c, from), prod - from);
    while ( tbuf_next(&it, &rec) > 0 )
        if ( rec.event == TBUF_EV_LOST && rec.words == TBUF_LOST_WORDS )
            c->lost += rec.data[0];
    if ( !full )
        c->looks_left--;
}

int tbuf_consumer_advance(struct tbuf_consumer *c, uint64_t keep)
{
    const uint32_t quarter = c->t.bytes / 4;
    const uint32_t most = c->t.bytes / 2 - TBUF_MARGIN;
    uint64_t prod, high, pos;
    unsigned int i;
    int rc;

    for ( i = 0; i < MOVE_TRIES; i++ )
    {
        rc = tbuf_consumer_look(c, &prod);
        if ( rc && rc != -EAGAIN )
            return rc;
        count_lost(c, prod);
        if ( prod - c->pos <= most )
            return 0;
        high = prod - quarter < keep ? prod - quarter : keep;
        if ( high <= c->pos )
            return -ENOBUFS;
        if ( choose(c, prod, prod - most < high ? prod - most : high, high,
                    &pos) )
        {
            c->resyncs++;
            pos = prod;
        }
        move_to(c, pos);
    }
    /* Xen writes faster: drop the history, so that it raises the VIRQ again. */
    c->resyncs++;
    move_to(c, prod);
    return 0;
}

/*
 * t_info: u16 pages of each buffer, then for each pCPU the u16 offset of its
 * list of frames, in 32-bit words from the begin; 0 if it has no buffer.
 */

static uint16_t half_word(const void *info, size_t n)
{
    uint16_t v;

    memcpy(&v, (const uint8_t *)info + 2 * n, sizeof(v));
    return v;
}

int tbuf_info_check(const void *info, size_t bytes, uint32_t *pages)
{
    if ( bytes < TBUF_FRAME || bytes % TBUF_FRAME )
        return -EPROTO;
    *pages = half_word(info, 0);
    return *pages ? 0 : -EPROTO;
}

int tbuf_info_cpu(const void *info, size_t bytes, unsigned int cpu,
                  uint32_t *mfn)
{
    size_t pages = half_word(info, 0), off, i;

    if ( 2 * (cpu + 2ULL) > bytes )
        return -ENODEV;
    off = half_word(info, 1 + cpu);
    if ( !off )
        return -ENODEV;
    /* The list must not overlap the table of offsets. */
    if ( off * 4 < 2 * (cpu + 2ULL) || (off + pages) * 4 > bytes )
        return -EPROTO;
    memcpy(mfn, (const uint8_t *)info + off * 4, pages * 4);
    for ( i = 0; i < pages; i++ )
        if ( !mfn[i] )
            return -EPROTO;
    return 0;
}

uint8_t tbuf_tsc_shift(uint32_t tsc_khz)
{
    uint8_t shift = 0;

    while ( shift < PACKET_MAX_SHIFT &&
            (2ULL << shift) * 1000000 <= (uint64_t)tsc_khz * STEP_NS )
        shift++;
    return shift;
}
