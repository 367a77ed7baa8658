/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* meta.h: the meta document of a snapshot, as lib/snapshot.h describes it. */

#ifndef SNAPSHOTD_META_H
#define SNAPSHOTD_META_H

#include <jansson.h>

#include "capture.h"
#include "domains.h"
#include "trigger.h"

struct clock_pair {
    uint64_t tsc, ns, wall_ns;
};

/* All that goes in. */
struct meta {
    const struct trigger *trigger;
    const struct rings *rings;
    const struct stream *streams;
    unsigned int nr_streams;
    const struct domains *domains;
    const struct hyp_version *xen;
    const char *host, *kernel;
    struct clock_pair pair[2];
    unsigned int nr_pairs;
    unsigned int pending;      /* pCPUs that were not quiescent */
    struct rings_fetched fetched;
};

/* Is something of the history missing?  Each reason goes to `why`, if given. */
bool meta_partial(const struct meta *m, json_t *why);

/* The text, free() it. */
int meta_text(const struct meta *m, char **text);

/* Foreign bytes as a JSON string: as they are if UTF-8, else escaped. */
json_t *meta_string(const char *text, size_t bytes);

#endif /* SNAPSHOTD_META_H */
