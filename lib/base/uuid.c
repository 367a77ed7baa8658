/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uuid.c: print and parse a domain's uuid.
 */

#include <errno.h>
#include <stdbool.h>

#include "lib/base/uuid.h"

/* Whether a hyphen precedes byte `i`. */
static bool is_group(unsigned int i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

const char *uuid_to_text(const uint8_t uuid[UUID_BYTES],
                         char text[UUID_TEXT_BYTES])
{
    static const char digit[] = "0123456789abcdef";
    char *at = text;

    for ( unsigned int i = 0; i < UUID_BYTES; i++ )
    {
        if ( is_group(i) )
            *at++ = '-';
        *at++ = digit[uuid[i] >> 4];
        *at++ = digit[uuid[i] & 0xf];
    }
    *at = '\0';
    return text;
}

/* The value of a hexadecimal digit, or -1. */
static int nibble(char c)
{
    if ( c >= '0' && c <= '9' )
        return c - '0';
    if ( c >= 'a' && c <= 'f' )
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Each character is tested before the next is read: a short text is safe. */
int uuid_from_text(const char *text, uint8_t uuid[UUID_BYTES])
{
    for ( unsigned int i = 0; i < UUID_BYTES; i++ )
    {
        int high, low;

        if ( is_group(i) && *text++ != '-' )
            return -EINVAL;
        high = nibble(*text);
        if ( high < 0 )
            return -EINVAL;
        low = nibble(text[1]);
        if ( low < 0 )
            return -EINVAL;
        uuid[i] = high << 4 | low;
        text += 2;
    }

    return 0;
}
