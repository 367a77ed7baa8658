/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook.h: the administrator's program, run after each snapshot.  Part of the
 * monitor, since the engine can start nothing.
 *
 * What it is told rests on numbers that the engine sent, so the worst that a
 * captured engine can do with it is to have it run once for a generation that
 * it gave back, with wrong numbers.  It runs as the daemon's user, not as root,
 * unless the configuration names another: it will read files that the engine
 * wrote.  No shell, no environment but PATH, nothing open but standard input and
 * the daemon's standard error, no way to gain privileges; one at a time.
 */

#ifndef SNAPSHOTD_HOOK_H
#define SNAPSHOTD_HOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshotd/common/proto.h"

/* Snapshots that can wait for their run; what is beyond is counted. */
#define HOOK_QUEUE 16

struct hook {
    pid_t pid;             /* 0: none runs */
    bool overdue;          /* it was ended by us */
    uint64_t deadline_ms;
    uid_t uid;             /* whom it runs as */
    gid_t gid;
    struct hook_run {
        uint32_t gen;
        char text[1024];   /* for its standard input */
    } queue[HOOK_QUEUE];   /* oldest first */
    unsigned int queued;
    struct hook_counters counters;
};

/* Whom it runs as: the configuration's user, else these.  -ENOENT: said. */
int hook_user(struct hook *h, const struct conf *c, uid_t uid, gid_t gid);

/* `dir`: where the snapshot is. */
void hook_add(struct hook *h, const struct conf *c, const char *dir,
              const struct msg_snapshot *s);
/* Starts the next one, ends one that takes too long. */
void hook_work(struct hook *h, const struct conf *c, uint64_t now_ms);
/* When that is to be called if nothing happens; -1: never. */
int64_t hook_wait_ms(const struct hook *h, uint64_t now_ms);
/* A child ended.  False: it was none of ours. */
bool hook_reaped(struct hook *h, pid_t pid, int status);
/* The daemon ends: so does what runs. */
void hook_end(struct hook *h);

#endif /* SNAPSHOTD_HOOK_H */
