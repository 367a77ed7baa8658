/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.h: what a snapshot is about, in a few lines.
 *
 * First all records are looked at once: the accounts of all vCPUs, and marks,
 * the few records that say that something ended or began.  From these the rules
 * in explain-rules.c choose a subject: a vCPU, and what befell it.  Then the
 * records are looked at again, for what concerns the subject.
 *
 * A line says what was recorded, no more, and where: the time from the trigger
 * and the pCPU of the records it rests on.
 */

#ifndef XENFLIGHT_EXPLAIN_H
#define XENFLIGHT_EXPLAIN_H

#include "tools/account.h"
#include "tools/tool.h"

#define EXPLAIN_LINES      20
#define EXPLAIN_LINE_BYTES 512

/* What is looked at as "just before": so long before the end, in ns. */
#define EXPLAIN_TAIL_NS    100000000

enum mark_kind {
    MARK_CRASH,            /* FR_DOMAIN_CRASH */
    MARK_SHUTDOWN,         /* SCHED_SHUTDOWN: reason */
    MARK_ADD, MARK_REMOVE, /* a domain */
    MARK_CPU_UP, MARK_CPU_DOWN,
    MARKS,
};

struct mark {
    enum mark_kind kind;
    uint64_t tsc;
    uint16_t cpu;
    uint32_t domid, vcpu;  /* for a pCPU, domid is its number */
    uint64_t reason;
};

/* Which mark an event of that name is.  False: none. */
bool mark_find(const char *name, enum mark_kind *kind);

#define EXPLAIN_MARKS 64   /* the newest are kept */

/* What befell the subject. */
enum plot {
    PLOT_CRASH, PLOT_XEN_CRASH, PLOT_WATCHDOG, PLOT_TRIPLE, PLOT_VIRIDIAN,
    PLOT_CRASHED_BEFORE,   /* asked for, but somebody had crashed */
    PLOT_HUNG,             /* runs, and does not enter Xen */
    PLOT_STARVED,          /* wants to run, and is not let */
    PLOT_STORM,            /* makes one hypercall over and over */
    PLOT_DESTROYED,        /* removed without having ended by itself */
    PLOT_NOTHING,
};

/* Entries into Xen one after the other that are alike. */
struct episode {
    char what[96];
    uint64_t times, first, last;
    uint64_t handled, longest; /* ticks, until the guest went on; if known */
    uint64_t ends;             /* how often that is known */
    uint16_t cpu;
};

#define EXPLAIN_EPISODES 5

struct story {
    const struct source *src;
    struct accounts acc;
    struct mark mark[EXPLAIN_MARKS];
    uint64_t nr_marks;         /* ever */

    enum plot plot;
    uint32_t domid, vcpu;      /* the subject; domid MERGE_NO_DOMAIN: none */
    bool has_vcpu;
    uint16_t cpu;              /* where its last record is */
    const struct mark *cite;   /* the plot rests on it; NULL: on the accounts */

    /* Of the subject, up to the plot's moment. */
    uint64_t end;              /* TSC of that moment */
    uint64_t tail;             /* TSC: "just before" begins */
    struct episode episode[EXPLAIN_EPISODES];
    uint64_t nr_episodes;      /* ever */
    uint64_t open_exit;        /* TSC of an exit not yet handled */
    uint64_t ran_from;         /* began to run last; 0: before the recording */
    uint16_t ran_cpu;
    uint64_t waited;           /* ... after so many ticks of waiting */
    uint64_t before[XEN_FLIGHTREC_IDS], after[XEN_FLIGHTREC_IDS];
    struct vcpus *neighbours;  /* on its pCPU in the tail; uint64_t ticks */
    uint64_t cpu_last;         /* newest record of its pCPU */
    uint64_t dom0_ops[ACCOUNT_OPS]; /* in the tail */
    uint64_t dom0_last_domctl; /* TSC; 0: none */
    uint16_t dom0_domctl_cpu;

    char line[EXPLAIN_LINES][EXPLAIN_LINE_BYTES];
    unsigned int lines;
};

/* explain.c: reads.  -errno. */
int story_read(struct story *s, const struct source *src);
void story_free(struct story *s);

/* explain-rules.c: chooses the subject from accounts and marks. */
void story_choose(struct story *s);
/* Is it of the time that the story is about? */
bool story_recent(const struct story *s, const struct mark *m);
/* A vCPU that runs at the end has done so, without entering Xen, from here. */
uint64_t story_quiet_from(const struct story *s, const struct account *a);

/* explain-lines.c: writes the lines. */
void story_write(struct story *s);

/* The newest mark of a kind, of a domain or of any (MERGE_NO_DOMAIN). */
const struct mark *story_mark(const struct story *s, enum mark_kind kind,
                              uint32_t domid);

#endif /* XENFLIGHT_EXPLAIN_H */
