/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doc.h: the meta document of a redacted snapshot.
 */

#ifndef XENFLIGHT_REDACT_DOC_H
#define XENFLIGHT_REDACT_DOC_H

#include "tools/base/source.h"

#define REDACT_OTHER DOC_OTHER

/* TSCs on the trigger's clock.  All but the window are those of kept records. */
struct redact_facts {
    uint64_t window_from, window_to; /* where the input is complete */
    uint64_t from_tsc, to_tsc; /* first and last in the window; 0: none */
    uint64_t last_tsc;
    bool is_trigger;           /* the trigger names the domain */
    uint64_t tsc;              /* of the trigger; origin of relative times */
};

/* Set the window from the document, and zero the rest. */
void redact_get_window(const struct doc *d, struct redact_facts *f);
/* Return the shift of the records' stamps. */
uint8_t redact_shift(const struct doc *d);
/*
 * Build the document.  @life as in redact().  The caller must free() *text.
 * Return 0 or -ENOMEM.
 */
int redact_meta(const struct source *src, uint32_t domid,
                const struct life *life, const struct redact_facts *f,
                char **text);

#endif /* XENFLIGHT_REDACT_DOC_H */
