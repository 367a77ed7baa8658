/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * health.h: how it goes, for those who look from outside: nodes below
 * /tool/xenflight/status, a file for Prometheus' textfile collector, and the
 * service manager.  Part of the monitor: all of it is made of numbers and our
 * own words.
 *
 * It is told anew at each heartbeat, and after a change, but not more often than
 * once in HEALTH_MS.
 */

#ifndef SNAPSHOTD_HEALTH_H
#define SNAPSHOTD_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshotd/monitor/notify.h"
#include "snapshotd/common/proto.h"

#define HEALTH_MS 1000

/* The nodes, in the order of health.c's names. */
#define HEALTH_NODES 10

struct health {
    struct notify notify;
    bool changed;          /* since it was told */
    uint64_t told_ms;
    bool ready;            /* the service manager knows that we are up */
    bool alive;            /* the engine made progress since the last look */
    bool ping_owed;
    bool has_last;
    struct msg_snapshot last;
    char last_path[CONF_PATH + STORE_NAME];
    char shown[HEALTH_NODES][CONF_PATH + STORE_NAME]; /* in xenstore */
    char wanted[HEALTH_NODES][CONF_PATH + STORE_NAME];
    bool file_failed;      /* said so */
    uint64_t file_errors;
};

struct monitor;

/* Something is otherwise than it was told. */
void health_changed(struct monitor *m);
void health_snapshot(struct monitor *m, const struct msg_snapshot *s);
/* Tells it now if it is time. */
void health_work(struct monitor *m, bool heartbeat);
/* When that is to be called if nothing happens; -1: never. */
int64_t health_wait_ms(const struct monitor *m);
/* Xenstore knows nothing of what was told. */
void health_xenstore_anew(struct monitor *m);
/*
 * The watchdog: the service manager hears from us only if the engine has made
 * progress since it was asked last, or there is none because it is about to be
 * started again.
 */
void health_watchdog(struct monitor *m);
/* In the thread for xenstore: writes what is to be shown. */
void health_to_xenstore(struct monitor *m);
/* The daemon ends. */
void health_end(struct monitor *m);

#endif /* SNAPSHOTD_HEALTH_H */
