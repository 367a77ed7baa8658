/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * read.c: counts the records of one side of a comparison into rows.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/diff/diff.h"

struct reading {
    struct diff *d;
    unsigned int side;
};

static const char *name_of(struct diff *d, struct diff_side *side,
                           const struct merge_record *rec)
{
    bool known = rec->desc && rec->id != XEN_FLIGHTREC_ID_ESCAPE;
    char buf[EVENT_NAME_BYTES];
    const char *name;

    if ( known && side->names[rec->id] )
        return side->names[rec->id];

    /* An id that is not in the dictionary has no other name. */
    if ( !rec->desc && !rec->event )
        snprintf(buf, sizeof(buf), "id_%u", rec->id);
    name = diff_name(d, !rec->desc && !rec->event
                            ? buf : event_name(rec->desc, rec->event, buf));
    if ( known )
        side->names[rec->id] = name;
    return name;
}

/* The domain that had a number at a time. */
static struct diff_domain *domain_at(struct diff *d, unsigned int side,
                                     uint32_t domid, uint64_t tsc)
{
    return diff_domain(d, side, diff_slot_at(&d->side[side], domid, tsc));
}

static struct diff_domain *domain_of(struct diff *d, unsigned int side,
                                     const struct merge_record *rec)
{
    struct event_who who;

    if ( rec->desc &&
         event_domain(rec->desc, 0, rec->data, rec->words, &who) )
        return domain_at(d, side, who.domid, rec->tsc);
    return domain_at(d, side, rec->domid, rec->tsc);
}

/* Of records of the number, which the filter selects, those of the domain. */
static bool is_of_only(struct diff *d, unsigned int side,
                       const struct merge_record *rec)
{
    struct event_who who;

    if ( domain_at(d, side, rec->domid, rec->tsc) == d->only )
        return true;
    for ( unsigned int k = 0; rec->desc &&
          event_domain(rec->desc, k, rec->data, rec->words, &who); k++ )
        if ( domain_at(d, side, who.domid, rec->tsc) == d->only )
            return true;
    return false;
}

static bool is_counted(struct diff *d, unsigned int side,
                   const struct merge_record *rec)
{
    struct filter *f = d->side[side].filter;

    return rec->kind == MERGE_EVENT && (!f || filter_wants(f, rec)) &&
           (!d->only || is_of_only(d, side, rec));
}

static void count(struct diff *d, unsigned int side,
                  const struct merge_record *rec)
{
    const struct diff_domain *dom = d->only ? d->only : domain_of(d, side, rec);
    struct diff_row *row = NULL;

    if ( dom )
        row = diff_row(d, DIFF_EVENT, dom, name_of(d, &d->side[side], rec));
    if ( row )
        row->n[side]++;
    else
        d->left_out++;
}

static void visit(void *arg, const struct merge_record *rec)
{
    const struct reading *r = arg;
    struct diff_side *side = &r->d->side[r->side];
    bool counted;

    if ( !accounts_has(&side->acc, rec) )
        return;
    if ( rec->kind == MERGE_GAP )
    {
        side->gaps[rec->gap]++;
        side->missing[rec->gap] += rec->missing;
    }
    else if ( !side->cpu[rec->cpu] )
    {
        side->cpu[rec->cpu] = true;
        side->cpus++;
    }

    counted = is_counted(r->d, r->side, rec);
    entries_take(&side->entries, rec, kind_of(&side->acc.kinds, rec),
                 counted && (!r->d->only ||
                             domain_at(r->d, r->side, rec->domid, rec->tsc) ==
                             r->d->only));
    if ( counted )
        count(r->d, r->side, rec);
}

/* Turn entries by number into rows by name. */
static int take_entries(struct diff *d, unsigned int side)
{
    struct diff_side *s = &d->side[side];

    for ( unsigned int i = 0; i < s->entries.nr; i++ )
    {
        const struct entry_sum *e = s->entries.entry[i];
        const char *name = entry_name(e, &s->src->doc);
        const struct diff_domain *dom = diff_domain(
            d, side, diff_slot(s, e->domid, e->later));
        struct diff_row *row = NULL;
        char number[24];
        int rc;

        snprintf(number, sizeof(number), "%" PRIu64, e->code);
        if ( dom )
            row = diff_row(d, e->kind == ENTRY_EXIT ? DIFF_EXIT
                                                    : DIFF_HYPERCALL,
                           dom, diff_name(d, name ? name : number));
        if ( !row )
        {
            d->left_out += e->nr;
            continue;
        }

        row->n[side] += e->nr;
        rc = diff_add_times(row, side, &e->times);
        if ( rc )
            return rc;
    }

    d->left_out += s->entries.left_out[ENTRY_EXIT] +
                   s->entries.left_out[ENTRY_HYPERCALL];
    return 0;
}

static int take_waits(struct diff *d, unsigned int side,
                      const struct diff_domain *dom, const struct account *a)
{
    struct diff_row *row;

    /* The idle vCPU is always runnable, so it has no waits. */
    if ( !a->waits || dom->domid[side] == VCPU_IDLE_DOMAIN )
        return 0;

    row = diff_row(d, DIFF_WAKE, dom, diff_name(d, "wake to run"));
    if ( !row )
    {
        d->left_out += a->waits->nr;
        return 0;
    }
    row->n[side] += a->waits->nr;
    return diff_add_times(row, side, a->waits);
}

static void add_times(struct diff_domain *dom, unsigned int side,
                      const struct account *a)
{
    dom->vcpus[side]++;
    for ( unsigned int k = 0; k < RUNSTATES; k++ )
        dom->percent[side][k] += a->ticks[k];
    dom->unknown[side] += a->unknown;
}

/* Turn the sums of ticks of all vCPUs into percent. */
static void make_percent(struct diff_domain *dom, unsigned int side,
                         uint64_t stretch)
{
    double known = 0, all;

    for ( unsigned int k = 0; k < RUNSTATES; k++ )
        known += dom->percent[side][k];
    all = known + dom->unknown[side];
    for ( unsigned int k = 0; k < RUNSTATES && known > 0; k++ )
        dom->percent[side][k] *= 100.0 / stretch * all / known;
    if ( all > 0 )
        dom->unknown[side] *= 100.0 / all;
}

static int take_vcpus(struct diff *d, unsigned int side)
{
    const struct accounts *acc = &d->side[side].acc;

    for ( unsigned int i = 0; i < vcpus_nr(acc->vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(acc->vcpus, i);
        struct diff_domain *dom = diff_domain(
            d, side, diff_slot(&d->side[side], v->domid, v->later));
        int rc;

        if ( !dom || (d->only && dom != d->only) )
            continue;
        add_times(dom, side, v->data);
        rc = take_waits(d, side, dom, v->data);
        if ( rc )
            return rc;
    }

    for ( unsigned int i = 0; i < d->domains && acc->to > acc->from; i++ )
        make_percent(&d->domain[i], side, acc->to - acc->from);
    return 0;
}

int diff_read(struct diff *d, unsigned int side)
{
    struct diff_side *s = &d->side[side];
    struct reading r = { d, side };
    int rc = entries_init(&s->entries, &s->src->doc, s->src->lives);

    if ( rc )
        return rc;
    rc = accounts_make(s->src, s->in, &s->acc, visit, &r);
    if ( rc )
        return rc;

    s->seconds = (s->acc.to - s->acc.from) / (s->src->doc.tsc_khz * 1e3);
    rc = take_entries(d, side);
    return rc ? rc : take_vcpus(d, side);
}
