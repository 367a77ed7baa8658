/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c: a comparison as text to read.
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

/* So many rows of a section, unless all are wanted; so many domains named. */
#define ROWS        10
#define NAMED       10

/* From which part of a change on it is told that it is one vCPU's. */
#define VCPU_PART   0.7

#define LABEL_BYTES 128
#define LABEL_WIDTH 24         /* at most */
#define NAME_WIDTH  27         /* at least */

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
        printf("   %sthe file is cut: of some pCPUs there may be nothing%s\n",
               term_on(TERM_BAD), term_off());
    for ( unsigned int i = 0; i < MERGE_GAPS; i++ )
        if ( s->gaps[i] )
            printf("   %srecords are missing in %" PRIu64 " places, at least %"
                   PRIu64 ": %s%s\n", term_on(TERM_BAD), s->gaps[i],
                   s->missing[i], merge_gap_text(i), term_off());
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

/* What makes two files less alike than two parts of one. */
static void print_unlike(const struct diff *d)
{
    const struct doc *a = &d->side[DIFF_A].src->doc;
    const struct doc *b = &d->side[DIFF_B].src->doc;

    if ( strcmp(part_of(a, "host", "name"), part_of(b, "host", "name")) )
        printf("Two hosts: the machines may differ as well.\n");
    if ( strcmp(part_of(a, "xen", "version"), part_of(b, "xen", "version")) )
        printf("Two versions of Xen: events may be of one of them only.\n");
    /* A recording does not say so: only the recorder makes one. */
    if ( strcmp(doc_text(a->root, "backend", "flightrec"),
                doc_text(b->root, "backend", "flightrec")) )
        printf("One was recorded by the recorder, one by Xen's own trace "
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
        printf("%s%s", n == 1 ? "Taken to be the same domain by " : ", ",
               n == 1 ? how : "");
        printf("%s%s", n == 1 ? ": " : "", diff_label(dom, label,
                                                      sizeof(label)));
    }
    if ( n > NAMED )
        printf(", and %u more", n - NAMED);
    if ( n )
        putchar('\n');
}

static const char *const state_text[RUNSTATES] = {
    "running", "waiting to run", "blocked", "offline",
};

/* Domains that only one side has, or that only there have records. */
struct which {
    unsigned int side;
    bool known_to_both, recorded;
};

static bool is_one(const struct diff *d, const struct diff_domain *dom,
                   struct which w)
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
                   state_text[k]);
    if ( dom->unknown[side] >= 0.05 )
        printf("%s%.1f%% of its time is not known", n ? ", " : "",
               dom->unknown[side]);
}

/* Those with records one a line, the others in one. */
static void print_which(const struct diff *d, struct which w, const char *title)
{
    char label[LABEL_BYTES];
    unsigned int n = 0;

    for ( unsigned int i = 0; i < d->domains; i++ )
    {
        const struct diff_domain *dom = &d->domain[i];

        if ( !is_one(d, dom, w) || n++ >= NAMED )
            continue;
        if ( n == 1 )
            printf("\n%s%s %c:%s%s", term_on(TERM_HEAD), title, letter[w.side],
                   term_off(), w.recorded ? "\n" : "");
        diff_label(dom, label, sizeof(label));
        if ( !w.recorded )
        {
            printf("%s %s%s%s", n > 1 ? "," : "", term_on(TERM_WHO), label,
                   term_off());
            continue;
        }
        printf("  %s%-*.*s%s ", term_on(TERM_WHO), LABEL_WIDTH, LABEL_WIDTH,
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

        print_which(d, (struct which){ s, false, true }, "Domains only in");
        print_which(d, (struct which){ s, false, false },
                    "Domains, without a record, only in");
        print_which(d, (struct which){ s, true, true },
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

static void print_who(const struct diff_domain *dom, const char *name)
{
    char label[LABEL_BYTES];

    printf("  %s%-*.*s%s %s%-*s%s", term_on(TERM_WHO), LABEL_WIDTH, LABEL_WIDTH,
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

/* Whose most of a kind is: of a domain's own row, nobody else's. */
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
        printf("  %c: %u%% %s", letter[side],
               (unsigned int)(100.0 * most->n[side] / row->n[side]),
               diff_label(most->domain, label, sizeof(label)));
}

static void print_rate(const struct diff *d, const struct diff_item *item)
{
    double a = diff_rate(d, item->row, DIFF_A);
    double b = diff_rate(d, item->row, DIFF_B);
    char x[32], y[32], change[24], name[LABEL_BYTES];

    print_who(item->domain, row_name(item->row, name, sizeof(name)));
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

    print_who(one ? most->domain : item->domain,
              row_name(item->row, name, sizeof(name)));
    printf(" %10" PRIu64 " %10s", item->row->n[side],
           per_second(rate, sizeof(rate), diff_rate(d, item->row, side)));
    if ( !one )
        print_share(d, item->row, side);
}

/* From *i on the next vCPU of a domain; they are sorted.  NULL: no more. */
static const struct vcpu *vcpu_of(const struct accounts *a, uint32_t domid,
                                  unsigned int *i)
{
    while ( *i < vcpus_nr(a->vcpus) && vcpus_nth(a->vcpus, *i)->domid < domid )
        ++*i;
    return *i < vcpus_nr(a->vcpus) && vcpus_nth(a->vcpus, *i)->domid == domid
           ? vcpus_nth(a->vcpus, *i) : NULL;
}

static double vcpu_percent(const struct accounts *a, const struct vcpu *v,
                           unsigned int state)
{
    const struct account *acc = v->data;

    return 100.0 * acc->ticks[state] / (a->to - a->from);
}

/* Walks through the vCPUs of a domain that either side knows. */
struct walk {
    unsigned int at[DIFF_SIDES], vcpu;
    double percent[DIFF_SIDES];  /* of `vcpu` in the item's state */
};

static bool next_vcpu(const struct diff *d, const struct diff_item *item,
                      struct walk *w)
{
    const struct vcpu *v[DIFF_SIDES];

    w->vcpu = UINT_MAX;
    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        v[s] = vcpu_of(&d->side[s].acc, item->domain->domid[s], &w->at[s]);
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

/* Of a domain with several: the one vCPU that makes most of the change. */
static void print_vcpu(const struct diff *d, const struct diff_item *item)
{
    struct walk w = { 0 }, most = { 0 };
    unsigned int vcpus = 0;

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

    print_who(dom, state_text[item->state]);
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

    print_who(item->domain, row_name(item->row, name, sizeof(name)));
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
    [DIFF_CAME] = { "Kinds of records only in B", "     number   a second",
                    print_kind },
    [DIFF_WENT] = { "Kinds of records only in A", "     number   a second",
                    print_kind },
    [DIFF_TIME] = { "Percent of a pCPU", "          A          B    change",
                    print_time },
    [DIFF_LATENCY] = { "Waits, and time in Xen: us",
                       "    p50: A         B    p99: A         B    max: A"
                       "         B  change", print_latency },
    [DIFF_ENTRIES] = { "Entries into Xen a second",
                       "          A          B    change", print_rate },
    [DIFF_EVENTS] = { "Events a second", "          A          B    change",
                      print_rate },
};

/* Of the same domain, counted the same: most likely two words for one thing. */
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

static void print_rest(const struct diff *d)
{
    unsigned int kinds = unremarkable(d, DIFF_CAME) +
                         unremarkable(d, DIFF_WENT);

    printf("\n%s differs by more than a factor of %.1f, or %.0f%% of a pCPU, "
           "beyond what chance allows.\n", diff_differs(d) ? "Nothing else"
                                                          : "Nothing",
           SCORE_FACTOR, SCORE_POINTS);
    printf("Compared as well: %u rates, %u latencies, %u shares of time",
           unremarkable(d, DIFF_ENTRIES) + unremarkable(d, DIFF_EVENTS),
           unremarkable(d, DIFF_LATENCY), unremarkable(d, DIFF_TIME));
    if ( kinds )
        printf("; too seldom to tell: %u kinds that one of them has", kinds);
    printf(".\n");
}

void diff_print_text(const struct diff *d, bool all)
{
    print_head(d);
    print_unlike(d);
    print_matched(d, DIFF_BY_NAME, "name, not uuid");
    print_matched(d, DIFF_BY_NUMBER, "number alone");
    if ( d->left_out )
        printf("%s%" PRIu64 " records are not compared: more kinds or domains "
               "than there is room for%s\n", term_on(TERM_BAD), d->left_out,
               term_off());

    print_domains(d);
    for ( unsigned int i = 0; i < DIFF_SECTIONS; i++ )
        print_section(d, i, all);
    print_rest(d);
}
