/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rules.c: chooses the verdict and its subject from accounts and marks.
 *
 * A trigger that names a dead domain decides alone.  For a snapshot taken on
 * request the rules below are applied to the last second, then to the whole
 * recording: an operator asks about a fault that has just happened, and a death
 * half a minute ago has a snapshot of its own.  The limits are far from the
 * behaviour of a healthy machine, because a false alarm costs more than a fault
 * that the reader must find in the tables.
 *
 * Measured values are from tests/e2e/faults: a real Xen 4.17 with credit2 under
 * emulation.  Only the order and the number of events are as on hardware.
 */

#include <string.h>

#include "tools/explain/explain.h"

/*
 * A vCPU is reported as hung if it ran for at least HUNG_NS up to the end
 * without an entry into Xen.  The slowest kernel tick, 64 Hz, makes 12 entries
 * in that time.  A vCPU may run longer on purpose (no ticks, a polling loop),
 * so the line states the observation.
 */
#define HUNG_NS          200000000ULL

/*
 * A vCPU is starved if it could use a whole pCPU and gets a quarter or less.
 * It waited for STARVED_PERCENT of the stretch, for STARVED_NS in all, and
 * STARVED_TIMES as long as it ran.  Two vCPUs that share a pCPU fairly wait as
 * long as they run.  Measured ratios of waiting to running:
 *  - 4.2 to 7.3 beside a neighbour of 256 times the weight, 80 to 88 % waiting;
 *  - at most 1.6 on a healthy host where a vCPU waits half of the time, with
 *    Dom0 pinned to one busy pCPU among the cases;
 *  - once 3.4, for one of two equals, over half a second, on a machine with ten
 *    times its work.
 */
#define STARVED_PERCENT  60
#define STARVED_TIMES    3
#define STARVED_NS       100000000ULL

/* A cap parks a vCPU repeatedly: 100 times a second on hardware, 10 under
 * emulation.  Pausing a guest is different: it leaves a SCHED_SLEEP record. */
#define PARKS            3

/*
 * A hypercall storm is STORM_RATE calls in a second of running, STORM_PERCENT
 * of them with one number, by a vCPU that ran for STORM_NS.  A loop of
 * hypercalls makes 120,000 (on a machine with four times its work) to
 * 1,200,000 a second under emulation, and some millions on hardware.  A busy
 * guest makes some 10,000.
 */
#define STORM_RATE       60000
#define STORM_PERCENT    80
#define STORM_NS         20000000ULL

/*
 * An exit storm: a vCPU wants a pCPU for STORM_WANTS percent of the stretch,
 * with STORM_EXITS exits or more in a second of running.  STORM_ONE percent of
 * them are of one instruction; or it is in Xen for STORM_IN_XEN percent of the
 * time that it runs, with one reason for most exits or STORM_EXIT_RATE of them
 * in a second.  A guest that does I/O blocks instead, and one that computes
 * has exits at several addresses.
 *
 * Measured under emulation: 700 to 1,700 exits a second for a loop of cpuid or
 * of accesses to an address without memory, 98 to 99 % of them of one
 * instruction, 36 to 83 % of the time in Xen: the rest is the switch to Xen
 * and back.
 */
#define STORM_WANTS      90
#define STORM_EXITS      100
#define STORM_ONE        90
#define STORM_IN_XEN     60
#define STORM_EXIT_RATE  20000

/*
 * A vCPU spins if all its exits are Xen's own interrupts, at one address.  A
 * guest that computes has a timer interrupt of its own, whose handler exits.
 */
#define SPIN_EXITS       10

/* Marks older than this and than the accounts are unrelated to the verdict: the
 * rare channel goes back for days. */
#define RECENT_NS        10000000000ULL

static uint64_t ticks_of(const struct explain *x, uint64_t ns)
{
    return (unsigned __int128)ns * x->src->doc.tsc_khz / 1000000;
}

const char *explain_exit_name(const struct explain *x, uint64_t reason)
{
    const struct event_enum *names =
        event_enum_find(x->src->doc.dict, "hvm_exit");

    return names ? event_value_name(names, reason) : NULL;
}

bool explain_is_recent(const struct explain *x, const struct mark *m)
{
    return m->tsc >= x->acc.from ||
           x->acc.to - m->tsc <= ticks_of(x, RECENT_NS);
}

static void set_subject(struct explain *x, enum verdict verdict,
                        const struct vcpu *v)
{
    const struct account *a = v->data;

    x->verdict = verdict;
    x->domid = v->domid;
    x->vcpu = v->vcpu;
    x->has_vcpu = true;
    x->cpu = a->cpu;
}

/*
 * A death.
 */

static enum verdict verdict_of(const char *cause)
{
    static const struct {
        const char *cause;
        enum verdict verdict;
    } verdicts[] = {
        { "crash", VERDICT_CRASH }, { "xen-crash", VERDICT_XEN_CRASH },
        { "watchdog", VERDICT_WATCHDOG }, { "triple-fault", VERDICT_TRIPLE },
        { "viridian", VERDICT_VIRIDIAN },
    };

    for ( size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++ )
        if ( !strcmp(cause, verdicts[i].cause) )
            return verdicts[i].verdict;

    return VERDICT_NOTHING;
}

/*
 * Return the vCPU with the newest entry into Xen, of the domain that had the
 * number @domid at @tsc, or NULL.
 */
static const struct vcpu *newest_vcpu(const struct explain *x, uint32_t domid,
                                      uint64_t tsc)
{
    unsigned int later = lives_later(x->src->lives, domid, tsc);
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(x->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(x->acc.vcpus, i);
        const struct account *a = v->data;

        if ( v->domid == domid && v->later == later &&
             (!best ||
              a->last_entry > ((struct account *)best->data)->last_entry) )
            best = v;
    }

    return best;
}

/* Return the newest mark of the domain that had the number at @tsc, or NULL. */
static const struct mark *newest_of(const struct explain *x,
                                    enum mark_kind kind, uint32_t domid,
                                    uint64_t tsc)
{
    return marks_newest_at(&x->marks, kind, x->src->lives, domid, tsc);
}

static void death(struct explain *x)
{
    const struct doc *d = &x->src->doc;
    const struct mark *crash = newest_of(x, MARK_CRASH, d->domid, d->tsc);
    const struct vcpu *v = newest_vcpu(x, d->domid, d->tsc);

    x->verdict = verdict_of(d->cause);
    x->domid = d->domid;
    x->cite = crash ? crash : newest_of(x, MARK_SHUTDOWN, d->domid, d->tsc);
    if ( v )
        set_subject(x, x->verdict, v);
    if ( crash && crash->vcpu < UINT16_MAX )
    {
        x->vcpu = crash->vcpu;
        x->has_vcpu = true;
    }
    if ( d->vcpu >= 0 )
    {
        x->vcpu = d->vcpu;
        x->has_vcpu = true;
    }
    /* A watchdog's timer expires on any pCPU: keep the one where it ran. */
    if ( v && x->verdict == VERDICT_WATCHDOG )
        return;
    if ( x->cite )
        x->cpu = x->cite->cpu;
    if ( d->cpu >= 0 )
        x->cpu = d->cpu;
}

/* Whether a domain crashed at @from or later. */
static bool crashed_before(struct explain *x, uint64_t from)
{
    const struct mark *crash = marks_newest(&x->marks, MARK_CRASH,
                                            MERGE_NO_DOMAIN);

    if ( !crash || crash->domid == MERGE_NO_DOMAIN ||
         !explain_is_recent(x, crash) || crash->tsc < from )
        return false;

    x->verdict = VERDICT_CRASHED_BEFORE;
    x->cite = crash;
    x->domid = crash->domid;
    x->vcpu = crash->vcpu;
    x->has_vcpu = crash->vcpu < UINT16_MAX;
    x->cpu = crash->cpu;
    x->end = crash->tsc;
    return true;
}

/* Whether a domain was removed without a shutdown or crash of its own. */
static bool destroyed(struct explain *x)
{
    const struct mark *gone = marks_newest(&x->marks, MARK_REMOVE,
                                           MERGE_NO_DOMAIN);
    const struct vcpu *v;

    if ( !gone || gone->domid == MERGE_NO_DOMAIN ||
         !explain_is_recent(x, gone) ||
         newest_of(x, MARK_SHUTDOWN, gone->domid, gone->tsc) ||
         newest_of(x, MARK_CRASH, gone->domid, gone->tsc) )
        return false;

    x->verdict = VERDICT_DESTROYED;
    x->cite = gone;
    x->domid = gone->domid;
    x->cpu = gone->cpu;
    x->end = gone->tsc;
    v = newest_vcpu(x, gone->domid, gone->tsc);
    if ( v )
        set_subject(x, VERDICT_DESTROYED, v);
    return true;
}

/*
 * Running domains.
 */

/* In percent. */
static uint64_t share_of(uint64_t ticks, uint64_t all)
{
    return all ? (unsigned __int128)ticks * 100 / all : 0;
}

static uint64_t share(const struct accounts *acc, uint64_t ticks)
{
    return share_of(ticks, acc->to - acc->from);
}

/* Running at the end, or ready to. */
static bool is_running(const struct account *a)
{
    return a->changed ? a->state == RUNNING || a->state == RUNNABLE : a->seen;
}

static bool is_hung(const struct explain *x, const struct accounts *acc,
                    const struct account *a)
{
    return is_running(a) && !a->in_exit && a->quiet >= ticks_of(x, HUNG_NS);
}

/* The same in Xen: its newest exit has no VM entry. */
static bool is_stuck(const struct explain *x, const struct accounts *acc,
                     const struct account *a)
{
    return is_running(a) && a->in_exit && a->quiet >= ticks_of(x, HUNG_NS);
}

bool explain_is_parked(const struct account *a)
{
    return a->parks >= PARKS && a->ticks[OFFLINE] > a->ticks[RUNNABLE];
}

uint64_t explain_kept(const struct account *a)
{
    return a->ticks[RUNNABLE] + (explain_is_parked(a) ? a->ticks[OFFLINE] : 0);
}

static bool is_starved(const struct explain *x, const struct accounts *acc,
                       const struct account *a)
{
    uint64_t kept = explain_kept(a);

    return kept >= ticks_of(x, STARVED_NS) &&
           share(acc, kept) >= STARVED_PERCENT &&
           kept / STARVED_TIMES >= a->ticks[RUNNING];
}

/* Return the number of its most frequent hypercall, or ACCOUNT_OPS if none. */
static unsigned int top_op(const struct account *a)
{
    unsigned int best = ACCOUNT_OPS;

    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        if ( a->ops[i] && (best == ACCOUNT_OPS || a->ops[i] > a->ops[best]) )
            best = i;

    return best;
}

/* Runs, or would if it got a pCPU, for STORM_WANTS percent of the stretch. */
static bool wants_cpu(const struct explain *x, const struct accounts *acc,
                      const struct account *a)
{
    return a->ticks[RUNNING] >= ticks_of(x, STORM_NS) &&
           share(acc, a->ticks[RUNNING] + a->ticks[RUNNABLE]) >= STORM_WANTS;
}

/* Exits that are not caused by an instruction of the guest's, or that wait. */
static bool is_external(const char *reason)
{
    static const char *const names[] = {
        "INTR", "NMI", "SMI", "VINTR", "EXTERNAL_INTERRUPT", "INTR_WINDOW",
        "NMI_WINDOW", "IO_SMI", "OTHER_SMI", "PREEMPTION_TIMER", "HLT",
        "PAUSE", "MWAIT", "MWAIT_CONDITIONAL",
    };

    for ( size_t i = 0; reason && i < sizeof(names) / sizeof(names[0]); i++ )
        if ( !strcmp(reason, names[i]) )
            return true;

    return false;
}

/* Whether @percent of @nr votes are for one value. */
static bool is_most(const struct majority *m, uint64_t nr, unsigned int percent)
{
    return m->votes * 100 >= nr * percent;
}

/* Whether it has @rate exits or more in a second of running. */
static bool exits_often(const struct explain *x, const struct account *a,
                        unsigned int rate)
{
    return a->exits >= (unsigned __int128)a->ticks[RUNNING] * rate /
                       (x->src->doc.tsc_khz * 1000ULL);
}

static bool is_exit_storm(const struct explain *x, const struct accounts *acc,
                          const struct account *a)
{
    bool one = is_most(&a->reason, a->exits, 50);

    if ( !a->exits || !wants_cpu(x, acc, a) ||
         !exits_often(x, a, STORM_EXITS) ||
         (one && is_external(explain_exit_name(x, a->reason.value))) )
        return false;
    /* One instruction that faults at many addresses only touches memory. */
    if ( is_most(&a->reason, a->exits, STORM_ONE) &&
         is_most(&a->rip, a->exits, STORM_ONE) )
        return is_most(&a->gpa, a->npfs, 50);
    return share_of(a->in_xen, a->ticks[RUNNING]) >= STORM_IN_XEN &&
           (one || exits_often(x, a, STORM_EXIT_RATE));
}

static bool is_spinning(const struct explain *x, const struct accounts *acc,
                        const struct account *a)
{
    const char *reason = explain_exit_name(x, a->reason.value);

    return a->exits >= SPIN_EXITS && !a->hypercalls && wants_cpu(x, acc, a) &&
           a->reason.votes == a->exits && is_most(&a->rip, a->exits, 90) &&
           reason &&
           (!strcmp(reason, "INTR") || !strcmp(reason, "EXTERNAL_INTERRUPT"));
}

/* iret is not counted: a PV kernel needs it to return from each trap. */
static bool is_storm(const struct explain *x, const struct accounts *acc,
                     const struct account *a)
{
    const struct event_enum *names =
        event_enum_find(x->src->doc.dict, "hypercall");
    unsigned int op = top_op(a);
    const char *name = event_value_name(names, op);

    if ( op == ACCOUNT_OPS || (name && !strcmp(name, "iret")) ||
         a->ticks[RUNNING] < ticks_of(x, STORM_NS) )
        return false;

    return a->ops[op] * 100 >= a->hypercalls * STORM_PERCENT &&
           a->ops[op] >= (unsigned __int128)a->ticks[RUNNING] * STORM_RATE /
                         (x->src->doc.tsc_khz * 1000ULL);
}

static uint64_t quiet(const struct account *a)
{
    return a->quiet;
}

static uint64_t hypercalls(const struct account *a)
{
    return a->hypercalls;
}

static uint64_t in_xen(const struct account *a)
{
    return a->in_xen;
}

static uint64_t exits(const struct account *a)
{
    return a->exits;
}

/* In order of precedence.  A storm comes before starvation because it may
 * starve its neighbours, or wait for them, and is the cause in both cases. */
static const struct rule {
    enum verdict verdict;
    bool (*is)(const struct explain *, const struct accounts *,
               const struct account *);
    uint64_t (*measure)(const struct account *);
} rules[] = {
    { VERDICT_HUNG, is_hung, quiet }, { VERDICT_STORM, is_storm, hypercalls },
    { VERDICT_EXIT_STORM, is_exit_storm, in_xen },
    { VERDICT_SPINS, is_spinning, exits }, { VERDICT_STUCK, is_stuck, quiet },
    { VERDICT_STARVED, is_starved, explain_kept },
};

/* Return the vCPU that matches a rule and is worst by its measure, or NULL. */
static const struct vcpu *worst(const struct explain *x,
                                const struct accounts *acc,
                                const struct rule *r)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(acc->vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(acc->vcpus, i);
        const struct account *a = v->data, *b = best ? best->data : NULL;

        /* Dom0's hypercalls are its work.  A number that was given again has a
         * dead domain before. */
        if ( v->domid == VCPU_IDLE_DOMAIN || v->later || !r->is(x, acc, a) ||
             (r->verdict == VERDICT_STORM && v->domid == 0) )
            continue;
        if ( !b || r->measure(a) > r->measure(b) )
            best = v;
    }

    return best;
}

/*
 * If an event mask excludes all entries into Xen, no vCPU can be called hung.
 */
static bool has_entries(const struct accounts *acc)
{
    for ( unsigned int i = 0; i < vcpus_nr(acc->vcpus); i++ )
        if ( ((const struct account *)vcpus_nth(acc->vcpus, i)->data)->entries )
            return true;

    return false;
}

static bool apply_rules(struct explain *x, const struct accounts *acc)
{
    bool entries = has_entries(&x->acc);

    for ( size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++ )
    {
        const struct rule *r = &rules[i];
        enum verdict verdict = r->verdict;
        /* A hang may have begun before the stretch of @acc. */
        const struct vcpu *v = worst(x, verdict == VERDICT_HUNG ? &x->acc : acc,
                                     r);

        if ( !v || (verdict == VERDICT_HUNG && !entries) )
            continue;
        if ( verdict == VERDICT_STARVED && explain_is_parked(v->data) )
            verdict = VERDICT_CAPPED;
        set_subject(x, verdict, v);
        x->basis = acc;
        return true;
    }

    return false;
}

void explain_choose(struct explain *x)
{
    const struct doc *d = &x->src->doc;
    bool whole;

    x->verdict = VERDICT_NOTHING;
    x->domid = MERGE_NO_DOMAIN;
    x->vcpu = EVENT_NO_VCPU;
    x->end = x->acc.to;

    if ( d->domid >= 0 && verdict_of(d->cause) != VERDICT_NOTHING )
    {
        death(x);
        return;
    }
    /* The end of a truncated file lacks pCPUs, so its accounts are wrong. */
    whole = !snapshot_truncated(x->src->snap);
    if ( crashed_before(x, x->now.from) || (whole && apply_rules(x, &x->now)) ||
         crashed_before(x, 0) || (whole && apply_rules(x, &x->acc)) )
        return;
    destroyed(x);
}
