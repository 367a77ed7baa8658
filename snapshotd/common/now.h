/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* now.h: the clocks, each as one number. */

#ifndef SNAPSHOTD_NOW_H
#define SNAPSHOTD_NOW_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* CLOCK_MONOTONIC in ms. */
static inline uint64_t now_ms(void)
{
    return now_ns(CLOCK_MONOTONIC) / 1000000;
}

/* CLOCK_REALTIME in seconds since 1970. */
static inline uint64_t now_wall_s(void)
{
    return now_ns(CLOCK_REALTIME) / 1000000000;
}

#endif /* SNAPSHOTD_NOW_H */
