/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lines.c: the story in lines, after the first.
 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/stats/score.h"
#include "tools/explain/text.h"

/* At least five times as often, in octaves; and so many that they matter. */
#define FAR_MORE  2.321928094887362
#define SO_MANY   20

/* A pCPU that has no record for so long before the end is worth a word. */
#define SILENT_NS 10000000

static const struct episode *last_episode(const struct story *s)
{
    return s->nr_episodes
           ? &s->episode[(s->nr_episodes - 1) % EXPLAIN_EPISODES] : NULL;
}

static void say_when(struct story *s)
{
    const struct doc *d = &s->src->doc;
    char when[48], cause[EXPLAIN_PART], text[EXPLAIN_PART];

    text_escape(cause, sizeof(cause), d->cause);
    text_escape(text, sizeof(text), d->reason_text);
    say(s, "Trigger: %s%s%s%s, %s [trigger]", cause, text[0] ? " \"" : "", text,
        text[0] ? "\"" : "",
        d->has_wall ? text_time(when, sizeof(when), d->wall_ns)
                    : "no wall clock");
}

/*
 * The subject's last deeds.
 */

/* Where a trap or an exit was, and at what address: ` va=0x1000 rip=0x2000'. */
static const char *details(const struct story *s, const struct episode *e,
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
             !event_field_text(s->src->doc.dict, rec->desc, n, rec->data,
                               rec->words, value, sizeof(value)) ||
             len + strlen(fields[i]) + strlen(value) + 3 > EXPLAIN_PART )
            continue;
        len += sprintf(buf + len, " %s=%s", fields[i], value);
    }

    return buf;
}

/* `PV_PAGE_FAULT va=0x1000 rip=0x2000', `hypercall iret, 7 times over 2.1 ms'. */
static void say_episode(struct story *s, const struct episode *e)
{
    char where[EXPLAIN_PART], mean[EXPLAIN_PART], most[EXPLAIN_PART],
        over[EXPLAIN_PART], detail[EXPLAIN_PART], took[3 * EXPLAIN_PART] = "";

    details(s, e, detail);
    if ( e->ends == 1 )
        snprintf(took, sizeof(took), ", handled in %s",
                 lasts(s, mean, e->handled));
    else if ( e->ends )
        snprintf(took, sizeof(took), ", each handled in %s, at most %s",
                 lasts(s, mean, e->handled / e->ends),
                 lasts(s, most, e->longest));
    if ( e->times == 1 )
        say(s, "  %s%s%s %s", e->what, detail, took,
            at(s, where, e->first, e->cpu));
    else
        say(s, "  %s, %" PRIu64 " times over %s%s%s%s %s", e->what, e->times,
            lasts(s, over, e->last - e->first), detail[0] ? ", last" : "",
            detail, took, span(s, where, e->first, e->last,
                               e->moved ? -1 : e->cpu));
}

/* It died before it was back in the guest. */
static void say_unfinished(struct story *s)
{
    const struct episode *e = last_episode(s);
    char where[EXPLAIN_PART], after[EXPLAIN_PART];

    if ( !e || (s->plot != PLOT_XEN_CRASH &&
                (!s->open_exit || s->plot >= PLOT_HUNG)) )
        return;
    say(s, "Xen was %s handling %s, for %s, when it ended %s",
        s->open_exit ? "still" : "probably", e->what,
        lasts(s, after, s->end - e->last), at(s, where, e->last, e->cpu));
}

static void say_deeds(struct story *s)
{
    uint64_t i = s->nr_episodes > EXPLAIN_EPISODES
                 ? s->nr_episodes - EXPLAIN_EPISODES : 0;
    char who[EXPLAIN_PART], where[EXPLAIN_PART];

    if ( s->domid == MERGE_NO_DOMAIN || s->plot == PLOT_STORM )
        return;
    if ( !s->nr_episodes )
    {
        say(s, "Nothing that %s did in Xen is in the recording %s",
            subject(s, who), stretch(s, where, &s->acc));
        return;
    }

    say(s, "The last that %s did in Xen, oldest first: %s", subject(s, who),
        span(s, where, s->episode[i % EXPLAIN_EPISODES].first,
             last_episode(s)->last, -1));
    for ( ; i < s->nr_episodes; i++ )
        say_episode(s, &s->episode[i % EXPLAIN_EPISODES]);
    say_unfinished(s);
}

/* How it fared at the end; of somebody who died before that, nothing. */
static void say_fared(struct story *s)
{
    const struct accounts *acc = s->rests ? s->rests : &s->now;
    const struct account *a = own_account(s, acc);
    uint64_t all = acc->to - acc->from;
    char over[EXPLAIN_PART], where[EXPLAIN_PART], time[EXPLAIN_PART],
        longest[2 * EXPLAIN_PART] = "", unknown[48] = "";

    if ( !a || !all || s->end < acc->to )
        return;
    if ( a->longest )
        snprintf(longest, sizeof(longest), "; longest wait %s, from %+.6f on",
                 lasts(s, time, a->longest), secs(s, a->longest_tsc));
    if ( share_of(a->unknown, all) )
        snprintf(unknown, sizeof(unknown), ", %u%% are not known",
                 share_of(a->unknown, all));
    say(s, "Of the last %s it ran for %u%%, was ready and waited for %u%%, "
        "slept for %u%%, was off for %u%%%s%s %s", lasts(s, over, all),
        share_of(a->ticks[RUNNING], all), share_of(a->ticks[RUNNABLE], all),
        share_of(a->ticks[BLOCKED], all), share_of(a->ticks[OFFLINE], all),
        unknown, longest, stretch(s, where, acc));
}

static void say_running(struct story *s)
{
    const struct account *a = own_account(s, &s->acc);
    char ran[EXPLAIN_PART], waited[EXPLAIN_PART], where[EXPLAIN_PART];

    say_fared(s);
    if ( s->ran.tsc && !s->ran_to )
        say(s, "It began to run %s before the end, after a wait of %s %s",
            lasts(s, ran, s->end - s->ran.tsc), lasts(s, waited, s->waited),
            at_deed(s, where, &s->ran));
    else if ( s->ran.tsc )
        say(s, "It last ran for %s, after a wait of %s %s",
            lasts(s, ran, s->ran_to - s->ran.tsc), lasts(s, waited, s->waited),
            at_deed(s, where, &s->ran));
    if ( a && a->changed && a->state != RUNNING && a->since < s->end )
        say(s, "It was %s from here on %s", runstate_text[a->state],
            at(s, where, a->since, a->cpu));
}

/* `d1v0 "web1"', `idle'. */
static void short_name(const struct story *s, const struct vcpu *v, char *buf,
                       size_t bytes)
{
    const json_t *dom = doc_domain(&s->src->doc, v->domid);
    const char *name = doc_text(dom, "name", "");
    char safe[40];

    if ( v->domid == VCPU_IDLE_DOMAIN )
        snprintf(buf, bytes, "idle");
    else if ( name[0] )
        snprintf(buf, bytes, "d%uv%u \"%s\"", v->domid, v->vcpu,
                 text_escape(safe, sizeof(safe), name));
    else
        snprintf(buf, bytes, "d%uv%u", v->domid, v->vcpu);
}

static uint64_t ticks_of(const struct vcpu *v)
{
    return *(const uint64_t *)v->data;
}

/* The vCPU with most ticks below those of `above`; NULL: none. */
static const struct vcpu *next_neighbour(const struct story *s,
                                         const struct vcpu *above)
{
    const struct vcpu *best = NULL;

    for ( unsigned int i = 0; i < vcpus_nr(s->neighbours); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->neighbours, i);

        if ( above && (ticks_of(v) > ticks_of(above) ||
                       (ticks_of(v) == ticks_of(above) && v <= above)) )
            continue;
        if ( !best || ticks_of(v) > ticks_of(best) )
            best = v;
    }

    return best;
}

/* `last 100.00 ms', `100.00 ms before its end': from the tail's begin on. */
static const char *tail_name(const struct story *s, char *buf)
{
    char over[EXPLAIN_PART / 2];

    lasts(s, buf, s->end > s->tail ? s->end - s->tail : 0);
    snprintf(over, sizeof(over), "%s", buf);
    snprintf(buf, EXPLAIN_PART, s->end < s->acc.to ? "%s before its end"
                                                   : "last %s", over);
    return buf;
}

/* Who had the pCPU just before, those with most of it. */
static void say_neighbours(struct story *s)
{
    uint64_t all = s->end > s->tail ? s->end - s->tail : 0;
    char text[EXPLAIN_LINE_BYTES / 2] = "", where[EXPLAIN_PART],
        over[EXPLAIN_PART], name[80];
    const struct vcpu *v = NULL;
    size_t len = 0;

    if ( s->domid == MERGE_NO_DOMAIN || !all )
        return;

    while ( (v = next_neighbour(s, v)) && share_of(ticks_of(v), all) &&
            len + sizeof(name) + 8 < sizeof(text) )
    {
        short_name(s, v, name, sizeof(name));
        len += sprintf(text + len, "%s%s %u%%", len ? ", " : "", name,
                       share_of(ticks_of(v), all));
    }
    say(s, "Of the %s pCPU %u was with: %s %s", tail_name(s, over), s->cpu,
        len ? text : "nobody known",
        span(s, where, s->tail, s->end, s->cpu));
}

/*
 * Others.
 */

/* Where nothing is wrong: what comes nearest to it. */
static void say_longest(struct story *s)
{
    const struct vcpu *best = NULL;
    char who[EXPLAIN_PART], time[EXPLAIN_PART], where[EXPLAIN_PART];
    const struct account *a;

    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);

        a = v->data;
        if ( v->domid != VCPU_IDLE_DOMAIN && a->longest &&
             (!best ||
              a->longest > ((const struct account *)best->data)->longest) )
            best = v;
    }
    if ( s->plot != PLOT_NOTHING || !best )
        return;

    a = best->data;
    say(s, "The longest that anybody waited to run: %s, %s %s",
        vcpu_name(s, who, best->domid, best->vcpu), lasts(s, time, a->longest),
        span(s, where, a->longest_tsc, a->longest_tsc + a->longest, -1));
}

/* Does a hypercall of Dom0 concern more than itself? */
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

/* Those that Dom0 made most of: `grant_table_op 12, domctl 3'. */
static void list_ops(struct story *s, char *buf, size_t bytes)
{
    char name[EXPLAIN_PART];
    size_t len = 0;

    buf[0] = '\0';
    for ( unsigned int op = 0; op < ACCOUNT_OPS; op++ )
        if ( !acts_on_others(op_name(s, name, op)) )
            s->dom0_ops[op] = 0;

    for ( unsigned int n = 0; n < 4; n++ )
    {
        unsigned int best = 0;

        for ( unsigned int i = 1; i < ACCOUNT_OPS; i++ )
            if ( s->dom0_ops[i] > s->dom0_ops[best] )
                best = i;
        if ( !s->dom0_ops[best] || len + EXPLAIN_PART > bytes )
            break;
        len += snprintf(buf + len, bytes - len, "%s%s %" PRIu64, n ? ", " : "",
                        op_name(s, name, best), s->dom0_ops[best]);
        s->dom0_ops[best] = 0;
    }
}

static void say_dom0(struct story *s)
{
    uint64_t ticks = 0, unknown = 0, all = s->acc.to - s->acc.from;
    char text[EXPLAIN_LINE_BYTES / 2], where[EXPLAIN_PART], over[EXPLAIN_PART],
        but[48] = "";

    if ( !all )
        return;
    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);
        const struct account *a = v->data;

        ticks += v->domid == 0 ? a->ticks[RUNNING] : 0;
        unknown += v->domid == 0 ? a->unknown : 0;
    }
    if ( share_of(unknown, all) )
        snprintf(but, sizeof(but), "; %u%% of its vCPUs' time is not known",
                 share_of(unknown, all));
    say(s, "Dom0 had %u%% of a pCPU%s %s", share_of(ticks, all), but,
        stretch(s, where, &s->acc));

    list_ops(s, text, sizeof(text));
    say(s, "  hypercalls in the %s: %" PRIu64 ", of these beyond itself: %s %s",
        tail_name(s, over), s->dom0_calls, text[0] ? text : "none",
        span(s, where, s->tail, s->end, -1));
    if ( s->domctl.tsc )
        say(s, "  its last domctl (creates, pauses, destroys domains), %s "
            "before the end %s", lasts(s, over, s->end - s->domctl.tsc),
            at_deed(s, where, &s->domctl));
}

/* Of all of the subject's events that are shown by this name. */
struct rate {
    uint64_t before, after;
};

static struct rate rate_of(const struct story *s, const char *name)
{
    struct rate r = { 0, 0 };

    for ( unsigned int id = 0; id < XEN_FLIGHTREC_IDS; id++ )
    {
        const struct event_desc *desc = event_by_id(s->src->doc.dict, id);

        if ( !desc || strcmp(desc->name, name) )
            continue;
        r.before += s->before[id];
        r.after += s->after[id];
    }

    return r;
}

/* An event that is more, or less, frequent just before than before that. */
struct difference {
    const char *name;
    struct rate rate;
    double octaves;        /* the least that it may be: see stats/score.h */
};

/* So many are told, the surest of the largest. */
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

/* Its events that came far more often just before than in the part before that;
 * of who hangs also those that came no more. */
static void find_differences(const struct story *s, double head, double tail,
                             struct difference best[DIFFERENCES])
{
    const char *last = "";

    for ( unsigned int id = 0; id < XEN_FLIGHTREC_IDS; id++ )
    {
        const struct event_desc *desc = event_by_id(s->src->doc.dict, id);
        struct difference new;

        if ( !desc || !strcmp(desc->name, last) ||
             score_is_internal(desc->name) )
            continue;
        last = new.name = desc->name;
        new.rate = rate_of(s, desc->name);
        new.octaves = score_rates((struct score_count){ new.rate.before, head },
                                 (struct score_count){ new.rate.after, tail });
        if ( (new.octaves >= FAR_MORE && new.rate.after >= SO_MANY) ||
             (new.octaves <= -FAR_MORE && !new.rate.after &&
              new.rate.before / head * tail >= SO_MANY &&
              s->plot == PLOT_HUNG) )
            insert(best, &new);
    }
}

static void say_differences(struct story *s)
{
    uint64_t head = s->tail - s->acc.from, tail = s->end - s->tail;
    struct difference best[DIFFERENCES] = { { 0 } };
    char where[EXPLAIN_PART], who[EXPLAIN_PART];

    if ( s->domid == MERGE_NO_DOMAIN || s->tail <= s->acc.from || head < tail )
        return;

    find_differences(s, head, tail, best);
    for ( unsigned int i = 0; i < DIFFERENCES && best[i].name; i++ )
        say(s, "Different from before: %s of %s, %" PRIu64 " times, where %.1f "
            "would be as before %s", best[i].name, subject(s, who),
            best[i].rate.after, (double)best[i].rate.before / head * tail,
            span(s, where, s->tail, s->end, -1));
}

static void say_marks(struct story *s)
{
    static const char *const what[MARKS] = {
        [MARK_ADD] = "was created", [MARK_REMOVE] = "was removed",
    };
    uint64_t i = marks_oldest(&s->marks), nr = s->marks.nr;
    unsigned int told = 0;
    char who[EXPLAIN_PART], where[EXPLAIN_PART];

    for ( i = nr > 4 + i ? nr - 4 : i; i < nr && told < 3; i++ )
    {
        const struct mark *m = marks_nth(&s->marks, i);
        const char *why = event_value_name(
            event_enum_find(s->src->doc.dict,
                            m->kind == MARK_CRASH ? "cause" : "shutdown"),
            m->reason);

        if ( m == s->cite || (m->kind != MARK_CRASH && !story_recent(s, m)) ||
             (m->kind == MARK_SHUTDOWN && m->domid == s->domid) )
            continue;
        if ( m->kind == MARK_CPU_UP || m->kind == MARK_CPU_DOWN )
            say(s, "pCPU %" PRIu32 " went %s %s", m->domid,
                m->kind == MARK_CPU_UP ? "online" : "offline",
                at(s, where, m->tsc, m->cpu));
        else if ( m->kind == MARK_SHUTDOWN || m->kind == MARK_CRASH )
            say(s, "%s %s: %s %s", domain(s, who, m->domid),
                m->kind == MARK_CRASH ? "died" : "shut itself down",
                why ? why : "?", at(s, where, m->tsc, m->cpu));
        else
            say(s, "%s %s %s", domain(s, who, m->domid), what[m->kind],
                at(s, where, m->tsc, m->cpu));
        told++;
    }
}

/*
 * What it cannot tell.
 */

/* Its idle vCPU runs there at the end: it says so itself. */
static bool is_idle(const struct story *s, unsigned int cpu)
{
    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);
        const struct account *a = v->data;

        if ( v->domid == VCPU_IDLE_DOMAIN && v->vcpu == cpu )
            return a->changed ? a->state == RUNNING : a->seen;
    }

    return false;
}

static void say_silent(struct story *s)
{
    static uint64_t last[UINT16_MAX + 1];
    uint64_t limit = s->src->doc.tsc_khz * (SILENT_NS / 1000000ULL);
    char where[EXPLAIN_PART];

    memset(last, 0, sizeof(last));
    for ( uint32_t i = 0; i < snapshot_frames(s->src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s->src->snap, i);

        if ( f->kind == SNAPSHOT_DATA &&
             f->channel == XEN_FLIGHTREC_CH_BUSY &&
             source_last(s->src, f) > last[f->cpu] )
            last[f->cpu] = source_last(s->src, f);
    }

    for ( unsigned int cpu = 0; cpu <= UINT16_MAX; cpu++ )
        if ( last[cpu] && s->acc.to > last[cpu] &&
             s->acc.to - last[cpu] > limit && !is_idle(s, cpu) &&
             (s->plot != PLOT_HUNG || cpu != s->cpu) )
        {
            say(s, "Cannot tell what pCPU %u did from its last record on: it "
                "was not idle, but nothing was traced %s", cpu,
                span(s, where, last[cpu], s->acc.to, cpu));
            return;
        }
}

/* Where else to look. */
static void say_elsewhere(struct story *s)
{
    static const char *const what[] = {
        [PLOT_CRASH] = "why its kernel gave up: its own console has that",
        [PLOT_VIRIDIAN] = "why its kernel gave up: its own dump has that",
        [PLOT_XEN_CRASH] = "why Xen killed it: Xen's console (xl dmesg) has "
                           "that",
        [PLOT_TRIPLE] = "which exceptions it could not handle: Xen does not "
                        "see a guest's own",
        [PLOT_WATCHDOG] = "why nobody reset the watchdog: stuck, or kept from "
                          "running, for which see above",
        [PLOT_HUNG] = "what it executes, and whether it does so on purpose: no "
                      "record is made while a guest is left alone",
        [PLOT_CAPPED] = "the cap itself: xl sched-credit2 has that",
        [PLOT_DESTROYED] = "which program of that domain asked",
    };

    if ( (size_t)s->plot < sizeof(what) / sizeof(what[0]) && what[s->plot] )
        say(s, "Cannot tell %s [trigger]", what[s->plot]);
}

static void say_limits(struct story *s)
{
    const struct doc *d = &s->src->doc;
    const struct snapshot_fault *cut = snapshot_truncated(s->src->snap);
    const struct account *a = own_account(s, &s->acc);
    char where[EXPLAIN_PART];

    say_elsewhere(s);
    if ( cut )
        say(s, "Cannot tell: the file is cut at byte %" PRIu64 " [file]",
            cut->offset);
    else if ( !d->recording && strcmp(d->history, "complete") )
        say(s, "Cannot tell all: Xen could not hold all of the history "
            "[trigger]");
    if ( s->acc.gaps )
        say(s, "Cannot tell all: records are missing in %" PRIu64 " place%s, at "
            "least %" PRIu64 " %s", s->acc.gaps, s->acc.gaps == 1 ? "" : "s",
            s->acc.missing, stretch(s, where, &s->acc));
    if ( a && a->entries && !a->exits && s->plot != PLOT_STORM )
        say(s, "Cannot tell how long hypercalls and faults of a PV guest took: "
            "Xen records no return from them %s", stretch(s, where, &s->acc));
    say_silent(s);
    say(s, "Nothing is known of what is older than this, but for rare events "
        "%s", stretch(s, where, &s->acc));
}

/* What it cannot tell must not fall off the end. */
void story_write(struct story *s)
{
    s->room = EXPLAIN_LINES - EXPLAIN_LIMITS;
    story_first(s);
    say_when(s);
    say_deeds(s);
    say_running(s);
    say_neighbours(s);
    say_differences(s);
    say_longest(s);
    say_dom0(s);
    say_marks(s);
    s->room = EXPLAIN_LINES;
    say_limits(s);
}
