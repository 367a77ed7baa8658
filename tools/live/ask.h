/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ask.h: send commands to the recorder.  A running daemon carries them out; else
 * they go to Xen directly, under the daemon's lock if they change something.
 */

#ifndef XENFLIGHT_ASK_H
#define XENFLIGHT_ASK_H

#include <argp.h>
#include <stdbool.h>

#include "lib/ipc/command.h"
#include "lib/ipc/control.h"
#include "lib/xen/hyp.h"

/* --run, --backend and --json, for all commands that use this. */
struct ask {
    const char *run;
    const char *backend;
    bool json;
};

/*
 * .children of a command.  Its parser must return ask_parse_child() for keys that
 * are not its own, or be ask_parse_child().  Its input must begin with a struct
 * ask.
 */
extern const struct argp_child ask_children[];
error_t ask_parse_child(int key, char *arg, struct argp_state *state);

/* Parse the options of @own into *a.  Return 0 or EXIT_USAGE. */
int ask_parse(struct ask *a, const struct argp *own, int argc, char **argv);

/*
 * Send @req to the daemon.  The answer comes from its engine, which reads input of
 * guests and may be captured: texts in it must be escaped before they are printed,
 * and types and numbers must not be relied on.
 *
 * Return 0 with *answer, in which "ok" is true and which the caller must
 * json_decref(); -ENOENT without a message if no daemon is running; or another
 * -errno after a message on stderr.
 */
int ask_daemon(const struct ask *a, const char *cmd,
               const struct control_request *req, int timeout_ms,
               json_t **answer);

/* Call @fn on Xen.  Return its result; errors are printed to stderr. */
int ask_xen(const struct ask *a, const char *cmd,
            int (*fn)(struct hyp *h, void *arg), void *arg);

/*
 * Carry out @c through the daemon or on Xen, and print @done or {"ok":true}.
 * Return an exit code.
 */
int ask_command(const struct ask *a, const char *cmd, struct command *c,
                const char *done);

/* hyp_op() with the type that lib/xen/recorder.h takes. */
int ask_op(void *hyp, struct xen_flightrec_op *op);

#endif /* XENFLIGHT_ASK_H */
