/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.h: a snapshot as one page to look at.
 *
 * The program does what needs the file: it decodes, accounts, explains.  It
 * hands the page columns of numbers, and tables; the page (tools/report/)
 * draws them.  Nothing of the file becomes part of the page's markup or script:
 * it travels as JSON, in which no "<" is left, and as base64.
 *
 * Columns, all little endian, one after the other in one lz4 block.  Times are
 * LEB128: ns since the one before, so they cost two bytes.
 *
 *   of the events, in time order:
 *     time   LEB128
 *     cpu    u16
 *     kind   u16, index of "kinds"
 *     who    u16, index of "who"; REPORT_NOBODY: not known who ran
 *     nr     u8, words
 *     words  u32 each
 *   of the intervals of the vCPUs' runstates, by their end:
 *     end    LEB128
 *     length LEB128
 *     cpu, who  u16
 *     state  u8, a runstate or REPORT_UNKNOWN
 */

#ifndef XENFLIGHT_REPORT_H
#define XENFLIGHT_REPORT_H

#include <stdio.h>

#include "tools/stats/account.h"
#include "tools/stats/entries.h"
#include "tools/explain/explain.h"

#define REPORT_NOBODY   0xffffU
#define REPORT_UNKNOWN  RUNSTATES

/* Events the page can name: those of the dictionary, and two of its own. */
#define REPORT_GAP      0      /* words: enum merge_gap, records missing (u64) */
#define REPORT_STRANGER 1      /* first word: the event word, or: */
#define REPORT_ID       0xf0000000U /* ... only the compact id is known */
#define REPORT_KINDS    (2 + XEN_FLIGHTREC_IDS)

struct column {
    uint8_t *data;
    size_t bytes, room;
};

enum report_column {
    COL_TIME, COL_CPU, COL_KIND, COL_WHO, COL_NR, COL_WORDS,
    COL_END, COL_LENGTH, COL_ON_CPU, COL_OF, COL_STATE,
    COLUMNS,
};

struct report {
    const struct source *src;
    struct explain explain;        /* what it is about, and all accounts */

    struct column col[COLUMNS];
    uint64_t events, intervals;
    uint64_t skip;             /* events left out: the oldest */
    int64_t first_ns;          /* of the first event kept, from the trigger */
    uint64_t last, last_end;   /* ns after it: where the columns are */
    uint64_t now;              /* ns after it: the record at hand */

    uint64_t count[REPORT_KINDS];
    uint16_t kind_of[XEN_FLIGHTREC_IDS]; /* dictionary id: kind; 0: none yet */
    const struct event_desc *kind[REPORT_KINDS];
    unsigned int kinds;

    struct vcpus *vcpus;       /* struct report_vcpu */
    struct kinds known;
    struct entries entries;
    uint64_t last_gap;         /* TSC */
    uint64_t start;            /* TSC: all pCPUs are there */
};

/* Reads the file; at most so many events are kept.  -errno. */
int report_read(struct report *r, const struct source *src, uint64_t limit);
void report_free(struct report *r);

/* The vCPU with that index in the column; false: there are no more. */
bool report_who(const struct report *r, unsigned int n, uint32_t *domid,
                uint32_t *vcpu);

/* Writes the page.  -errno. */
int report_write(const struct report *r, FILE *out);

#endif /* XENFLIGHT_REPORT_H */
