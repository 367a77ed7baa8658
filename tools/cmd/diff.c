/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff.c: xenflight diff: compare two snapshots, or two parts of one.
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

/* A single file is compared with itself, so an option must split it. */
static void check(struct options *o, struct argp_state *state)
{
    if ( o->file[DIFF_B] && o->has_at )
        argp_error(state, "--at takes a single file");
    else if ( !o->file[DIFF_B] && !o->has_at && !o->filter.last.given )
        argp_error(state, "name a second file, or split this one with --at "
                   "or --last");
    else if ( !o->file[DIFF_B] && o->has_at && o->filter.last.given )
        argp_error(state, "--at and --last exclude each other");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->filter;
        state->child_inputs[1] = &o->filter.last;
        state->child_inputs[2] = &o->term;
        state->child_inputs[3] = &o->json;
        return 0;
    case OPT_AT:
        o->has_at = true;
        if ( when_parse(arg, &o->at) )
            wrong_time("at", arg, "a time like -100ms (from the trigger) or "
                       "23:59:59 (UTC)", state);
        return 0;
    case OPT_ALL:
        o->all = true;
        return 0;
    case ARGP_KEY_ARG:
        if ( state->arg_num >= DIFF_SIDES )
            argp_error(state, "too many files: at most two");
        o->file[state->arg_num] = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no files given; see `xenflight list'");
        return EINVAL;
    case ARGP_KEY_SUCCESS:
        check(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    { "all", OPT_ALL, NULL, 0, "print all rows, even those without a difference", 0 },
    { "at", OPT_AT, "WHEN", 0, "compare the parts of one file before and after "
      "this time", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &filter_argp, 0, NULL, 0 },
    { &last_argp, 0, NULL, 0 },
    { &term_argp, 0, NULL, 0 },
    { &json_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "A B\n--at WHEN FILE\n--last TIME FILE",
    .doc = "Print the differences between A, a healthy snapshot, and B, a bad "
           "one, or between two parts of one file: domains and event kinds "
           "found on one side only, time spent running and waiting, the length "
           "of waits and exits, event rates.  Rows are sorted by significance: "
           "the smallest factor that the counts still allow.  Only the part "
           "that all pCPUs cover is compared.  --from, --to and --last apply "
           "to B.\v"
           "Examples:\n"
           "  xenflight diff HEALTHY FILE\n"
           "  xenflight diff --last 1s --domain web1 HEALTHY FILE\n"
           "  xenflight diff --at -100ms FILE\n\n"
           "Needs neither Xen nor root.  Exit status: 0 on success, with or "
           "without differences, 1 if a file cannot be read completely or has "
           "nothing to compare, 2 on wrong usage.",
};

/*
 * Select a part of each file.  These return 0, -errno, or EXIT_FAIL after a
 * message on stderr.
 */

/* Find the slot of a domain on a side.  Return false if there is none. */
static bool find_slot(const struct diff_side *side, const char *name,
                      uint32_t *slot)
{
    const struct life *life = lives_find(side->src->lives, name);

    if ( life )
        *slot = diff_slot(side, life->domid, life->later);
    return life || doc_is_domid(name, slot);
}

/* --domain, looked up in B, then in A. */
static int choose_domain(struct diff *d, const char *name)
{
    uint32_t slot;

    if ( !name )
        return 0;

    for ( unsigned int i = 0; i < DIFF_SIDES && !d->only; i++ )
    {
        unsigned int side = i ? DIFF_A : DIFF_B;

        if ( find_slot(&d->side[side], name, &slot) )
            d->only = diff_domain(d, side, slot);
    }
    if ( d->only )
        return 0;

    complain(name, "no such domain in these snapshots; `xenflight show --head' "
                   "lists the known ones");
    return EXIT_FAIL;
}

/*
 * Select all numbers that the domain had on this side.  Records of other domains
 * with these numbers are left out later.
 */
static void want_domain(const struct diff *d, unsigned int side,
                        struct filter *f)
{
    const struct diff_side *s = &d->side[side];
    unsigned int index = d->only - d->domain + 1;

    f->domain = "";
    f->lives = NULL;
    memset(&f->domids, 0, sizeof(f->domids));
    for ( uint32_t i = 0; i < DIFF_DOMIDS; i++ )
    {
        uint32_t n = i;

        if ( s->domain[i] != index )
            continue;
        if ( i >= DIFF_EARLIER && i - DIFF_EARLIER < lives_nr(s->src->lives) )
            n = lives_nth(s->src->lives, i - DIFF_EARLIER)->domid;
        f->domids.bit[n / 8] |= 1U << n % 8;
    }
}

/*
 * Resolve the options for one side.  With two files, times apply to B; with one,
 * they apply to the whole that is split.
 */
static int resolve(struct diff *d, unsigned int side, const struct options *o,
                   struct filter *f)
{
    const struct doc *doc = &d->side[side].src->doc;
    bool times = d->one_file || side == DIFF_B;
    uint64_t at;

    f->has_from = times && o->filter.has_from;
    f->has_to = times && o->filter.has_to;
    f->last.given = !d->one_file && times && o->filter.last.given;
    f->domain = NULL;
    memset(f->shown, 0, sizeof(f->shown));
    if ( filter_resolve(f, doc, d->side[side].src->lives) )
        return EXIT_FAIL;
    if ( d->only )
        want_domain(d, side, f);

    d->side[side].filter = f;
    d->side[side].in = (struct stretch){ f->from_tsc, f->to_tsc };
    if ( !d->one_file )
        return 0;

    at = doc_tsc_before(doc, o->filter.last.ns);
    if ( o->has_at && when_tsc(&o->at, doc, &at) )
    {
        complain("--at", "the file has no wall clock: give a time from the "
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

    /* The expressions are shared: bound to this file until the next call. */
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

/* Both sides must cover some time. */
static int check_sides(const struct diff *d)
{
    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
        if ( d->side[s].seconds <= 0 )
        {
            complain(d->side[s].path,
                     d->one_file ? "one of its parts has no time covered by all "
                                   "pCPUs"
                                 : "no time is covered by all pCPUs");
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

static const struct diff_domain *redacted_to(struct diff *d, unsigned int side)
{
    const struct doc *doc = &d->side[side].src->doc;

    return doc->redacted ? diff_domain(d, side, doc->only) : NULL;
}

/*
 * A redacted file has one domain, and not all of its kinds of events: only files
 * that are redacted to the same domain can be compared.
 */
static int check_redacted(struct diff *d)
{
    const struct diff_domain *a = redacted_to(d, DIFF_A);
    const struct diff_domain *b = redacted_to(d, DIFF_B);

    if ( !a && !b )
        return 0;
    if ( a == b && (!d->only || d->only == a) )
    {
        d->only = a;
        return 0;
    }

    complain(d->side[a ? DIFF_A : DIFF_B].path,
             a != b ? "redacted: redact both files to the same domain"
                    : "redacted: it has only records of another domain");
    return EXIT_FAIL;
}

static int compare(struct diff *d, const struct options *o)
{
    int rc;

    diff_match(d);
    rc = choose_domain(d, o->filter.domain);
    if ( !rc )
        rc = check_redacted(d);
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

    if ( parse_options(&argp, argc, argv, &o) )
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
    /* Messages follow the pager's text. */
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
