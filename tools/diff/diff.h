/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff.h: compares one recording, A, with another, B; or one part of a
 * recording with the next.
 *
 * Each side is read once, over the stretch that all its pCPUs have.  Counts
 * are kept in rows, by name and domain.  Numbers cannot be compared across
 * files: an event's compact id, a domain id or an exit reason may mean
 * something else in each.  So both sides share one table of names and one of
 * domains (domains.c), and a row has a count of each side. judge.c sorts the
 * rows into sections, the most remarkable first.
 *
 * A record belongs to the first domain that it names, or else to the domain
 * that ran there.  A wake-up belongs to the domain that is woken.
 *
 * Memory: a row for each kind of event, exit or hypercall of each domain, at
 * most DIFF_ROWS of them.
 */

#ifndef XENFLIGHT_DIFF_H
#define XENFLIGHT_DIFF_H

#include "tools/stats/account.h"
#include "tools/stats/score.h"
#include "tools/stats/entries.h"
#include "tools/select/filter.h"
#include "tools/base/source.h"

enum { DIFF_A, DIFF_B, DIFF_SIDES };

/* A hostile file can hold any number of each.  Records beyond these limits are
 * counted in left_out. */
#define DIFF_DOMAINS 4096
#define DIFF_NAMES   8192
#define DIFF_ROWS    32768
#define DIFF_DOMIDS  65536
#define DIFF_CPUS    65536

/*
 * A domain's slot: its number if no later domain got that, else one from here on.
 * Xen has no numbers that high.
 */
#define DIFF_EARLIER 0x8000U

/* In diff_side.domain: DIFF_DOMAINS was reached when it was first met. */
#define DIFF_NO_ROOM UINT16_MAX

/* How a domain of A was recognised in B. */
enum diff_match {
    DIFF_SAME,                 /* uuid; Dom0, idle; or both are one file */
    DIFF_BY_NAME,              /* another uuid, or none */
    DIFF_BY_NUMBER,            /* one side has neither name nor uuid */
};

struct diff_domain {
    bool known[DIFF_SIDES];    /* in the document, or in a record */
    bool in[DIFF_SIDES];       /* known and not gone, or has records */
    uint32_t domid[DIFF_SIDES]; /* its newest, or MERGE_NO_DOMAIN */
    unsigned int later[DIFF_SIDES]; /* of domid, as in struct life */
    const char *name;          /* from the document, not escaped, or "" */
    const char *uuid[DIFF_SIDES];
    enum diff_match match;
    unsigned int vcpus[DIFF_SIDES]; /* vCPUs with an account */
    /* Percent of one pCPU, sum of its vCPUs, scaled up by the unknown part. */
    double percent[DIFF_SIDES][RUNSTATES];
    double unknown[DIFF_SIDES]; /* percent of the vCPUs' time */
};

enum diff_kind {
    DIFF_EVENT, DIFF_EXIT, DIFF_HYPERCALL,
    DIFF_WAKE,                 /* from wake-up to running: times only */
    DIFF_KINDS
};

struct diff_row {
    enum diff_kind kind;
    const struct diff_domain *domain; /* NULL in a sum of all domains */
    const char *name;          /* owned by the table of names */
    uint64_t n[DIFF_SIDES];
    unsigned int domains;      /* of a sum: number of domains' rows */
    struct times *times[DIFF_SIDES]; /* see diff_times_of(); may be NULL */
};

struct diff_side {
    const char *path;
    const struct source *src;
    struct stretch in;         /* as the user asked */
    struct filter *filter;     /* resolved, or NULL for all records */
    struct accounts acc;
    struct entries entries;
    double seconds;            /* length of the stretch in acc */
    uint64_t gaps[MERGE_GAPS], missing[MERGE_GAPS]; /* in the stretch */
    bool cpu[DIFF_CPUS];       /* pCPUs with records in it */
    unsigned int cpus;
    const char *names[XEN_FLIGHTREC_IDS]; /* of events by id; NULL if not met */
    uint16_t domain[DIFF_DOMIDS]; /* by slot: index + 1, 0, DIFF_NO_ROOM */
};

/* A uuid or name in a search tree, see domains.c. */
struct diff_key {
    const char *text;
    uint16_t first, last;      /* domains: index + 1 */
};

enum diff_section {
    DIFF_CAME, DIFF_WENT,      /* kinds in one of the sides only */
    DIFF_TIME,                 /* percent of a pCPU by domain and runstate */
    DIFF_LATENCY,              /* from wake-up to running; in Xen */
    DIFF_ENTRIES,              /* exits, hypercalls per second */
    DIFF_EVENTS,               /* records per second */
    DIFF_SECTIONS
};

struct diff_item {
    const struct diff_domain *domain; /* NULL for a sum of all domains */
    const struct diff_row *row; /* NULL in DIFF_TIME */
    uint8_t state;             /* in DIFF_TIME: runstate */
    double change;             /* octaves; in DIFF_TIME: points */
    bool remarkable;
    uint8_t rank;              /* higher ranks come first, see rank_of() */
};

/* Sorted, the most remarkable first. */
struct diff_list {
    struct diff_item *item;
    unsigned int nr, remarkable, max;
};

struct diff {
    struct diff_side side[DIFF_SIDES];
    bool one_file;
    const struct diff_domain *only; /* --domain, or NULL for all */
    struct diff_domain domain[DIFF_DOMAINS];
    unsigned int domains;
    void *by_uuid, *by_name;   /* trees of struct diff_key */
    struct diff_key uuid_key[2 * DIFF_DOMAINS], name_key[DIFF_DOMAINS];
    unsigned int uuid_keys, name_keys;
    uint16_t next_named[DIFF_DOMAINS]; /* index + 1, or 0 */
    char *name[DIFF_NAMES];
    unsigned int names;
    struct diff_row *row[DIFF_ROWS];
    unsigned int rows;
    uint32_t row_slot[2 * DIFF_ROWS], name_slot[2 * DIFF_NAMES];
    uint64_t left_out;         /* records beyond DIFF_DOMAINS, _NAMES, _ROWS */
    struct diff_list list[DIFF_SECTIONS];
};

/* domains.c: fill d->domain from both documents. */
void diff_match(struct diff *d);
/*
 * Return the domain with that slot on a side, or NULL if there is no room.  It is
 * added if the document does not have it.
 */
struct diff_domain *diff_domain(struct diff *d, unsigned int side,
                                uint32_t slot);
/* Return the slot of a domain by its number and a time, or a life's `later'. */
uint32_t diff_slot_at(const struct diff_side *side, uint32_t domid,
                      uint64_t tsc);
uint32_t diff_slot(const struct diff_side *side, uint32_t domid,
                   unsigned int later);
/* Whether it is no guest or Dom0, but "(idle)", "(unknown domain)" or alike. */
bool diff_is_special(const struct diff_domain *dom);
/* Whether the other side does not know the domain, or has no record of it. */
bool diff_only_in(const struct diff_domain *dom, unsigned int side);
/* Write "d5 web1", "d1,d7 web1", "(idle)" or "all", printable.  Return buf. */
const char *diff_label(const struct diff_domain *dom, char *buf, size_t bytes);

/*
 * rows.c: find or add a name or row.  diff_name() returns "(other)" if there is
 * no room, diff_row() NULL.
 */
const char *diff_name(struct diff *d, const char *text);
struct diff_row *diff_row(struct diff *d, enum diff_kind kind,
                          const struct diff_domain *dom, const char *name);
/* Return 0 or -ENOMEM. */
int diff_add_times(struct diff_row *row, unsigned int side,
                   const struct times *times);
void diff_free(struct diff *d);

/* read.c: count the records of one side.  Return 0 or -errno. */
int diff_read(struct diff *d, unsigned int side);

/* judge.c: fill the lists from the rows.  Return 0 or -ENOMEM. */
int diff_judge(struct diff *d);
struct score_times diff_times_of(const struct diff *d,
                                 const struct diff_row *row,
                                 unsigned int side);
/* Records per second. */
double diff_rate(const struct diff *d, const struct diff_row *row,
                 unsigned int side);
/* Whether a domain or kind is in one side only, or any item is remarkable. */
bool diff_differs(const struct diff *d);

/* text.c, json.c: print the lists.  diff_print_json() returns 0 or -ENOMEM. */
void diff_print_text(const struct diff *d, bool all);
int diff_print_json(const struct diff *d);

#endif /* XENFLIGHT_DIFF_H */
