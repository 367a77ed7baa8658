/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* destroy.c: xenflight destroy: give the buffers back. */

#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Stop, and give the memory of the buffers back to Xen.  A daemon "
           "that runs writes first what is held, gives up its mapping, and "
           "waits for new buffers.  Refused while another process has some of "
           "it mapped.\v"
           "Examples:\n"
           "  xenflight destroy\n"
           "  xenflight destroy --json | jq .\n\n"
           "Exit status: 0 there are no buffers, 1 they are still there, "
           "2 usage.",
};

int cmd_destroy(int argc, char **argv)
{
    struct command c = { .verb = COMMAND_DESTROY };
    struct ask a = { 0 };

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&a, argv[0], &c,
                       "The buffers are gone; Xen records no more.");
}
