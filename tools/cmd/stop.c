/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stop.c: xenflight stop: stop recording.
 */

#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Stop recording events in Xen.  The buffers keep their contents.  A "
           "crash from now on leaves no new records.\v"
           "Examples:\n"
           "  xenflight stop\n\n"
           "Exit status: 0 if recording is stopped, 1 if it could not be, 2 on "
           "wrong usage.",
};

int cmd_stop(int argc, char **argv)
{
    struct command c = { .verb = COMMAND_STOP };
    struct ask a = { 0 };

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&a, argv[0], &c, "Recording stopped.");
}
