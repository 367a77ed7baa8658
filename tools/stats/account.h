/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * account.h: accounts of the vCPUs over a stretch of a recording: time in each
 * runstate, entries into Xen, waits to run.
 *
 * The file holds all pCPUs over the whole stretch (see source_common_start()).
 * So each runstate change in it is recorded, and the first change of a vCPU
 * gives its state since the begin.  Where a change contradicts the one before,
 * or records are missing between the two, the time between is `unknown`.
 */

#ifndef XENFLIGHT_ACCOUNT_H
#define XENFLIGHT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/base/source.h"
#include "tools/stats/vcpus.h"

/* Classes of events that the accounts distinguish. */
enum kind {
    KIND_OTHER,
    KIND_RUNSTATE,
    KIND_HYPERCALL,    /* of a PV guest, or an HVM one's VMMCALL */
    KIND_SUBCALL,      /* part of a multicall: no entry into Xen of its own */
    KIND_EXIT,         /* of an HVM guest */
    KIND_ENTRY,        /* VM entry: an HVM guest continues */
    KIND_TRAP,         /* a PV guest's trap, fault or privileged instruction */
    KIND_IO,           /* port, memory-mapped register, grant */
    KIND_NPF,          /* nested page fault: details of an exit */
    KIND_SLEEP,        /* a vCPU is made to sleep, by itself or a domctl */
};

/* Cache of the kinds of a dictionary's ids; zeroed memory is empty. */
struct kinds {
    int8_t of[XEN_FLIGHTREC_IDS]; /* kind + 1; 0 if not looked up yet */
};

enum kind kind_of(struct kinds *k, const struct merge_record *rec);

/* Whether a record of this kind is made when a guest enters Xen. */
bool kind_enters(enum kind kind, const struct merge_record *rec);

/* Get a field by name.  Return false if the record does not have it. */
bool field_of(const struct merge_record *rec, const char *name,
              uint64_t *value);
/* The same, but of a composed value only the code: see event_value_code(). */
bool code_of(const struct merge_record *rec, const char *name,
             uint64_t *value);

/* A histogram of times with 16 steps an octave: values read back are at most
 * 1/16 too low. */
#define TIMES_STEPS 16
#define TIMES_SLOTS (64 * TIMES_STEPS)

struct times {
    uint64_t nr, max;
    uint32_t slot[TIMES_SLOTS];
};

void times_add(struct times *t, uint64_t time);
/* Return the rank-th shortest time, counted from 1, or 0 if there is none. */
uint64_t times_rank(const struct times *t, uint64_t rank);
/* Return the time that @part of 1000 do not exceed, or 0 if there are none. */
uint64_t times_part(const struct times *t, unsigned int part);
/* @from may be NULL. */
void times_merge(struct times *to, const struct times *from);
/* Return the least time that is counted in a slot. */
uint64_t times_slot_begin(unsigned int slot);

/* Hypercalls with a number below this are counted by number. */
#define ACCOUNT_OPS 64

/*
 * The value that more than half of all values have, if there is one (Boyer and
 * Moore's majority vote).  At least @votes of them have it.
 */
struct majority {
    uint64_t value, votes;
};

struct account {
    uint64_t ticks[RUNSTATES];
    uint64_t unknown;      /* ticks */
    uint64_t hypercalls;
    uint64_t entries;      /* into Xen: exits, traps, hypercalls */
    uint64_t exits;        /* of an HVM guest only */
    uint64_t io;
    uint64_t ops[ACCOUNT_OPS]; /* hypercalls by number */
    uint64_t runs;         /* changes to running */
    uint64_t in_xen;       /* ticks from exits to VM entries, while running */
    struct majority reason; /* of the exits */
    struct majority rip;   /* of the exits */
    uint64_t npfs;         /* nested page faults with a guest-physical address */
    struct majority gpa;   /* of these */
    uint64_t last_entry;   /* TSC of the newest entry into Xen, or 0 */
    uint64_t quiet;        /* ticks it ran since then, or in all */
    uint64_t longest;      /* ticks of the longest time runnable */
    uint64_t longest_tsc;  /* TSC where that began */
    uint64_t parks;        /* times it went offline without KIND_SLEEP */
    struct times *waits;   /* ticks from wake-up to running, or NULL */
    /* State while records are added. */
    bool changed, seen;    /* has a runstate change; has a record of its own */
    uint16_t ran_cpu;      /* pCPU of the newest of the latter */
    uint8_t state;         /* newest, valid if changed */
    uint16_t cpu;          /* pCPU of its newest record */
    uint64_t since;        /* TSC of the newest change */
    uint64_t woken;        /* TSC of a wake-up that did not run yet, or 0 */
    uint64_t slept;        /* TSC of the newest KIND_SLEEP */
    uint64_t open;         /* TSC: in Xen and running since then, or 0 */
    bool in_exit;          /* the newest exit has no VM entry yet */
};

struct accounts {
    uint64_t from, to;     /* TSC: the stretch, both ends included */
    bool cut;              /* records after @to are left out */
    bool redacted;         /* DOC_OTHER stands for many vCPUs: no account */
    uint8_t others[(UINT16_MAX + 1) / 8]; /* bit set: DOC_OTHER ran on the pCPU */
    uint64_t records, missing, gaps;
    uint64_t last_gap;     /* TSC, or 0 */
    struct kinds kinds;
    const struct lives *lives; /* of the source, or NULL */
    struct vcpus *vcpus;   /* one for each life; data: struct account */
};

/* Called for each record and gap of the file, also for those before the
 * stretch. */
typedef void (*account_visit)(void *arg, const struct merge_record *rec);

/* TSCs on the trigger's clock, both ends included. */
struct stretch {
    uint64_t from, to;
};

#define STRETCH_ALL ((struct stretch){ 0, UINT64_MAX })

/*
 * Make the accounts of the part of @in that all pCPUs have.  If there is no
 * such part, a->from == a->to.  @visit may be NULL.
 *
 * Return 0, or -errno with nothing left to free.  The caller must call
 * accounts_free().
 */
int accounts_make(const struct source *src, struct stretch in,
                  struct accounts *a, account_visit visit, void *arg);
void accounts_free(struct accounts *a);

/*
 * The same in steps, for a caller that walks the records itself.  Records and
 * gaps must be added in time order; those outside of the stretch are ignored.
 */
int accounts_begin(const struct source *src, struct stretch in,
                   struct accounts *a);
int accounts_add(struct accounts *a, const struct merge_record *rec);
void accounts_end(struct accounts *a);

/* Whether a record or gap is in the stretch. */
bool accounts_has(const struct accounts *a, const struct merge_record *rec);

/* Add a vCPU's account to @sum and its waits to @waits. */
void account_add(struct account *sum, struct times *waits,
                 const struct account *v);

#endif /* XENFLIGHT_ACCOUNT_H */
