/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * destroy.c: xenflight destroy: free the recorder's buffers.
 */

#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Stop recording and free the buffers.  A running daemon first "
           "writes the history that is held, then drops its mapping and waits "
           "for new buffers.  Refused while another process has buffers "
           "mapped.\v"
           "Examples:\n"
           "  xenflight destroy\n"
           "  xenflight destroy --json | jq .\n\n"
           "Exit status: 0 if there are no buffers now, 1 if they still exist, "
           "2 on wrong usage.",
};

int cmd_destroy(int argc, char **argv)
{
    struct command c = { .verb = COMMAND_DESTROY };
    struct ask a = { 0 };

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&a, argv[0], &c,
                       "Buffers freed; recording stopped.");
}
