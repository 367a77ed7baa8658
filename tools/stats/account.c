/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * account.c: accounts each vCPU's time, entries into Xen and waits over a
 * stretch of a recording.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/walk.h"
#include "tools/stats/account.h"

/*
 * Kinds.
 */

static enum kind find_kind(const char *name)
{
    static const struct {
        const char *begins;
        enum kind kind;
    } names[] = {
        { "SCHED_RUNSTATE_CHANGE", KIND_RUNSTATE },
        { "PV_HYPERCALL_SUBCALL", KIND_SUBCALL },
        { "PV_HYPERCALL", KIND_HYPERCALL },
        { "HVM_VMMCALL", KIND_HYPERCALL },
        { "HVM_VMEXIT", KIND_EXIT },
        { "HVM_SVM_EXIT", KIND_EXIT },
        { "HVM_VMENTRY", KIND_ENTRY },
        { "PV_", KIND_TRAP },
        { "HVM_IOPORT_", KIND_IO },
        { "HVM_IOMEM_", KIND_IO },
        { "MEM_PAGE_GRANT_", KIND_IO },
        { "HVM_NPF", KIND_NPF },
        { "SCHED_SLEEP", KIND_SLEEP },
    };

    for ( size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++ )
        if ( !strncmp(name, names[i].begins, strlen(names[i].begins)) )
            return names[i].kind;

    return KIND_OTHER;
}

enum kind kind_of(struct kinds *k, const struct merge_record *rec)
{
    if ( rec->kind != MERGE_EVENT || !rec->desc )
        return KIND_OTHER;
    if ( rec->id == XEN_FLIGHTREC_ID_ESCAPE )
        return find_kind(rec->desc->name);

    if ( !k->of[rec->id] )
        k->of[rec->id] = find_kind(rec->desc->name) + 1;
    return k->of[rec->id] - 1;
}

/* An HVM guest's hypercall is one of its exits. */
bool kind_enters(enum kind kind, const struct merge_record *rec)
{
    return kind == KIND_EXIT || kind == KIND_TRAP ||
           (kind == KIND_HYPERCALL && rec->desc->name[0] == 'P');
}

bool field_of(const struct merge_record *rec, const char *name,
              uint64_t *value)
{
    int n = rec->kind == MERGE_EVENT && rec->desc
            ? event_field_index(rec->desc, name) : -1;

    return n >= 0 && event_get(rec->desc, n, rec->data, rec->words, value);
}

bool code_of(const struct merge_record *rec, const char *name,
             uint64_t *value)
{
    int n = rec->kind == MERGE_EVENT && rec->desc
            ? event_field_index(rec->desc, name) : -1;

    if ( n < 0 || !event_get(rec->desc, n, rec->data, rec->words, value) )
        return false;
    *value = event_value_code(rec->desc->field[n].names, *value);
    return true;
}

/*
 * Times.
 */

static unsigned int slot_of(uint64_t t)
{
    unsigned int up;

    if ( t < TIMES_STEPS )
        return t;

    up = 63 - __builtin_clzll(t) - 4; /* the leading 1 and 4 bits behind it */
    return (up + 1) * TIMES_STEPS + (t >> up) - TIMES_STEPS;
}

uint64_t times_slot_begin(unsigned int slot)
{
    unsigned int up = slot / TIMES_STEPS;

    if ( !up )
        return slot;
    return (uint64_t)(slot % TIMES_STEPS + TIMES_STEPS) << (up - 1);
}

void times_add(struct times *t, uint64_t time)
{
    t->nr++;
    t->slot[slot_of(time)]++;
    if ( time > t->max )
        t->max = time;
}

uint64_t times_rank(const struct times *t, uint64_t rank)
{
    uint64_t seen = 0;

    for ( unsigned int i = 0; i < TIMES_SLOTS; i++ )
    {
        seen += t->slot[i];
        if ( seen && seen >= rank )
            return times_slot_begin(i);
    }

    return 0;
}

uint64_t times_part(const struct times *t, unsigned int part)
{
    return part >= 1000 ? t->max : times_rank(t, (t->nr * part + 999) / 1000);
}

void times_merge(struct times *to, const struct times *from)
{
    if ( !from )
        return;

    to->nr += from->nr;
    if ( from->max > to->max )
        to->max = from->max;
    for ( unsigned int i = 0; i < TIMES_SLOTS; i++ )
        to->slot[i] += from->slot[i];
}

/*
 * Runstates.
 */

/* The part of the stretch in which a vCPU's domain had its number. */
static struct stretch life_of(const struct accounts *a, const struct vcpu *v)
{
    const struct life *life = lives_before(a->lives, v->domid, v->later);
    struct stretch s = { a->from, a->to };

    if ( life && life->from > s.from )
        s.from = life->from < s.to ? life->from : s.to;
    if ( life && life->to < s.to )
        s.to = life->to > s.from ? life->to : s.from;
    return s;
}

/* The vCPU leaves Xen, or is descheduled there. */
static void end_exit(const struct accounts *a, struct account *v, uint64_t tsc)
{
    if ( v->open > a->last_gap && tsc > v->open )
        v->in_xen += tsc - v->open;
    v->open = 0;
}

/*
 * Account the time from the last change, or from the begin, up to @tsc to
 * runstate @old.  After a gap the state before it is no longer trusted.
 */
static void add_time(const struct accounts *a, const struct vcpu *vcpu,
                     uint64_t tsc, unsigned int old)
{
    struct account *v = vcpu->data;
    uint64_t since = v->changed ? v->since : life_of(a, vcpu).from;
    uint64_t ticks = tsc > since ? tsc - since : 0;

    if ( a->last_gap > since || (v->changed && v->state != old) )
    {
        v->unknown += ticks;
        v->quiet = v->open = 0; /* an entry into Xen may be missing */
        return;
    }

    v->ticks[old] += ticks;
    if ( old == RUNNING && v->open )
        end_exit(a, v, tsc);
    if ( old == RUNNING )
        v->quiet += v->last_entry > since ? tsc - v->last_entry : ticks;
    if ( old == RUNNABLE && ticks > v->longest )
    {
        v->longest = ticks;
        v->longest_tsc = since;
    }
}

static int ran(const struct accounts *a, struct account *v, uint64_t tsc)
{
    v->runs++;
    if ( v->woken <= a->last_gap )
        return 0;

    if ( !v->waits )
        v->waits = calloc(1, sizeof(*v->waits));
    if ( !v->waits )
        return -ENOMEM;

    times_add(v->waits, tsc > v->woken ? tsc - v->woken : 0);
    v->woken = 0;
    return 0;
}

/* A vCPU of the domain that had the number at the time of @rec. */
static struct vcpu *vcpu_at(struct accounts *a, const struct merge_record *rec,
                            uint32_t domid, uint32_t vcpu)
{
    if ( a->redacted && domid == DOC_OTHER )
        return NULL;
    return vcpus_get_life(a->vcpus, domid,
                          lives_later(a->lives, domid, rec->tsc), vcpu);
}

static int change(struct accounts *a, const struct merge_record *rec)
{
    struct runstate_change c;
    struct vcpu *vcpu = runstate_of(rec, &c)
                        ? vcpu_at(a, rec, c.domid, c.vcpu) : NULL;
    struct account *v;

    if ( !vcpu )
        return 0;

    v = vcpu->data;
    add_time(a, vcpu, rec->tsc, c.old);
    if ( c.new == OFFLINE && v->changed && v->slept < v->since )
        v->parks++;
    v->changed = true;
    v->cpu = rec->cpu;
    v->state = c.new;
    /* Stamps of two pCPUs may cross: no time counts twice. */
    if ( rec->tsc > v->since )
        v->since = rec->tsc;

    if ( c.new == RUNNING )
        return ran(a, v, rec->tsc);
    v->woken = c.old == BLOCKED && c.new == RUNNABLE ? rec->tsc : 0;
    return 0;
}

static void vote(struct majority *m, uint64_t value)
{
    if ( !m->votes )
        m->value = value;
    if ( m->value == value )
        m->votes++;
    else
        m->votes--;
}

static void count_exit(struct account *v, const struct merge_record *rec)
{
    uint64_t value;

    v->exits++;
    v->in_exit = true;
    v->open = rec->tsc;
    if ( field_of(rec, "exit", &value) )
        vote(&v->reason, value);
    if ( field_of(rec, "rip", &value) || field_of(rec, "eip", &value) )
        vote(&v->rip, value);
}

static void count_npf(struct account *v, const struct merge_record *rec)
{
    uint64_t gpa;

    if ( !field_of(rec, "gpa", &gpa) )
        return;
    v->npfs++;
    vote(&v->gpa, gpa);
}

static void count_op(struct account *v, const struct merge_record *rec)
{
    uint64_t op;

    v->hypercalls++;
    if ( (code_of(rec, "op", &op) || code_of(rec, "eax", &op)) &&
         op < ACCOUNT_OPS )
        v->ops[op]++;
}

static void sleeps(struct accounts *a, const struct merge_record *rec)
{
    struct event_who who;
    struct vcpu *vcpu = NULL;

    if ( event_domain(rec->desc, 0, rec->data, rec->words, &who) &&
         who.vcpu != EVENT_NO_VCPU )
        vcpu = vcpu_at(a, rec, who.domid, who.vcpu);
    if ( vcpu )
        ((struct account *)vcpu->data)->slept = rec->tsc;
}

static int take(struct accounts *a, const struct merge_record *rec)
{
    enum kind kind = kind_of(&a->kinds, rec);
    struct vcpu *vcpu;
    struct account *v;

    a->records++;
    if ( kind == KIND_RUNSTATE )
        return change(a, rec);
    if ( kind == KIND_SLEEP )
        sleeps(a, rec);
    if ( rec->domid == MERGE_NO_DOMAIN )
        return 0;

    vcpu = vcpu_at(a, rec, rec->domid, rec->vcpu);
    if ( a->redacted && rec->domid == DOC_OTHER )
        a->others[rec->cpu / 8] |= 1U << rec->cpu % 8;
    if ( !vcpu )
        return 0;

    v = vcpu->data;
    v->seen = true;
    v->cpu = v->ran_cpu = rec->cpu;
    v->io += kind == KIND_IO;
    if ( kind == KIND_EXIT )
        count_exit(v, rec);
    if ( kind == KIND_ENTRY )
    {
        if ( v->open )
            end_exit(a, v, rec->tsc);
        v->in_exit = false;
    }
    if ( kind == KIND_NPF )
        count_npf(v, rec);
    if ( kind == KIND_HYPERCALL )
        count_op(v, rec);
    if ( kind_enters(kind, rec) )
    {
        v->entries++;
        v->last_entry = rec->tsc;
        v->quiet = 0;
    }
    return 0;
}

static int lose(struct accounts *a, const struct merge_record *rec)
{
    a->gaps++;
    a->missing += rec->missing;
    a->last_gap = rec->tsc;
    return 0;
}

/* Count the vCPUs with records of their own on each pCPU, up to 2. */
static void count_seen(const struct accounts *a, uint8_t on[UINT16_MAX + 1])
{
    for ( unsigned int i = 0; i < vcpus_nr(a->vcpus); i++ )
    {
        const struct account *v = vcpus_nth(a->vcpus, i)->data;

        if ( v->seen && on[v->ran_cpu] < 2 )
            on[v->ran_cpu]++;
    }
    for ( uint32_t cpu = 0; cpu <= UINT16_MAX; cpu++ )
        if ( on[cpu] && a->others[cpu / 8] & 1U << cpu % 8 )
            on[cpu] = 2;
}

/*
 * A vCPU with records but without a runstate change ran for the whole stretch,
 * or for the part in which its domain had the number.  If the pCPU has records
 * of another vCPU, the changes were not recorded, and the state is not known.
 */
void accounts_end(struct accounts *a)
{
    static uint8_t on[UINT16_MAX + 1];

    memset(on, 0, sizeof(on));
    count_seen(a, on);
    for ( unsigned int i = 0; i < vcpus_nr(a->vcpus); i++ )
    {
        const struct vcpu *vcpu = vcpus_nth(a->vcpus, i);
        struct stretch life = life_of(a, vcpu);
        struct account *v = vcpu->data;

        if ( v->changed || (v->seen && on[v->ran_cpu] == 1) )
            add_time(a, vcpu, life.to, v->changed ? v->state : RUNNING);
        else
            v->unknown = life.to - life.from;
    }
    vcpus_sort(a->vcpus);
}

/* TSC of the newest record of any pCPU, and of the trigger if that is later. */
static uint64_t end_of(const struct source *src)
{
    uint64_t end = src->doc.tsc;

    /* A recording is cut anywhere: beyond the first ring's end its pCPU would
     * look idle. */
    if ( src->doc.recording )
        return source_common_end(src);

    for ( uint32_t i = 0; i < snapshot_frames(src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(src->snap, i);

        if ( f->kind == SNAPSHOT_DATA && source_last(src, f) > end )
            end = source_last(src, f);
    }

    return end;
}

/* The part of `in` that has all pCPUs. */
static void choose_stretch(const struct source *src, struct stretch in,
                           struct accounts *a)
{
    a->from = source_common_start(src);
    if ( in.from > a->from )
        a->from = in.from;
    a->to = end_of(src);
    a->cut = src->doc.recording;
    if ( in.to < a->to )
    {
        a->to = in.to;
        a->cut = true;
    }
    if ( !a->from || a->to < a->from )
        a->from = a->to; /* no busy ring: nothing to account for */
}

bool accounts_has(const struct accounts *a, const struct merge_record *rec)
{
    return rec->tsc >= a->from && (!a->cut || rec->tsc <= a->to);
}

int accounts_begin(const struct source *src, struct stretch in,
                   struct accounts *a)
{
    memset(a, 0, sizeof(*a));
    a->redacted = src->doc.redacted;
    a->lives = src->lives;
    choose_stretch(src, in, a);
    a->vcpus = vcpus_new(sizeof(struct account));
    return a->vcpus ? 0 : -ENOMEM;
}

int accounts_add(struct accounts *a, const struct merge_record *rec)
{
    if ( !accounts_has(a, rec) )
        return 0;
    return rec->kind == MERGE_GAP ? lose(a, rec) : take(a, rec);
}

struct maker {
    struct accounts *a;
    account_visit visit;
    void *arg;
};

static int make_record(void *arg, const struct merge_record *rec)
{
    const struct maker *mk = arg;

    if ( mk->visit )
        mk->visit(mk->arg, rec);
    return accounts_add(mk->a, rec);
}

int accounts_make(const struct source *src, struct stretch in,
                  struct accounts *a, account_visit visit, void *arg)
{
    struct maker mk = { .a = a, .visit = visit, .arg = arg };
    int rc;

    rc = accounts_begin(src, in, a);
    if ( !rc )
        rc = source_walk(src, WALK_ALL, make_record, &mk, NULL);
    if ( rc )
        accounts_free(a);
    else
        accounts_end(a);
    return rc;
}

void accounts_free(struct accounts *a)
{
    for ( unsigned int i = 0; a->vcpus && i < vcpus_nr(a->vcpus); i++ )
        free(((struct account *)vcpus_nth(a->vcpus, i)->data)->waits);
    vcpus_free(a->vcpus);
    a->vcpus = NULL;
}

void account_add(struct account *sum, struct times *waits,
                 const struct account *v)
{
    for ( unsigned int i = 0; i < RUNSTATES; i++ )
        sum->ticks[i] += v->ticks[i];
    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        sum->ops[i] += v->ops[i];
    sum->unknown += v->unknown;
    sum->hypercalls += v->hypercalls;
    sum->entries += v->entries;
    sum->exits += v->exits;
    sum->io += v->io;
    sum->runs += v->runs;
    times_merge(waits, v->waits);
}
