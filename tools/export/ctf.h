/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ctf.h: the interface between the two files of the CTF export.
 */

#ifndef XENFLIGHT_EXPORT_CTF_H
#define XENFLIGHT_EXPORT_CTF_H

#include <stdio.h>

#include "lib/read/ctf.h"
#include "tools/export/export.h"

struct ctf_meta {
    const struct export *x;
    uint8_t uuid[16];
    struct ctf_class *const *class; /* by id; NULL if the event is absent */
};

/* Write the trace's description in TSDL.  The caller must check ferror(). */
void ctf_write_meta(FILE *to, const struct ctf_meta *meta);

#endif /* XENFLIGHT_EXPORT_CTF_H */
