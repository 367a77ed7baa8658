/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* throttle.c: bound log lines that others can provoke; part of the engine. */

#include "snapshotd/engine/engine-impl.h"

#include "snapshotd/common/now.h"

/* Lines of one kind: so many at once, then one in so many seconds. */
static const struct limit_rate log_rate = { .burst = 100, .refill_s = 1 };

bool engine_may_log(struct engine *e, uint8_t kind)
{
    const uint8_t key[LIMIT_KEY_BYTES] = { kind };

    return limit_take(&e->log, key, &log_rate, now_ns(CLOCK_MONOTONIC));
}
