/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top-live.h: `xenflight top live'.
 */

#ifndef XENFLIGHT_TOP_LIVE_H
#define XENFLIGHT_TOP_LIVE_H

#include "tools/print/top.h"

struct top_stretches {
    uint64_t interval_ns;  /* length of each */
    uint64_t count;        /* 0: until a signal */
    const char *backend;   /* as hyp_open() takes it; may be NULL */
};

/*
 * Record each stretch into memory and print its rows.  @cmd begins the messages
 * on stderr.  Return an exit code.
 */
int top_live(const struct top_form *form, const struct top_stretches *stretches,
             const char *cmd);

#endif /* XENFLIGHT_TOP_LIVE_H */
