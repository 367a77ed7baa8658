/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* name.c: build and parse the names of snapshot files; part of each process. */

#include "snapshotd/common/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/uuid.h"
#include "lib/format/snapshot-layout.h"

static const char *const causes[STORE_CAUSES] = {
    [XEN_FLIGHTREC_CAUSE_REQUEST] = "request",
    [XEN_FLIGHTREC_CAUSE_CRASH] = "crash",
    [XEN_FLIGHTREC_CAUSE_XEN_CRASH] = "xen-crash",
    [XEN_FLIGHTREC_CAUSE_WATCHDOG] = "watchdog",
    [XEN_FLIGHTREC_CAUSE_TRIPLE] = "triple-fault",
    [XEN_FLIGHTREC_CAUSE_VIRIDIAN] = "viridian",
    [STORE_CAUSE_GUEST] = "guest-request",
};

const char *store_cause(uint8_t cause)
{
    return cause < STORE_CAUSES && causes[cause] ? causes[cause]
                                                         : "unknown";
}

void store_uuid(const uint8_t u[16], char text[STORE_UUID])
{
    static const uint8_t none[16];

    if ( memcmp(u, none, sizeof(none)) )
        uuid_to_text(u, text);
    else
        strcpy(text, "host");
}

void store_name(const struct store_id *id, char name[STORE_NAME])
{
    time_t t = id->wall_s;
    char when[32] = "00000000T000000Z", uuid[STORE_UUID], again[8] = "";
    struct tm tm;

    if ( gmtime_r(&t, &tm) )
        strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
    store_uuid(id->uuid, uuid);
    if ( id->again )
        snprintf(again, sizeof(again), "-%u", id->again);
    snprintf(name, STORE_NAME, "%s-%s-%s-g%u%s" SNAPSHOT_SUFFIX, when, uuid,
             store_cause(id->cause), id->gen, again);
}

static bool parse_uuid(const char **s, uint8_t uuid[16])
{
    if ( !strncmp(*s, "host", 4) )
        *s += 4;
    else if ( !uuid_from_text(*s, uuid) )
        *s += UUID_TEXT_BYTES - 1;
    else
        return false;
    return *(*s)++ == '-';
}

/*
 * The name is built again and compared, so the parts are parsed loosely.
 */
bool store_parse(const char *name, const char *suffix, struct store_id *id)
{
    char again[STORE_NAME + 16];
    size_t len = strlen(name);
    unsigned int n = 0;
    struct tm tm = { 0 };
    const char *s;

    memset(id, 0, sizeof(*id));
    if ( len < 24 || len >= STORE_NAME + 16 ||
         sscanf(name, "%4d%2d%2dT%2d%2d%2dZ", &tm.tm_year, &tm.tm_mon,
                &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 )
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    id->wall_s = timegm(&tm);
    s = name + 17;
    if ( name[16] != '-' || !parse_uuid(&s, id->uuid) )
        return false;
    for ( id->cause = 1; id->cause < STORE_CAUSES; id->cause++ )
    {
        size_t c = strlen(causes[id->cause]);

        if ( strncmp(s, causes[id->cause], c) || strncmp(s + c, "-g", 2) )
            continue;
        if ( sscanf(s + c + 2, "%" SCNu32 "-%u", &id->gen, &n) < 1 || n > 255 )
            return false;
        id->again = n;
        break;
    }
    store_name(id, again);
    strcat(again, suffix);
    return !strcmp(name, again);
}

bool store_same(const struct store_id *a, const struct store_id *b)
{
    return a->wall_s == b->wall_s && a->gen == b->gen &&
           a->cause == b->cause && a->again == b->again &&
           !memcmp(a->uuid, b->uuid, sizeof(a->uuid));
}
