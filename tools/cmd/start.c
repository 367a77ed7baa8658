/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * start.c: xenflight start: start recording.
 */

#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Start recording events in Xen.  If there are no buffers, they are "
           "created first: of the size in the daemon's configuration, or of 1 "
           "MiB per pCPU if no daemon is running.\v"
           "Examples:\n"
           "  xenflight start\n\n"
           "Exit status: 0 if Xen is recording, 1 if not, 2 on wrong usage.",
};

int cmd_start(int argc, char **argv)
{
    struct command c = { .verb = COMMAND_START };
    struct ask a = { 0 };

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&a, argv[0], &c, "Xen is recording.");
}
