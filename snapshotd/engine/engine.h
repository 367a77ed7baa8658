/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine.h: the engine process, as the monitor starts it. */

#ifndef SNAPSHOTD_ENGINE_H
#define SNAPSHOTD_ENGINE_H

/* File descriptors at its start. */
#define ENGINE_FD_MONITOR 3
#define ENGINE_FD_CONTROL 4

/* Run the process; return an exit code. */
int engine_run(const char *backend);

#endif /* SNAPSHOTD_ENGINE_H */
