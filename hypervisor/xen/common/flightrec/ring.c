/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/ring.c: write records, switch slots, hold and release
 * generations.  ring.h has the design and the invariants.
 */

#include "ring.h"

/*
 * Bounds of the retry loops (I8).  A retry follows a nested writer, a switch or
 * an adoption.  Each of them is rare, and several in a row are rarer.
 */
#define FR_RETRIES       16
#define FR_CLOSE_RETRIES 64

/* Target for one step of a record's time, in nanoseconds. */
#define FR_STEP_NS       10

/* The bits that may be set in a length of 0..7 whole words. */
#define FR_WHOLE_WORDS   (XEN_FLIGHTREC_MAX_WORDS * 4UL)

/* The time field in a record's header. */
#define FR_TIME_FIELD    (~0U << XEN_FLIGHTREC_TIME_SHIFT)

/* Upper bound of fr_tsc_shift(), see fr_stamp(); reached at 400 GHz. */
#define FR_MAX_SHIFT     XEN_FLIGHTREC_TIME_SHIFT

/* An emitted count is folded at this value, far below the word's limit. */
#define FR_FOLD          (1ULL << (FR_EPOCH_SHIFT - 2))

static uint64_t fr_g __attribute__((__aligned__(FR_CACHELINE)));
static uint32_t fr_shift;
uint64_t fr_wake_every;
static struct xen_flightrec_trigger fr_trigger[FR_HELD];

/* --------------------------------------------------------------------- G -- */

static inline uint32_t g_gen(uint64_t g)
{
    return g >> FR_GEN_SHIFT;
}

static inline unsigned int g_held(uint64_t g)
{
    return g & ((1U << FR_ACK_SHIFT) - 1);
}

static inline uint32_t g_released(uint64_t g)
{
    return g_gen(g) - g_held(g);
}

static inline uint64_t g_ack_bit(uint32_t gen)
{
    return 1ULL << (FR_ACK_SHIFT + gen % FR_HELD);
}

/* Return true if generation @gen is in (gen - held, gen] of g. */
static inline bool g_holds(uint64_t g, uint32_t gen)
{
    return g_gen(g) - gen < g_held(g);
}

/* Return g with the next epoch, skipping the one that means stopped. */
static inline uint64_t g_next_epoch(uint64_t g)
{
    uint64_t epoch = (g >> FR_EPOCH_SHIFT) + 1;

    if ( epoch == FR_G_STOP >> FR_EPOCH_SHIFT )
        epoch = 0;

    return (g & FR_COUNT_MASK) | (epoch << FR_EPOCH_SHIFT);
}

/* Compare the epochs of two words that carry one. */
static inline bool same_epoch(uint64_t a, uint64_t b)
{
    return !((a ^ b) >> FR_EPOCH_SHIFT);
}

/* --------------------------------------------------------------- account -- */

/*
 * Update Dom0's copy of an audit's `late`.  A nested correction may come
 * between load and store, hence the check after the store.  If the retries run
 * out, the next correction updates the copy.
 */
static void fr_late_publish(struct fr_cpu *c, unsigned int i, unsigned int ch)
{
    unsigned int tries, unused = 64 - FR_EPOCH_SHIFT;

    for ( tries = 0; tries < FR_RETRIES; tries++ )
    {
        uint64_t late = fr_read(c->audit[i][ch].late);

        fr_write(*(uint64_t *)&c->info->audit[i][ch].late,
                 (uint64_t)((int64_t)(late << unused) >> unused));
        fr_barrier();
        if ( late == fr_read(c->audit[i][ch].late) )
            return;
    }
}

/*
 * A record was counted as emitted in one epoch and accounted for in another:
 * correct each audit that was taken in between (after @from, up to @to).
 * Epoch and count must change together, by cmpxchg, because a nested adoption
 * may reuse the entry for a later generation at any time.
 */
static void fr_late(struct fr_cpu *c, const struct fr_ring *r, uint64_t from,
                    uint64_t to, int64_t n)
{
    uint64_t span = (to - from) >> FR_EPOCH_SHIFT;
    unsigned int i, tries;

    for ( i = 0; i < FR_HELD; i++ )
    {
        struct fr_audit *a = &c->audit[i][r->channel];

        for ( tries = 0; tries < FR_RETRIES; tries++ )
        {
            uint64_t late = fr_read(a->late), epoch = late & ~FR_COUNT_MASK;

            if ( !a->pub.gen || (to - epoch) >> FR_EPOCH_SHIFT >= span )
                break;
            if ( !fr_local_cmpxchg(&a->late, late,
                                   epoch | ((late + n) & FR_COUNT_MASK)) )
                continue;
            fr_late_publish(c, i, r->channel);
            break;
        }
    }
}

/* Count a record as lost.  @e is the value of r->emitted that counted it. */
static void fr_lose(struct fr_cpu *c, struct fr_ring *r, uint64_t e,
                    unsigned int cause)
{
    uint64_t l = fr_local_xadd(&r->lost[cause], 1);

    e &= ~FR_COUNT_MASK;
    l &= ~FR_COUNT_MASK;
    if ( likely(e == l) )
        return;

    /*
     * The record was counted as lost after an adoption that counted it as
     * emitted; or, by an NMI inside the adoption, before one that did not.
     * Epochs are close together, so the shorter distance decides which.
     */
    if ( l - e < 1ULL << 63 )
        fr_late(c, r, e, l, 1);
    else
        fr_late(c, r, l, e, -1);
}

/* ---------------------------------------------------------------- switch -- */

static void fr_fifo_push(struct fr_ring *r, unsigned int slot)
{
    unsigned int i = r->nfifo++;

    /* Sorted by seq (I5).  The slot closed last has the highest. */
    for ( ; i && r->slot[r->fifo[i - 1]].seq > r->slot[slot].seq; i-- )
        r->fifo[i] = r->fifo[i - 1];
    r->fifo[i] = slot;
}

static void fr_fifo_remove(struct fr_ring *r, unsigned int i)
{
    for ( r->nfifo--; i < r->nfifo; i++ )
        r->fifo[i] = r->fifo[i + 1];
}

/*
 * Close the open slot, if there is one.  By cmpxchg, since an NMI may reserve
 * in it at any time before.  Return false if the retries run out.
 */
static bool fr_close(struct fr_ring *r)
{
    unsigned int tries;

    for ( tries = 0; tries < FR_CLOSE_RETRIES; tries++ )
    {
        uint64_t p = fr_read(r->pos);
        unsigned int slot = (p >> FR_SLOT_SHIFT) & FR_SLOT_MASK;
        struct fr_slot *s = &r->slot[slot];
        struct xen_flightrec_packet *hdr;
        uint64_t used = p & FR_DONE_MASK;
        uint32_t bytes = p & FR_OFF_MASK;

        if ( bytes == FR_OFF_MASK )
            return true;
        if ( !fr_local_cmpxchg(&r->pos, p, p | FR_OFF_MASK) )
            continue;

        fr_write(s->used, used);
        hdr = (struct xen_flightrec_packet *)s->data;
        hdr->records = FR_DONE_NREC(used);
        fr_store_release(&hdr->used_bytes, bytes); /* P7: behind seq */
        fr_fifo_push(r, slot);
        return true;
    }

    return false;
}

/*
 * Return the fifo index of the oldest slot without open writes (I3); -1 if
 * there is none.
 */
static int fr_victim(const struct fr_ring *r)
{
    unsigned int i;

    for ( i = 0; i < r->nfifo; i++ )
    {
        const struct fr_slot *s = &r->slot[r->fifo[i]];

        if ( fr_read(s->committed) == fr_read(s->used) )
            return i;
    }

    return -1;
}

static uint64_t fr_lost(const struct fr_ring *r, unsigned int cause)
{
    return fr_read(r->lost[cause]) & FR_COUNT_MASK;
}

static void fr_header(const struct fr_cpu *c, const struct fr_ring *r,
                      unsigned int slot, uint64_t tsc)
{
    const struct fr_slot *s = &r->slot[slot];
    struct xen_flightrec_packet *hdr = (struct xen_flightrec_packet *)s->data;
    unsigned int i;
    uint64_t sync_tsc, sync_ns;

    hdr->used_bytes = 0;
    hdr->records = 0;
    fr_wmb(); /* P7: invalidate the last lap before writing this one */
    hdr->magic = XEN_FLIGHTREC_PACKET_MAGIC;
    hdr->version = XEN_FLIGHTREC_VERSION;
    hdr->header_bytes = sizeof(*hdr);
    hdr->cpu = c->cpu;
    hdr->channel = r->channel;
    hdr->tsc_shift = r->tsc_shift;
    hdr->slot = slot;
    hdr->flags = 0;
    hdr->seq = s->seq;
    hdr->begin_tsc = tsc;
    hdr->sync_tsc = 0;
    hdr->sync_ns = 0;
    if ( fr_clock_pair(&sync_tsc, &sync_ns) )
    {
        hdr->flags = XEN_FLIGHTREC_PKT_SYNC;
        hdr->sync_tsc = sync_tsc;
        hdr->sync_ns = sync_ns;
    }
    hdr->gen = g_gen(c->agen);
    fr_current(&hdr->domid, &hdr->vcpu);
    hdr->overwritten = r->overwritten;
    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        hdr->lost[i] = fr_lost(r, i);
    hdr->emitted = r->emitted_before + (fr_read(r->emitted) & FR_COUNT_MASK);
    hdr->hold_gen = 0;
}

/* Keep the emitted count far below its epoch.  NMIs may count concurrently. */
static void fr_fold(struct fr_ring *r)
{
    uint64_t count = fr_read(r->emitted) & FR_COUNT_MASK;

    if ( likely(count < FR_FOLD) )
        return;
    fr_local_xadd(&r->emitted, -count);
    fr_write(r->emitted_before, r->emitted_before + count);
}

/* Wake the reader that follows the rings if this slot is due. */
static void fr_wake_check(const struct fr_ring *r)
{
    uint32_t every = fr_read(fr_wake_every);

    /* Check again: it may have been disarmed since fr_open() looked. */
    if ( every && !((uint32_t)r->seq % every) )
        fr_wake_soon();
}

/* Open the victim at fifo[i].  The ring is closed, so no writer changes pos. */
static void fr_open(struct fr_cpu *c, struct fr_ring *r, unsigned int i)
{
    unsigned int slot = r->fifo[i];
    struct fr_slot *s = &r->slot[slot];
    uint64_t tsc = fr_clock();
    uint64_t tag = (fr_read(r->pos) >> FR_TAG_SHIFT) + 1;

    fr_fifo_remove(r, i);
    fr_write(r->overwritten, r->overwritten + FR_DONE_NREC(s->used));
    fr_store_release(&r->seq, r->seq + 1); /* P6: behind the last close */
    fr_write(s->seq, r->seq);
    fr_write(s->begin_tsc, tsc);
    fr_fold(r);
    fr_header(c, r, slot, tsc);
    fr_write(s->committed, FR_HEADER_BYTES);
    fr_write(r->base, tsc);
    fr_barrier(); /* complete the slot before a nested writer can find it */
    fr_write(r->pos, tag << FR_TAG_SHIFT | (uint64_t)slot << FR_SLOT_SHIFT |
                     FR_HEADER_BYTES);
    if ( unlikely(fr_read(fr_wake_every)) )
        fr_wake_check(r);
}

/* ----------------------------------------------------------------- adopt -- */

/* Return the slots of generations that are no longer held to the fifo. */
static void fr_unhold(struct fr_ring *r, uint64_t g)
{
    unsigned int i;

    for ( i = 0; i < r->slots; i++ )
    {
        struct fr_slot *s = &r->slot[i];

        if ( !s->hold_gen || g_holds(g, s->hold_gen) )
            continue;
        fr_write(s->hold_gen, 0);
        ((struct xen_flightrec_packet *)s->data)->hold_gen = 0;
        fr_fifo_push(r, i);
    }
}

/*
 * Return the number of slots that stay writable at a hold when @others
 * generations are held already.  It starts with the spares and decreases, so
 * that the last generation that can be held still finds slots; never below two.
 */
static unsigned int fr_keep(const struct fr_ring *r, unsigned int others)
{
    unsigned int left = FR_HELD - 1;

    if ( others > left )
        others = left;

    return 2 + (r->spares - 2U) * (left - others) / left;
}

/* Hold all of the fifo except the oldest slots and those never used. */
static void fr_hold(struct fr_ring *r, uint64_t g)
{
    unsigned int i, keep = fr_keep(r, g_held(g) - 1);
    uint32_t gen = g_gen(g);

    for ( i = r->nfifo; i > keep && r->slot[r->fifo[i - 1]].seq; i-- )
    {
        struct fr_slot *s = &r->slot[r->fifo[i - 1]];

        fr_write(s->hold_gen, gen);
        ((struct xen_flightrec_packet *)s->data)->hold_gen = gen;
    }
    r->nfifo = i;
}

/*
 * Read the counts and move the ring's epoch.  The ring is closed, so only NMIs
 * can count, and each xadd decides on which side of it they fall (I7).
 */
static void fr_audit_counts(struct fr_ring *r, uint64_t g,
                            struct xen_flightrec_audit *a)
{
    uint64_t delta = (g & ~FR_COUNT_MASK) - (r->emitted & ~FR_COUNT_MASK);
    unsigned int i;

    a->emitted = r->emitted_before +
                 (fr_local_xadd(&r->emitted, delta) & FR_COUNT_MASK);
    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        a->lost[i] = fr_local_xadd(&r->lost[i], delta) & FR_COUNT_MASK;
}

static void fr_audit_slots(const struct fr_ring *r, uint32_t gen,
                           struct xen_flightrec_audit *a)
{
    unsigned int i;

    for ( i = 0; i < r->slots; i++ )
    {
        const struct fr_slot *s = &r->slot[i];
        uint64_t nrec = FR_DONE_NREC(s->used);

        if ( !s->hold_gen )
            a->sacrificed += nrec;
        else if ( s->hold_gen != gen )
            a->held_earlier += nrec;
        else
        {
            a->held += nrec;
            a->slots++;
        }
    }
}

static void fr_adopt_ring(struct fr_cpu *c, struct fr_ring *r, uint64_t g)
{
    uint32_t gen = g_gen(g);
    unsigned int i = gen % FR_HELD;
    bool holds = g_held(g) && gen != g_gen(c->agen);
    struct xen_flightrec_audit a = {
        .gen = gen, .tsc = fr_clock(), .overwritten = r->overwritten,
    };

    fr_unhold(r, g);
    if ( holds )
    {
        fr_hold(r, g);
        fr_audit_slots(r, gen, &a);
        /* Before the counts: late records must find it from here on. */
        c->audit[i][r->channel].pub = a;
        fr_write(c->audit[i][r->channel].late, g & ~FR_COUNT_MASK);
        fr_barrier();
    }

    fr_audit_counts(r, g, &a);
    if ( !holds )
        return;

    c->audit[i][r->channel].pub = a;
    c->info->audit[i][r->channel] = a;
    fr_late_publish(c, i, r->channel);
}

/* Callers must have set busy.  Return false if a ring could not be closed. */
static bool fr_adopt_busy(struct fr_cpu *c, uint64_t g)
{
    unsigned int ch;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        if ( !fr_close(&c->ring[ch]) )
            return false;
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        fr_adopt_ring(c, &c->ring[ch], g);

    fr_store_release(&c->agen, g); /* P2 */
    return true;
}

/*
 * The slow path: adopt a new G, or make room for @need bytes.  Return 0 if the
 * caller must try again, else 1 + XEN_FLIGHTREC_LOST_* for a lost record.
 */
static int fr_switch(struct fr_cpu *c, struct fr_ring *r, unsigned int need)
{
    unsigned long flags = fr_irq_save();
    uint64_t g, p;
    int victim, rc = 0;

    if ( fr_read(c->busy) )
    {
        fr_irq_restore(flags);
        return 1 + XEN_FLIGHTREC_LOST_NESTED;
    }

    fr_write(c->busy, 1);
    fr_barrier();

    g = fr_load_acquire(&fr_g);
    if ( unlikely(g == FR_G_STOP) )
    {
        rc = 1 + XEN_FLIGHTREC_LOST_STOPPED;
        goto out;
    }
    if ( !same_epoch(g, c->agen) && !fr_adopt_busy(c, g) )
    {
        rc = 1 + XEN_FLIGHTREC_LOST_RETRY;
        goto out;
    }

    /* A nested writer may have switched first. */
    p = fr_read(r->pos) & FR_OFF_MASK;
    if ( p != FR_OFF_MASK && p + need <= r->slot_bytes )
        goto out;

    if ( !fr_close(r) )
    {
        rc = 1 + XEN_FLIGHTREC_LOST_RETRY;
        goto out;
    }
    victim = fr_victim(r);
    if ( victim < 0 )
        rc = 1 + XEN_FLIGHTREC_LOST_BUSY;
    else
        fr_open(c, r, victim);

 out:
    fr_barrier();
    fr_write(c->busy, 0);
    fr_irq_restore(flags);
    return rc;
}

bool fr_adopt(struct fr_cpu *c)
{
    unsigned long flags = fr_irq_save();
    bool done = false;
    uint64_t g;

    if ( !fr_read(c->busy) )
    {
        fr_write(c->busy, 1);
        fr_barrier();
        g = fr_load_acquire(&fr_g);
        done = g == FR_G_STOP || same_epoch(g, c->agen) || fr_adopt_busy(c, g);
        fr_barrier();
        fr_write(c->busy, 0);
    }

    fr_irq_restore(flags);
    return done;
}

/* ---------------------------------------------------------------- record -- */

/*
 * @bytes must be 0, 4 .. 28; @from may have any alignment.  Four words and more
 * are copied from both ends, the middle twice: cheaper than a loop, which
 * compilers tend to turn into a call.  Two words come first because most events
 * have two.
 */
static inline void fr_copy(void *to, const void *from, size_t bytes)
{
    if ( likely(bytes == 8) )
        memcpy(to, from, 8);
    else if ( bytes > 8 )
    {
        if ( bytes > 12 )
        {
            memcpy(to, from, 16);
            memcpy(to + bytes - 16, from + bytes - 16, 16);
        }
        else
        {
            memcpy(to, from, 8);
            memcpy(to + 8, from + 8, 4);
        }
    }
    else if ( bytes )
        memcpy(to, from, 4);
}

/* (tsc >> shift) << TIME_SHIFT, by one multiplication. */
static inline uint32_t fr_stamp(const struct fr_ring *r, uint64_t tsc)
{
    return (uint32_t)tsc * r->tsc_scale & FR_TIME_FIELD;
}

/* &r->slot[slot of p], in fewer instructions than compilers generate. */
static inline struct fr_slot *fr_pos_slot(struct fr_ring *r, uint64_t p)
{
    _Static_assert(sizeof(struct fr_slot) == 1U << FR_SLOT_SIZE_SHIFT, "");

    return (void *)r->slot + ((p >> (FR_SLOT_SHIFT - FR_SLOT_SIZE_SHIFT)) &
                              (FR_SLOT_MASK << FR_SLOT_SIZE_SHIFT));
}

static inline uint32_t *fr_at(const struct fr_slot *s, uint64_t off)
{
    return (void *)s->data + off;
}

/*
 * Handle a changed G or a full slot for a writer.  *e moves to the epoch in
 * which the record will be counted next.  Return as fr_switch() does.
 */
static int fr_obstacle(struct fr_cpu *c, struct fr_ring *r, uint64_t *e,
                       unsigned int need)
{
    uint64_t now = fr_read(r->emitted);

    if ( same_epoch(*e, now) )
        return fr_switch(c, r, need);

    /* Adopted since this record was counted: it is late for that audit. */
    fr_late(c, r, *e & ~FR_COUNT_MASK, now & ~FR_COUNT_MASK, 1);
    *e = now;
    return 0;
}

/* A record on the slow path. */
struct fr_record {
    uint32_t event;
    uint32_t head;         /* id | words << 9: the header without its time */
    const void *data;
};

static inline bool fr_is_escape(const struct fr_record *rec)
{
    return (rec->head & FR_ENT_ID) == XEN_FLIGHTREC_ID_ESCAPE;
}

/* Bytes of payload. */
static inline unsigned int fr_bytes(const struct fr_record *rec)
{
    return (rec->head >> XEN_FLIGHTREC_WORDS_SHIFT) * 4;
}

/* Write the record, and its anchor if it needs one, to the reserved @to. */
static void fr_fill(const struct fr_ring *r, uint32_t *to, uint64_t tsc,
                    bool anchor, const struct fr_record *rec)
{
    if ( anchor )
    {
        *to++ = fr_stamp(r, tsc) | 2U << XEN_FLIGHTREC_WORDS_SHIFT |
                XEN_FLIGHTREC_ID_ANCHOR;
        *to++ = tsc;
        *to++ = tsc >> 32;
    }
    *to++ = fr_stamp(r, tsc) | rec->head;
    if ( fr_is_escape(rec) )
        *to++ = rec->event;
    fr_copy(to, rec->data, fr_bytes(rec));
}

/*
 * Reserve, write and commit, with all that the fast path leaves out.  @e is
 * the value of r->emitted returned by the xadd that counted this record.
 */
static void __attribute__((__noinline__, __cold__))
fr_write_slow(struct fr_cpu *c, struct fr_ring *r, uint64_t e,
              const struct fr_record *rec)
{
    unsigned int len = 4 + fr_bytes(rec) + 4 * fr_is_escape(rec), tries;

    for ( tries = 0; tries < FR_RETRIES; tries++ )
    {
        /* The order of these loads matters, see fr_trace(). */
        uint64_t p = fr_read(r->pos);
        uint64_t g = fr_read(fr_g);
        uint64_t base = fr_read(r->base);
        uint64_t tsc = fr_clock();
        bool anchor = tsc - base >= r->window;
        unsigned int need = len + (anchor ? FR_ANCHOR_BYTES : 0);
        unsigned int off = p & FR_OFF_MASK;
        struct fr_slot *s = fr_pos_slot(r, p);

        if ( !same_epoch(e, g) || off + need > r->slot_bytes )
        {
            int rc = fr_obstacle(c, r, &e, need);

            if ( !rc )
                continue;
            fr_lose(c, r, e, rc - 1);
            return;
        }

        if ( !fr_local_cmpxchg(&r->pos, p, p + FR_NREC_ONE + need) )
            continue;

        if ( anchor )
            fr_write(r->base, tsc);
        fr_fill(r, fr_at(s, off), tsc, anchor, rec);
        fr_local_add(&s->committed, FR_NREC_ONE + need); /* P1 */
        return;
    }

    fr_lose(c, r, e, XEN_FLIGHTREC_LOST_RETRY);
}

/* Record an event of any size, in any channels, with or without an id. */
static void __attribute__((__noinline__, __cold__))
fr_trace_any(struct fr_cpu *c, unsigned int ent, uint32_t event,
             const void *data, unsigned int bytes)
{
    uint32_t padded[XEN_FLIGHTREC_MAX_WORDS];
    struct fr_record rec = { .event = event, .data = data };
    unsigned int ch;

    if ( bytes > sizeof(padded) )
        bytes = sizeof(padded);
    if ( bytes & 3 )
    {
        /* Pad to whole words, so that no stack bytes follow the data. */
        padded[bytes / 4] = 0;
        memcpy(padded, data, bytes);
        rec.data = padded;
    }
    rec.head = (ent & FR_ENT_ID) |
               (bytes + 3) / 4 << XEN_FLIGHTREC_WORDS_SHIFT;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        struct fr_ring *r = &c->ring[ch];

        if ( ent & (FR_ENT_BUSY << ch) )
            fr_write_slow(c, r, fr_local_xadd(&r->emitted, 1), &rec);
    }
}

/* Events outside of the fast path.  Most are refused, so that is first. */
static void __attribute__((__noinline__, __cold__))
fr_trace_slow(uint32_t event, const void *data, unsigned int bytes,
              struct fr_cpu *c)
{
    unsigned int ent = fr_lookup(event) ?: fr_lookup_escape(event);

    if ( c && (ent & FR_ENT_CHANNELS) )
        fr_trace_any(c, ent, event, data, bytes);
}

/* Finish a record that the fast path has counted but not written. */
static void __attribute__((__noinline__, __cold__))
fr_trace_rest(uint32_t head, const void *data, uint64_t e, struct fr_cpu *c)
{
    struct fr_record rec = { .head = head, .data = data };

    fr_write_slow(c, &c->ring[XEN_FLIGHTREC_CH_BUSY], e, &rec);
}

/*
 * The fast path: an event that has an id and goes to busy only, with room in
 * the slot, no anchor due and no change of G.  It is a leaf function; all other
 * cases are tail calls.  tests/bench counts its instructions.
 *
 * The pointer to the pCPU's state must be read only once: a destroy on another
 * pCPU clears it at any time, and waits for this record before it frees c.
 */
void fr_trace(uint32_t event, const void *data, unsigned int bytes)
{
    struct fr_cpu *c = fr_this_cpu();
    uint32_t head = fr_lookup_fast(event), *to;
    uint64_t e, p, off, tsc, size = bytes;
    struct fr_ring *r;
    struct fr_slot *s;

    if ( unlikely(!head) || unlikely(size & ~FR_WHOLE_WORDS) || unlikely(!c) )
    {
        fr_trace_slow(event, data, bytes, c);
        return;
    }

    r = &c->ring[XEN_FLIGHTREC_CH_BUSY];
    head |= size << (XEN_FLIGHTREC_WORDS_SHIFT - 2);
    e = fr_local_xadd(&r->emitted, 1);

    /*
     * The order matters.  pos before G: if an adoption follows the load of G,
     * pos changes and the cmpxchg fails.  G before the clock: a record stamped
     * after a freeze is not held by it (I9).  base last: if it changed after
     * the load of pos, the cmpxchg fails.
     */
    p = fr_read(r->pos);
    off = p & FR_OFF_MASK;
    if ( unlikely(!same_epoch(e, fr_read(fr_g))) ||
         unlikely(off + size >= r->slot_bytes) ) /* so the header has room */
        goto rest;

    tsc = fr_clock();
    fr_barrier();
    if ( unlikely(tsc - r->base >= r->window) ||
         unlikely(!fr_local_cmpxchg(&r->pos, p, p + FR_NREC_ONE + 4 + size)) )
        goto rest;

    s = fr_pos_slot(r, p);
    to = fr_at(s, off);
    *to = fr_stamp(r, tsc) | head;
    fr_copy(to + 1, data, size);
    fr_local_add(&s->committed, FR_NREC_ONE + 4 + size); /* P1 */
    return;

 rest:
    fr_trace_rest(head, data, e, c);
}

/* --------------------------------------------------------------- control -- */

int fr_freeze(struct xen_flightrec_trigger *t, bool *gave_up)
{
    struct xen_flightrec_trigger *slot;
    uint64_t g, n;
    uint32_t gen;

    do {
        g = fr_read(fr_g);
        if ( g == FR_G_STOP )
            return -ENODEV;
        *gave_up = g_held(g) == FR_HELD;
        if ( *gave_up && (g & g_ack_bit(g_released(g) + 1)) )
            return -EBUSY;

        gen = g_gen(g) + 1;
        n = g_next_epoch(g) & ~g_ack_bit(gen);
        n &= ~(0xffffffffULL << FR_GEN_SHIFT);
        n |= (uint64_t)gen << FR_GEN_SHIFT;
        n += !*gave_up;
    } while ( !fr_cmpxchg(&fr_g, g, n) );

    t->tsc = fr_clock();

    slot = &fr_trigger[gen % FR_HELD];
    fr_write(slot->gen, 0);
    fr_wmb(); /* P3: no new field beside the old gen */
    t->gen = 0; /* the copy must not look complete */
    *slot = *t;
    fr_store_release(&slot->gen, gen); /* P3 */
    t->gen = gen;
    return 0;
}

int fr_ack(uint32_t gen)
{
    uint64_t g;

    do {
        g = fr_read(fr_g);
        if ( g == FR_G_STOP || !g_holds(g, gen) )
            return -ENOENT;
    } while ( !fr_cmpxchg(&fr_g, g, g | g_ack_bit(gen)) );

    return 0;
}

int fr_release(uint32_t gen)
{
    uint64_t g;

    do {
        g = fr_read(fr_g);
        if ( g == FR_G_STOP || !g_holds(g, gen) )
            return -ENOENT;
        if ( gen != g_released(g) + 1 )
            return -EINVAL;
    } while ( !fr_cmpxchg(&fr_g, g, /* P4 */
                          (g_next_epoch(g) & ~g_ack_bit(gen)) - 1) );

    return 0;
}

int fr_trigger_read(uint32_t gen, struct xen_flightrec_trigger *t)
{
    const struct xen_flightrec_trigger *slot = &fr_trigger[gen % FR_HELD];
    uint64_t g = fr_read(fr_g);

    if ( !gen || g == FR_G_STOP || !g_holds(g, gen) ||
         fr_load_acquire(&slot->gen) != gen ) /* P3 */
        return -ENOENT;

    *t = *slot;
    fr_rmb(); /* P3: the fields, then check that gen is unchanged */
    if ( fr_read(slot->gen) != gen )
        return -ENOENT;
    if ( g & g_ack_bit(gen) )
        t->flags |= XEN_FLIGHTREC_TRG_ACKED;

    return 0;
}

void fr_stop(void)
{
    fr_write(fr_g, FR_G_STOP);
}

bool fr_stopped(void)
{
    return fr_read(fr_g) == FR_G_STOP;
}

void fr_generations(uint32_t *gen, uint32_t *released)
{
    uint64_t g = fr_read(fr_g);

    *gen = g == FR_G_STOP ? 0 : g_gen(g);
    *released = g == FR_G_STOP ? 0 : g_released(g);
}

/*
 * Return true if all writers that the adoption overtook have corrected the
 * audit.  The record of a writer that the adopter interrupted counts as emitted
 * and nothing else until it continues, so the sum shows it (I7).
 */
static bool fr_settled(const struct fr_audit *a)
{
    const struct xen_flightrec_audit *p = &a->pub;
    unsigned int i, unused = 64 - FR_EPOCH_SHIFT;
    uint64_t sum = (int64_t)(fr_read(a->late) << unused) >> unused;

    sum += p->held + p->held_earlier + p->sacrificed + p->overwritten;
    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        sum += p->lost[i];

    return p->emitted == sum;
}

bool fr_quiescent(const struct fr_cpu *c, uint32_t gen)
{
    uint64_t agen = fr_load_acquire(&c->agen); /* P2 */
    unsigned int ch, i;

    if ( (int32_t)(g_gen(agen) - gen) < 0 )
        return false;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < c->ring[ch].slots; i++ )
        {
            const struct fr_slot *s = &c->ring[ch].slot[i];

            if ( fr_read(s->hold_gen) &&
                 fr_load_acquire(&s->committed) != fr_read(s->used) ) /* P1 */
                return false;
        }

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < FR_HELD; i++ )
        {
            const struct fr_audit *a = &c->audit[i][ch];

            if ( a->pub.gen && (int32_t)(a->pub.gen - gen) >= 0 &&
                 !fr_settled(a) )
                return false;
        }

    return true;
}

void fr_cpu_counters(const struct fr_cpu *c, unsigned int channel,
                     struct xen_flightrec_op_cpu *out)
{
    const struct fr_ring *r = &c->ring[channel];
    unsigned int i;

    out->emitted = fr_read(r->emitted_before) +
                   (fr_read(r->emitted) & FR_COUNT_MASK);
    out->overwritten = fr_read(r->overwritten);
    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        out->lost[i] = fr_lost(r, i);
    out->newest_seq = fr_read(r->seq);
    out->oldest_tsc = ~0ULL;
    out->held = 0;
    for ( i = 0; i < r->slots; i++ )
    {
        uint64_t begin = fr_read(r->slot[i].begin_tsc);

        if ( fr_read(r->slot[i].hold_gen) )
            out->held++;
        else if ( fr_read(r->slot[i].seq) && begin < out->oldest_tsc )
            out->oldest_tsc = begin;
    }
    out->writable = r->slots - out->held;
    out->tsc = fr_clock();
}

/* ---------------------------------------------------------------- set up -- */

int fr_init(uint32_t tsc_khz)
{
    fr_shift = 0;
    while ( fr_shift < FR_MAX_SHIFT &&
            (2ULL << fr_shift) * 1000000 <= (uint64_t)tsc_khz * FR_STEP_NS )
        fr_shift++;

    return fr_table_init();
}

unsigned int fr_tsc_shift(void)
{
    return fr_shift;
}

static void fr_ring_geometry(uint32_t bytes, uint32_t slot_bytes,
                             struct fr_geometry *geo)
{
    geo->slot_bytes = slot_bytes ?: XEN_FLIGHTREC_MIN_SLOT_BYTES;
    /* The smallest size that needs at most half of the slots there can be. */
    while ( !slot_bytes && geo->slot_bytes < XEN_FLIGHTREC_MAX_SLOT_BYTES &&
            bytes / geo->slot_bytes > FR_SLOTS / 2 )
        geo->slot_bytes *= 2;

    geo->slots = bytes / geo->slot_bytes;
    geo->spares = geo->slots / 8;
    /* Five spares allow four held generations: 5, 4, 3, 2 stay writable. */
    if ( geo->spares < 5 )
        geo->spares = geo->slots >= 10 ? 5 : 2;
}

static bool fr_geometry_valid(const struct fr_geometry *geo)
{
    return geo->slots >= XEN_FLIGHTREC_MIN_SLOTS && geo->slots <= FR_SLOTS &&
           geo->slot_bytes >= XEN_FLIGHTREC_MIN_SLOT_BYTES &&
           geo->slot_bytes <= XEN_FLIGHTREC_MAX_SLOT_BYTES &&
           !(geo->slot_bytes % XEN_FLIGHTREC_MIN_SLOT_BYTES) &&
           geo->spares >= 2 && geo->spares < geo->slots;
}

int fr_geometry(uint32_t bytes, uint32_t slot_bytes, uint32_t spares,
                struct fr_geometry geo[FR_CHANNELS])
{
    struct fr_geometry *busy = &geo[XEN_FLIGHTREC_CH_BUSY];
    struct fr_geometry *rare = &geo[XEN_FLIGHTREC_CH_RARE];

    fr_ring_geometry(bytes - bytes / 8, slot_bytes, busy);
    fr_ring_geometry(bytes / 8, 0, rare);
    if ( spares )
        busy->spares = spares;

    /* Frame 0 is the information page. */
    rare->first_frame = 1;
    busy->first_frame = 1 + rare->slots * (rare->slot_bytes / 4096);

    return fr_geometry_valid(busy) && fr_geometry_valid(rare) ? 0 : -EINVAL;
}

static void fr_ring_init(struct fr_ring *r, unsigned int channel,
                         const struct fr_geometry *geo)
{
    unsigned int i;

    r->channel = channel;
    r->slots = geo->slots;
    r->spares = geo->spares;
    r->slot_bytes = geo->slot_bytes;
    r->tsc_shift = fr_shift;
    r->tsc_scale = 1U << (FR_MAX_SHIFT - fr_shift);
    r->window = ((1ULL << XEN_FLIGHTREC_TIME_BITS) - 1) << fr_shift;
    r->pos = FR_OFF_MASK; /* closed; the first record opens a slot */
    r->nfifo = geo->slots;
    for ( i = 0; i < geo->slots; i++ )
        r->fifo[i] = i;
}

void fr_cpu_init(struct fr_cpu *c, uint32_t cpu, uint64_t incarnation,
                 const struct fr_geometry geo[FR_CHANNELS],
                 struct xen_flightrec_cpu *info,
                 uint32_t *(*slot)(void *arg, unsigned int channel,
                                   unsigned int index), void *arg)
{
    unsigned int ch, i;
    uint64_t g = fr_read(fr_g);

    memset(c, 0, sizeof(*c));
    c->cpu = cpu;
    c->incarnation = incarnation;
    c->info = info;
    c->agen = g;

    info->magic = XEN_FLIGHTREC_CPU_MAGIC;
    info->version = XEN_FLIGHTREC_VERSION;
    info->bytes = sizeof(*info);
    info->cpu = cpu;
    info->node = ~0U;
    info->incarnation = incarnation;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        struct fr_ring *r = &c->ring[ch];

        fr_ring_init(r, ch, &geo[ch]);
        r->emitted = g & ~FR_COUNT_MASK;
        for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
            r->lost[i] = g & ~FR_COUNT_MASK;
        for ( i = 0; i < r->slots; i++ )
            r->slot[i].data = slot(arg, ch, i);

        info->ch[ch].first_frame = geo[ch].first_frame;
        info->ch[ch].slot_bytes = geo[ch].slot_bytes;
        info->ch[ch].slots = geo[ch].slots;
        info->ch[ch].spares = geo[ch].spares;
    }
}

void fr_cpu_resume(struct fr_cpu *c)
{
    unsigned int ch;

    /* As far as possible from any later stamp, whatever the TSC is set to. */
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        fr_write(c->ring[ch].base, fr_clock() + (1ULL << 63));
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
