/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.h: what a snapshot is about, in a few lines.
 *
 * First all records are looked at once: the accounts of all vCPUs, and marks,
 * the few records that say that something ended or began.  From these the rules
 * in rules.c choose a subject: a vCPU, and what befell it.  Then the
 * records are looked at again, for what concerns the subject.
 *
 * A line says what was recorded, no more, and where: the time from the trigger
 * and the pCPU of the records it rests on.
 */

#ifndef XENFLIGHT_EXPLAIN_H
#define XENFLIGHT_EXPLAIN_H

#include "tools/stats/account.h"
#include "tools/base/source.h"

#define EXPLAIN_LINES      20
#define EXPLAIN_LIMITS     5   /* of them for what it cannot tell */
#define EXPLAIN_LINE_BYTES 512

/* What is looked at as "just before" a death: so long before it, in ns. */
#define EXPLAIN_TAIL_NS    100000000

/* What is looked at as "now" when somebody asks what is wrong: a recording can
 * be of minutes, of which the fault is the last second. */
#define EXPLAIN_NOW_NS     1000000000

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
    PLOT_STARVED,          /* wants to run, and others do */
    PLOT_CAPPED,           /* wants to run, and the scheduler parks it */
    PLOT_STORM,            /* makes one hypercall over and over */
    PLOT_DESTROYED,        /* removed without having ended by itself */
    PLOT_NOTHING,
};

/* Entries into Xen one after the other that are alike. */
struct episode {
    char what[96];
    enum kind kind;
    struct merge_record newest;
    uint64_t times, first, last;
    bool moved;                /* between pCPUs */
    uint64_t handled, longest; /* ticks, until the guest went on; if known */
    uint64_t ends;             /* how often that is known */
    uint16_t cpu;
};

#define EXPLAIN_EPISODES 5

/* A vCPU at a moment, and where the record of it is. */
struct deed {
    uint64_t tsc;              /* 0: there is none */
    uint16_t cpu;
    uint32_t domid, vcpu;
};

struct story {
    const struct source *src;
    struct accounts acc, now;  /* of all of the recording, of the end of it */
    int rc;                    /* of the latter */
    struct mark mark[EXPLAIN_MARKS];
    uint64_t nr_marks;         /* ever */

    enum plot plot;
    uint32_t domid, vcpu;      /* the subject; domid MERGE_NO_DOMAIN: none */
    bool has_vcpu;
    uint16_t cpu;              /* where its last record is */
    const struct mark *cite;   /* the plot rests on it; NULL: on the accounts */
    const struct accounts *rests; /* ... on these */

    /* Of the subject, up to the plot's moment. */
    uint64_t end;              /* TSC of that moment */
    uint64_t tail;             /* TSC: "just before" begins */
    uint64_t entered;          /* TSC of its newest entry into Xen; 0: none */
    struct deed sleep;         /* another domain stopped it, so the newest */
    struct episode episode[EXPLAIN_EPISODES];
    uint64_t nr_episodes;      /* ever */
    uint64_t open_exit;        /* TSC of an exit not yet handled */
    struct deed ran;           /* began to run last; 0: not in the recording */
    uint64_t ran_to;           /* ... until then; 0: to the end */
    uint64_t waited;           /* ... after so many ticks of waiting */
    uint64_t before[XEN_FLIGHTREC_IDS], after[XEN_FLIGHTREC_IDS];
    struct vcpus *neighbours;  /* on its pCPU in the tail; uint64_t ticks */
    struct deed cpu_last;      /* newest record of its pCPU, who ran */
    uint64_t dom0_ops[ACCOUNT_OPS]; /* in the tail */
    uint64_t dom0_calls;       /* ... all of them */
    struct deed domctl;        /* Dom0's newest */

    unsigned int room;         /* lines that may be written */
    char line[EXPLAIN_LINES][EXPLAIN_LINE_BYTES];
    unsigned int lines;
};

/* explain.c: reads.  -errno. */
int story_read(struct story *s, const struct source *src);
void story_free(struct story *s);

/* rules.c: chooses the subject from accounts and marks. */
void story_choose(struct story *s);
/* How long a vCPU was kept from running, though it had something to do. */
uint64_t story_kept(const struct account *a);
/* Is it of the time that the story is about? */
bool story_recent(const struct story *s, const struct mark *m);
/* Does it live by its parks? */
bool story_parked(const struct account *a);

/* lines.c: writes the lines. */
void story_write(struct story *s);

/* first.c: the first of them. */
void story_first(struct story *s);

/* The newest mark of a kind, of a domain or of any (MERGE_NO_DOMAIN). */
const struct mark *story_mark(const struct story *s, enum mark_kind kind,
                              uint32_t domid);

#endif /* XENFLIGHT_EXPLAIN_H */
