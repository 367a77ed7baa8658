/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/common/count.h"

uint64_t count_sum(const struct counters *c, enum outcome outcome)
{
    uint64_t sum = 0;
    unsigned int i;

    for ( i = 0; i < STORE_CAUSES; i++ )
        sum += c->of[outcome][i];
    return sum;
}

void count_add(struct counters *c, enum outcome outcome, uint8_t cause)
{
    c->of[outcome][cause < STORE_CAUSES ? cause : 0]++;
}

const char *count_name(enum outcome outcome)
{
    static const char *const names[OUTCOMES] = {
        [OUTCOME_WRITTEN] = "written",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_GONE] = "gone",
        [OUTCOME_BUDGET] = "budget",
        [OUTCOME_REFUSED] = "refused",
        [OUTCOME_DOMAIN] = "limit_domain",
        [OUTCOME_TOTAL] = "limit_total",
        [OUTCOME_REQUESTS] = "limit_requests",
        [OUTCOME_OFF] = "off",
    };

    return names[outcome];
}
