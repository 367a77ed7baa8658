/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top.h: the table of `xenflight top', for a file or for one live stretch.
 */

#ifndef XENFLIGHT_PRINT_TOP_H
#define XENFLIGHT_PRINT_TOP_H

#include <stdbool.h>

#include "tools/base/options.h"
#include "tools/base/source.h"

struct top_form {
    bool by_vcpu;      /* a row per vCPU, not per domain */
    bool json;
    struct last last;
};

/* Read all of @src and print its rows to stdout.  Return 0 or -errno. */
int top_print(const struct source *src, const struct top_form *form);

#endif /* XENFLIGHT_PRINT_TOP_H */
