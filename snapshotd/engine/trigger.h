/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trigger.h: the reason for a snapshot: Xen's trigger of a generation, the
 * request for it, the domain that it is about.
 */

#ifndef SNAPSHOTD_TRIGGER_H
#define SNAPSHOTD_TRIGGER_H

#include <stdbool.h>

#include "snapshotd/common/proto.h"

/* A generation on its way to a file. */
struct trigger {
    struct xen_flightrec_trigger t;
    bool by_guest;         /* the one of t.domid and t.handle */
    const char *source;    /* of the snapshot file's meta document */
    char text[REQUEST_TEXT]; /* the requester's, any bytes */
    size_t text_bytes;
    char name[PROTO_TEXT]; /* the domain's, any bytes */
    size_t name_bytes;
    uint64_t wall_ns;      /* of the trigger */
    uint64_t wake_ns;      /* Xen's time when the daemon woke up for it */
};

/* Whether it is about a domain. */
bool trigger_has_domain(const struct trigger *t);

/* The name of its file. */
void trigger_id(const struct trigger *t, struct store_id *id);

#endif /* SNAPSHOTD_TRIGGER_H */
