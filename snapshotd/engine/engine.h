/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine.h: the unprivileged half. */

#ifndef SNAPSHOTD_ENGINE_H
#define SNAPSHOTD_ENGINE_H

/* File descriptors that it is started with. */
#define ENGINE_FD_MONITOR 3
#define ENGINE_FD_CONTROL 4

/* Its whole life; returns an exit code. */
int engine_run(const char *backend);

#endif /* SNAPSHOTD_ENGINE_H */
