/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * judge.c: what of a comparison is told, and in which order.
 *
 * A domain that only one side has, or has a record of, is not compared: that is
 * told, and its records are in the sums of all domains.  These are told only
 * where no domain's own row tells the same.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff/diff.h"
#include "tools/stats/marks.h"

/* Rows of domains tell what a sum does if they make so much of its change. */
#define TOLD_PART 0.3

struct score_times diff_times_of(const struct diff *d,
                                const struct diff_row *row, unsigned int side)
{
    /* The waits are in ticks, all else in ns. */
    double ns = row->kind == DIFF_WAKE ? 1e6 / d->side[side].src->doc.tsc_khz
                                       : 1;

    return (struct score_times){ row->times[side], ns };
}

double diff_rate(const struct diff *d, const struct diff_row *row,
                 unsigned int side)
{
    double seconds = d->side[side].seconds;

    return seconds > 0 ? row->n[side] / seconds : 0;
}

static double rate_change(const struct diff *d, const struct diff_row *row)
{
    return score_rates(
        (struct score_count){ row->n[DIFF_A], d->side[DIFF_A].seconds },
        (struct score_count){ row->n[DIFF_B], d->side[DIFF_B].seconds });
}

static int put(struct diff *d, enum diff_section section,
               const struct diff_item *item)
{
    struct diff_list *l = &d->list[section];

    if ( l->nr == l->max )
    {
        unsigned int max = l->max ? 2 * l->max : 64;
        struct diff_item *more = realloc(l->item, max * sizeof(*more));

        if ( !more )
            return -ENOMEM;
        l->item = more;
        l->max = max;
    }

    l->item[l->nr++] = *item;
    l->remarkable += item->remarkable;
    return 0;
}

/*
 * Sums of all domains.
 */

static int add_sums(struct diff *d)
{
    unsigned int rows = d->rows;

    for ( unsigned int i = 0; i < rows; i++ )
    {
        const struct diff_row *row = d->row[i];
        struct diff_row *sum = diff_row(d, row->kind, NULL, row->name);

        if ( !sum )
        {
            d->left_out += row->n[DIFF_A] + row->n[DIFF_B];
            continue;
        }
        for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
        {
            int rc = diff_add_times(sum, s, row->times[s]);

            if ( rc )
                return rc;
            sum->n[s] += row->n[s];
        }
        sum->domains++;
    }

    return 0;
}

static const struct diff_row *sum_of(struct diff *d, const struct diff_row *row)
{
    return row->domain ? diff_row(d, row->kind, NULL, row->name) : row;
}

/* The sum of one domain is that domain's row. */
static bool is_compared(const struct diff_row *row)
{
    if ( !row->domain )
        return row->domains > 1;
    return !diff_only_in(row->domain, DIFF_A) &&
           !diff_only_in(row->domain, DIFF_B);
}

static double more_of(const struct diff *d, const struct diff_row *row)
{
    return diff_rate(d, row, DIFF_B) - diff_rate(d, row, DIFF_A);
}

/*
 * Do the rows of domains that are told say what this sum does: in the same
 * direction; of a rate, much of the difference?
 */
static bool told_by_domains(const struct diff *d, enum diff_section section,
                            const struct diff_item *sum)
{
    const struct diff_list *l = &d->list[section];
    bool any = false;
    double told = 0;

    for ( unsigned int i = 0; i < l->nr; i++ )
        if ( l->item[i].remarkable && l->item[i].row->domain &&
             l->item[i].row->kind == sum->row->kind &&
             l->item[i].row->name == sum->row->name &&
             (l->item[i].change > 0) == (sum->change > 0) )
        {
            any = true;
            told += more_of(d, l->item[i].row);
        }

    return any && (section == DIFF_LATENCY ||
                   told / more_of(d, sum->row) > TOLD_PART);
}

/*
 * Sections.
 */

/* One that somebody ended or began by: one is enough to be told. */
static bool is_mark(const struct diff_row *row, enum mark_kind *kind)
{
    return row->kind == DIFF_EVENT && mark_find(row->name, kind);
}

/*
 * Marks first, in the order in which they are listed: who died is worth most.
 * Last what a scheduler tells of its own work.
 */
static uint8_t rank_of(const struct diff_row *row)
{
    enum mark_kind mark;

    if ( is_mark(row, &mark) )
        return 1 + MARKS - mark;
    return row->kind != DIFF_EVENT || !score_is_internal(row->name);
}

/* Idle does what others leave: its own rows say nothing that theirs do not. */
static bool is_dull(const struct diff_row *row)
{
    return row->domain && row->domain->domid[DIFF_A] == VCPU_IDLE_DOMAIN;
}

/*
 * A kind that one side has not is told of all domains together; a mark of each
 * domain, for that others have it too says nothing of this one.
 */
static bool is_kind(const struct diff_row *row)
{
    enum mark_kind mark;

    if ( row->kind == DIFF_WAKE || !row->n[DIFF_A] == !row->n[DIFF_B] )
        return false;
    return is_mark(row, &mark) == (row->domain != NULL);
}

static int judge_kind(struct diff *d, const struct diff_row *row)
{
    struct diff_item item = { .domain = row->domain, .row = row,
                              .change = rate_change(d, row),
                              .rank = rank_of(row) };
    enum mark_kind mark;

    item.remarkable = is_mark(row, &mark) || item.change != 0;
    return put(d, row->n[DIFF_B] ? DIFF_CAME : DIFF_WENT, &item);
}

static int judge_rate(struct diff *d, const struct diff_row *row)
{
    enum diff_section section = row->kind == DIFF_EVENT ? DIFF_EVENTS
                                                        : DIFF_ENTRIES;
    const struct diff_row *sum = sum_of(d, row);
    struct diff_item item = { .domain = row->domain, .row = row,
                              .change = rate_change(d, row),
                              .rank = rank_of(row) };

    /* One that a side has not at all was told as that. */
    if ( row->kind == DIFF_WAKE || !sum || !sum->n[DIFF_A] || !sum->n[DIFF_B] )
        return 0;

    item.remarkable = fabs(item.change) >= SCORE_OCTAVES && !is_dull(row);
    if ( !row->domain && (d->only || told_by_domains(d, section, &item)) )
        item.remarkable = false;
    return put(d, section, &item);
}

static int judge_latency(struct diff *d, const struct diff_row *row)
{
    struct diff_item item = {
        .domain = row->domain, .row = row,
        .change = score_latency(diff_times_of(d, row, DIFF_A),
                               diff_times_of(d, row, DIFF_B)),
    };

    if ( !row->times[DIFF_A] || !row->times[DIFF_B] )
        return 0;

    item.remarkable = fabs(item.change) >= SCORE_OCTAVES;
    if ( !row->domain && (d->only || told_by_domains(d, DIFF_LATENCY, &item)) )
        item.remarkable = false;
    return put(d, DIFF_LATENCY, &item);
}

/*
 * Of how much time vCPUs were blocked or offline is known if it was not all of
 * it: so only where something is known of the same number of them.  Idle is
 * always ready to run: that is no waiting.
 */
static unsigned int states_of(const struct diff_domain *dom)
{
    if ( diff_is_special(dom) )
        return RUNNING + 1;
    return dom->vcpus[DIFF_A] == dom->vcpus[DIFF_B] ? RUNSTATES : RUNNABLE + 1;
}

static int judge_time(struct diff *d, const struct diff_domain *dom)
{
    if ( diff_only_in(dom, DIFF_A) || diff_only_in(dom, DIFF_B) ||
         !(dom->vcpus[DIFF_A] + dom->vcpus[DIFF_B]) ||
         fmax(dom->unknown[DIFF_A], dom->unknown[DIFF_B]) >= SCORE_UNKNOWN )
        return 0;

    for ( unsigned int k = 0; k < states_of(dom); k++ )
    {
        double a = dom->percent[DIFF_A][k], b = dom->percent[DIFF_B][k];
        struct diff_item item = { .domain = dom, .state = k, .change = b - a };
        int rc;

        if ( k == OFFLINE && a + b <= 0 )
            continue;
        item.remarkable = fabs(b - a) >= SCORE_POINTS &&
                          fabs(b - a) >= SCORE_PART * fmax(a, b);
        rc = put(d, DIFF_TIME, &item);
        if ( rc )
            return rc;
    }

    return 0;
}

/*
 * Order.  Whatever is A and what B, it is the same.
 */

static uint32_t lowest(const struct diff_domain *dom)
{
    return dom->domid[DIFF_A] < dom->domid[DIFF_B] ? dom->domid[DIFF_A]
                                                   : dom->domid[DIFF_B];
}

static int by_domain(const struct diff_domain *a, const struct diff_domain *b)
{
    if ( !a || !b )
        return !!a - !!b;
    if ( lowest(a) != lowest(b) )
        return lowest(a) < lowest(b) ? -1 : 1;
    return strcmp(a->name, b->name);
}

static uint64_t total(const struct diff_item *item)
{
    return item->row ? item->row->n[DIFF_A] + item->row->n[DIFF_B] : 0;
}

/* Rows of a domain that were counted the same follow each other. */
static int by_score(const void *a, const void *b)
{
    const struct diff_item *x = a, *y = b;
    double score = fabs(x->change) - fabs(y->change);
    int order;

    if ( x->remarkable != y->remarkable )
        return x->remarkable ? -1 : 1;
    if ( x->rank != y->rank )
        return x->rank > y->rank ? -1 : 1;
    if ( score != 0 )
        return score > 0 ? -1 : 1;
    if ( total(x) != total(y) )
        return total(x) > total(y) ? -1 : 1;
    order = by_domain(x->domain, y->domain);
    if ( !order && x->row && y->row )
        order = x->row->kind != y->row->kind
                ? (int)x->row->kind - (int)y->row->kind
                : strcmp(x->row->name, y->row->name);
    return order ? order : x->state - y->state;
}

static int judge_row(struct diff *d, const struct diff_row *row)
{
    int rc;

    if ( is_kind(row) )
        return judge_kind(d, row);
    if ( !is_compared(row) )
        return 0;
    rc = judge_rate(d, row);
    return rc ? rc : judge_latency(d, row);
}

int diff_judge(struct diff *d)
{
    int rc = add_sums(d);

    /* Domains first: a sum is told if none of them is. */
    for ( unsigned int i = 0; !rc && i < d->rows; i++ )
        if ( d->row[i]->domain )
            rc = judge_row(d, d->row[i]);
    for ( unsigned int i = 0; !rc && i < d->rows; i++ )
        if ( !d->row[i]->domain )
            rc = judge_row(d, d->row[i]);
    for ( unsigned int i = 0; !rc && i < d->domains; i++ )
        rc = judge_time(d, &d->domain[i]);
    for ( unsigned int i = 0; i < DIFF_SECTIONS; i++ )
        if ( d->list[i].nr )
            qsort(d->list[i].item, d->list[i].nr, sizeof(d->list[i].item[0]),
                  by_score);
    return rc;
}

bool diff_differs(const struct diff *d)
{
    for ( unsigned int i = 0; i < DIFF_SECTIONS; i++ )
        if ( d->list[i].remarkable )
            return true;
    for ( unsigned int i = 0; i < d->domains; i++ )
        if ( (diff_only_in(&d->domain[i], DIFF_A) ||
              diff_only_in(&d->domain[i], DIFF_B)) &&
             (!d->only || d->only == &d->domain[i]) )
            return true;
    return false;
}
