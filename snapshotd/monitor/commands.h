/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * commands.h: the socket for commands that change the recorder (see
 * lib/ipc/command.h).  One command at a time: other clients wait in the socket's
 * queue.
 */

#ifndef SNAPSHOTD_COMMANDS_H
#define SNAPSHOTD_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/command.h"

struct commands {
    int listen;            /* -1 until it is open */
    int client;            /* -1 while there is none */
    bool ready;            /* `command` must be carried out */
    uint64_t until_ms;     /* CLOCK_MONOTONIC: the client must have sent it,
                            * or if `ready`, the engine must have ended */
    struct command command;
};

/* The descriptor to poll for reading, or -1. */
int commands_fd(const struct commands *c);
/* Must be called when it is readable, or time has passed. */
void commands_event(struct commands *c, uint64_t now_ms);
/* Whether the engine must give up its mapping first. */
bool commands_unmap(const struct commands *c);
/* ms until commands_event() must be called; -1: never. */
int commands_timeout(const struct commands *c, uint64_t now_ms);
/* Carry out the command that is `ready`, and answer. */
void commands_run(struct commands *c, hyp_op_fn *op, void *arg);

#endif /* SNAPSHOTD_COMMANDS_H */
