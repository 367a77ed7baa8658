/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * walk.h: the one loop over the records of a file.
 */

#ifndef XENFLIGHT_WALK_H
#define XENFLIGHT_WALK_H

#include <stdint.h>

#include "lib/read/merge.h"
#include "tools/base/source.h"

#define WALK_ALL  0 /* @from_tsc: no frame is skipped */
#define WALK_STOP 1 /* returned by a walk_fn: the walk ends without an error */

/* Counts at the end of a walk; see merge.h. */
struct walk_totals {
    uint64_t skipped;  /* records of frames that were not read */
    uint64_t copies;   /* second copies, dropped */
    uint64_t damaged;  /* frames and packets that could not be read */
};

/* @rec is valid for the call.  Return 0, WALK_STOP, or -errno to fail. */
typedef int (*walk_fn)(void *arg, const struct merge_record *rec);

/*
 * Call @each for every record of @src in time order.  Frames that end before
 * @from_tsc are skipped, so some older records still come.  @totals may be NULL;
 * it is filled in on errors too.
 *
 * Return 0 at the end of the file or after WALK_STOP, the error of @each, or that
 * of merge_open() or merge_next().
 */
int source_walk(const struct source *src, uint64_t from_tsc, walk_fn each,
                void *arg, struct walk_totals *totals);

#endif /* XENFLIGHT_WALK_H */
