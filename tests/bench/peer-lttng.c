/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer-lttng.c: LTTng-UST in snapshot mode, as shipped.  tests/bench/lttng
 * creates the session and sets the environment.
 */

#include <stddef.h>
#include <stdlib.h>

#include "peer.h"

#ifdef HAVE_LTTNG

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "peer-lttng.h"

static const char *open_lttng(void)
{
    if ( !getenv("BENCH_LTTNG") )
        return "no session (tests/bench/lttng makes one)";
    /* Its library waits for the session before main(). */
    if ( !lttng_ust_tracepoint_enabled(xenflight_bench, w2) )
        return "the session did not enable its events";
    return NULL;
}

#define EVENT_LTTNG_0(d) lttng_ust_tracepoint(xenflight_bench, w0)
#define EVENT_LTTNG_2(d) lttng_ust_tracepoint(xenflight_bench, w2, d[0], d[1])
#define EVENT_LTTNG_4(d) \
    lttng_ust_tracepoint(xenflight_bench, w4, d[0], d[1], d[2], d[3])
#define EVENT_LTTNG_7(d) \
    lttng_ust_tracepoint(xenflight_bench, w7, d[0], d[1], d[2], d[3], d[4], \
                         d[5], d[6])
#define EVENT_LTTNG(words, d) EVENT_LTTNG_##words(d)

#else

static const char *open_lttng(void)
{
    return "liblttng-ust-dev is not installed";
}

#define EVENT_LTTNG(words, d) ((void)(d))

#endif /* HAVE_LTTNG */

PEER(peer_lttng, "lttng", "LTTng-UST, snapshot mode", open_lttng, EVENT_LTTNG);
