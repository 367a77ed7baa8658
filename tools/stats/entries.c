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
    struct entry *exit, *call;
    uint64_t tsc;
    uint64_t gaps;             /* value of entries.gaps when this was set */
};

int entries_init(struct entries *e, const struct doc *doc)
{
    memset(e, 0, sizeof(*e));
    e->doc = doc;
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

static int compare(const struct entry *e, enum entry_kind kind, uint32_t domid,
                   uint64_t code)
{
    if ( e->kind != kind )
        return e->kind < kind ? -1 : 1;
    if ( e->domid != domid )
        return e->domid < domid ? -1 : 1;
    return e->code < code ? -1 : e->code > code;
}

/* Find or add an entry.  Return NULL if there is no room. */
static struct entry *entry_of(struct entries *e, enum entry_kind kind,
                              uint32_t domid, uint64_t code)
{
    unsigned int lo = 0, hi = e->nr;
    struct entry *new;

    while ( lo < hi )
    {
        unsigned int mid = (lo + hi) / 2;
        int order = compare(e->entry[mid], kind, domid, code);

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
    new->kind = kind;
    new->domid = domid;
    new->code = code;
    return new;
}

static struct entry *count_one(struct entries *e, enum entry_kind kind,
                               const struct merge_record *rec)
{
    struct entry *entry = NULL;
    uint64_t code;

    if ( kind == ENTRY_EXIT
             ? code_of(rec, "exit", &code)
             : code_of(rec, "op", &code) || code_of(rec, "eax", &code) )
        entry = entry_of(e, kind, rec->domid, code);
    if ( entry )
        entry->nr++;
    else
        e->left_out[kind]++;
    return entry;
}

/* The vCPU returns to the guest. */
static void leave(const struct doc *doc, struct inside *in, uint64_t tsc)
{
    uint64_t ns = tsc >= in->tsc ? doc_ns(doc, tsc) - doc_ns(doc, in->tsc) : 0;

    if ( in->exit && tsc >= in->tsc )
        times_add(&in->exit->times, ns);
    if ( in->exit && in->call && tsc >= in->tsc )
        times_add(&in->call->times, ns);
    memset(in, 0, sizeof(*in));
}

/*
 * A gap, or a runstate change: the time until the next VM entry is not Xen's.
 * A gap is only counted, and vCPUs notice when they are used next: a file may
 * have many of both.
 */
static void forget(struct entries *e, const struct merge_record *rec)
{
    struct runstate_change c;
    struct vcpu *v;

    if ( rec->kind == MERGE_GAP )
    {
        e->gaps++;
        return;
    }

    v = runstate_of(rec, &c) ? vcpus_get(e->vcpus, c.domid, c.vcpu) : NULL;
    if ( v )
        memset(v->data, 0, sizeof(struct inside));
}

void entries_take(struct entries *e, const struct merge_record *rec,
                  enum kind kind, bool count)
{
    struct inside *in;
    struct vcpu *v;

    if ( rec->kind == MERGE_GAP || kind == KIND_RUNSTATE )
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
    if ( in->gaps != e->gaps )
        *in = (struct inside){ .gaps = e->gaps };
    if ( kind == KIND_ENTRY )
        leave(e->doc, in, rec->tsc);
    else if ( kind == KIND_EXIT )
        *in = (struct inside){
            .exit = count ? count_one(e, ENTRY_EXIT, rec) : NULL,
            .tsc = rec->tsc,
            .gaps = e->gaps,
        };
    else if ( count )
        in->call = count_one(e, ENTRY_HYPERCALL, rec);
}

const char *entry_name(const struct entry *e, const struct doc *doc)
{
    const struct event_enum *names = event_enum_find(
        doc->dict, e->kind == ENTRY_EXIT ? "hvm_exit" : "hypercall");

    return names ? event_value_name(names, e->code) : NULL;
}
