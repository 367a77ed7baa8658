/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain-lines.c: the story in lines.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "tools/explain.h"

/* A pCPU that has no record for so long before the end is worth a word. */
#define SILENT_NS 10000000

__attribute__((format(printf, 2, 3)))
static void say(struct story *s, const char *fmt, ...)
{
    va_list ap;

    if ( s->lines == EXPLAIN_LINES )
        return;

    va_start(ap, fmt);
    vsnprintf(s->line[s->lines++], EXPLAIN_LINE_BYTES, fmt, ap);
    va_end(ap);
}

/*
 * Parts of lines.  Each writes to `buf` and returns it.
 */

#define PART 128

static double secs(const struct story *s, uint64_t tsc)
{
    return doc_ns(&s->src->doc, tsc) / 1e9;
}

static const char *lasts(const struct story *s, char *buf, uint64_t ticks)
{
    double us = ticks * 1e3 / s->src->doc.tsc_khz;

    if ( us < 1e3 )
        snprintf(buf, PART, "%.1f us", us);
    else if ( us < 1e6 )
        snprintf(buf, PART, "%.2f ms", us / 1e3);
    else
        snprintf(buf, PART, "%.3f s", us / 1e6);
    return buf;
}

static const char *at(const struct story *s, char *buf, uint64_t tsc,
                      uint16_t cpu)
{
    snprintf(buf, PART, "[%+.9f cpu%u]", secs(s, tsc), cpu);
    return buf;
}

static const char *span(const struct story *s, char *buf, uint64_t from,
                        uint64_t to, int cpu)
{
    char who[24] = "all pCPUs";

    if ( cpu >= 0 )
        snprintf(who, sizeof(who), "cpu%d", cpu);
    snprintf(buf, PART, "[%+.6f to %+.6f %s]", secs(s, from), secs(s, to), who);
    return buf;
}

static const char *stretch(const struct story *s, char *buf)
{
    return span(s, buf, s->acc.from, s->acc.to, -1);
}

/* `domain 5 "web1"`; one that died may be in the trigger only. */
static const char *domain(const struct story *s, char *buf, uint32_t domid)
{
    const struct doc *d = &s->src->doc;
    const char *name = doc_text(doc_domain(d, domid), "name", "");
    char safe[80];

    if ( !name[0] && d->domid == domid )
        name = d->name;
    text_escape(safe, sizeof(safe), name);
    snprintf(buf, PART, safe[0] ? "domain %" PRIu32 " \"%s\""
                                : "domain %" PRIu32 "%s", domid, safe);
    return buf;
}

static const char *subject(const struct story *s, char *buf)
{
    char dom[PART];

    domain(s, dom, s->domid);
    if ( s->has_vcpu )
        snprintf(buf, PART, "%.100s vCPU %" PRIu32, dom, s->vcpu);
    else
        snprintf(buf, PART, "%s", dom);
    return buf;
}

static const struct account *own_account(const struct story *s)
{
    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);

        if ( v->domid == s->domid && s->has_vcpu && v->vcpu == s->vcpu )
            return v->data;
    }

    return NULL;
}

static const struct episode *last_episode(const struct story *s)
{
    return s->nr_episodes
           ? &s->episode[(s->nr_episodes - 1) % EXPLAIN_EPISODES] : NULL;
}

static unsigned int share(uint64_t part, uint64_t all)
{
    return all ? (unsigned __int128)part * 100 / all : 0;
}

static const char *op_name(const struct story *s, char *buf, unsigned int op)
{
    const char *name =
        event_value_name(event_enum_find(s->src->doc.dict, "hypercall"), op);

    if ( name )
        snprintf(buf, PART, "%s", name);
    else
        snprintf(buf, PART, "%u", op);
    return buf;
}

/*
 * The first line: who, of what, where.
 */

static const char *cite(const struct story *s, char *buf)
{
    if ( s->cite )
        return at(s, buf, s->cite->tsc, s->cite->cpu);

    snprintf(buf, PART, "[trigger]");
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
    char who[PART], where[PART], rip[40] = "";

    if ( d->has_rip )
        snprintf(rip, sizeof(rip), ", rip %#" PRIx64, d->rip);
    say(s, "%s %s; on pCPU %u%s %s", subject(s, who), how[s->plot], s->cpu, rip,
        cite(s, where));
}

static void say_crashed_before(struct story *s)
{
    const char *cause =
        event_value_name(event_enum_find(s->src->doc.dict, "cause"),
                         s->cite->reason);
    char who[PART], where[PART], ago[PART];

    say(s, "Asked for; %s had died (%s) %s before, on pCPU %u %s",
        subject(s, who), cause ? cause : "?",
        lasts(s, ago, s->acc.to - s->cite->tsc), s->cpu, cite(s, where));
}

static void say_hung(struct story *s)
{
    const struct account *a = own_account(s);
    uint64_t from = story_quiet_from(s, a);
    char who[PART], where[PART], since[PART];

    say(s, "%s hangs: it is on pCPU %u and has not entered Xen for %s, no "
        "timer, no hypercall, no fault %s", subject(s, who), s->cpu,
        lasts(s, since, s->acc.to - from),
        span(s, where, from, s->acc.to, s->cpu));
}

static void say_starved(struct story *s)
{
    const struct account *a = own_account(s);
    uint64_t all = s->acc.to - s->acc.from;
    char who[PART], where[PART], longest[PART];

    say(s, "%s is starved: ready to run for %u%% of the time, it ran for %u%%; "
        "longest wait %s, from %+.6f %s", subject(s, who),
        share(a->ticks[RUNNABLE], all), share(a->ticks[RUNNING], all),
        lasts(s, longest, a->longest), secs(s, a->longest_tsc),
        stretch(s, where));
}

static void say_storm(struct story *s)
{
    const struct account *a = own_account(s);
    double all = (s->acc.to - s->acc.from) / (s->src->doc.tsc_khz * 1e3);
    char who[PART], where[PART], op[PART];
    unsigned int best = 0;

    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        if ( a->ops[i] > a->ops[best] )
            best = i;
    say(s, "%s makes a storm of hypercalls: %.0f a second, of which %s %u%% %s",
        subject(s, who), a->hypercalls / all, op_name(s, op, best),
        share(a->ops[best], a->hypercalls), stretch(s, where));
}

static void say_destroyed(struct story *s)
{
    char who[PART], where[PART];

    say(s, "%s was destroyed from outside: it was removed and had not shut "
        "itself down %s", domain(s, who, s->domid), cite(s, where));
}

static void say_nothing(struct story *s)
{
    char where[PART];

    say(s, "Nobody died, hung or starved in %sthis recording %s",
        snapshot_truncated(s->src->snap) ? "what is left of " : "",
        stretch(s, where));
}

static void say_first(struct story *s)
{
    switch ( s->plot )
    {
    case PLOT_CRASHED_BEFORE:
        say_crashed_before(s);
        break;
    case PLOT_HUNG:
        say_hung(s);
        break;
    case PLOT_STARVED:
        say_starved(s);
        break;
    case PLOT_STORM:
        say_storm(s);
        break;
    case PLOT_DESTROYED:
        say_destroyed(s);
        break;
    case PLOT_NOTHING:
        say_nothing(s);
        break;
    default:
        say_death(s);
    }
}

static void say_when(struct story *s)
{
    const struct doc *d = &s->src->doc;
    char when[48], cause[PART], text[PART];

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

static void say_episode(struct story *s, const struct episode *e)
{
    char where[PART], mean[PART], most[PART], over[PART], took[3 * PART] = "";

    if ( e->ends )
        snprintf(took, sizeof(took), ", handled in %s, at most %s",
                 lasts(s, mean, e->handled / e->ends),
                 lasts(s, most, e->longest));
    if ( e->times == 1 )
        say(s, "  %s%s %s", e->what, took, at(s, where, e->first, e->cpu));
    else
        say(s, "  %s, %" PRIu64 " times over %s%s %s", e->what, e->times,
            lasts(s, over, e->last - e->first), took,
            span(s, where, e->first, e->last, e->cpu));
}

static void say_deeds(struct story *s)
{
    uint64_t i = s->nr_episodes > EXPLAIN_EPISODES
                 ? s->nr_episodes - EXPLAIN_EPISODES : 0;
    char who[PART], where[PART];

    if ( s->domid == MERGE_NO_DOMAIN || s->plot == PLOT_STORM )
        return;
    if ( !s->nr_episodes )
    {
        say(s, "Nothing that %s did in Xen is in the recording %s",
            subject(s, who), stretch(s, where));
        return;
    }

    say(s, "The last that %s did in Xen, oldest first: %s", subject(s, who),
        span(s, where, s->episode[i % EXPLAIN_EPISODES].first,
             last_episode(s)->last, -1));
    for ( ; i < s->nr_episodes; i++ )
        say_episode(s, &s->episode[i % EXPLAIN_EPISODES]);
    if ( s->open_exit && s->plot < PLOT_HUNG )
        say(s, "Xen was still handling %s when it ended %s",
            last_episode(s)->what, at(s, where, s->open_exit, s->cpu));
}

static void say_running(struct story *s)
{
    const struct account *a = own_account(s);
    char ran[PART], waited[PART], where[PART], time[PART], longest[2 * PART];

    if ( !a )
        return;

    longest[0] = '\0';
    if ( a->longest )
        snprintf(longest, sizeof(longest), "; its longest wait was %s, from "
                 "%+.6f on", lasts(s, time, a->longest),
                 secs(s, a->longest_tsc));
    if ( s->ran_from )
        say(s, "It began to run %s before the end, after a wait of %s%s %s",
            lasts(s, ran, s->end - s->ran_from), lasts(s, waited, s->waited),
            longest, at(s, where, s->ran_from, s->ran_cpu));
    if ( a->changed && a->state != RUNNING )
        say(s, "It was %s from here on %s", runstate_text[a->state],
            at(s, where, a->since, a->cpu));
}

/* Who had the pCPU just before. */
static void say_neighbours(struct story *s)
{
    uint64_t all = s->end > s->tail ? s->end - s->tail : 0;
    char text[EXPLAIN_LINE_BYTES / 2] = "", where[PART];
    size_t len = 0;

    if ( s->domid == MERGE_NO_DOMAIN )
        return;

    for ( unsigned int i = 0; i < vcpus_nr(s->neighbours); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->neighbours, i);
        unsigned int part = share(*(uint64_t *)v->data, all);

        if ( !part || len + 40 > sizeof(text) )
            continue;
        if ( v->domid == VCPU_IDLE_DOMAIN )
            len += sprintf(text + len, "%sidle %u%%", len ? ", " : "", part);
        else
            len += sprintf(text + len, "%sd%uv%u %u%%", len ? ", " : "",
                           v->domid, v->vcpu, part);
    }
    say(s, "On pCPU %u just before: %s %s", s->cpu,
        len ? text : "nothing recorded",
        span(s, where, s->tail, s->end, s->cpu));
}

/*
 * Others.
 */

static void say_dom0(struct story *s)
{
    uint64_t ticks = 0, unknown = 0, all = s->acc.to - s->acc.from, calls = 0;
    char text[3 * PART] = "", name[PART], where[PART], but[48] = "";
    size_t len = 0;

    for ( unsigned int i = 0; i < vcpus_nr(s->acc.vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(s->acc.vcpus, i);
        const struct account *a = v->data;

        ticks += v->domid == 0 ? a->ticks[RUNNING] : 0;
        unknown += v->domid == 0 ? a->unknown : 0;
    }
    if ( unknown )
        snprintf(but, sizeof(but), "; %u%% of its vCPUs' time is not known",
                 share(unknown, all));

    for ( unsigned int n = 0; n < 3; n++ )
    {
        unsigned int best = 0;

        for ( unsigned int i = 1; i < ACCOUNT_OPS; i++ )
            if ( s->dom0_ops[i] > s->dom0_ops[best] )
                best = i;
        if ( !s->dom0_ops[best] )
            break;
        calls += s->dom0_ops[best];
        len += snprintf(text + len, sizeof(text) - len, "%s%s %" PRIu64,
                        n ? ", " : "", op_name(s, name, best),
                        s->dom0_ops[best]);
        s->dom0_ops[best] = 0;
    }
    say(s, "Dom0 had %u%% of a pCPU%s %s", share(ticks, all), but,
        stretch(s, where));
    say(s, "  its hypercalls just before: %s %s", calls ? text : "none",
        span(s, where, s->tail, s->end, -1));
    if ( s->dom0_last_domctl )
        say(s, "  its last domctl (creates, pauses, destroys domains) %s",
            at(s, where, s->dom0_last_domctl, s->dom0_domctl_cpu));
}

/* What is far more frequent just before than in the part before that. */
static void say_differences(struct story *s)
{
    uint64_t head = s->tail - s->acc.from, tail = s->end - s->tail;
    char where[PART], who[PART];
    unsigned int told = 0;

    if ( s->domid == MERGE_NO_DOMAIN || head < tail )
        return;

    for ( unsigned int id = 0; id < XEN_FLIGHTREC_IDS && told < 2; id++ )
    {
        const struct event_desc *desc = event_by_id(s->src->doc.dict, id);
        double before = (double)s->before[id] / head * tail;

        if ( !desc || s->after[id] < 20 || s->after[id] < 5 * before )
            continue;
        say(s, "Different from before: %s of %s, %" PRIu64 " times, where %.1f "
            "would be as before %s", desc->name, subject(s, who), s->after[id],
            before, span(s, where, s->tail, s->end, -1));
        told++;
    }
}

static void say_marks(struct story *s)
{
    static const char *const what[MARKS] = {
        [MARK_CRASH] = "crashed", [MARK_ADD] = "was created",
        [MARK_REMOVE] = "was removed",
    };
    uint64_t i = s->nr_marks > EXPLAIN_MARKS ? s->nr_marks - EXPLAIN_MARKS : 0;
    unsigned int told = 0;
    char who[PART], where[PART];

    for ( i = s->nr_marks > 4 + i ? s->nr_marks - 4 : i;
          i < s->nr_marks && told < 3; i++ )
    {
        const struct mark *m = &s->mark[i % EXPLAIN_MARKS];
        const char *why = event_value_name(
            event_enum_find(s->src->doc.dict, "shutdown"), m->reason);

        if ( m == s->cite || (m->kind != MARK_CRASH && !story_recent(s, m)) ||
             (m->kind == MARK_SHUTDOWN && m->domid == s->domid) )
            continue;
        if ( m->kind == MARK_CPU_UP || m->kind == MARK_CPU_DOWN )
            say(s, "pCPU %" PRIu32 " went %s %s", m->domid,
                m->kind == MARK_CPU_UP ? "online" : "offline",
                at(s, where, m->tsc, m->cpu));
        else if ( m->kind == MARK_SHUTDOWN )
            say(s, "%s shut itself down: %s %s", domain(s, who, m->domid),
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

static void say_silent(struct story *s)
{
    static uint64_t last[UINT16_MAX + 1];
    uint64_t limit = s->src->doc.tsc_khz * (SILENT_NS / 1000000ULL);
    char where[PART];

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
             s->acc.to - last[cpu] > limit )
        {
            say(s, "Cannot tell: pCPU %u recorded nothing from its last record "
                "on: idle, or busy with what is not traced %s", cpu,
                span(s, where, last[cpu], s->acc.to, cpu));
            return;
        }
}

static void say_limits(struct story *s)
{
    const struct doc *d = &s->src->doc;
    const struct snapshot_fault *cut = snapshot_truncated(s->src->snap);
    const struct account *a = own_account(s);
    char where[PART];

    if ( cut )
        say(s, "Cannot tell: the file is cut at byte %" PRIu64 " [%s]",
            cut->offset, "file");
    else if ( !d->recording && strcmp(d->history, "complete") )
        say(s, "Cannot tell all: Xen could not hold all of the history "
            "[trigger]");
    if ( s->acc.gaps )
        say(s, "Cannot tell all: records are missing in %" PRIu64 " places, at "
            "least %" PRIu64 " %s", s->acc.gaps, s->acc.missing,
            stretch(s, where));
    if ( a && a->entries && !a->exits )
        say(s, "Cannot tell how long hypercalls and faults of a PV guest took: "
            "Xen records no return from them %s", stretch(s, where));
    say_silent(s);
    say(s, "Nothing is known of what is older than this, but for rare events "
        "%s", stretch(s, where));
}

void story_write(struct story *s)
{
    say_first(s);
    say_when(s);
    say_deeds(s);
    say_running(s);
    say_neighbours(s);
    say_differences(s);
    say_dom0(s);
    say_marks(s);
    say_limits(s);
}
