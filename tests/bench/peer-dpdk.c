/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer-dpdk.c: DPDK's rte_trace in overwrite mode.  Inlined, and not safe
 * against an interruption of its own thread.
 */

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "peer.h"

#ifdef HAVE_DPDK

#define ALLOW_EXPERIMENTAL_API

#include <rte_eal.h>
#include <rte_trace.h>
#include "peer-dpdk.h"

static const char *open_dpdk(void)
{
    /* No huge pages, no devices, nothing shared; may run on any CPU. */
    static char cores[32];
    static char *argv[] = {
        "bench", "--no-huge", "-m", "16", "--no-pci", "--no-shconf",
        "--no-telemetry", "--log-level=1", cores, "--trace=bench.*",
        "--trace-mode=overwrite", "--trace-bufsz=1M", "--trace-dir=/tmp", NULL
    };

    snprintf(cores, sizeof(cores), "--lcores=0@(0-%ld)",
             sysconf(_SC_NPROCESSORS_ONLN) - 1);
    if ( rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 )
        return "rte_eal_init() failed";
    if ( !rte_trace_is_enabled() )
        return "its trace is not enabled";
    return NULL;
}

#define EVENT_DPDK_0(d) bench_0()
#define EVENT_DPDK_2(d) bench_2(d[0], d[1])
#define EVENT_DPDK_4(d) bench_4(d[0], d[1], d[2], d[3])
#define EVENT_DPDK_7(d) bench_7(d[0], d[1], d[2], d[3], d[4], d[5], d[6])
#define EVENT_DPDK(words, d) EVENT_DPDK_##words(d)

#else

static const char *open_dpdk(void)
{
    return "libdpdk-dev is not installed";
}

#define EVENT_DPDK(words, d) ((void)(d))

#endif /* HAVE_DPDK */

PEER(peer_dpdk, "dpdk", "DPDK rte_trace, inlined", open_dpdk, EVENT_DPDK);
