/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * meta.h: the documents of a recording; see lib/format/snapshot.h.
 */

#ifndef XENFLIGHT_RECORD_META_H
#define XENFLIGHT_RECORD_META_H

#include <stdint.h>

#include "lib/format/clock.h"
#include "lib/format/snapshot.h"
#include "lib/xen/rings.h"

struct record_totals {
    struct snapshot_totals file;
    uint64_t missed;       /* packets overwritten before they were read */
    uint64_t refused;      /* invalid packets, left out */
    uint64_t wakes;
};

struct record_domains;

/* List all domains, with their names if xenstore answers.  Return 0 or -errno. */
int record_domains_new(struct hyp *h, struct record_domains **out);
/* Add new domains and new names.  Return 0 or -errno. */
int record_domains_look(struct record_domains *t);
void record_domains_free(struct record_domains *t);

/*
 * Build the document at the start of the file, and store the clock pair in it to
 * *begin, with a .cpu that no packet has.  The caller must free() *text.  Return 0
 * or -errno.
 */
int record_meta(struct hyp *h, const struct rings *rings,
                struct record_domains *domains, struct clock_point *begin,
                char **text);
/* The same for the document at the end.  @fit covers all packets. */
int record_note(const struct record_domains *domains,
                const struct clock_fit *fit, const struct record_totals *t,
                const char *why, char **text);

#endif /* XENFLIGHT_RECORD_META_H */
