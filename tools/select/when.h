/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * when.h: moments as a user says them: "-100ms" and "+5us" from the trigger, or
 * "-0.000709283" in seconds, as records are shown;
 * "2026-01-31 23:59:59.5", "2026-01-31 23:59" or "2026-01-31" in UTC;
 * "23:59:59.5" or "23:59" on the trigger's day; or "@123456", the TSC as
 * `show --clock tsc' has it.
 */

#ifndef XENFLIGHT_WHEN_H
#define XENFLIGHT_WHEN_H

#include "lib/format/doc.h"

struct when {
    enum { WHEN_REL, WHEN_WALL, WHEN_TODAY, WHEN_TSC } kind;
    int64_t ns;                /* of the kind; WHEN_TODAY: since midnight */
    uint64_t tsc;
};

/* -EINVAL: it is none of these. */
int when_parse(const char *text, struct when *w);
/* On the trigger's clock.  -ENOENT: the file has no wall clock. */
int when_tsc(const struct when *w, const struct doc *doc, uint64_t *tsc);
/*
 * Where there is no trigger: in ns since 1970, with now in its place.  -EINVAL:
 * it is a TSC.
 */
int when_wall(const struct when *w, int64_t now_ns, int64_t *ns);

#endif /* XENFLIGHT_WHEN_H */
