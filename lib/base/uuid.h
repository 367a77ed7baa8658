/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uuid.h: print and parse a domain's uuid.
 *
 * The 16 bytes are in the order of the text, as Xen keeps a domain's handle.
 */

#ifndef XENFLIGHT_UUID_H
#define XENFLIGHT_UUID_H

#include <stdint.h>

#define UUID_BYTES       16
/* "0d13f592-31db-41cf-9d4a-b67a36dd7826" and a NUL. */
#define UUID_TEXT_BYTES  37

/* Print `uuid` in lower case.  Return `text`. */
const char *uuid_to_text(const uint8_t uuid[UUID_BYTES],
                         char text[UUID_TEXT_BYTES]);

/*
 * Parse the uuid that `text` starts with; either case is accepted, and
 * anything may follow.  Return 0, or -EINVAL if the 36 characters are no uuid;
 * `uuid` is then undefined.
 */
int uuid_from_text(const char *text, uint8_t uuid[UUID_BYTES]);

#endif /* XENFLIGHT_UUID_H */
