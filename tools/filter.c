/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.c: which records of a snapshot: by domain, pCPU, event, time.
 */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "tools/filter.h"

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

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct filter *f = state->input;

    switch ( key )
    {
    case 'd':
        f->domain = arg;
        return 0;
    case 'c':
        f->by_cpu = true;
        if ( parse_cpus(arg, f->cpu) )
            argp_error(state, "--cpu takes numbers like 0,2-4, not \"%s\"",
                       arg);
        return 0;
    case 'e':
        if ( f->nr_globs == FILTER_MAX_GLOBS )
            argp_error(state, "more than %u --event", FILTER_MAX_GLOBS);
        else
            f->glob[f->nr_globs++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    { "domain", 'd', "ID|NAME|UUID", 0, "only records of this domain: written "
      "while it ran, or that name it", 0 },
    { "cpu", 'c', "LIST", 0, "only these pCPUs: numbers like 0,2-4", 0 },
    { "event", 'e', "GLOB", 0, "only events whose name matches, like "
      "'SCHED_*'; may be given several times", 0 },
    { 0 },
};

const struct argp filter_argp = { .options = option_list, .parser = parse };

int filter_resolve(struct filter *f, const struct doc *doc)
{
    f->from_tsc = f->by_time ? doc_tsc_before(doc, f->last_ns) : 0;
    if ( !f->domain || doc_find_domain(doc, f->domain, &f->domid) )
        return 0;

    complain(f->domain, "no such domain in this snapshot; "
                        "`xenflight show --head' lists those that it knows");
    return -ENOENT;
}

static bool match_globs(const struct filter *f, const struct merge_record *rec)
{
    char buf[EVENT_NAME_BYTES];
    const char *name = event_name(rec->desc, rec->event, buf);

    for ( unsigned int i = 0; i < f->nr_globs; i++ )
        if ( !fnmatch(f->glob[i], name, FNM_CASEFOLD) )
            return true;

    return false;
}

static bool match_event(struct filter *f, const struct merge_record *rec)
{
    if ( rec->id == XEN_FLIGHTREC_ID_ESCAPE )
        return match_globs(f, rec);

    if ( !f->shown[rec->id] )
        f->shown[rec->id] = match_globs(f, rec) ? 1 : -1;
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

bool filter_wants(struct filter *f, const struct merge_record *rec)
{
    if ( f->by_cpu && !f->cpu[rec->cpu] )
        return false;
    if ( rec->tsc < f->from_tsc )
        return false;
    if ( rec->kind == MERGE_GAP )
        return true;
    if ( f->domain && !filter_is_of(rec, f->domid) )
        return false;
    return !f->nr_globs || match_event(f, rec);
}
