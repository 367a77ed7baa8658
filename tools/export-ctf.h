/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export-ctf.h: what the two halves of the CTF export agree on.
 *
 * Event ids in the trace:
 *   compact id                    the fields of the dictionary
 *   compact id + CTF_RAW          the same event, its payload as bare words: the
 *                                 record is shorter or longer than described
 *   CTF_UNKNOWN                   an event that the dictionary does not have
 */

#ifndef XENFLIGHT_EXPORT_CTF_H
#define XENFLIGHT_EXPORT_CTF_H

#include <stdio.h>

#include "tools/export.h"

#define CTF_UNKNOWN 1
#define CTF_RAW     XEN_FLIGHTREC_IDS
#define CTF_IDS     (2 * XEN_FLIGHTREC_IDS)

/* Bits of the integer that a field of that many bits is written as. */
static inline unsigned int ctf_width(unsigned int bits)
{
    return bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64;
}

struct ctf_meta {
    const struct export *x;
    uint8_t uuid[16];
    const bool *used;      /* ids that occur: only these are described */
};

/* The trace's description, in TSDL. */
void ctf_write_meta(FILE *to, const struct ctf_meta *meta);

#endif /* XENFLIGHT_EXPORT_CTF_H */
