/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.h: the commands that change the recorder: start, stop, create,
 * destroy, mask.
 *
 * While a daemon runs, its monitor carries them out, so that it can make the
 * engine unmap the buffers before and map them again after.  A tool sends one
 * struct command to the socket RUN/recorder (SOCK_SEQPACKET, root only) and
 * receives one JSON object, "ok": bool, "error": text.  Without a daemon the
 * tool carries the command out itself, under the daemon's lock.  Every command
 * may be repeated.
 */

#ifndef XENFLIGHT_COMMAND_H
#define XENFLIGHT_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "lib/xen/hyp.h"

#define COMMAND_SOCKET "recorder"
#define COMMAND_MAGIC  0x4d465258U
#define COMMAND_MASKS  64          /* changes of masks in one command */
#define COMMAND_WHY    512         /* bytes of the reason of a failure */

enum command_verb {
    COMMAND_START = 1,     /* creates buffers by `create` if there are none */
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
 * Carry out @c.  Return 0, or -errno with the reason and the remedy in @why,
 * a buffer of COMMAND_WHY bytes.
 */
int command_run(hyp_op_fn *op, void *arg, const struct command *c, char *why);

#endif /* XENFLIGHT_COMMAND_H */
