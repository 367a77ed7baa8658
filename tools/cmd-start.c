/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-start.c: xenflight start: record events. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/recorder.h"
#include "tools/ask.h"
#include "tools/cmd.h"

#define DEFAULT_BYTES (1U << 20)

static const struct argp_child children[] = { { &ask_argp, 0, NULL, 0 },
                                              { 0 } };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if ( key == ARGP_KEY_INIT )
        state->child_inputs[0] = state->input;
    return key == ARGP_KEY_INIT ? 0 : ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
    .parser = parse,
    .children = children,
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
    const struct control_request req = { .magic = CONTROL_MAGIC,
                                         .op = CONTROL_START };
    struct ask a = { 0 };
    json_t *answer;
    int rc;

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    rc = ask_daemon(&a, argv[0], &req, 30000, &answer);
    if ( rc == -ENOENT )
        rc = ask_xen(&a, argv[0], true, start, NULL);
    json_decref(answer);
    if ( rc )
        return EXIT_FAIL;
    puts(a.json ? "{\"ok\":true}" : "Xen records.");
    return EXIT_OK;
}
