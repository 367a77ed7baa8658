/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h: escape foreign text for output; print and parse sizes and times.
 *
 * Names and reasons come from guests and files.  A caller must escape them
 * before they reach a terminal or a log.
 */

#ifndef XENFLIGHT_TEXT_H
#define XENFLIGHT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size of a buffer that holds any escaped text of up to `n` bytes. */
#define TEXT_ROOM(n) (4 * (n) + 4)

/*
 * Copy `text` to `buf`, with the backslash and all but printable ASCII as
 * \xNN.  Text that does not fit is cut and ends in "...".  `bytes` must be at
 * least 8.  Return `buf`.
 */
const char *text_escape(char *buf, size_t bytes, const char *text);

/*
 * The same for `len` bytes, which may include NULs.  Characters in `also` are
 * escaped as well: logs quote their texts and pass "\"".
 */
const char *text_escape_bytes(char *buf, size_t bytes, const char *text,
                              size_t len, const char *also);

/*
 * Return the length of `text` without an incomplete UTF-8 character at its end, as
 * a cut after `bytes` bytes may leave it.
 */
size_t text_whole(const char *text, size_t bytes);

/* Print a size, as "1.5 MiB".  Return `buf`. */
const char *text_bytes(char *buf, size_t size, uint64_t bytes);

/*
 * Parse a decimal number; with `bytes`, a suffix K, M or G multiplies it by
 * 1024, 1024^2 or 1024^3.  Return 0, -EINVAL, or -ERANGE if it exceeds 64
 * bits.
 */
int text_number(const char *text, bool bytes, uint64_t *out);

/*
 * Print ns since 1970 as "2026-01-31 23:59:59.123456789 UTC", or "?" if it is
 * negative.  40 bytes are enough.  Return `buf`.
 */
const char *text_time(char *buf, size_t size, int64_t wall_ns);

/*
 * Parse a number with a unit: "100ms", "1.5s", "20us", "300ns", "2m", "12h",
 * "7d".  Return 0 with nanoseconds in *ns, or -EINVAL.
 */
int text_duration(const char *text, uint64_t *ns);

#endif /* XENFLIGHT_TEXT_H */
