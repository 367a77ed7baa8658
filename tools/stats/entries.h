/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entries.h: what domains entered Xen for, how often, and how long Xen had them:
 * exits of HVM guests by reason, hypercalls of all by number.
 *
 * How long is known of an exit whose vCPU is next seen going back into its
 * guest: between the two nothing is missing, and it did not wait for a pCPU or
 * for an event.  A hypercall of an HVM guest takes as long as its exit; Xen does
 * not record the end of a PV guest's.
 */

#ifndef XENFLIGHT_ENTRIES_H
#define XENFLIGHT_ENTRIES_H

#include <stdint.h>

#include "tools/stats/account.h"

/* A hostile file may have any code: more than these are left out. */
#define ENTRIES_MAX 2048

enum entry_kind { ENTRY_EXIT, ENTRY_HYPERCALL, ENTRY_KINDS };

/* Of all vCPUs of a domain. */
struct entry {
    enum entry_kind kind;
    uint32_t domid;
    uint64_t code;             /* the exit's reason, the hypercall's number */
    uint64_t nr;
    struct times times;        /* ns; of those whose end is known */
};

struct entries {
    const struct doc *doc;
    struct entry *entry[ENTRIES_MAX]; /* by kind, domid and code */
    unsigned int nr;
    uint64_t left_out[ENTRY_KINDS]; /* no room, or the record has no code */
    struct vcpus *vcpus;       /* those that are in Xen */
};

/* `doc` must outlive it.  -ENOMEM: there is nothing to free. */
int entries_init(struct entries *e, const struct doc *doc);
void entries_free(struct entries *e);

/*
 * The next record or gap of the file, whatever it is.  One that does not `count`
 * is no entry, but ends or hides one.
 */
void entries_take(struct entries *e, const struct merge_record *rec,
                  enum kind kind, bool count);

/* What it is for, as the file names it; NULL: it has only a number. */
const char *entry_name(const struct entry *e, const struct doc *doc);

#endif /* XENFLIGHT_ENTRIES_H */
