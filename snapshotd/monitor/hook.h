/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook.h: the administrator's program, run after each snapshot.  Part of the
 * monitor, since the engine cannot start programs.
 *
 * Its input is made of numbers that the engine sent.  So a captured engine can
 * at worst have it run once, with wrong numbers, for a generation that it gave
 * back.  It runs as the daemon's user, unless the configuration names another:
 * not as root, since it will read files that the engine wrote.  It gets no
 * shell, no environment but PATH, no descriptor but standard input and the
 * daemon's standard error, and no way to gain privileges; one at a time.
 */

#ifndef SNAPSHOTD_HOOK_H
#define SNAPSHOTD_HOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshotd/common/proto.h"

/* Snapshots that can wait for their run; others are counted as dropped. */
#define HOOK_QUEUE 16

struct hook {
    pid_t pid;             /* 0 while none runs */
    bool overdue;          /* it was killed */
    uint64_t started_ms;
    uint64_t deadline_ms;  /* UINT64_MAX without a limit */
    uid_t uid;             /* the user it runs as */
    gid_t gid;
    struct hook_run {
        uint32_t gen;
        char text[1024];   /* its standard input */
    } queue[HOOK_QUEUE];   /* oldest first */
    unsigned int queued;
    struct hook_counters counters;
};

/*
 * Set the user: the configuration's, else this one.  Return 0, or -ENOENT,
 * logged, if there is no such user.
 */
int hook_user(struct hook *h, const struct conf *c, uid_t uid, gid_t gid);

/* Queue a run for a snapshot in `dir`. */
void hook_add(struct hook *h, const struct conf *c, const char *dir,
              const struct msg_snapshot *s);
/* Start the next run, kill one that takes too long. */
void hook_work(struct hook *h, const struct conf *c, uint64_t now_ms);
/* ms until that must be called even if nothing happens; -1: never. */
int64_t hook_wait_ms(const struct hook *h, uint64_t now_ms);
/* A child ended.  Return false if it was not the hook. */
bool hook_reaped(struct hook *h, pid_t pid, int status);
/* The daemon ends: kill the one that runs. */
void hook_end(struct hook *h);

#endif /* SNAPSHOTD_HOOK_H */
