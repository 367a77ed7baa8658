/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.c: log lines about triggers, with fields; part of the engine. */

#include "snapshotd/engine/engine-impl.h"

#include <stdio.h>

#include "snapshotd/common/log.h"

const char *engine_fields(char buf[ENGINE_FIELDS], const struct store_id *id,
                          int domid, enum outcome outcome, const char *file)
{
    char uuid[STORE_UUID];
    int n;

    store_uuid(id->uuid, uuid);
    n = snprintf(buf, ENGINE_FIELDS,
                 "XENFLIGHT_GENERATION=%u\nXENFLIGHT_CAUSE=%s\n"
                 "XENFLIGHT_OUTCOME=%s\nXENFLIGHT_UUID=%s\n",
                 id->gen, store_cause(id->cause), count_name(outcome), uuid);
    if ( domid >= 0 )
        n += snprintf(buf + n, ENGINE_FIELDS - n, "XENFLIGHT_DOMID=%d\n",
                      domid);
    if ( file )
        snprintf(buf + n, ENGINE_FIELDS - n, "XENFLIGHT_FILE=%s\n", file);
    return buf;
}

void engine_suppressed(struct engine *e, const struct store_id *id, int domid,
                       enum outcome outcome)
{
    static const char *const why[OUTCOMES] = {
        [OUTCOME_DOMAIN] = "beyond the limit of its domain",
        [OUTCOME_TOTAL] = "beyond the limit over all domains",
        [OUTCOME_REQUESTS] = "beyond the limit of requests",
        [OUTCOME_OFF] = "off in the configuration",
    };
    char fields[ENGINE_FIELDS];

    if ( outcome < OUTCOME_JUDGED )
        count_add(&e->counters, outcome, id->cause);
    /* At once, so that counted if this engine dies. */
    engine_send_counters(e);
    if ( !why[outcome] || !engine_may_log(e, outcome) )
        return;
    engine_fields(fields, id, domid, outcome, NULL);
    if ( id->gen )
        log_fields(LOG_WARNING, fields,
                   "generation %u: %s: no snapshot: %s; counted",
                   id->gen, store_cause(id->cause), why[outcome]);
    else
        log_fields(LOG_WARNING, fields,
                   "request: no snapshot: %s; counted", why[outcome]);
}
