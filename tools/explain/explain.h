/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.h: the likely fault that a snapshot shows, in at most 20 lines.
 *
 * The records are read twice.  The first pass makes the accounts of all vCPUs
 * and keeps the marks, the few records at which something began or ended.
 * From these rules.c chooses the verdict and its subject, a vCPU.  The second
 * pass collects the records that concern the subject.
 *
 * A line states only facts that were recorded.  Its end cites them: the time
 * from the trigger and the pCPU of the records, to look up with show.
 */

#ifndef XENFLIGHT_EXPLAIN_H
#define XENFLIGHT_EXPLAIN_H

#include "tools/base/source.h"
#include "tools/stats/account.h"
#include "tools/stats/marks.h"

#define EXPLAIN_LINES      20
#define EXPLAIN_LIMITS     5   /* of them reserved for what is not recorded */
#define EXPLAIN_LINE_BYTES 512

/* "Just before" a death: the tail of the recording that is compared with the
 * rest of it, in ns. */
#define EXPLAIN_TAIL_NS    100000000

/* "Now" for a snapshot taken on request, in ns.  A recording can hold minutes,
 * but the fault that made the operator ask is in its last second. */
#define EXPLAIN_NOW_NS     1000000000

enum verdict {
    VERDICT_CRASH, VERDICT_XEN_CRASH, VERDICT_WATCHDOG, VERDICT_TRIPLE,
    VERDICT_VIRIDIAN,
    VERDICT_CRASHED_BEFORE, /* a request, but a domain had crashed before */
    VERDICT_HUNG,          /* runs without a VM exit, trap or hypercall */
    VERDICT_STARVED,       /* runnable, but other vCPUs have the pCPU */
    VERDICT_CAPPED,        /* runnable, but its cap parks it */
    VERDICT_STORM,         /* repeats one hypercall in a loop */
    VERDICT_EXIT_STORM,    /* is in Xen for most of its time */
    VERDICT_SPINS,         /* runs at one address, without exits of its own */
    VERDICT_STUCK,         /* an exit that Xen does not finish */
    VERDICT_DESTROYED,     /* removed by another domain */
    VERDICT_NOTHING,
};

/* Consecutive entries into Xen for the same reason. */
struct episode {
    char name[96];
    enum kind kind;
    struct merge_record newest;
    uint64_t times, first, last; /* first, last: TSC */
    bool moved;                /* between pCPUs */
    uint64_t handled, longest; /* ticks in Xen: sum, maximum */
    uint64_t ends;             /* entries whose return to the guest is known */
    uint16_t cpu;              /* of the newest */
};

#define EXPLAIN_EPISODES 5

/* A record that concerns a vCPU: when and on which pCPU. */
struct moment {
    uint64_t tsc;              /* 0 if there is none */
    uint16_t cpu;
    uint32_t domid, vcpu;
};

struct explain {
    const struct source *src;
    struct accounts acc, now;  /* of the whole recording, of its last second */
    int rc;                    /* of making @now */
    struct marks marks;

    enum verdict verdict;
    uint32_t domid, vcpu;      /* the subject; MERGE_NO_DOMAIN if none */
    bool has_vcpu;
    uint16_t cpu;              /* pCPU of its last record */
    const struct mark *cite;   /* record behind the verdict, or NULL */
    const struct accounts *basis; /* accounts behind the verdict, or NULL */

    /* Of the subject, in the life that the verdict is about, up to the end. */
    uint64_t from;             /* TSC: creation of its domain, or 0 */
    unsigned int later;        /* as in struct life */
    uint64_t end;              /* TSC: its death, or the end of the recording */
    uint64_t tail;             /* TSC where "just before" begins */
    uint64_t entered;          /* TSC of its newest entry into Xen, or 0 */
    struct moment sleep;       /* newest SCHED_SLEEP caused by another domain */
    struct episode episode[EXPLAIN_EPISODES];
    uint64_t nr_episodes;      /* ever */
    uint64_t open_exit;        /* TSC of an exit without a VM entry yet, or 0 */
    struct moment ran;         /* when it last began to run */
    uint64_t ran_to;           /* TSC when that ended, 0 if it did not */
    uint64_t ready;            /* TSC since when it is runnable, or 0 */
    uint64_t waited;           /* ticks it was runnable before that */
    /* Records of each event, before and after @tail. */
    uint64_t before[XEN_FLIGHTREC_IDS], after[XEN_FLIGHTREC_IDS];
    struct vcpus *neighbours;  /* data: uint64_t ticks on @cpu after @tail */
    struct moment cpu_last;    /* newest record of @cpu, and who ran */
    uint64_t dom0_ops[ACCOUNT_OPS]; /* hypercalls of Dom0 after @tail */
    uint64_t dom0_calls;       /* sum of those, and of unknown numbers */
    struct moment domctl;      /* newest domctl of Dom0 */


    unsigned int room;         /* lines that may be written yet */
    char line[EXPLAIN_LINES][EXPLAIN_LINE_BYTES];
    unsigned int lines;
};

/*
 * explain.c: read the records and choose the verdict.  @src must outlive @x.
 * Return 0, or -errno with nothing left to free.
 */
int explain_read(struct explain *x, const struct source *src);
void explain_free(struct explain *x);

/* rules.c: choose verdict and subject from accounts and marks. */
void explain_choose(struct explain *x);
/* Return the file's name of an exit reason, or NULL. */
const char *explain_exit_name(const struct explain *x, uint64_t reason);
/* Ticks for which a vCPU had work but did not run: runnable, or parked. */
uint64_t explain_kept(const struct account *a);
/* Whether a mark is of the time that the verdict is about. */
bool explain_is_recent(const struct explain *x, const struct mark *m);
/* Whether the scheduler parks the vCPU for most of the time it is not run. */
bool explain_is_parked(const struct account *a);

/* lines.c: write x->line[0] to x->line[x->lines - 1]. */
void explain_write(struct explain *x);

/* first.c: write the first line, the verdict. */
void explain_write_first(struct explain *x);

#endif /* XENFLIGHT_EXPLAIN_H */
