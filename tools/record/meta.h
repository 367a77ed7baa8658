/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* meta.h: the documents of a recording, as lib/format/snapshot.h has them. */

#ifndef XENFLIGHT_RECORD_META_H
#define XENFLIGHT_RECORD_META_H

#include <stdint.h>

#include "lib/format/clock.h"
#include "tools/record/record.h"

struct record_domains;

/* All domains that there are, with their names if xenstore can be asked. */
int record_domains_new(struct hyp *h, struct record_domains **out);
/* Looks for new ones. */
int record_domains_look(struct record_domains *t);
void record_domains_free(struct record_domains *t);

/*
 * The document of the begin, free() it, and the moment that it names, of which
 * .cpu is that of no packet.
 */
int record_meta(struct hyp *h, const struct rings *rings,
                struct record_domains *domains, struct clock_point *begin,
                char **text);
/* That of the end.  `fit` is of all packets. */
int record_note(const struct record_domains *domains,
                const struct clock_fit *fit, const struct record_totals *t,
                const char *why, char **text);

#endif /* XENFLIGHT_RECORD_META_H */
