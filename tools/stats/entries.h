/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entries.h: domains' entries into Xen: exits of HVM guests by reason,
 * hypercalls of all guests by number, how often and how long.
 *
 * The duration of an exit is known if the next record of its vCPU's state is
 * the VM entry: no record is missing between the two, and the vCPU did not
 * wait for a pCPU or an event.  A hypercall of an HVM guest takes as long as
 * its exit.  Of a PV guest's hypercall Xen does not record the end.
 */

#ifndef XENFLIGHT_ENTRIES_H
#define XENFLIGHT_ENTRIES_H

#include <stdint.h>

#include "tools/stats/account.h"

/* A hostile file may hold any code.  Entries beyond this number of codes are
 * counted in left_out only. */
#define ENTRIES_MAX 2048

enum entry_kind { ENTRY_EXIT, ENTRY_HYPERCALL, ENTRY_KINDS };

/* Sum over all vCPUs of a domain. */
struct entry_sum {
    enum entry_kind kind;
    uint32_t domid;
    unsigned int later;        /* as in struct life */
    uint64_t code;             /* exit reason or hypercall number */
    uint64_t nr;
    struct times times;        /* ns, of entries whose end is known */
};

struct entries {
    const struct doc *doc;
    const struct lives *lives;
    struct entry_sum *entry[ENTRIES_MAX]; /* by kind, domid, life, code */
    unsigned int nr;
    uint64_t left_out[ENTRY_KINDS]; /* no room, or the record has no code */
    struct entry_sum want;     /* scratch: too large for the stack */
    struct vcpus *vcpus;       /* data: the entry that a vCPU is in */
    uint64_t gaps;             /* met so far */
};

/*
 * @doc and @lives, which may be NULL, must outlive @e.  Return 0, or -ENOMEM
 * with nothing left to free.
 */
int entries_init(struct entries *e, const struct doc *doc,
                 const struct lives *lives);
void entries_free(struct entries *e);

/*
 * Must be called for every record and gap of the file in time order.  With
 * @count false a record is not counted as an entry, but it still ends one.
 */
void entries_take(struct entries *e, const struct merge_record *rec,
                  enum kind kind, bool count);

/* Return the file's name for the reason or hypercall, or NULL. */
const char *entry_name(const struct entry_sum *e, const struct doc *doc);

#endif /* XENFLIGHT_ENTRIES_H */
