/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export.h: a snapshot in the formats of other tools.  Each format is given the
 * records one by one, in time order, and keeps no more of them than its output
 * needs to be in blocks.
 */

#ifndef XENFLIGHT_EXPORT_H
#define XENFLIGHT_EXPORT_H

#include <stdint.h>

#include "lib/read/merge.h"
#include "tools/base/source.h"

struct export {
    const struct source *src;
    const char *path;      /* as the user wrote it; NULL: standard output */
    uint64_t part;         /* filter_number(): which records */
    int dir;               /* a format of several files: they go here */
    uint64_t records;      /* given to the format; gaps not counted */
    uint64_t left_out;     /* ... that the format has no way to tell */
    void *state;           /* the format's own */
};

struct export_format {
    const char *name;
    bool directory;        /* several files in a directory, else one file */
    bool binary;           /* nothing for a terminal */
    /* All return 0 or -errno.  One file: it is standard output. */
    int (*open)(struct export *x);
    int (*record)(struct export *x, const struct merge_record *rec);
    int (*finish)(struct export *x); /* completes the output */
    void (*close)(struct export *x); /* frees; also after an error */
};

extern const struct export_format export_ctf;
extern const struct export_format export_xentrace;
extern const struct export_format export_perfetto;
extern const struct export_format export_json;
extern const struct export_format export_csv;

#endif /* XENFLIGHT_EXPORT_H */
