/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domains.h: who is who.  A domain's name vanishes from xenstore some 60 ms
 * after its crash, so it is noted when the domain is introduced, and kept for a
 * while after its end.  The monitor fills its table from Xen and xenstore; the
 * engine's is a copy.
 */

#ifndef SNAPSHOTD_DOMAINS_H
#define SNAPSHOTD_DOMAINS_H

#include "snapshotd/common/proto.h"

/* Ended domains that are remembered: records of theirs are in the rings. */
#define DOMAINS_GONE 64

struct domain {
    struct msg_domain d;
    uint64_t changed;          /* order of the last change */
    bool sent;                 /* monitor: the engine has it so */
    bool seen;                 /* monitor: in the list being walked */
    bool watched;              /* monitor: its name, in xenstore */
};

struct domains {
    struct domain *entry;
    unsigned int nr, room;
    uint64_t clock;
};

/* NULL: no such entry.  A handle of NULL takes the newest with that domid. */
struct domain *domains_find(struct domains *t, uint16_t domid,
                            const uint8_t *handle);
/* The same, making one if there is none.  NULL: no memory. */
struct domain *domains_get(struct domains *t, uint16_t domid,
                           const uint8_t handle[16]);
/* *dom was changed; forgets the longest gone ones beyond the limit. */
void domains_changed(struct domains *t, struct domain *dom);
void domains_free(struct domains *t);

#endif /* SNAPSHOTD_DOMAINS_H */
