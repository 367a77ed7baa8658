/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * redact.c: xenflight redact: write a copy restricted to one domain.
 */

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/message.h"
#include "tools/base/output.h"
#include "tools/base/options.h"
#include "tools/cmd.h"
#include "tools/redact/redact.h"

struct options {
    const char *file, *out, *domain;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->out;
        return 0;
    case 'd':
        o->domain = arg;
        return 0;
    case ARGP_KEY_END:
        if ( !o->domain )
            argp_error(state, "name the domain with --domain");
        return 0;
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_option option_list[] = {
    { "domain", 'd', "ID|NAME|UUID", 0, "the domain to keep", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &output_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Write a copy of a snapshot restricted to one domain, for its owner "
           "or a bug report.  It holds no record, name, address or time of any "
           "other domain, nor the host's name and command line.  Domains that "
           "ran before or after it appear as \"other\".\v"
           "Examples:\n"
           "  xenflight redact --domain web1 -o web1.xfr.lz4 FILE\n"
           "  xenflight show web1.xfr.lz4\n\n"
           "Check the result before you pass it on: xenflight(8) lists what "
           "remains in it.  Exit status: 0 on success, 1 if FILE cannot be read "
           "completely or OUT cannot be written, 2 on wrong usage.",
};

static int write_out(const struct source *src, const struct options *o,
                     uint32_t domid, struct redact_totals *t)
{
    struct output out;
    int rc = output_open(&out, o->out, o->file, true);

    if ( rc )
        return rc;
    rc = output_end(&out, redact(src, domid, out.fd, t));
    if ( rc )
        complain(rc == -ENODATA ? o->domain : o->out,
                 rc == -ENODATA ? "no record of this domain in the file"
                                : strerror(-rc));
    return rc;
}

/* A redacted file has nothing of any other domain, and no domain "other". */
static bool is_in(const struct source *src, const struct options *o,
                  uint32_t domid)
{
    if ( !src->doc.redacted || domid == src->doc.only )
        return true;
    complain(o->domain, "the file is already redacted to another domain");
    return false;
}

/*
 * Find the domain to keep.  A name may belong to several domains with different
 * owners; the user must then choose one by its number.
 */
static bool choose(const struct source *src, const struct options *o,
                   uint32_t *domid)
{
    struct doc_domids set;
    unsigned int nr = doc_find_domains(&src->doc, o->domain, &set);
    char why[160];
    size_t len;

    if ( !nr )
        complain(o->domain, "no such domain in this snapshot; "
                            "`xenflight show --head' lists the known ones");
    if ( nr == 1 )
        return doc_find_domain(&src->doc, o->domain, domid) &&
               is_in(src, o, *domid);
    if ( nr < 2 )
        return false;

    len = snprintf(why, sizeof(why),
                   "several domains have this name, give a number:");
    for ( uint32_t i = 0; i < DOC_DOMIDS && len < sizeof(why) - 8; i++ )
        if ( doc_has_domid(&set, i) )
            len += snprintf(why + len, sizeof(why) - len, " %" PRIu32, i);
    complain(o->domain, why);
    return false;
}

static int run(const struct source *src, const struct options *o)
{
    struct redact_totals t;
    uint32_t domid;
    int rc;

    if ( !choose(src, o, &domid) )
        return EXIT_FAIL;

    rc = write_out(src, o, domid, &t);
    if ( rc )
        return EXIT_FAIL;
    printf("%" PRIu64 " records of domain %" PRIu32 "; %" PRIu64
           " left out\n", t.kept, domid, t.left_out);
    return EXIT_OK;
}

int cmd_redact(int argc, char **argv)
{
    struct options o = { 0 };
    struct source src;
    int rc, end;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;
    if ( source_open(o.file, true, &src) )
        return EXIT_FAIL;

    rc = run(&src, &o);
    end = source_end(&src, o.file, 0);
    return rc ? rc : end;
}
