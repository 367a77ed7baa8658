/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prop-ring.c: apply random operations to the core and to a simple model, which
 * knows the records in each slot and the generation that holds it.  After every
 * few operations the content of the rings must match the model.
 *
 * PROP_SEED=N replays a run; PROP_OPS=N sets the number of operations (default
 * 10^6).
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/lib/rig.h"

#define DEFAULT_OPS  1000000UL
#define OPS_A_ROUND  20000      /* then change the geometry */
#define OPS_A_CHECK  61
#define MAX_SLOTS    12
#define HISTORY      (1U << 16) /* above the capacity of any ring here */
#define MAX_FOUND    16384

struct model_record {
    uint64_t tsc;
    uint32_t event;
    uint32_t words;
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS];
};

struct model_slot {
    uint64_t seq;
    uint64_t first;             /* serial of the first record */
    uint32_t records;
    uint32_t hold_gen;
};

struct model_ring {
    struct model_record history[HISTORY]; /* by serial */
    struct model_slot slot[MAX_SLOTS];
    uint64_t emitted, overwritten, seq;
    uint64_t anchor;            /* stamp of the last anchor; ~0: unknown */
    int open;                   /* index of the open slot; -1: none */
    uint32_t off;               /* words used in the open slot */
    struct xen_flightrec_audit audit[XEN_FLIGHTREC_MAX_HELD];
};

static struct {
    struct model_ring ring[FR_CHANNELS];
    uint32_t gen, held, acks, changes;
    uint32_t adopted_gen, adopted_changes;
} m;

static struct rig rig;
static struct rig_form form;
static struct rig_record found[MAX_FOUND];
static uint32_t ids[XEN_FLIGHTREC_IDS];
static uint64_t seed, rnd_state, op;

static uint32_t rnd(uint32_t below)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 7;
    rnd_state ^= rnd_state << 17;
    return (rnd_state * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static void __attribute__((__noreturn__)) wrong(const char *what,
                                               unsigned int ch,
                                               uint64_t is, uint64_t should)
{
    printf("not ok 1 - random operations against a model\n"
           "# seed %llu, operation %llu, channel %u: %s is %llu, not %llu\n",
           (unsigned long long)seed, (unsigned long long)op, ch, what,
           (unsigned long long)is, (unsigned long long)should);
    exit(1);
}

#define CHECK(what, ch, is, should) do {                                      \
    uint64_t is_ = (is), should_ = (should);                                  \
    if ( is_ != should_ )                                                     \
        wrong(what, ch, is_, should_);                                        \
} while ( 0 )

/* ---------------------------------------------------------------- model -- */

static bool model_holds(uint32_t gen)
{
    return gen && gen <= m.gen && gen > m.gen - m.held;
}

/* Slots that are writable and not open, by sequence, then index. */
static unsigned int model_fifo(const struct model_ring *r, int *fifo)
{
    unsigned int n = 0, j;
    int i;

    for ( i = 0; i < (int)form.slots; i++ )
    {
        if ( r->slot[i].hold_gen || i == r->open )
            continue;
        for ( j = n++; j && r->slot[fifo[j - 1]].seq > r->slot[i].seq; j-- )
            fifo[j] = fifo[j - 1];
        fifo[j] = i;
    }

    return n;
}

static void model_hold(struct model_ring *r, struct xen_flightrec_audit *a)
{
    unsigned int others = m.held - 1, keep, n, i;
    int fifo[MAX_SLOTS];

    /* Evenly from the spares down to two, for 1 to 4 held generations. */
    keep = 2 + (form.spares - 2) * (3 - others) / 3;
    n = model_fifo(r, fifo);
    for ( i = keep; i < n; i++ )
        if ( r->slot[fifo[i]].seq )
            r->slot[fifo[i]].hold_gen = m.gen;

    *a = (struct xen_flightrec_audit){ .gen = m.gen, .emitted = r->emitted,
                                       .overwritten = r->overwritten };
    for ( i = 0; i < form.slots; i++ )
    {
        const struct model_slot *s = &r->slot[i];

        if ( !s->hold_gen )
            a->sacrificed += s->records;
        else if ( s->hold_gen != m.gen )
            a->held_earlier += s->records;
        else
        {
            a->held += s->records;
            a->slots++;
        }
    }
}

/* late[ch]: a record of the channel is counted, but not written yet */
static void model_adopt(const bool *late)
{
    unsigned int ch, i;

    if ( m.adopted_changes == m.changes )
        return;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        struct model_ring *r = &m.ring[ch];
        struct xen_flightrec_audit *a =
            &r->audit[m.gen % XEN_FLIGHTREC_MAX_HELD];

        r->open = -1;
        for ( i = 0; i < form.slots; i++ )
            if ( r->slot[i].hold_gen && !model_holds(r->slot[i].hold_gen) )
                r->slot[i].hold_gen = 0;
        if ( !m.held || m.gen == m.adopted_gen )
            continue;
        model_hold(r, a);
        a->emitted += late[ch];
        a->late = late[ch];
    }

    m.adopted_gen = m.gen;
    m.adopted_changes = m.changes;
}

static void model_open(struct model_ring *r)
{
    int fifo[MAX_SLOTS];
    struct model_slot *s;

    r->open = -1;
    model_fifo(r, fifo);
    s = &r->slot[fifo[0]];
    r->open = fifo[0];
    r->overwritten += s->records;
    *s = (struct model_slot){ .seq = ++r->seq, .first = r->emitted };
    r->off = sizeof(struct xen_flightrec_packet) / 4;
    r->anchor = rig_tsc;
}

static void model_write(unsigned int ch, const struct model_record *rec,
                        bool escaped)
{
    struct model_ring *r = &m.ring[ch];
    uint64_t window = ((1ULL << XEN_FLIGHTREC_TIME_BITS) - 1)
                      << fr_tsc_shift();
    bool anchor = r->anchor == ~0ULL || rig_tsc - r->anchor >= window;
    uint32_t need = 1 + rec->words + escaped;
    bool late[FR_CHANNELS] = { false };

    late[ch] = true;
    model_adopt(late);
    if ( r->open < 0 || r->off + need + 3 * anchor > form.slot_bytes / 4 )
    {
        model_open(r);
        anchor = false;
    }

    if ( anchor )
        r->anchor = rig_tsc;
    r->off += need + 3 * anchor;
    r->slot[r->open].records++;
    r->history[r->emitted++ % HISTORY] = *rec;
}

/* ----------------------------------------------------------- operations -- */

static void do_record(void)
{
    static const uint32_t events[] = { RIG_EV_BUSY, RIG_EV_BUSY, RIG_EV_BUSY,
                                       RIG_EV_BOTH, RIG_EV_OTHER, RIG_EV_OFF };
    struct model_record rec = { .event = events[rnd(6)], .tsc = rig_tsc };
    unsigned int bytes = rnd(4) ? 4 * rnd(8) : rnd(34), i;
    uint8_t data[36];

    for ( i = 0; i < sizeof(data); i++ )
        data[i] = rnd(256);
    fr_trace(rec.event, data, bytes);

    if ( bytes > sizeof(rec.data) )
        bytes = sizeof(rec.data);
    memcpy(rec.data, data, bytes);
    rec.words = (bytes + 3) / 4;
    if ( rec.event == RIG_EV_OFF )
        return;
    model_write(XEN_FLIGHTREC_CH_BUSY, &rec, rec.event == RIG_EV_OTHER);
    if ( rec.event == RIG_EV_BOTH )
        model_write(XEN_FLIGHTREC_CH_RARE, &rec, false);
}

static void do_freeze(void)
{
    struct xen_flightrec_trigger t = { .cause = 1 };
    uint32_t oldest = m.gen - m.held + 1;
    bool gave_up, full = m.held == XEN_FLIGHTREC_MAX_HELD;
    int rc = fr_freeze(&t, &gave_up);

    if ( full && (m.acks & (1U << oldest % XEN_FLIGHTREC_MAX_HELD)) )
    {
        CHECK("freeze", 0, rc, -EBUSY);
        return;
    }
    CHECK("freeze", 0, rc, 0);
    CHECK("gave_up", 0, gave_up, full);
    CHECK("gen", 0, t.gen, ++m.gen);
    m.held += !full;
    m.acks &= ~(1U << m.gen % XEN_FLIGHTREC_MAX_HELD);
    m.changes++;
}

static void do_release(void)
{
    uint32_t gen = m.gen - rnd(6);
    int rc = fr_release(gen), should = 0;

    if ( !model_holds(gen) )
        should = -ENOENT;
    else if ( gen != m.gen - m.held + 1 )
        should = -EINVAL;
    CHECK("release", 0, rc, should);
    if ( rc )
        return;
    m.held--;
    m.acks &= ~(1U << gen % XEN_FLIGHTREC_MAX_HELD);
    m.changes++;
}

static void do_ack(void)
{
    uint32_t gen = m.gen - rnd(6);

    CHECK("ack", 0, fr_ack(gen), model_holds(gen) ? 0 : -ENOENT);
    if ( model_holds(gen) )
        m.acks |= 1U << gen % XEN_FLIGHTREC_MAX_HELD;
}

static void do_adopt(void)
{
    static const bool late[FR_CHANNELS];

    CHECK("adopt", 0, fr_adopt(rig.cpu), true);
    model_adopt(late);
}

static void do_clock(void)
{
    uint64_t jump = (uint64_t)(rnd(1000) + 1) << rnd(40);

    if ( rnd(6) )
        rig_tsc += jump;
    else if ( jump < rig_tsc )
        rig_tsc -= jump;
}

static void do_resume(void)
{
    fr_cpu_resume(rig.cpu);
    m.ring[0].anchor = m.ring[1].anchor = ~0ULL;
}

/* --------------------------------------------------------------- checks -- */

static void check_record(unsigned int ch, const struct rig_record *is,
                         const struct model_record *should)
{
    unsigned int i, shift = fr_tsc_shift();
    uint32_t event = is->rec.escaped ? is->rec.event : ids[is->rec.id];

    CHECK("event", ch, event, should->event);
    CHECK("words", ch, is->rec.words, should->words);
    CHECK("tsc", ch, is->rec.tsc >> shift, should->tsc >> shift);
    for ( i = 0; i < should->words; i++ )
        CHECK("data", ch, is->rec.data[i], should->data[i]);
}

static void check_records(unsigned int ch)
{
    const struct model_ring *r = &m.ring[ch];
    int n = rig_read(&rig, ch, found, MAX_FOUND), i;
    uint64_t present = 0, at = 0;
    unsigned int slot;

    CHECK("rig_read() succeeded", ch, n >= 0, 1);
    for ( slot = 0; slot < form.slots; slot++ )
        present += r->slot[slot].records;
    CHECK("number of records", ch, n, present);

    for ( i = 0; i < n; i++ )
    {
        const struct model_slot *s = &r->slot[found[i].slot];

        if ( !i || found[i].seq != found[i - 1].seq )
            at = 0;
        CHECK("seq", ch, found[i].seq, s->seq);
        CHECK("hold_gen", ch, found[i].hold_gen, s->hold_gen);
        check_record(ch, &found[i], &r->history[(s->first + at) % HISTORY]);
        at++;
    }
}

static void check_audit(unsigned int ch)
{
    const struct xen_flightrec_audit *is, *should;
    unsigned int i;

    for ( i = 0; i < XEN_FLIGHTREC_MAX_HELD; i++ )
    {
        should = &m.ring[ch].audit[i];
        is = &rig.info->audit[i][ch];
        CHECK("audit.gen", ch, is->gen, should->gen);
        CHECK("audit.slots", ch, is->slots, should->slots);
        CHECK("audit.emitted", ch, is->emitted, should->emitted);
        CHECK("audit.late", ch, is->late, should->late);
        CHECK("audit.held", ch, is->held, should->held);
        CHECK("audit.held_earlier", ch, is->held_earlier,
              should->held_earlier);
        CHECK("audit.sacrificed", ch, is->sacrificed, should->sacrificed);
        CHECK("audit.overwritten", ch, is->overwritten, should->overwritten);
        CHECK("balance of the audit", ch, rig_imbalance(is), 0);
    }
}

static void check(void)
{
    unsigned int ch;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        struct xen_flightrec_op_cpu c = { 0 };

        check_records(ch);
        check_audit(ch);
        fr_cpu_counters(rig.cpu, ch, &c);
        CHECK("emitted", ch, c.emitted, m.ring[ch].emitted);
        CHECK("overwritten", ch, c.overwritten, m.ring[ch].overwritten);
        CHECK("newest_seq", ch, c.newest_seq, m.ring[ch].seq);
    }
}

static void begin_round(void)
{
    uint32_t released;

    form.slots = 4 + rnd(MAX_SLOTS - 3);
    form.slot_bytes = 8 * (24 + rnd(150));
    form.spares = 2 + rnd(form.slots - 2);
    rig_open(&rig, &form);
    fr_events(ids);
    rig_tick = 0;

    memset(&m, 0, sizeof(m));
    m.ring[0].open = m.ring[1].open = -1;
    fr_generations(&m.gen, &released);
    m.adopted_gen = m.gen;
}

static void step(void)
{
    uint32_t what = rnd(200);

    rig_tsc += rnd(100);
    if ( what < 3 )
        do_freeze();
    else if ( what < 8 )
        do_release();
    else if ( what < 9 )
        do_ack();
    else if ( what < 11 )
        do_adopt();
    else if ( what < 14 )
        do_clock();
    else if ( what < 15 )
        do_resume();
    else
        do_record();
}

int main(void)
{
    const char *s = getenv("PROP_SEED"), *n = getenv("PROP_OPS");
    uint64_t ops = n ? strtoull(n, NULL, 0) : DEFAULT_OPS;

    seed = s ? strtoull(s, NULL, 0) : (uint64_t)time(NULL);
    rnd_state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
    printf("1..1\n# seed %llu, %llu operations\n", (unsigned long long)seed,
           (unsigned long long)ops);

    for ( op = 0; op < ops; op++ )
    {
        if ( !(op % OPS_A_ROUND) )
        {
            if ( op )
                rig_close(&rig);
            begin_round();
        }
        step();
        if ( !(op % OPS_A_CHECK) )
            check();
    }
    check();
    rig_close(&rig);

    printf("ok 1 - random operations against a model\n");
    return 0;
}
