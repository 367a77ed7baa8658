/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * when.h: points in time given by a user: "-100ms" and "+5us" from the trigger, or
 * "-0.000709283" in seconds, as `show' prints them; "2026-01-31 23:59:59.5",
 * "2026-01-31 23:59" or "2026-01-31" in UTC; "23:59:59.5" or "23:59" on the day of
 * the trigger; or "@123456", the TSC that `show --clock tsc' prints.
 */

#ifndef XENFLIGHT_WHEN_H
#define XENFLIGHT_WHEN_H

#include "lib/format/doc.h"

struct when {
    enum { WHEN_REL, WHEN_WALL, WHEN_TODAY, WHEN_TSC } kind;
    int64_t ns;                /* from the trigger, 1970 or midnight */
    uint64_t tsc;
};

/* Return 0 or -EINVAL. */
int when_parse(const char *text, struct when *w);
/*
 * Store the TSC on the trigger's clock.  Return 0, or -ENOENT if the file has no
 * wall clock.
 */
int when_tsc(const struct when *w, const struct doc *doc, uint64_t *tsc);
/*
 * Store ns since 1970, with @now_ns in place of the trigger.  Return 0, or -EINVAL
 * for a TSC.
 */
int when_wall(const struct when *w, int64_t now_ns, int64_t *ns);

#endif /* XENFLIGHT_WHEN_H */
