/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c: reads a snapshot for the one thing that it is about.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/walk.h"
#include "tools/explain/explain.h"

/*
 * Marks.
 */

static const struct {
    const char *name;
    enum mark_kind kind;
} mark_names[] = {
    { "FR_DOMAIN_CRASH", MARK_CRASH },
    { "SCHED_SHUTDOWN", MARK_SHUTDOWN },
    { "SCHED_DOM_ADD", MARK_ADD },
    { "DOM0_DOM_ADD", MARK_ADD },
    { "SCHED_DOM_REM", MARK_REMOVE },
    { "DOM0_DOM_REM", MARK_REMOVE },
    { "FR_CPU_UP", MARK_CPU_UP },
    { "FR_CPU_DOWN", MARK_CPU_DOWN },
};

bool mark_find(const char *name, enum mark_kind *kind)
{
    for ( size_t i = 0; i < sizeof(mark_names) / sizeof(mark_names[0]); i++ )
        if ( !strcmp(name, mark_names[i].name) )
        {
            *kind = mark_names[i].kind;
            return true;
        }

    return false;
}

/* Two events tell of a domain's end, and two of its begin: one is enough. */
static bool told(const struct story *s, const struct mark *m)
{
    const struct mark *before = story_mark(s, m->kind, m->domid);

    return before && (m->kind == MARK_ADD || m->kind == MARK_REMOVE);
}

static void add_mark(struct story *s, const struct merge_record *rec,
                     enum mark_kind kind)
{
    struct mark *m = &s->mark[s->nr_marks % EXPLAIN_MARKS], new;
    struct event_who who = { MERGE_NO_DOMAIN, EVENT_NO_VCPU };
    uint64_t n = MERGE_NO_DOMAIN;

    if ( event_domain(rec->desc, 0, rec->data, rec->words, &who) )
        n = who.domid;
    else
        field_of(rec, "cpu", &n);

    new = (struct mark){ kind, rec->tsc, rec->cpu, n, who.vcpu, 0 };
    field_of(rec, kind == MARK_CRASH ? "cause" : "reason", &new.reason);
    if ( told(s, &new) )
        return;
    *m = new;
    s->nr_marks++;
}

static void see(void *arg, const struct merge_record *rec)
{
    struct story *s = arg;
    enum mark_kind kind;

    if ( !s->rc )
        s->rc = accounts_add(&s->now, rec);
    if ( rec->kind == MERGE_EVENT && rec->desc &&
         mark_find(rec->desc->name, &kind) )
        add_mark(s, rec, kind);
}

const struct mark *story_mark(const struct story *s, enum mark_kind kind,
                              uint32_t domid)
{
    uint64_t oldest = s->nr_marks > EXPLAIN_MARKS ? s->nr_marks - EXPLAIN_MARKS
                                                  : 0;

    for ( uint64_t i = s->nr_marks; i-- > oldest; )
    {
        const struct mark *m = &s->mark[i % EXPLAIN_MARKS];

        if ( m->kind == kind &&
             (domid == MERGE_NO_DOMAIN || m->domid == domid) )
            return m;
    }

    return NULL;
}

/*
 * The subject's records.
 */

/* How a dictionary's table names a value of a record's field. */
static const char *value_name(const struct story *s, const char *table,
                              const struct merge_record *rec,
                              const char *field, uint64_t *value)
{
    if ( !field_of(rec, field, value) )
        return NULL;
    return event_value_name(event_enum_find(s->src->doc.dict, table), *value);
}

/* `hypercall sched_op shutdown', `exit NPF', `PV_PAGE_FAULT'. */
static void describe(const struct story *s, const struct merge_record *rec,
                     enum kind kind, struct episode *e)
{
    char table[EVENT_WORD_BYTES + 4];
    const char *name, *arg;
    uint64_t op = 0, value;

    if ( kind == KIND_EXIT && field_of(rec, "exit", &op) )
    {
        name = value_name(s, "hvm_exit", rec, "exit", &op);
        if ( name )
            snprintf(e->what, sizeof(e->what), "exit %s", name);
        else
            snprintf(e->what, sizeof(e->what), "exit %" PRIu64, op);
        return;
    }

    name = kind == KIND_HYPERCALL ? value_name(s, "hypercall", rec, "op", &op)
                                  : NULL;
    if ( !name )
    {
        snprintf(e->what, sizeof(e->what), "%s", rec->desc->name);
        return;
    }

    snprintf(table, sizeof(table), "%s_a0", name);
    arg = value_name(s, table, rec, "a0", &value);
    snprintf(e->what, sizeof(e->what), "hypercall %s%s%s", name,
             arg ? " " : "", arg ? arg : "");
}

static void add_entry(struct story *s, const struct merge_record *rec,
                      enum kind kind)
{
    struct episode *last = s->nr_episodes
        ? &s->episode[(s->nr_episodes - 1) % EXPLAIN_EPISODES] : NULL;
    struct episode new = { .first = rec->tsc, .kind = kind };

    describe(s, rec, kind, &new);
    if ( !last || strcmp(last->what, new.what) )
    {
        last = &s->episode[s->nr_episodes++ % EXPLAIN_EPISODES];
        *last = new;
    }
    last->times++;
    last->moved |= last->times > 1 && last->cpu != rec->cpu;
    last->last = rec->tsc;
    last->cpu = rec->cpu;
    last->newest = *rec;
    s->entered = rec->tsc;
    s->open_exit = kind == KIND_EXIT ? rec->tsc : 0;
}

/* Back in the guest: how long the last exit took. */
static void end_exit(struct story *s, uint64_t tsc)
{
    struct episode *e;
    uint64_t ticks;

    if ( !s->open_exit || !s->nr_episodes || tsc < s->open_exit )
        return;

    e = &s->episode[(s->nr_episodes - 1) % EXPLAIN_EPISODES];
    ticks = tsc - s->open_exit;
    e->handled += ticks;
    e->ends++;
    if ( ticks > e->longest )
        e->longest = ticks;
    s->open_exit = 0;
}

static void own_record(struct story *s, const struct merge_record *rec,
                       enum kind kind)
{
    /* It runs again; where that began was not recorded, or is lost. */
    if ( s->ran_to && rec->tsc > s->ran_to )
        s->ran.tsc = s->ran_to = 0;
    /* What it did, not what was done on its time. */
    if ( kind != KIND_OTHER && kind != KIND_RUNSTATE &&
         rec->id < XEN_FLIGHTREC_IDS && rec->tsc >= s->acc.from )
        ++*(rec->tsc < s->tail ? &s->before[rec->id] : &s->after[rec->id]);
    if ( kind_enters(kind, rec) )
        add_entry(s, rec, kind);
    else if ( kind == KIND_ENTRY )
        end_exit(s, rec->tsc);
}

static bool is_subject(const struct story *s, uint32_t domid, uint32_t vcpu)
{
    return domid == s->domid && (!s->has_vcpu || vcpu == s->vcpu);
}

static struct deed deed_of(const struct merge_record *rec)
{
    return (struct deed){ rec->tsc, rec->cpu, rec->domid, rec->vcpu };
}

static void own_runstate(struct story *s, const struct merge_record *rec,
                         uint64_t *ready)
{
    struct runstate_change c;

    if ( !runstate_of(rec, &c) || !is_subject(s, c.domid, c.vcpu) )
        return;

    if ( c.new == RUNNABLE )
        *ready = rec->tsc;
    if ( c.new != RUNNING )
    {
        s->ran_to = rec->tsc;
        return;
    }
    s->ran = deed_of(rec);
    s->ran_to = 0;
    s->waited = *ready && rec->tsc > *ready ? rec->tsc - *ready : 0;
    *ready = 0;
}

/* The time since the newest record of this pCPU is whose that record was. */
static void share_cpu(struct story *s, uint64_t tsc)
{
    uint64_t from = s->cpu_last.tsc > s->tail ? s->cpu_last.tsc : s->tail;
    struct vcpu *v;

    if ( !s->cpu_last.tsc || s->cpu_last.domid == MERGE_NO_DOMAIN ||
         tsc <= from )
        return;

    v = vcpus_get(s->neighbours, s->cpu_last.domid, s->cpu_last.vcpu);
    if ( v )
        *(uint64_t *)v->data += tsc - from;
}

static void cpu_record(struct story *s, const struct merge_record *rec)
{
    share_cpu(s, rec->tsc);
    if ( rec->tsc >= s->cpu_last.tsc )
        s->cpu_last = deed_of(rec);
}

static void dom0_record(struct story *s, const struct merge_record *rec)
{
    const char *name;
    uint64_t op;

    name = value_name(s, "hypercall", rec, "op", &op);
    if ( name && !strcmp(name, "domctl") )
        s->domctl = deed_of(rec);
    if ( rec->tsc < s->tail )
        return;
    s->dom0_calls++;
    if ( name && op < ACCOUNT_OPS )
        s->dom0_ops[op]++;
}

/* Who takes the subject from running: Dom0, by a domctl, if not itself. */
static void sleep_record(struct story *s, const struct merge_record *rec)
{
    struct event_who who;

    if ( event_domain(rec->desc, 0, rec->data, rec->words, &who) &&
         who.domid == s->domid && rec->domid != s->domid &&
         rec->domid != MERGE_NO_DOMAIN && rec->domid != VCPU_IDLE_DOMAIN )
        s->sleep = deed_of(rec);
}

static void look(struct story *s, const struct merge_record *rec,
                 uint64_t *ready)
{
    enum kind kind = kind_of(&s->acc.kinds, rec);

    if ( rec->tsc > s->end || rec->kind != MERGE_EVENT )
        return;

    if ( rec->domid == s->domid && is_subject(s, rec->domid, rec->vcpu) )
        own_record(s, rec, kind);
    if ( kind == KIND_RUNSTATE )
        own_runstate(s, rec, ready);
    if ( kind == KIND_SLEEP )
        sleep_record(s, rec);
    if ( rec->cpu == s->cpu && rec->channel == XEN_FLIGHTREC_CH_BUSY )
        cpu_record(s, rec);
    if ( kind == KIND_HYPERCALL && rec->domid == 0 )
        dom0_record(s, rec);
}

/* "Just before": the stretch that the plot rests on, or a moment before a death. */
static uint64_t tail_begin(const struct story *s)
{
    uint64_t tail = (uint64_t)s->src->doc.tsc_khz * (EXPLAIN_TAIL_NS / 1000000);

    if ( s->rests )
        return s->rests->from;
    return s->end > s->acc.from + tail ? s->end - tail : s->acc.from;
}

struct second {
    struct story *story;
    uint64_t ready;
};

static int look_record(void *arg, const struct merge_record *rec)
{
    struct second *second = arg;

    look(second->story, rec, &second->ready);
    return 0;
}

static int read_again(struct story *s)
{
    struct second second = { .story = s };
    int rc;

    s->tail = tail_begin(s);
    s->neighbours = vcpus_new(sizeof(uint64_t));
    if ( !s->neighbours )
        return -ENOMEM;

    rc = source_walk(s->src, WALK_ALL, look_record, &second, NULL);
    share_cpu(s, s->end);
    vcpus_sort(s->neighbours);
    return rc;
}

/* The accounts of all, and beside them those of the end. */
static int read_once(struct story *s)
{
    uint64_t now = (uint64_t)s->src->doc.tsc_khz * (EXPLAIN_NOW_NS / 1000000);
    int rc = accounts_begin(s->src, STRETCH_ALL, &s->now);

    if ( rc )
        return rc;
    if ( s->now.to - s->now.from > now )
        s->now.from = s->now.to - now;
    rc = accounts_make(s->src, STRETCH_ALL, &s->acc, see, s);
    if ( rc )
        return rc;
    accounts_end(&s->now);
    return s->rc;
}

int story_read(struct story *s, const struct source *src)
{
    int rc;

    memset(s, 0, sizeof(*s));
    s->src = src;
    rc = read_once(s);
    if ( !rc )
    {
        story_choose(s);
        rc = read_again(s);
    }
    if ( rc )
        story_free(s);
    return rc;
}

void story_free(struct story *s)
{
    accounts_free(&s->acc);
    accounts_free(&s->now);
    vcpus_free(s->neighbours);
}
