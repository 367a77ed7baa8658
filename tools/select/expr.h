/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * expr.h: filter expressions: `reason==crash && dom==5'.
 *
 *   any  = all { "||" all }
 *   all  = not { "&&" not }
 *   not  = "!" not | "(" any ")" | test
 *   test = NAME [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "&" ) VALUE ]
 *
 * NAME is a field of records, or one of those that every record has: event,
 * class, channel, pcpu, ran (the domain that ran there), ran_vcpu.  A test of a
 * field that the record does not have is false, whatever the operator; NAME
 * alone says that it has it.  VALUE is a number (decimal or 0x...), a time
 * ("10ms": in ns), or a word: the name of a value, as records show it, which may
 * be a shell pattern; for domains also a name or uuid.  What has other
 * characters than A-Z a-z 0-9 _ . : * ? [ ] - stands in double quotes.
 *
 * The text is the user's, the names it is held against are the file's.  Depth
 * and size are bounded.
 */

#ifndef XENFLIGHT_EXPR_H
#define XENFLIGHT_EXPR_H

#include "lib/format/doc.h"
#include "lib/read/merge.h"

#define EXPR_MAX_BYTES 4096
#define EXPR_MAX_TESTS 64
#define EXPR_MAX_DEPTH 32
#define EXPR_ERR_BYTES 200

struct expr;

/*
 * -EINVAL: `err` (printable, at least EXPR_ERR_BYTES) says what is wrong, and at
 * which character; -ENOMEM.
 */
int expr_parse(const char *text, struct expr **out, char *err, size_t bytes);
void expr_free(struct expr *e);

/*
 * Binds the names to a file, which must outlive it.  -ENOENT: it has no such
 * field, value or domain; `err` says which.
 */
int expr_resolve(struct expr *e, const struct doc *doc, char *err,
                 size_t bytes);

/* Only after expr_resolve(), and only of events, not gaps. */
bool expr_match(const struct expr *e, const struct merge_record *rec);

#endif /* XENFLIGHT_EXPR_H */
