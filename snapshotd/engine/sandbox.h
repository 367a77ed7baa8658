/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.h: the engine gives away all it does not need. */

#ifndef SNAPSHOTD_SANDBOX_H
#define SNAPSHOTD_SANDBOX_H

#include <sys/types.h>

/*
 * For good: the root directory becomes `dir`, the user and group the given
 * ones, no capabilities, no new privileges, only the system calls that the
 * engine makes.  The process is killed if it makes another one, and when its parent
 * dies.  All or nothing: on an error the caller must exit.
 *
 * `start` (or NULL) is called when the rights are gone and the system calls are
 * not yet: the place to make threads.  All that there are then get the filter,
 * and there will be no more.
 */
int sandbox_enter(int dir, uid_t uid, gid_t gid, int (*start)(void *),
                  void *arg);

#endif /* SNAPSHOTD_SANDBOX_H */
