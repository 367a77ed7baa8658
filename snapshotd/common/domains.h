/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domains.h: the domains of the host, and those that ended a short time ago.
 *
 * Each process has such a table.  The monitor fills its own from Xen, and sends
 * the others a copy.  The xenstore process adds the names, and sends them to the
 * engine: the monitor's table has none.  A domain's name vanishes from xenstore
 * some 60 ms after its crash, so it is read when the domain is introduced, and
 * kept for a while after its end.
 */

#ifndef SNAPSHOTD_DOMAINS_H
#define SNAPSHOTD_DOMAINS_H

#include "snapshotd/common/proto.h"

/* Ended domains that are kept: the rings still have records of them. */
#define DOMAINS_GONE 64

/* Processes that a change must be sent to. */
#define OWED_ENGINE   1U
#define OWED_XENSTORE 2U
#define OWED_ALL      (OWED_ENGINE | OWED_XENSTORE)

struct domain {
    struct msg_domain d;
    uint64_t changed;          /* order of the last change */
    uint8_t owed;              /* OWED_*: the change must be sent there */
    bool seen;                 /* monitor: in the list being walked */
    bool watched;              /* xenstore process: its name is */
    uint16_t name_bytes;
    char *name;                /* as found, any bytes, no NUL; NULL if none */
};

struct domains {
    struct domain *entry;
    unsigned int nr, room;
    uint64_t clock;
};

/*
 * Return NULL if there is no such entry.  Without a handle (NULL) it is the
 * newest one with that domid.
 */
struct domain *domains_find(struct domains *t, uint16_t domid,
                            const uint8_t *handle);
/* The same, adding an entry if there is none.  Return NULL without memory. */
struct domain *domains_get(struct domains *t, uint16_t domid,
                           const uint8_t handle[16]);
/*
 * Must follow each change of *dom.  Drops the ended domains that changed longest
 * ago, beyond DOMAINS_GONE.
 */
void domains_changed(struct domains *t, struct domain *dom);
/* Take in a domain that the monitor sent.  Return 0, or -ENOMEM. */
int domains_copy(struct domains *t, const struct msg_domain *in);
/*
 * Replaces the name; at most PROTO_TEXT bytes count.  Return true if it is
 * another one now.
 */
bool domains_set_name(struct domain *dom, const char *name, size_t bytes);
/* Marks all entries as owed to these (OWED_*). */
void domains_owe(struct domains *t, uint8_t to);
void domains_free(struct domains *t);

#endif /* SNAPSHOTD_DOMAINS_H */
