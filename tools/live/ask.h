/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ask.h: what the commands that command the recorder share.  While a daemon
 * runs it is asked; else the command asks Xen itself, holding the daemon's lock
 * if it changes something.
 */

#ifndef XENFLIGHT_ASK_H
#define XENFLIGHT_ASK_H

#include <argp.h>
#include <stdbool.h>

#include "lib/ipc/command.h"
#include "lib/ipc/control.h"
#include "lib/xen/hyp.h"

/* Options of all of them, as a child parser; its input is struct ask. */
struct ask {
    const char *run;
    const char *backend;
    bool json;
};

/* .children and .parser of a command that has no options beyond these. */
extern const struct argp_child ask_children[];
error_t ask_parse_child(int key, char *arg, struct argp_state *state);

/* Parses options: `own` (may be NULL) and those of struct ask.  0, or usage. */
int ask_parse(struct ask *a, const struct argp *own, int argc, char **argv);

/*
 * The daemon's answer, with "ok" true in it.  -ENOENT: no daemon runs, nothing
 * was said; another -errno: what is wrong was said on stderr.
 */
int ask_daemon(const struct ask *a, const char *cmd,
               const struct control_request *req, int timeout_ms,
               json_t **answer);

/* Runs `fn` on Xen itself.  Says on stderr what went wrong. */
int ask_xen(const struct ask *a, const char *cmd,
            int (*fn)(struct hyp *h, void *arg), void *arg);

/*
 * Has `c` carried out, by the daemon or on Xen itself, and prints `done`, or
 * {"ok":true}.  An exit status.
 */
int ask_command(const struct ask *a, const char *cmd, struct command *c,
                const char *done);

/* hyp_op() in the form that lib/xen/recorder.h takes. */
int ask_op(void *hyp, struct xen_flightrec_op *op);

#endif /* XENFLIGHT_ASK_H */
