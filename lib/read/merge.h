/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * merge.h: the streams of a snapshot as one sequence in time order.
 *
 * Stamps are first converted to the trigger's clock, see clock.h.  Within a
 * stream the position decides, never the stamp: where a stamp goes back, the
 * record sorts by the newest stamp before it.  Between streams the stamps
 * decide; equal ones sort by pCPU.  The rare channel holds second copies: its
 * record is dropped if the busy channel of the same pCPU has it too.  The two
 * copies are stamped one after the other, so they are matched by event, payload
 * and the nearest stamp at most MERGE_COPY_NS away.
 *
 * Missing records are reported where they are missing, as a MERGE_GAP record.
 *
 * Memory: one frame's content for each stream, MERGE_MAX_BYTES in all, and a
 * bit for each record of the rare channel.
 */

#ifndef XENFLIGHT_MERGE_H
#define XENFLIGHT_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/clock.h"
#include "lib/format/event.h"
#include "lib/format/snapshot.h"

/* Far longer than a writer takes between the copies, interrupts included. */
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
    uint64_t tsc;                  /* on the trigger's clock, see clock.h */
    uint64_t stamp;                /* as it was written */
    uint64_t error_ns;             /* of tsc; 0: the error of the fit */
    uint16_t cpu;
    uint8_t channel;
    uint8_t words;
    uint16_t id;
    enum merge_gap gap;            /* MERGE_GAP */
    uint64_t missing;              /* MERGE_GAP: records; 0: not known */
    uint32_t event;                /* event word; 0: `id` is not known */
    const struct event_desc *desc; /* NULL: not in the dictionary */
    /* Running on the pCPU when it was written; MERGE_NO_DOMAIN: not known. */
    uint32_t domid, vcpu;
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS];
};

struct merge;

/*
 * Start to merge @s.  @s, @dict and @clock stay the caller's and must outlive
 * the merge.  Return 0, -ENOMEM, -EFBIG if the streams need more than
 * MERGE_MAX_BYTES (merge_next() may return this later), or a read error.
 */
int merge_open(struct snapshot *s, const struct event_dict *dict,
               const struct clock_fit *clock, struct merge **out);
/*
 * As merge_open(), for a caller that needs no record older than @from_tsc.
 * Frames are not read if, by the index, they hold neither a newer record nor a
 * copy of one.  Some older records are returned nevertheless.
 */
int merge_open_from(struct snapshot *s, const struct event_dict *dict,
                    const struct clock_fit *clock, uint64_t from_tsc,
                    struct merge **out);
/*
 * As merge_open(), but only the rare channel of each pCPU, or the busy one
 * where there is no rare one: a quick pass for rare events.  Damage is not
 * counted in @s.
 */
int merge_open_rare(struct snapshot *s, const struct event_dict *dict,
                    const struct clock_fit *clock, struct merge **out);
/* Return the number of records in frames not read, copies included. */
uint64_t merge_skipped(const struct merge *m);
/*
 * Return 1 with a record in @rec, 0 at the end, or -errno.  Damage is not an
 * error: it yields a MERGE_GAP.
 */
int merge_next(struct merge *m, struct merge_record *rec);
/*
 * Return the record that follows, in its own stream, the one merge_next()
 * returned last, or NULL if that was the last of the stream.  Valid until the
 * next call of merge_next().  Its domid and vcpu are not set.
 */
const struct merge_record *merge_ahead(const struct merge *m);
void merge_close(struct merge *m);

/* Return the number of copies dropped, of unreadable frames and packets. */
uint64_t merge_copies(const struct merge *m);
uint64_t merge_damaged(const struct merge *m);

/* "NMI or #MC in a slot switch" and so on. */
const char *merge_gap_text(enum merge_gap gap);

#endif /* XENFLIGHT_MERGE_H */
