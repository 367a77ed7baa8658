/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * first.c: writes the first line: the verdict, on which vCPU, and where.
 */

#include <inttypes.h>
#include <stdio.h>

#include "tools/explain/text.h"

static const char *cite(const struct explain *x, char *buf)
{
    if ( x->cite )
        return at(x, buf, x->cite->tsc, x->cite->cpu);

    snprintf(buf, EXPLAIN_PART, "[trigger]");
    return buf;
}

static void put_death(struct explain *x)
{
    static const char *const how[] = {
        [VERDICT_CRASH] = "kernel panic (the guest reported a crash shutdown)",
        [VERDICT_XEN_CRASH] = "killed by Xen (domain_crash)",
        [VERDICT_WATCHDOG] = "killed by its watchdog, which was not reset in "
                             "time",
        [VERDICT_TRIPLE] = "triple fault (it failed to handle a double fault)",
        [VERDICT_VIRIDIAN] = "Windows crash (blue screen, reported through "
                             "Viridian)",
    };
    const struct doc *d = &x->src->doc;
    char name[EXPLAIN_PART], where[EXPLAIN_PART], rip[40] = "", cpu[24] = "";

    if ( d->has_rip )
        snprintf(rip, sizeof(rip), ", rip %#" PRIx64, d->rip);
    if ( x->verdict != VERDICT_WATCHDOG )
        snprintf(cpu, sizeof(cpu), ", pCPU %u", x->cpu);
    put_line(x, "%s: %s%s%s %s", subject_name(x, name), how[x->verdict], cpu,
             rip, cite(x, where));
}

static void put_earlier_crash(struct explain *x)
{
    const char *cause =
        event_value_name(event_enum_find(x->src->doc.dict, "cause"),
                         x->cite->reason);
    char name[EXPLAIN_PART], where[EXPLAIN_PART], ago[EXPLAIN_PART];

    put_line(x, "%s: crashed (%s) %s before this request, pCPU %u %s",
             subject_name(x, name), cause ? cause : "cause not known",
             duration(x, ago, x->acc.to - x->cite->tsc), x->cpu,
             cite(x, where));
}

/* From its newest entry into Xen, or from the begin of the recording. */
static void put_hung(struct explain *x)
{
    const struct account *a = subject_account(x, &x->acc);
    uint64_t from = x->entered ? x->entered : x->acc.from;
    char name[EXPLAIN_PART], where[EXPLAIN_PART], ago[EXPLAIN_PART],
        ran[EXPLAIN_PART], since[EXPLAIN_PART + 32] = "since the recording "
                                                      "starts";

    if ( x->entered )
        snprintf(since, sizeof(since), "since %s before the end",
                 duration(x, ago, x->acc.to - from));
    put_line(x, "%s: hung on pCPU %u: ran for %s without an entry into Xen (no "
             "timer, hypercall or fault) %s %s", subject_name(x, name), x->cpu,
             duration(x, ran, a->quiet), since,
             span(x, where, from, x->acc.to, x->cpu));
}

/*
 * Return the vCPU, idle or not, that had most of the subject's pCPU beside it,
 * or NULL if none had 1 percent.
 */
static const struct vcpu *main_neighbour(const struct explain *x, bool idle)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(x->neighbours); i++ )
    {
        const struct vcpu *v = vcpus_nth(x->neighbours, i);

        if ( (v->domid == VCPU_IDLE_DOMAIN) != idle ||
             !percent_of(neighbour_ticks(v), x->end - x->tail) ||
             (v->domid == x->domid && v->vcpu == x->vcpu) )
            continue;
        if ( !best || neighbour_ticks(v) > neighbour_ticks(best) )
            best = v;
    }

    return best;
}

/* `, while pCPU 1 was idle 90% of the time', or the vCPU that had it. */
static void neighbour_text(const struct explain *x, char *buf, size_t bytes)
{
    const struct vcpu *idle = main_neighbour(x, true);
    const struct vcpu *other = main_neighbour(x, false);
    uint64_t all = x->end - x->tail;
    char name[EXPLAIN_PART];

    buf[0] = '\0';
    if ( idle && percent_of(neighbour_ticks(idle), all) >= 50 )
        snprintf(buf, bytes, ", though pCPU %u was idle %s of the time", x->cpu,
                 percent(neighbour_ticks(idle), all).text);
    else if ( other && doc_is_other(&x->src->doc, other->domid) )
        snprintf(buf, bytes, ", while other domains or idle had %s of pCPU %u",
                 percent(neighbour_ticks(other), all).text, x->cpu);
    else if ( other )
        snprintf(buf, bytes, ", while %s had %s of pCPU %u",
                 vcpu_name(x, name, other->domid, other->vcpu, x->end),
                 percent(neighbour_ticks(other), all).text, x->cpu);
}

static void put_starved(struct explain *x)
{
    const struct account *a = subject_account(x, x->basis);
    uint64_t all = x->basis->to - x->basis->from;
    char name[EXPLAIN_PART], where[EXPLAIN_PART], over[EXPLAIN_PART],
        by[2 * EXPLAIN_PART];

    neighbour_text(x, by, sizeof(by));
    put_line(x, "%s: starved: waited to run for %s of %s and ran for %s%s %s",
             subject_name(x, name), percent(explain_kept(a), all).text,
             duration(x, over, all), percent(a->ticks[RUNNING], all).text, by,
             span_of(x, where, x->basis));
}

static void put_capped(struct explain *x)
{
    const struct account *a = subject_account(x, x->basis);
    uint64_t all = x->basis->to - x->basis->from;
    char name[EXPLAIN_PART], where[EXPLAIN_PART], over[EXPLAIN_PART];

    put_line(x, "%s: starved by its cap: ran for %s of %s and was parked by "
             "the scheduler for %s, %" PRIu64 " times, though not paused %s",
             subject_name(x, name), percent(a->ticks[RUNNING], all).text,
             duration(x, over, all), percent(explain_kept(a), all).text,
             a->parks, span_of(x, where, x->basis));
}

static void put_storm(struct explain *x)
{
    const struct account *a = subject_account(x, x->basis);
    uint64_t all = x->basis->to - x->basis->from;
    double over_s = all / (x->src->doc.tsc_khz * 1e3);
    char name[EXPLAIN_PART], where[EXPLAIN_PART], op[EXPLAIN_PART];
    unsigned int best = 0;

    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        if ( a->ops[i] > a->ops[best] )
            best = i;
    put_line(x, "%s: hypercall storm: %.0f/s, %s %s; ran for %s of the time, "
             "at the end on pCPU %u %s", subject_name(x, name),
             a->hypercalls / over_s,
             a->ops[best] == a->hypercalls
             ? "all" : percent(a->ops[best], a->hypercalls).text,
             op_name(x, op, best), percent(a->ticks[RUNNING], all).text,
             x->cpu, span_of(x, where, x->basis));
}

static const char *subject_domain(const struct explain *x, char *buf)
{
    return domain_name(x, buf, x->domid, x->end);
}

/* `all NPF', `67% CPUID', or nothing if no reason has most of the exits. */
static void reason_text(const struct explain *x, const struct account *a,
                        char *buf, size_t bytes)
{
    const char *name = explain_exit_name(x, a->reason.value);
    char number[24], rip[48] = "", gpa[40] = "";

    buf[0] = '\0';
    if ( a->reason.votes * 2 < a->exits )
        return;

    snprintf(number, sizeof(number), "exit %" PRIu64, a->reason.value);
    if ( a->rip.votes * 10 >= a->exits * 9 )
        snprintf(rip, sizeof(rip), " at rip %#" PRIx64, a->rip.value);
    if ( a->npfs && a->gpa.votes * 2 >= a->npfs )
        snprintf(gpa, sizeof(gpa), ", gpa %#" PRIx64, a->gpa.value);
    snprintf(buf, bytes, ", %s %s%s%s",
             a->reason.votes == a->exits ? "all" : "mostly",
             name ? name : number, rip, gpa);
}

static void put_exit_storm(struct explain *x)
{
    const struct account *a = subject_account(x, x->basis);
    double over_s = (x->basis->to - x->basis->from) /
                    (x->src->doc.tsc_khz * 1e3);
    char name[EXPLAIN_PART], where[EXPLAIN_PART], reason[2 * EXPLAIN_PART];

    reason_text(x, a, reason, sizeof(reason));
    put_line(x, "%s: exit storm: %.0f/s%s; in Xen for %s of the time that it "
             "ran, at the end on pCPU %u %s", subject_name(x, name),
             a->exits / over_s, reason,
             percent(a->in_xen, a->ticks[RUNNING]).text, x->cpu,
             span_of(x, where, x->basis));
}

static void put_spins(struct explain *x)
{
    const struct account *a = subject_account(x, x->basis);
    char name[EXPLAIN_PART], where[EXPLAIN_PART];

    put_line(x, "%s: hung at rip %#" PRIx64 ": ran whenever it could, and all "
             "its %" PRIu64 " exits were Xen's own interrupts, at the end on "
             "pCPU %u %s", subject_name(x, name), a->rip.value, a->exits,
             x->cpu, span_of(x, where, x->basis));
}

static void put_stuck(struct explain *x)
{
    const struct account *a = subject_account(x, &x->acc);
    char name[EXPLAIN_PART], where[EXPLAIN_PART], time[EXPLAIN_PART];

    put_line(x, "%s: stuck in Xen on pCPU %u: no VM entry for %s after its "
             "last exit %s", subject_name(x, name), x->cpu,
             duration(x, time, a->quiet),
             span(x, where, x->entered ? x->entered : x->acc.from, x->acc.to,
                  x->cpu));
}

/* The vCPU that stopped the domain asked; any vCPU may do the final removal. */
static void put_destroyed(struct explain *x)
{
    char name[EXPLAIN_PART], by[EXPLAIN_PART], where[EXPLAIN_PART],
        removed[EXPLAIN_PART];

    if ( x->sleep.tsc )
        put_line(x, "%s: destroyed from outside by %s, without a shutdown of "
                 "its own: stopped %s, removed %s", subject_domain(x, name),
                 vcpu_name(x, by, x->sleep.domid, x->sleep.vcpu, x->sleep.tsc),
                 at_moment(x, where, &x->sleep), cite(x, removed));
    else
        put_line(x, "%s: destroyed from outside, without a shutdown of its "
                 "own; the record of which domain did it is %s %s",
                 subject_domain(x, name),
                 x->src->doc.redacted ? "redacted" : "overwritten",
                 cite(x, removed));
}

static void put_nothing(struct explain *x)
{
    char where[EXPLAIN_PART], name[EXPLAIN_PART];

    if ( x->src->doc.redacted )
        put_line(x, "%s did not crash, hang or starve in the recording; of "
                 "other domains it has no records %s",
                 domain_name(x, name, x->src->doc.only, x->src->doc.tsc),
                 span_of(x, where, &x->acc));
    else if ( x->acc.from == x->acc.to || snapshot_truncated(x->src->snap) )
        put_line(x, "No domain crashed in the part of the recording that is "
                 "left; hangs and starvation cannot be judged from it %s",
                 span_of(x, where, &x->acc));
    else
        put_line(x, "No domain crashed, hung or starved, in the whole "
                 "recording or in its last second %s",
                 span_of(x, where, &x->acc));
}

void explain_write_first(struct explain *x)
{
    static void (*const by_verdict[])(struct explain *) = {
        [VERDICT_CRASHED_BEFORE] = put_earlier_crash,
        [VERDICT_HUNG] = put_hung,
        [VERDICT_STARVED] = put_starved,
        [VERDICT_CAPPED] = put_capped,
        [VERDICT_STORM] = put_storm,
        [VERDICT_EXIT_STORM] = put_exit_storm,
        [VERDICT_SPINS] = put_spins,
        [VERDICT_STUCK] = put_stuck,
        [VERDICT_DESTROYED] = put_destroyed,
        [VERDICT_NOTHING] = put_nothing,
    };

    if ( by_verdict[x->verdict] )
        by_verdict[x->verdict](x);
    else
        put_death(x);
}
