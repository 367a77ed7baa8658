/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.h: what changes the recorder: start, stop, create, destroy, mask.
 *
 * While a daemon runs its monitor carries these out, so that it can have the
 * engine give up its mapping and map anew.  It is asked on the socket
 * RUN/recorder (SOCK_SEQPACKET, for root only): one struct command, answered by
 * one JSON object, "ok": bool, "error": text.  Without a daemon a tool does the
 * same itself under the daemon's lock.  Each may be repeated.
 */

#ifndef XENFLIGHT_COMMAND_H
#define XENFLIGHT_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "lib/xen/hyp.h"

#define COMMAND_SOCKET "recorder"
#define COMMAND_MAGIC  0x4d465258U
#define COMMAND_MASKS  64          /* changes of masks in one command */
#define COMMAND_WHY    512         /* room for the sentence about a failure */

enum command_verb {
    COMMAND_START = 1,     /* with buffers as `create` says if there are none */
    COMMAND_STOP,
    COMMAND_CREATE,        /* buffers, then the masks; does not start */
    COMMAND_DESTROY,
    COMMAND_MASK,
};

/* One change: of a channel's classes, or of one event of the list. */
struct command_mask {
    uint32_t channel;
    uint32_t event;        /* 0: classes */
    uint32_t clear, set;   /* bits of the mask; event: set refuses, clear
                            * allows it again */
};

struct command {
    uint32_t magic;
    uint32_t verb;
    struct xen_flightrec_op_create create;
    uint32_t nr_masks;
    struct command_mask mask[COMMAND_MASKS];
};

/*
 * Carries it out.  On failure -errno, and `why` (COMMAND_WHY bytes) is a plain
 * sentence that says what to do.
 */
int command_run(hyp_op_fn *op, void *arg, const struct command *c, char *why);

#endif /* XENFLIGHT_COMMAND_H */
