/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * child.h: a process of the daemon without privileges, as the monitor has it: a
 * fresh copy of our own program behind a socket, started again when it ends.
 */

#ifndef SNAPSHOTD_CHILD_H
#define SNAPSHOTD_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshotd/common/proto.h"

struct child {
    const char *name;      /* for messages */
    const char *option;    /* of our own command line: "--engine" */
    pid_t pid;             /* 0 while there is none */
    int fd;                /* our end of the socket, or -1 */
    bool ready;            /* it sent READY */
    uint32_t starts;
    uint64_t started_ms;   /* the last start; all CLOCK_MONOTONIC */
    uint64_t restart_ms;   /* the next one, while there is none */
    uint64_t backoff_ms;   /* between the last two */
};

struct child_exec {
    const char *backend;   /* NULL: not given */
    bool to_syslog;
    int pass;              /* becomes descriptor 4 of the child; -1: nothing */
};

/* Return 0 or -errno, which is logged; a failed start is tried again later. */
int child_start(struct child *c, const struct child_exec *e);
/* Closes our end. */
void child_close(struct child *c);
/* Kills it, waits for its end, closes our end. */
void child_kill(struct child *c, int sig);
/*
 * After its end: sets restart_ms, later with each call, at most max_ms, unless
 * it lived for long or its end was in order (`good`).
 */
void child_back_off(struct child *c, bool good, uint64_t max_ms);
/* Whether it must be started now. */
bool child_due(const struct child *c, uint64_t now_ms);
/* ms until then; -1 while it runs. */
int64_t child_wait_ms(const struct child *c, uint64_t now_ms);

/* Sends without blocking.  Return false if it must be sent later. */
bool child_send(struct child *c, struct msg *m);

#endif /* SNAPSHOTD_CHILD_H */
