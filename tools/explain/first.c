/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * first.c: the first line: who, of what, where.
 */

#include <inttypes.h>
#include <stdio.h>

#include "tools/explain/text.h"

static const char *cite(const struct story *s, char *buf)
{
    if ( s->cite )
        return at(s, buf, s->cite->tsc, s->cite->cpu);

    snprintf(buf, EXPLAIN_PART, "[trigger]");
    return buf;
}

static void say_death(struct story *s)
{
    static const char *const how[] = {
        [PLOT_CRASH] = "crashed: it told Xen so, as a kernel does that panics",
        [PLOT_XEN_CRASH] = "was killed by Xen (domain_crash)",
        [PLOT_WATCHDOG] = "was ended by its watchdog: nobody reset it in time",
        [PLOT_TRIPLE] = "made a triple fault: it could not even handle a "
                        "double fault",
        [PLOT_VIRIDIAN] = "crashed: it reported so through Viridian, as "
                          "Windows does with a blue screen",
    };
    const struct doc *d = &s->src->doc;
    char who[EXPLAIN_PART], where[EXPLAIN_PART], rip[40] = "", cpu[24] = "";

    if ( d->has_rip )
        snprintf(rip, sizeof(rip), ", rip %#" PRIx64, d->rip);
    if ( s->plot != PLOT_WATCHDOG )
        snprintf(cpu, sizeof(cpu), "; on pCPU %u", s->cpu);
    say(s, "%s %s%s%s %s", subject(s, who), how[s->plot], cpu, rip,
        cite(s, where));
}

static void say_crashed_before(struct story *s)
{
    const char *cause =
        event_value_name(event_enum_find(s->src->doc.dict, "cause"),
                         s->cite->reason);
    char who[EXPLAIN_PART], where[EXPLAIN_PART], ago[EXPLAIN_PART];

    say(s, "Asked for; %s had died (%s) %s before, on pCPU %u %s",
        subject(s, who), cause ? cause : "?",
        lasts(s, ago, s->acc.to - s->cite->tsc), s->cpu, cite(s, where));
}

/* Since its newest entry, if that is in the recording. */
static void say_hung(struct story *s)
{
    const struct account *a = own_account(s, &s->acc);
    uint64_t from = s->entered ? s->entered : s->acc.from;
    char who[EXPLAIN_PART], where[EXPLAIN_PART], ago[EXPLAIN_PART],
        ran[EXPLAIN_PART], since[EXPLAIN_PART + 24] = "in all of the recording";

    if ( s->entered )
        snprintf(since, sizeof(since), "since %s before the end",
                 lasts(s, ago, s->acc.to - from));
    say(s, "%s hangs: on pCPU %u it ran for %s and did not enter Xen, no timer, "
        "no hypercall, no fault, %s %s", subject(s, who), s->cpu,
        lasts(s, ran, a->quiet), since,
        span(s, where, from, s->acc.to, s->cpu));
}

/* How much of the pCPU somebody had, or was idle, in percent. */
static unsigned int cpu_share(const struct story *s, const struct vcpu *v)
{
    return share_of(*(const uint64_t *)v->data, s->end - s->tail);
}

/* Who had most of the subject's pCPU beside it.  NULL: nobody. */
static const struct vcpu *main_neighbour(const struct story *s, bool idle)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(s->neighbours); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->neighbours, i);

        if ( (v->domid == VCPU_IDLE_DOMAIN) != idle || !cpu_share(s, v) ||
             (v->domid == s->domid && v->vcpu == s->vcpu) )
            continue;
        if ( !best || cpu_share(s, v) > cpu_share(s, best) )
            best = v;
    }

    return best;
}

static void say_starved(struct story *s)
{
    const struct account *a = own_account(s, s->rests);
    const struct vcpu *idle = main_neighbour(s, true);
    const struct vcpu *other = main_neighbour(s, false);
    uint64_t all = s->rests->to - s->rests->from;
    char who[EXPLAIN_PART], where[EXPLAIN_PART], name[EXPLAIN_PART],
        over[EXPLAIN_PART], by[2 * EXPLAIN_PART] = "";

    if ( idle && cpu_share(s, idle) >= 50 )
        snprintf(by, sizeof(by), ", though pCPU %u was idle for %u%%", s->cpu,
                 cpu_share(s, idle));
    else if ( other )
        snprintf(by, sizeof(by), ", while %s had %u%% of pCPU %u",
                 vcpu_name(s, name, other->domid, other->vcpu),
                 cpu_share(s, other), s->cpu);
    say(s, "%s is starved: of %s it was ready to run for %u%% and ran for "
        "%u%%%s %s", subject(s, who), lasts(s, over, all),
        share_of(story_kept(a), all), share_of(a->ticks[RUNNING], all), by,
        stretch(s, where, s->rests));
}

static void say_capped(struct story *s)
{
    const struct account *a = own_account(s, s->rests);
    uint64_t all = s->rests->to - s->rests->from;
    char who[EXPLAIN_PART], where[EXPLAIN_PART], over[EXPLAIN_PART];

    say(s, "%s is starved by its cap: of %s it ran for %u%%, and for %u%% the "
        "scheduler kept it parked, %" PRIu64 " times, though nobody had paused "
        "it %s", subject(s, who), lasts(s, over, all),
        share_of(a->ticks[RUNNING], all), share_of(story_kept(a), all),
        a->parks, stretch(s, where, s->rests));
}

static void say_storm(struct story *s)
{
    const struct account *a = own_account(s, s->rests);
    uint64_t all = s->rests->to - s->rests->from;
    double seconds = all / (s->src->doc.tsc_khz * 1e3);
    char who[EXPLAIN_PART], where[EXPLAIN_PART], op[EXPLAIN_PART];
    unsigned int best = 0;

    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        if ( a->ops[i] > a->ops[best] )
            best = i;
    say(s, "%s makes a storm of hypercalls: %.0f a second, %u%% of them %s; it "
        "ran for %u%% of the time, on pCPU %u at the end %s", subject(s, who),
        a->hypercalls / seconds, share_of(a->ops[best], a->hypercalls),
        op_name(s, op, best), share_of(a->ticks[RUNNING], all), s->cpu,
        stretch(s, where, s->rests));
}

/* Who asked is seen from who stopped it; its removal may be anybody's. */
static void say_destroyed(struct story *s)
{
    char who[EXPLAIN_PART], by[EXPLAIN_PART], where[EXPLAIN_PART],
        removed[EXPLAIN_PART];

    if ( s->sleep.tsc )
        say(s, "%s was destroyed from outside: %s stopped it for good %s, and "
            "it had not shut itself down; gone %s", domain(s, who, s->domid),
            vcpu_name(s, by, s->sleep.domid, s->sleep.vcpu),
            at_deed(s, where, &s->sleep), cite(s, removed));
    else
        say(s, "%s was destroyed from outside, by whom is not in the recording "
            "any more: it was removed and had not shut itself down %s",
            domain(s, who, s->domid), cite(s, removed));
}

static void say_nothing(struct story *s)
{
    char where[EXPLAIN_PART];

    if ( s->acc.from == s->acc.to || snapshot_truncated(s->src->snap) )
        say(s, "Nobody died in what there is of this recording; whether "
            "somebody hung or starved it cannot tell %s",
            stretch(s, where, &s->acc));
    else
        say(s, "Nobody died, hung or starved, over all of this recording or in "
            "its last second %s", stretch(s, where, &s->acc));
}

void story_first(struct story *s)
{
    static void (*const by_plot[])(struct story *) = {
        [PLOT_CRASHED_BEFORE] = say_crashed_before,
        [PLOT_HUNG] = say_hung,
        [PLOT_STARVED] = say_starved,
        [PLOT_CAPPED] = say_capped,
        [PLOT_STORM] = say_storm,
        [PLOT_DESTROYED] = say_destroyed,
        [PLOT_NOTHING] = say_nothing,
    };

    if ( by_plot[s->plot] )
        by_plot[s->plot](s);
    else
        say_death(s);
}
