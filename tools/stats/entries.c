/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entries.c: counts domains' entries into Xen by reason, and pairs them with
 * their ends.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/stats/entries.h"

/*
 * The entry a vCPU is in.  Both are NULL if it is in the guest, or not known.
 */
struct inside {
    struct entry_sum *exit, *call;
    uint64_t tsc;
    uint64_t gaps;             /* entries.gaps when it was entered */
};

int entries_init(struct entries *e, const struct doc *doc,
                 const struct lives *lives)
{
    memset(e, 0, sizeof(*e));
    e->doc = doc;
    e->lives = lives;
    e->vcpus = vcpus_new(sizeof(struct inside));
    return e->vcpus ? 0 : -ENOMEM;
}

void entries_free(struct entries *e)
{
    for ( unsigned int i = 0; i < e->nr; i++ )
        free(e->entry[i]);
    vcpus_free(e->vcpus);
    memset(e, 0, sizeof(*e));
}

static int compare(const struct entry_sum *a, const struct entry_sum *b)
{
    if ( a->kind != b->kind )
        return a->kind < b->kind ? -1 : 1;
    if ( a->domid != b->domid )
        return a->domid < b->domid ? -1 : 1;
    if ( a->later != b->later )
        return a->later > b->later ? -1 : 1;
    return a->code < b->code ? -1 : a->code > b->code;
}

/* Find or add the entry with the key of @want.  NULL if there is no room. */
static struct entry_sum *entry_of(struct entries *e,
                                  const struct entry_sum *want)
{
    unsigned int lo = 0, hi = e->nr;
    struct entry_sum *new;

    while ( lo < hi )
    {
        unsigned int mid = (lo + hi) / 2;
        int order = compare(e->entry[mid], want);

        if ( !order )
            return e->entry[mid];
        if ( order < 0 )
            lo = mid + 1;
        else
            hi = mid;
    }

    new = e->nr < ENTRIES_MAX ? calloc(1, sizeof(*new)) : NULL;
    if ( !new )
        return NULL;

    memmove(&e->entry[lo + 1], &e->entry[lo],
            (e->nr - lo) * sizeof(e->entry[0]));
    e->entry[lo] = new;
    e->nr++;
    new->kind = want->kind;
    new->domid = want->domid;
    new->later = want->later;
    new->code = want->code;
    return new;
}

static struct entry_sum *count_one(struct entries *e, enum entry_kind kind,
                               const struct merge_record *rec)
{
    struct entry_sum *entry = NULL, *want = &e->want;

    want->kind = kind;
    want->domid = rec->domid;
    want->later = lives_later(e->lives, rec->domid, rec->tsc);
    if ( kind == ENTRY_EXIT
             ? code_of(rec, "exit", &want->code)
             : code_of(rec, "op", &want->code) ||
               code_of(rec, "eax", &want->code) )
        entry = entry_of(e, want);
    if ( entry )
        entry->nr++;
    else
        e->left_out[kind]++;
    return entry;
}

/* The vCPU returns to the guest.  After a gap it may have done so before. */
static void leave(const struct entries *e, struct inside *in, uint64_t tsc)
{
    if ( in->exit && in->gaps == e->gaps && tsc >= in->tsc )
    {
        uint64_t ns = doc_ns(e->doc, tsc) - doc_ns(e->doc, in->tsc);

        times_add(&in->exit->times, ns);
        if ( in->call )
            times_add(&in->call->times, ns);
    }
    memset(in, 0, sizeof(*in));
}

/* After a runstate change the time until the next VM entry is not Xen's. */
static void forget(struct entries *e, const struct merge_record *rec)
{
    struct runstate_change c;
    struct vcpu *v = runstate_of(rec, &c)
                     ? vcpus_find(e->vcpus, c.domid, c.vcpu) : NULL;

    if ( v )
        memset(v->data, 0, sizeof(struct inside));
}

void entries_take(struct entries *e, const struct merge_record *rec,
                  enum kind kind, bool count)
{
    struct inside *in;
    struct vcpu *v;

    if ( rec->kind == MERGE_GAP )
    {
        e->gaps++;
        return;
    }
    if ( kind == KIND_RUNSTATE )
    {
        forget(e, rec);
        return;
    }
    if ( (kind != KIND_EXIT && kind != KIND_ENTRY && kind != KIND_HYPERCALL) ||
         rec->domid == MERGE_NO_DOMAIN )
        return;

    v = vcpus_get(e->vcpus, rec->domid, rec->vcpu);
    if ( !v )
        return;

    in = v->data;
    if ( kind == KIND_ENTRY )
        leave(e, in, rec->tsc);
    else if ( kind == KIND_EXIT )
        *in = (struct inside){
            .exit = count ? count_one(e, ENTRY_EXIT, rec) : NULL,
            .tsc = rec->tsc, .gaps = e->gaps,
        };
    else if ( count )
        in->call = count_one(e, ENTRY_HYPERCALL, rec);
}

const char *entry_name(const struct entry_sum *e, const struct doc *doc)
{
    const struct event_enum *names = event_enum_find(
        doc->dict, e->kind == ENTRY_EXIT ? "hvm_exit" : "hypercall");

    return names ? event_value_name(names, e->code) : NULL;
}
