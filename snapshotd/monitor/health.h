/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * health.h: report the daemon's health to the outside: nodes below
 * /tool/xenflight/status, a file for Prometheus' textfile collector, and the
 * service manager.  Part of the monitor: all of it is made of numbers and
 * constant words.
 *
 * It is reported at each heartbeat, and after a change, but then at most once in
 * HEALTH_MS.
 */

#ifndef SNAPSHOTD_HEALTH_H
#define SNAPSHOTD_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/xen/hyp.h"
#include "snapshotd/common/proto.h"
#include "snapshotd/monitor/notify.h"

#define HEALTH_MS 1000

struct health {
    struct notify notify;
    bool changed;          /* since the last report */
    uint64_t told_ms;      /* the last report; 0: none yet */
    bool ready;            /* the service manager has READY=1 */
    bool alive;            /* the engine made progress since the last tick */
    bool has_last;
    char last_path[CONF_PATH + STORE_NAME]; /* of the newest snapshot */
    struct msg_health nodes; /* for the xenstore process, after health_work() */
    bool file_failed;      /* which was logged */
};

/* The other parts' figures at the time of a report. */
struct health_facts {
    struct hyp *hyp;
    const struct conf *conf;
    const struct counters *counters;
    const struct guest_counters *guests;
    const struct hook_counters *hook;
    bool engine_ready;
    bool engine_failing;   /* it ended before it was ready, at least once */
    uint32_t engine_starts;
    bool xenstore_up;
    uint64_t xenstore_hung;
};

/* Some figure changed. */
void health_changed(struct health *h);
/* The engine made progress, for the watchdog. */
void health_alive(struct health *h);
/* A snapshot has its name; `dir` is its directory. */
void health_snapshot(struct health *h, const char *dir,
                     const struct store_id *file);
/* Reports if it is time.  Return true if h->nodes must be sent. */
bool health_work(struct health *h, const struct health_facts *f,
                 bool heartbeat);
/* ms until that must be called even if nothing happens; -1: never. */
int64_t health_wait_ms(const struct health *h);
/*
 * A tick of the watchdog: the service manager hears from us only if the engine
 * has made progress since the last one, or if there is none because it is about
 * to be started.  Return true if the engine must be sent a PING.
 */
bool health_watchdog(struct health *h, bool engine_runs);
/* The daemon ends. */
void health_end(struct health *h);

#endif /* SNAPSHOTD_HEALTH_H */
