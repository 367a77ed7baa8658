/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* top.h: what `xenflight top' prints, of a file or of the rings. */

#ifndef XENFLIGHT_TOP_H
#define XENFLIGHT_TOP_H

#include "tools/base/tool.h"

struct top_options {
    const char *file;
    bool by_vcpu, json, by_time;
    uint64_t last_ns;
    /* Live only. */
    uint64_t interval_ns, count; /* count: 0: until a signal */
    const char *backend;
};

/* Prints the rows of a file.  -errno. */
int top_source(const struct source *src, const struct top_options *o);

/* Follows the rings, and prints what they turned over.  An exit status. */
int top_live(const struct top_options *o, const char *cmd);

#endif /* XENFLIGHT_TOP_H */
