/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.h: what became of each trigger, counted by its cause.  Nothing is left
 * out: what Xen began is written, or counted under the reason why it was not.
 */

#ifndef SNAPSHOTD_COUNT_H
#define SNAPSHOTD_COUNT_H

#include <stdint.h>

#include "snapshotd/common/name.h"

enum outcome {
    OUTCOME_WRITTEN,
    OUTCOME_FAILED,        /* disk, Xen: the log says what */
    OUTCOME_GONE,          /* the hold gave way to newer ones */
    OUTCOME_BUDGET,        /* what must stay uses the budget up */
    OUTCOME_REFUSED,       /* a request from where none are wanted */
    /* From here on the monitor decides, and counts. */
    OUTCOME_DOMAIN,        /* beyond the limit of its domain */
    OUTCOME_TOTAL,         /* beyond the limit over all domains */
    OUTCOME_REQUESTS,      /* beyond the limit of requests */
    OUTCOME_OFF,           /* a cause that is not wanted */
};

#define OUTCOME_JUDGED OUTCOME_DOMAIN

#define OUTCOMES (OUTCOME_OFF + 1)

/* The state directory, as it was found last. */
struct store_usage {
    uint32_t files, pinned;
    uint64_t bytes;
    uint64_t evicted, expired; /* removed since the daemon's start */
};

struct counters {
    uint64_t of[OUTCOMES][STORE_CAUSES];
    uint64_t requests;     /* heard, whatever became of them */
    uint64_t bytes_written;
    /* From triggers on: how long Xen held them, when files were durable. */
    uint64_t held_ns, held_max_ns;
    uint64_t durable, durable_ns, durable_max_ns;
    struct store_usage store;
};

/* Over all causes. */
uint64_t count_sum(const struct counters *c, enum outcome outcome);
/* A cause that is none counts as 0, "unknown". */
void count_add(struct counters *c, enum outcome outcome, uint8_t cause);
/* As it is written in all places: "written", "limit_domain", ... */
const char *count_name(enum outcome outcome);

#endif /* SNAPSHOTD_COUNT_H */
