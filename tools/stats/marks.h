/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * marks.h: the few records at which a domain or a pCPU begins or ends.
 */

#ifndef XENFLIGHT_MARKS_H
#define XENFLIGHT_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/read/lives.h"
#include "lib/read/merge.h"

/* Most important first: diff lists them in this order. */
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
    uint64_t reason;       /* value of the "cause" or "shutdown" table */
};

#define MARKS_KEPT 64

/* The newest MARKS_KEPT marks; zeroed memory is an empty list. */
struct marks {
    struct mark mark[MARKS_KEPT];
    uint64_t nr;           /* ever added */
};

/* Return false if no kind of mark is recorded by an event of that name. */
bool mark_find(const char *name, enum mark_kind *kind);

/*
 * Add @rec if it is a mark.  Records must come in time order.  @lives may be
 * NULL.
 */
void marks_add(struct marks *m, const struct merge_record *rec,
               const struct lives *lives);

/*
 * Marks are numbered from 0 in time order.  Those from marks_oldest() up to
 * m->nr are still there.
 */
uint64_t marks_oldest(const struct marks *m);
const struct mark *marks_nth(const struct marks *m, uint64_t n);

/*
 * Return the newest mark of a kind, of one domain or of any
 * (MERGE_NO_DOMAIN), or NULL.
 */
const struct mark *marks_newest(const struct marks *m, enum mark_kind kind,
                                uint32_t domid);
/* The same for the domain that had the number @domid at @tsc. */
const struct mark *marks_newest_at(const struct marks *m, enum mark_kind kind,
                                   const struct lives *lives, uint32_t domid,
                                   uint64_t tsc);

#endif /* XENFLIGHT_MARKS_H */
