/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf-raw.c: requests to the Xen below this backend, the clock that stands
 * in for Xen's, and the log.
 */

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "lib/xen/hyp-tbuf-impl.h"

void hyp_tbuf_log(const struct hyp_tbuf *x, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if ( !x->conf.say )
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    x->conf.say(text);
}

uint64_t hyp_tbuf_clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

int hyp_tbuf_raw(struct hyp_tbuf *x, uint32_t cmd, uint32_t value,
                 struct hyp_tbuf_op *op)
{
    struct hyp_tbuf_op own;

    op = op ? op : &own;
    *op = (struct hyp_tbuf_op){ .cmd = cmd, .value = value };
    return x->raw->be->tbuf(x->raw, op);
}
