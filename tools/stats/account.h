/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * account.h: what each vCPU did over a stretch of a recording: how long it was
 * in which runstate, how often it entered Xen, how long it waited to run.
 *
 * The stretch begins no earlier than all pCPUs are there, and ends no later (see
 * source_common_start()), so a vCPU that changes its runstate is seen to, and
 * the first change says what it was since the begin.  Where a change does not
 * fit the one before, or records are missing between the two, the time between
 * is `unknown`.
 */

#ifndef XENFLIGHT_ACCOUNT_H
#define XENFLIGHT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/base/source.h"
#include "tools/stats/vcpus.h"

/* What a record is about, as far as readers count it. */
enum kind {
    KIND_OTHER,
    KIND_RUNSTATE,
    KIND_HYPERCALL,    /* of a PV guest, or an HVM one's VMMCALL */
    KIND_SUBCALL,      /* part of a multicall: no entry into Xen of its own */
    KIND_EXIT,         /* of an HVM guest */
    KIND_ENTRY,        /* ... and back */
    KIND_TRAP,         /* a PV guest's trap, fault or privileged instruction */
    KIND_IO,           /* port, memory-mapped register, grant */
    KIND_SLEEP,        /* somebody, or itself, takes a vCPU from running */
};

/* Remembers the answer for a dictionary's ids. */
struct kinds {
    int8_t of[XEN_FLIGHTREC_IDS]; /* kind + 1; 0: not asked yet */
};

enum kind kind_of(struct kinds *k, const struct merge_record *rec);

/* Does a record of this kind tell that a guest entered Xen? */
bool kind_enters(enum kind kind, const struct merge_record *rec);

/* A field by name, as a number.  False: the record does not have it. */
bool field_of(const struct merge_record *rec, const char *name,
              uint64_t *value);

/* Times: 16 steps an octave, so at most 1 in 16 too low. */
#define TIMES_STEPS 16
#define TIMES_SLOTS (64 * TIMES_STEPS)

struct times {
    uint64_t nr, max;
    uint32_t slot[TIMES_SLOTS];
};

void times_add(struct times *t, uint64_t time);
/* The rank-th shortest, from 1 on, at most 1 in 16 too low; 0: there is none. */
uint64_t times_rank(const struct times *t, uint64_t rank);
/* `part` of 1000 are no longer than this; 0: there are none. */
uint64_t times_part(const struct times *t, unsigned int part);
void times_merge(struct times *to, const struct times *from);
/* The least time that is counted in a slot. */
uint64_t times_slot_begin(unsigned int slot);

/* Hypercalls that are counted by number. */
#define ACCOUNT_OPS 64

struct account {
    uint64_t ticks[RUNSTATES];
    uint64_t unknown;      /* ticks */
    uint64_t hypercalls;
    uint64_t entries;      /* into Xen: exits, traps, hypercalls */
    uint64_t exits;        /* of an HVM guest only */
    uint64_t io;
    uint64_t ops[ACCOUNT_OPS]; /* ... the hypercalls by number */
    uint64_t runs;         /* began to run */
    uint64_t last_entry;   /* TSC; 0: none */
    uint64_t quiet;        /* ticks that it ran since then, or in all */
    uint64_t longest;      /* ticks that it was runnable at a stretch */
    uint64_t longest_tsc;  /* when that began */
    uint64_t parks;        /* times that the scheduler let it run no more, though
                            * nobody had asked for that: its cap */
    struct times *waits;   /* from the wake-up until it ran, ticks; may be
                            * NULL: it never did */
    /* While it is being made. */
    bool changed, seen;
    uint8_t state;         /* at the end, if it changed */
    uint16_t cpu;          /* where its newest record is */
    uint64_t since, woken; /* woken: 0: it was not */
    uint64_t slept;        /* TSC of the newest KIND_SLEEP */
};

struct accounts {
    uint64_t from, to;     /* the stretch */
    bool cut;              /* it ends before the records do */
    uint64_t records, missing, gaps;
    uint64_t last_gap;     /* 0: none yet */
    struct kinds kinds;
    struct vcpus *vcpus;   /* their data: struct account */
};

/* Is shown each record and gap of the file, those before the stretch too. */
typedef void (*account_see)(void *arg, const struct merge_record *rec);

/* On the trigger's clock, both ends in it. */
struct stretch {
    uint64_t from, to;
};

#define STRETCH_ALL ((struct stretch){ 0, UINT64_MAX })

/*
 * At most the stretch `in`; a->from == a->to: nothing of it has all pCPUs.  `see`
 * may be NULL.  Prints nothing.  -errno.
 */
int accounts_make(const struct source *src, struct stretch in,
                  struct accounts *a, account_see see, void *arg);
void accounts_free(struct accounts *a);

/*
 * The same in three steps, for who reads the records anyway: records and gaps in
 * the order of a merge, those outside of the stretch are left out.
 */
int accounts_begin(const struct source *src, struct stretch in,
                   struct accounts *a);
int accounts_add(struct accounts *a, const struct merge_record *rec);
void accounts_end(struct accounts *a);

/* Is a record or gap in the stretch? */
bool accounts_has(const struct accounts *a, const struct merge_record *rec);

/* Adds a vCPU's to the sum of several; its waits to `waits`. */
void account_add(struct account *sum, struct times *waits,
                 const struct account *v);

#endif /* XENFLIGHT_ACCOUNT_H */
