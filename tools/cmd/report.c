/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.c: xenflight report: write a snapshot as an HTML page.
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/output.h"
#include "tools/base/options.h"
#include "tools/cmd.h"
#include "tools/report/report.h"

/* Default number of events on a page: a browser loads them in 2 s. */
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
            argp_error(state, "name the page with -o PAGE.html, or -o - for "
                       "standard output");
        return 0;
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_option option_list[] = {
    { "output", 'o', "PAGE", 0, "the page to write; - for standard output", 0 },
    { "events", 'n', "N", 0, "show the newest N events (default 1000000); the "
      "tables cover all", 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Write a snapshot as one HTML page: the explanation, a zoomable "
           "timeline of pCPUs and vCPUs, the events, and tables of CPU time, "
           "waits and entries into Xen.  The page needs only a browser: it "
           "loads nothing and sends nothing.\v"
           "Examples:\n"
           "  xenflight report FILE -o crash.html\n"
           "  xenflight report --events 100000 FILE -o - | ssh desk 'cat >crash.html'\n\n"
           "Needs neither Xen nor root.  Exit status: 0 on success, 1 if the "
           "file cannot be read, or not to its end, or the page cannot be "
           "written, 2 on wrong usage.",
};

static int write_fd(const struct report *r, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), rc;
    FILE *file = copy < 0 ? NULL : fdopen(copy, "w");

    if ( !file )
    {
        rc = -errno;
        if ( copy >= 0 )
            close(copy);
        return rc;
    }

    rc = report_write(r, file);
    if ( fclose(file) && !rc )
        rc = -errno;
    return rc;
}

static int write_page(const struct report *r, const struct options *o)
{
    struct output out;
    int rc;

    if ( output_open(&out, o->output, o->file, false) )
        return EXIT_FAIL;

    rc = output_end(&out, write_fd(r, out.fd));
    if ( rc )
        complain(o->output, rc == -EFBIG ? "too large for one page: use "
                                           "--events" : strerror(-rc));
    return rc ? EXIT_FAIL : EXIT_OK;
}

int cmd_report(int argc, char **argv)
{
    struct options o = { .limit = EVENTS };
    struct report *r;
    struct source src;
    int rc, code = EXIT_OK;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    if ( source_open(o.file, true, &src) )
        return EXIT_FAIL;

    r = malloc(sizeof(*r));
    rc = r ? report_read(r, &src, o.limit) : -ENOMEM;
    if ( !rc )
    {
        code = write_page(r, &o);
        report_free(r);
    }
    free(r);
    rc = source_end(&src, o.file, rc);
    return code == EXIT_OK ? rc : code;
}
