/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seed.c: seeds for hash tables with keys from a file.
 */

#include <sys/random.h>
#include <time.h>

#include "lib/base/seed.h"

/*
 * Early at boot there may be no random numbers: the time is hard to guess too.
 */
uint64_t seed_random(void)
{
    struct timespec now = { 0 };
    uint64_t seed;

    if ( getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed) )
        return seed;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_nsec * 0x9e3779b97f4a7c15ULL + (uintptr_t)&now;
}
