/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* queue.h: the requests that the engine has, of all sources. */

#ifndef SNAPSHOTD_QUEUE_H
#define SNAPSHOTD_QUEUE_H

#include "snapshotd/common/request.h"

/* Dom0's, sockets', a signal's; guests'. */
#define QUEUE_REQUESTS (48 + GUEST_REQUESTS)

struct queue {
    struct request slot[QUEUE_REQUESTS];
    uint64_t due_ns[REQUEST_SOURCES]; /* of the last one added */
};

/*
 * Adds a copy of *in, DELAYED until due_ns, but not less than the one before it
 * of the same source: so a freeze covers all numbers up to some.  A further
 * signal joins one that still waits.  Return NULL if there is no room.
 */
struct request *queue_add(struct queue *t, const struct request *in,
                          uint64_t due_ns);
/*
 * The request that *in is, if it came by a former xenstore process: it is now
 * one of the link in->link.  Return NULL if there is none.
 */
struct request *queue_adopt(struct queue *t, const struct request *in);

/* Whether there is any. */
bool queue_any(const struct queue *t);
/* The next one in `state`, and in all but WAITING of generation `gen`. */
struct request *queue_next(struct queue *t, struct request *prev,
                           enum request_state state, uint32_t gen);
/*
 * DELAYED ones whose time has come become WAITING.  Return the time at which the
 * next will, or UINT64_MAX.
 */
uint64_t queue_due(struct queue *t, uint64_t now_ns);
/* By source, the last number that is WAITING. */
void queue_numbers(struct queue *t, uint64_t number[REQUEST_SOURCES]);
/* Generation `gen` answers all that are WAITING. */
void queue_freeze(struct queue *t, uint32_t gen);
/* A FROZEN one of a generation up to `gen`, which was given back. */
struct request *queue_overtaken(struct queue *t, uint32_t gen);
/*
 * The one that the snapshot is named for: WAITING, or FROZEN for `gen`.  A
 * guest's only if none of Dom0 is among them.  NULL if there is none.
 */
struct request *queue_owner(struct queue *t, enum request_state state,
                            uint32_t gen);

#endif /* SNAPSHOTD_QUEUE_H */
