/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c: reads a snapshot for the one thing that it is about.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/explain.h"

#define OP_DOMCTL 36

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
    enum mark_kind kind;

    if ( rec->kind == MERGE_EVENT && rec->desc &&
         mark_find(rec->desc->name, &kind) )
        add_mark(arg, rec, kind);
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

/* `sched_op shutdown', `exit NPF', `PV_PAGE_FAULT'. */
static void describe(const struct story *s, const struct merge_record *rec,
                     enum kind kind, char *buf, size_t bytes)
{
    const struct event_dict *dict = s->src->doc.dict;
    const char *name = NULL;
    uint64_t op = 0, arg;
    char table[EVENT_WORD_BYTES + 4];

    if ( kind == KIND_EXIT && field_of(rec, "exit", &op) )
    {
        name = event_value_name(event_enum_find(dict, "hvm_exit"), op);
        if ( name )
            snprintf(buf, bytes, "exit %s", name);
        else
            snprintf(buf, bytes, "exit %" PRIu64, op);
        return;
    }
    if ( kind == KIND_HYPERCALL && field_of(rec, "op", &op) )
        name = event_value_name(event_enum_find(dict, "hypercall"), op);
    if ( !name )
    {
        snprintf(buf, bytes, "%s", rec->desc->name);
        return;
    }

    snprintf(table, sizeof(table), "%s_a0", name);
    if ( field_of(rec, "a0", &arg) &&
         event_value_name(event_enum_find(dict, table), arg) )
        snprintf(buf, bytes, "hypercall %s %s", name,
                 event_value_name(event_enum_find(dict, table), arg));
    else
        snprintf(buf, bytes, "hypercall %s", name);
}

static void add_entry(struct story *s, const struct merge_record *rec,
                      enum kind kind)
{
    struct episode *e = &s->episode[s->nr_episodes % EXPLAIN_EPISODES];
    struct episode *last = s->nr_episodes
        ? &s->episode[(s->nr_episodes - 1) % EXPLAIN_EPISODES] : NULL;
    char what[sizeof(e->what)];

    describe(s, rec, kind, what, sizeof(what));
    if ( !last || strcmp(last->what, what) )
    {
        memset(e, 0, sizeof(*e));
        strcpy(e->what, what);
        e->first = rec->tsc;
        s->nr_episodes++;
        last = e;
    }
    last->times++;
    last->last = rec->tsc;
    last->cpu = rec->cpu;
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
    if ( rec->id < XEN_FLIGHTREC_IDS && rec->tsc >= s->acc.from )
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

static void own_runstate(struct story *s, const struct merge_record *rec,
                         uint64_t *ready)
{
    struct runstate_change c;

    if ( !runstate_of(rec, &c) || !is_subject(s, c.domid, c.vcpu) )
        return;

    if ( c.new == RUNNABLE )
        *ready = rec->tsc;
    if ( c.new != RUNNING )
        return;
    s->ran_from = rec->tsc;
    s->ran_cpu = rec->cpu;
    s->waited = *ready && rec->tsc > *ready ? rec->tsc - *ready : 0;
    *ready = 0;
}

/* Whose the time since the record before it on this pCPU was. */
static void share_cpu(struct story *s, const struct merge_record *rec)
{
    uint64_t from = s->cpu_last > s->tail ? s->cpu_last : s->tail;
    struct vcpu *v;

    if ( rec->domid != MERGE_NO_DOMAIN && rec->tsc > from )
    {
        v = vcpus_get(s->neighbours, rec->domid, rec->vcpu);
        if ( v )
            *(uint64_t *)v->data += rec->tsc - from;
    }
    if ( rec->tsc > s->cpu_last )
        s->cpu_last = rec->tsc;
}

static void dom0_record(struct story *s, const struct merge_record *rec)
{
    uint64_t op;

    if ( !field_of(rec, "op", &op) || op >= ACCOUNT_OPS )
        return;

    s->dom0_ops[op] += rec->tsc >= s->tail;
    if ( op == OP_DOMCTL )
    {
        s->dom0_last_domctl = rec->tsc;
        s->dom0_domctl_cpu = rec->cpu;
    }
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
    if ( rec->cpu == s->cpu && rec->channel == XEN_FLIGHTREC_CH_BUSY )
        share_cpu(s, rec);
    if ( kind == KIND_HYPERCALL && rec->domid == 0 )
        dom0_record(s, rec);
}

static int read_again(struct story *s)
{
    const struct doc *d = &s->src->doc;
    uint64_t tail = (uint64_t)d->tsc_khz * (EXPLAIN_TAIL_NS / 1000000);
    struct merge_record rec;
    uint64_t ready = 0;
    struct merge *m;
    int rc;

    s->tail = s->end > s->acc.from + tail ? s->end - tail : s->acc.from;
    s->neighbours = vcpus_new(sizeof(uint64_t));
    if ( !s->neighbours )
        return -ENOMEM;

    rc = merge_open(s->src->snap, d->dict, &d->clock, &m);
    if ( rc )
        return rc;

    while ( (rc = merge_next(m, &rec)) > 0 )
        look(s, &rec, &ready);
    merge_close(m);
    vcpus_sort(s->neighbours);
    return rc;
}

int story_read(struct story *s, const struct source *src)
{
    int rc;

    memset(s, 0, sizeof(*s));
    s->src = src;
    rc = accounts_make(src, STRETCH_ALL, &s->acc, see, s);
    if ( rc )
        return rc;

    story_choose(s);
    rc = read_again(s);
    if ( rc )
        story_free(s);
    return rc;
}

void story_free(struct story *s)
{
    accounts_free(&s->acc);
    vcpus_free(s->neighbours);
}
