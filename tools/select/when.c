/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * when.c: parse points in time.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/text.h"
#include "tools/select/when.h"

#define NS_PER_S   1000000000LL
#define NS_PER_DAY (86400 * NS_PER_S)

/* ".5" or "". */
static int parse_fraction(const char *text, int64_t *ns)
{
    int64_t unit = NS_PER_S;

    if ( !*text )
        return 0;
    if ( *text++ != '.' || !isdigit((unsigned char)*text) )
        return -EINVAL;
    for ( ; isdigit((unsigned char)*text); text++ )
    {
        unit /= 10;
        *ns += (*text - '0') * unit;
    }
    return *text ? -EINVAL : 0;
}

static int parse_wall(const char *text, struct when *w)
{
    /* A form must precede its own prefixes. */
    static const char *const form[] = {
        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M",
    };

    for ( size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++ )
    {
        bool today = form[i][1] == 'H', has_seconds = strchr(form[i], 'S');
        struct tm tm = { .tm_mday = 1, .tm_year = 70 };
        const char *end = strptime(text, form[i], &tm);
        time_t secs;

        if ( !end || (*end && !has_seconds) )
            continue;
        secs = timegm(&tm);
        if ( secs < 0 || secs > INT64_MAX / NS_PER_S - 1 )
            return -EINVAL;
        w->kind = today ? WHEN_TODAY : WHEN_WALL;
        w->ns = secs * NS_PER_S;
        return parse_fraction(end, &w->ns);
    }

    return -EINVAL;
}

/* "12.000345": seconds, as `show' prints them. */
static int parse_seconds(const char *text, int64_t *ns)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t secs;

    if ( !digits || digits > 9 || text[digits] != '.' )
        return -EINVAL;
    secs = strtoull(text, NULL, 10);
    *ns = secs * NS_PER_S;
    return parse_fraction(text + digits, ns);
}

int when_parse(const char *text, struct when *w)
{
    uint64_t n;

    memset(w, 0, sizeof(*w));
    if ( *text == '@' )
    {
        w->kind = WHEN_TSC;
        return text_number(text + 1, false, &w->tsc);
    }
    if ( *text != '-' && *text != '+' )
        return strcmp(text, "0") ? parse_wall(text, w) : 0;
    if ( !text_duration(text + 1, &n) )
        w->ns = n;
    else if ( parse_seconds(text + 1, &w->ns) )
        return -EINVAL;

    w->ns = *text == '-' ? -w->ns : w->ns;
    return 0;
}

/* A time of day on the day of @moment_ns.  Saturates. */
static int64_t on_day_of(int64_t moment_ns, int64_t ns)
{
    if ( __builtin_add_overflow(moment_ns - moment_ns % NS_PER_DAY, ns, &ns) )
        return INT64_MAX;
    return ns;
}

int when_wall(const struct when *w, int64_t now_ns, int64_t *ns)
{
    switch ( w->kind )
    {
    case WHEN_REL:
        if ( __builtin_add_overflow(now_ns, w->ns, ns) )
            *ns = w->ns < 0 ? INT64_MIN : INT64_MAX;
        return 0;
    case WHEN_WALL:
        *ns = w->ns;
        return 0;
    case WHEN_TODAY:
        *ns = on_day_of(now_ns, w->ns);
        return 0;
    default:
        return -EINVAL;
    }
}

int when_tsc(const struct when *w, const struct doc *doc, uint64_t *tsc)
{
    int64_t ns = w->ns;

    if ( w->kind == WHEN_TSC )
    {
        *tsc = w->tsc;
        return 0;
    }
    if ( w->kind != WHEN_REL && !doc->has_wall )
        return -ENOENT;
    if ( w->kind == WHEN_TODAY )
        ns = on_day_of(doc->wall_ns, ns);
    if ( w->kind != WHEN_REL && __builtin_sub_overflow(ns, doc->wall_ns, &ns) )
        ns = ns < 0 ? INT64_MIN : INT64_MAX;

    *tsc = doc_tsc_at(doc, ns);
    return 0;
}
