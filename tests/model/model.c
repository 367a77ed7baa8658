/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * model.c: check the ordering pairs P1..P7 of ring.h on two weak memory models,
 * in all orders that they allow.
 *
 * A scenario consists of two pCPUs, each with a list of accesses, and a
 * condition on the loaded values that must never hold.  Accesses that the code
 * makes conditionally are listed as unconditional, and the check has the
 * condition: a processor that predicts branches does the same.
 *
 *   tso   x86: each pCPU executes in order.  Its stores wait in a queue, from
 *         which its own loads are served, and reach memory at any time.  A
 *         locked operation waits until the queue is empty.
 *   arm   weaker than any real one: two accesses of one pCPU to different
 *         addresses occur in any order, unless an acquire, a release, a fence
 *         or a locked operation forbids it, or one needs the other's value.
 *         Memory is the same for all pCPUs (as in Armv8).
 *
 * Each scenario is run with the code as it is, and once for each barrier with
 * that barrier removed.  For each of these the table lists the models on which
 * it must fail: otherwise the model has become too weak or the barrier is not
 * needed.  Finally each primitive is searched for in the sources, so that the
 * code cannot change without the model.
 *
 * No pCPU loads a value that it stored itself: arm has no forwarding.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCPUS 2
#define OPS   12
#define ADDRS 8

/* Register of an update's result; lists are too short to load into it. */
#define RESULT (OPS - 1)

enum kind {
    LOAD,   /* reg = *addr */
    STORE,  /* *addr = val, if reg `guard` is set */
    UPDATE, /* *addr = change(*addr), reg = its result: locked, a full barrier */
    STALE,  /* *addr = change(reg): an update that is not atomic */
    RMB, WMB,
};

enum order { PLAIN, ACQUIRE, RELEASE, FULL };

struct op {
    enum kind kind;
    enum order order;
    uint8_t addr, val;
    int reg;                     /* loaded here */
    int needs;                   /* register to be loaded before; -1: none */
    uint8_t (*change)(uint8_t old, uint8_t *result);
};

struct pcpu {
    struct op op[OPS];
    unsigned int n;
};

/* Bytes only: compared and hashed as they lie. */
struct state {
    uint8_t mem[ADDRS];
    uint8_t reg[PCPUS][OPS];
    uint8_t done[PCPUS][OPS];    /* which accesses have happened */
    uint8_t queued[PCPUS];
    uint8_t queue[PCPUS][OPS][2];/* address, value; oldest first */
};

struct scenario {
    struct pcpu pcpu[PCPUS];
    struct state start;
    bool (*bad)(const struct state *s);
};

enum memory { TSO, ARM };

/* -------------------------------------------------------------- explore -- */

#define SEEN (1U << 18)

static struct {
    struct state state;
    uint32_t run;                /* the exploration that added it */
} seen[SEEN];
static uint32_t run;
static unsigned long states;

/* Add s to the states of this run.  Return true if it is new. */
static bool note(const struct state *s)
{
    const uint8_t *p = (const uint8_t *)s;
    uint64_t h = 0xcbf29ce484222325ULL;
    uint32_t i, at;

    for ( i = 0; i < sizeof(*s); i++ )
        h = (h ^ p[i]) * 0x100000001b3ULL;

    at = h >> 20;
    for ( i = 0; i < SEEN; i++ )
    {
        uint32_t k = (at + i) % SEEN;

        if ( seen[k].run != run )
        {
            seen[k].state = *s;
            seen[k].run = run;
            states++;
            return true;
        }
        if ( !memcmp(&seen[k].state, s, sizeof(*s)) )
            return false;
    }

    fprintf(stderr, "model: more states than room for them\n");
    abort();
}

static bool is_access(const struct op *o)
{
    return o->kind != RMB && o->kind != WMB;
}

static bool loads(const struct op *o)
{
    return o->kind == LOAD || o->kind == UPDATE;
}

static bool stores(const struct op *o)
{
    return o->kind == STORE || o->kind == UPDATE || o->kind == STALE;
}

/* Return true if a, earlier in its list, must precede b on arm. */
static bool ordered(const struct op *a, const struct op *b)
{
    if ( is_access(a) && is_access(b) && a->addr == b->addr )
        return true;
    if ( loads(a) && b->needs == a->reg )
        return true;
    if ( a->order == FULL || b->order == FULL || a->order == ACQUIRE ||
         b->order == RELEASE )
        return true;
    return (a->kind == RMB && loads(b)) || (b->kind == RMB && loads(a)) ||
           (a->kind == WMB && stores(b)) || (b->kind == WMB && stores(a));
}

/* Return true if access i of pCPU c may occur next. */
static bool ready(const struct scenario *sc, const struct state *s,
                  enum memory m, unsigned int c, unsigned int i)
{
    const struct op *o = &sc->pcpu[c].op[i];
    unsigned int j;

    if ( s->done[c][i] )
        return false;
    for ( j = 0; j < i; j++ )
        if ( !s->done[c][j] &&
             (m == TSO || ordered(&sc->pcpu[c].op[j], o)) )
            return false;

    return !(m == TSO && o->kind == UPDATE && s->queued[c]);
}

static uint8_t load(const struct state *s, unsigned int c, uint8_t addr)
{
    unsigned int i = s->queued[c];

    while ( i-- )
        if ( s->queue[c][i][0] == addr )
            return s->queue[c][i][1];

    return s->mem[addr];
}

static void store(struct state *s, enum memory m, unsigned int c, uint8_t addr,
                  uint8_t val)
{
    if ( m == ARM )
    {
        s->mem[addr] = val;
        return;
    }
    s->queue[c][s->queued[c]][0] = addr;
    s->queue[c][s->queued[c]][1] = val;
    s->queued[c]++;
}

/* The oldest store of pCPU c reaches memory. */
static void drain(struct state *s, unsigned int c)
{
    unsigned int n = --s->queued[c];

    s->mem[s->queue[c][0][0]] = s->queue[c][0][1];
    memmove(s->queue[c][0], s->queue[c][1], n * 2);
    memset(s->queue[c][n], 0, 2);
}

static void happen(const struct scenario *sc, struct state *s, enum memory m,
                   unsigned int c, unsigned int i)
{
    const struct op *o = &sc->pcpu[c].op[i];
    uint8_t *reg = s->reg[c], new;

    s->done[c][i] = 1;
    switch ( o->kind )
    {
    case LOAD:
        reg[o->reg] = load(s, c, o->addr);
        break;
    case STORE:
        if ( o->needs < 0 || reg[o->needs] )
            store(s, m, c, o->addr, o->val);
        break;
    case UPDATE:
        s->mem[o->addr] = o->change(s->mem[o->addr], &reg[o->reg]);
        break;
    case STALE:
        new = o->change(reg[o->needs], &reg[o->reg]);
        store(s, m, c, o->addr, new);
        break;
    case RMB:
    case WMB:
        break;
    }
}

/* Return true if any order from s on fails. */
static bool goes_wrong(const struct scenario *sc, const struct state *s,
                       enum memory m)
{
    unsigned int c, i;
    bool end = true;

    if ( !note(s) )
        return false;

    for ( c = 0; c < PCPUS; c++ )
    {
        for ( i = 0; i < sc->pcpu[c].n; i++ )
        {
            struct state next = *s;

            end &= s->done[c][i];
            if ( !ready(sc, s, m, c, i) )
                continue;
            happen(sc, &next, m, c, i);
            if ( goes_wrong(sc, &next, m) )
                return true;
        }
        if ( s->queued[c] )
        {
            struct state next = *s;

            end = false;
            drain(&next, c);
            if ( goes_wrong(sc, &next, m) )
                return true;
        }
    }

    return end && sc->bad(s);
}

/* ----------------------------------------------------------- write lists -- */

static struct op *add(struct pcpu *p, enum kind kind, enum order order,
                      uint8_t addr)
{
    struct op *o = &p->op[p->n];

    if ( p->n == RESULT )
        abort();
    *o = (struct op){ .kind = kind, .order = order, .addr = addr,
                      .reg = p->n, .needs = -1 };
    p->n++;
    return o;
}

static void add_store(struct pcpu *p, enum order order, uint8_t addr,
                      uint8_t val)
{
    add(p, STORE, order, addr)->val = val;
}

static void add_load(struct pcpu *p, enum order order, uint8_t addr, int reg)
{
    add(p, LOAD, order, addr)->reg = reg;
}

/* By fr_cmpxchg(), repeated until it succeeds; or not atomically. */
static void add_update(struct pcpu *p, bool atomic, uint8_t addr,
                       uint8_t (*change)(uint8_t old, uint8_t *result))
{
    struct op *o;
    int from;

    if ( atomic )
        o = add(p, UPDATE, FULL, addr);
    else
    {
        from = add(p, LOAD, PLAIN, addr)->reg;
        o = add(p, STALE, PLAIN, addr);
        o->needs = from;
    }

    o->reg = RESULT;
    o->change = change;
}

/* The barrier or property that is removed. */
enum fault {
    NONE,
    COMMIT_PLAIN, COMMITTED_PLAIN, COMMIT_FIRST,
    AGEN_STORE_PLAIN, AGEN_LOAD_PLAIN, AGEN_FIRST,
    NO_WMB, NO_RMB, GEN_STORE_PLAIN, GEN_LOAD_PLAIN, GEN_COPIED,
    RELEASE_PLAIN, ADOPT_PLAIN, FREEZE_SPLIT, ACK_SPLIT,
    FLAG_PLAIN,
    SEQ_STORE_PLAIN, SEQ_LOAD_PLAIN, SEQ_FIRST,
    NO_VOID_WMB, NO_COPY_RMB, CLOSE_PLAIN, AGAIN_PLAIN, VOID_LATE,
};

static enum order unless(enum order order, enum fault fault, enum fault is)
{
    return fault == is ? PLAIN : order;
}

/* --------------------------------------------------------- P1, P2: hold --- */

/*
 * pCPU 0 opens a slot whose last lap had as many records, writes a record,
 * and closes and holds the slot, nested or not.  pCPU 1 checks that it is
 * quiescent and then reads.
 */
enum { PAYLOAD, COMMITTED, USED, HOLD_GEN, HEADER, AGEN };

#define OLD_LAP 1
#define NEW     2
#define FULL_UP 3 /* committed and used, in the last lap as in this one */

/* The point in the write of the record at which the adopter runs. */
enum nest { AFTER_RESERVE, AFTER_PAYLOAD, AFTER_COMMIT, NESTS };

static void adopter(struct pcpu *p, enum fault fault)
{
    if ( fault == AGEN_FIRST )
        add_store(p, RELEASE, AGEN, NEW);
    add_store(p, PLAIN, USED, FULL_UP);
    add_store(p, PLAIN, HOLD_GEN, NEW);
    add_store(p, PLAIN, HEADER, NEW);
    if ( fault != AGEN_FIRST )
        add_store(p, unless(RELEASE, fault, AGEN_STORE_PLAIN), AGEN, NEW);
}

static void recorder(struct pcpu *p, enum nest nest, enum fault fault)
{
    enum order commit = unless(RELEASE, fault, COMMIT_PLAIN);

    add_store(p, PLAIN, COMMITTED, 0);
    if ( nest == AFTER_RESERVE )
        adopter(p, fault);
    if ( fault == COMMIT_FIRST )
        add_store(p, commit, COMMITTED, FULL_UP);
    add_store(p, PLAIN, PAYLOAD, NEW);
    if ( nest == AFTER_PAYLOAD )
        adopter(p, fault);
    if ( fault != COMMIT_FIRST )
        add_store(p, commit, COMMITTED, FULL_UP);
    if ( nest == AFTER_COMMIT )
        adopter(p, fault);
}

static bool hold_bad(const struct state *s)
{
    const uint8_t *reg = s->reg[1];

    if ( reg[AGEN] != NEW ||
         (reg[HOLD_GEN] && reg[COMMITTED] != reg[USED]) )
        return false; /* not reported as quiescent */

    return reg[HOLD_GEN] != NEW || reg[HEADER] != NEW || reg[PAYLOAD] != NEW;
}

static void make_hold(struct scenario *sc, unsigned int nest, enum fault fault)
{
    struct pcpu *reader = &sc->pcpu[1];

    recorder(&sc->pcpu[0], nest, fault);

    add_load(reader, unless(ACQUIRE, fault, AGEN_LOAD_PLAIN), AGEN, AGEN);
    add_load(reader, PLAIN, HOLD_GEN, HOLD_GEN);
    add_load(reader, unless(ACQUIRE, fault, COMMITTED_PLAIN), COMMITTED,
             COMMITTED);
    add_load(reader, PLAIN, USED, USED);
    add_load(reader, PLAIN, HEADER, HEADER);
    add_load(reader, PLAIN, PAYLOAD, PAYLOAD);

    sc->start.mem[PAYLOAD] = OLD_LAP;
    sc->start.mem[HEADER] = OLD_LAP;
    sc->start.mem[COMMITTED] = sc->start.mem[USED] = FULL_UP;
    sc->bad = hold_bad;
}

/* --------------------------------------------------------- P3: trigger ---- */

/*
 * pCPU 0 begins generation 5, whose trigger record replaces that of generation
 * 1.  pCPU 1 reads the record of one of them, which G held when it checked.
 */
enum { GEN, FIELD_A, FIELD_B, GEN_AGAIN };

#define GEN_OLD 1
#define GEN_NEW 5

static void freezer(struct pcpu *p, enum fault fault)
{
    add_store(p, PLAIN, GEN, 0);
    if ( fault != NO_WMB )
        add(p, WMB, PLAIN, 0);
    /* The copy starts with gen, as the structure does. */
    add_store(p, PLAIN, GEN, fault == GEN_COPIED ? GEN_NEW : 0);
    add_store(p, PLAIN, FIELD_A, GEN_NEW);
    add_store(p, PLAIN, FIELD_B, GEN_NEW);
    if ( fault == GEN_COPIED )
        add_store(p, PLAIN, GEN, 0);
    add_store(p, unless(RELEASE, fault, GEN_STORE_PLAIN), GEN, GEN_NEW);
}

static bool trigger_bad(const struct state *s)
{
    const uint8_t *reg = s->reg[1];
    uint8_t gen = reg[GEN];

    return gen && reg[GEN_AGAIN] == gen &&
           (reg[FIELD_A] != gen || reg[FIELD_B] != gen);
}

static void make_trigger(struct scenario *sc, unsigned int v, enum fault fault)
{
    struct pcpu *reader = &sc->pcpu[1];

    freezer(&sc->pcpu[0], fault);

    add_load(reader, unless(ACQUIRE, fault, GEN_LOAD_PLAIN), GEN, GEN);
    add_load(reader, PLAIN, FIELD_A, FIELD_A);
    add_load(reader, PLAIN, FIELD_B, FIELD_B);
    if ( fault != NO_RMB )
        add(reader, RMB, PLAIN, 0);
    add_load(reader, PLAIN, GEN, GEN_AGAIN);

    sc->start.mem[GEN] = GEN_OLD;
    sc->start.mem[FIELD_A] = sc->start.mem[FIELD_B] = GEN_OLD;
    sc->bad = trigger_bad;
}

/* --------------------------------------------------------- P4: release ---- */

/* pCPU 1 reads a held slot and releases it; pCPU 0 sees that and reuses it. */
enum { WORD_A, WORD_B, RELEASED };

static uint8_t change_release(uint8_t old, uint8_t *result)
{
    return 1;
}

static bool release_bad(const struct state *s)
{
    return s->reg[1][WORD_A] == NEW || s->reg[1][WORD_B] == NEW;
}

static void make_release(struct scenario *sc, unsigned int v, enum fault fault)
{
    struct pcpu *writer = &sc->pcpu[0], *reader = &sc->pcpu[1];
    struct op *o;

    add_load(writer, unless(ACQUIRE, fault, ADOPT_PLAIN), RELEASED, 0);
    o = add(writer, STORE, PLAIN, WORD_A);
    o->val = NEW;
    o->needs = 0;
    o = add(writer, STORE, PLAIN, WORD_B);
    o->val = NEW;
    o->needs = 0;

    add_load(reader, PLAIN, WORD_A, WORD_A);
    add_load(reader, PLAIN, WORD_B, WORD_B);
    if ( fault == RELEASE_PLAIN )
        add_store(reader, PLAIN, RELEASED, 1);
    else
        add_update(reader, true, RELEASED, change_release);

    sc->start.mem[WORD_A] = sc->start.mem[WORD_B] = OLD_LAP;
    sc->bad = release_bad;
}

/* --------------------------------------------------------------- P5: G ---- */

/*
 * All four generations are held.  pCPU 0 begins the next, for which the oldest
 * is given up unless it is acknowledged; pCPU 1 acknowledges it.  Both must not
 * succeed.
 */
#define G_HELD_OLDEST 1
#define G_ACKED       2
#define G_NEXT        4

static uint8_t change_freeze(uint8_t old, uint8_t *result)
{
    *result = !(old & G_ACKED);
    return *result ? (old & ~G_HELD_OLDEST) | G_NEXT : old;
}

static uint8_t change_ack(uint8_t old, uint8_t *result)
{
    *result = !!(old & G_HELD_OLDEST);
    return *result ? old | G_ACKED : old;
}

static bool g_bad(const struct state *s)
{
    return s->reg[0][RESULT] && s->reg[1][RESULT];
}

static void make_g(struct scenario *sc, unsigned int v, enum fault fault)
{
    add_update(&sc->pcpu[0], fault != FREEZE_SPLIT, 0, change_freeze);
    add_update(&sc->pcpu[1], fault != ACK_SPLIT, 0, change_ack);

    sc->start.mem[0] = G_HELD_OLDEST;
    sc->bad = g_bad;
}

/* ------------------------------------------------------------ P6: done ---- */

/*
 * pCPU 0 opens a slot for packet 2, writes two records, closes it, nested in
 * the second one or not, and opens packet 3 elsewhere.  The slot's last lap had
 * one record.  pCPU 1 gets the position of complete packets, and then reads.
 */
enum { RING_SEQ, SLOT_SEQ, DONE_COMMITTED, DONE_USED, RECORD_A, RECORD_B,
       SLOT_SEQ_AGAIN };

#define ONE_RECORD  2
#define TWO_RECORDS 3

static void close_and_open(struct pcpu *p, enum fault fault)
{
    enum order order = unless(RELEASE, fault, SEQ_STORE_PLAIN);

    if ( fault == SEQ_FIRST )
        add_store(p, order, RING_SEQ, 3);
    add_store(p, PLAIN, DONE_USED, TWO_RECORDS);
    if ( fault != SEQ_FIRST )
        add_store(p, order, RING_SEQ, 3);
}

static bool done_bad(const struct state *s)
{
    const uint8_t *reg = s->reg[1];

    if ( reg[RING_SEQ] != 3 ||
         (reg[DONE_COMMITTED] != reg[DONE_USED] &&
          reg[SLOT_SEQ] == reg[SLOT_SEQ_AGAIN]) )
        return false; /* packet 2 is not reported as complete */

    return reg[RECORD_A] != NEW || reg[RECORD_B] != NEW;
}

static void make_done(struct scenario *sc, unsigned int nest, enum fault fault)
{
    struct pcpu *writer = &sc->pcpu[0], *reader = &sc->pcpu[1];

    add_store(writer, unless(RELEASE, fault, SEQ_STORE_PLAIN), RING_SEQ, 2);
    add_store(writer, PLAIN, SLOT_SEQ, 2);
    add_store(writer, PLAIN, DONE_COMMITTED, 0);
    add_store(writer, PLAIN, RECORD_A, NEW);
    add_store(writer, RELEASE, DONE_COMMITTED, ONE_RECORD);
    if ( nest == AFTER_RESERVE )
        close_and_open(writer, fault);
    add_store(writer, PLAIN, RECORD_B, NEW);
    if ( nest == AFTER_PAYLOAD )
        close_and_open(writer, fault);
    add_store(writer, RELEASE, DONE_COMMITTED, TWO_RECORDS);
    if ( nest == AFTER_COMMIT )
        close_and_open(writer, fault);

    add_load(reader, unless(ACQUIRE, fault, SEQ_LOAD_PLAIN), RING_SEQ,
             RING_SEQ);
    add_load(reader, PLAIN, SLOT_SEQ, SLOT_SEQ);
    add_load(reader, PLAIN, DONE_USED, DONE_USED);
    add_load(reader, ACQUIRE, DONE_COMMITTED, DONE_COMMITTED);
    add_load(reader, PLAIN, SLOT_SEQ, SLOT_SEQ_AGAIN);
    add_load(reader, PLAIN, RECORD_A, RECORD_A);
    add_load(reader, PLAIN, RECORD_B, RECORD_B);

    sc->start.mem[RING_SEQ] = sc->start.mem[SLOT_SEQ] = 1;
    sc->start.mem[DONE_USED] = sc->start.mem[DONE_COMMITTED] = ONE_RECORD;
    sc->start.mem[RECORD_A] = sc->start.mem[RECORD_B] = OLD_LAP;
    sc->bad = done_bad;
}

/* ------------------------------------------------------------ P7: copy ---- */

/*
 * pCPU 1 copies a slot that is not held and whose packet was complete; pCPU 0
 * opens it again, writes and closes it, nested in a record or not.  The new
 * packet has the same number of bytes as the old one.
 */
enum { BYTES, PACKET_SEQ, COPY_A, COPY_B, BYTES_AGAIN, PACKET_SEQ_AGAIN };

#define SOME_BYTES 1

static bool copy_bad(const struct state *s)
{
    const uint8_t *reg = s->reg[1];

    return reg[BYTES] && reg[BYTES_AGAIN] == reg[BYTES] &&
           reg[PACKET_SEQ_AGAIN] == OLD_LAP &&
           (reg[COPY_A] == NEW || reg[COPY_B] == NEW);
}

static void make_copy(struct scenario *sc, unsigned int nest, enum fault fault)
{
    struct pcpu *writer = &sc->pcpu[0], *reader = &sc->pcpu[1];
    enum order closing = unless(RELEASE, fault, CLOSE_PLAIN);

    if ( fault == VOID_LATE )
        add_store(writer, PLAIN, COPY_A, NEW);
    add_store(writer, PLAIN, BYTES, 0);
    if ( fault != NO_VOID_WMB )
        add(writer, WMB, PLAIN, 0);
    add_store(writer, PLAIN, PACKET_SEQ, NEW);
    if ( nest == AFTER_RESERVE )
        add_store(writer, closing, BYTES, SOME_BYTES);
    add_store(writer, PLAIN, COPY_A, NEW);
    if ( nest == AFTER_PAYLOAD )
        add_store(writer, closing, BYTES, SOME_BYTES);
    add_store(writer, PLAIN, COPY_B, NEW);
    if ( nest == AFTER_COMMIT )
        add_store(writer, closing, BYTES, SOME_BYTES);

    add_load(reader, PLAIN, PACKET_SEQ, PACKET_SEQ);
    add_load(reader, PLAIN, BYTES, BYTES);
    add_load(reader, PLAIN, COPY_A, COPY_A);
    add_load(reader, PLAIN, COPY_B, COPY_B);
    if ( fault != NO_COPY_RMB )
        add(reader, RMB, PLAIN, 0);
    add_load(reader, unless(ACQUIRE, fault, AGAIN_PLAIN), BYTES, BYTES_AGAIN);
    add_load(reader, PLAIN, PACKET_SEQ, PACKET_SEQ_AGAIN);

    sc->start.mem[BYTES] = SOME_BYTES;
    sc->start.mem[PACKET_SEQ] = OLD_LAP;
    sc->start.mem[COPY_A] = sc->start.mem[COPY_B] = OLD_LAP;
    sc->bad = copy_bad;
}

/* ---------------------------------------------------------- the queues ---- */

/*
 * The recorder never depends on a store that precedes a load of another place,
 * so no scenario above would fail if tso had no queues.  This one does: each
 * pCPU raises its flag and then loads the other's.
 */
static uint8_t change_raise(uint8_t old, uint8_t *result)
{
    return 1;
}

static bool flags_bad(const struct state *s)
{
    return !s->reg[0][0] && !s->reg[1][0];
}

static void make_flags(struct scenario *sc, unsigned int v, enum fault fault)
{
    unsigned int c;

    for ( c = 0; c < PCPUS; c++ )
    {
        if ( fault == FLAG_PLAIN )
            add_store(&sc->pcpu[c], PLAIN, c, 1);
        else
            add_update(&sc->pcpu[c], true, c, change_raise);
        add_load(&sc->pcpu[c], PLAIN, !c, 0);
    }

    sc->bad = flags_bad;
}

/* ----------------------------------------------------------------- rows --- */

struct row {
    const char *name;
    void (*make)(struct scenario *sc, unsigned int variant, enum fault fault);
    unsigned int variants;
    enum fault fault;
    bool tso, arm;               /* true: it must fail on this model */
};

static const struct row row[] = {
    { "the model: two flags by locked operations", make_flags, 1, NONE, 0, 0 },
    { "the model: two flags by plain stores", make_flags, 1, FLAG_PLAIN, 1, 1 },
    { "P1, P2 as in the code", make_hold, NESTS, NONE, 0, 0 },
    { "P1 without release of committed", make_hold, NESTS, COMMIT_PLAIN, 0, 1 },
    { "P1 without acquire of committed", make_hold, NESTS, COMMITTED_PLAIN,
      0, 1 },
    { "P1 with commit before payload", make_hold, NESTS, COMMIT_FIRST, 1, 1 },
    { "P2 without release of agen", make_hold, NESTS, AGEN_STORE_PLAIN, 0, 1 },
    { "P2 without acquire of agen", make_hold, NESTS, AGEN_LOAD_PLAIN, 0, 1 },
    { "P2 with agen before the slots", make_hold, NESTS, AGEN_FIRST, 1, 1 },
    { "P3 as in the code", make_trigger, 1, NONE, 0, 0 },
    { "P3 without fr_wmb()", make_trigger, 1, NO_WMB, 0, 1 },
    { "P3 without fr_rmb()", make_trigger, 1, NO_RMB, 0, 1 },
    { "P3 without release of gen", make_trigger, 1, GEN_STORE_PLAIN, 0, 1 },
    { "P3 without acquire of gen", make_trigger, 1, GEN_LOAD_PLAIN, 0, 1 },
    { "P3 with gen copied among the fields", make_trigger, 1, GEN_COPIED,
      1, 1 },
    { "P4 as in the code", make_release, 1, NONE, 0, 0 },
    { "P4 with release by a plain store", make_release, 1, RELEASE_PLAIN,
      0, 1 },
    /* A store waits for its branch, so fr_switch() only needs the value. */
    { "P4 without acquire of G", make_release, 1, ADOPT_PLAIN, 0, 0 },
    { "P5 as in the code", make_g, 1, NONE, 0, 0 },
    { "P5 with a freeze that is not atomic", make_g, 1, FREEZE_SPLIT, 1, 1 },
    { "P5 with an ack that is not atomic", make_g, 1, ACK_SPLIT, 1, 1 },
    { "P6 as in the code", make_done, NESTS, NONE, 0, 0 },
    { "P6 without release of seq", make_done, NESTS, SEQ_STORE_PLAIN, 0, 1 },
    { "P6 without acquire of seq", make_done, NESTS, SEQ_LOAD_PLAIN, 0, 1 },
    { "P6 with seq before the close", make_done, NESTS, SEQ_FIRST, 1, 1 },
    { "P7 as in the code", make_copy, NESTS, NONE, 0, 0 },
    { "P7 without fr_wmb()", make_copy, NESTS, NO_VOID_WMB, 0, 1 },
    { "P7 without a read barrier", make_copy, NESTS, NO_COPY_RMB, 0, 1 },
    { "P7 without release of used_bytes", make_copy, NESTS, CLOSE_PLAIN, 0, 1 },
    { "P7 without acquire of used_bytes", make_copy, NESTS, AGAIN_PLAIN, 0, 1 },
    { "P7 with a record before the slot is void", make_copy, NESTS, VOID_LATE,
      1, 1 },
};

#define RING    MODEL_CORE "/ring.c"
#define STREAM  MODEL_CORE "/stream.c"
#define FOLLOW  "lib/xen/stream.c"

/* The text of the sources on which the model depends. */
static const struct {
    const char *file, *text;
} source[] = {
    { RING, "fr_local_add(&s->committed, FR_NREC_ONE + need); /* P1 */" },
    { RING, "fr_local_add(&s->committed, FR_NREC_ONE + 4 + size); /* P1 */" },
    { RING, "fr_load_acquire(&s->committed) != fr_read(s->used) ) /* P1 */" },
    { RING, "fr_store_release(&c->agen, g); /* P2 */" },
    { RING, "fr_load_acquire(&c->agen); /* P2 */" },
    { RING, "fr_wmb(); /* P3" },
    { RING, "t->gen = 0; /* the copy" },
    { RING, "fr_store_release(&slot->gen, gen); /* P3 */" },
    { RING, "fr_load_acquire(&slot->gen) != gen ) /* P3 */" },
    { RING, "fr_rmb(); /* P3" },
    { RING, "!fr_cmpxchg(&fr_g, g, /* P4 */" },
    { RING, "!fr_cmpxchg(&fr_g, g, n)" },
    { RING, "!fr_cmpxchg(&fr_g, g, g | g_ack_bit(gen))" },
    { RING, "fr_store_release(&r->seq, r->seq + 1); /* P6" },
    { STREAM, "fr_load_acquire(&r->seq); /* P6 */" },
    { STREAM, "fr_load_acquire(&s->committed); /* P1 */" },
    { RING, "fr_wmb(); /* P7" },
    { RING, "fr_store_release(&hdr->used_bytes, bytes); /* P7" },
    { FOLLOW, "__atomic_thread_fence(__ATOMIC_ACQUIRE);" },
    { FOLLOW, "__atomic_load_n(&slot->used_bytes, __ATOMIC_ACQUIRE) == used" },
};

static bool try_row(const struct row *r, enum memory m)
{
    unsigned int v;

    for ( v = 0; v < r->variants; v++ )
    {
        struct scenario sc = {};

        r->make(&sc, v, r->fault);
        run++;
        if ( goes_wrong(&sc, &sc.start, m) )
            return true;
    }

    return false;
}

static const char *verdict(const struct row *r, bool tso, bool arm)
{
    if ( tso && arm )
        return r->fault ? "caught on tso and arm" : "wrong on tso and arm";
    if ( arm )
        return r->fault ? "caught on arm" : "wrong on arm";
    if ( tso )
        return r->fault ? "caught on tso" : "wrong on tso";
    return r->fault ? "harmless" : "enough on tso and arm";
}

static bool file_has(const char *name, const char *what)
{
    static char text[1 << 20];
    FILE *f = fopen(name, "r");
    size_t len;

    if ( !f )
        return false;
    len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = 0;
    fclose(f);
    return strstr(text, what);
}

int main(void)
{
    unsigned int i, nr = 0, failed = 0;
    const unsigned int rows = sizeof(row) / sizeof(row[0]);
    const unsigned int sources = sizeof(source) / sizeof(source[0]);

    printf("1..%u\n", rows + sources);
    for ( i = 0; i < rows; i++ )
    {
        bool tso = try_row(&row[i], TSO), arm = try_row(&row[i], ARM);
        bool ok = tso == row[i].tso && arm == row[i].arm;

        failed += !ok;
        printf("%sok %u - %s: %s\n", ok ? "" : "not ", ++nr, row[i].name,
               verdict(&row[i], tso, arm));
    }
    for ( i = 0; i < sources; i++ )
    {
        const char *file = source[i].file, *text = source[i].text;
        bool ok = file_has(file, text);

        failed += !ok;
        printf("%sok %u - %s has it: %.*s\n", ok ? "" : "not ", ++nr,
               file, (int)strcspn(text, "/"), text);
    }

    printf("# %lu states\n", states);
    return !!failed;
}
