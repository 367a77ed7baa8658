/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenflight.c: find the sub-command and run it.  Those that talk to Xen are in
 * xenflight-dom0 (tools/dom0.c), top for its live form.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/dom0.h"
#include "tools/base/message.h"
#include "tools/cmd.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "status", dom0_exec, "print the state of the recorder and the daemon" },
    { "start", dom0_exec, "start recording" },
    { "stop", dom0_exec, "stop recording; the buffers keep their contents" },
    { "create", dom0_exec, "create buffers of a given size" },
    { "destroy", dom0_exec, "free the buffers" },
    { "mask", dom0_exec, "print or change which events are recorded" },
    { "snapshot", dom0_exec, "write a snapshot now" },
    { "record", dom0_exec, "stream events to a file until interrupted" },
    { "list", cmd_list, "list the snapshots of a directory" },
    { "info", cmd_info, "print a snapshot's metadata" },
    { "show", cmd_show, "print a snapshot's trigger and records" },
    { "explain", cmd_explain, "explain a snapshot in at most 20 lines" },
    { "diff", cmd_diff, "compare two snapshots, or two parts of one" },
    { "top", cmd_top, "print CPU time, waits and entries into Xen" },
    { "report", cmd_report, "write a snapshot as an HTML page" },
    { "pin", cmd_pin, "protect snapshots from removal" },
    { "unpin", cmd_unpin, "let the daemon remove snapshots again" },
    { "verify", cmd_verify, "check every byte of a snapshot" },
    { "export", cmd_export, "convert a snapshot for another tool" },
    { "unpack", cmd_unpack, "write a snapshot with its packets unconverted" },
    { "redact", cmd_redact, "write a copy restricted to one domain" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
    fprintf(out, "Usage: xenflight COMMAND [OPTION...]\n"
                 "The flight recorder for the Xen hypervisor.\n\n");
    for ( size_t i = 0; i < NR_COMMANDS; i++ )
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nExamples:\n"
                 "  xenflight status\n"
                 "  xenflight list --since -7d\n"
                 "  xenflight explain FILE\n"
                 "  xenflight show --last 100ms --domain web1 FILE\n");
    fprintf(out, "\nSee `xenflight COMMAND --help' for the options of a command, "
                 "and xenflight(8).\n"
                 "Exit status: 0 on success, 1 on failure, 2 on wrong usage.\n");
}

static const struct command *find(const char *name)
{
    for ( size_t i = 0; i < NR_COMMANDS; i++ )
        if ( !strcmp(name, commands[i].name) )
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
        return print_version();

    c = find(argv[1]);
    if ( !c )
    {
        fprintf(stderr, "xenflight: unknown command \"%s\"; see xenflight --help\n",
                text_escape(safe, sizeof(safe), argv[1]));
        return EXIT_USAGE;
    }

    /* argp's help and messages print argv[0]: name the command in it. */
    snprintf(name, sizeof(name), "xenflight %s", c->name);
    argv[1] = name;
    return c->run(argc - 1, argv + 1);
}
