/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.h: writes a snapshot as one HTML page.
 *
 * The program decodes the records, makes the accounts and explains them.  The
 * page receives columns of numbers and tables, and draws them.  No byte of the
 * file becomes part of the page's markup or script: data is embedded as JSON,
 * in which "<" is escaped, and as base64.
 *
 * The columns are little endian, concatenated in one lz4 block.  Times are
 * LEB128 in ns since the one before, which takes two bytes on average.
 *
 *   of the events, in time order:
 *     time   LEB128
 *     cpu    u16
 *     kind   u16, index of "kinds"
 *     vcpu   u16, index of "vcpus", or REPORT_NO_VCPU
 *     nr     u8, number of words
 *     words  u32 each
 *   of the intervals of the vCPUs' runstates, ordered by their end:
 *     end    LEB128
 *     length LEB128
 *     cpu, vcpu  u16
 *     state  u8, a runstate or REPORT_UNKNOWN
 */

#ifndef XENFLIGHT_REPORT_H
#define XENFLIGHT_REPORT_H

#include <stdio.h>

#include "tools/stats/account.h"
#include "tools/stats/entries.h"
#include "tools/explain/explain.h"

#define REPORT_NO_VCPU   0xffffU
#define REPORT_UNKNOWN  RUNSTATES

/* Kinds of events: those of the dictionary, and two more. */
#define REPORT_GAP      0      /* words: enum merge_gap, records missing (u64) */
#define REPORT_UNDESCRIBED 1      /* first word: the event word, or: */
#define REPORT_ID       0xf0000000U /* | compact id, if that is all there is */
#define REPORT_KINDS    (2 + XEN_FLIGHTREC_IDS)

struct column {
    uint8_t *data;
    size_t bytes, room;
};

enum report_column {
    COL_TIME, COL_CPU, COL_KIND, COL_VCPU, COL_NR, COL_WORDS,
    COL_END, COL_LENGTH, COL_ON_CPU, COL_OF, COL_STATE,
    COLUMNS,
};

struct report {
    const struct source *src;
    struct explain explain;    /* the verdict, and the accounts */

    struct column col[COLUMNS];
    uint64_t events, intervals;
    uint64_t skip;             /* oldest events still to leave out */
    int64_t first_ns;          /* of the first event kept, from the trigger */
    /* ns after that: newest event, newest interval's end, current record. */
    uint64_t last, last_end, now;

    uint64_t count[REPORT_KINDS];
    uint16_t kind_of[XEN_FLIGHTREC_IDS]; /* by id; 0 if not met yet */
    const struct event_desc *kind[REPORT_KINDS];
    unsigned int kinds;

    struct vcpus *vcpus;       /* data: struct report_vcpu */
    struct kinds known;
    struct entries entries;
    uint64_t last_gap;         /* TSC */
    uint64_t start;            /* TSC from which on all pCPUs have records */
    bool started;              /* a record at or after @start was read */
};

/*
 * Read the file and keep the newest @limit events.  @src must outlive @r.
 * Return 0, or -errno with nothing left to free.
 */
int report_read(struct report *r, const struct source *src, uint64_t limit);
void report_free(struct report *r);

/*
 * A domain's key in the page: different for each domain that had a number, and
 * the number itself for the last one.
 */
static inline uint64_t report_domain(uint32_t domid, unsigned int later)
{
    return domid + 65536ULL * later;
}

/* Get the n-th of "vcpus".  Return false if there are no more. */
bool report_vcpu_nth(const struct report *r, unsigned int n, uint64_t *domain,
                     uint32_t *vcpu);

/* Write the page.  Return 0 or -errno: -EFBIG is too much for one lz4 block. */
int report_write(const struct report *r, FILE *out);

#endif /* XENFLIGHT_REPORT_H */
