/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rules.c: chooses what a snapshot is about.
 *
 * A trigger that names a domain decides.  For a snapshot that somebody asked
 * for, the rules below are tried over the last second, then over the whole
 * recording: what has just happened is what somebody asks about, and a death of
 * half a minute ago has its own snapshot.  Each has limits far from what a
 * healthy machine does, for a false alarm costs more than a fault that the
 * reader has to find in the tables.
 *
 * What was measured is of tests/e2e/faults: real Xen 4.17 with credit2, but
 * under emulation, where all but the order and number of things is slower.
 */

#include <string.h>

#include "tools/explain/explain.h"

/*
 * Hung: ran so long, at the end, without entering Xen once.  The slowest clocks
 * of kernels (64 a second) enter it 12 times in that.  A vCPU may be left alone
 * on purpose for longer (no ticks, a loop that polls): so it is said what was
 * seen.
 */
#define HUNG_NS          200000000ULL

/*
 * Starved: kept from running for so much of the stretch, so long in all, and so
 * many times as long as it ran: it could use all of a pCPU, and gets a quarter
 * or less.  Two that share one wait as long as they run.  Measured: 4.2 to 7.3
 * times where the neighbour has the weight of 256 (80 to 88 % of the time), and
 * at most 1.6 times of who waits half of the time on a host that is well, Dom0
 * pinned to one busy pCPU among them; once 3.4 times of one of two equals, in
 * half a second, on a machine with ten times its work.
 */
#define STARVED_PERCENT  60
#define STARVED_TIMES    3
#define STARVED_NS       100000000ULL

/* A cap parks again and again: 100 times a second on a machine that is not
 * emulated, 10 on one that is.  Whoever pauses a guest says so in a record. */
#define PARKS            3

/*
 * A storm: one hypercall so often a second of running, and nearly no other; over
 * so long a stretch.  A loop of them makes 120,000 (on a machine with four times its
 * work) to 1,200,000 under emulation and some millions on a real one; who has
 * much to do makes some 10,000.
 */
#define STORM_RATE       60000
#define STORM_PERCENT    80
#define STORM_NS         20000000ULL

/* What is older than the accounts and than this is another story: the rare
 * channel goes back for days. */
#define RECENT_NS        10000000000ULL

static uint64_t ticks_of(const struct story *s, uint64_t ns)
{
    return (unsigned __int128)ns * s->src->doc.tsc_khz / 1000000;
}

bool story_recent(const struct story *s, const struct mark *m)
{
    return m->tsc >= s->acc.from ||
           s->acc.to - m->tsc <= ticks_of(s, RECENT_NS);
}

static void set_subject(struct story *s, enum plot plot, const struct vcpu *v)
{
    const struct account *a = v->data;

    s->plot = plot;
    s->domid = v->domid;
    s->vcpu = v->vcpu;
    s->has_vcpu = true;
    s->cpu = a->cpu;
}

/*
 * A death.
 */

static enum plot plot_of(const char *cause)
{
    static const struct {
        const char *cause;
        enum plot plot;
    } plots[] = {
        { "crash", PLOT_CRASH }, { "xen-crash", PLOT_XEN_CRASH },
        { "watchdog", PLOT_WATCHDOG }, { "triple-fault", PLOT_TRIPLE },
        { "viridian", PLOT_VIRIDIAN },
    };

    for ( size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++ )
        if ( !strcmp(cause, plots[i].cause) )
            return plots[i].plot;

    return PLOT_NOTHING;
}

/* The vCPU of a domain that has the newest entry into Xen. */
static const struct vcpu *newest_vcpu(const struct story *s, uint32_t domid)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);
        const struct account *a = v->data;

        if ( v->domid == domid &&
             (!best ||
              a->last_entry > ((struct account *)best->data)->last_entry) )
            best = v;
    }

    return best;
}

static void death(struct story *s)
{
    const struct doc *d = &s->src->doc;
    const struct mark *crash = marks_newest(&s->marks, MARK_CRASH, d->domid);
    const struct vcpu *v = newest_vcpu(s, d->domid);

    s->plot = plot_of(d->cause);
    s->domid = d->domid;
    s->cite = crash ? crash : marks_newest(&s->marks, MARK_SHUTDOWN, d->domid);
    if ( v )
        set_subject(s, s->plot, v);
    if ( crash && crash->vcpu < UINT16_MAX )
    {
        s->vcpu = crash->vcpu;
        s->has_vcpu = true;
    }
    if ( d->vcpu >= 0 )
    {
        s->vcpu = d->vcpu;
        s->has_vcpu = true;
    }
    /* A watchdog's timer ends anywhere: what matters is where it ran. */
    if ( v && s->plot == PLOT_WATCHDOG )
        return;
    if ( s->cite )
        s->cpu = s->cite->cpu;
    if ( d->cpu >= 0 )
        s->cpu = d->cpu;
}

/* Not before `from`. */
static bool crashed_before(struct story *s, uint64_t from)
{
    const struct mark *crash = marks_newest(&s->marks, MARK_CRASH, MERGE_NO_DOMAIN);

    if ( !crash || crash->domid == MERGE_NO_DOMAIN ||
         !story_recent(s, crash) || crash->tsc < from )
        return false;

    s->plot = PLOT_CRASHED_BEFORE;
    s->cite = crash;
    s->domid = crash->domid;
    s->vcpu = crash->vcpu;
    s->has_vcpu = crash->vcpu < UINT16_MAX;
    s->cpu = crash->cpu;
    s->end = crash->tsc;
    return true;
}

/* One that did not say before that it ends, and that nobody killed. */
static bool destroyed(struct story *s)
{
    const struct mark *gone = marks_newest(&s->marks, MARK_REMOVE, MERGE_NO_DOMAIN);
    const struct vcpu *v;

    if ( !gone || gone->domid == MERGE_NO_DOMAIN || !story_recent(s, gone) ||
         marks_newest(&s->marks, MARK_SHUTDOWN, gone->domid) ||
         marks_newest(&s->marks, MARK_CRASH, gone->domid) )
        return false;

    s->plot = PLOT_DESTROYED;
    s->cite = gone;
    s->domid = gone->domid;
    s->cpu = gone->cpu;
    s->end = gone->tsc;
    v = newest_vcpu(s, gone->domid);
    if ( v )
        set_subject(s, PLOT_DESTROYED, v);
    return true;
}

/*
 * The living.
 */

static uint64_t share(const struct accounts *acc, uint64_t ticks)
{
    uint64_t all = acc->to - acc->from;

    return all ? (unsigned __int128)ticks * 100 / all : 0;
}

/* It is on a pCPU at the end, or would be. */
static bool is_running(const struct account *a)
{
    return a->changed ? a->state == RUNNING || a->state == RUNNABLE : a->seen;
}

static bool is_hung(const struct story *s, const struct accounts *acc,
                    const struct account *a)
{
    return is_running(a) && a->quiet >= ticks_of(s, HUNG_NS);
}

bool story_parked(const struct account *a)
{
    return a->parks >= PARKS && a->ticks[OFFLINE] > a->ticks[RUNNABLE];
}

uint64_t story_kept(const struct account *a)
{
    return a->ticks[RUNNABLE] + (story_parked(a) ? a->ticks[OFFLINE] : 0);
}

static bool is_starved(const struct story *s, const struct accounts *acc,
                       const struct account *a)
{
    uint64_t kept = story_kept(a);

    return kept >= ticks_of(s, STARVED_NS) &&
           share(acc, kept) >= STARVED_PERCENT &&
           kept / STARVED_TIMES >= a->ticks[RUNNING];
}

/* Its most frequent hypercall; ACCOUNT_OPS: none. */
static unsigned int top_op(const struct account *a)
{
    unsigned int best = ACCOUNT_OPS;

    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        if ( a->ops[i] && (best == ACCOUNT_OPS || a->ops[i] > a->ops[best]) )
            best = i;

    return best;
}

/* Of a guest; what Dom0 does is its work, and iret is no call. */
static bool is_storm(const struct story *s, const struct accounts *acc,
                     const struct account *a)
{
    const struct event_enum *names =
        event_enum_find(s->src->doc.dict, "hypercall");
    unsigned int op = top_op(a);
    const char *name = event_value_name(names, op);

    if ( op == ACCOUNT_OPS || (name && !strcmp(name, "iret")) ||
         a->ticks[RUNNING] < ticks_of(s, STORM_NS) )
        return false;

    return a->ops[op] * 100 >= a->hypercalls * STORM_PERCENT &&
           a->ops[op] >= (unsigned __int128)a->ticks[RUNNING] * STORM_RATE /
                         (s->src->doc.tsc_khz * 1000ULL);
}

static uint64_t quiet(const struct account *a)
{
    return a->quiet;
}

static uint64_t hypercalls(const struct account *a)
{
    return a->hypercalls;
}

/* In the order in which they are looked for: a storm may starve its neighbours,
 * or have to wait for them, and is what to tell either way. */
static const struct living {
    enum plot plot;
    bool (*is)(const struct story *, const struct accounts *,
               const struct account *);
    uint64_t (*how_bad)(const struct account *);
} livings[] = {
    { PLOT_HUNG, is_hung, quiet }, { PLOT_STORM, is_storm, hypercalls },
    { PLOT_STARVED, is_starved, story_kept },
};

/* The one of whom it is most true. */
static const struct vcpu *worst(const struct story *s,
                                const struct accounts *acc,
                                const struct living *l)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(acc->vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(acc->vcpus, i);
        const struct account *a = v->data, *b = best ? best->data : NULL;

        if ( v->domid == VCPU_IDLE_DOMAIN || !l->is(s, acc, a) ||
             (l->plot == PLOT_STORM && v->domid == 0) )
            continue;
        if ( !b || l->how_bad(a) > l->how_bad(b) )
            best = v;
    }

    return best;
}

/* A mask that lets no entry into Xen be recorded makes nobody hang. */
static bool has_entries(const struct accounts *acc)
{
    for ( unsigned int i = 0; i < vcpus_nr(acc->vcpus); i++ )
        if ( ((const struct account *)vcpus_nth(acc->vcpus, i)->data)->entries )
            return true;

    return false;
}

static bool anyone(struct story *s, const struct accounts *acc)
{
    bool entries = has_entries(&s->acc);

    for ( size_t i = 0; i < sizeof(livings) / sizeof(livings[0]); i++ )
    {
        const struct living *l = &livings[i];
        /* Who hangs may have done so for longer. */
        const struct vcpu *v = worst(s, l->plot == PLOT_HUNG ? &s->acc : acc, l);
        enum plot plot = l->plot;

        if ( !v || (plot == PLOT_HUNG && !entries) )
            continue;
        if ( plot == PLOT_STARVED && story_parked(v->data) )
            plot = PLOT_CAPPED;
        set_subject(s, plot, v);
        s->rests = acc;
        return true;
    }

    return false;
}

void story_choose(struct story *s)
{
    const struct doc *d = &s->src->doc;
    bool whole;

    s->plot = PLOT_NOTHING;
    s->domid = MERGE_NO_DOMAIN;
    s->vcpu = EVENT_NO_VCPU;
    s->end = s->acc.to;

    if ( d->domid >= 0 && plot_of(d->cause) != PLOT_NOTHING )
    {
        death(s);
        return;
    }
    /* The end of a cut file has not all pCPUs: it makes no account. */
    whole = !snapshot_truncated(s->src->snap);
    if ( crashed_before(s, s->now.from) || (whole && anyone(s, &s->now)) ||
         crashed_before(s, 0) || (whole && anyone(s, &s->acc)) )
        return;
    destroyed(s);
}
