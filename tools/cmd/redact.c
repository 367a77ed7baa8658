/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * redact.c: xenflight redact: write a copy restricted to one domain.
 */

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
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

/* The domain to keep; @life as in redact(). */
struct choice {
    uint32_t domid;
    const struct life *life;
};

static int write_out(const struct source *src, const struct options *o,
                     const struct choice *c, struct redact_totals *t)
{
    struct output out;
    int rc = output_open(&out, o->out, o->file, true);

    if ( rc )
        return rc;
    rc = output_end(&out, redact(src, c->domid, c->life, out.fd, t));
    if ( rc )
        complain(rc == -ENODATA ? o->domain : o->out,
                 rc == -ENODATA ? "no record of this domain in the file"
                                : strerror(-rc));
    return rc;
}

/* A redacted file has nothing of any other domain, and no domain "other". */
static bool is_in(const struct source *src, const char *key, uint32_t domid)
{
    if ( !src->doc.redacted || domid == src->doc.only )
        return true;
    complain(key, "the file is already redacted to another domain");
    return false;
}

/* Return true if all domains of that name had numbers of their own. */
static bool have_numbers(const struct source *src, const char *key)
{
    const struct life *last = NULL;

    for ( unsigned int i = 0; i < lives_nr(src->lives); i++ )
    {
        const struct life *life = lives_nth(src->lives, i);

        if ( !lives_match(life, key) )
            continue;
        if ( last && last->domid == life->domid && !lives_same(last, life) )
            return false;
        last = life;
    }
    return true;
}

static void refuse_several(const struct source *src, const char *key)
{
    bool numbers = have_numbers(src, key);
    const struct life *last = NULL;
    char why[200], safe[64];
    size_t len;

    len = snprintf(why, sizeof(why),
                   "several domains have this name, give a %s:",
                   numbers ? "number" : "uuid");
    for ( unsigned int i = 0;
          i < lives_nr(src->lives) && len < sizeof(why) - 48; i++ )
    {
        const struct life *life = lives_nth(src->lives, i);

        if ( !lives_match(life, key) || (last && lives_same(last, life)) )
            continue;
        last = life;
        if ( numbers )
            len += snprintf(why + len, sizeof(why) - len, " %" PRIu32,
                            life->domid);
        else
            len += snprintf(why + len, sizeof(why) - len, " %.40s",
                            text_escape(safe, sizeof(safe), life->uuid));
    }
    complain(key, why);
}

/*
 * Find the domain to keep.  A name may belong to several domains with different
 * owners; the user must then choose one.
 */
static bool choose(const struct source *src, const char *key, struct choice *c)
{
    unsigned int nr = 0;

    c->life = NULL;
    if ( doc_is_domid(key, &c->domid) )
    {
        c->life = lives_find(src->lives, key);
        return is_in(src, key, c->domid);
    }

    for ( unsigned int i = 0; i < lives_nr(src->lives); i++ )
    {
        const struct life *life = lives_nth(src->lives, i);

        if ( !lives_match(life, key) ||
             (c->life && lives_same(c->life, life)) )
            continue;
        c->life = life;
        c->domid = life->domid;
        nr++;
    }

    if ( !nr )
        complain(key, "no such domain in this snapshot; "
                      "`xenflight show --head' lists the known ones");
    if ( nr > 1 )
        refuse_several(src, key);
    return nr == 1 && is_in(src, key, c->domid);
}

static int run(const struct source *src, const struct options *o)
{
    struct redact_totals t;
    struct choice c;
    int rc;

    if ( !choose(src, o->domain, &c) )
        return EXIT_FAIL;

    rc = write_out(src, o, &c, &t);
    if ( rc )
        return EXIT_FAIL;
    printf("%" PRIu64 " records of domain %" PRIu32 "; %" PRIu64
           " left out\n", t.kept, c.domid, t.left_out);
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
