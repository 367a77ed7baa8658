/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * background.h: the engine's other threads, and their low priority.
 *
 * A dump can wait; Dom0's work for guests cannot.  So the threads that compress
 * have the highest nice value, as has the engine while it compresses, and disk
 * I/O is of the idle class: a dump uses only CPU and disk time that is left
 * over.  SCHED_IDLE was refused: under a busy Dom0 it would hold a generation
 * for minutes.
 *
 * The exception is the first part of a file, the records of the pCPU where the
 * domain died: the engine writes it at its usual priority, and a separate thread
 * syncs it to the disk while the rest is being compressed.  A slow disk delays
 * that thread and nothing else.
 */

#ifndef SNAPSHOTD_BACKGROUND_H
#define SNAPSHOTD_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/pack.h"

struct background;

/*
 * Create the threads.  `threads` compress, the caller's among them; 0 means one
 * for each CPU, but at most two, to leave most of Dom0 alone.  Must be called
 * without rights and before the system call filter.  Return 0 or -errno; fewer
 * threads than asked for is only a warning.
 */
int background_start(unsigned int threads, struct background **out);

/* The threads that compress. */
struct pack_pool *background_pool(struct background *b);

/* Raise the nice value of the caller, or restore it. */
void background_nice(struct background *b, bool nice);

/* Start to sync `fd`.  Must be followed by background_wait(). */
void background_sync(struct background *b, int fd);
/*
 * Wait until that is done.  Return 0 or its -errno, once; a later fsync() of the
 * file may not report it again.  *mono_ns is CLOCK_MONOTONIC at the end, or 0 if
 * there was nothing to sync or it failed.
 */
int background_wait(struct background *b, uint64_t *mono_ns);

#endif /* SNAPSHOTD_BACKGROUND_H */
