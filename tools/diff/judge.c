/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * judge.c: chooses the rows of a comparison that are remarkable, and their
 * order.
 *
 * A domain that only one side has, or has records of, is not compared.  It is
 * listed, and its records are part of the sums of all domains.  A sum is
 * reported only if no row of a domain reports the same change.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff/diff.h"
#include "tools/stats/marks.h"

/* Domains' rows report a sum's change if they make this part of it. */
#define REPORTED_PART 0.3

struct score_times diff_times_of(const struct diff *d,
                                const struct diff_row *row, unsigned int side)
{
    /* Waits are in ticks, all other times in ns. */
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
 * Whether remarkable rows of domains already report the change of a sum: in the
 * same direction, and of a rate REPORTED_PART of the difference.
 */
static bool is_reported(const struct diff *d, enum diff_section section,
                        const struct diff_item *sum)
{
    const struct diff_list *l = &d->list[section];
    bool any = false;
    double reported = 0;

    for ( unsigned int i = 0; i < l->nr; i++ )
        if ( l->item[i].remarkable && l->item[i].row->domain &&
             l->item[i].row->kind == sum->row->kind &&
             l->item[i].row->name == sum->row->name &&
             (l->item[i].change > 0) == (sum->change > 0) )
        {
            any = true;
            reported += more_of(d, l->item[i].row);
        }

    return any && (section == DIFF_LATENCY ||
                   reported / more_of(d, sum->row) > REPORTED_PART);
}

/*
 * Sections.
 */

/* Whether the row counts marks, of which a single one is remarkable. */
static bool is_mark(const struct diff_row *row, enum mark_kind *kind)
{
    return row->kind == DIFF_EVENT && mark_find(row->name, kind);
}

/*
 * Marks come first, in the order of their enum: a crash matters most.  Events
 * internal to a scheduler come last.
 */
static uint8_t rank_of(const struct diff_row *row)
{
    enum mark_kind mark;

    if ( is_mark(row, &mark) )
        return 1 + MARKS - mark;
    return row->kind != DIFF_EVENT || !score_is_internal(row->name);
}

/* Idle uses the time that others leave: its changes follow from theirs. */
static bool is_of_idle(const struct diff_row *row)
{
    return row->domain && row->domain->domid[DIFF_A] == VCPU_IDLE_DOMAIN;
}

/*
 * If an event kind occurs on only one side, report it once for all domains.  A
 * mark is reported for each domain: another domain's crash explains nothing.
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

    /* A kind that one side lacks is reported by judge_kind(). */
    if ( row->kind == DIFF_WAKE || !sum || !sum->n[DIFF_A] || !sum->n[DIFF_B] )
        return 0;

    item.remarkable = fabs(item.change) >= SCORE_OCTAVES && !is_of_idle(row);
    if ( !row->domain && (d->only || is_reported(d, section, &item)) )
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
    if ( !row->domain && (d->only || is_reported(d, DIFF_LATENCY, &item)) )
        item.remarkable = false;
    return put(d, DIFF_LATENCY, &item);
}

/*
 * A vCPU that was blocked or offline for the whole stretch has no account.  So
 * these states are compared only if both sides have the same number of vCPUs
 * with accounts.  The idle vCPU is always runnable, so it has no waits.
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
 * Order.  It does not depend on which side is A and which is B.
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

/* Rows of a domain with equal counts come after each other. */
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

    /* Domains first: a sum is remarkable only if none of them reports it. */
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
