/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status.c: the daemon's health as nodes in xenstore, from the monitor's
 * numbers; part of the xenstore process.
 */

#include "snapshotd/xenstore/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct status *s, struct xs *x, unsigned int i,
                const char *name, const char *value)
{
    if ( strcmp(value, s->shown[i]) && xs_status(x, name, value) )
        snprintf(s->shown[i], sizeof(s->shown[i]), "%s", value);
}

static void put_number(struct status *s, struct xs *x, unsigned int i,
                       const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    put(s, x, i, name, text);
}

void status_write(struct status *s, struct xs *x, const struct msg_health *h)
{
    put(s, x, 0, "state", health_state_name(h->state));
    put(s, x, 1, "engine", h->running ? "running" : "starting");
    put_number(s, x, 2, "held", h->held);
    put_number(s, x, 3, "written", h->written);
    put_number(s, x, 4, "failed", h->failed);
    put_number(s, x, 5, "suppressed", h->suppressed);
    put_number(s, x, 6, "reach-busy", h->reach_s[XEN_FLIGHTREC_CH_BUSY]);
    put_number(s, x, 7, "reach-rare", h->reach_s[XEN_FLIGHTREC_CH_RARE]);
    if ( h->has_last )
        put(s, x, 8, "last", h->last);
    /* Last: a reader that sees it change knows that the others are current. */
    put_number(s, x, 9, "time", h->wall_s);
}
