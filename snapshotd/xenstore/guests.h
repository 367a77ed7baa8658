/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guests.h: guests that ask for a trace snapshot, xs-hooks/PROTOCOL.md.  Part
 * of the xenstore process: creates the two nodes of each guest that may ask,
 * looks at them, hands requests on, and writes the answers.
 *
 *            create                a value that is not empty
 *   NEW ---------> OPEN, watched ----------------------------> asked
 *    |               |   ^   ^  beyond its budget: refused  |  | within
 *    | may not       |   |   +-------------------------------+  v
 *    v               |   |                                engine, answer
 *  (none)            |   +--- unwatched for a while <-- too many looks
 *                    v
 *                   OUT: the guest removed the node, or put nodes below it
 *
 * The work that a guest can cause is bounded by looks: each is a few operations
 * of xenstore, and a guest without any left is not even watched, so that its
 * writes cost nothing here.  A look finds the value of that moment: events are
 * hints.
 *
 * Nothing is written but in a transaction that has seen the domain's own nodes,
 * while Xen still had that domain: neither does a dead domain's tree come back,
 * nor does a later domain of the same number get an answer meant for the
 * former.  The question to Xen is a round trip to the monitor.
 */

#ifndef SNAPSHOTD_GUESTS_H
#define SNAPSHOTD_GUESTS_H

#include "snapshotd/common/proto.h"
#include "snapshotd/xenstore/link.h"
#include "snapshotd/xenstore/xs.h"

/* Looks at one guest's node in a row; then one each GUEST_LOOK_MS. */
#define GUEST_LOOKS   8
#define GUEST_LOOK_MS 1000
/* A guest that had none left is watched again from so many on. */
#define GUEST_LOOKS_AGAIN 2

enum guest_state {
    GUEST_NEW,             /* has no nodes */
    GUEST_OPEN,            /* has its nodes */
    GUEST_OUT,             /* gets none in this life of the domain */
};

struct guest {
    uint16_t domid;
    uint8_t handle[16];
    uint8_t state;         /* enum guest_state */
    bool watched, hint;
    uint32_t serial;       /* in the watch's token: no other guest's */
    uint32_t looks;        /* left */
    uint64_t looks_ms;     /* when they were counted last */
    uint32_t refused;      /* requests in a row */
    struct request ask;
};

struct guests {
    struct xs *xs;
    struct link *link;
    uint32_t rule;         /* enum conf_guests */
    bool first;            /* no former process of this daemon: see try_make() */
    struct guest *entry;
    unsigned int nr, room;
    uint32_t serial;
};

/* Whether an entry must stay. */
typedef bool guests_there_fn(void *arg, uint16_t domid,
                             const uint8_t handle[16]);

/* Xen has this domain: create its nodes if it may ask and has none yet. */
void guests_add(struct guests *t, uint16_t domid, const uint8_t handle[16]);
/* Removes those that are not `there`. */
void guests_keep(struct guests *t, guests_there_fn *there, void *arg);
/* The rule, or the list of those that may ask, has changed. */
void guests_review(struct guests *t);
/* The watch of this guest fired. */
void guests_event(struct guests *t, uint32_t serial);

/* Looks where there may be something to see. */
void guests_work(struct guests *t, uint64_t now_ms);
/* ms until guests_work() must be called even if nothing happens; -1: never. */
int64_t guests_wait_ms(const struct guests *t, uint64_t now_ms);

/* Send new requests to the engine.  Return false if some must wait. */
bool guests_send(struct guests *t);
/* Whether a request of a former process must still be sent. */
bool guests_resuming(const struct guests *t);
/* The engine is gone. */
void guests_lost(struct guests *t);
/* Writes a final answer.  Numbers that are none of a guest are ignored. */
void guests_answer(struct guests *t, uint64_t number, uint16_t state);

#endif /* SNAPSHOTD_GUESTS_H */
