/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stop.c: xenflight stop: record no more. */

#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Let Xen record no more events.  The buffers and what is in them "
           "stay; a crash from now on leaves nothing new.\v"
           "Examples:\n"
           "  xenflight stop\n\n"
           "Exit status: 0 Xen does not record, 1 it could not be stopped, "
           "2 usage.",
};

int cmd_stop(int argc, char **argv)
{
    struct command c = { .verb = COMMAND_STOP };
    struct ask a = { 0 };

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&a, argv[0], &c, "Xen records no more.");
}
