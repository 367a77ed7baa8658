/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor/domains.h: the table of domains, filled from Xen's list. */

#ifndef SNAPSHOTD_MONITOR_DOMAINS_H
#define SNAPSHOTD_MONITOR_DOMAINS_H

#include "lib/xen/hyp.h"
#include "snapshotd/common/domains.h"

/*
 * Takes in Xen's list.  Return true if the table has changed; *is_new if a
 * domain was added.
 */
bool monitor_domains_update(struct domains *t, struct hyp *hyp, bool *is_new);
/* Whether Xen has this very domain, and is not destroying it. */
bool monitor_domains_has(struct hyp *hyp, uint16_t domid,
                         const uint8_t handle[16]);

#endif /* SNAPSHOTD_MONITOR_DOMAINS_H */
