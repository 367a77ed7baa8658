/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event-names.c: look up tables, values and fields by name or number.
 *
 * A leaf: the other event*.c files use this one, and it uses none of them.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/format/event-impl.h"

int event_bad(const struct event_err *err, const char *fmt, ...)
{
    va_list ap;

    if ( err->bytes )
    {
        va_start(ap, fmt);
        vsnprintf(err->text, err->bytes, fmt, ap);
        va_end(ap);
    }

    return -EBADMSG;
}

bool event_is_word(const char *s, size_t max)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return len && len < max && !s[len];
}

const char *event_enum_name(const struct event_enum *names)
{
    return names->name;
}

const char *event_enum_row(const struct event_enum *names, unsigned int i,
                           uint64_t *value)
{
    if ( !names || i >= names->nr )
        return NULL;

    *value = names->values[i].value;
    return names->values[i].name;
}

const struct event_enum *event_enum_find(const struct event_dict *dict,
                                         const char *name)
{
    for ( unsigned int i = 0; i < dict->nr_enums; i++ )
        if ( !strcmp(dict->enums[i].name, name) )
            return &dict->enums[i];

    return NULL;
}

const char *event_value_name(const struct event_enum *names, uint64_t value)
{
    unsigned int lo = 0, hi;

    if ( !names )
        return NULL;

    /* Most tables start with 0, 1, 2, ..., so the value is often its index. */
    if ( value < names->nr && names->values[value].value == value )
        return names->values[value].name;

    for ( hi = names->nr; lo < hi; )
    {
        unsigned int mid = lo + (hi - lo) / 2;

        if ( names->values[mid].value == value )
            return names->values[mid].name;
        if ( names->values[mid].value < value )
            lo = mid + 1;
        else
            hi = mid;
    }

    return NULL;
}

int event_field_index(const struct event_desc *desc, const char *name)
{
    for ( unsigned int i = 0; i < desc->nr_fields; i++ )
        if ( !strcmp(desc->field[i].name, name) )
            return i;

    return -1;
}
