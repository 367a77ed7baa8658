/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.h: stream the rings to a snapshot file.
 *
 * A record reaches the file when its slot is full.  Slots that are open at the end
 * are not in it, so the part of each pCPU ends at a different time: see
 * source_common_end().
 *
 * Memory: that of the writer (lib/format/snapshot.h), and 24 bytes per packet.
 */

#ifndef XENFLIGHT_RECORD_H
#define XENFLIGHT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/snapshot.h"
#include "lib/xen/stream.h"
#include "tools/record/meta.h"

/*
 * Open a reader of all rings that Xen wakes as rarely as is safe.  Return as
 * stream_open(), with the reason of an error in @why.
 */
#define RECORD_WHY 160
int record_follow(struct hyp *h, enum stream_from from,
                  struct stream_reader **out, char why[RECORD_WHY]);

/* Least record_how.max_bytes. */
#define RECORD_MIN_BYTES (2U << 20)

struct record_how {
    struct hyp *hyp;
    struct stream_reader *reader;
    int fd;                /* the file, empty */
    uint64_t max_bytes;    /* of the file, >= RECORD_MIN_BYTES; 0: no limit */
    struct snapshot_how write;
};

struct recording;

/* @how and what it points to stay the caller's.  Return 0 or -errno. */
int record_begin(const struct record_how *how, struct recording **out);

/*
 * Arm the wake-up and write all full slots.  Return 0, 1 if the file has reached
 * its limit, -ESTALE if the buffers are gone (packets written so far are whole),
 * or -errno.
 */
int record_take(struct recording *r);

/* Why a recording ended. */
enum record_end {
    RECORD_TIME,
    RECORD_STOPPED,
    RECORD_FULL,
    RECORD_GONE,           /* the buffers were destroyed or replaced */
};

/*
 * Record until @stop is readable (-1: never), record_now_ns() reaches @end_ns (0:
 * never), the file is full or the buffers are gone.  Return an enum record_end or
 * -errno.
 */
int record_until(struct recording *r, int stop, uint64_t end_ns);
/* CLOCK_MONOTONIC. */
uint64_t record_now_ns(void);
/*
 * Block SIGINT, SIGTERM and SIGHUP.  Return a descriptor that one of them makes
 * readable, or -errno.
 */
int record_signals(void);

/*
 * Finish the file and free @r, also on error.  @why is stored in the file.  Return
 * 0 or -errno.
 */
int record_end(struct recording *r, const char *why, struct record_totals *t);
/* @r may be NULL. */
void record_abort(struct recording *r);

#endif /* XENFLIGHT_RECORD_H */
