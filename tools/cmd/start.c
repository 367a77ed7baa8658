/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start.c: xenflight start: record events. */

#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Let Xen record events.  If it has no buffers they are made: of the "
           "size in the daemon's configuration, or of 1 MiB a pCPU if no "
           "daemon runs.\v"
           "Examples:\n"
           "  xenflight start\n\n"
           "Exit status: 0 Xen records, 1 it does not, 2 usage.",
};

int cmd_start(int argc, char **argv)
{
    struct command c = { .verb = COMMAND_START };
    struct ask a = { 0 };

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&a, argv[0], &c, "Xen records.");
}
