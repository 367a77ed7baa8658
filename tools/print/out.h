/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out.h: the output formats of `show'.
 */

#ifndef XENFLIGHT_OUT_H
#define XENFLIGHT_OUT_H

#include <stdint.h>

#include "lib/read/merge.h"
#include "tools/base/source.h"

struct out_totals {
    uint64_t shown;    /* records printed */
    uint64_t records;  /* in the file, without second copies */
    uint64_t copies;   /* second copies, dropped */
    uint64_t damaged;  /* frames and packets that could not be read */
};

struct out {
    void (*head)(const struct source *src);
    /* Title of the records that follow. */
    void (*section)(const char *title);
    void (*record)(const struct source *src, const struct merge_record *rec);
    void (*tail)(const struct source *src, const struct out_totals *totals);
};

extern const struct out out_text;
extern const struct out out_json;
extern const struct out out_columns;

/*
 * Set the columns of out_columns, like "time,event,dom".  Return 0, or -EINVAL if
 * @list is malformed or too long.
 */
int out_columns_set(const char *list);
/* Return a column that is neither known nor a field in the file, or NULL. */
const char *out_columns_unknown(const struct doc *doc);

/*
 * Copy the metadata for JSON: addresses are hex text, as everywhere else, since
 * JSON's numbers are signed, and often of 53 bits.  Return NULL without memory.
 * The caller owns the copy.
 */
json_t *out_meta(const struct doc *d);

#define OUT_TRIGGER_BYTES 800
/* Describe the trigger, like `domain 5 "web1" crashed', printable.  Return @buf. */
const char *out_trigger(const struct doc *d, char *buf, size_t size);

/* Print a time in src->clock, and the running vCPU: "d5v0", "idle" or "-". */
void out_moment(const struct source *src, uint64_t tsc, char *buf, size_t size);
void out_running(const struct doc *d, const struct merge_record *rec, char *buf,
                 size_t size);

#endif /* XENFLIGHT_OUT_H */
