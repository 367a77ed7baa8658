/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export.h: writes a snapshot in the formats of other tools.
 *
 * A format receives the records one by one in time order.  It must keep no more
 * of them than one block of its output.
 */

#ifndef XENFLIGHT_EXPORT_H
#define XENFLIGHT_EXPORT_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/read/merge.h"
#include "tools/base/source.h"

struct export {
    const struct source *src;
    const char *path;      /* as the user wrote it, NULL for standard output */
    uint64_t part;         /* filter_number() of the chosen records */
    int dir;               /* descriptor of the directory, if directory */
    mode_t mode;           /* permissions of files in dir */
    uint64_t total;        /* records in the file */
    uint64_t records;      /* passed to the format, without gaps */
    uint64_t left_out;     /* of these, records the format cannot express */
    void *state;           /* owned by the format, NULL until open() */
};

struct export_format {
    const char *name;
    bool directory;        /* several files in a directory, else stdout */
    bool binary;           /* must not go to a terminal */
    /* These return 0 or -errno. */
    int (*open)(struct export *x);
    int (*record)(struct export *x, const struct merge_record *rec);
    int (*finish)(struct export *x); /* complete the output */
    /* Free the state.  Called after an error, too, also that of open(). */
    void (*close)(struct export *x);
};

extern const struct export_format export_ctf;
extern const struct export_format export_xentrace;
extern const struct export_format export_perfetto;
extern const struct export_format export_json;
extern const struct export_format export_csv;

#endif /* XENFLIGHT_EXPORT_H */
