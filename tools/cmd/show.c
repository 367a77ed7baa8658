/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * show.c: xenflight show: print the trigger and the records of a snapshot.
 */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/base/term.h"
#include "tools/base/walk.h"
#include "tools/cmd.h"
#include "tools/print/out.h"
#include "tools/select/filter.h"

#define MAX_CPUS     FILTER_MAX_CPUS
#define MAX_VCPUS    8192

/* Records in the summary, per domain and per pCPU. */
#define LAST_DOMAIN  15
#define LAST_CPU     10

enum { OPT_HEAD = 256, OPT_COLUMNS };

struct options {
    const char *file;
    enum doc_clock clock;
    struct filter filter;
    struct term term;
    bool summary;  /* --last without a time */
    bool json, columns;
    bool head_only;
};

/*
 * The command line.
 */

/* The argument after `--last' begins like a time and is not a file. */
static bool is_wrong_time(const struct argp_state *state)
{
    const char *next = state->next < state->argc ? state->argv[state->next]
                                                 : "";

    return *next >= '0' && *next <= '9' && access(next, F_OK);
}

/* `--last 100ms', `--last=100ms', or `--last' for the summary. */
static void parse_last(struct options *o, const char *arg,
                       struct argp_state *state)
{
    struct last *last = &o->filter.last;

    last->given = true;
    if ( arg )
    {
        last->ns = parse_time("last", arg, state);
        return;
    }

    if ( state->next < state->argc &&
         !text_duration(state->argv[state->next], &last->ns) )
        state->next++;
    else if ( is_wrong_time(state) )
        parse_time("last", state->argv[state->next], state);
    else
    {
        last->given = false;
        o->summary = true;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->filter;
        state->child_inputs[1] = &o->term;
        state->child_inputs[2] = &o->json;
        state->child_inputs[3] = &o->clock;
        return 0;
    case 'l':
        parse_last(o, arg, state);
        return 0;
    case OPT_COLUMNS:
        o->columns = true;
        if ( out_columns_set(arg) )
            argp_error(state, "--columns takes names like time,event,dom, not "
                       "\"%s\"", arg);
        return 0;
    case OPT_HEAD:
        o->head_only = true;
        return 0;
    case ARGP_KEY_END:
        if ( o->json && o->columns )
            argp_error(state, "--json and --columns exclude each other");
        return 0;
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_option option_list[] = {
    { "last", 'l', "TIME", OPTION_ARG_OPTIONAL, "start TIME (like 100ms) "
      "before the trigger; without TIME: a summary with the last records of "
      "the domain that crashed and of the pCPUs it ran on", 0 },
    { "columns", OPT_COLUMNS, "LIST", 0, "print a plain table with these "
      "columns: time, tsc, pcpu, channel, ran, ran_domid, ran_vcpu, event, class, "
      "fields, or the name of a field", 0 },
    { "head", OPT_HEAD, NULL, 0, "print only the header, no records", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &filter_argp, 0, NULL, 0 },
    { &term_argp, 0, NULL, 0 },
    { &json_argp, 0, NULL, 0 },
    { &clock_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Print a snapshot: its trigger (domain, time, reason), then the "
           "records in time order: seconds from the trigger, pCPU, the domain "
           "and vCPU that ran there, event, fields.\v"
           "Examples:\n"
           "  xenflight show --last FILE\n"
           "  xenflight show --last 100ms --domain web1 --class sched FILE\n"
           "  xenflight show --filter 'waited_ns>10ms' --columns time,dom,waited_ns FILE\n"
           "  xenflight show --json FILE | jq -r '.event // empty' | sort | uniq -c\n\n"
           "" DOC_READER,
};

/*
 * The summary: the last records of the domain that crashed, and of each pCPU on
 * which one of its vCPUs ran last.
 */

struct last_records {
    unsigned int max;
    uint64_t nr;      /* added so far; the newest @max are kept */
    struct merge_record rec[];
};

struct summary {
    int64_t domid;                      /* < 0: the trigger names no domain */
    const struct lives *lives;
    unsigned int later;                 /* of domid, as in struct life */
    struct last_records *domain;
    struct last_records *cpu[MAX_CPUS]; /* NULL: no records yet */
    uint16_t ran_on[MAX_VCPUS];         /* pCPU + 1 of its last record; 0: none */
};

static struct last_records *new_last(unsigned int max)
{
    struct last_records *l = calloc(1, sizeof(*l) + max * sizeof(l->rec[0]));

    if ( l )
        l->max = max;
    return l;
}

static void add_last(struct last_records *l, const struct merge_record *rec)
{
    l->rec[l->nr++ % l->max] = *rec;
}

static void print_last(const struct source *src, const struct out *out,
                       const struct last_records *l, uint64_t *shown)
{
    uint64_t i = l->nr > l->max ? l->nr - l->max : 0;

    for ( ; i < l->nr; i++, ++*shown )
        out->record(src, &l->rec[i % l->max]);
}

static int summarise(struct summary *sum, const struct merge_record *rec)
{
    struct last_records **cpu = &sum->cpu[rec->cpu];

    if ( !*cpu )
        *cpu = new_last(LAST_CPU);
    if ( !*cpu )
        return -ENOMEM;

    add_last(*cpu, rec);
    if ( sum->domid < 0 || !filter_is_of(rec, sum->domid) ||
         lives_later(sum->lives, sum->domid, rec->tsc) != sum->later )
        return 0;

    add_last(sum->domain, rec);
    if ( rec->domid == sum->domid && rec->vcpu < MAX_VCPUS )
        sum->ran_on[rec->vcpu] = rec->cpu + 1;
    return 0;
}

/* Free sum->cpu[] of pCPUs not to be shown.  Without a domain all are shown. */
static void pick_cpus(struct summary *sum, const struct doc *doc)
{
    static bool picked[MAX_CPUS];

    if ( sum->domid < 0 )
        return;

    memset(picked, 0, sizeof(picked));
    for ( unsigned int i = 0; i < MAX_VCPUS; i++ )
        if ( sum->ran_on[i] )
            picked[sum->ran_on[i] - 1] = true;
    if ( doc->cpu >= 0 && doc->cpu < MAX_CPUS )
        picked[doc->cpu] = true;

    for ( unsigned int i = 0; i < MAX_CPUS; i++ )
        if ( !picked[i] )
        {
            free(sum->cpu[i]);
            sum->cpu[i] = NULL;
        }
}

static void print_summary(const struct source *src, const struct out *out,
                          struct summary *sum, uint64_t *shown)
{
    char title[80];

    if ( sum->domid >= 0 )
    {
        snprintf(title, sizeof(title), "Last records of domain %d:",
                 (int)sum->domid);
        out->section(title);
        print_last(src, out, sum->domain, shown);
    }

    pick_cpus(sum, &src->doc);
    for ( unsigned int i = 0; i < MAX_CPUS; i++ )
    {
        if ( !sum->cpu[i] )
            continue;
        snprintf(title, sizeof(title), "Last records of pCPU %u:", i);
        out->section(title);
        print_last(src, out, sum->cpu[i], shown);
    }
}

static void free_summary(struct summary *sum)
{
    if ( !sum )
        return;

    for ( unsigned int i = 0; i < MAX_CPUS; i++ )
        free(sum->cpu[i]);
    free(sum->domain);
    free(sum);
}

static struct summary *new_summary(const struct source *src)
{
    const struct doc *doc = &src->doc;
    struct summary *sum = calloc(1, sizeof(*sum));

    if ( !sum )
        return NULL;

    sum->domid = doc->domid;
    sum->lives = src->lives;
    sum->later = lives_later(src->lives, doc->domid, doc->tsc);
    sum->domain = new_last(LAST_DOMAIN);
    if ( sum->domain )
        return sum;

    free_summary(sum);
    return NULL;
}

/*
 * Printing.
 */

/* Selected records go to @out, or into @sum if it is set. */
struct show {
    const struct source *src;
    const struct out *out;
    struct filter *filter;
    struct summary *sum;
    bool selected;             /* at least one record */
    struct out_totals totals;
};

static int show_record(void *arg, const struct merge_record *rec)
{
    struct show *s = arg;

    if ( term_quit() )
        return WALK_STOP;

    s->totals.records += rec->kind == MERGE_EVENT;
    if ( !filter_wants(s->filter, rec) )
        return 0;
    s->selected = s->selected || rec->kind == MERGE_EVENT;
    if ( s->sum )
        return summarise(s->sum, rec);

    s->out->record(s->src, rec);
    s->totals.shown += rec->kind == MERGE_EVENT;
    return 0;
}

static int walk(struct show *s)
{
    struct walk_totals t;
    int rc = source_walk(s->src, s->filter->from_tsc, show_record, s, &t);

    s->totals.records += t.skipped;
    s->totals.copies = t.copies;
    s->totals.damaged = t.damaged;
    return rc;
}

/* Return false, with a message, if the file lacks something that was asked for. */
static bool can_show(struct source *src, struct options *o)
{
    if ( source_clock(src, o->clock) || filter_resolve(&o->filter, &src->doc, src->lives) )
        return false;
    if ( !o->columns || !out_columns_unknown(&src->doc) )
        return true;

    complain(out_columns_unknown(&src->doc),
             "neither a column nor a field of an event in this file");
    return false;
}

static int show(const struct source *src, struct options *o, bool *damaged)
{
    const struct out *out = o->json      ? &out_json
                            : o->columns ? &out_columns
                                         : &out_text;
    struct show s = { .src = src, .out = out, .filter = &o->filter };
    int rc = 0;

    term_begin(&o->term);
    out->head(src);
    if ( o->head_only )
        return 0;

    if ( o->summary )
    {
        s.sum = new_summary(src);
        rc = s.sum ? 0 : -ENOMEM;
    }
    else if ( !o->json )
        out->section("Records:");

    if ( !rc )
        rc = walk(&s);
    if ( !rc && s.sum )
        print_summary(src, out, s.sum, &s.totals.shown);
    if ( !rc )
        out->tail(src, &s.totals);

    if ( !rc && !term_quit() && !s.selected )
        filter_none_left(o->file, s.totals.records);

    free_summary(s.sum);
    *damaged = s.totals.damaged;
    return rc;
}

int cmd_show(int argc, char **argv)
{
    struct options o = { 0 };
    struct source src;
    bool damaged = false, can;
    int rc;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    if ( source_open(o.file, true, &src) )
    {
        filter_free(&o.filter);
        return EXIT_FAIL;
    }

    can = can_show(&src, &o);
    rc = can ? show(&src, &o, &damaged) : 0;
    filter_free(&o.filter);
    rc = source_end(&src, o.file, rc);
    return can && !damaged ? rc : EXIT_FAIL;
}
