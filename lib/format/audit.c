/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* audit.c: sum up the account that Xen keeps of a ring. */

#include "lib/format/audit.h"

bool audit_balances(const struct xen_flightrec_audit *a)
{
    uint64_t sum = a->held + a->held_earlier + a->sacrificed + a->overwritten;

    for ( unsigned int i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        sum += a->lost[i];

    return a->emitted - (uint64_t)a->late == sum;
}

static uint64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

void audit_from_json(const json_t *stream, struct xen_flightrec_audit *a)
{
    const json_t *lost = json_object_get(stream, "lost");

    *a = (struct xen_flightrec_audit){
        .gen = number(stream, "gen"),
        .slots = number(stream, "slots"),
        .tsc = number(stream, "tsc"),
        .emitted = number(stream, "emitted"),
        .late = number(stream, "late"),
        .held = number(stream, "held"),
        .held_earlier = number(stream, "held_earlier"),
        .sacrificed = number(stream, "sacrificed"),
        .overwritten = number(stream, "overwritten"),
    };
    for ( unsigned int i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        a->lost[i] = number(lost, audit_lost_name(i));
}
