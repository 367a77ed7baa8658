/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * merge.h: the streams of a snapshot as one sequence in time order.
 *
 * Stamps are put on the trigger's clock first, see clock.h.  Within a stream
 * position decides, never the stamp: where a stamp goes back, the record sorts by
 * the newest stamp before it.  Between streams the stamps decide; equal ones go
 * by pCPU.  The rare channel is a second copy: a record
 * of it that the busy channel of the same pCPU has too is dropped.  The two
 * copies are stamped one after the other, so they are matched by event, payload
 * and the nearest stamp at most MERGE_COPY_NS away.
 *
 * What is missing is told where it is missing, as a record of its own.
 *
 * Memory: one frame's content a stream, MERGE_MAX_BYTES in all, and a bit for
 * each record of the rare channel.
 */

#ifndef XENFLIGHT_MERGE_H
#define XENFLIGHT_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/clock.h"
#include "lib/format/event.h"
#include "lib/format/snapshot.h"

/* Far more than a writer takes from one copy to the other, interrupts in it. */
#define MERGE_COPY_NS    100000000
#define MERGE_NO_DOMAIN  0xffffffffU
/* Full frames of both channels of 2000 pCPUs. */
#define MERGE_MAX_BYTES  (1ULL << 30)

enum merge_kind {
    MERGE_EVENT,
    MERGE_GAP,
};

enum merge_gap {
    MERGE_GAP_NESTED,   /* XEN_FLIGHTREC_LOST_*, in that order */
    MERGE_GAP_BUSY,
    MERGE_GAP_STOPPED,
    MERGE_GAP_RETRY,
    MERGE_GAP_ABSENT,   /* slots between two packets are not in the file */
    MERGE_GAP_DAMAGED,  /* a frame or packet cannot be read */
    MERGE_GAPS
};

struct merge_record {
    enum merge_kind kind;
    uint64_t tsc;                  /* on the trigger's clock: lib/format/clock.h */
    uint64_t stamp;                /* as it was written */
    uint64_t error_ns;             /* 0: the fit's; else what it may be off by */
    uint16_t cpu;
    uint8_t channel;
    uint8_t words;
    uint16_t id;
    enum merge_gap gap;            /* MERGE_GAP */
    uint64_t missing;              /* MERGE_GAP: records; 0: not known */
    uint32_t event;                /* event word; 0: `id` is not known */
    const struct event_desc *desc; /* NULL: not in the dictionary */
    /* Who ran on the pCPU when it was written; MERGE_NO_DOMAIN: not known. */
    uint32_t domid, vcpu;
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS];
};

struct merge;

/*
 * All stay the caller's and must outlive it.  -EFBIG, then or later: too many
 * streams.
 */
int merge_open(struct snapshot *s, const struct event_dict *dict,
               const struct clock_fit *clock, struct merge **out);
/*
 * The same for who wants no record older than `from_tsc`: frames that by the
 * index have none, nor a copy of one, are not read.  Some older records come all
 * the same.
 */
int merge_open_from(struct snapshot *s, const struct event_dict *dict,
                    const struct clock_fit *clock, uint64_t from_tsc,
                    struct merge **out);
/* Records in the frames that are not read, copies among them. */
uint64_t merge_skipped(const struct merge *m);
/* 1: got one; 0: the end; -errno.  Damage is no error but a MERGE_GAP. */
int merge_next(struct merge *m, struct merge_record *rec);
/*
 * What comes in the stream of the record that merge_next() gave last, behind it;
 * valid until the next call of that.  NULL: it was its last.  Only what is in
 * the stream itself is known of it: not who ran.
 */
const struct merge_record *merge_ahead(const struct merge *m);
void merge_close(struct merge *m);

/* Copies dropped so far, and frames or packets that could not be read. */
uint64_t merge_copies(const struct merge *m);
uint64_t merge_damaged(const struct merge *m);

/* "NMI or #MC in a slot switch" and so on. */
const char *merge_gap_text(enum merge_gap gap);

#endif /* XENFLIGHT_MERGE_H */
