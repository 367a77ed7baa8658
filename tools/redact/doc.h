/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* impl.h: what the parts of redact share. */

#ifndef XENFLIGHT_REDACT_IMPL_H
#define XENFLIGHT_REDACT_IMPL_H

#include "tools/redact/redact.h"

/* On the trigger's clock; all but the window's bounds are times of kept records. */
struct redact_facts {
    uint64_t window_from, window_to; /* where the file has everything */
    uint64_t from_tsc, to_tsc; /* first and last record within; 0: none */
    uint64_t last_tsc;
    bool is_trigger;           /* the trigger was the domain's */
    uint64_t tsc;              /* that times are counted from */
};

/* Zeroes all but the window. */
void redact_ask_window(const struct doc *d, struct redact_facts *f);
/* The step of the records' stamps. */
uint8_t redact_shift(const struct doc *d);
/* The meta document; free() it.  -ENOMEM. */
int redact_meta(const struct source *src, uint32_t domid,
                const struct redact_facts *f, char **text);

#endif /* XENFLIGHT_REDACT_IMPL_H */
