/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcpus.h: a table of the vCPUs that a snapshot's records name, with data of
 * the caller for each; decoding of runstate records.
 */

#ifndef XENFLIGHT_VCPUS_H
#define XENFLIGHT_VCPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/read/merge.h"

/* A hostile file can name any vCPU in any record.  Those beyond this number are
 * ignored. */
#define VCPUS_MAX 65536

#define VCPU_IDLE_DOMAIN 0x7fffU

struct vcpu {
    uint16_t domid, vcpu;
    uint32_t later;          /* as in struct life */
    void *data;              /* of the size given to vcpus_new(), zeroed */
};

struct vcpus;

/* Return NULL without memory.  vcpus_free() accepts NULL. */
struct vcpus *vcpus_new(size_t data_bytes);
void vcpus_free(struct vcpus *t);

/* Find or add a vCPU.  Return NULL without memory, or if there are too many. */
struct vcpu *vcpus_get(struct vcpus *t, uint32_t domid, uint32_t vcpu);
/* The same for an earlier life of the number; see lib/read/lives.h. */
struct vcpu *vcpus_get_life(struct vcpus *t, uint32_t domid, unsigned int later,
                            uint32_t vcpu);
/* Find a vCPU.  Return NULL if it is not in the table. */
struct vcpu *vcpus_find(const struct vcpus *t, uint32_t domid, uint32_t vcpu);
struct vcpu *vcpus_find_life(const struct vcpus *t, uint32_t domid,
                             unsigned int later, uint32_t vcpu);

/* vcpus_nth() is in order of domid, life and vCPU after vcpus_sort(). */
unsigned int vcpus_nr(const struct vcpus *t);
struct vcpu *vcpus_nth(const struct vcpus *t, unsigned int n);
void vcpus_sort(struct vcpus *t);
/*
 * Index of the first vCPU of a life of @domid in a sorted table, or where it would
 * be.
 */
unsigned int vcpus_first(const struct vcpus *t, uint32_t domid,
                         unsigned int later);

/* Runstates, as Xen numbers them. */
enum { RUNNING, RUNNABLE, BLOCKED, OFFLINE, RUNSTATES };

/* Names of the runstates, as Xen has them and in words. */
extern const char *const runstate_text[RUNSTATES];
extern const char *const runstate_words[RUNSTATES];

/* A decoded SCHED_RUNSTATE_CHANGE record. */
struct runstate_change {
    uint32_t domid, vcpu;
    uint8_t old, new;
};

/* Return false if @rec is not such a record, or a damaged one. */
bool runstate_of(const struct merge_record *rec, struct runstate_change *rc);

/* Xen gives a domain's number again to an unrelated domain. */
enum domain_life { LIFE_GOES_ON, LIFE_BEGINS, LIFE_ENDS };

/*
 * Return whether a record begins or ends a domain, and store which in @domid.
 */
enum domain_life domain_life_of(const struct merge_record *rec,
                                uint32_t *domid);

#endif /* XENFLIGHT_VCPUS_H */
