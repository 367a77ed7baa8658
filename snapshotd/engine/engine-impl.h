/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-impl.h: the engine's state, and the functions of its files, lowest
 * first: each file calls only those above it.
 */

#ifndef SNAPSHOTD_ENGINE_IMPL_H
#define SNAPSHOTD_ENGINE_IMPL_H

#include <sys/utsname.h>

#include "snapshotd/common/domains.h"
#include "snapshotd/engine/background.h"
#include "snapshotd/engine/capture.h"
#include "snapshotd/engine/meta.h"
#include "snapshotd/engine/queue.h"
#include "snapshotd/engine/store.h"
#include "snapshotd/engine/trigger.h"

#define CLIENTS 8          /* control connections that are being served */

/* Nanoseconds from the trigger on. */
struct latency {
    uint64_t wake, quiescent;
    uint64_t first;        /* its pCPU's records are on disk; 0: not known */
    uint64_t written, durable;
};

struct engine {
    int fd;                /* to the monitor */
    int text;              /* to the xenstore process, or -1 */
    uint32_t link;         /* count of those lines */
    bool synced;           /* the process has sent all requests of former ones */
    int listen, dir;
    struct background *background;
    struct msg_conf conf;
    struct rings rings;
    bool mapped;
    struct hyp_version xen;
    struct utsname uts;
    struct domains domains;
    struct queue queue;
    struct counters counters;
    struct guest_counters guests;
    struct hook_counters hook;
    uint64_t told_ns;      /* the last report of progress to the monitor */
    struct limit log;      /* of lines that others can provoke */
    bool restart;          /* at the next quiet moment, for its other user */
    uint64_t expire_ns;    /* when a file will be too old */
    struct msg_wake virq, wake; /* the last VIRQ, the last of another kind */
    bool work;             /* there may be something to do */
    bool end;              /* exit when all that is done */
    uint32_t seq;
    struct clock_pair pair[2]; /* at the start, and for this snapshot */
    int64_t xen_minus_mono;
    uint32_t old_gen;      /* a former engine may have written up to this ... */
    bool looked;           /* ... which was read at the first look */
    uint32_t failed_gen;   /* giving it back failed: not tried again */
    struct client {
        int fd;            /* -1: free */
        uint64_t until_ns; /* something must have moved by then */
        char *out;         /* its answer, of which part is sent; or NULL */
        size_t bytes, at;
    } client[CLIENTS];
    char last_file[STORE_NAME];
    struct latency last;
    struct ages ages;      /* of the files in the directory */
};

/*
 * throttle.c
 */

/* May one more line of this kind be logged now?  All are counted anyway. */
bool engine_may_log(struct engine *e, uint8_t kind);

/*
 * link.c.  Functions that talk to the monitor do not return if it is gone.
 */

void engine_send(struct engine *e, struct msg *m);
/* Sends a question and waits for its reply in *m.  Return the reply's rc. */
int engine_ask(struct engine *e, struct msg *m);
/* One operation, as a hyp_op_fn; `arg` is the engine. */
int engine_op(void *arg, struct xen_flightrec_op *op);
void engine_send_counters(struct engine *e);
/* Part of a long piece of work is done: the monitor must know now and then. */
void engine_progress(struct engine *e);
/* Sends an answer that is ready and not sent yet. */
void engine_deliver(struct engine *e, struct request *q);
/*
 * Adds a request.  Return NULL if it is refused, for the reason in *error
 * (enum answer_error).
 */
struct request *engine_request(struct engine *e, const struct request *in,
                               uint16_t *error);
/* Takes in all messages that wait: notes only, no work. */
void engine_receive(struct engine *e);

/*
 * report.c
 */

/* For log_fields(): the subject of a line.  `file` if it was written. */
#define ENGINE_FIELDS 512
const char *engine_fields(char buf[ENGINE_FIELDS], const struct store_id *id,
                          int domid, enum outcome outcome, const char *file);
/*
 * Counts a trigger that does not become a file, unless the monitor did, and logs
 * the reason, but not each of many.  `domid`: of the generation, or -1.
 */
void engine_suppressed(struct engine *e, const struct store_id *id, int domid,
                       enum outcome outcome);

/*
 * sockets.c
 */

/* A place for a connection; pushes out the one that has not moved longest. */
struct client *engine_client_slot(struct engine *e, int fd);
void engine_client_close(struct client *c);
/*
 * Closes those that have not moved for too long.  Return the time at which the
 * next will have, or UINT64_MAX.
 */
uint64_t engine_client_expire(struct engine *e, uint64_t now_ns);
/* It is writable: send on, and close it at the end. */
void engine_client_flush(struct client *c);
/* Send one JSON object, then close.  Takes over fd and *o. */
void engine_send_client(struct engine *e, int fd, json_t *o);

/*
 * answers.c
 */

/* Answers a request for good. */
void engine_answer(struct engine *e, struct request *q, uint16_t state,
                   uint16_t error, const struct store_id *id);
/* The same for all in a state; of generation `gen`, unless WAITING. */
void engine_answer_all(struct engine *e, enum request_state in, uint32_t gen,
                       uint16_t state, uint16_t error,
                       const struct store_id *id);

/*
 * clients.c: a new connection; one whose request has come.
 */
void engine_client_accept(struct engine *e);
void engine_client_ready(struct engine *e, struct client *c);

/*
 * take.c
 */

/* The budget in the configuration. */
struct store_budget engine_budget(const struct engine *e);
/* Makes a file of a generation; in any case it is given back. */
void engine_take(struct engine *e, uint32_t gen);

/*
 * loop.c: works until the process exits.
 */
void engine_loop(struct engine *e) __attribute__((__noreturn__));

#endif /* SNAPSHOTD_ENGINE_IMPL_H */
