/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor/engine.h: the engine, as the monitor has it: its life, the questions
 * that it may ask, the messages that it is owed.
 */

#ifndef SNAPSHOTD_MONITOR_ENGINE_H
#define SNAPSHOTD_MONITOR_ENGINE_H

#include "lib/xen/hyp.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/monitor/child.h"
#include "snapshotd/monitor/questions.h"
#include "snapshotd/monitor/user.h"

struct engine_child {
    struct child child;
    struct child_exec exec;

    /* Others own these. */
    struct hyp *hyp;
    const struct conf *conf;
    const struct user *user;
    struct domains *domains; /* written: OWED_ENGINE */

    struct questions q;
    char state[CONF_PATH]; /* the directory it writes to */
    uint32_t incarnation;  /* of the buffers that q.freeze is about */
    bool implausible;      /* its counters are ignored, which was logged */
    uint64_t geometry;     /* of the buffers that the engine maps */
    struct request signal; /* SIGUSR1 */

    /* Owed to the engine, beside the reply. */
    bool conf_owed, guests_owed, hook_owed, ping_owed;
    bool end_owed, end_sent;
    bool woken;            /* `wake` is owed */
    bool wake_held;        /* ... and waits for a domain's name */
    struct msg_wake wake;
    struct guest_counters guests; /* copies */
    struct hook_counters hook;

    /* Results, for the caller to look at and clear. */
    bool alive;            /* made progress */
    bool came;             /* became ready */
    bool changed;          /* its state, or a counter */
    bool unlink;           /* the xenstore process sent it nonsense */
    bool wrote;            /* `snapshot` has its name */
    struct msg_snapshot snapshot;
};

void monitor_engine_start(struct engine_child *e);
/* Kills it and lets the next one start at once. */
void monitor_engine_replace(struct engine_child *e, const char *why);
/* The daemon ends. */
void monitor_engine_end(struct engine_child *e);
/* Its process ended, with this wait status. */
void monitor_engine_ended(struct engine_child *e, int status);
/* Replaces it if the buffers are no longer those that it maps. */
void monitor_engine_check(struct engine_child *e);

/* One message.  A malformed one ends the engine. */
void monitor_engine_receive(struct engine_child *e);
/* Sends all owed messages that fit.  Return true if none is left. */
bool monitor_engine_feed(struct engine_child *e);
/* Whether it has all domains, so that it can take names in. */
bool monitor_engine_knows(const struct engine_child *e);

/* SIGUSR1: a request for this moment. */
void monitor_engine_signal(struct engine_child *e, uint64_t number);
/* The configuration has changed. */
void monitor_engine_reload(struct engine_child *e);
/* It must report progress. */
void monitor_engine_ping(struct engine_child *e);
/* Its wake-up is held back, or not. */
void monitor_engine_hold(struct engine_child *e, bool hold);
/* Whether it must write held generations, give up its mapping and exit. */
void monitor_engine_unmap(struct engine_child *e, bool unmap);
/* The back-off is over: start it in this turn. */
void monitor_engine_hurry(struct engine_child *e);
/* It must look at Xen's status. */
void monitor_engine_wake(struct engine_child *e, enum wake_source source,
                         uint64_t tsc, uint64_t ns);
/* Sends those that differ from its copies. */
void monitor_engine_counters(struct engine_child *e,
                             const struct guest_counters *guests,
                             const struct hook_counters *hook);

#endif /* SNAPSHOTD_MONITOR_ENGINE_H */
