/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.h: the outcome of each trigger, counted by its cause.  Each generation
 * that Xen began is written, or counted under the reason why it was not.
 */

#ifndef SNAPSHOTD_COUNT_H
#define SNAPSHOTD_COUNT_H

#include <stdint.h>

#include "snapshotd/common/name.h"

enum outcome {
    OUTCOME_WRITTEN,
    OUTCOME_FAILED,        /* an error of the disk or Xen, see the log */
    OUTCOME_GONE,          /* Xen dropped the hold for newer ones */
    OUTCOME_BUDGET,        /* files that must stay use up the budget */
    OUTCOME_REFUSED,       /* a source of requests that is off */
    /* The monitor decides and counts these. */
    OUTCOME_DOMAIN,        /* beyond the limit of its domain */
    OUTCOME_TOTAL,         /* beyond the limit over all domains */
    OUTCOME_REQUESTS,      /* beyond the limit of requests */
    OUTCOME_OFF,           /* a cause that is off */
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
    uint64_t requests;     /* received, of any outcome */
    uint64_t bytes_written;
    /* From the trigger to the release, and to the durable file. */
    uint64_t held_ns, held_max_ns;
    uint64_t durable, durable_ns, durable_max_ns;
    struct store_usage store;
};

/* Over all causes. */
uint64_t count_sum(const struct counters *c, enum outcome outcome);
/* A cause out of range counts as 0, "unknown". */
void count_add(struct counters *c, enum outcome outcome, uint8_t cause);
/* The name used in all outputs: "written", "limit_domain", ... */
const char *count_name(enum outcome outcome);

#endif /* SNAPSHOTD_COUNT_H */
