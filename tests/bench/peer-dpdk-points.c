/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer-dpdk-points.c: register the trace points.  DPDK's header expands to
 * registrations in this file only, and to events in all others.
 */

#ifdef HAVE_DPDK

#define ALLOW_EXPERIMENTAL_API

#include <rte_trace_point_register.h>
#include "peer-dpdk.h"

RTE_TRACE_POINT_REGISTER(bench_0, bench.0)
RTE_TRACE_POINT_REGISTER(bench_2, bench.2)
RTE_TRACE_POINT_REGISTER(bench_4, bench.4)
RTE_TRACE_POINT_REGISTER(bench_7, bench.7)

#endif /* HAVE_DPDK */
