/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcpus.c: keeps a hash table of the vCPUs that a snapshot's records name.
 */

#include <stdlib.h>
#include <string.h>

#include "tools/stats/hash.h"
#include "tools/stats/vcpus.h"

#define SLOTS (2 * VCPUS_MAX) /* a power of two */

struct vcpus {
    size_t data_bytes;
    uint64_t seed;
    unsigned int nr;
    uint32_t slot[SLOTS];    /* index in `vcpu` + 1, 0 if free */
    struct vcpu *vcpu[VCPUS_MAX];
};

const char *const runstate_text[RUNSTATES] = {
    "running", "runnable", "blocked", "offline",
};

const char *const runstate_words[RUNSTATES] = {
    "running", "waiting to run", "blocked", "paused",
};

struct vcpus *vcpus_new(size_t data_bytes)
{
    struct vcpus *t = calloc(1, sizeof(*t));

    if ( !t )
        return NULL;

    t->data_bytes = data_bytes;
    t->seed = hash_seed();
    return t;
}

void vcpus_free(struct vcpus *t)
{
    for ( unsigned int i = 0; t && i < t->nr; i++ )
        free(t->vcpu[i]);
    free(t);
}

/*
 * The slot of a vCPU, or the free one where it belongs.  The table always has
 * free slots.
 */
static uint32_t *slot_of(const struct vcpus *t, uint32_t domid, uint32_t later,
                         uint32_t vcpu)
{
    uint64_t at = hash_mix(hash_mix(hash_mix(t->seed, domid), later), vcpu);

    for ( ; ; at++ )
    {
        const uint32_t *slot = &t->slot[at % SLOTS];
        const struct vcpu *v = *slot ? t->vcpu[*slot - 1] : NULL;

        if ( !v ||
             (v->domid == domid && v->later == later && v->vcpu == vcpu) )
            return (uint32_t *)slot;
    }
}

static struct vcpu *add(struct vcpus *t, uint32_t *slot, uint32_t domid,
                        uint32_t later, uint32_t vcpu)
{
    struct vcpu *v;

    if ( t->nr == VCPUS_MAX )
        return NULL;
    v = calloc(1, sizeof(*v) + t->data_bytes);
    if ( !v )
        return NULL;

    v->domid = domid;
    v->later = later;
    v->vcpu = vcpu;
    v->data = v + 1;
    t->vcpu[t->nr++] = v;
    *slot = t->nr;
    return v;
}

struct vcpu *vcpus_get(struct vcpus *t, uint32_t domid, uint32_t vcpu)
{
    return vcpus_get_life(t, domid, 0, vcpu);
}

struct vcpu *vcpus_get_life(struct vcpus *t, uint32_t domid, unsigned int later,
                            uint32_t vcpu)
{
    uint32_t *slot;

    if ( domid > UINT16_MAX || vcpu > UINT16_MAX )
        return NULL;

    slot = slot_of(t, domid, later, vcpu);
    return *slot ? t->vcpu[*slot - 1] : add(t, slot, domid, later, vcpu);
}

struct vcpu *vcpus_find(const struct vcpus *t, uint32_t domid, uint32_t vcpu)
{
    return vcpus_find_life(t, domid, 0, vcpu);
}

struct vcpu *vcpus_find_life(const struct vcpus *t, uint32_t domid,
                             unsigned int later, uint32_t vcpu)
{
    uint32_t slot = domid > UINT16_MAX || vcpu > UINT16_MAX
                    ? 0 : *slot_of(t, domid, later, vcpu);

    return slot ? t->vcpu[slot - 1] : NULL;
}

unsigned int vcpus_nr(const struct vcpus *t)
{
    return t->nr;
}

struct vcpu *vcpus_nth(const struct vcpus *t, unsigned int n)
{
    return t->vcpu[n];
}

static int compare(const void *a, const void *b)
{
    const struct vcpu *x = *(struct vcpu *const *)a;
    const struct vcpu *y = *(struct vcpu *const *)b;

    if ( x->domid != y->domid )
        return x->domid < y->domid ? -1 : 1;
    if ( x->later != y->later )
        return x->later > y->later ? -1 : 1;
    return x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu;
}

void vcpus_sort(struct vcpus *t)
{
    qsort(t->vcpu, t->nr, sizeof(t->vcpu[0]), compare);
    memset(t->slot, 0, sizeof(t->slot));
    for ( unsigned int i = 0; i < t->nr; i++ )
    {
        const struct vcpu *v = t->vcpu[i];

        *slot_of(t, v->domid, v->later, v->vcpu) = i + 1;
    }
}

unsigned int vcpus_first(const struct vcpus *t, uint32_t domid,
                         unsigned int later)
{
    unsigned int lo = 0, hi = t->nr;

    while ( lo < hi )
    {
        unsigned int mid = (lo + hi) / 2;

        if ( t->vcpu[mid]->domid < domid ||
             (t->vcpu[mid]->domid == domid && t->vcpu[mid]->later > later) )
            lo = mid + 1;
        else
            hi = mid;
    }

    return lo;
}

static bool get(const struct merge_record *rec, const char *name, uint64_t *v)
{
    int n = event_field_index(rec->desc, name);

    return n >= 0 && event_get(rec->desc, n, rec->data, rec->words, v);
}

bool runstate_of(const struct merge_record *rec, struct runstate_change *rc)
{
    uint64_t old, new;
    struct event_who who;

    if ( rec->kind != MERGE_EVENT || !rec->desc ||
         strcmp(rec->desc->name, "SCHED_RUNSTATE_CHANGE") ||
         !get(rec, "old", &old) || !get(rec, "new", &new) ||
         !event_domain(rec->desc, 0, rec->data, rec->words, &who) ||
         old >= RUNSTATES || new >= RUNSTATES )
        return false;

    *rc = (struct runstate_change){ who.domid, who.vcpu, old, new };
    return who.vcpu != EVENT_NO_VCPU;
}

enum domain_life domain_life_of(const struct merge_record *rec,
                                uint32_t *domid)
{
    static const struct {
        const char *name;
        enum domain_life life;
    } events[] = {
        /*
         * Not SCHED_DOM_REM: it comes when the last reference is dropped, and
         * then another domain may have the number.
         */
        { "DOM0_DOM_ADD", LIFE_BEGINS },
        { "SCHED_DOM_ADD", LIFE_BEGINS },
        { "DOM0_DOM_REM", LIFE_ENDS },
    };
    struct event_who who;

    for ( size_t i = 0; rec->kind == MERGE_EVENT && rec->desc &&
          i < sizeof(events) / sizeof(events[0]); i++ )
    {
        if ( strcmp(rec->desc->name, events[i].name) ||
             !event_domain(rec->desc, 0, rec->data, rec->words, &who) ||
             who.domid > UINT16_MAX )
            continue;
        *domid = who.domid;
        return events[i].life;
    }

    return LIFE_GOES_ON;
}
