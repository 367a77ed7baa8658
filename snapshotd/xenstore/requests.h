/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* requests.h: Dom0's requests in xenstore, from the node to the answer. */

#ifndef SNAPSHOTD_REQUESTS_H
#define SNAPSHOTD_REQUESTS_H

#include "snapshotd/xenstore/link.h"
#include "snapshotd/xenstore/xs.h"

struct requests {
    struct xs *xs;
    struct link *link;
    struct request slot[XS_TRIGGER_MAX];
    bool look;             /* there may be new ones */
    /* Names in result/; the oldest is at next_result. */
    char result[XS_TRIGGER_RESULTS][XS_TRIGGER_NAME_MAX + 1];
    unsigned int next_result;
};

/*
 * Before the first look.  `first`: the daemon has just started, so all requests
 * and answers are a former one's: stale.
 */
void requests_start(struct requests *t, bool first);
/* Takes in new ones, as many as there is room for. */
void requests_look(struct requests *t);

/* As the functions of the same names in guests.h. */
bool requests_send(struct requests *t);
bool requests_resuming(const struct requests *t);
void requests_lost(struct requests *t);
void requests_answer(struct requests *t, uint64_t number,
                     const struct answer *a);

#endif /* SNAPSHOTD_REQUESTS_H */
