/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * expr.h: filter expressions, like `reason==crash && dom==5'.
 *
 *   any  = all { "||" all }
 *   all  = not { "&&" not }
 *   not  = "!" not | "(" any ")" | test
 *   test = NAME [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "&" ) VALUE ]
 *
 * NAME is a field of records, or one that every record has: event, class, channel,
 * pcpu, ran (the domain that ran there), ran_vcpu.  A test of a field that the
 * record does not have is false for every operator.  NAME alone tests that it has
 * the field.  VALUE is a number (decimal or 0x...), a time ("10ms", in ns), or a
 * word: the name of a value, as `show' prints it, which may be a shell pattern; for
 * domains also a name or uuid.  A value with other characters than
 * A-Z a-z 0-9 _ . : * ? [ ] - must be in double quotes.
 *
 * The expression comes from the user, the names it is compared with from the file.
 * Depth and size are bounded.
 */

#ifndef XENFLIGHT_EXPR_H
#define XENFLIGHT_EXPR_H

#include "lib/format/doc.h"
#include "lib/read/lives.h"
#include "lib/read/merge.h"

#define EXPR_MAX_BYTES 4096
#define EXPR_MAX_TESTS 64
#define EXPR_MAX_DEPTH 32
#define EXPR_ERR_BYTES 200

struct expr;

/*
 * Return 0 with *out, which the caller must expr_free(), -EINVAL or -ENOMEM.  On
 * error @err (at least EXPR_ERR_BYTES) holds a printable reason with its position.
 */
int expr_parse(const char *text, struct expr **out, char *err, size_t bytes);
void expr_free(struct expr *e);

/*
 * Bind the names to a file.  @doc and @lives must outlive the binding.  If @lives
 * is NULL, all domains with the number of the named one match.  Return 0, or
 * -ENOENT with a reason in @err if the file has no such field, value or domain.
 */
int expr_resolve(struct expr *e, const struct doc *doc,
                 const struct lives *lives, char *err, size_t bytes);

/* Callers must have called expr_resolve(), and must not pass gaps. */
bool expr_match(const struct expr *e, const struct merge_record *rec);

#endif /* XENFLIGHT_EXPR_H */
