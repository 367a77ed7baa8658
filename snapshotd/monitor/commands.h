/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * commands.h: the socket for commands that change the recorder (see
 * lib/ipc/command.h).  One command at a time: the others wait in their sockets.
 */

#ifndef SNAPSHOTD_COMMANDS_H
#define SNAPSHOTD_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/command.h"

/* Connections that have sent nothing yet; one more pushes out the oldest. */
#define COMMANDS_SILENT 8

/* All times are CLOCK_MONOTONIC. */
struct commands {
    int listen;            /* -1 until it is open */
    int events;            /* epoll: readable with `listen` or a silent one */
    struct {
        int fd;            /* -1: free */
        uint64_t until_ms; /* it must have sent its command by then */
    } silent[COMMANDS_SILENT];
    int client;            /* whose `command` it is, or -1 */
    bool ready;            /* `command` must be carried out */
    uint64_t until_ms;     /* the engine must have given up its mapping */
    struct command command;
    char why[COMMAND_WHY]; /* it failed; "" if it was carried out */
};

/* After `listen` is open.  Return 0 or -errno. */
int commands_init(struct commands *c);
/* The descriptor to poll for reading, or -1. */
int commands_fd(const struct commands *c);
/* Must be called when it is readable, or time has passed. */
void commands_event(struct commands *c, uint64_t now_ms);
/* Whether the engine must give up its mapping first. */
bool commands_unmap(const struct commands *c);
/* ms until commands_event() must be called even so; -1: never. */
int commands_timeout(const struct commands *c, uint64_t now_ms);
/* Carry out the command that is `ready`. */
void commands_run(struct commands *c, hyp_op_fn *op, void *arg);
/* Answer the command that was carried out. */
void commands_answer(struct commands *c);

#endif /* SNAPSHOTD_COMMANDS_H */
