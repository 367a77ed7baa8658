/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * commands.h: the monitor's socket for what changes the recorder (see
 * lib/ipc/command.h).  One command at a time: who comes meanwhile waits in the
 * socket's queue.
 */

#ifndef SNAPSHOTD_COMMANDS_H
#define SNAPSHOTD_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/command.h"

struct commands {
    int listen;            /* -1: not yet open */
    int client;            /* whose command it is; -1: nobody's */
    bool ready;            /* `command` has come and is to be carried out */
    uint64_t until_ms;     /* CLOCK_MONOTONIC: patience with the client, or,
                            * if `ready`, with the engine that is to end */
    struct command command;
};

/* What to poll for reading, -1: nothing now. */
int commands_fd(const struct commands *c);
/* It is readable, or time has passed. */
void commands_event(struct commands *c, uint64_t now_ms);
/* Must the engine's mapping be gone first? */
bool commands_unmap(const struct commands *c);
/* ms until commands_event() is to be called, -1: for ever. */
int commands_timeout(const struct commands *c, uint64_t now_ms);
/* Carries out what is `ready` and answers. */
void commands_run(struct commands *c, hyp_op_fn *op, void *arg);

#endif /* SNAPSHOTD_COMMANDS_H */
