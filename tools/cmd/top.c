/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top.c: xenflight top: who used the processors, and who waited for them.
 */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/cmd.h"
#include "tools/record/top-live.h"

/* Only where Xen's libraries are. */
#pragma weak top_live

enum { OPT_BACKEND = 256 };

struct options {
    const char *file;
    struct top_form form;
    struct top_stretches live;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case 'v':
        o->form.by_vcpu = true;
        return 0;
    case 'j':
        o->form.json = true;
        return 0;
    case 'l':
        o->form.by_time = true;
        o->form.last_ns = parse_time("last", arg, state);
        return 0;
    case 'i':
        o->live.interval_ns = parse_time("interval", arg, state);
        if ( !o->live.interval_ns )
            argp_error(state, "--interval of no time");
        return 0;
    case 'n':
        if ( text_number(arg, false, &o->live.count) || !o->live.count )
            argp_error(state, "--count takes a number, not \"%s\"", arg);
        return 0;
    case OPT_BACKEND:
        o->live.backend = arg;
        return 0;
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_option option_list[] = {
    { "vcpus", 'v', NULL, 0, "a row for each vCPU, not for each domain", 0 },
    { "last", 'l', "TIME", 0, "only from TIME (like 100ms) before the trigger "
      "on", 0 },
    { "json", 'j', NULL, 0, "print one JSON object a line", 0 },
    { 0, 0, NULL, 0, "Live:", 1 },
    { "interval", 'i', "TIME", 0, "each stretch takes so long (2s)", 1 },
    { "count", 'n', "N", 0, "end after N stretches", 1 },
    { "backend", OPT_BACKEND, "BACKEND", 0,
      "xen, or hosted:DIR for tests", 1 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "FILE\nlive",
    .doc = "Who used the processors, and who waited for them, over a "
           "snapshot, or that part of it which has all pCPUs: per domain the "
           "time its vCPUs ran, could have run but waited, and were blocked, "
           "in percent of one pCPU; how often a second they entered Xen, made "
           "a hypercall, did I/O; and how long they waited from a wake-up "
           "until they ran.  With \"live\" the same of this machine, again "
           "and again, from the rings while Xen writes them.\v"
           "Examples:\n"
           "  xenflight top FILE\n"
           "  xenflight top --vcpus --last 1s FILE\n"
           "  xenflight top live -i 1s -n 10\n\n"
           "But for live it needs neither Xen nor root.  Exit status: 0 done, "
           "1 the file cannot be read, or not to its end, or Xen cannot be "
           "asked, 2 usage.",
};

static int live(const struct options *o, const char *cmd)
{
    if ( top_live )
        return top_live(&o->form, &o->live, cmd);
    fprintf(stderr, "%s: live: built without Xen's libraries; a file of that "
            "name is ./live\n", cmd);
    return EXIT_FAIL;
}

int cmd_top(int argc, char **argv)
{
    static struct options o = { .live.interval_ns = 2000000000 };
    struct source src;
    int rc;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;

    if ( !strcmp(o.file, "live") )
        return live(&o, argv[0]);

    if ( source_open(o.file, true, &src) )
        return EXIT_FAIL;

    rc = top_print(&src, &o.form);
    return source_end(&src, o.file, rc);
}
