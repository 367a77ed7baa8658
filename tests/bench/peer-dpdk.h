/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer-dpdk.h: the trace points in DPDK's form.
 */

#ifndef PEER_DPDK_H
#define PEER_DPDK_H

#include <rte_trace_point.h>

RTE_TRACE_POINT(
    bench_0,
    RTE_TRACE_POINT_ARGS(void),
)

RTE_TRACE_POINT(
    bench_2,
    RTE_TRACE_POINT_ARGS(uint32_t a, uint32_t b),
    rte_trace_point_emit_u32(a);
    rte_trace_point_emit_u32(b);
)

RTE_TRACE_POINT(
    bench_4,
    RTE_TRACE_POINT_ARGS(uint32_t a, uint32_t b, uint32_t c, uint32_t d),
    rte_trace_point_emit_u32(a);
    rte_trace_point_emit_u32(b);
    rte_trace_point_emit_u32(c);
    rte_trace_point_emit_u32(d);
)

RTE_TRACE_POINT(
    bench_7,
    RTE_TRACE_POINT_ARGS(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                         uint32_t e, uint32_t f, uint32_t g),
    rte_trace_point_emit_u32(a);
    rte_trace_point_emit_u32(b);
    rte_trace_point_emit_u32(c);
    rte_trace_point_emit_u32(d);
    rte_trace_point_emit_u32(e);
    rte_trace_point_emit_u32(f);
    rte_trace_point_emit_u32(g);
)

#endif /* PEER_DPDK_H */
