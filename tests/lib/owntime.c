/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * owntime.c: measure a test's own time on a busy machine.
 */

#include "owntime.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS  100
#define BEHIND_MS (10 * 60 * 1000)

static uint64_t clock_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

/* Return the runnable tasks of this machine, this one included. */
static unsigned int runnable(void)
{
    FILE *f = fopen("/proc/loadavg", "re");
    unsigned int n = 1;

    if ( f && fscanf(f, "%*s %*s %*s %u/", &n) != 1 )
        n = 1;
    if ( f )
        fclose(f);
    return n ? n : 1;
}

uint64_t own_ms(void)
{
    static uint64_t first, last, own;
    const unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const uint64_t now = clock_us();
    const unsigned int tasks = runnable();

    if ( !first )
        first = last = now;
    own += tasks > cpus ? (now - last) * cpus / tasks : now - last;
    last = now;
    if ( (now - first - own) / 1000 > BEHIND_MS )
    {
        printf("Bail out! machine too slow: %u runnable tasks, %u CPUs\n", tasks,
               cpus);
        exit(99);
    }
    return own / 1000;
}

int own_poll(struct pollfd *p, nfds_t n, uint64_t limit_ms)
{
    const uint64_t start = own_ms();
    uint64_t gone;
    int rc;

    for ( ;; )
    {
        gone = own_ms() - start;
        rc = poll(p, n, gone >= limit_ms ? 0
                        : limit_ms - gone < SLICE_MS ? limit_ms - gone
                        : SLICE_MS);
        if ( rc || gone >= limit_ms )
            return rc;
    }
}
