/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c: escape foreign text for output; print and parse sizes and times.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/text.h"

const char *text_escape_bytes(char *buf, size_t bytes, const char *text,
                              size_t len, const char *also)
{
    size_t at = 0;

    for ( size_t i = 0; i < len; i++ )
    {
        unsigned char c = text[i];

        /* Always leave room for "..." and the NUL. */
        if ( at + 8 > bytes )
        {
            strcpy(buf + at, "...");
            return buf;
        }

        if ( c >= ' ' && c < 0x7f && c != '\\' && !strchr(also, c) )
            buf[at++] = c;
        else
            at += sprintf(buf + at, "\\x%02x", c);
    }

    buf[at] = '\0';
    return buf;
}

const char *text_escape(char *buf, size_t bytes, const char *text)
{
    return text_escape_bytes(buf, bytes, text, strlen(text), "");
}

size_t text_whole(const char *text, size_t bytes)
{
    /* A character has up to four bytes: the first one gives their number. */
    for ( size_t n = 1; n <= 3 && n <= bytes; n++ )
    {
        unsigned char c = text[bytes - n];

        if ( (c & 0xc0) == 0x80 )
            continue;
        return (c & 0xe0) == 0xc0 ? bytes - (n < 2 ? n : 0)
             : (c & 0xf0) == 0xe0 ? bytes - (n < 3 ? n : 0)
             : (c & 0xf8) == 0xf0 ? bytes - n
                                  : bytes;
    }

    return bytes;
}

const char *text_bytes(char *buf, size_t size, uint64_t bytes)
{
    static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    unsigned int i = 0;
    double n = bytes;

    while ( n >= 1024 && i < sizeof(unit) / sizeof(unit[0]) - 1 )
    {
        n /= 1024;
        i++;
    }

    snprintf(buf, size, i ? "%.1f %s" : "%.0f %s", n, unit[i]);
    return buf;
}

const char *text_time(char *buf, size_t size, int64_t wall_ns)
{
    time_t secs = wall_ns / 1000000000;
    char date[24];
    struct tm tm;

    if ( wall_ns < 0 || !gmtime_r(&secs, &tm) ||
         !strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm) )
        snprintf(buf, size, "?");
    else
        snprintf(buf, size, "%s.%09d UTC", date, (int)(wall_ns % 1000000000));
    return buf;
}

int text_number(const char *text, bool bytes, uint64_t *out)
{
    unsigned int shift = 0;
    char *end;

    if ( *text < '0' || *text > '9' )
        return -EINVAL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if ( errno )
        return -ERANGE;
    if ( bytes && *end )
    {
        const char *unit = strchr("KMG", *end);

        if ( !unit )
            return -EINVAL;
        shift = 10 * (unit - "KMG" + 1);
        end++;
    }
    if ( *end )
        return -EINVAL;
    if ( *out > UINT64_MAX >> shift )
        return -ERANGE;
    *out <<= shift;
    return 0;
}

int text_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {
        { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 },
        { "h", 3600e9 }, { "d", 86400e9 },
    };
    char *end;
    double n;

    if ( strspn(text, "0123456789.") == 0 || !strpbrk(text, "0123456789") )
        return -EINVAL;

    n = strtod(text, &end);
    for ( size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++ )
    {
        if ( strcmp(end, units[i].name) )
            continue;
        if ( !(n >= 0 && n * units[i].ns < 1e18) )
            return -EINVAL;
        *ns = n * units[i].ns + 0.5;
        return 0;
    }

    return -EINVAL;
}
