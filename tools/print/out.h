/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out.h: the forms in which `show` prints.
 */

#ifndef XENFLIGHT_OUT_H
#define XENFLIGHT_OUT_H

#include <stdint.h>

#include "lib/read/merge.h"
#include "tools/base/source.h"

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
extern const struct out out_columns;

/*
 * The columns of out_columns: "time,event,dom".  -EINVAL: it is no such list, or
 * of too many.
 */
int out_columns_set(const char *list);
/* A column that is neither one of ours nor a field of the file's.  NULL: none. */
const char *out_columns_unknown(const struct doc *doc);

#define OUT_TRIGGER_BYTES 800
/* What a file was written for: `domain 5 "web1" crashed'; printable. */
const char *out_trigger(const struct doc *d, char *buf, size_t size);

/* A moment in src->clock; who ran: "d5v0", "idle", "-". */
void out_moment(const struct source *src, uint64_t tsc, char *buf, size_t size);
void out_running(const struct doc *d, const struct merge_record *rec, char *buf,
                 size_t size);

#endif /* XENFLIGHT_OUT_H */
