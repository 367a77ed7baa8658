/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-stop.c: xenflight stop: record no more. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/recorder.h"
#include "tools/ask.h"
#include "tools/cmd.h"

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
    const struct control_request req = { .magic = CONTROL_MAGIC,
                                         .op = CONTROL_STOP };
    struct ask a = { 0 };
    json_t *answer;
    int rc;

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    rc = ask_daemon(&a, argv[0], &req, 30000, &answer);
    if ( rc == -ENOENT )
        rc = ask_xen(&a, argv[0], true, stop, NULL);
    json_decref(answer);
    if ( rc )
        return EXIT_FAIL;
    puts(a.json ? "{\"ok\":true}" : "Xen records no more.");
    return EXIT_OK;
}
