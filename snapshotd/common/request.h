/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * request.h: a request for a trace snapshot, from the place where it was asked
 * to the answer.  All three processes use this structure: each holds the part
 * of a request's life that it is responsible for, in one state.
 *
 *   xenstore process (and the monitor, for SIGUSR1)      engine
 *
 *   FREE --ASK--> OPEN --SEND--> SENT            FREE --TAKE--> DELAYED
 *    ^             ^              | |                             | DUE
 *    |             +-----LOST-----+ |                             v
 *    |                              |                          WAITING
 *    +------------WRITE-------------+                             | FREEZE
 *                                                                 v
 *                                                              FROZEN
 *                                                                 | ANSWER
 *                                                                 v
 *                                                             ANSWERED
 *                                                           PASS |   ^ ADOPT
 *                                                                v   |
 *                                          FREE <--CONFIRM--- PASSED
 *
 * "accepted" is in xenstore before OPEN, and the final answer is written in one
 * transaction.  So xenstore itself shows which requests are under way, and
 * either process may die at any point:
 *
 * - engine dead: the xenstore process sends its requests again.  The
 *   next engine gets from the monitor the numbers that a freeze has covered
 *   already; those requests go on as FROZEN.
 * - xenstore process dead: the engine keeps its requests, and an answer until
 *   it is confirmed.  The next process finds the requests in xenstore, gets
 *   their old numbers from the monitor, and sends them again; the engine adopts
 *   them instead of taking them twice.  It DROPs answers that were not asked for
 *   again: those are in xenstore.
 */

#ifndef SNAPSHOTD_REQUEST_H
#define SNAPSHOTD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "snapshotd/common/name.h"

#define REQUEST_TEXT   256         /* bytes of a reason that are kept */
#define REQUEST_NODE   65          /* a node's name, with its NUL */
/* Requests of guests that the engine has at a time. */
#define GUEST_REQUESTS 16

/* The values are bits of the configuration, and indices of struct freeze. */
enum request_source {
    FROM_XENSTORE,
    FROM_SIGNAL,
    FROM_SOCKET,
    FROM_GUEST,
    REQUEST_SOURCES
};

enum answer_state {
    ANSWER_ACCEPTED,
    ANSWER_DONE,
    ANSWER_FAILED,
    ANSWER_STALE,
    ANSWER_LIMITED,        /* a guest's request beyond its budget */
    ANSWER_DENIED,         /* any failure, to a guest */
};

enum answer_error {
    ANSWER_OK,
    ANSWER_NO_RECORDER,    /* Xen has no buffers, or does not record */
    ANSWER_BUSY,           /* nothing left to hold */
    ANSWER_GONE,           /* the hold gave way before it was written */
    ANSWER_BUDGET,         /* files that must stay use up the budget */
    ANSWER_SPACE,          /* disk full */
    ANSWER_IO,             /* any other error of the disk */
    ANSWER_XEN,            /* Xen refused an operation */
    ANSWER_LIMIT,          /* too many requests at a time */
    ANSWER_RATE,           /* too many requests in a row */
    ANSWER_OFF,            /* switched off by the configuration */
};

struct answer {
    uint16_t state;        /* enum answer_state, never ACCEPTED */
    uint16_t error;        /* enum answer_error */
    uint32_t _pad;
    struct store_id file;  /* DONE */
};

enum request_state {
    REQUEST_FREE,
    /* Where it was asked. */
    REQUEST_OPEN,          /* accepted; must be sent to the engine */
    REQUEST_SENT,          /* the engine has it */
    /* In the engine. */
    REQUEST_DELAYED,       /* until due_ns */
    REQUEST_WAITING,       /* for a freeze */
    REQUEST_FROZEN,        /* generation `gen` answers it */
    REQUEST_ANSWERED,      /* `answer` must be sent */
    REQUEST_PASSED,        /* `answer` was sent, and is not confirmed yet */
    REQUEST_STATES
};

enum request_event {
    REQUEST_ASK,           /* seen in xenstore; or another SIGUSR1 */
    REQUEST_SEND,          /* sent to the engine */
    REQUEST_WRITE,         /* the final answer is in xenstore */
    REQUEST_TAKE,          /* received by the engine */
    REQUEST_RESUME,        /* ... and a former engine froze for it */
    REQUEST_DUE,           /* the delay has passed */
    REQUEST_FREEZE,        /* Xen holds a generation for it */
    REQUEST_ANSWER,        /* the engine is done with it */
    REQUEST_PASS,          /* the answer was sent */
    REQUEST_CONFIRM,       /* the other process knows of the answer */
    REQUEST_ADOPT,         /* sent again by a new xenstore process */
    REQUEST_DROP,          /* ... or not; or its guest is shut out */
    REQUEST_LOST,          /* the process on the other end is gone */
    REQUEST_EVENTS
};

struct request {
    uint8_t state;         /* enum request_state; request_step() writes it */
    uint8_t source;        /* enum request_source */
    bool again;            /* xenstore process: accepted by a former one */
    uint64_t number;       /* from the monitor, growing; 0 if FROM_SOCKET */
    char node[REQUEST_NODE]; /* FROM_XENSTORE: the name of its node */
    uint16_t domid;        /* FROM_GUEST: the domain that asks */
    uint8_t handle[16];
    /* In the engine. */
    uint32_t link;         /* count of the link by which it came last */
    int client;            /* FROM_SOCKET: its connection, else -1 */
    uint32_t gen;          /* from FROZEN on */
    uint64_t tsc, ns;      /* of a former engine's freeze, on Xen's clocks */
    uint64_t due_ns;       /* DELAYED: until then, monotonic */
    struct answer answer;  /* from ANSWERED on */
    uint16_t text_bytes;
    char text[REQUEST_TEXT]; /* the reason, any bytes */
};

/*
 * Do the transition of an event.  Return 0, or -EPROTO with *q unchanged if the
 * event is impossible in this state.
 */
int request_step(struct request *q, enum request_event event);
/* The state that follows, or -EPROTO. */
int request_next_state(enum request_state state, enum request_event event);

/* For a requester: the reason, and its remedy. */
const char *request_error_text(uint16_t error);
/* As xenstore has it: "done", "rate-limited", ... */
const char *request_state_name(uint16_t answer_state);

#endif /* SNAPSHOTD_REQUEST_H */
