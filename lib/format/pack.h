/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pack.h: compress packets to lz4 frames, with or without a pool of threads.
 *
 * The writer fills jobs and takes them back in the same order:
 *
 *         pack_fill        pack_submit       pack_wait       pack_retire
 *   free -----------> filled --------> queued ---------> done ----------> free
 *
 * Each thread of the pool takes the oldest queued job.  The writer's own
 * thread does the same while it waits: a pool of n threads makes n + 1
 * workers, and without a pool the same code runs in one.
 *
 * Memory: PACK_BYTES a worker, all allocated by pack_new().  Only as much is
 * touched as frames need.
 */

#ifndef XENFLIGHT_PACK_H
#define XENFLIGHT_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/format/snapshot-layout.h"

/* Limit of a pool; more threads would only wait for the writer. */
#define PACK_MAX_THREADS 15
/* Upper bound of one worker's memory: 10 times a frame's packets. */
#define PACK_BYTES       (10 * SNAPSHOT_MAX_DATA_BYTES)

struct pack_pool;

/* Options of a snapshot's writer; all zero is the default. */
struct snapshot_how {
    struct pack_pool *pool;  /* NULL: no threads; a pool serves one writer at a
                              * time */
    bool plain;              /* no columns: format 1, for older readers */
    int level;               /* of lz4: 0 the default, 3 to 12 smaller, below 0
                              * faster */
};

/*
 * Start `threads` threads, at most PACK_MAX_THREADS.  They have started when
 * this returns.  From then on futex() is their only system call; they sleep
 * while no job is queued, and end with the process.  Return 0 or -ENOMEM.  On
 * any other -errno not all threads could be created: *out is set and works
 * with the others.
 */
int pack_pool_new(unsigned int threads, struct pack_pool **out);

struct pack_job {
    struct snapshot_frame frame; /* when done: all but .offset */
    uint8_t *plain;              /* packets; SNAPSHOT_MAX_DATA_BYTES long */
    size_t plain_bytes;
    uint8_t *out;                /* when done: the frame, frame.bytes long */
    int rc;
    bool running, done;
};

struct pack;

/* Allocate a row of jobs; `how` is copied.  Return 0 or -ENOMEM. */
int pack_new(const struct snapshot_how *how, struct pack **out);
/* Wait for running jobs, drop queued ones, free `p`.  NULL is allowed. */
void pack_free(struct pack *p);

/* Return the free job to fill.  Callers must check !pack_full() before. */
struct pack_job *pack_fill(struct pack *p);
void pack_submit(struct pack *p);
bool pack_full(const struct pack *p);
bool pack_empty(const struct pack *p);
/*
 * Wait for the oldest submitted job and return it.  Callers must check
 * !pack_empty() before.
 */
struct pack_job *pack_wait(struct pack *p);
void pack_retire(struct pack *p);

/*
 * Compress to one lz4 frame, with the only kind of header a snapshot may have.
 * Return its length, or 0 on failure.
 */
size_t pack_lz4(int level, const void *content, size_t bytes, void *out,
                size_t room);
/* Return the upper bound of a frame with `bytes` of content. */
size_t pack_lz4_bound(size_t bytes);

/*
 * Set the fields of `f` that describe a data frame's packets; callers must
 * zero them before.  Return 0, or -EBADMSG unless all are packets of one
 * stream.
 */
int pack_describe(const void *packets, size_t bytes, struct snapshot_frame *f);

#endif /* XENFLIGHT_PACK_H */
