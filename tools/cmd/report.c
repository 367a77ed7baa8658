/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.c: xenflight report: a snapshot as one page to look at.
 */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/cmd.h"
#include "tools/report/report.h"

/* Events that a page shows unless told otherwise: a browser has them in 2 s. */
#define EVENTS     1000000
#define EVENTS_MAX 20000000

struct options {
    const char *file, *output;
    uint64_t limit;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char *end;

    switch ( key )
    {
    case 'o':
        o->output = arg;
        return 0;
    case 'n':
        errno = 0;
        o->limit = strtoull(arg, &end, 10);
        if ( errno || *end || end == arg || !o->limit ||
             o->limit > EVENTS_MAX )
            argp_error(state, "--events takes a number from 1 to %u, not "
                       "\"%s\"", EVENTS_MAX, arg);
        return 0;
    case ARGP_KEY_END:
        if ( !o->output )
            argp_error(state, "where to? -o PAGE.html, or -o - for standard "
                       "output");
        return 0;
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_option option_list[] = {
    { "output", 'o', "PAGE", 0, "the page to write; - is standard output", 0 },
    { "events", 'n', "N", 0, "at most the newest N events (default 1000000); "
      "tables are of all", 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Write one HTML page that shows a snapshot: what happened, a "
           "timeline of pCPUs and vCPUs to zoom into, each event, and tables "
           "of who ran, waited and entered Xen.  The page needs a browser and "
           "nothing else: it loads nothing and sends nothing.\v"
           "Examples:\n"
           "  xenflight report FILE -o crash.html\n"
           "  xenflight report --events 100000 FILE -o - | ssh desk 'cat >crash.html'\n\n"
           "Needs neither Xen nor root.  Exit status: 0 done, 1 the file "
           "cannot be read, or not to its end, or the page not be written, "
           "2 usage.",
};

static int write_page(const struct report *r, const char *path)
{
    FILE *out = strcmp(path, "-") ? fopen(path, "we") : stdout;
    int rc;

    if ( !out )
    {
        complain(path, strerror(errno));
        return EXIT_FAIL;
    }

    rc = report_write(r, out);
    if ( out == stdout )
    {
        if ( rc )
            complain(path, strerror(-rc));
        return rc ? EXIT_FAIL : EXIT_OK;
    }

    if ( fclose(out) && !rc )
        rc = -errno;
    if ( rc )
    {
        complain(path, rc == -EFBIG ? "too much for one page: use --events"
                                    : strerror(-rc));
        unlink(path);
        return EXIT_FAIL;
    }
    return EXIT_OK;
}

int cmd_report(int argc, char **argv)
{
    struct options o = { .limit = EVENTS };
    struct report *r;
    struct source src;
    int rc, code = EXIT_OK;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;

    if ( source_open(o.file, true, &src) )
        return EXIT_FAIL;

    r = malloc(sizeof(*r));
    rc = r ? report_read(r, &src, o.limit) : -ENOMEM;
    if ( !rc )
    {
        code = write_page(r, o.output);
        report_free(r);
    }
    free(r);
    rc = source_end(&src, o.file, rc);
    return code == EXIT_OK ? rc : code;
}
