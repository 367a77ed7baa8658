/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status.h: the nodes below /tool/xenflight/status. */

#ifndef SNAPSHOTD_STATUS_H
#define SNAPSHOTD_STATUS_H

#include "snapshotd/common/proto.h"
#include "snapshotd/xenstore/xs.h"

#define STATUS_NODES 10

struct status {
    char shown[STATUS_NODES][CONF_PATH + STORE_NAME]; /* in xenstore */
};

/* Write the nodes whose values have changed. */
void status_write(struct status *s, struct xs *x, const struct msg_health *h);

#endif /* SNAPSHOTD_STATUS_H */
