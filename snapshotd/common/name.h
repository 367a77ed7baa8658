/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * name.h: names of snapshot files, built from numbers and parsed back.  No byte
 * that a guest wrote gets into one.
 */

#ifndef SNAPSHOTD_NAME_H
#define SNAPSHOTD_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <public/flightrec.h>

#include "lib/base/uuid.h"

/* Bytes of a name, the final NUL included. */
#define STORE_NAME 128

/* A cause beside XEN_FLIGHTREC_CAUSE_*: a request made by a guest. */
#define STORE_CAUSE_GUEST  XEN_FLIGHTREC_CAUSES
#define STORE_CAUSES       (XEN_FLIGHTREC_CAUSES + 1)

/* The parts of a file's name. */
struct store_id {
    uint64_t wall_s;       /* of the trigger, seconds since 1970 */
    uint8_t uuid[16];      /* of the domain; all 0 if there is none */
    uint32_t gen;
    uint8_t cause;         /* XEN_FLIGHTREC_CAUSE_* or STORE_CAUSE_GUEST */
    uint8_t again;         /* a count, for files of otherwise equal names */
    uint16_t _pad;
};

/* 20261121T214116Z-UUID-crash-g3[-AGAIN].xfr.lz4; any numbers are valid. */
void store_name(const struct store_id *id, char name[STORE_NAME]);
/*
 * The reverse, for a name followed by `suffix`.  Return false if store_name()
 * would not have built `name`.
 */
bool store_parse(const char *name, const char *suffix, struct store_id *id);

#define STORE_UUID UUID_TEXT_BYTES

/* A uuid as names spell it; "host" if all bytes are 0. */
void store_uuid(const uint8_t u[16], char text[STORE_UUID]);
/* A cause as names spell it; "unknown" beyond STORE_CAUSES. */
const char *store_cause(uint8_t cause);

/* Whether both name the same file. */
bool store_same(const struct store_id *a, const struct store_id *b);

#endif /* SNAPSHOTD_NAME_H */
