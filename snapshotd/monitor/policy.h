/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy.h: the verdict on a trigger: does it become a file?  Part of the
 * monitor, so that it is the same however many engines die, and depends on Xen's
 * trigger only.
 */

#ifndef SNAPSHOTD_POLICY_H
#define SNAPSHOTD_POLICY_H

#include "snapshotd/common/conf.h"
#include "snapshotd/common/count.h"
#include "snapshotd/common/limit.h"

struct policy {
    struct limit domains;  /* by uuid */
    struct limit others;   /* over all domains; requests */
    uint32_t judged_gen;   /* 0: none */
    enum outcome judged;
};

/*
 * The verdict on a generation that Xen holds: OUTCOME_WRITTEN to write it, or
 * the reason why not, which is counted.  Repeated for the same generation it is
 * the same, takes no token and is not counted again.
 */
enum outcome policy_generation(struct policy *p, const struct conf *c,
                               const struct xen_flightrec_trigger *t,
                               uint64_t now_ns, struct counters *counters);
/* The generation was given back: its number may come again. */
void policy_forget(struct policy *p);

/*
 * The verdict on a freeze for requests.  Guests' requests have passed the limit
 * of each guest; together they count as crashes do.
 */
enum outcome policy_requests(struct policy *p, const struct conf *c,
                             bool guests, uint64_t now_ns,
                             struct counters *counters);

#endif /* SNAPSHOTD_POLICY_H */
