/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top.c: xenflight top: print CPU time, waits and entries into Xen.
 */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/dom0.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/cmd.h"
#include "tools/record/top-live.h"

/* In xenflight-dom0 only. */
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
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->form.last;
        state->child_inputs[1] = &o->form.json;
        return 0;
    case 'v':
        o->form.by_vcpu = true;
        return 0;
    case 'i':
        o->live.interval_ns = parse_time("interval", arg, state);
        if ( !o->live.interval_ns )
            argp_error(state, "--interval must not be 0");
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
    { "vcpus", 'v', NULL, 0, "print a row per vCPU, not per domain", 0 },
    { 0, 0, NULL, 0, "Live:", 1 },
    { "interval", 'i', "TIME", 0, "length of a stretch (2s)", 1 },
    { "count", 'n', "N", 0, "stop after N stretches", 1 },
    { "backend", OPT_BACKEND, "BACKEND", 0,
      "xen, or hosted:DIR for tests", 1 },
    { 0 },
};

static const struct argp_child children[] = {
    { &last_argp, 0, NULL, 0 },
    { &json_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "FILE\nlive",
    .doc = "Print the use of the CPUs by domain, over the part of a snapshot "
           "that all pCPUs cover: the time that its vCPUs ran, were runnable "
           "but waited, were blocked or paused, in percent of one pCPU; entries into "
           "Xen, hypercalls and I/O per second; and the time from a wake-up "
           "until the vCPU ran.  With \"live\", print the same for this "
           "machine repeatedly, from the rings while Xen writes them.\v"
           "Examples:\n"
           "  xenflight top FILE\n"
           "  xenflight top --vcpus --last 1s FILE\n"
           "  xenflight top live -i 1s -n 10\n\n"
           "Only live needs Xen and root.  Exit status: 0 on success, 1 if the "
           "file cannot be read, or not to its end, or Xen does not answer, 2 "
           "on wrong usage.",
};

int cmd_top(int argc, char **argv)
{
    static struct options o = { .live.interval_ns = 2000000000 };
    struct source src;
    int rc;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    if ( !strcmp(o.file, "live") )
        return top_live ? top_live(&o.form, &o.live, argv[0])
                        : dom0_exec(argc, argv);

    if ( source_open(o.file, true, &src) )
        return EXIT_FAIL;

    rc = top_print(&src, &o.form);
    return source_end(&src, o.file, rc);
}
