/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * background.h: the engine's other threads, and its place behind all else.
 *
 * A dump can wait; what Dom0 does for guests cannot.  So the threads that
 * compress are the nicest of all, the engine itself is while it takes part in
 * that, and its disk I/O is idle I/O: a dump gets what nobody else wants.  Not
 * SCHED_IDLE: under a busy Dom0 that would hold a generation for minutes.
 *
 * The exception is the first part of a file, the records of the pCPU where the
 * domain died: the engine writes it at its usual priority, and a thread of its
 * own brings it to the disk while the rest is being compressed.  A slow disk
 * delays that thread and nothing else.
 */

#ifndef SNAPSHOTD_BACKGROUND_H
#define SNAPSHOTD_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/pack.h"

struct background;

/*
 * Makes the threads.  `threads` compress, the caller's among them; 0: one a CPU,
 * two at most, so that most of a host's Dom0 is left alone.  To be called
 * without rights and before the filter on system calls.  Fewer threads than
 * asked for is a warning.
 */
int background_start(unsigned int threads, struct background **out);

/* Whom a snapshot is packed by. */
struct pack_pool *background_pool(struct background *b);

/* Steps behind all others, or back to where it was. */
void background_nice(struct background *b, bool nice);

/* Brings what `fd` has by now to the disk; one at a time, then wait. */
void background_sync(struct background *b, int fd);
/*
 * Waits until that is done: 0 or its -errno, told once, and a later fsync() of
 * the file need not say it again.  CLOCK_MONOTONIC of the end in *mono_ns, 0 if
 * there was nothing to sync or it failed.
 */
int background_wait(struct background *b, uint64_t *mono_ns);

#endif /* SNAPSHOTD_BACKGROUND_H */
