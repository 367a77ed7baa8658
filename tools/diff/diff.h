/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff.h: what changed from one recording, A, to another, B; or from one part of
 * a recording to the next.
 *
 * Both are read once, each over the stretch that all its pCPUs have.  What was
 * counted stands in rows: what it is, by name, and whose.  Numbers mean nothing
 * across files: an event's compact id, a domain's, an exit's reason may be
 * something else in each.  So there is one table of names and one of domains
 * (domains.c) for both, and a row has a count of each side.  Then the rows
 * are judged (judge.c) into sections, the most remarkable first, and
 * printed.
 *
 * A record is of the domain that it names first, else of that which ran there:
 * what wakes a domain is of the one that wakes.
 *
 * Memory: a row for each kind of event, exit or hypercall of each domain, at
 * most DIFF_ROWS of them.
 */

#ifndef XENFLIGHT_DIFF_H
#define XENFLIGHT_DIFF_H

#include "tools/stats/account.h"
#include "tools/diff/score.h"
#include "tools/stats/entries.h"
#include "tools/select/filter.h"
#include "tools/base/source.h"

enum { DIFF_A, DIFF_B, DIFF_SIDES };

/* A hostile file can have any: what is beyond is counted as left out. */
#define DIFF_DOMAINS 4096
#define DIFF_NAMES   8192
#define DIFF_ROWS    32768
#define DIFF_DOMIDS  65536
#define DIFF_CPUS    65536

/* By what a domain of A was found to be one of B. */
enum diff_match {
    DIFF_SAME,                 /* uuid; Dom0, idle; or both are one file */
    DIFF_BY_NAME,              /* another uuid, or none */
    DIFF_BY_NUMBER,            /* of one file more is not known */
};

struct diff_domain {
    bool known[DIFF_SIDES];    /* to the document, or by a record */
    bool in[DIFF_SIDES];       /* and not gone, or records are of it */
    uint32_t domid[DIFF_SIDES]; /* its newest; MERGE_NO_DOMAIN: nobody known */
    const char *name;          /* of a document: escape; "": not known */
    const char *uuid[DIFF_SIDES];
    enum diff_match match;
    unsigned int vcpus[DIFF_SIDES]; /* of which something is known */
    /* Of a pCPU, all its vCPUs; as in that part of the time which is known. */
    double percent[DIFF_SIDES][RUNSTATES];
    double unknown[DIFF_SIDES]; /* the rest; percent of the vCPUs' time */
};

/* What a row counts. */
enum diff_kind {
    DIFF_EVENT, DIFF_EXIT, DIFF_HYPERCALL,
    DIFF_WAKE,                 /* from wake-up to running: times only */
    DIFF_KINDS
};

struct diff_row {
    enum diff_kind kind;
    const struct diff_domain *domain; /* NULL: all */
    const char *name;          /* of the table of names */
    uint64_t n[DIFF_SIDES];
    unsigned int domains;      /* of all: how many have a row */
    struct times *times[DIFF_SIDES]; /* of diff_times_ns(); may be NULL */
};

struct diff_side {
    const char *path;
    const struct source *src;
    struct stretch in;         /* as asked for */
    struct filter *filter;     /* resolved; NULL: all records */
    struct accounts acc;
    struct entries entries;
    double seconds;            /* that were compared */
    uint64_t gaps[MERGE_GAPS], missing[MERGE_GAPS]; /* in the stretch */
    bool cpu[DIFF_CPUS];       /* pCPUs with records in it */
    unsigned int cpus;
    const char *names[XEN_FLIGHTREC_IDS]; /* of events by id; NULL: none yet */
    uint16_t domain[DIFF_DOMIDS]; /* by domid: index + 1; 0: none */
};

/* Where a difference is told. */
enum diff_section {
    DIFF_CAME, DIFF_WENT,      /* kinds in one of the sides only */
    DIFF_TIME,                 /* percent of a pCPU by domain and runstate */
    DIFF_LATENCY,              /* from wake-up to running; in Xen */
    DIFF_ENTRIES,              /* exits, hypercalls: a second */
    DIFF_EVENTS,               /* a second */
    DIFF_SECTIONS
};

struct diff_item {
    const struct diff_domain *domain; /* NULL: all */
    const struct diff_row *row; /* NULL: DIFF_TIME */
    uint8_t state;             /* DIFF_TIME: runstate */
    double change;             /* octaves; DIFF_TIME: points */
    bool remarkable;
    uint8_t rank;              /* before those with less: see rank_of() */
};

/* The most remarkable first. */
struct diff_list {
    struct diff_item *item;
    unsigned int nr, remarkable, max;
};

struct diff {
    struct diff_side side[DIFF_SIDES];
    bool one_file;
    const struct diff_domain *only; /* --domain; NULL: all */
    struct diff_domain domain[DIFF_DOMAINS];
    unsigned int domains;
    char *name[DIFF_NAMES];
    unsigned int names;
    struct diff_row *row[DIFF_ROWS];
    unsigned int rows;
    uint32_t row_slot[2 * DIFF_ROWS], name_slot[2 * DIFF_NAMES];
    uint64_t left_out;         /* records: more names, domains, rows than room */
    struct diff_list list[DIFF_SECTIONS];
};

/*
 * domains.c: fills d->domain from both documents.  The domain with that id
 * on a side, which is added if the document does not have it; NULL: no room.
 */
void diff_match(struct diff *d);
struct diff_domain *diff_domain(struct diff *d, unsigned int side,
                                uint32_t domid);
/* Not one of a guest or Dom0, but "(idle)", "(nobody known)" and the like. */
bool diff_is_special(const struct diff_domain *dom);
/*
 * Has only this side anything of the domain: the other does not know it, or has
 * no record of it?
 */
bool diff_only_in(const struct diff_domain *dom, unsigned int side);
/* "d5 web1", "d1,d7 web1", "(idle)", "all": printable; returns buf. */
const char *diff_label(const struct diff_domain *dom, char *buf, size_t bytes);

/*
 * rows.c: finds or adds.  NULL: no room.  A name that there is no room for
 * is "(other)".
 */
const char *diff_name(struct diff *d, const char *text);
struct diff_row *diff_row(struct diff *d, enum diff_kind kind,
                          const struct diff_domain *dom, const char *name);
/* -ENOMEM. */
int diff_add_times(struct diff_row *row, unsigned int side,
                   const struct times *times);
void diff_free(struct diff *d);

/* read.c: counts one side.  -errno. */
int diff_read(struct diff *d, unsigned int side);

/* judge.c: fills the lists.  -ENOMEM. */
int diff_judge(struct diff *d);
/* A row's times; how often a second. */
struct diff_times diff_times_of(const struct diff *d,
                                const struct diff_row *row, unsigned int side);
double diff_rate(const struct diff *d, const struct diff_row *row,
                 unsigned int side);
/* Is a domain or kind in one of the sides only, or anything remarkable? */
bool diff_differs(const struct diff *d);

/* text.c, json.c: print it. */
void diff_print_text(const struct diff *d, bool all);
int diff_print_json(const struct diff *d);

#endif /* XENFLIGHT_DIFF_H */
