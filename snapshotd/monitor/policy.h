/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy.h: is this trigger to become a file?  The monitor's part, so that the
 * answer does not depend on how many engines died meanwhile, and rests on what
 * Xen says of the trigger.
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
 * Of a generation that Xen holds.  Asked again about the same one the answer is
 * the same, costs nothing, and is counted once.  OUTCOME_WRITTEN: write it;
 * this is not counted here.
 */
enum outcome policy_generation(struct policy *p, const struct conf *c,
                               const struct xen_flightrec_trigger *t,
                               uint64_t now_ns, struct counters *counters);
/* It is given back: another one may have its number some day. */
void policy_forget(struct policy *p);

/*
 * May a freeze be asked of Xen, for requests that wait?  Those of guests have
 * been within each guest's own limit; over all they count as crashes do.
 */
enum outcome policy_requests(struct policy *p, const struct conf *c,
                             bool guests, uint64_t now_ns,
                             struct counters *counters);

#endif /* SNAPSHOTD_POLICY_H */
