/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trigger.h: why a snapshot is taken: what Xen says of a generation, who asked
 * for it, and whom it was about.
 */

#ifndef SNAPSHOTD_TRIGGER_H
#define SNAPSHOTD_TRIGGER_H

#include <stdbool.h>

#include "snapshotd/common/proto.h"

/* Requests that can wait at a time: Dom0's, the sockets', a signal; guests'. */
#define TRIGGER_REQUESTS (48 + GUEST_REQUESTS)

struct request {
    bool used;
    bool wait;             /* FROM_SOCKET: the client waits for the file */
    uint16_t source;       /* enum request_source */
    uint16_t text_bytes;
    uint32_t number;       /* the monitor's; 0 FROM_SOCKET */
    int client;            /* FROM_SOCKET: its fd, else -1 */
    uint32_t gen;          /* that answers it; 0: not frozen yet */
    uint16_t domid;        /* FROM_GUEST: who asks */
    uint8_t handle[16];
    uint64_t frozen_s;     /* by a former engine: when, since 1970 */
    bool ripe;             /* the delay after it is over */
    uint64_t due_ns;       /* when it will be */
    char text[PROTO_TEXT];
};

struct requests {
    struct request slot[TRIGGER_REQUESTS];
};

/*
 * NULL: no room.  Further signals join one that still waits.  It waits for a
 * freeze from `due_ns` on.
 */
struct request *request_add(struct requests *r, uint16_t source,
                            const char *text, size_t bytes, uint64_t due_ns);
/* Any at all? */
bool request_any(const struct requests *r);
/* Any that waits for a freeze?  The oldest number first is not promised. */
bool request_waiting(const struct requests *r);
/*
 * Those that are due wait from now on.  When the next will be due, or
 * UINT64_MAX.
 */
uint64_t request_ripen(struct requests *r, uint64_t now_ns);
/* Any used one of a generation up to `gen`: it is given back.  NULL: none. */
struct request *request_overtaken(struct requests *r, uint32_t gen);
/* All that wait are answered by generation `gen`. */
void request_assign(struct requests *r, uint32_t gen);
/* Whose snapshot it is: a guest's only if nobody in Dom0 asked too.  Or NULL. */
struct request *request_owner(struct requests *r, uint32_t gen);
/* The next used slot with this gen, 0: that waits; start with NULL. */
struct request *request_next(struct requests *r, struct request *prev,
                             uint32_t gen);

/* A generation on its way to a file. */
struct trigger {
    struct xen_flightrec_trigger t;
    bool by_guest;         /* t.domid and t.handle say which asked */
    const char *source;    /* of the snapshot file's meta document */
    char text[PROTO_TEXT]; /* the requester's, any bytes */
    size_t text_bytes;
    char name[PROTO_TEXT]; /* the domain's, any bytes */
    size_t name_bytes;
    uint64_t wall_ns;      /* of the trigger */
    uint64_t wake_ns;      /* Xen's time when the daemon woke up for it */
};

bool trigger_has_domain(const struct trigger *t);

/* What names its file. */
void trigger_id(const struct trigger *t, struct store_id *id);

#endif /* SNAPSHOTD_TRIGGER_H */
