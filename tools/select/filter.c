/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.c: select records of a snapshot.
 */

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "tools/base/message.h"
#include "tools/select/filter.h"

/* "3", "0,2-4" */
static int parse_cpus(const char *text, bool *cpu)
{
    char *end;

    for ( ;; )
    {
        unsigned long from, to;

        if ( *text < '0' || *text > '9' )
            return -EINVAL;
        from = to = strtoul(text, &end, 10);
        if ( *end == '-' )
        {
            text = end + 1;
            if ( *text < '0' || *text > '9' )
                return -EINVAL;
            to = strtoul(text, &end, 10);
        }
        if ( from > to || to >= FILTER_MAX_CPUS )
            return -EINVAL;
        while ( from <= to )
            cpu[from++] = true;
        if ( !*end )
            return 0;
        if ( *end != ',' )
            return -EINVAL;
        text = end + 1;
    }
}

void filter_globs_add(struct filter_globs *g, const char *glob,
                      struct argp_state *state)
{
    if ( g->nr == FILTER_MAX_GLOBS )
        argp_error(state, "at most %u patterns", FILTER_MAX_GLOBS);
    else
        g->glob[g->nr++] = glob;
}

bool filter_globs_match(const struct filter_globs *g, const char *name)
{
    for ( unsigned int i = 0; i < g->nr; i++ )
        if ( !fnmatch(g->glob[i], name, FNM_CASEFOLD) )
            return true;

    return !g->nr;
}

static void add_expr(struct filter *f, const char *arg,
                     struct argp_state *state)
{
    char err[EXPR_ERR_BYTES];

    if ( f->nr_exprs == FILTER_MAX_EXPRS )
        argp_error(state, "at most %u --filter", FILTER_MAX_EXPRS);
    else if ( expr_parse(arg, &f->expr[f->nr_exprs], err, sizeof(err)) )
        argp_error(state, "--filter: %s", err);
    else
        f->text[f->nr_exprs++] = arg;
}

static void parse_moment(const char *option, const char *arg, struct when *w,
                         struct argp_state *state)
{
    if ( when_parse(arg, w) )
        wrong_time(option, arg, "a time like -100ms or -0.0021 (seconds; from "
                   "the trigger), \"2026-01-31 23:59:59.5\", 23:59:59 (UTC) or "
                   "@TSC", state);
}

static void parse_list(const char *option, const char *arg, bool *list,
                       struct argp_state *state)
{
    if ( parse_cpus(arg, list) )
        argp_error(state, "--%s takes numbers like 0,2-4, not \"%s\"", option,
                   arg);
}

enum { OPT_VCPU = 512, OPT_CLASS, OPT_FROM, OPT_TO };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct filter *f = state->input;

    switch ( key )
    {
    case 'd':
        f->domain = arg;
        return 0;
    case OPT_VCPU:
        f->by_vcpu = true;
        parse_list("vcpu", arg, f->vcpu, state);
        return 0;
    case 'c':
        f->by_cpu = true;
        parse_list("cpu", arg, f->cpu, state);
        return 0;
    case 'e':
        filter_globs_add(&f->events, arg, state);
        return 0;
    case OPT_CLASS:
        filter_globs_add(&f->classes, arg, state);
        return 0;
    case 'f':
        add_expr(f, arg, state);
        return 0;
    case OPT_FROM:
        f->has_from = true;
        parse_moment("from", arg, &f->from, state);
        return 0;
    case OPT_TO:
        f->has_to = true;
        parse_moment("to", arg, &f->to, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    { NULL, 0, NULL, 0, "Which records:", 1 },
    { "domain", 'd', "ID|NAME|UUID", 0, "only records written while this "
      "domain ran, or that name it", 0 },
    { "vcpu", OPT_VCPU, "LIST", 0, "only records of these vCPUs, of --domain or "
      "of any domain", 0 },
    { "cpu", 'c', "LIST", 0, "only records of these pCPUs, like 0,2-4", 0 },
    { "event", 'e', "GLOB", 0, "only events with a matching name, like "
      "'SCHED_*'; may be given several times", 0 },
    { "class", OPT_CLASS, "GLOB", 0, "only events of these classes: gen, sched, "
      "dom0op, hvm, mem, pv, shadow, hw, guest; may be given several times",
      0 },
    { "filter", 'f', "EXPR", 0, "only events that match this expression, "
      "like 'reason==crash && dom==5'; if given several times, all must match", 0 },
    { "from", OPT_FROM, "WHEN", 0, "start here: -100ms, -0.0021 (seconds; from "
      "the trigger), \"2026-01-31 23:59:59.5\", 23:59:59.5 (UTC), @TSC", 0 },
    { "to", OPT_TO, "WHEN", 0, "end here", 0 },
    { 0 },
};

const struct argp filter_argp = { .options = option_list, .parser = parse };

/* --from and --last: the later one counts. */
static int resolve_times(struct filter *f, const struct doc *doc)
{
    uint64_t from = 0;

    f->from_tsc = f->last.given ? doc_tsc_before(doc, f->last.ns) : 0;
    f->to_tsc = UINT64_MAX;
    if ( (f->has_from && when_tsc(&f->from, doc, &from)) ||
         (f->has_to && when_tsc(&f->to, doc, &f->to_tsc)) )
    {
        complain("--from, --to", "the file has no wall clock: give a time from "
                                 "the trigger, like -100ms");
        return -ENOENT;
    }

    f->from_tsc = from > f->from_tsc ? from : f->from_tsc;
    return 0;
}

/* A glob of the number that stands for an event of no known name. */
static bool is_number(const char *glob)
{
    return !strncasecmp(glob, "0x", 2);
}

static bool matches_event(const char *glob, const struct event_dict *dict)
{
    for ( unsigned int i = 0; i < event_dict_events(dict); i++ )
        if ( !fnmatch(glob, event_dict_event(dict, i)->name, FNM_CASEFOLD) )
            return true;

    return false;
}

static bool matches_class(const char *glob)
{
    for ( size_t i = 0; i < EVENT_CLASSES; i++ )
        if ( !fnmatch(glob, event_classes[i].name, FNM_CASEFOLD) )
            return true;

    return false;
}

/* A pattern that can match nothing is a mistake. */
static int check_globs(const struct filter *f, const struct doc *doc)
{
    int rc = 0;

    for ( unsigned int i = 0; i < f->events.nr; i++ )
        if ( !is_number(f->events.glob[i]) &&
             !matches_event(f->events.glob[i], doc->dict) )
        {
            complain(f->events.glob[i], "no event of this name; `xenflight show "
                     "--columns event' prints those in the file");
            rc = -ENOENT;
        }
    for ( unsigned int i = 0; i < f->classes.nr; i++ )
        if ( !is_number(f->classes.glob[i]) &&
             !matches_class(f->classes.glob[i]) )
        {
            complain(f->classes.glob[i], "no such class: gen, sched, dom0op, "
                     "hvm, mem, pv, shadow, hw, guest");
            rc = -ENOENT;
        }
    return rc;
}

int filter_resolve(struct filter *f, const struct doc *doc,
                   const struct lives *lives)
{
    char err[EXPR_ERR_BYTES];
    int rc;

    f->lives = lives;

    if ( f->domain && !doc_find_domains(doc, f->domain, &f->domids) )
    {
        complain(f->domain, "no such domain in this snapshot; "
                            "`xenflight show --head' lists the known ones");
        return -ENOENT;
    }

    for ( unsigned int i = 0; i < f->nr_exprs; i++ )
        if ( expr_resolve(f->expr[i], doc, lives, err, sizeof(err)) )
        {
            complain(f->text[i], err);
            return -ENOENT;
        }

    rc = check_globs(f, doc);
    return rc ? rc : resolve_times(f, doc);
}

void filter_free(struct filter *f)
{
    while ( f->nr_exprs )
        expr_free(f->expr[--f->nr_exprs]);
}

static bool match_names(const struct filter *f, const struct merge_record *rec)
{
    char buf[EVENT_NAME_BYTES];

    return filter_globs_match(&f->events,
                              event_name(rec->desc, rec->event, buf)) &&
           filter_globs_match(&f->classes, event_class(rec->event));
}

static bool match_event(struct filter *f, const struct merge_record *rec)
{
    if ( rec->id == XEN_FLIGHTREC_ID_ESCAPE )
        return match_names(f, rec);

    if ( !f->shown[rec->id] )
        f->shown[rec->id] = match_names(f, rec) ? 1 : -1;
    return f->shown[rec->id] > 0;
}

bool filter_is_of(const struct merge_record *rec, uint32_t domid)
{
    struct event_who who;

    if ( rec->domid == domid )
        return true;

    for ( unsigned int k = 0; rec->kind == MERGE_EVENT && rec->desc &&
          event_domain(rec->desc, k, rec->data, rec->words, &who); k++ )
        if ( who.domid == domid )
            return true;

    return false;
}

/* Without --domain, any domain is selected. */
static bool wants_domain(const struct filter *f, uint32_t domid, uint64_t tsc)
{
    if ( !f->domain )
        return domid != MERGE_NO_DOMAIN;
    return doc_has_domid(&f->domids, domid) &&
           (!f->lives || lives_is(f->lives, f->domain, domid, tsc));
}

/* The same, and --vcpu. */
static bool wants_vcpu(const struct filter *f, uint32_t domid, uint32_t vcpu,
                       uint64_t tsc)
{
    return wants_domain(f, domid, tsc) &&
           (!f->by_vcpu || (vcpu < FILTER_MAX_CPUS && f->vcpu[vcpu]));
}

static bool is_of_wanted(const struct filter *f, const struct merge_record *rec)
{
    struct event_who who;

    if ( wants_vcpu(f, rec->domid, rec->vcpu, rec->tsc) )
        return true;

    for ( unsigned int k = 0;
          rec->desc && event_domain(rec->desc, k, rec->data, rec->words, &who);
          k++ )
        if ( wants_vcpu(f, who.domid, who.vcpu, rec->tsc) )
            return true;

    return false;
}

bool filter_wants(struct filter *f, const struct merge_record *rec)
{
    if ( f->by_cpu && !f->cpu[rec->cpu] )
        return false;
    if ( rec->tsc < f->from_tsc || rec->tsc > f->to_tsc )
        return false;
    if ( rec->kind == MERGE_GAP )
        return true;
    if ( (f->domain || f->by_vcpu) && !is_of_wanted(f, rec) )
        return false;
    if ( (f->events.nr || f->classes.nr) && !match_event(f, rec) )
        return false;
    for ( unsigned int i = 0; i < f->nr_exprs; i++ )
        if ( !expr_match(f->expr[i], rec) )
            return false;
    return true;
}

enum part { PART_DOMAIN, PART_EVENTS, PART_CLASSES, PART_EXPRS, PART_CPUS,
            PART_VCPUS, PART_FROM, PART_TO };

static uint64_t mix(uint64_t number, enum part part, const void *data,
                    size_t bytes)
{
    return XXH64(data, bytes, number + part);
}

static uint64_t mix_texts(uint64_t number, enum part part,
                          const char *const *text, unsigned int nr)
{
    for ( unsigned int i = 0; i < nr; i++ )
        number = mix(number, part, text[i], strlen(text[i]) + 1);

    return number;
}

void filter_none_left(const char *path, uint64_t records)
{
    char why[80];

    if ( !records )
        return;
    snprintf(why, sizeof(why), "none of its %" PRIu64 " records matches",
             records);
    complain(path, why);
}

uint64_t filter_number(const struct filter *f)
{
    uint64_t n = 0;

    if ( f->domain )
        n = mix(n, PART_DOMAIN, &f->domids, sizeof(f->domids));
    n = mix_texts(n, PART_EVENTS, f->events.glob, f->events.nr);
    n = mix_texts(n, PART_CLASSES, f->classes.glob, f->classes.nr);
    n = mix_texts(n, PART_EXPRS, f->text, f->nr_exprs);
    if ( f->by_cpu )
        n = mix(n, PART_CPUS, f->cpu, sizeof(f->cpu));
    if ( f->by_vcpu )
        n = mix(n, PART_VCPUS, f->vcpu, sizeof(f->vcpu));
    if ( f->from_tsc )
        n = mix(n, PART_FROM, &f->from_tsc, sizeof(f->from_tsc));
    if ( f->to_tsc != UINT64_MAX )
        n = mix(n, PART_TO, &f->to_tsc, sizeof(f->to_tsc));

    return n;
}
