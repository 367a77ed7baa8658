/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trigger.c: facts about a trigger; part of the engine. */

#include "snapshotd/engine/trigger.h"

#include <string.h>

/* Domains are below this; above are DOMID_SELF, DOMID_INVALID, ... */
#define FIRST_RESERVED_DOMID 0x7ff0

bool trigger_has_domain(const struct trigger *t)
{
    return t->t.domid < FIRST_RESERVED_DOMID &&
           (t->by_guest || t->t.cause != XEN_FLIGHTREC_CAUSE_REQUEST);
}

void trigger_id(const struct trigger *t, struct store_id *id)
{
    memset(id, 0, sizeof(*id));
    id->wall_s = t->wall_ns / 1000000000;
    id->gen = t->t.gen;
    id->cause = t->by_guest ? STORE_CAUSE_GUEST : t->t.cause;
    if ( trigger_has_domain(t) )
        memcpy(id->uuid, t->t.handle, sizeof(id->uuid));
}
