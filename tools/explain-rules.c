/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain-rules.c: chooses what a snapshot is about.
 *
 * A trigger that names a domain decides.  For a snapshot that somebody asked
 * for, the rules below are tried in order; each has limits far from what a
 * healthy machine does, for a false alarm costs more than a fault that the
 * reader has to find in the tables.
 */

#include <string.h>

#include "tools/explain.h"

/* Hung: on a pCPU so long without a break and without entering Xen: a kernel's
 * clock alone enters it more often than that. */
#define HUNG_NS          200000000ULL

/* Starved: ready but not run for so much of the stretch, so long in all, and so
 * many times as long as it ran: more than a fair share among few explains. */
#define STARVED_PERCENT  50
#define STARVED_TIMES    4
#define STARVED_NS       50000000ULL

/* A storm: one hypercall so often a second, and nearly no other; over so long
 * a stretch. */
#define STORM_RATE       20000
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
    const struct mark *crash = story_mark(s, MARK_CRASH, d->domid);
    const struct vcpu *v = newest_vcpu(s, d->domid);

    s->plot = plot_of(d->cause);
    s->domid = d->domid;
    s->cite = crash ? crash : story_mark(s, MARK_SHUTDOWN, d->domid);
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
    if ( s->cite )
        s->cpu = s->cite->cpu;
    if ( d->cpu >= 0 )
        s->cpu = d->cpu;
}

static bool crashed_before(struct story *s)
{
    const struct mark *crash = story_mark(s, MARK_CRASH, MERGE_NO_DOMAIN);

    if ( !crash || crash->domid == MERGE_NO_DOMAIN || !story_recent(s, crash) )
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

/* One that did not say before that it ends. */
static bool destroyed(struct story *s)
{
    const struct mark *gone = story_mark(s, MARK_REMOVE, MERGE_NO_DOMAIN);
    const struct vcpu *v;

    if ( !gone || gone->domid == MERGE_NO_DOMAIN || !story_recent(s, gone) ||
         story_mark(s, MARK_SHUTDOWN, gone->domid) )
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

static uint64_t share(const struct story *s, uint64_t ticks)
{
    uint64_t all = s->acc.to - s->acc.from;

    return all ? ticks * 100 / all : 0;
}

uint64_t story_quiet_from(const struct story *s, const struct account *a)
{
    uint64_t from = s->acc.from;

    if ( a->last_entry > from )
        from = a->last_entry;
    return a->changed && a->since > from ? a->since : from;
}

/* It is on a pCPU at the end. */
static bool is_running(const struct account *a)
{
    return a->changed ? a->state == RUNNING : a->seen;
}

static bool is_hung(const struct story *s, const struct account *a)
{
    return is_running(a) &&
           s->acc.to - story_quiet_from(s, a) >= ticks_of(s, HUNG_NS);
}

static bool is_starved(const struct story *s, const struct account *a)
{
    return a->ticks[RUNNABLE] >= ticks_of(s, STARVED_NS) &&
           share(s, a->ticks[RUNNABLE]) >= STARVED_PERCENT &&
           a->ticks[RUNNABLE] / STARVED_TIMES >= a->ticks[RUNNING];
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
static bool is_storm(const struct story *s, const struct account *a)
{
    const struct event_enum *names =
        event_enum_find(s->src->doc.dict, "hypercall");
    uint64_t all = s->acc.to - s->acc.from;
    unsigned int op = top_op(a);
    const char *name = event_value_name(names, op);

    if ( op == ACCOUNT_OPS || (name && !strcmp(name, "iret")) ||
         all < ticks_of(s, STORM_NS) )
        return false;

    return a->ops[op] * 100 >= a->hypercalls * STORM_PERCENT &&
           a->ops[op] >= (unsigned __int128)all * STORM_RATE /
                         (s->src->doc.tsc_khz * 1000ULL);
}

static bool anyone(struct story *s, enum plot plot,
                   bool (*is)(const struct story *, const struct account *))
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);
        const struct account *a = v->data, *b = best ? best->data : NULL;

        if ( v->domid == VCPU_IDLE_DOMAIN || !is(s, a) ||
             (plot == PLOT_STORM && v->domid == 0) )
            continue;
        if ( !b || a->ticks[RUNNABLE] > b->ticks[RUNNABLE] )
            best = v;
    }

    if ( best )
        set_subject(s, plot, best);
    return best;
}

void story_choose(struct story *s)
{
    const struct doc *d = &s->src->doc;

    s->plot = PLOT_NOTHING;
    s->domid = MERGE_NO_DOMAIN;
    s->vcpu = EVENT_NO_VCPU;
    s->end = s->acc.to;

    if ( d->domid >= 0 && plot_of(d->cause) != PLOT_NOTHING )
    {
        death(s);
        return;
    }
    if ( crashed_before(s) )
        return;
    /* The end of a cut file has not all pCPUs: it makes no account. */
    if ( !snapshot_truncated(s->src->snap) &&
         (anyone(s, PLOT_HUNG, is_hung) ||
          anyone(s, PLOT_STARVED, is_starved) ||
          anyone(s, PLOT_STORM, is_storm)) )
        return;
    destroyed(s);
}
