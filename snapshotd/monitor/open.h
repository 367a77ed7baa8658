/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * open.h: open everything that the monitor needs.  Each function returns 0 or an
 * exit code (enum exit_code), with the reason in the log.
 */

#ifndef SNAPSHOTD_OPEN_H
#define SNAPSHOTD_OPEN_H

#include "lib/xen/hyp.h"
#include "snapshotd/common/conf.h"
#include "snapshotd/monitor/user.h"

int open_xen(const char *backend, struct hyp **hyp);
/* For Xen's own trace buffers: configures the backend, binds the VIRQ. */
int open_virq(struct hyp *hyp, const struct conf *c, int *fd);
/* Creates and starts buffers if Xen has none and the configuration has it so. */
void open_buffers(struct hyp *hyp, const struct conf *c);
int open_user(const char *name, struct user *user);
int open_lock(const char *run, int *fd);
int open_socket(const char *run, const char *name, int *fd);
/* Signals and the heartbeat's timer. */
int open_events(int *signals, int *heartbeat);
/* Return 0 or -errno.  watchdog_ms: 0 without one. */
int open_heartbeat(int heartbeat, const struct conf *c, uint64_t watchdog_ms);

#endif /* SNAPSHOTD_OPEN_H */
