/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guests.h: guests that ask for a trace snapshot, xs-hooks/PROTOCOL.md.  Part
 * of the monitor: makes the two nodes of each guest that may ask, looks at
 * them, hands on what was asked, and writes the answer.
 *
 *            make                  a value that is not empty
 *   no nodes -----> nodes, watched -------------------------> asked
 *      |               |   ^   ^  beyond its budget: refused  |  | within
 *      | may not       |   |   +-------------------------------+  v
 *      v               |   |                                engine, answer
 *    (none)            |   +--- unwatched for a while <-- too many looks
 *                      v
 *                     out: the guest removed it, or put nodes below it
 *
 * What a guest can make us do is bounded by looks: each is a few operations of
 * xenstore, and a guest without any left is not even watched, so that what it
 * writes costs nothing here.  A look finds what is there then: events are
 * hints.
 *
 * Runs in the monitor's thread for xenstore, but for what hands requests to the
 * engine and takes its answers, which waits for nobody: only that thread adds
 * or removes a guest, and the lock of struct xs is held by whoever is in here.
 *
 * Nothing is written but in a transaction that has seen the domain's own nodes,
 * while Xen still had that domain: neither does a dead domain's tree come back,
 * nor is a later domain of the same number told what was not for it.
 */

#ifndef SNAPSHOTD_GUESTS_H
#define SNAPSHOTD_GUESTS_H

#include "snapshotd/common/limit.h"
#include "snapshotd/common/proto.h"
#include "snapshotd/xenstore/xs.h"

/* Looks at one guest's node at once; then one each GUEST_LOOK_MS. */
#define GUEST_LOOKS   8
#define GUEST_LOOK_MS 1000
/* Without any it is not watched until it has so many again. */
#define GUEST_LOOKS_AGAIN 2

/* Numbers of guests' requests have this bit, so that they are nobody else's. */
#define GUEST_NUMBER  0x80000000U

struct guest {
    uint16_t domid;
    uint8_t handle[16];
    uint32_t serial;       /* in the watch's token: no other guest's */
    bool made;             /* its nodes are there */
    bool out;              /* it has no say in this life of the domain */
    bool watched, hint;
    uint32_t looks;        /* left */
    uint64_t looks_ms;     /* when they were counted last */
    uint32_t number;       /* of what the engine is asked; 0: nothing */
    bool sent, accepted;
    bool answered;         /* by `answer`, which xenstore does not have yet */
    uint16_t answer;
    uint32_t gen;          /* that was frozen for it; 0: none */
    uint64_t frozen_s;     /* when, since 1970 */
    uint32_t refused;      /* in a row */
    uint16_t text_bytes;
    char text[PROTO_TEXT];
};

/* Is there this domain? */
typedef bool guests_there_fn(void *arg, uint16_t domid,
                             const uint8_t handle[16]);

struct guests {
    struct xs *xs;
    uint32_t rule;         /* enum conf_guests */
    struct limit_rate rate;
    struct limit limit;    /* by uuid: each has its own budget */
    struct guest *entry;
    unsigned int nr, room;
    uint32_t serial, number;
    struct guest_counters counters;
    bool counters_sent;
    /* Does Xen still have this domain? */
    guests_there_fn *there;
    void *arg;
};

/* Xen has this domain: its nodes are made, if it may ask and has none yet. */
void guests_add(struct guests *t, uint16_t domid, const uint8_t handle[16]);
/* Removes those that are not `there`. */
void guests_keep(struct guests *t, guests_there_fn *there, void *arg);
/* Who may ask was changed: by the rule, or by a node in xenstore. */
void guests_review(struct guests *t);
/* The watch of this guest fired. */
void guests_event(struct guests *t, uint32_t serial);
/* Xenstore was gone, and with it all watches. */
void guests_reconnected(struct guests *t);

/* Writes the answers, and looks where something is to be seen. */
void guests_work(struct guests *t, uint64_t now_ms);
/* When guests_work() is to be called if nothing happens; -1: never. */
int64_t guests_wait_ms(const struct guests *t, uint64_t now_ms);

/* What the engine has not been told of yet; NULL: nothing.  Set its `sent`. */
struct guest *guests_unsent(struct guests *t);
/* Another engine: it is to be told again. */
void guests_send_again(struct guests *t);
/*
 * What became of a request, for guests_work() to write; numbers that are none
 * are ignored.
 */
void guests_answer(struct guests *t, uint32_t number, uint16_t state);
/* What was sent is answered by this generation, whatever engine comes next. */
void guests_note_frozen(struct guests *t, uint32_t gen, uint64_t wall_s);
/* Other buffers: their generations are others. */
void guests_forget_frozen(struct guests *t);

void guests_free(struct guests *t);

#endif /* SNAPSHOTD_GUESTS_H */
