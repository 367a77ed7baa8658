/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * signal-ring.c: interrupt a record at every single instruction that the
 * compiler generated.  The processor's trap flag raises SIGTRAP after each
 * instruction of fr_trace(); at the k-th the handler acts as an NMI: it records
 * or freezes first.  k runs from 0 to the end of the call, for each situation
 * that the call can meet; in long calls in steps of STRIDE, from an offset that
 * changes with each run.
 *
 * SIGNAL_STRIDE=N SIGNAL_START=N replays a run; SIGNAL_STRIDE=1 tests every
 * instruction.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>

#include "tests/lib/rig.h"

#define MAX_RECORDS 1024
#define MAX_STEPS   200000 /* a longer call is taken as endless */
#define SHORT       300    /* calls up to this are tested one by one */
#define STRIDE      7
#define TRAP_FLAG   0x100

static const struct rig_form form = {
    .slots = 6, .slot_bytes = 256, .spares = 2 /* 32 words to write in */
};

/* A record: serial, complement, clock at the call. */
#define WORDS        4
#define SLOT_RECORDS 6

struct situation {
    const char *name;
    unsigned int before;   /* records in the ring before the call */
    bool pending;          /* a generation is not yet adopted */
    bool gap;              /* an anchor is due */
    uint32_t event;
    unsigned int words;
    bool nmi_freezes;
    unsigned int nmi_records;
};

static const struct situation situations[] = {
    { "room in the slot, a record", 3, false, false, RIG_EV_BUSY, WORDS,
      false, 1 },
    { "room in the slot, more than a slot of records", 3, false, false,
      RIG_EV_BUSY, WORDS, false, SLOT_RECORDS + 3 },
    { "room in the slot, exactly a lap", 3, false, false, RIG_EV_BUSY, WORDS,
      false, 6 * SLOT_RECORDS },
    { "room in the slot, a freeze", 39, false, false, RIG_EV_BUSY, WORDS,
      true, 1 },
    { "a full slot, a record", 36, false, false, RIG_EV_BUSY, WORDS, false, 1 },
    { "a full slot, a freeze", 36, false, false, RIG_EV_BUSY, WORDS, true, 1 },
    { "room for the other's record only", 41, false, false, RIG_EV_BUSY, 7,
      false, 1 },
    { "a freeze to adopt, a record", 41, true, false, RIG_EV_BUSY, WORDS,
      false, 1 },
    { "a freeze to adopt, another", 41, true, false, RIG_EV_BUSY, WORDS,
      true, 1 },
    { "an anchor, a record", 3, false, true, RIG_EV_BUSY, WORDS, false, 1 },
    { "both rings, a freeze", 36, false, false, RIG_EV_BOTH, WORDS, true, 1 },
    { "no id, more than a slot of records", 4, false, false, RIG_EV_OTHER,
      WORDS, false, SLOT_RECORDS + 3 },
};

#define SITUATIONS (sizeof(situations) / sizeof(situations[0]))

static struct rig rig;
static struct rig_record got[MAX_RECORDS];
static const struct situation *now;
static volatile unsigned long steps, at;
static unsigned long stride = STRIDE, start;
static volatile uint32_t serial;

static void fill(uint32_t *data)
{
    uint64_t tsc = rig_tsc;

    data[0] = serial++;
    data[1] = ~data[0];
    data[2] = tsc;
    data[3] = tsc >> 32;
}

static void record(uint32_t event)
{
    uint32_t data[WORDS];

    fill(data);
    fr_trace(event, data, sizeof(data));
}

/* The kernel clears the trap flag while the handler runs. */
static void on_trap(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    unsigned int i;

    if ( steps++ != at )
        return;
    uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    if ( now->nmi_freezes )
        rig_freeze();
    for ( i = 0; i < now->nmi_records; i++ )
        record(RIG_EV_BUSY);
}

static inline __attribute__((__always_inline__)) void trap_flag(bool on)
{
    if ( on )
        __asm__ volatile("sub $128, %%rsp; pushf; orl $0x100, (%%rsp); popf;"
                         "add $128, %%rsp" ::: "cc", "memory");
    else
        __asm__ volatile("sub $128, %%rsp; pushf; andl $~0x100, (%%rsp); popf;"
                         "add $128, %%rsp" ::: "cc", "memory");
}

static const char *check_record(const struct packet_record *rec)
{
    uint64_t asked = rec->data[2] | (uint64_t)rec->data[3] << 32;

    if ( rec->words < WORDS || rec->data[0] >= serial ||
         rec->data[1] != ~rec->data[0] )
        return "torn record";
    if ( rec->tsc < asked || rec->tsc > rig_tsc )
        return "a stamp from another time";

    return NULL;
}

static const char *check_slots(const struct fr_ring *r)
{
    unsigned int open = (r->pos >> FR_SLOT_SHIFT) & FR_SLOT_MASK, i;
    bool closed = (r->pos & FR_OFF_MASK) == FR_OFF_MASK;

    for ( i = 0; i < r->slots; i++ )
    {
        uint64_t used = i == open && !closed ? r->pos & FR_DONE_MASK
                                             : r->slot[i].used;

        if ( r->slot[i].committed != used )
            return "another size committed than used";
    }

    return NULL;
}

static const char *check_records(unsigned int ch, int n)
{
    uint8_t seen[MAX_RECORDS] = { 0 };
    const char *bad;
    int i;

    if ( n < 0 )
        return "a packet is not filled with whole records";
    for ( i = 0; i < n; i++ )
    {
        bad = check_record(&got[i].rec);
        if ( bad )
            return bad;
        /* The clock always advances; a writer reads it before it reserves. */
        if ( i && got[i].rec.tsc <= got[i - 1].rec.tsc )
            return "a stamp older than the one before it";
        if ( seen[got[i].rec.data[0]]++ )
            return "a record twice";
    }

    return NULL;
}

static const char *check_channel(unsigned int ch)
{
    struct xen_flightrec_op_cpu c = { 0 };
    int n = rig_read(&rig, ch, got, MAX_RECORDS);
    const char *bad = check_records(ch, n);
    uint64_t lost = 0;
    unsigned int i;

    if ( !bad )
        bad = check_slots(&rig.cpu->ring[ch]);
    if ( bad )
        return bad;

    fr_cpu_counters(rig.cpu, ch, &c);
    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        lost += c.lost[i];
    if ( ch == XEN_FLIGHTREC_CH_BUSY && c.emitted != serial )
        return "emitted is wrong";
    if ( c.emitted != c.overwritten + lost + n )
        return "records vanished without being counted";

    for ( i = 0; i < XEN_FLIGHTREC_MAX_HELD; i++ )
        if ( rig_imbalance(&rig.info->audit[i][ch]) )
            return "an audit does not balance";

    return NULL;
}

static const char *run_at(unsigned long k)
{
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS] = { 0 };
    const char *bad;
    unsigned int i;

    rig_open(&rig, &form);
    serial = 0;
    for ( i = 0; i < now->before; i++ )
        record(i % 2 ? RIG_EV_BUSY : RIG_EV_BOTH);
    if ( now->pending )
        rig_freeze();
    if ( now->gap )
        rig_tsc += 1000000000001ULL;

    steps = 0;
    at = k;
    fill(data);
    trap_flag(true);
    fr_trace(now->event, data, now->words * 4);
    trap_flag(false);

    bad = check_channel(XEN_FLIGHTREC_CH_BUSY);
    if ( !bad )
        bad = check_channel(XEN_FLIGHTREC_CH_RARE);
    rig_close(&rig);

    return bad;
}

static bool run(unsigned int nr)
{
    const char *bad = NULL;
    unsigned long k = 0, times = 0;

    now = &situations[nr];
    for ( ; times < MAX_STEPS; times++ )
    {
        bad = run_at(k);
        if ( bad || steps <= k )
            break;
        k = k < SHORT ? k + 1 : k == SHORT ? k + 1 + start : k + stride;
    }
    if ( times == MAX_STEPS )
        bad = "the call does not end";

    printf("%sok %u - %s: %lu interruptions, %lu instructions\n",
           bad ? "not " : "", nr + 1, now->name, times, steps);
    if ( bad )
        printf("# interrupted after instruction %lu: %s\n", k, bad);
    fflush(stdout);
    return !bad;
}

int main(void)
{
    struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
    const char *s = getenv("SIGNAL_STRIDE"), *o = getenv("SIGNAL_START");
    unsigned int i;
    bool good = true;

    if ( s && strtoul(s, NULL, 0) )
        stride = strtoul(s, NULL, 0);
    start = o ? strtoul(o, NULL, 0) : (unsigned long)time(NULL) % stride;
    printf("1..%zu\n# stride %lu, start %lu\n", SITUATIONS, stride, start);
#if defined(__SANITIZE_THREAD__)
    for ( i = 0; i < SITUATIONS; i++ )
        printf("ok %u - %s # SKIP TSan delivers signals later\n", i + 1,
               situations[i].name);
    return 0;
#endif

    if ( sigaction(SIGTRAP, &sa, NULL) )
        return 1;
    for ( i = 0; i < SITUATIONS; i++ )
        good &= run(i);

    return good ? 0 : 1;
}
