/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-start.c: xenflight start: record events. */

#include "lib/recorder.h"
#include "tools/ask.h"
#include "tools/cmd.h"

#define DEFAULT_BYTES (1U << 20)

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Let Xen record events.  If it has no buffers they are made: of the "
           "size in the daemon's configuration, or of 1 MiB a pCPU if no "
           "daemon runs.\v"
           "Exit status: 0 Xen records, 1 it does not, 2 usage.",
};

static int start(struct hyp *h, void *arg)
{
    return recorder_start(ask_op, h, DEFAULT_BYTES);
}

int cmd_start(int argc, char **argv)
{
    return ask_change(argc, argv, &argp, CONTROL_START, start, "Xen records.");
}
