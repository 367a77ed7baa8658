/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor/xenstore.h: the xenstore process, as the monitor has it: its life, the
 * questions that it may ask, the messages that it is owed.
 */

#ifndef SNAPSHOTD_MONITOR_XENSTORE_H
#define SNAPSHOTD_MONITOR_XENSTORE_H

#include "lib/xen/hyp.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/monitor/child.h"
#include "snapshotd/monitor/user.h"

/* More than can be under way at a time. */
#define XENSTORE_GIVEN 64

struct xenstore_child {
    struct child child;
    struct child_exec exec;

    /* Others own these. */
    struct hyp *hyp;
    const struct conf *conf;
    const struct user *user;
    struct domains *domains; /* written: OWED_XENSTORE */
    uint64_t *number;        /* written: the last number given to a request */

    bool was_up;           /* one of this daemon was READY */
    bool gone;             /* xenstored is gone, which was logged */
    bool hangs;            /* it does not answer, which was logged */
    uint64_t hung;         /* how many times */
    uint64_t asked_ms;     /* the oldest PING without its PONG; 0: none */
    uint64_t progress_ms;  /* the last message of the process */
    uint64_t serial;       /* of the last PING */
    uint64_t named;        /* names up to this PING are sent */
    uint64_t new_serial;   /* the PING after the newest domain; 0: none */
    uint64_t new_ms;       /* when that came */
    struct limit limit;    /* guests' requests, by uuid */
    struct {
        uint64_t key, number;
    } given[XENSTORE_GIVEN]; /* numbers of requests, a ring */
    unsigned int next_given;
    struct guest_counters counters;

    /* Owed to it. */
    struct msg reply, health;
    bool reply_owed, conf_owed, health_owed, ping_owed;

    /* Results, for the caller to look at and clear. */
    bool introduced, released;
    bool changed;          /* whether xenstored answers */
};

/*
 * Starts it and waits until it is up, or for a while if xenstored hangs.  Return
 * false if there is no xenstored, which is logged.
 */
bool monitor_xenstore_first(struct xenstore_child *x);
void monitor_xenstore_start(struct xenstore_child *x);
/* The daemon ends: removes status/, unless xenstored hangs. */
void monitor_xenstore_end(struct xenstore_child *x);
/* Kills it; a new one comes after the back-off. */
void monitor_xenstore_replace(struct xenstore_child *x, const char *why);
/* Its process ended, with this wait status. */
void monitor_xenstore_ended(struct xenstore_child *x, int status);

/* One message.  A malformed one ends the process. */
void monitor_xenstore_receive(struct xenstore_child *x);
/* Sends all owed messages that fit.  Return true if none is left. */
bool monitor_xenstore_feed(struct xenstore_child *x);

/* Reports that xenstored hangs, and then replaces the process. */
void monitor_xenstore_check(struct xenstore_child *x);
/* ms until that must be called even if nothing happens; -1: never. */
int64_t monitor_xenstore_wait_ms(const struct xenstore_child *x);
/* Whether xenstored is there and answers. */
bool monitor_xenstore_up(const struct xenstore_child *x);

/* The configuration has changed. */
void monitor_xenstore_reload(struct xenstore_child *x);
/* There is something to do, or it must prove that xenstored answers. */
void monitor_xenstore_ping(struct xenstore_child *x);
/*
 * A domain was added: its name is worth a moment's wait, which further domains
 * do not extend.
 */
void monitor_xenstore_new_domain(struct xenstore_child *x);
/* A new engine has no names: so are all of them. */
void monitor_xenstore_await_names(struct xenstore_child *x);
/*
 * How long a wake-up waits for that name to be sent to the engine, `linked` to
 * the process by now; -1: not at all.
 */
int64_t monitor_xenstore_name_wait_ms(const struct xenstore_child *x,
                                      bool linked);
void monitor_xenstore_health(struct xenstore_child *x,
                             const struct msg_health *h);

#endif /* SNAPSHOTD_MONITOR_XENSTORE_H */
