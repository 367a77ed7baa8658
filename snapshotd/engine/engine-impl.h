/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-impl.h: what the files of the engine share.  engine.c has the loop and
 * the messages to and from the monitor, take.c makes a file of what Xen
 * holds, clients.c answers those who asked.
 */

#ifndef SNAPSHOTD_ENGINE_IMPL_H
#define SNAPSHOTD_ENGINE_IMPL_H

#include <sys/utsname.h>

#include "snapshotd/engine/background.h"
#include "snapshotd/engine/capture.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/engine/meta.h"
#include "snapshotd/engine/trigger.h"

#define CLIENTS 8          /* control connections at a time */


/* Nanoseconds from the trigger on. */
struct latency {
    uint64_t wake, quiescent;
    uint64_t first;        /* its pCPU's records are on the disk; 0: not known */
    uint64_t written, durable;
};

struct engine {
    int fd, listen, dir;
    struct background *background;
    struct msg_conf conf;
    struct rings rings;
    bool mapped;
    struct hyp_version xen;
    struct utsname uts;
    struct domains domains;
    struct requests requests;
    struct counters counters;
    struct guest_counters guests;
    struct hook_counters hook;
    uint64_t told_ns;      /* when the monitor heard of our progress last */
    struct limit log;      /* lines that somebody else can provoke */
    bool restart;          /* at the next quiet moment, for its other user */
    uint64_t expire_ns;    /* when a file will be too old */
    struct msg_wake virq, wake; /* the last VIRQ, the last of another kind */
    bool work;             /* something may be to be done */
    bool end;              /* when all that is done, this is to end */
    uint32_t seq;
    struct clock_pair pair[2]; /* at the start, and for this snapshot */
    int64_t xen_minus_mono;
    uint32_t failed_gen;   /* could not be given back: not tried again */
    int client[CLIENTS];   /* -1: free */
    char last_file[STORE_NAME];
    struct latency last;
};

/* To the monitor.  Do not return if it is gone. */
void engine_send(struct engine *e, struct msg *m);
void engine_send_counters(struct engine *e);
/* One operation through the monitor; `arg` is the engine. */
int engine_op(void *arg, struct xen_flightrec_op *op);
/* An operation that takes a generation and nothing else. */
int engine_gen_op(struct engine *e, uint32_t cmd, uint32_t gen);
/*
 * Is generation `gen` to become a file; 0: may Xen be asked for a freeze, for
 * `cause` (of a request: an operator's or a guest's)?
 */
int engine_judge(struct engine *e, uint32_t gen, uint8_t cause,
                 enum outcome *outcome);
uint64_t engine_mono_ns(void);
/* Some of a long piece of work is done: the monitor is to know. */
void engine_progress(struct engine *e);
/* For log_fields(): what a line is about.  `file` if it was written. */
#define ENGINE_FIELDS 512
const char *engine_fields(char buf[ENGINE_FIELDS], const struct store_id *id,
                          int domid, enum outcome outcome, const char *file);
/*
 * Counts what did not become a file, unless the monitor did, and says why on the
 * log unless it said much the like before.  `domid`: of the generation, or -1.
 */
void engine_suppressed(struct engine *e, const struct store_id *id, int domid,
                       enum outcome outcome);
/* May one more line of this kind be logged now?  They are counted anyway. */
bool engine_may_log(struct engine *e, uint8_t kind);

/* A moment on all clocks. */
int engine_clocks(struct engine *e, struct clock_pair *p);

/* Takes a generation; whatever becomes of the file, it is given back. */
void engine_take(struct engine *e, uint32_t gen);

/* Tells whoever asked; a final answer frees the request. */
void engine_answer(struct engine *e, struct request *q, uint16_t state,
                   uint16_t error, const struct store_id *id);
/* All requests of a generation; 0: those that wait. */
void engine_answer_all(struct engine *e, uint32_t gen, uint16_t state,
                       uint16_t error, const struct store_id *id);

/* The budget, as the configuration has it. */
struct store_budget engine_budget(const struct engine *e);

/* A request, from wherever.  NULL: it was refused, *error says why. */
struct request *engine_request(struct engine *e, const struct msg_request *in,
                               uint16_t *error);

/* A new connection; one that is readable (then *client is free again). */
void engine_client_accept(struct engine *e);
void engine_client_ready(struct engine *e, int *client);

#endif /* SNAPSHOTD_ENGINE_IMPL_H */
