/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * walk.c: call a function for each record of a file.
 */

#include <string.h>

#include "tools/base/walk.h"

int source_walk(const struct source *src, uint64_t from_tsc, walk_fn each,
                void *arg, struct walk_totals *totals)
{
    struct walk_totals ignored, *t = totals ? totals : &ignored;
    struct merge_record rec;
    struct merge *m;
    int rc;

    memset(t, 0, sizeof(*t));
    rc = merge_open_from(src->snap, src->doc.dict, &src->doc.clock, from_tsc,
                         &m);
    if ( rc )
        return rc;

    while ( (rc = merge_next(m, &rec)) > 0 )
    {
        rc = each(arg, &rec);
        if ( rc )
            break;
    }

    t->skipped = merge_skipped(m);
    t->copies = merge_copies(m);
    t->damaged = merge_damaged(m);
    merge_close(m);
    return rc == WALK_STOP ? 0 : rc;
}
