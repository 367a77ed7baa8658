/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lines.h: the line between the engine and the xenstore process.  The monitor
 * makes it and keeps neither end.
 */

#ifndef SNAPSHOTD_LINES_H
#define SNAPSHOTD_LINES_H

#include "snapshotd/monitor/engine.h"
#include "snapshotd/monitor/xenstore.h"

struct lines {
    uint32_t engine_starts, xenstore_starts; /* the two that have the last one */
};

/* Whether the present two processes have one. */
bool lines_linked(const struct lines *l, const struct engine_child *e,
                  const struct xenstore_child *x);
/* Makes one if there is none.  Return false if that must be tried again. */
bool lines_make(struct lines *l, struct engine_child *e,
                struct xenstore_child *x);

#endif /* SNAPSHOTD_LINES_H */
