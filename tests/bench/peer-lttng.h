/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer-lttng.h: the trace points in LTTng-UST's form, which includes this file
 * several times.
 */

#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER xenflight_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "tests/bench/peer-lttng.h"

#if !defined(PEER_LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PEER_LTTNG_H

#include <lttng/tracepoint.h>

#define BENCH_FIELD(f) lttng_ust_field_integer(uint32_t, f, f)

LTTNG_UST_TRACEPOINT_EVENT(xenflight_bench, w0,
    LTTNG_UST_TP_ARGS(),
    LTTNG_UST_TP_FIELDS()
)

LTTNG_UST_TRACEPOINT_EVENT(xenflight_bench, w2,
    LTTNG_UST_TP_ARGS(uint32_t, a, uint32_t, b),
    LTTNG_UST_TP_FIELDS(BENCH_FIELD(a) BENCH_FIELD(b))
)

LTTNG_UST_TRACEPOINT_EVENT(xenflight_bench, w4,
    LTTNG_UST_TP_ARGS(uint32_t, a, uint32_t, b, uint32_t, c, uint32_t, d),
    LTTNG_UST_TP_FIELDS(BENCH_FIELD(a) BENCH_FIELD(b) BENCH_FIELD(c)
                        BENCH_FIELD(d))
)

LTTNG_UST_TRACEPOINT_EVENT(xenflight_bench, w7,
    LTTNG_UST_TP_ARGS(uint32_t, a, uint32_t, b, uint32_t, c, uint32_t, d,
                      uint32_t, e, uint32_t, f, uint32_t, g),
    LTTNG_UST_TP_FIELDS(BENCH_FIELD(a) BENCH_FIELD(b) BENCH_FIELD(c)
                        BENCH_FIELD(d) BENCH_FIELD(e) BENCH_FIELD(f)
                        BENCH_FIELD(g))
)

#endif /* PEER_LTTNG_H */

#include <lttng/tracepoint-event.h>
