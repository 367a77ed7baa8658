/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-stop.c: xenflight stop: record no more. */

#include "lib/recorder.h"
#include "tools/ask.h"
#include "tools/cmd.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Let Xen record no more events.  The buffers and what is in them "
           "stay; a crash from now on leaves nothing new.\v"
           "Exit status: 0 Xen does not record, 1 it could not be stopped, "
           "2 usage.",
};

static int stop(struct hyp *h, void *arg)
{
    return recorder_stop(ask_op, h);
}

int cmd_stop(int argc, char **argv)
{
    return ask_change(argc, argv, &argp, CONTROL_STOP, stop, "Xen records no more.");
}
