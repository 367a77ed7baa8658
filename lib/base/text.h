/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h: texts that others chose, made fit to print.
 */

#ifndef XENFLIGHT_TEXT_H
#define XENFLIGHT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any text of up to `n` bytes. */
#define TEXT_ROOM(n) (4 * (n) + 4)

/*
 * `text` with everything but printable ASCII, and the backslash, as \xNN; what
 * does not fit is replaced by "...".  Returns buf.  bytes >= 8.
 */
const char *text_escape(char *buf, size_t bytes, const char *text);

/*
 * The same for `len` bytes, which may include NULs.  The characters in `also`
 * are escaped too: logs quote their texts and pass "\"".
 */
const char *text_escape_bytes(char *buf, size_t bytes, const char *text,
                              size_t len, const char *also);

/* "1.5 MiB" */
const char *text_bytes(char *buf, size_t size, uint64_t bytes);

/*
 * A whole number, with K, M or G (1024 each) behind it if `bytes`.  -EINVAL, or
 * -ERANGE beyond 64 bits.
 */
int text_number(const char *text, bool bytes, uint64_t *out);

/* "2026-01-31 23:59:59.123456789 UTC"; up to 40 bytes. */
const char *text_time(char *buf, size_t size, int64_t wall_ns);

/*
 * "100ms", "1.5s", "20us", "300ns", "2m", "12h", "7d": a number with its unit.  -EINVAL.
 */
int text_duration(const char *text, uint64_t *ns);

#endif /* XENFLIGHT_TEXT_H */
