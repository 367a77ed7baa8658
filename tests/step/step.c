/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * step.c: explore all interruptions of the core's writers, at all points.
 *
 * It includes the real ring.c, on a platform whose every primitive ends in a
 * scheduling point.  At a point an action may be injected: a nested writer (as
 * an IRQ, NMI or #MC; it runs to its end and has points of its own), or the
 * controller on another pCPU, which freezes, releases, acknowledges or reads.
 * All combinations of up to `budget` injections are run, depth first.  A
 * schedule is a list of choices, run from the scenario's start; the next one
 * differs in the last choice that has another value left.  Random schedules
 * with many injections follow.
 *
 * The opposite nesting, a controller's operation that is overtaken by writers,
 * is covered by scenarios whose main line is the controller's: the nested
 * writers then act as the other pCPU.
 *
 * The checks report ring.h's invariants by number.
 *
 * STEP_DEPTH=N   injections per schedule (default 2; 3 takes an hour)
 * STEP_RANDOM=N  random schedules (default 300000); STEP_SEED=N replays
 * STEP_FIRST=1   end with the first scenario that fails
 */

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include STEP_RING

#include "lib/format/packet.h"

#define SLOTS_MAX    8
#define SLOT_BYTES   (128 + 16 * 4) /* five records of three words */
#define SLOT_RECORDS 5
#define RECORDS_MAX  4096
#define NEST_MAX     4
#define CHOICES_MAX  20000

#define EV_BUSY      0x00021001U
#define EV_BOTH      0x0001f101U

enum action {
    A_NONE,
    A_RECORD,   /* nested writer */
    A_BOTH,     /* ... into both rings */
    A_BURST,    /* ... more records than fit a slot */
    A_LAP,      /* ... one whole lap: only the tag of pos differs after it */
    A_ADOPT,    /* nested attempt to adopt */
    A_FREEZE,   /* controller */
    A_RELEASE,
    A_ACK,
    A_LOOK,     /* if quiescent, check and copy the held slots */
    A_GAP,      /* the clock: more than a window forward */
    A_BACK,     /* ... backward */
    A_FOUR,     /* four generations on, and a nested writer that adopts */
    A_STOP,
    ACTIONS
};

static const char *const action_name[ACTIONS] = {
    "none", "record", "both", "burst", "lap", "adopt", "freeze", "release",
    "ack", "look", "gap", "back", "four",
    "stop"
};

#define BIT(a) (1U << (a))
#define NESTING (BIT(A_RECORD) | BIT(A_BOTH) | BIT(A_BURST) | BIT(A_LAP) | \
                 BIT(A_ADOPT) | BIT(A_FOUR))

struct scenario {
    const char *name;
    unsigned int slots, spares;
    void (*setup)(void);
    void (*run)(void);
    uint32_t actions;
    unsigned int nest;       /* nesting depth of writers */
    unsigned int freezes;    /* limit of injected freezes */
    unsigned int more;       /* injections beyond STEP_DEPTH */
};

/* The history of one record. */
struct known {
    uint32_t start_gen;      /* newest generation at the call */
    uint32_t words;
    uint64_t tsc[FR_CHANNELS];
    uint64_t order[FR_CHANNELS]; /* of the reservations; 0: not written */
    uint8_t slot[FR_CHANNELS];
    uint16_t off[FR_CHANNELS];
    uint16_t need[FR_CHANNELS];
};

struct held_copy {
    uint32_t gen;            /* 0: no copy */
    uint32_t used;
    uint8_t data[SLOT_BYTES];
};

/* The state that a schedule changes, in addition to ring.c's own statics. */
static struct world {
    struct fr_cpu cpu;
    struct xen_flightrec_cpu info;
    uint32_t data[FR_CHANNELS][SLOTS_MAX][SLOT_BYTES / 4];
    struct held_copy copy[FR_CHANNELS][SLOTS_MAX];
    uint64_t clock;
    uint64_t emitted[FR_CHANNELS], order[FR_CHANNELS];
    uint64_t reserved[FR_CHANNELS];
    uint32_t pending[FR_CHANNELS][SLOTS_MAX]; /* reserved, not committed */
    uint32_t nr;             /* records so far: the next serial */
    uint32_t adopted_gen;
} W, W0;
static uint64_t G0;
static struct xen_flightrec_trigger trigger0[FR_HELD];
static struct known known[RECORDS_MAX];

/* The schedule. */
static struct choice {
    uint8_t value, max;
    uint8_t action[ACTIONS];
} choice[CHOICES_MAX];
static unsigned int nr_choices, fixed_choices;

static const struct scenario *sc;
static bool on;              /* injecting */
static unsigned int used_budget, budget, freezes, depth;
static uint32_t serial_at[NEST_MAX + 2];
static uint64_t clock_at[NEST_MAX + 2];
static uint64_t points, schedules;
static uint64_t rnd_state;   /* not 0: random choices */
static uint64_t seed;
static jmp_buf violated;
static const char *violation;

struct fr_cpu *step_cpu = &W.cpu;

void step_violated(const char *what)
{
    violation = what;
    longjmp(violated, 1);
}

#define REQUIRE(cond, what) do {                                              \
    if ( unlikely(!(cond)) )                                                  \
        step_violated(what);                                                  \
} while ( 0 )

uint64_t step_clock(void)
{
    W.clock += 16;
    clock_at[depth] = W.clock;
    return W.clock;
}

/* --------------------------------------------------- effects of primitives -- */

static int ring_of_pos(const void *p)
{
    return p == &W.cpu.ring[0].pos ? 0 : p == &W.cpu.ring[1].pos ? 1 : -1;
}

static unsigned int pos_slot(uint64_t pos)
{
    return (pos >> FR_SLOT_SHIFT) & FR_SLOT_MASK;
}

static unsigned int pos_off(uint64_t pos)
{
    return pos & FR_OFF_MASK;
}

static bool is_closed(uint64_t pos)
{
    return pos_off(pos) == FR_OFF_MASK;
}

/* A slot is opened. */
static void note_open(unsigned int ch, uint64_t pos)
{
    const struct fr_ring *r = &W.cpu.ring[ch];
    unsigned int i = pos_slot(pos);
    const struct xen_flightrec_packet *hdr =
        (const struct xen_flightrec_packet *)W.data[ch][i];

    REQUIRE(!W.pending[ch][i], "I3: opened with an open write in it");
    REQUIRE(!r->slot[i].hold_gen, "I1: opened while held");
    REQUIRE(pos_off(pos) == FR_HEADER_BYTES, "I4: opened at a wrong offset");
    REQUIRE(hdr->seq == r->seq && r->slot[i].seq == r->seq,
            "I5: opened without its sequence number");
    REQUIRE(!hdr->used_bytes && !hdr->hold_gen && hdr->slot == i &&
            r->slot[i].committed == FR_HEADER_BYTES &&
            r->base == hdr->begin_tsc,
            "I4: opened before its header was whole");
}

/* The pCPU adopted a change: it must hold the newest slots. */
static void note_adopted(uint64_t g)
{
    bool holds = g_held(g) && g_gen(g) != W.adopted_gen;
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        const struct fr_ring *r = &W.cpu.ring[ch];
        uint64_t newest_kept = 0, oldest_held = ~0ULL;
        unsigned int kept = 0;

        REQUIRE(is_closed(r->pos), "I1: adopted with an open slot");
        for ( i = 0; i < r->slots; i++ )
        {
            const struct fr_slot *s = &r->slot[i];

            REQUIRE(!s->hold_gen || g_holds(g, s->hold_gen),
                    "I1: held for a generation that is released");
            kept += !s->hold_gen;
            if ( !s->hold_gen && s->seq > newest_kept )
                newest_kept = s->seq;
            if ( s->hold_gen == g_gen(g) && s->seq < oldest_held )
                oldest_held = s->seq;
        }
        REQUIRE(kept >= 2, "I1: fewer than two writable slots");
        REQUIRE(!holds || oldest_held > newest_kept,
                "I5: kept a slot newer than a held one");
    }

    W.adopted_gen = g_gen(g);
}

void step_wrote(const void *p, uint64_t val)
{
    int ch = ring_of_pos(p);

    if ( ch >= 0 && !is_closed(val) )
        note_open(ch, val);
    else if ( p == &W.cpu.agen )
        note_adopted(val);
}

/* A reservation, unless it is a close. */
void step_swapped(const void *p, uint64_t old, uint64_t val)
{
    int ch = ring_of_pos(p);
    unsigned int i = pos_slot(old);
    struct known *k = &known[serial_at[depth]];

    if ( ch < 0 || is_closed(val) )
        return;
    REQUIRE(!is_closed(old) && pos_slot(val) == i, "I4: reserved out of place");
    REQUIRE(!W.cpu.ring[ch].slot[i].hold_gen, "I2: reserved in a held slot");
    REQUIRE(pos_off(val) <= SLOT_BYTES, "I4: straddles a slot");
    REQUIRE(!k->order[ch], "I4: reserved twice");
    W.pending[ch][i]++;
    W.reserved[ch]++;
    k->order[ch] = ++W.order[ch];
    k->tsc[ch] = clock_at[depth];
    k->slot[ch] = i;
    k->off[ch] = pos_off(old);
    k->need[ch] = pos_off(val) - pos_off(old);
}

/* A commit: the record must be complete. */
void step_added(const void *p, uint64_t add)
{
    uint32_t serial = serial_at[depth];
    struct known *k = &known[serial];
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        const uint32_t *end;

        for ( i = 0; i < sc->slots; i++ )
            if ( p == &W.cpu.ring[ch].slot[i].committed )
                break;
        if ( i == sc->slots )
            continue;

        REQUIRE(k->order[ch] && k->slot[ch] == i && W.pending[ch][i],
                "I4: committed without a reservation");
        REQUIRE(add == FR_NREC_ONE + k->need[ch],
                "I3: committed another size than reserved");
        end = &W.data[ch][i][(k->off[ch] + k->need[ch]) / 4];
        REQUIRE(end[-2] == serial && end[-1] == ~serial,
                "I4: committed before the payload was there");
        W.pending[ch][i]--;
    }
}

/* --------------------------------------------------------------- checks -- */

static uint32_t newest_gen(void)
{
    return fr_g == FR_G_STOP ? g_gen(W.cpu.agen) : g_gen(fr_g);
}

/* Outside of the slow path every slot must be in exactly one place. */
static void check_slots(void)
{
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        const struct fr_ring *r = &W.cpu.ring[ch];
        uint32_t seen = 0, all = (1U << r->slots) - 1;

        if ( !is_closed(r->pos) )
            seen |= 1U << pos_slot(r->pos);
        for ( i = 0; i < r->nfifo; i++ )
        {
            REQUIRE(!(seen & 1U << r->fifo[i]), "I1: a slot in two places");
            seen |= 1U << r->fifo[i];
            REQUIRE(!i || r->slot[r->fifo[i - 1]].seq <=
                          r->slot[r->fifo[i]].seq, "I5: fifo out of order");
        }
        for ( i = 0; i < r->slots; i++ )
        {
            if ( !r->slot[i].hold_gen )
                continue;
            REQUIRE(!(seen & 1U << i), "I1: a held slot is writable");
            seen |= 1U << i;
        }
        REQUIRE(seen == all, "I1: a slot is in no place");
    }
}

/* The slots that are or were held still match their copies. */
static void check_copies(void)
{
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < sc->slots; i++ )
        {
            struct held_copy *c = &W.copy[ch][i];

            if ( c->gen && memcmp(c->data, W.data[ch][i], c->used) )
                step_violated("I2: a held slot was written to");
        }
}

/* Forget the copies of generations that may be released from here on. */
static void drop_copies(void)
{
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < sc->slots; i++ )
            if ( fr_g == FR_G_STOP || !g_holds(fr_g, W.copy[ch][i].gen) )
                W.copy[ch][i].gen = 0;
}

static void check_record(unsigned int ch, unsigned int slot,
                         const struct packet_record *rec, uint64_t *order)
{
    const struct fr_slot *s = &W.cpu.ring[ch].slot[slot];
    uint32_t serial = rec->data[0];
    const struct known *k;

    REQUIRE(rec->words == 2 && rec->data[1] == ~serial && serial < W.nr,
            "I4: torn record");
    k = &known[serial];
    REQUIRE(k->order[ch] > *order, "I5: records out of order");
    *order = k->order[ch];
    REQUIRE(k->slot[ch] == slot, "I4: record in another slot");
    REQUIRE(rec->tsc >> fr_shift == k->tsc[ch] >> fr_shift,
            "I6: the stamp cannot be extended");
    REQUIRE(!s->hold_gen || k->start_gen < s->hold_gen,
            "I9: a record from after the freeze is held");
}

/* Check a committed slot as a reader sees it. */
static uint32_t check_packet(unsigned int ch, unsigned int slot,
                             uint64_t *order)
{
    struct xen_flightrec_packet *hdr =
        (struct xen_flightrec_packet *)W.data[ch][slot];
    const struct fr_ring *r = &W.cpu.ring[ch];
    struct packet p;
    struct packet_iter it;
    struct packet_record rec;
    uint32_t count = 0;
    int rc;

    REQUIRE(!packet_parse(hdr, SLOT_BYTES, &p), "I4: bad packet header");
    REQUIRE(p.hdr.seq == r->slot[slot].seq, "I5: another packet");
    REQUIRE(p.hdr.hold_gen == r->slot[slot].hold_gen, "hold_gen not shown");
    packet_iter_init(&it, &p);
    while ( (rc = packet_next(&it, &rec)) > 0 )
    {
        check_record(ch, slot, &rec, order);
        count++;
    }
    REQUIRE(!rc && count == p.hdr.records, "I4: not whole records");

    return count;
}

static void copy_held(unsigned int ch, unsigned int slot)
{
    const struct xen_flightrec_packet *hdr =
        (const struct xen_flightrec_packet *)W.data[ch][slot];
    struct held_copy *c = &W.copy[ch][slot];
    uint64_t order = 0;

    if ( c->gen )
        return;
    check_packet(ch, slot, &order);
    c->gen = hdr->hold_gen;
    c->used = hdr->used_bytes;
    memcpy(c->data, hdr, c->used);
}

/* If the core reports gen as quiescent, check that it is. */
static void do_look(void)
{
    uint32_t gen = newest_gen();
    unsigned int ch, i;

    if ( fr_g == FR_G_STOP || !g_held(fr_g) || !fr_quiescent(&W.cpu, gen) )
        return;
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < sc->slots; i++ )
            if ( W.cpu.ring[ch].slot[i].hold_gen == gen )
            {
                REQUIRE(!W.pending[ch][i], "P2: quiescent with an open write");
                copy_held(ch, i);
            }
    /* A change during this check is left to the next one. */
    drop_copies();
}

static uint64_t lost_sum(const struct fr_ring *r)
{
    uint64_t sum = 0;
    unsigned int i;

    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        sum += r->lost[i] & FR_COUNT_MASK;

    return sum;
}

static void check_audit(unsigned int ch, unsigned int i)
{
    const struct xen_flightrec_audit *a = &W.info.audit[i][ch];
    const struct fr_audit *own = &W.cpu.audit[i][ch];
    struct xen_flightrec_audit copy = own->pub;
    int64_t left = a->emitted - a->late;
    unsigned int j;

    copy.late = (int64_t)(own->late << 24) >> 24;
    REQUIRE(!memcmp(a, &copy, sizeof(*a)),
            "I7: Dom0's copy of an audit differs");
    if ( !a->gen )
        return;
    left -= a->held + a->held_earlier + a->sacrificed + a->overwritten;
    for ( j = 0; j < XEN_FLIGHTREC_LOST_CAUSES; j++ )
        left -= a->lost[j];
    REQUIRE(!left, "I7: an audit does not balance");
}

static void check_ring(unsigned int ch)
{
    struct fr_ring *r = &W.cpu.ring[ch];
    struct xen_flightrec_packet *hdr;
    uint64_t found = 0, seq = 0, order = 0, held[FR_HELD] = { 0 };
    unsigned int n, i, best = 0;

    /* In order of sequence, so that the order of records can be checked. */
    for ( n = 0; n < r->slots; n++ )
    {
        uint64_t next = ~0ULL;
        bool open;

        for ( i = 0; i < r->slots; i++ )
            if ( r->slot[i].seq > seq && r->slot[i].seq < next )
            {
                next = r->slot[i].seq;
                best = i;
            }
        if ( next == ~0ULL )
            break;
        seq = next;

        open = !is_closed(r->pos) && pos_slot(r->pos) == best;
        hdr = (struct xen_flightrec_packet *)W.data[ch][best];
        REQUIRE(open == !hdr->used_bytes, "I1: another slot is open");
        if ( open )
        {
            hdr->used_bytes = pos_off(r->pos);
            hdr->records = (r->pos >> FR_NREC_SHIFT) & FR_NREC_MASK;
        }
        else
            REQUIRE(r->slot[best].committed == r->slot[best].used,
                    "I3: all writers completed, a slot is not committed");
        i = check_packet(ch, best, &order);
        found += i;
        if ( r->slot[best].hold_gen )
            held[r->slot[best].hold_gen % FR_HELD] += i;
        if ( open )
            hdr->used_bytes = hdr->records = 0;
    }

    REQUIRE(r->emitted_before + (r->emitted & FR_COUNT_MASK) == W.emitted[ch],
            "I7: emitted is wrong");
    REQUIRE(W.emitted[ch] - W.reserved[ch] == lost_sum(r),
            "I7: the lost counts are wrong");
    REQUIRE(W.reserved[ch] == found + r->overwritten,
            "I7: records vanished without being counted");

    for ( i = 0; i < FR_HELD; i++ )
    {
        const struct xen_flightrec_audit *a = &W.info.audit[i][ch];

        check_audit(ch, i);
        if ( a->gen && W.cpu.agen == fr_g && g_holds(fr_g, a->gen) )
            REQUIRE(a->held == held[i], "I7: the held count is wrong");
    }
}

/* All writers have completed. */
static void check_all(void)
{
    unsigned int ch, i;

    REQUIRE(!W.cpu.busy, "busy left set");
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        for ( i = 0; i < sc->slots; i++ )
            REQUIRE(!W.pending[ch][i], "I3: reserved and never committed");
    check_slots();
    check_copies();
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        check_ring(ch);
    if ( fr_g != FR_G_STOP && g_held(fr_g) && same_epoch(fr_g, W.cpu.agen) )
        REQUIRE(fr_quiescent(&W.cpu, newest_gen()),
                "P2: all writers completed, but not quiescent");
}

/* ----------------------------------------------------------- operations -- */

/*
 * A loss must have a cause: the slow path is busy below this writer, each
 * writable slot has an open write, or Xen has panicked.
 */
static void check_loss(unsigned int ch, bool was_busy, uint64_t g)
{
    const struct fr_ring *r = &W.cpu.ring[ch];
    unsigned int i;

    /* After a change the slots that were writable are not known. */
    if ( was_busy || fr_g == FR_G_STOP || !same_epoch(fr_g, g) ||
         !same_epoch(W.cpu.agen, g) )
        return;
    REQUIRE(depth, "I8: lost a record without an interrupted writer");
    for ( i = 0; i < r->slots; i++ )
        REQUIRE(r->slot[i].hold_gen || W.pending[ch][i],
                "I8: lost a record with a writable slot");
}

static void do_record(uint32_t event)
{
    uint32_t serial = W.nr, data[2] = { serial, ~serial };
    unsigned int chs = event == EV_BOTH ? 2 : 1, ch;
    bool was_busy = W.cpu.busy;
    uint64_t g = W.cpu.agen;

    REQUIRE(W.nr < RECORDS_MAX, "the checker is out of records");
    W.nr++;
    known[serial] = (struct known){ .start_gen = newest_gen() };
    serial_at[depth] = serial;
    for ( ch = 0; ch < chs; ch++ )
        W.emitted[ch]++;

    fr_trace(event, data, sizeof(data));

    for ( ch = 0; ch < chs; ch++ )
        if ( !known[serial].order[ch] )
            check_loss(ch, was_busy, g);
    if ( !W.cpu.busy )
        check_slots();
}

static void do_records(uint32_t event, unsigned int n)
{
    while ( n-- )
        do_record(event);
}

static void do_freeze(void)
{
    struct xen_flightrec_trigger t = { .cause = 1 };
    bool gave_up;
    uint32_t gen = newest_gen();

    check_copies();
    if ( !fr_freeze(&t, &gave_up) )
        REQUIRE(t.gen == gen + 1, "freeze: another generation");
    drop_copies();
}

static void do_release(void)
{
    uint32_t gen, released;

    fr_generations(&gen, &released);
    check_copies();
    fr_release(released + 1);
    drop_copies();
}

static void do_ack(void)
{
    uint32_t gen, released;

    fr_generations(&gen, &released);
    fr_ack(released + 1);
}

/* An injected controller operation counts as one step. */
static void do_remote(void (*op)(void))
{
    uint64_t clock = clock_at[depth];
    bool was = on;

    on = false;
    op();
    on = was;
    /* The controller's clock value is not the writer's stamp. */
    clock_at[depth] = clock;
}

static void do_four(void)
{
    unsigned int i;

    for ( i = 0; i < 4; i++ )
    {
        if ( g_held(fr_g) > 1 )
            do_release();
        do_freeze();
    }
}

static void do_nested(enum action a)
{
    if ( a == A_FOUR )
        do_remote(do_four);
    depth++;
    if ( a == A_RECORD || a == A_FOUR )
        do_record(EV_BUSY);
    else if ( a == A_BOTH )
        do_record(EV_BOTH);
    else if ( a == A_BURST )
        do_records(EV_BUSY, SLOT_RECORDS + 1);
    else if ( a == A_LAP )
        do_records(EV_BUSY, SLOT_RECORDS * sc->slots);
    else
        fr_adopt(&W.cpu);
    depth--;
}

static void do_action(enum action a)
{
    if ( BIT(a) & NESTING )
        do_nested(a);
    else if ( a == A_FREEZE )
        do_remote(do_freeze);
    else if ( a == A_RELEASE )
        do_remote(do_release);
    else if ( a == A_ACK )
        do_remote(do_ack);
    else if ( a == A_LOOK )
        do_remote(do_look);
    else if ( a == A_GAP )
        W.clock += 3ULL << (XEN_FLIGHTREC_TIME_BITS + fr_shift - 1);
    else if ( a == A_BACK )
        W.clock -= 1ULL << (XEN_FLIGHTREC_TIME_BITS + fr_shift - 3);
    else
        fr_stop();
}

/* ------------------------------------------------------------- schedule -- */

static bool possible(enum action a)
{
    if ( !(sc->actions & BIT(a)) || fr_g == FR_G_STOP )
        return false;
    if ( BIT(a) & NESTING )
        return depth < sc->nest;
    if ( a == A_FREEZE )
        return freezes < sc->freezes;
    if ( a == A_RELEASE || a == A_ACK || a == A_LOOK )
        return g_held(fr_g);

    return true;
}

static uint32_t rnd(uint32_t below)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 7;
    rnd_state ^= rnd_state << 17;
    return (rnd_state * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static struct choice *next_choice(void)
{
    struct choice *c = &choice[nr_choices];
    enum action a;

    if ( nr_choices == CHOICES_MAX )
        step_violated("I8: a schedule does not end");
    c->max = 0;
    for ( a = A_RECORD; a < ACTIONS; a++ )
        if ( possible(a) )
            c->action[++c->max] = a;
    if ( !c->max )
        return NULL;

    if ( rnd_state )
        c->value = rnd(40) ? 0 : 1 + rnd(c->max);
    else if ( nr_choices >= fixed_choices )
        c->value = 0;
    nr_choices++;
    return c;
}

void step_point(void)
{
    const struct choice *c;
    enum action a;
    uint32_t serial;

    points++;
    if ( !on || used_budget == budget )
        return;
    c = next_choice();
    if ( !c || !c->value )
        return;

    a = c->action[c->value];
    used_budget++;
    freezes += a == A_FREEZE;
    serial = serial_at[depth];
    do_action(a);
    serial_at[depth] = serial;
}

/* Go to the next schedule, depth first.  Return false after the last. */
static bool next_schedule(void)
{
    while ( nr_choices )
    {
        struct choice *c = &choice[nr_choices - 1];

        if ( c->value < c->max )
        {
            c->value++;
            fixed_choices = nr_choices;
            return true;
        }
        nr_choices--;
    }

    return false;
}

static uint32_t *slot_memory(void *arg, unsigned int ch, unsigned int i)
{
    return W.data[ch][i];
}

static void begin_scenario(const struct scenario *s)
{
    struct fr_geometry geo[FR_CHANNELS];
    unsigned int ch;

    sc = s;
    on = false;
    depth = 0;
    memset(&W, 0, sizeof(W));
    W.clock = 1ULL << 40;
    fr_g = 0;
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        geo[ch] = (struct fr_geometry){ .slot_bytes = SLOT_BYTES,
            .slots = s->slots, .spares = s->spares, .first_frame = 1 };
    fr_cpu_init(&W.cpu, 0, 1, geo, &W.info, slot_memory, NULL);
    s->setup();
    check_all();

    memcpy(&W0, &W, sizeof(W));
    G0 = fr_g;
    memcpy(trigger0, fr_trigger, sizeof(trigger0));
}

static void run_schedule(void)
{
    memcpy(&W, &W0, sizeof(W));
    fr_g = G0;
    memcpy(fr_trigger, trigger0, sizeof(trigger0));
    nr_choices = used_budget = freezes = depth = 0;
    schedules++;

    on = true;
    sc->run();
    on = false;

    check_all();
    /* The pending adoption must give a correct result as well. */
    REQUIRE(fr_adopt(&W.cpu), "adopt refused outside of the slow path");
    do_look();
    check_all();
}

static void print_schedule(void)
{
    unsigned int i;

    printf("# %s: %s\n# schedule (point:action)", sc->name, violation);
    for ( i = 0; i < nr_choices && i < CHOICES_MAX; i++ )
        if ( choice[i].value )
            printf(" %u:%s", i, action_name[choice[i].action[choice[i].value]]);
    printf("\n");
}

static bool report(unsigned int nr, const struct scenario *s, bool good,
                   const char *how)
{
    if ( !good )
        print_schedule();
    printf("%sok %u - %s (%s): %llu schedules, %llu points\n",
           good ? "" : "not ", nr, s->name, how, (unsigned long long)schedules,
           (unsigned long long)points);
    fflush(stdout);
    return good;
}

static bool explore(unsigned int nr, const struct scenario *s,
                    unsigned int deep)
{
    char how[48];

    points = schedules = 0;
    budget = deep + s->more;
    snprintf(how, sizeof(how), "all with %u injections", budget);
    rnd_state = 0;
    fixed_choices = nr_choices = 0;
    if ( setjmp(violated) )
        return report(nr, s, false, how);

    begin_scenario(s);
    do {
        run_schedule();
    } while ( next_schedule() );

    return report(nr, s, true, how);
}

static bool wander(unsigned int nr, const struct scenario *s, uint64_t n)
{
    points = schedules = 0;
    budget = 50;
    if ( setjmp(violated) )
        return report(nr, s, false, "random");

    rnd_state = 0;
    begin_scenario(s);
    rnd_state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
    while ( schedules < n )
        run_schedule();
    rnd_state = 0;

    return report(nr, s, true, "random");
}

/* ------------------------------------------------------------ scenarios -- */

static void setup_few(void)
{
    do_records(EV_BOTH, 2);
}

/* Two laps, and room for one more record in the open slot. */
static void setup_full(void)
{
    do_records(EV_BOTH, SLOT_RECORDS * sc->slots * 2 - 1);
}

static void setup_pending(void)
{
    setup_full();
    do_freeze();
}

static void setup_held(void)
{
    setup_pending();
    do_records(EV_BOTH, SLOT_RECORDS * 2 - 1);
}

static void setup_three_held(void)
{
    unsigned int i;

    setup_full();
    for ( i = 0; i < 3; i++ )
    {
        do_freeze();
        do_records(EV_BOTH, SLOT_RECORDS * 2 - 1);
    }
}

static void run_one(void)
{
    do_record(EV_BUSY);
}

static void run_two(void)
{
    do_records(EV_BUSY, 2);
}

static void run_both(void)
{
    do_record(EV_BOTH);
}

static void run_gap(void)
{
    do_action(A_GAP);
    do_records(EV_BUSY, 2);
}

static void run_adopt(void)
{
    fr_adopt(&W.cpu);
    do_record(EV_BUSY);
}

/* The main line is the controller's: nested writers act as the pCPU. */
static void run_controller(void)
{
    do_freeze();
    do_look();
    on = false;
    fr_adopt(&W.cpu);
    on = true;
    do_look();
    do_release();
}

static void run_long(void)
{
    unsigned int i;

    for ( i = 0; i < 12; i++ )
        do_record(i % 4 ? EV_BUSY : EV_BOTH);
}

#define WRITERS (BIT(A_RECORD) | BIT(A_BURST) | BIT(A_LAP) | BIT(A_ADOPT))
#define CONTROL (BIT(A_FREEZE) | BIT(A_RELEASE) | BIT(A_LOOK))

/* Fast scenarios come first. */
static const struct scenario scenarios[] = {
    { "anchors", 4, 2, setup_few, run_gap,
      WRITERS | BIT(A_GAP) | BIT(A_BACK), 2, 0, 0 },
    { "panic", 4, 2, setup_full, run_two,
      BIT(A_RECORD) | BIT(A_STOP) | BIT(A_FREEZE), 2, 1, 0 },
    { "the controller is overtaken", 4, 2, setup_held, run_controller,
      BIT(A_RECORD) | BIT(A_BOTH) | BIT(A_BURST), 2, 0, 0 },
    { "held under an open write", 4, 2, setup_few, run_one,
      BIT(A_RECORD) | BIT(A_FREEZE) | BIT(A_LOOK), 2, 1, 1 },
    { "an audit's place is taken", 8, 5, setup_pending, run_one,
      BIT(A_RECORD) | BIT(A_FREEZE) | BIT(A_FOUR), 2, 1, 0 },
    { "record in a fresh ring", 4, 2, setup_few, run_two,
      WRITERS | CONTROL, 2, 2, 0 },
    { "switch to the next slot", 4, 2, setup_full, run_two,
      WRITERS | CONTROL, 2, 2, 0 },
    { "adopt a freeze", 4, 2, setup_pending, run_two,
      WRITERS | CONTROL, 2, 1, 0 },
    { "write while a generation is held", 4, 2, setup_held, run_two,
      WRITERS | CONTROL, 2, 2, 0 },
    { "both rings", 4, 2, setup_full, run_both,
      WRITERS | BIT(A_BOTH) | CONTROL, 2, 2, 0 },
    { "adopt between records", 4, 2, setup_pending, run_adopt,
      WRITERS | BIT(A_BOTH) | CONTROL, 2, 1, 0 },
    { "four generations and one that gives way", 8, 5, setup_three_held,
      run_two, WRITERS | CONTROL | BIT(A_ACK), 2, 2, 0 },
    { "nested three deep, switch", 4, 2, setup_full, run_one,
      BIT(A_RECORD) | BIT(A_FREEZE), 3, 1, 1 },
    { "nested three deep, adopt", 4, 2, setup_pending, run_one,
      BIT(A_RECORD) | BIT(A_RELEASE), 3, 0, 1 },
};

/* The clock never jumps back here: neighbours determine a stamp's age. */
static const struct scenario wandering[] = {
    { "long, one generation", 4, 2, setup_full, run_long,
      WRITERS | BIT(A_BOTH) | CONTROL, 3, 1, 0 },
    { "long, many generations", 8, 5, setup_full, run_long,
      WRITERS | BIT(A_BOTH) | CONTROL | BIT(A_ACK) | BIT(A_GAP), 4, 9, 0 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s ? strtoull(s, NULL, 0) : otherwise;
}

int main(void)
{
    uint64_t n = number("STEP_RANDOM", 300000);
    unsigned int deep = number("STEP_DEPTH", 2), i, nr = 0;
    bool good = true, first = number("STEP_FIRST", 0);

    seed = number("STEP_SEED", time(NULL));
    if ( fr_init(2600000) )
        return 1;
    printf("1..%zu\n# seed %llu\n", COUNT(scenarios) + COUNT(wandering),
           (unsigned long long)seed);

    for ( i = 0; i < COUNT(scenarios) && (good || !first); i++ )
        good &= explore(++nr, &scenarios[i], deep);
    for ( i = 0; i < COUNT(wandering) && (good || !first); i++ )
        good &= wander(++nr, &wandering[i], n / COUNT(wandering));

    return good ? 0 : 1;
}
