/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenflight.c: one command, a sub-command each thing it does.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/cmd.h"

/* A build without Xen's libraries has only the commands that read files. */
#pragma weak cmd_status
#pragma weak cmd_start
#pragma weak cmd_stop
#pragma weak cmd_create
#pragma weak cmd_destroy
#pragma weak cmd_mask
#pragma weak cmd_snapshot
#pragma weak cmd_record

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    { "status", cmd_status, "is it recording? buffers, counters, snapshots" },
    { "start", cmd_start, "record events" },
    { "stop", cmd_stop, "record no more; what was recorded stays" },
    { "create", cmd_create, "make buffers of a size to record into" },
    { "destroy", cmd_destroy, "give the buffers' memory back to Xen" },
    { "mask", cmd_mask, "which events are recorded" },
    { "snapshot", cmd_snapshot, "write a snapshot now" },
    { "record", cmd_record, "all that happens to a file, while it happens" },
    { "list", cmd_list, "the snapshots of a directory" },
    { "info", cmd_info, "what a snapshot says of itself: no records" },
    { "show", cmd_show, "what is in a snapshot: who died, the events" },
    { "explain", cmd_explain, "what happened, in at most 20 lines" },
    { "diff", cmd_diff, "what changed from one snapshot to another" },
    { "top", cmd_top, "who ran, who waited, how often they entered Xen" },
    { "report", cmd_report, "a snapshot as a page to look at in a browser" },
    { "pin", cmd_pin, "keep snapshots, whatever the budget" },
    { "unpin", cmd_unpin, "the daemon may remove them again" },
    { "verify", cmd_verify, "check a snapshot, every byte of it" },
    { "export", cmd_export, "a snapshot in the format of another tool" },
    { "unpack", cmd_unpack, "a snapshot with its packets as Xen had them" },
    { "redact", cmd_redact, "a snapshot that tells of one domain only" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
    fprintf(out, "Usage: xenflight COMMAND [OPTION...]\n"
                 "The flight recorder for the Xen hypervisor.\n\n");
    for ( size_t i = 0; i < NR_COMMANDS; i++ )
        if ( commands[i].run )
            fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
    fprintf(out, "\nExamples:\n"
                 "  xenflight status\n"
                 "  xenflight list --since -7d\n"
                 "  xenflight explain FILE\n"
                 "  xenflight show --last 100ms --domain web1 FILE\n");
    fprintf(out, "\n`xenflight COMMAND --help' has the options of each; "
                 "xenflight(8) has more.\n"
                 "Exit status: 0 done, 1 failed, 2 not understood.\n");
}

static const struct command *find(const char *name)
{
    for ( size_t i = 0; i < NR_COMMANDS; i++ )
        if ( commands[i].run && !strcmp(name, commands[i].name) )
            return &commands[i];

    return NULL;
}

int main(int argc, char **argv)
{
    const struct command *c;
    char name[64], safe[TEXT_ROOM(32)];

    if ( argc < 2 )
    {
        help(stderr);
        return EXIT_USAGE;
    }

    if ( !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
         !strcmp(argv[1], "help") )
    {
        help(stdout);
        return EXIT_OK;
    }

    if ( !strcmp(argv[1], "--version") || !strcmp(argv[1], "-V") )
    {
        puts("xenflight " XENFLIGHT_VERSION);
        return flush_stdout();
    }

    c = find(argv[1]);
    if ( !c )
    {
        fprintf(stderr, "xenflight: no command \"%s\"; see xenflight --help\n",
                text_escape(safe, sizeof(safe), argv[1]));
        return EXIT_USAGE;
    }

    /* So that help and messages name both. */
    snprintf(name, sizeof(name), "xenflight %s", c->name);
    argv[1] = name;
    return c->run(argc - 1, argv + 1);
}
