/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.h: give up everything that a process does not need. */

#ifndef SNAPSHOTD_SANDBOX_H
#define SNAPSHOTD_SANDBOX_H

#include <sys/types.h>

enum sandbox_kind {
    SANDBOX_ENGINE,        /* may use files below its root, accept clients */
    SANDBOX_XENSTORE,      /* may use open descriptors, no path */
};

/*
 * For good: the root directory becomes `dir`, the user and group the given
 * ones; no capabilities, no new privileges, only the system calls of its kind.
 * The process is killed if it makes another one, and when its parent dies.
 * Return 0 or -errno; on an error the caller must exit, since part of it may be
 * done.
 *
 * `start` (or NULL) is called once the rights are gone and the system calls are
 * not restricted yet: the place to create threads.  All threads that exist then
 * get the filter, and there will be no more.
 */
int sandbox_enter(enum sandbox_kind kind, int dir, uid_t uid, gid_t gid,
                  int (*start)(void *), void *arg);

#endif /* SNAPSHOTD_SANDBOX_H */
