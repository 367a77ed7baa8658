/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lines.c: writes the lines after the first: the evidence, and its limits.
 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/stats/score.h"
#include "tools/explain/text.h"

/* An event is reported if it came five times as often, in octaves, and at least
 * RISE_MIN times. */
#define RISE_OCTAVES 2.321928094887362
#define RISE_MIN     20

/* A pCPU without a record for this long before the end is reported. */
#define SILENT_NS    10000000

static const struct episode *last_episode(const struct explain *x)
{
    return x->nr_episodes
           ? &x->episode[(x->nr_episodes - 1) % EXPLAIN_EPISODES] : NULL;
}

static void put_trigger(struct explain *x)
{
    const struct doc *d = &x->src->doc;
    char when[48], cause[EXPLAIN_PART], text[EXPLAIN_PART];

    if ( d->redacted && d->domid != d->only )
    {
        put_line(x, "Trigger: redacted, not of this domain; times are from its "
                 "last record, %s [trigger]",
                 d->has_wall ? text_time(when, sizeof(when), d->wall_ns)
                             : "no wall clock");
        return;
    }

    text_escape(cause, sizeof(cause), d->cause);
    text_escape(text, sizeof(text), d->reason_text);
    put_line(x, "Trigger: %s%s%s%s, %s [trigger]", cause, text[0] ? " \"" : "",
             text, text[0] ? "\"" : "",
             d->has_wall ? text_time(when, sizeof(when), d->wall_ns)
                         : "no wall clock");
}

/*
 * The subject's last entries into Xen.
 */

/* The fields of a trap or exit that say where: ` va=0x1000 rip=0x2000'. */
static const char *details(const struct explain *x, const struct episode *e,
                           char *buf)
{
    static const char *const fields[] = { "vector", "va", "error", "rip",
                                          "eip" };
    const struct merge_record *rec = &e->newest;
    size_t len = 0;

    buf[0] = '\0';
    for ( size_t i = 0; e->kind != KIND_HYPERCALL &&
                        i < sizeof(fields) / sizeof(fields[0]); i++ )
    {
        int n = event_field_index(rec->desc, fields[i]);
        char value[EXPLAIN_PART / 3];

        if ( n < 0 ||
             !event_field_text(x->src->doc.dict, rec->desc, n, rec->data,
                               rec->words, value, sizeof(value)) ||
             len + strlen(fields[i]) + strlen(value) + 3 > EXPLAIN_PART )
            continue;
        len += sprintf(buf + len, " %s=%s", fields[i], value);
    }

    return buf;
}

/*
 * `PV_PAGE_FAULT va=0x1000 rip=0x2000', `hypercall iret, 7 times over 2.1 ms'.
 */
static void put_episode(struct explain *x, const struct episode *e)
{
    char where[EXPLAIN_PART], mean[EXPLAIN_PART], most[EXPLAIN_PART],
        over[EXPLAIN_PART], detail[EXPLAIN_PART], took[3 * EXPLAIN_PART] = "";

    details(x, e, detail);
    if ( e->ends == 1 )
        snprintf(took, sizeof(took), ", in Xen for %s",
                 duration(x, mean, e->handled));
    else if ( e->ends )
        snprintf(took, sizeof(took), ", in Xen for %s on average, at most %s",
                 duration(x, mean, e->handled / e->ends),
                 duration(x, most, e->longest));
    if ( e->times == 1 )
        put_line(x, "  %s%s%s %s", e->name, detail, took,
                 at(x, where, e->first, e->cpu));
    else
        put_line(x, "  %s, %" PRIu64 " times over %s%s%s%s %s", e->name,
                 e->times, duration(x, over, e->last - e->first),
                 detail[0] ? ", last" : "", detail, took,
                 span(x, where, e->first, e->last, e->moved ? -1 : e->cpu));
}

/* The domain died before its vCPU returned to the guest. */
static void put_unfinished(struct explain *x)
{
    const struct episode *e = last_episode(x);
    char where[EXPLAIN_PART], after[EXPLAIN_PART];

    if ( e && x->open_exit && x->verdict >= VERDICT_HUNG &&
         (x->end - e->last) * 1000000.0 / x->src->doc.tsc_khz >= SILENT_NS )
        put_line(x, "Xen is still handling %s, %s after the entry %s", e->name,
                 duration(x, after, x->end - e->last),
                 at(x, where, e->last, e->cpu));
    if ( !e || (x->verdict != VERDICT_XEN_CRASH &&
                (!x->open_exit || x->verdict >= VERDICT_HUNG)) )
        return;
    put_line(x, "Xen was %s handling %s when the domain died, %s after the "
             "entry %s", x->open_exit ? "still" : "probably", e->name,
             duration(x, after, x->end - e->last),
             at(x, where, e->last, e->cpu));
}

static void put_entries(struct explain *x)
{
    uint64_t i = x->nr_episodes > EXPLAIN_EPISODES
                 ? x->nr_episodes - EXPLAIN_EPISODES : 0;
    char name[EXPLAIN_PART], where[EXPLAIN_PART];

    if ( x->domid == MERGE_NO_DOMAIN || x->verdict == VERDICT_STORM )
        return;
    if ( !x->nr_episodes )
    {
        put_line(x, "No entry into Xen by %s was recorded %s",
                 subject_name(x, name), span_of(x, where, &x->acc));
        return;
    }

    put_line(x, "Last entries into Xen by %s, oldest first: %s",
             subject_name(x, name),
             span(x, where, x->episode[i % EXPLAIN_EPISODES].first,
                  last_episode(x)->last, -1));
    for ( ; i < x->nr_episodes; i++ )
        put_episode(x, &x->episode[i % EXPLAIN_EPISODES]);
    put_unfinished(x);
}

/* A vCPU that is offline without a pause is parked by its cap. */
static const char *state_name(const struct account *a, unsigned int state)
{
    return state == OFFLINE && explain_is_parked(a) ? "parked by its cap"
                                                    : runstate_words[state];
}

/* `running 40%, blocked 60%': the runstates that are not zero. */
static const char *states_text(const struct account *a, uint64_t all, char *buf,
                               size_t bytes)
{
    size_t len = 0;

    buf[0] = '\0';
    for ( unsigned int i = 0; i <= RUNSTATES; i++ )
    {
        uint64_t ticks = i < RUNSTATES ? a->ticks[i] : a->unknown;

        if ( ticks && len < bytes )
            len += snprintf(buf + len, bytes - len, "%s%s %s", len ? ", " : "",
                            i < RUNSTATES ? state_name(a, i) : "unknown",
                            percent(ticks, all).text);
    }

    return buf;
}

/*
 * The subject's time at the end.  A domain that died before has no such time.
 */
static void put_runstates(struct explain *x)
{
    const struct accounts *acc = x->basis ? x->basis : &x->now;
    const struct account *a = subject_account(x, acc);
    uint64_t all = acc->to - acc->from;
    char over[EXPLAIN_PART], where[EXPLAIN_PART], time[EXPLAIN_PART],
        longest[2 * EXPLAIN_PART] = "", states[EXPLAIN_PART];

    if ( !a || !all || x->end < acc->to )
        return;
    if ( a->longest )
        snprintf(longest, sizeof(longest), "; longest wait %s, from %+.6f",
                 duration(x, time, a->longest), seconds(x, a->longest_tsc));
    put_line(x, "It was %s of the last %s%s %s",
             states_text(a, all, states, sizeof(states)),
             duration(x, over, all), longest, span_of(x, where, acc));
}

static void put_running(struct explain *x)
{
    const struct account *a = subject_account(x, &x->acc);
    char ran[EXPLAIN_PART], time[EXPLAIN_PART], where[EXPLAIN_PART],
        waited[EXPLAIN_PART + 24] = "";

    put_runstates(x);
    if ( x->waited )
        snprintf(waited, sizeof(waited), ", after waiting for %s",
                 duration(x, time, x->waited));
    if ( x->ran.tsc && !x->ran_to )
        put_line(x, "It began to run %s before the end%s %s",
                 duration(x, ran, x->end - x->ran.tsc), waited,
                 at_moment(x, where, &x->ran));
    else if ( x->ran.tsc )
        put_line(x, "It last ran for %s%s %s",
                 duration(x, ran, x->ran_to - x->ran.tsc), waited,
                 at_moment(x, where, &x->ran));
    if ( a && a->changed && a->state != RUNNING && a->since < x->end )
        put_line(x, "It was %s from then on %s", state_name(a, a->state),
                 at(x, where, a->since, a->cpu));
}

/* `d1v0 "web1"', `idle'. */
static void short_name(const struct explain *x, const struct vcpu *v, char *buf,
                       size_t bytes)
{
    const char *name = lives_name(x->src->lives, v->domid, x->end);
    char safe[40];

    if ( v->domid == VCPU_IDLE_DOMAIN )
        snprintf(buf, bytes, "idle");
    else if ( doc_is_other(&x->src->doc, v->domid) )
        snprintf(buf, bytes, "other domains or idle");
    else if ( name[0] )
        snprintf(buf, bytes, "d%uv%u \"%s\"", v->domid, v->vcpu,
                 text_escape(safe, sizeof(safe), name));
    else
        snprintf(buf, bytes, "d%uv%u", v->domid, v->vcpu);
}

/* The order of neighbours: by ticks, then by number. */
static bool comes_before(const struct vcpu *a, const struct vcpu *b)
{
    if ( neighbour_ticks(a) != neighbour_ticks(b) )
        return neighbour_ticks(a) > neighbour_ticks(b);
    return a->domid != b->domid ? a->domid < b->domid : a->vcpu < b->vcpu;
}

/* Return the neighbour that comes after @prev, or the first one, or NULL. */
static const struct vcpu *next_neighbour(const struct explain *x,
                                         const struct vcpu *prev)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(x->neighbours); i++ )
    {
        const struct vcpu *v = vcpus_nth(x->neighbours, i);

        if ( prev && !comes_before(prev, v) )
            continue;
        if ( !best || comes_before(v, best) )
            best = v;
    }

    return best;
}

/* `the last 100.00 ms', or `the 100.00 ms before its end'. */
static const char *tail_name(const struct explain *x, char *buf)
{
    char over[EXPLAIN_PART];

    duration(x, over, x->end > x->tail ? x->end - x->tail : 0);
    snprintf(buf, EXPLAIN_PART, x->end < x->acc.to ? "the %.64s before its end"
                                                   : "the last %.64s", over);
    return buf;
}

/* The vCPUs that had the subject's pCPU in the tail, longest first. */
static void put_neighbours(struct explain *x)
{
    uint64_t all = x->end > x->tail ? x->end - x->tail : 0;
    char text[EXPLAIN_LINE_BYTES / 2] = "", where[EXPLAIN_PART],
        over[EXPLAIN_PART], name[80];
    const struct vcpu *v = NULL;
    size_t len = 0;

    if ( x->domid == MERGE_NO_DOMAIN || !all )
        return;

    while ( (v = next_neighbour(x, v)) && percent_of(neighbour_ticks(v), all) &&
            len + sizeof(name) + 8 < sizeof(text) )
    {
        short_name(x, v, name, sizeof(name));
        len += sprintf(text + len, "%s%s %s", len ? ", " : "", name,
                       percent(neighbour_ticks(v), all).text);
    }
    if ( len )
        put_line(x, "pCPU %u in %s: %s %s", x->cpu, tail_name(x, over), text,
                 span(x, where, x->tail, x->end, x->cpu));
}

/*
 * Other domains.
 */

/* Without a fault, show the longest wait as the nearest thing to one. */
static void put_longest_wait(struct explain *x)
{
    const struct vcpu *best = NULL;
    char name[EXPLAIN_PART], time[EXPLAIN_PART], where[EXPLAIN_PART];
    const struct account *a;

    for ( unsigned int i = 0; i < vcpus_nr(x->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(x->acc.vcpus, i);

        a = v->data;
        if ( v->domid != VCPU_IDLE_DOMAIN && a->longest &&
             (!best ||
              a->longest > ((const struct account *)best->data)->longest) )
            best = v;
    }
    if ( x->verdict != VERDICT_NOTHING || !best )
        return;

    a = best->data;
    put_line(x, "Longest wait to run: %s, %s %s",
             vcpu_name(x, name, best->domid, best->vcpu, a->longest_tsc),
             duration(x, time, a->longest),
             span(x, where, a->longest_tsc, a->longest_tsc + a->longest, -1));
}

/* Without a fault, name the vCPUs that are paused: they may be missed. */
static void put_paused(struct explain *x)
{
    char name[EXPLAIN_PART], time[EXPLAIN_PART], where[EXPLAIN_PART];
    unsigned int shown = 0;

    for ( unsigned int i = 0; i < vcpus_nr(x->acc.vcpus) &&
                              x->verdict == VERDICT_NOTHING && shown < 2; i++ )
    {
        const struct vcpu *v = vcpus_nth(x->acc.vcpus, i);
        const struct account *a = v->data;

        if ( v->later || !a->changed || a->state != OFFLINE ||
             explain_is_parked(a) || marks_newest(&x->marks, MARK_REMOVE,
                                                  v->domid) )
            continue;
        put_line(x, "%s is paused, for %s %s",
                 vcpu_name(x, name, v->domid, v->vcpu, x->acc.to),
                 duration(x, time, x->acc.to - a->since),
                 at(x, where, a->since, a->cpu));
        shown++;
    }
}

/* Whether a hypercall of Dom0 may affect other domains, or the host. */
static bool acts_on_others(const char *op)
{
    static const char *const ops[] = {
        "domctl", "sysctl", "platform_op", "memory_op", "grant_table_op",
        "event_channel_op", "physdev_op", "hvm_op", "dm_op", "xsm_op",
        "console_io", "kexec_op",
    };

    for ( size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++ )
        if ( !strcmp(op, ops[i]) )
            return true;

    return false;
}

/* The most frequent of these: `grant_table_op 12, domctl 3', or "". */
static void list_ops(struct explain *x, char *buf, size_t bytes)
{
    char name[EXPLAIN_PART];
    size_t len = 0;

    buf[0] = '\0';
    for ( unsigned int op = 0; op < ACCOUNT_OPS; op++ )
        if ( !acts_on_others(op_name(x, name, op)) )
            x->dom0_ops[op] = 0;

    for ( unsigned int n = 0; n < 4; n++ )
    {
        unsigned int best = 0;

        for ( unsigned int i = 1; i < ACCOUNT_OPS; i++ )
            if ( x->dom0_ops[i] > x->dom0_ops[best] )
                best = i;
        if ( !x->dom0_ops[best] || len + EXPLAIN_PART > bytes )
            break;
        len += snprintf(buf + len, bytes - len, "%s%s %" PRIu64, n ? ", " : "",
                        op_name(x, name, best), x->dom0_ops[best]);
        x->dom0_ops[best] = 0;
    }
}

/* Dom0's share of the pCPUs.  100% is one pCPU. */
static void put_dom0_share(struct explain *x)
{
    uint64_t ticks = 0, unknown = 0, all = x->acc.to - x->acc.from;
    char where[EXPLAIN_PART], but[64] = "";

    for ( unsigned int i = 0; i < vcpus_nr(x->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(x->acc.vcpus, i);
        const struct account *a = v->data;

        ticks += v->domid == 0 ? a->ticks[RUNNING] : 0;
        unknown += v->domid == 0 ? a->unknown : 0;
    }
    if ( unknown )
        snprintf(but, sizeof(but), "; the state of its vCPUs is not known for "
                 "%s", percent(unknown, all).text);
    if ( unknown && !ticks )
        put_line(x, "Not recorded: the CPU time of Dom0 %s",
                 span_of(x, where, &x->acc));
    else
        put_line(x, "Dom0 used %s of one pCPU%s %s", percent(ticks, all).text,
                 but, span_of(x, where, &x->acc));
}

static void put_dom0(struct explain *x)
{
    char text[EXPLAIN_LINE_BYTES / 2], where[EXPLAIN_PART], over[EXPLAIN_PART];

    /* In a redacted file, Dom0 is one of the others unless it is the subject. */
    if ( x->acc.to == x->acc.from ||
         (x->src->doc.redacted && x->src->doc.only) )
        return;

    put_dom0_share(x);
    list_ops(x, text, sizeof(text));
    if ( x->dom0_calls )
        put_line(x, "  %" PRIu64 " hypercalls in %s%s%s %s", x->dom0_calls,
                 tail_name(x, over),
                 text[0] ? "; on other domains or the host: " : "", text,
                 span(x, where, x->tail, x->end, -1));
    if ( x->domctl.tsc )
        put_line(x, "  last domctl (creates, pauses or destroys a domain) %s "
                 "before the end %s",
                 duration(x, over, x->end - x->domctl.tsc),
                 at_moment(x, where, &x->domctl));
}

/* Records of all of the subject's events that share a name. */
struct rate {
    uint64_t before, after;
};

static struct rate rate_of(const struct explain *x, const char *name)
{
    struct rate r = { 0, 0 };

    for ( unsigned int id = 0; id < XEN_FLIGHTREC_IDS; id++ )
    {
        const struct event_desc *desc = event_by_id(x->src->doc.dict, id);

        if ( !desc || strcmp(desc->name, name) )
            continue;
        r.before += x->before[id];
        r.after += x->after[id];
    }

    return r;
}

/* An event that is more, or less, frequent in the tail than before it. */
struct difference {
    const char *name;
    struct rate rate;
    double octaves;        /* least change: see stats/score.h */
};

/* Lines for differences at most; those with the largest score are kept. */
#define DIFFERENCES 2

static void insert(struct difference best[DIFFERENCES],
                   const struct difference *new)
{
    unsigned int i = DIFFERENCES - 1;

    if ( fabs(new->octaves) <= fabs(best[i].octaves) )
        return;

    for ( ; i && fabs(new->octaves) > fabs(best[i - 1].octaves); i-- )
        best[i] = best[i - 1];
    best[i] = *new;
}

/* Find events far more frequent in the tail than in the head.  For a hang also
 * events that stopped. */
static void find_differences(const struct explain *x, double head, double tail,
                             struct difference best[DIFFERENCES])
{
    const char *last = "";

    for ( unsigned int id = 0; id < XEN_FLIGHTREC_IDS; id++ )
    {
        const struct event_desc *desc = event_by_id(x->src->doc.dict, id);
        struct difference new;

        if ( !desc || !strcmp(desc->name, last) ||
             score_is_internal(desc->name) )
            continue;
        last = new.name = desc->name;
        new.rate = rate_of(x, desc->name);
        new.octaves = score_rates((struct score_count){ new.rate.before, head },
                                 (struct score_count){ new.rate.after, tail });
        if ( (new.octaves >= RISE_OCTAVES && new.rate.after >= RISE_MIN) ||
             (new.octaves <= -RISE_OCTAVES && !new.rate.after &&
              new.rate.before / head * tail >= RISE_MIN &&
              x->verdict == VERDICT_HUNG) )
            insert(best, &new);
    }
}

static void put_differences(struct explain *x)
{
    uint64_t head = x->tail - x->acc.from, tail = x->end - x->tail;
    struct difference best[DIFFERENCES] = { { 0 } };
    char where[EXPLAIN_PART], name[EXPLAIN_PART];

    if ( x->domid == MERGE_NO_DOMAIN || x->tail <= x->acc.from || head < tail )
        return;

    find_differences(x, head, tail, best);
    for ( unsigned int i = 0; i < DIFFERENCES && best[i].name; i++ )
        put_line(x, "Changed rate: %s of %s came %" PRIu64 " times, %.1f at "
                 "the rate before %s", best[i].name, subject_name(x, name),
                 best[i].rate.after,
                 (double)best[i].rate.before / head * tail,
                 span(x, where, x->tail, x->end, -1));
}

static void put_marks(struct explain *x)
{
    uint64_t i = marks_oldest(&x->marks), nr = x->marks.nr;
    unsigned int shown = 0;
    char name[EXPLAIN_PART], where[EXPLAIN_PART];

    for ( i = nr > 4 + i ? nr - 4 : i; i < nr && shown < 3; i++ )
    {
        const struct mark *m = marks_nth(&x->marks, i);
        const char *why = event_value_name(
            event_enum_find(x->src->doc.dict,
                            m->kind == MARK_CRASH ? "cause" : "shutdown"),
            m->reason);

        if ( m == x->cite ||
             (m->kind != MARK_CRASH && !explain_is_recent(x, m)) ||
             (m->kind == MARK_SHUTDOWN && m->domid == x->domid &&
              m->tsc >= x->from) )
            continue;
        if ( m->kind == MARK_CPU_UP || m->kind == MARK_CPU_DOWN )
            put_line(x, "pCPU %" PRIu32 " went %s %s", m->domid,
                     m->kind == MARK_CPU_UP ? "online" : "offline",
                     at(x, where, m->tsc, m->cpu));
        else if ( m->kind == MARK_SHUTDOWN || m->kind == MARK_CRASH )
            put_line(x, "%s %s: %s %s", domain_name(x, name, m->domid, m->tsc),
                     m->kind == MARK_CRASH ? "crashed" : "shut down",
                     why ? why : "reason not known",
                     at(x, where, m->tsc, m->cpu));
        else
            put_line(x, "%s was %s %s", domain_name(x, name, m->domid, m->tsc),
                     m->kind == MARK_ADD ? "created" : "removed",
                     at(x, where, m->tsc, m->cpu));
        shown++;
    }
}

/*
 * Limits: facts that the recording does not hold.
 */

/* Whether the pCPU's idle vCPU runs at the end. */
static bool is_idle(const struct explain *x, unsigned int cpu)
{
    const struct vcpu *v = vcpus_find(x->acc.vcpus, VCPU_IDLE_DOMAIN, cpu);
    const struct account *a = v ? v->data : NULL;

    return a && (a->changed ? a->state == RUNNING : a->seen);
}

static void put_silent(struct explain *x)
{
    static uint64_t last[UINT16_MAX + 1];
    uint64_t limit = x->src->doc.tsc_khz * (SILENT_NS / 1000000ULL);
    char where[EXPLAIN_PART];

    /* Redacted: other domains ran there. */
    if ( x->src->doc.redacted )
        return;

    memset(last, 0, sizeof(last));
    for ( uint32_t i = 0; i < snapshot_frames(x->src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(x->src->snap, i);

        if ( f->kind == SNAPSHOT_DATA &&
             f->channel == XEN_FLIGHTREC_CH_BUSY &&
             source_last(x->src, f) > last[f->cpu] )
            last[f->cpu] = source_last(x->src, f);
    }

    for ( unsigned int cpu = 0; cpu <= UINT16_MAX; cpu++ )
        if ( last[cpu] && x->acc.to > last[cpu] &&
             x->acc.to - last[cpu] > limit && !is_idle(x, cpu) &&
             (x->verdict != VERDICT_HUNG || cpu != x->cpu) )
        {
            put_line(x, "Not recorded: activity of pCPU %u after its last "
                     "record, though it was not idle %s", cpu,
                     span(x, where, last[cpu], x->acc.to, cpu));
            return;
        }
}

/* Where to look for the facts that Xen does not record. */
static void put_elsewhere(struct explain *x)
{
    static const char *const hint[] = {
        [VERDICT_CRASH] = "the reason of the panic; see the guest's console",
        [VERDICT_VIRIDIAN] = "the reason of the crash; see the guest's dump",
        [VERDICT_XEN_CRASH] = "why Xen killed it; see Xen's console (xl dmesg)",
        [VERDICT_TRIPLE] = "the exceptions before the triple fault; Xen does "
                           "not intercept a guest's own",
        [VERDICT_WATCHDOG] = "whether the guest was stuck; if it only lacked "
                             "time, its share of the pCPU is low",
        [VERDICT_HUNG] = "the code that it runs, and whether it does so on "
                         "purpose; Xen records nothing while a guest runs",
        [VERDICT_CAPPED] = "the cap; see xl sched-credit2",
        [VERDICT_DESTROYED] = "the program in that domain that asked for it",
    };

    if ( (size_t)x->verdict < sizeof(hint) / sizeof(hint[0]) &&
         hint[x->verdict] )
        put_line(x, "Not recorded: %s [trigger]", hint[x->verdict]);
}

static void put_limits(struct explain *x)
{
    const struct doc *d = &x->src->doc;
    const struct snapshot_fault *cut = snapshot_truncated(x->src->snap);
    const struct account *a = subject_account(x, &x->acc);
    char where[EXPLAIN_PART], name[EXPLAIN_PART];

    put_elsewhere(x);
    if ( cut )
        put_line(x, "Incomplete: the file is truncated at byte %" PRIu64
                 " [file]", cut->offset);
    if ( d->redacted )
        put_line(x, "Redacted: only records of %s; other domains and the host "
                 "are not in the file [file]",
                 domain_name(x, name, d->only, d->tsc));
    else if ( !cut && !d->recording && strcmp(d->history, "complete") )
        put_line(x, "Incomplete: Xen could not hold all of the history "
                 "[trigger]");
    if ( x->acc.gaps )
        put_line(x, "Incomplete: at least %" PRIu64 " records are missing, in "
                 "%" PRIu64 " place%s %s", x->acc.missing, x->acc.gaps,
                 x->acc.gaps == 1 ? "" : "s", span_of(x, where, &x->acc));
    if ( a && a->entries && !a->exits && x->verdict != VERDICT_STORM )
        put_line(x, "Not recorded: how long hypercalls and faults of a PV "
                 "guest take; Xen traces no return from them %s",
                 span_of(x, where, &x->acc));
    put_silent(x);
    put_line(x, "History starts here; before it only rare events were kept %s",
             span_of(x, where, &x->acc));
}

/* The limits have lines of their own, so that evidence cannot displace them. */
void explain_write(struct explain *x)
{
    x->room = EXPLAIN_LINES - EXPLAIN_LIMITS;
    explain_write_first(x);
    put_trigger(x);
    put_entries(x);
    put_running(x);
    put_neighbours(x);
    put_differences(x);
    put_longest_wait(x);
    put_paused(x);
    put_dom0(x);
    put_marks(x);
    x->room = EXPLAIN_LINES;
    put_limits(x);
}
