/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pack.h: packets to lz4 frames, by as many threads as there are.
 *
 * The writer fills jobs and takes them back in the same order:
 *
 *            pack_fill    pack_submit                 pack_wait   pack_retire
 *   free  -------------> filled ------> run by whoever ----> done ----> free
 *
 * The threads of a pool take the oldest job that nobody runs.  So does the
 * writer's own thread while it waits: a pool of n threads makes n + 1 of them,
 * and without a pool the same code runs alone.
 *
 * Memory: PACK_BYTES a thread, all of it allocated by pack_new(); of it as much
 * is touched as frames are long.
 */

#ifndef XENFLIGHT_PACK_H
#define XENFLIGHT_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/format/snapshot-layout.h"

/* Threads of a pool; more would only wait for the one that writes. */
#define PACK_MAX_THREADS 15
/* Upper limit of what one thread's share takes: 10 times a frame's packets. */
#define PACK_BYTES       (10 * SNAPSHOT_MAX_DATA_BYTES)

struct pack_pool;

/* How to write; all zero is right for most. */
struct snapshot_how {
    struct pack_pool *pool;  /* NULL: no other threads, see pack.h; it serves
                              * one writer at a time */
    bool plain;              /* no columns: format 1, for readers of old */
    int level;               /* of lz4: 0 its default, 3 to 12 smaller, below 0
                              * faster */
};

/*
 * `threads` beside the caller's, 0 to PACK_MAX_THREADS.  They are up when this
 * returns, make no system call but futex() from then on, and sleep while there
 * is no job.  They end with the process.  -ENOMEM, or another -errno and *out:
 * some could not be made, it works with those that could.
 */
int pack_pool_new(unsigned int threads, struct pack_pool **out);

struct pack_job {
    struct snapshot_frame frame; /* all but .offset, when done */
    uint8_t *plain;              /* the packets: SNAPSHOT_MAX_DATA_BYTES */
    size_t plain_bytes;
    uint8_t *out;                /* when done: frame.bytes to be stored */
    int rc;
    bool running, done;
};

struct pack;

/* `how` is copied. */
int pack_new(const struct snapshot_how *how, struct pack **out);
/* Waits for what is being run; what is not is dropped.  NULL is fine. */
void pack_free(struct pack *p);

/* The job to be filled; valid if not pack_full(). */
struct pack_job *pack_fill(struct pack *p);
void pack_submit(struct pack *p);
bool pack_full(const struct pack *p);
bool pack_empty(const struct pack *p);
/* The oldest submitted job, done; valid if not pack_empty(). */
struct pack_job *pack_wait(struct pack *p);
void pack_retire(struct pack *p);

/* One lz4 frame of the one form that a snapshot has.  Its length, or 0. */
size_t pack_lz4(int level, const void *content, size_t bytes, void *out,
                size_t room);
/* What a frame of `bytes` of content takes at most. */
size_t pack_lz4_bound(size_t bytes);

/*
 * What the packets of a data frame say, into `f`, whose fields of them are 0.
 * -EBADMSG: it is not a row of packets of one stream.
 */
int pack_describe(const void *packets, size_t bytes, struct snapshot_frame *f);

#endif /* XENFLIGHT_PACK_H */
