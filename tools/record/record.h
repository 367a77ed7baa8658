/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.h: what the rings turn over while it happens, as a snapshot file.
 *
 * A record is in the file once its slot is full: what lies in the slots that are
 * open at the end is not in it.  So each pCPU's part ends at another moment, see
 * source_common_end().
 *
 * Memory: that of the writer (lib/format/snapshot.h), 24 bytes a packet.
 */

#ifndef XENFLIGHT_RECORD_H
#define XENFLIGHT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/snapshot.h"
#include "lib/xen/stream.h"

/*
 * Follows all rings, with a wake as seldom as is safe.  As stream_open(), with a
 * sentence for who asked.
 */
#define RECORD_WHY 160
int record_follow(struct hyp *h, enum stream_from from,
                  struct stream_reader **out, char why[RECORD_WHY]);

/* No file is bounded to less. */
#define RECORD_MIN_BYTES (2U << 20)

struct record_how {
    struct hyp *hyp;
    struct stream_reader *reader;
    int fd;                /* the file, at its begin */
    uint64_t max_bytes;    /* of it; 0: no bound; else >= RECORD_MIN_BYTES */
    struct snapshot_how write;
};

struct record_totals {
    struct snapshot_totals file;
    uint64_t missed;       /* packets overwritten before they were read */
    uint64_t refused;      /* packets that were not as they should be */
    uint64_t wakes;
};

struct recording;

/* All of `how` stays the caller's.  -errno. */
int record_begin(const struct record_how *how, struct recording **out);

/*
 * Arms the wake and writes what is there: 0; 1: the file has all that it may
 * have; -ESTALE: the buffers are gone, what was read is whole; -errno.
 */
int record_take(struct recording *r);

/*
 * Waits, and takes what comes, until `stop` is readable (-1: nothing stops it),
 * the clock says end_ns (0: never) or there can be no more.
 */
enum record_end {
    RECORD_TIME,
    RECORD_STOPPED,
    RECORD_FULL,
    RECORD_GONE,           /* the buffers were destroyed, or made anew */
};

/* >= 0: an enum record_end; -errno. */
int record_until(struct recording *r, int stop, uint64_t end_ns);
/* The clock of end_ns. */
uint64_t record_now_ns(void);
/* Readable when a signal asks for an end, which kills no more; -errno. */
int record_signals(void);

/* Frees `r`, also on error.  `why`: plain text, for the file. */
int record_end(struct recording *r, const char *why, struct record_totals *t);
/* NULL is fine. */
void record_abort(struct recording *r);

#endif /* XENFLIGHT_RECORD_H */
