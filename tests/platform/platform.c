/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * platform.c: define the variables of user space's <xen/flightrec-platform.h>.
 */

#include <time.h>

#include <xen/flightrec-platform.h>

__thread struct fr_cpu *fr_hosted_cpu;
__thread uint16_t fr_hosted_domid, fr_hosted_vcpu;
uint64_t (*fr_hosted_clock)(void);
void (*fr_hosted_this_cpu)(void);
void (*fr_hosted_wake)(void);

bool fr_clock_pair(uint64_t *tsc, uint64_t *ns)
{
    struct timespec ts;

    if ( clock_gettime(CLOCK_MONOTONIC, &ts) )
        return false;
    *tsc = fr_clock();
    *ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
    return true;
}
