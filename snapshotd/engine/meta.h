/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* meta.h: the meta document of a snapshot, see lib/format/snapshot.h. */

#ifndef SNAPSHOTD_META_H
#define SNAPSHOTD_META_H

#include <jansson.h>

#include "lib/format/clock.h"
#include "snapshotd/engine/capture.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/engine/trigger.h"

/* All that goes in. */
struct meta {
    const struct trigger *trigger;
    const struct rings *rings;
    const struct stream *streams;
    unsigned int nr_streams;
    const struct domains *domains;
    const struct hyp_version *xen;
    const char *host, *kernel;
    const char *boot;          /* of Dom0: its id, "" if it is not known */
    uint64_t boot_s;           /* seconds since then */
    struct clock_pair pair[2];
    unsigned int nr_pairs;
    unsigned int pending;      /* pCPUs that were not quiescent */
    struct rings_fetched fetched;
};

/*
 * The complete window of a channel: between the two times (on the trigger's
 * clock) the file has every record of every pCPU but those counted as lost.
 */
struct meta_window {
    bool known;            /* else the times are invalid */
    uint64_t from_tsc, to_tsc;
};

/* Whether part of the history is missing; appends the reasons to `why`. */
bool meta_partial(const struct meta *m, json_t *why);

/* Fit the clock pairs of all packets.  Return 0, or -ENOMEM. */
int meta_fit(const struct meta *m, struct clock_fit *fit);

void meta_window(const struct meta *m, const struct clock_fit *fit,
                 unsigned int channel, struct meta_window *w);
/* The same as JSON, with a member for each channel where it is known. */
json_t *meta_windows(const struct meta *m, const struct clock_fit *fit);
/* Records lost while the packets of the file were written, as JSON. */
json_t *meta_gaps(const struct meta *m, const struct clock_fit *fit);

/* The document; the caller frees it. */
int meta_text(const struct meta *m, char **text);

/* Foreign bytes as a JSON string: as they are if UTF-8, else escaped. */
json_t *meta_string(const char *text, size_t bytes);

#endif /* SNAPSHOTD_META_H */
