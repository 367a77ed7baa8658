/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out.h: the forms in which `show` prints.
 */

#ifndef XENFLIGHT_OUT_H
#define XENFLIGHT_OUT_H

#include <stdint.h>

#include "lib/merge.h"
#include "tools/tool.h"

struct out_totals {
    uint64_t shown;    /* records printed */
    uint64_t records;  /* records in the file, copies not counted */
    uint64_t copies;   /* second copies, dropped */
    uint64_t damaged;  /* frames and packets that could not be read */
};

struct out {
    void (*head)(const struct source *src);
    /* What the records that follow are, where there are several lists. */
    void (*section)(const char *title);
    void (*record)(const struct source *src, const struct merge_record *rec);
    void (*tail)(const struct source *src, const struct out_totals *totals);
};

extern const struct out out_text;
extern const struct out out_json;

#endif /* XENFLIGHT_OUT_H */
