/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proto.h: the messages between the three processes of the daemon.
 *
 *                            monitor
 *                   (root, Xen's handles, no text)
 *                    /                          \
 *       struct msg  /                            \  struct msg
 *      numbers only/                              \ numbers only
 *                 /                                \
 *            engine ------------------------------ xenstore process
 *      (no privilege, lz4,   struct text_msg     (no privilege, xenstored)
 *       state directory)     texts of guests
 *
 * Each line is a SOCK_SEQPACKET pair.  A message is one packet and always has
 * the size of its structure; one of another size, magic or type ends the
 * connection.  The monitor receives numbers only, never a path or a text: a
 * captured process can ask for the operations below and nothing else, and no
 * byte that a guest wrote enters the process with Xen's handles.
 *
 *   monitor                                   engine
 *      |  CONF                                  |  first, and after a change
 *      |--------------------------------------->|  maps, drops root, READY
 *      |<---------------------------------------|
 *      |  DOMAIN: all at the start, then changes|
 *      |  LINK: one end of the line to xenstore |
 *      |  WAKE: look at the recorder's status   |
 *      |  SIGNAL: a request by SIGUSR1          |
 *      |  GUESTS, HOOK: the monitor's counters  |
 *      |  PING: report progress (PONG)          |
 *      |  END: write held generations, exit     |
 *      |--------------------------------------->|
 *      |  TAKE, FREEZE, OP ... REPLY            |  one at a time
 *      |<-------------------------------------->|
 *      |  ANSWER to a signal, COUNT, SNAPSHOT   |
 *      |  UNLINK: the other end sent nonsense   |
 *      |<---------------------------------------|
 *
 *   monitor                                   xenstore process
 *      |  CONF                                  |  first, and after a change
 *      |--------------------------------------->|  connects, drops root, READY
 *      |<---------------------------------------|
 *      |  DOMAIN: all at the start, then changes|
 *      |  LINK: one end of the line to engine   |
 *      |  HEALTH: the values of status/         |
 *      |  PING: do all of the above (PONG)      |
 *      |  END: remove status/, then exit        |
 *      |--------------------------------------->|
 *      |  HAS_DOMAIN, MAY_ASK ... REPLY         |  one at a time
 *      |<-------------------------------------->|
 *      |  HINT: domains came or went            |
 *      |  TALLY: an event of a guest, to count  |
 *      |<---------------------------------------|
 *
 *   xenstore process                          engine
 *      |  NAME of a domain                      |
 *      |  REQUEST                               |
 *      |  CONFIRM: an answer is in xenstore     |
 *      |  SYNC: all old requests were sent      |
 *      |--------------------------------------->|
 *      |  ANSWER, final                         |
 *      |<---------------------------------------|
 *
 * The monitor never blocks on the others, nor do they on each other: a message
 * that cannot be sent now stays owed where it belongs (a flag of the domain, the
 * state of the request), the newest in place of the one before.  There is no
 * queue that could fill.
 *
 * TAKE and FREEZE are one question each, not a list of operations, since the
 * parts belong together: TAKE acknowledges a generation, reads its trigger and
 * the clocks, and judges it.  A crash costs four round trips (status, TAKE,
 * quiesce, release); as single operations it was nine.
 */

#ifndef SNAPSHOTD_PROTO_H
#define SNAPSHOTD_PROTO_H

#include <stdint.h>
#include <sys/socket.h> /* MSG_DONTWAIT */

#include <public/flightrec.h>

#include "snapshotd/common/conf.h"
#include "snapshotd/common/count.h"
#include "snapshotd/common/name.h"
#include "snapshotd/common/request.h"

#define PROTO_MAGIC      0x51465258U
#define PROTO_TEXT_MAGIC 0x54465258U
#define PROTO_TEXT       REQUEST_TEXT /* bytes of a reason or a name */

/* Exit statuses of the xenstore process beside 0 (END received) and 1. */
enum xenstore_exit {
    XENSTORE_NOT_THERE = 20,   /* no xenstored to connect to */
    XENSTORE_GONE,             /* it was there */
    XENSTORE_BAD_ENGINE,       /* the engine sent a malformed message */
};

enum msg_type {
    /* From the monitor to both, or to one. */
    MSG_CONF = 1,
    MSG_DOMAIN,
    MSG_LINK,              /* with a file descriptor */
    MSG_PING,
    MSG_END,
    MSG_REPLY,
    MSG_WAKE,
    MSG_SIGNAL,
    MSG_GUESTS,
    MSG_HOOK,
    MSG_HEALTH,
    /* From both. */
    MSG_READY,
    MSG_PONG,
    MSG_UNLINK,
    /* From the engine. */
    MSG_OP,
    MSG_TAKE,
    MSG_FREEZE,
    MSG_ANSWER,
    MSG_COUNT,
    MSG_SNAPSHOT,
    /* From the xenstore process. */
    MSG_HAS_DOMAIN,
    MSG_MAY_ASK,
    MSG_HINT,
    MSG_TALLY,
};

#define MSG_LAST MSG_TALLY

/* The reason for a WAKE. */
enum wake_source { WAKE_START, WAKE_VIRQ, WAKE_RELEASE, WAKE_CHECK };

/* A freeze that was asked for, and the requests that it covers. */
struct freeze {
    uint32_t gen;          /* 0: unused */
    uint32_t _pad;
    uint64_t tsc, ns;      /* of its trigger, on Xen's clocks */
    /* By source: the last request covered, 0 if none is. */
    uint64_t number[REQUEST_SOURCES];
};

/* As many as Xen can hold, and those just given back. */
#define PROTO_FREEZES 8

struct msg_conf {
    struct conf conf;
    uint32_t starts;           /* of this process, this one included */
    uint32_t uid, gid;         /* to change to */
    /* Engine: */
    uint32_t incarnation;      /* of the buffers that `freeze` is about */
    struct counters counters;  /* as a former engine left them */
    struct freeze freeze[PROTO_FREEZES]; /* oldest first */
    /* Xenstore process: no former one of this daemon was READY. */
    uint8_t first;
    uint8_t _pad[7];
};

struct msg_wake {
    uint32_t source;           /* enum wake_source */
    uint32_t _pad;
    uint64_t tsc, ns;          /* Xen's clocks at the wake-up; 0: not known */
};

struct msg_domain {
    uint16_t domid;
    uint8_t gone;              /* not in Xen's list any more */
    uint8_t shutdown;
    uint8_t reason;
    uint8_t _pad[3];
    uint32_t vcpus;
    uint8_t handle[16];
};

/* To the xenstore process: the directory of the engine on the other end. */
struct msg_link {
    char state[CONF_PATH];
};

/* A moment on all clocks. */
struct clock_pair {
    uint64_t tsc, ns;          /* Xen's */
    uint64_t wall_ns, mono_ns; /* CLOCK_REALTIME, CLOCK_MONOTONIC */
    uint64_t width_ns;         /* how far apart they were read */
};

struct msg_op {
    struct xen_flightrec_op op;
};

struct msg_take {
    uint32_t gen;              /* 0: only the clocks */
    /* REPLY: */
    uint16_t outcome;          /* enum outcome: WRITTEN, or why not */
    uint16_t _pad;
    uint64_t count;            /* of that outcome with this cause, so far */
    struct xen_flightrec_trigger trigger;
    struct clock_pair now;
};

struct msg_freeze {
    /* By source: the last request that waits for it. */
    uint64_t number[REQUEST_SOURCES];
    uint8_t guest;             /* only guests ask */
    uint8_t _pad;
    /* REPLY: */
    uint16_t outcome;          /* enum outcome: WRITTEN, or why not */
    uint32_t gen;
    uint64_t count;            /* of that outcome with this cause, so far */
};

struct msg_signal {
    uint64_t number;
};

/* A file has its final name.  Once for each generation, after its release. */
struct msg_snapshot {
    struct store_id file;
    uint16_t domid;
    uint8_t has_domain;
    uint8_t partial;           /* part of the history is missing */
    uint32_t _pad;
    uint64_t wall_ns;          /* of the trigger */
    uint64_t records, bytes;
    /* From the trigger on, in ns. */
    uint64_t wake_ns, quiescent_ns, written_ns, durable_ns;
};

struct msg_ping {
    uint64_t serial;           /* PONG: all before that PING is done; or 0 */
    uint64_t named;            /* PONG: names before that PING are sent; or 0 */
};

/* Values of status/, without `time`. */
struct msg_health {
    uint32_t state;            /* enum health_state */
    uint8_t running;           /* the engine */
    uint8_t has_last;
    uint16_t _pad;
    uint64_t held, written, failed, suppressed;
    uint64_t reach_s[XEN_FLIGHTREC_CHANNELS];
    uint64_t wall_s;
    char last[CONF_PATH + STORE_NAME];
};

enum health_state {
    HEALTH_UNKNOWN,
    HEALTH_NO_BUFFERS,
    HEALTH_STOPPED,
    HEALTH_RECORDING,
    HEALTH_PANICKED,
};

/*
 * HAS_DOMAIN: does Xen have it?  MAY_ASK: may it ask for a snapshot now?  Each
 * request has a key that is the same for the same node, so that a new xenstore
 * process gets the number that a former one had got.
 */
struct msg_guest {
    uint16_t domid;
    uint8_t source;            /* MAY_ASK: FROM_XENSTORE or FROM_GUEST */
    uint8_t again;             /* MAY_ASK: a former process had accepted it */
    uint8_t yes;               /* REPLY */
    uint8_t _pad[3];
    uint8_t handle[16];
    uint64_t key;              /* MAY_ASK */
    uint64_t number;           /* REPLY to MAY_ASK: of the request */
};

struct msg_hint {
    uint8_t introduced, released;
    uint8_t _pad[6];
};

/* A guest did something that is counted. */
enum tally {
    TALLY_STALE,               /* asked before the daemon's start */
    TALLY_OPTED_OUT,           /* removed its node */
    TALLY_SHUT_OUT,            /* misused it */
    TALLIES
};

struct msg_tally {
    uint32_t event;            /* enum tally */
};

/* Requests of guests since the start; the monitor counts. */
struct guest_counters {
    uint64_t asked;
    uint64_t limited;
    uint64_t of[TALLIES];
};

/* Runs of the administrator's program since the start; the monitor counts. */
struct hook_counters {
    uint64_t run;              /* ended with status 0 */
    uint64_t failed;           /* another status, a signal, not started */
    uint64_t timed_out;
    uint64_t dropped;          /* the queue was full */
};

struct msg {
    uint32_t magic;
    uint16_t type;             /* enum msg_type */
    uint16_t _pad;
    uint32_t seq;              /* REPLY: that of the question */
    int32_t rc;                /* REPLY */
    union {
        struct msg_conf conf;
        struct msg_wake wake;
        struct msg_domain domain;
        struct msg_link link;
        struct msg_op op;
        struct msg_take take;
        struct msg_freeze freeze;
        struct msg_signal signal;
        struct msg_snapshot snapshot;
        struct msg_ping ping;
        struct msg_health health;
        struct msg_guest guest;
        struct msg_hint hint;
        struct msg_tally tally;
        struct counters counters;
        struct guest_counters guests;
        struct hook_counters hook;
        uint32_t incarnation;  /* READY of the engine: of its mapping */
    } u;
};

/*
 * The line between xenstore process and engine.
 */

enum text_type {
    /* From the xenstore process. */
    TEXT_NAME = 1,
    TEXT_REQUEST,
    TEXT_CONFIRM,
    TEXT_SYNC,
    /* From the engine. */
    TEXT_ANSWER,
};

#define TEXT_LAST TEXT_ANSWER

struct text_msg {
    uint32_t magic;
    uint16_t type;             /* enum text_type */
    uint8_t source;            /* REQUEST: enum request_source */
    uint8_t _pad;
    uint64_t number;           /* of a request */
    struct answer answer;      /* ANSWER */
    uint16_t domid;            /* NAME, REQUEST FROM_GUEST */
    uint16_t bytes;            /* of `text` */
    uint8_t handle[16];
    char text[PROTO_TEXT];     /* as found, any bytes */
};

/* As xenstore has it: "recording", ... */
const char *health_state_name(uint32_t state);

/*
 * send: 0, -EAGAIN if it would block and `flags` has MSG_DONTWAIT, or -EPIPE.
 * receive: 0 with a whole valid message, -EAGAIN, -EPIPE if the other side is
 * gone, or -EPROTO.
 */
int proto_send(int fd, struct msg *m, int flags);
int proto_receive(int fd, struct msg *m, int flags);

int proto_text_send(int fd, struct text_msg *m, int flags);
int proto_text_receive(int fd, struct text_msg *m, int flags);

/* Sends the file descriptor `pass` with the message; the caller keeps it. */
int proto_send_fd(int fd, struct msg *m, int pass);
/*
 * As proto_receive(), with the file descriptor of the message in *passed, or -1.
 * It is close-on-exec, and the caller must close it.
 */
int proto_receive_fd(int fd, struct msg *m, int flags, int *passed);

#endif /* SNAPSHOTD_PROTO_H */
