/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proto.h: messages between the monitor and the engine.
 *
 * A message is one packet of a SOCK_SEQPACKET pair and always has the size of
 * struct msg; one of another size, magic or type ends the connection, and with
 * it the engine.  What the engine sends carries numbers only, never a path or a
 * text: a captured engine can ask for the operations below, and nothing else.
 *
 *   monitor                                   engine
 *      |  CONF                                  |  first, and when it changed
 *      |--------------------------------------->|  maps, drops, READY
 *      |<---------------------------------------|
 *      |  DOMAIN: who is who, all at the start  |
 *      |  WAKE: look at the status              |
 *      |  REQUEST: somebody wants a snapshot    |
 *      |  GUESTS, HOOK: what the monitor counts |
 *      |  PING: do you make progress? (PONG)    |
 *      |  END: write what is held, then exit    |
 *      |--------------------------------------->|
 *      |  OP or JUDGE ... REPLY (one at a time) |
 *      |<-------------------------------------->|
 *      |  ANSWER to a request, COUNT, SNAPSHOT  |
 *      |<---------------------------------------|
 *
 * The monitor never blocks on the engine: what cannot be sent now stays owed.
 */

#ifndef SNAPSHOTD_PROTO_H
#define SNAPSHOTD_PROTO_H

#include <stdint.h>

#include <public/flightrec.h>

#include "snapshotd/common/conf.h"
#include "snapshotd/common/count.h"
#include "snapshotd/engine/store.h"

#define PROTO_MAGIC   0x50465258U
#define PROTO_TEXT    256          /* bytes of a reason or a name */
#define GUEST_REQUESTS 16          /* of guests, that the engine has at a time */

enum msg_type {
    MSG_CONF = 1,
    MSG_WAKE,
    MSG_DOMAIN,
    MSG_REQUEST,
    MSG_REPLY,
    MSG_READY,
    MSG_OP,
    MSG_ANSWER,
    MSG_COUNT,
    MSG_GUESTS,
    MSG_JUDGE,
    MSG_END,
    MSG_SNAPSHOT,
    MSG_PING,
    MSG_PONG,
    MSG_HOOK,
};

#define MSG_LAST MSG_HOOK

/* Why the monitor says WAKE. */
enum wake_source { WAKE_START, WAKE_VIRQ, WAKE_RELEASE, WAKE_CHECK };

/* Where a request comes from. */
enum request_source { FROM_XENSTORE, FROM_SIGNAL, FROM_SOCKET, FROM_GUEST };

enum answer_state {
    ANSWER_ACCEPTED,
    ANSWER_DONE,
    ANSWER_FAILED,
    ANSWER_STALE,
    ANSWER_LIMITED,        /* a guest's request beyond its budget */
    ANSWER_DENIED,         /* all that a guest is told of a failure */
};

enum answer_error {
    ANSWER_OK,
    ANSWER_NO_RECORDER,    /* Xen has no buffers, or does not record */
    ANSWER_BUSY,           /* nothing left to hold */
    ANSWER_GONE,           /* the hold gave way before it was written */
    ANSWER_BUDGET,         /* the budget is used up by what must stay */
    ANSWER_SPACE,          /* disk full */
    ANSWER_IO,             /* any other error of the disk */
    ANSWER_XEN,            /* Xen refused an operation */
    ANSWER_LIMIT,          /* too many requests at a time */
    ANSWER_RATE,           /* ... or one after the other */
    ANSWER_OFF,            /* the configuration does not want such requests */
};

/* What came from guests, since the start; the monitor counts. */
struct guest_counters {
    uint64_t asked;
    uint64_t limited;
    uint64_t stale;
    uint64_t opted_out;        /* removed their node */
    uint64_t shut_out;         /* misused it */
};

/* Of the administrator's program, since the start; the monitor counts. */
struct hook_counters {
    uint64_t run;          /* ended with status 0 */
    uint64_t failed;       /* another status, a signal, not started */
    uint64_t timed_out;
    uint64_t dropped;      /* the queue was full */
};

struct msg_conf {
    struct conf conf;
    struct counters counters;  /* as a former engine left them */
    uint32_t starts;           /* of an engine, this one included */
    uint32_t uid, gid;
};

struct msg_wake {
    uint32_t source;           /* enum wake_source */
    uint32_t _pad;
    uint64_t tsc, ns;          /* Xen's clocks at the wake-up; 0: not known */
};

struct msg_domain {
    uint16_t domid;
    uint8_t gone;              /* it is not in Xen's list any more */
    uint8_t shutdown;
    uint8_t reason;
    uint8_t _pad;
    uint16_t name_bytes;
    uint32_t vcpus;
    uint8_t handle[16];
    char name[PROTO_TEXT];     /* as found, any bytes */
};

struct msg_request {
    uint32_t number;
    uint16_t source;           /* enum request_source */
    uint16_t text_bytes;
    uint16_t domid;            /* FROM_GUEST */
    uint8_t handle[16];        /* FROM_GUEST */
    uint32_t gen;              /* frozen for it by a former engine; 0: none */
    uint64_t frozen_s;         /* when that was, since 1970 */
    char text[PROTO_TEXT];     /* as found, any bytes */
};

/* `op` both ways; the times are those around it, in the REPLY. */
struct msg_op {
    struct xen_flightrec_op op;
    uint64_t wall_ns[2];       /* CLOCK_REALTIME before and after */
    uint64_t mono_ns[2];       /* CLOCK_MONOTONIC before and after */
};

/* Is it to become a file? */
struct msg_judge {
    uint32_t gen;              /* 0: requests, that ask for a freeze */
    uint16_t cause;            /* 0: as in struct store_id, whose they are */
    uint16_t outcome;          /* REPLY: enum outcome */
    uint64_t count;            /* REPLY: of it, with this cause, so far */
};

struct msg_answer {
    uint32_t number;
    uint16_t state;            /* enum answer_state */
    uint16_t error;            /* enum answer_error */
    struct store_id file;      /* DONE: what names it */
};

/* A file has its name.  Once for each generation, after its release. */
struct msg_snapshot {
    struct store_id file;
    uint16_t domid;
    uint8_t has_domain;
    uint8_t partial;           /* something of the history is missing */
    uint32_t _pad;
    uint64_t wall_ns;          /* of the trigger */
    uint64_t records, bytes;
    /* From the trigger on, in ns. */
    uint64_t wake_ns, quiescent_ns, written_ns, durable_ns;
};

struct msg {
    uint32_t magic;
    uint16_t type;
    uint16_t _pad;
    uint32_t seq;              /* REPLY: that of its OP or JUDGE */
    int32_t rc;                /* REPLY */
    union {
        struct msg_conf conf;
        struct msg_wake wake;
        struct msg_domain domain;
        struct msg_request request;
        struct msg_op op;
        struct msg_judge judge;
        struct msg_answer answer;
        struct msg_snapshot snapshot;
        struct counters counters;
        struct guest_counters guests;
        struct hook_counters hook;
    } u;
};

/*
 * send: -EAGAIN if it would block and `flags` has MSG_DONTWAIT.  receive: a
 * whole valid message, -EAGAIN, -EPIPE if the other side is gone, or -EPROTO.
 */
int proto_send(int fd, struct msg *m, int flags);
int proto_receive(int fd, struct msg *m, int flags);

/* For a requester: what went wrong, what to do. */
const char *proto_error_text(uint16_t error);
const char *proto_state_name(uint16_t state);

#endif /* SNAPSHOTD_PROTO_H */
