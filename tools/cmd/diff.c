/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff.c: xenflight diff: what changed from one snapshot to another.
 */

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/term.h"
#include "tools/cmd.h"
#include "tools/diff/diff.h"

enum { OPT_AT = 256, OPT_ALL };

struct options {
    const char *file[DIFF_SIDES];
    struct filter filter;
    struct term term;
    struct when at;
    bool has_at, all, json;
};

/*
 * The command line.
 */

/* One file is compared with itself, so there must be something to split it. */
static void check(struct options *o, struct argp_state *state)
{
    if ( o->file[DIFF_B] && o->has_at )
        argp_error(state, "--at is for one file");
    else if ( !o->file[DIFF_B] && !o->has_at && !o->filter.by_time )
        argp_error(state, "with which other file? or say with --at or --last "
                   "where to split this one");
    else if ( !o->file[DIFF_B] && o->has_at && o->filter.by_time )
        argp_error(state, "either --at or --last");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->filter;
        state->child_inputs[1] = &o->term;
        return 0;
    case 'l':
        o->filter.by_time = true;
        o->filter.last_ns = parse_time("last", arg, state);
        return 0;
    case OPT_AT:
        o->has_at = true;
        if ( when_parse(arg, &o->at) )
            argp_error(state, "--at takes a time like -100ms (from the "
                       "trigger) or 23:59:59 (UTC), not \"%s\"", arg);
        return 0;
    case OPT_ALL:
        o->all = true;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if ( state->arg_num >= DIFF_SIDES )
            argp_error(state, "two files at most");
        o->file[state->arg_num] = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which files? see `xenflight list'");
        return EINVAL;
    case ARGP_KEY_SUCCESS:
        check(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    { "all", OPT_ALL, NULL, 0, "all rows, those that do not differ, too", 0 },
    { "at", OPT_AT, "WHEN", 0, "of one file: what is before this moment against "
      "what is after it", 0 },
    { "last", 'l', "TIME", 0, "of B, or of the one file, only from TIME (like "
      "100ms) before the trigger on", 0 },
    { "json", 'j', NULL, 0, "print one JSON object a line, of all rows", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &filter_argp, 0, NULL, 0 },
    { &term_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "A B\n--at WHEN FILE\n--last TIME FILE",
    .doc = "What changed from A, a healthy snapshot, to B, a bad one: domains "
           "and kinds of events that one of them only has, who ran and waited, "
           "how long waits and exits took, how often things happened; or from "
           "the first part of one file to the second.  The most remarkable "
           "first: by the least factor that what was counted still allows.  Of "
           "both the part is compared that all pCPUs have; --from, --to and "
           "--last are of B.\v"
           "Examples:\n"
           "  xenflight diff HEALTHY FILE\n"
           "  xenflight diff --last 1s --domain web1 HEALTHY FILE\n"
           "  xenflight diff --at -100ms FILE\n\n"
           "Needs neither Xen nor root.  Exit status: 0 done, whether anything "
           "differs or not; 1 a file cannot be read, or not all of it, or has "
           "nothing to compare; 2 usage.",
};

/*
 * Which part of which file.  These return 0, -errno, or EXIT_FAIL: what is wrong
 * was said on stderr.
 */

/* --domain, of B or else of A. */
static int choose_domain(struct diff *d, const char *who)
{
    uint32_t domid;

    if ( !who )
        return 0;

    for ( unsigned int i = 0; i < DIFF_SIDES && !d->only; i++ )
    {
        unsigned int side = i ? DIFF_A : DIFF_B;

        if ( doc_find_domain(&d->side[side].src->doc, who, &domid) )
            d->only = diff_domain(d, side, domid);
    }
    if ( d->only )
        return 0;

    complain(who, "no such domain in these snapshots; `xenflight show --head' "
                  "lists those that they know");
    return EXIT_FAIL;
}

/* All numbers that it has had on that side. */
static void want_domain(const struct diff *d, unsigned int side,
                        struct filter *f)
{
    unsigned int index = d->only - d->domain + 1;

    f->domain = "";
    memset(&f->domids, 0, sizeof(f->domids));
    for ( uint32_t i = 0; i < DIFF_DOMIDS; i++ )
        if ( d->side[side].domain[i] == index )
            f->domids.bit[i / 8] |= 1U << i % 8;
}

/*
 * What was asked for, in the terms of one side: of two files the times are of B;
 * of one, all of it is what is split.
 */
static int resolve(struct diff *d, unsigned int side, const struct options *o,
                   struct filter *f)
{
    const struct doc *doc = &d->side[side].src->doc;
    bool times = d->one_file || side == DIFF_B;
    uint64_t at;

    f->has_from = times && o->filter.has_from;
    f->has_to = times && o->filter.has_to;
    f->by_time = !d->one_file && times && o->filter.by_time;
    f->domain = NULL;
    memset(f->shown, 0, sizeof(f->shown));
    if ( filter_resolve(f, doc) )
        return EXIT_FAIL;
    if ( d->only )
        want_domain(d, side, f);

    d->side[side].filter = f;
    d->side[side].in = (struct stretch){ f->from_tsc, f->to_tsc };
    if ( !d->one_file )
        return 0;

    at = doc_tsc_before(doc, o->filter.last_ns);
    if ( o->has_at && when_tsc(&o->at, doc, &at) )
    {
        complain("--at", "this file has no wall clock: say a time from the "
                         "trigger, like -100ms");
        return EXIT_FAIL;
    }
    if ( side == DIFF_A && at <= f->to_tsc )
        d->side[side].in.to = at ? at - 1 : 0;
    if ( side == DIFF_B && at > f->from_tsc )
        d->side[side].in.from = at;
    return 0;
}

static int read_side(struct diff *d, unsigned int side, const struct options *o)
{
    struct filter *f = malloc(sizeof(*f));
    int rc = f ? 0 : -ENOMEM;

    /* Its expressions are the options' own: bound to this file until the next. */
    if ( f )
        memcpy(f, &o->filter, sizeof(*f));
    if ( !rc )
        rc = resolve(d, side, o, f);
    if ( !rc )
        rc = diff_read(d, side);
    d->side[side].filter = NULL;
    free(f);
    return rc;
}

/* Has each side something that could be compared? */
static int check_sides(const struct diff *d)
{
    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
        if ( d->side[s].seconds <= 0 )
        {
            complain(d->side[s].path,
                     d->one_file ? "one of its parts has no time that all pCPUs "
                                   "tell of"
                                 : "there is no time that all pCPUs tell of");
            return EXIT_FAIL;
        }

    return 0;
}

static int print(const struct diff *d, const struct options *o)
{
    if ( o->json )
        return diff_print_json(d);

    term_begin(&o->term);
    diff_print_text(d, o->all);
    return 0;
}

static int compare(struct diff *d, const struct options *o)
{
    int rc;

    diff_match(d);
    rc = choose_domain(d, o->filter.domain);
    for ( unsigned int s = 0; !rc && s < DIFF_SIDES; s++ )
        rc = read_side(d, s, o);
    if ( !rc )
        rc = check_sides(d);
    if ( !rc )
        rc = diff_judge(d);
    if ( rc )
        return rc;

    return print(d, o);
}

static int diff(const struct source src[DIFF_SIDES], const struct options *o)
{
    struct diff *d = calloc(1, sizeof(*d));
    int rc;

    if ( !d )
        return -ENOMEM;

    d->one_file = !o->file[DIFF_B];
    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        unsigned int file = d->one_file ? DIFF_A : s;

        d->side[s].path = o->file[file];
        d->side[s].src = &src[file];
    }

    rc = compare(d, o);
    diff_free(d);
    return rc;
}

int cmd_diff(int argc, char **argv)
{
    struct options o = { 0 };
    struct source src[DIFF_SIDES];
    int rc, files;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;

    files = o.file[DIFF_B] ? 2 : 1;
    if ( source_open(o.file[DIFF_A], true, &src[DIFF_A]) )
        return EXIT_FAIL;
    if ( files == 2 && source_open(o.file[DIFF_B], true, &src[DIFF_B]) )
    {
        source_close(&src[DIFF_A]);
        return EXIT_FAIL;
    }

    rc = diff(src, &o);
    /* What is wrong is said behind the pager's text. */
    if ( term_end() != EXIT_OK && !rc )
        rc = EXIT_FAIL;
    if ( rc < 0 )
        complain("diff", strerror(-rc));
    rc = rc ? EXIT_FAIL : EXIT_OK;
    while ( files-- )
        if ( source_done(&src[files], o.file[files], 0) )
            rc = EXIT_FAIL;
    filter_free(&o.filter);
    return rc;
}
