/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcpus.h: a table of the vCPUs that a snapshot's records name, each with room
 * for what its user keeps of it; and what a runstate record says.
 */

#ifndef XENFLIGHT_VCPUS_H
#define XENFLIGHT_VCPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/read/merge.h"

/* A file can name any vCPU in any record: more than these are ignored. */
#define VCPUS_MAX 65536

#define VCPU_IDLE_DOMAIN 0x7fffU

struct vcpu {
    uint16_t domid, vcpu;
    void *data;              /* zeroed, of the size that vcpus_new() was told */
};

struct vcpus;

struct vcpus *vcpus_new(size_t data_bytes);
void vcpus_free(struct vcpus *t);

/* Finds or adds.  NULL: no memory, or too many. */
struct vcpu *vcpus_get(struct vcpus *t, uint32_t domid, uint32_t vcpu);

/* How many; the n-th in order of domain and vCPU, after vcpus_sort(). */
unsigned int vcpus_nr(const struct vcpus *t);
struct vcpu *vcpus_nth(const struct vcpus *t, unsigned int n);
void vcpus_sort(struct vcpus *t);

/* Runstates, as Xen numbers them. */
enum { RUNNING, RUNNABLE, BLOCKED, OFFLINE, RUNSTATES };

extern const char *const runstate_text[RUNSTATES];

/* What a record of the dictionary's SCHED_RUNSTATE_CHANGE says. */
struct runstate_change {
    uint32_t domid, vcpu;
    uint8_t old, new;
};

/* False: it is no such record, or a damaged one. */
bool runstate_of(const struct merge_record *rec, struct runstate_change *rc);

/*
 * A number is given again: to a domain that has nothing to do with the one that
 * had it.
 */
enum domain_life { LIFE_GOES_ON, LIFE_BEGINS, LIFE_ENDS };

/* Whose, if it is not LIFE_GOES_ON, is in *domid. */
enum domain_life domain_life_of(const struct merge_record *rec,
                                uint32_t *domid);

#endif /* XENFLIGHT_VCPUS_H */
