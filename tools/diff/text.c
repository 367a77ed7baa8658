/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c: prints a comparison as text.
 */

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/diff/diff.h"
#include "tools/print/out.h"
#include "tools/base/term.h"

/* Rows of a section without --all, and domains in a list. */
#define ROWS        10
#define NAMED       10

/* One vCPU's part of a domain's change from which on the vCPU is named. */
#define VCPU_PART   0.7

#define LABEL_BYTES 128
#define LABEL_WIDTH 24         /* maximum */
#define NAME_WIDTH  27         /* minimum */

static const char letter[DIFF_SIDES] = { 'A', 'B' };

/*
 * Head.
 */

static const char *part_of(const struct doc *d, const char *object,
                           const char *key)
{
    return doc_text(json_object_get(d->root, object), key, "?");
}

static void print_file(const struct diff_side *s, const char *name)
{
    const struct doc *d = &s->src->doc;
    char text[OUT_TRIGGER_BYTES], host[TEXT_ROOM(64)], xen[TEXT_ROOM(64)];
    char path[TEXT_ROOM(256)], when[48] = "no wall clock";

    if ( d->has_wall )
        text_time(when, sizeof(when), d->wall_ns);
    printf("%s%s%s%s\n", term_on(TERM_HEAD), name,
           text_escape(path, sizeof(path), s->path), term_off());
    printf("   %s, %s\n", out_trigger(d, text, sizeof(text)), when);
    printf("   %s, Xen %s\n",
           text_escape(host, sizeof(host), part_of(d, "host", "name")),
           text_escape(xen, sizeof(xen), part_of(d, "xen", "version")));
}

static void print_stretch(const struct diff_side *s, const char *name)
{
    const struct doc *d = &s->src->doc;

    printf("%s%.6f s, from %+.6f to %+.6f, %" PRIu64 " records of %u pCPU%s\n",
           name, s->seconds, doc_ns(d, s->acc.from) / 1e9,
           doc_ns(d, s->acc.to) / 1e9, s->acc.records, s->cpus,
           s->cpus == 1 ? "" : "s");
    if ( snapshot_truncated(s->src->snap) )
        printf("   %sthe file is truncated: records of some pCPUs may be "
               "missing%s\n", term_on(TERM_BAD), term_off());
    for ( unsigned int i = 0; i < MERGE_GAPS; i++ )
        if ( s->gaps[i] )
            printf("   %sat least %" PRIu64 " records are missing in %" PRIu64
                   " place%s: %s%s\n", term_on(TERM_BAD), s->missing[i],
                   s->gaps[i], s->gaps[i] == 1 ? "" : "s", merge_gap_text(i),
                   term_off());
}

static void print_head(const struct diff *d)
{
    if ( d->one_file )
    {
        print_file(&d->side[DIFF_A], "");
        print_stretch(&d->side[DIFF_A], "A  ");
        print_stretch(&d->side[DIFF_B], "B  ");
        return;
    }

    print_file(&d->side[DIFF_A], "A  ");
    print_stretch(&d->side[DIFF_A], "   ");
    print_file(&d->side[DIFF_B], "B  ");
    print_stretch(&d->side[DIFF_B], "   ");
}

/* Warn of differences between the hosts, which the events may reflect. */
static void print_hosts(const struct diff *d)
{
    const struct doc *a = &d->side[DIFF_A].src->doc;
    const struct doc *b = &d->side[DIFF_B].src->doc;

    if ( strcmp(part_of(a, "host", "name"), part_of(b, "host", "name")) )
        printf("The files are from two hosts, which may differ.\n");
    if ( strcmp(part_of(a, "xen", "version"), part_of(b, "xen", "version")) )
        printf("The files are from two versions of Xen, whose events may "
               "differ.\n");
    /* A recording has no "backend": only the recorder makes recordings. */
    if ( strcmp(doc_text(a->root, "backend", "flightrec"),
                doc_text(b->root, "backend", "flightrec")) )
        printf("One file is from the recorder, one from Xen's own trace "
               "buffers: not all events are in both.\n");
}

static void print_matched(const struct diff *d, enum diff_match match,
                          const char *how)
{
    char label[LABEL_BYTES];
    unsigned int n = 0;

    for ( unsigned int i = 0; i < d->domains; i++ )
    {
        const struct diff_domain *dom = &d->domain[i];

        if ( !dom->in[DIFF_A] || !dom->in[DIFF_B] || dom->match != match )
            continue;
        if ( n++ >= NAMED )
            continue;
        printf("%s%s", n == 1 ? "Matched by " : ", ", n == 1 ? how : "");
        printf("%s%s", n == 1 ? ": " : "", diff_label(dom, label,
                                                      sizeof(label)));
    }
    if ( n > NAMED )
        printf(", and %u more", n - NAMED);
    if ( n )
        putchar('\n');
}


/* Selects domains that only one side has, or has records of. */
struct only {
    unsigned int side;
    bool known_to_both, recorded;
};

static bool is_selected(const struct diff *d, const struct diff_domain *dom,
                        struct only w)
{
    return diff_only_in(dom, w.side) && dom->in[!w.side] == w.known_to_both &&
           (dom->vcpus[w.side] > 0) == w.recorded &&
           (!d->only || d->only == dom);
}

static void print_states(const struct diff_domain *dom, unsigned int side)
{
    unsigned int n = 0;

    for ( unsigned int k = 0; k < RUNSTATES; k++ )
        if ( dom->percent[side][k] >= 0.05 )
            printf("%s%.1f%% %s", n++ ? ", " : "", dom->percent[side][k],
                   runstate_words[k]);
    if ( dom->unknown[side] >= 0.05 )
        printf("%s%.1f%% of its time is not known", n ? ", " : "",
               dom->unknown[side]);
}

/* Print domains with records one per line, others in one line. */
static void print_only(const struct diff *d, struct only w, const char *title)
{
    char label[LABEL_BYTES];
    unsigned int n = 0;

    for ( unsigned int i = 0; i < d->domains; i++ )
    {
        const struct diff_domain *dom = &d->domain[i];

        if ( !is_selected(d, dom, w) || n++ >= NAMED )
            continue;
        if ( n == 1 )
            printf("\n%s%s %c:%s%s", term_on(TERM_HEAD), title, letter[w.side],
                   term_off(), w.recorded ? "\n" : "");
        diff_label(dom, label, sizeof(label));
        if ( !w.recorded )
        {
            printf("%s %s%s%s", n > 1 ? "," : "", term_on(TERM_NAME), label,
                   term_off());
            continue;
        }
        printf("  %s%-*.*s%s ", term_on(TERM_NAME), LABEL_WIDTH, LABEL_WIDTH,
               label, term_off());
        print_states(dom, w.side);
        putchar('\n');
    }
    if ( n > NAMED )
        printf("%sand %u more", w.recorded ? "  " : ", ", n - NAMED);
    if ( n > NAMED || (n && !w.recorded) )
        putchar('\n');
}

static void print_domains(const struct diff *d)
{
    for ( unsigned int i = 0; i < DIFF_SIDES; i++ )
    {
        unsigned int s = i ? DIFF_A : DIFF_B;

        print_only(d, (struct only){ s, false, true }, "Domains only in");
        print_only(d, (struct only){ s, false, false },
                   "Domains without records, only in");
        print_only(d, (struct only){ s, true, true },
                   "Domains in both, with records only in");
    }
}

/*
 * Rows.
 */

static const char *row_name(const struct diff_row *row, char *buf, size_t bytes)
{
    static const char *const before[DIFF_KINDS] = {
        [DIFF_EVENT] = "", [DIFF_EXIT] = "exit ",
        [DIFF_HYPERCALL] = "hypercall ", [DIFF_WAKE] = "",
    };
    char safe[TEXT_ROOM(EVENT_NAME_BYTES)];

    snprintf(buf, bytes, "%s%s", before[row->kind],
             text_escape(safe, sizeof(safe), row->name));
    return buf;
}

static void print_row_head(const struct diff_domain *dom, const char *name)
{
    char label[LABEL_BYTES];

    printf("  %s%-*.*s%s %s%-*s%s", term_on(TERM_NAME), LABEL_WIDTH, LABEL_WIDTH,
           diff_label(dom, label, sizeof(label)), term_off(),
           term_on(TERM_EVENT), NAME_WIDTH, name, term_off());
}

/* "x4.5", "/3.2" */
static const char *factor(char *buf, size_t bytes, double a, double b)
{
    double more = a < b ? b / a : a / b;

    if ( a == b )
        snprintf(buf, bytes, "=");
    else if ( a == 0 || b == 0 )
        snprintf(buf, bytes, "%s", b == 0 ? "none" : "new");
    else
        snprintf(buf, bytes, more < 99.5 ? "%c%.1f" : "%c%.0f",
                 a < b ? 'x' : '/', more);
    return buf;
}

static const char *per_second(char *buf, size_t bytes, double rate)
{
    snprintf(buf, bytes, rate < 99.95 ? "%.1f" : "%.0f", rate);
    return buf;
}

/* Return the domain's row with most of a sum, or NULL if @row is no sum. */
static const struct diff_row *most_of(const struct diff *d,
                                      const struct diff_row *row,
                                      unsigned int side)
{
    const struct diff_row *best = NULL;

    for ( unsigned int i = 0; !row->domain && i < d->rows; i++ )
        if ( d->row[i]->domain && d->row[i]->kind == row->kind &&
             d->row[i]->name == row->name &&
             (!best || d->row[i]->n[side] > best->n[side]) )
            best = d->row[i];

    return best;
}

static void print_share(const struct diff *d, const struct diff_row *row,
                        unsigned int side)
{
    const struct diff_row *most = most_of(d, row, side);
    char label[LABEL_BYTES];

    if ( most && row->n[side] )
        printf("  %c: %.0f%% %s", letter[side],
               100.0 * most->n[side] / row->n[side],
               diff_label(most->domain, label, sizeof(label)));
}

static void print_rate(const struct diff *d, const struct diff_item *item)
{
    double a = diff_rate(d, item->row, DIFF_A);
    double b = diff_rate(d, item->row, DIFF_B);
    char x[32], y[32], change[24], name[LABEL_BYTES];

    print_row_head(item->domain, row_name(item->row, name, sizeof(name)));
    printf(" %10s %10s %9s", per_second(x, sizeof(x), a),
           per_second(y, sizeof(y), b), factor(change, sizeof(change), a, b));
    print_share(d, item->row, a < b ? DIFF_B : DIFF_A);
}

static void print_kind(const struct diff *d, const struct diff_item *item)
{
    unsigned int side = item->row->n[DIFF_B] ? DIFF_B : DIFF_A;
    const struct diff_row *most = most_of(d, item->row, side);
    bool one = most && most->n[side] == item->row->n[side];
    char rate[32], name[LABEL_BYTES];

    print_row_head(one ? most->domain : item->domain,
              row_name(item->row, name, sizeof(name)));
    printf(" %10" PRIu64 " %10s", item->row->n[side],
           per_second(rate, sizeof(rate), diff_rate(d, item->row, side)));
    if ( !one )
        print_share(d, item->row, side);
}

/* Return the vCPU at index @i if it is one of the domain, or NULL. */
static const struct vcpu *vcpu_at(const struct accounts *a, uint32_t domid,
                                  unsigned int later, unsigned int i)
{
    const struct vcpu *v = i < vcpus_nr(a->vcpus) ? vcpus_nth(a->vcpus, i)
                                                  : NULL;

    return v && v->domid == domid && v->later == later ? v : NULL;
}

static double vcpu_percent(const struct accounts *a, const struct vcpu *v,
                           unsigned int state)
{
    const struct account *acc = v->data;

    return 100.0 * acc->ticks[state] / (a->to - a->from);
}

/* A walk over the vCPUs of a domain that either side knows. */
struct walk {
    unsigned int at[DIFF_SIDES], vcpu;
    double percent[DIFF_SIDES];  /* of @vcpu in the item's state */
};

static bool next_vcpu(const struct diff *d, const struct diff_item *item,
                      struct walk *w)
{
    const struct vcpu *v[DIFF_SIDES];

    w->vcpu = UINT_MAX;
    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        v[s] = vcpu_at(&d->side[s].acc, item->domain->domid[s],
                       item->domain->later[s], w->at[s]);
        if ( v[s] && v[s]->vcpu < w->vcpu )
            w->vcpu = v[s]->vcpu;
    }

    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        bool here = v[s] && v[s]->vcpu == w->vcpu;

        w->percent[s] = here ? vcpu_percent(&d->side[s].acc, v[s], item->state)
                             : 0;
        w->at[s] += here;
    }
    return w->vcpu != UINT_MAX;
}

/* Name the vCPU that makes most of a domain's change, if it has several. */
static void print_vcpu(const struct diff *d, const struct diff_item *item)
{
    struct walk w = { 0 }, most = { 0 };
    unsigned int vcpus = 0;

    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
        w.at[s] = vcpus_first(d->side[s].acc.vcpus, item->domain->domid[s],
                              item->domain->later[s]);
    for ( ; next_vcpu(d, item, &w); vcpus++ )
        if ( fabs(w.percent[DIFF_B] - w.percent[DIFF_A]) >
             fabs(most.percent[DIFF_B] - most.percent[DIFF_A]) )
            most = w;

    if ( vcpus > 1 && (most.percent[DIFF_B] - most.percent[DIFF_A]) /
                      item->change > VCPU_PART )
        printf("  vCPU %u: %.1f -> %.1f", most.vcpu, most.percent[DIFF_A],
               most.percent[DIFF_B]);
}

static void print_time(const struct diff *d, const struct diff_item *item)
{
    const struct diff_domain *dom = item->domain;

    print_row_head(dom, runstate_words[item->state]);
    printf(" %10.1f %10.1f %+9.1f", dom->percent[DIFF_A][item->state],
           dom->percent[DIFF_B][item->state], item->change);
    if ( item->remarkable )
        print_vcpu(d, item);
}

static double part_us(struct score_times t, unsigned int part)
{
    return times_part(t.times, part) * t.ns / 1e3;
}

static void print_latency(const struct diff *d, const struct diff_item *item)
{
    static const unsigned int part[] = { 500, 900, 990, 1000 };
    struct score_times a = diff_times_of(d, item->row, DIFF_A);
    struct score_times b = diff_times_of(d, item->row, DIFF_B);
    char change[24] = "", name[LABEL_BYTES];
    double most = 0;

    print_row_head(item->domain, row_name(item->row, name, sizeof(name)));
    for ( unsigned int i = 0; i < 4; i++ )
    {
        double octaves = part[i] < 1000 ? fabs(score_part(a, b, part[i])) : 0;

        if ( part[i] != 900 )
            printf(" %9.1f %9.1f", part_us(a, part[i]), part_us(b, part[i]));
        if ( octaves > most )
        {
            char x[24];

            snprintf(change, sizeof(change), "  p%u %s", part[i] / 10,
                     factor(x, sizeof(x), part_us(a, part[i]),
                            part_us(b, part[i])));
            most = octaves;
        }
    }
    printf("%s", change);
}

static const struct {
    const char *title, *columns;
    void (*print)(const struct diff *d, const struct diff_item *item);
} sections[DIFF_SECTIONS] = {
    [DIFF_CAME] = { "Kinds of records only in B", "      count   per second",
                    print_kind },
    [DIFF_WENT] = { "Kinds of records only in A", "      count   per second",
                    print_kind },
    [DIFF_TIME] = { "Percent of a pCPU", "          A          B    change",
                    print_time },
    [DIFF_LATENCY] = { "Waits, and time in Xen (us)",
                       "    p50: A         B    p99: A         B    max: A"
                       "         B  change", print_latency },
    [DIFF_ENTRIES] = { "Entries into Xen per second",
                       "          A          B    change", print_rate },
    [DIFF_EVENTS] = { "Events per second", "          A          B    change",
                      print_rate },
};

/* Two kinds of one domain with equal counts: most likely of one cause. */
static bool is_alike(const struct diff_item *x, const struct diff_item *y)
{
    return x->row && y->row && x->domain == y->domain &&
           x->row->kind == y->row->kind && !x->row->times[DIFF_A] &&
           x->row->n[DIFF_A] == y->row->n[DIFF_A] &&
           x->row->n[DIFF_B] == y->row->n[DIFF_B];
}

static void print_section(const struct diff *d, unsigned int section, bool all)
{
    const struct diff_list *l = &d->list[section];
    unsigned int nr = all ? l->nr : l->remarkable, i, next, rows = 0;

    if ( !nr )
        return;

    printf("\n%s%-*s%s%s\n", term_on(TERM_HEAD),
           2 + LABEL_WIDTH + 1 + NAME_WIDTH, sections[section].title,
           sections[section].columns, term_off());
    for ( i = 0; i < nr && (all || rows < ROWS) && !term_quit(); i = next )
    {
        next = i + 1;
        while ( !all && l->item[i].rank < 2 && next < nr &&
                is_alike(&l->item[i], &l->item[next]) )
            next++;
        sections[section].print(d, &l->item[i]);
        if ( next > i + 1 )
            printf("  (%u more like this)", next - i - 1);
        putchar('\n');
        rows++;
    }
    if ( i < nr )
        printf("  and %u more: --all\n", nr - i);
}

static unsigned int unremarkable(const struct diff *d,
                                 enum diff_section section)
{
    return d->list[section].nr - d->list[section].remarkable;
}

/* `, 41 rates', or nothing if @n is 0.  Return the parts printed so far. */
static unsigned int print_count(unsigned int parts, unsigned int n,
                                const char *one, const char *many)
{
    if ( !n )
        return parts;

    printf("%s%u %s", parts ? ", " : "Compared without a significant change: ",
           n, n == 1 ? one : many);
    return parts + 1;
}

static void print_rest(const struct diff *d)
{
    unsigned int kinds = unremarkable(d, DIFF_CAME) +
                         unremarkable(d, DIFF_WENT);
    unsigned int n;

    printf("\n%s differs significantly, by a factor of %.1f or by %.0f%% of a "
           "pCPU.\n", diff_differs(d) ? "Nothing else" : "Nothing",
           SCORE_FACTOR, SCORE_POINTS);
    n = print_count(0, unremarkable(d, DIFF_ENTRIES) +
                       unremarkable(d, DIFF_EVENTS), "rate", "rates");
    n = print_count(n, unremarkable(d, DIFF_LATENCY), "latency", "latencies");
    n = print_count(n, unremarkable(d, DIFF_TIME), "share of time",
                    "shares of time");
    if ( n )
        printf(".\n");
    if ( kinds )
        printf("Too rare to judge: %u kind%s of records that one side lacks.\n",
               kinds, kinds == 1 ? "" : "s");
}

void diff_print_text(const struct diff *d, bool all)
{
    print_head(d);
    print_hosts(d);
    print_matched(d, DIFF_BY_NAME, "name, not by uuid");
    print_matched(d, DIFF_BY_NUMBER, "number alone");
    if ( d->left_out )
        printf("%s%" PRIu64 " records are not compared: too many kinds or "
               "domains%s\n", term_on(TERM_BAD), d->left_out, term_off());

    print_domains(d);
    for ( unsigned int i = 0; i < DIFF_SECTIONS; i++ )
        print_section(d, i, all);
    print_rest(d);
}
