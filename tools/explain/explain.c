/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c: reads a snapshot's records for the verdict and its subject.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/walk.h"
#include "tools/explain/explain.h"

/*
 * All records.
 */

static void visit(void *arg, const struct merge_record *rec)
{
    struct explain *x = arg;

    if ( !x->rc )
        x->rc = accounts_add(&x->now, rec);
    marks_add(&x->marks, rec, x->src->lives);
}

/*
 * The subject's records.
 */

/* Return the dictionary's name for the value of a field, or NULL. */
static const char *value_name(const struct explain *x, const char *table,
                              const struct merge_record *rec,
                              const char *field, uint64_t *value)
{
    if ( !code_of(rec, field, value) )
        return NULL;
    return event_value_name(event_enum_find(x->src->doc.dict, table), *value);
}

/* `hypercall sched_op shutdown', `exit NPF', `PV_PAGE_FAULT'. */
static void name_entry(const struct explain *x, const struct merge_record *rec,
                       enum kind kind, struct episode *e)
{
    char table[EVENT_WORD_BYTES + 4];
    const char *name, *arg;
    uint64_t op = 0, value;

    if ( kind == KIND_EXIT && field_of(rec, "exit", &op) )
    {
        name = value_name(x, "hvm_exit", rec, "exit", &op);
        if ( name )
            snprintf(e->name, sizeof(e->name), "exit %s", name);
        else
            snprintf(e->name, sizeof(e->name), "exit %" PRIu64, op);
        return;
    }

    name = kind == KIND_HYPERCALL ? value_name(x, "hypercall", rec, "op", &op)
                                  : NULL;
    if ( !name )
    {
        snprintf(e->name, sizeof(e->name), "%s", rec->desc->name);
        return;
    }

    snprintf(table, sizeof(table), "%s_a0", name);
    arg = value_name(x, table, rec, "a0", &value);
    snprintf(e->name, sizeof(e->name), "hypercall %s%s%s", name,
             arg ? " " : "", arg ? arg : "");
}

static void add_entry(struct explain *x, const struct merge_record *rec,
                      enum kind kind)
{
    struct episode *last = x->nr_episodes
        ? &x->episode[(x->nr_episodes - 1) % EXPLAIN_EPISODES] : NULL;
    struct episode new = { .first = rec->tsc, .kind = kind };

    name_entry(x, rec, kind, &new);
    if ( !last || strcmp(last->name, new.name) )
    {
        last = &x->episode[x->nr_episodes++ % EXPLAIN_EPISODES];
        *last = new;
    }
    last->times++;
    last->moved |= last->times > 1 && last->cpu != rec->cpu;
    last->last = rec->tsc;
    last->cpu = rec->cpu;
    last->newest = *rec;
    x->entered = rec->tsc;
    x->open_exit = kind == KIND_EXIT ? rec->tsc : 0;
}

/* A VM entry: account the time since the exit before it. */
static void end_exit(struct explain *x, uint64_t tsc)
{
    struct episode *e;
    uint64_t ticks;

    if ( !x->open_exit || !x->nr_episodes || tsc < x->open_exit )
        return;

    e = &x->episode[(x->nr_episodes - 1) % EXPLAIN_EPISODES];
    ticks = tsc - x->open_exit;
    e->handled += ticks;
    e->ends++;
    if ( ticks > e->longest )
        e->longest = ticks;
    x->open_exit = 0;
}

static void subject_record(struct explain *x, const struct merge_record *rec,
                       enum kind kind)
{
    /* It runs again, but the record of when that began is missing. */
    if ( x->ran_to && rec->tsc > x->ran_to )
        x->ran.tsc = x->ran_to = 0;
    /* Only the guest's own events, not Xen's work in its time slice. */
    if ( kind != KIND_OTHER && kind != KIND_RUNSTATE &&
         rec->id < XEN_FLIGHTREC_IDS && rec->tsc >= x->acc.from )
        ++*(rec->tsc < x->tail ? &x->before[rec->id] : &x->after[rec->id]);

    if ( kind_enters(kind, rec) )
        add_entry(x, rec, kind);
    else if ( kind == KIND_ENTRY )
        end_exit(x, rec->tsc);
}

static bool is_subject(const struct explain *x, uint32_t domid, uint32_t vcpu,
                       uint64_t tsc)
{
    return domid == x->domid && (!x->has_vcpu || vcpu == x->vcpu) &&
           tsc >= x->from;
}

static struct moment moment_of(const struct merge_record *rec)
{
    return (struct moment){ rec->tsc, rec->cpu, rec->domid, rec->vcpu };
}

static void subject_runstate(struct explain *x, const struct merge_record *rec)
{
    struct runstate_change c;

    if ( !runstate_of(rec, &c) ||
         !is_subject(x, c.domid, c.vcpu, rec->tsc) )
        return;

    if ( c.new == RUNNABLE )
        x->ready = rec->tsc;
    if ( c.new != RUNNING )
    {
        x->ran_to = rec->tsc;
        return;
    }
    x->ran = moment_of(rec);
    x->ran_to = 0;
    x->waited = x->ready && rec->tsc > x->ready ? rec->tsc - x->ready : 0;
    x->ready = 0;
}

/* Credit the time since the pCPU's newest record to the vCPU of that record. */
static void share_cpu(struct explain *x, uint64_t tsc)
{
    uint64_t from = x->cpu_last.tsc > x->tail ? x->cpu_last.tsc : x->tail;
    struct vcpu *v;

    if ( !x->cpu_last.tsc || x->cpu_last.domid == MERGE_NO_DOMAIN ||
         tsc <= from )
        return;

    v = vcpus_get(x->neighbours, x->cpu_last.domid, x->cpu_last.vcpu);
    if ( v )
        *(uint64_t *)v->data += tsc - from;
}

static void cpu_record(struct explain *x, const struct merge_record *rec)
{
    share_cpu(x, rec->tsc);
    if ( rec->tsc >= x->cpu_last.tsc )
        x->cpu_last = moment_of(rec);
}

static void dom0_record(struct explain *x, const struct merge_record *rec)
{
    const char *name;
    uint64_t op;

    name = value_name(x, "hypercall", rec, "op", &op);
    if ( name && !strcmp(name, "domctl") )
        x->domctl = moment_of(rec);
    if ( rec->tsc < x->tail )
        return;
    x->dom0_calls++;
    if ( name && op < ACCOUNT_OPS )
        x->dom0_ops[op]++;
}

/* Another domain stops the subject: Dom0, by a domctl. */
static void sleep_record(struct explain *x, const struct merge_record *rec)
{
    struct event_who who;

    if ( event_domain(rec->desc, 0, rec->data, rec->words, &who) &&
         who.domid == x->domid && rec->tsc >= x->from &&
         rec->domid != x->domid &&
         rec->domid != MERGE_NO_DOMAIN && rec->domid != VCPU_IDLE_DOMAIN )
        x->sleep = moment_of(rec);
}

/* A wait, an exit or a run from before a gap may have ended in it. */
static void take_gap(struct explain *x, const struct merge_record *rec)
{
    x->ready = x->open_exit = 0;
    x->ran.tsc = x->ran_to = 0;
    if ( rec->cpu == x->cpu && rec->channel == XEN_FLIGHTREC_CH_BUSY )
        x->cpu_last.tsc = 0;
}

static int take_record(void *arg, const struct merge_record *rec)
{
    struct explain *x = arg;
    enum kind kind = kind_of(&x->acc.kinds, rec);

    if ( rec->tsc > x->end )
        return 0;
    if ( rec->kind == MERGE_GAP )
    {
        take_gap(x, rec);
        return 0;
    }

    if ( is_subject(x, rec->domid, rec->vcpu, rec->tsc) )
        subject_record(x, rec, kind);
    if ( kind == KIND_RUNSTATE )
        subject_runstate(x, rec);
    if ( kind == KIND_SLEEP )
        sleep_record(x, rec);
    if ( rec->cpu == x->cpu && rec->channel == XEN_FLIGHTREC_CH_BUSY )
        cpu_record(x, rec);
    if ( kind == KIND_HYPERCALL && rec->domid == 0 )
        dom0_record(x, rec);
    return 0;
}

/* The stretch that the verdict rests on, or EXPLAIN_TAIL_NS before a death. */
static uint64_t tail_begin(const struct explain *x)
{
    uint64_t tail = (uint64_t)x->src->doc.tsc_khz * (EXPLAIN_TAIL_NS / 1000000);

    if ( x->basis )
        return x->basis->from;
    return x->end > x->acc.from + tail ? x->end - tail : x->acc.from;
}

static int read_again(struct explain *x)
{
    int rc;

    x->tail = tail_begin(x);
    x->neighbours = vcpus_new(sizeof(uint64_t));
    if ( !x->neighbours )
        return -ENOMEM;

    rc = source_walk(x->src, WALK_ALL, take_record, x, NULL);
    share_cpu(x, x->end);
    vcpus_sort(x->neighbours);
    return rc;
}

/* One pass makes both accounts: of the whole recording and of its end. */
static int read_once(struct explain *x)
{
    uint64_t now = (uint64_t)x->src->doc.tsc_khz * (EXPLAIN_NOW_NS / 1000000);
    int rc = accounts_begin(x->src, STRETCH_ALL, &x->now);

    if ( rc )
        return rc;
    if ( x->now.to - x->now.from > now )
        x->now.from = x->now.to - now;
    rc = accounts_make(x->src, STRETCH_ALL, &x->acc, visit, x);
    if ( rc )
        return rc;
    accounts_end(&x->now);
    return x->rc;
}

/* Find the life of the subject's number that the verdict is about. */
static void set_life(struct explain *x)
{
    const struct life *life = lives_at(x->src->lives, x->domid, x->end);

    x->from = life ? life->from : 0;
    x->later = life ? life->later : 0;
}

int explain_read(struct explain *x, const struct source *src)
{
    int rc;

    memset(x, 0, sizeof(*x));
    x->src = src;
    rc = read_once(x);
    if ( !rc )
    {
        explain_choose(x);
        set_life(x);
        rc = read_again(x);
    }
    if ( rc )
        explain_free(x);
    return rc;
}

void explain_free(struct explain *x)
{
    accounts_free(&x->acc);
    accounts_free(&x->now);
    vcpus_free(x->neighbours);
}
