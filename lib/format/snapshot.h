/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.h: write and read snapshot files, format 2 (`*.xfr.lz4`).
 *
 *  +--------+------+------+------+-- - - --+------+------+-------+
 *  | header | meta | data | data |         | data | note | index |
 *  +--------+------+------+------+-- - - --+------+------+-------+
 *   skippable  lz4   lz4    lz4               lz4   lz4   skippable
 *
 * Each part is an lz4 frame or an lz4 skippable frame, so lz4(1) accepts the
 * file.  `meta` is a JSON document with the trigger, the host, the clocks, and
 * the dictionary of the records.  Each `data` frame holds whole packets of one
 * stream (one pCPU's channel), each cut to its used bytes.  They are stored by
 * columns (columns.h), or unchanged if that is shorter.  `note` is an optional
 * second JSON document, for facts known only after the data were written.
 * Format 1 is the same without columns.  Readers skip frames of unknown kinds.
 *
 * The index has the position, a description and the hash of every frame before
 * it.  It comes last, so a file with an index was completely written.
 *
 * If the index is missing, or its frames contradict it, a reader walks the
 * frames from the start while it can find the next one, which is usually up to
 * the first damage.  flightrec-snapshot(5) specifies the layout for other
 * readers.
 *
 * No length in a file is trusted: each is checked against the file and against
 * the limits in snapshot-layout.h before anything is allocated or read.
 */

#ifndef XENFLIGHT_SNAPSHOT_H
#define XENFLIGHT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/format/pack.h"
#include "lib/format/snapshot-layout.h"

/*
 * Writing.  Callers must keep the order create, put_meta, put_packet...,
 * [put_note], finish.  Data is written at the current position of `fd`, which
 * the caller owns: finish and abort neither sync nor close it.  Functions
 * return 0 or -errno; a short write is -ENOSPC, a call out of order -EINVAL.
 * After an error the caller must abort, unless stated otherwise; the file can
 * still be read up to its last whole frame.  Memory: that of struct pack, and
 * 96 bytes a frame.
 */
struct snapshot_writer;

struct snapshot_totals {
    uint64_t file_bytes;
    uint64_t content_bytes;  /* of the data frames, before lz4 */
    uint64_t packet_bytes;   /* of the packets in them, without columns */
    uint64_t packets;
    uint64_t records;
    uint32_t frames;         /* data frames */
    uint32_t damaged;        /* data frames with a packet that cannot be decoded
                              * to its end */
};

/*
 * Write the header.  `created_ns` is the wall clock, ns since 1970; `how` may
 * be NULL.
 */
int snapshot_create_as(int fd, uint64_t created_ns,
                       const struct snapshot_how *how,
                       struct snapshot_writer **out);

static inline int snapshot_create(int fd, uint64_t created_ns,
                                  struct snapshot_writer **out)
{
    return snapshot_create_as(fd, created_ns, NULL, out);
}

/*
 * Call `room` before each write, with the number of bytes.  If it does not
 * return 0, nothing is written and the caller gets that value.
 */
typedef int snapshot_room_fn(void *arg, uint64_t bytes);
void snapshot_ask_room(struct snapshot_writer *w, snapshot_room_fn *room,
                       void *arg);

/* Write the meta document, once, before the first packet. */
int snapshot_put_meta(struct snapshot_writer *w, const char *json, size_t len);

/*
 * Add one slot.  It may be a live mapping that Xen is writing: the header is
 * copied once and checked, the content is copied before it is read.  Callers
 * must add the packets of a stream together, oldest first; a new stream starts
 * a new frame.  On these errors nothing is added, and the writer remains
 * usable:
 *   -EBADMSG  the header is invalid, or its lengths do not fit the slot
 *   -ENODATA  used_bytes is 0: the slot is still open
 *   -ESTALE   seq does not increase within the stream
 */
int snapshot_put_packet(struct snapshot_writer *w, const void *slot,
                        size_t slot_bytes);

/* Write buffered packets.  The slots themselves may be reused once added. */
int snapshot_flush(struct snapshot_writer *w);

/* Write the note, at most once, after the last packet. */
int snapshot_put_note(struct snapshot_writer *w, const char *json, size_t len);

/*
 * Flush and write the index.  `w` is freed, also on error.  `totals` may be
 * NULL.
 */
int snapshot_finish(struct snapshot_writer *w, struct snapshot_totals *totals);

/* Free `w`, which may be NULL. */
void snapshot_abort(struct snapshot_writer *w);

/*
 * Reading.
 */
struct snapshot;

/* The first damage found by a reader or by snapshot_verify(). */
struct snapshot_fault {
    uint64_t offset;         /* first byte of the damaged part */
    char what[120];          /* the reason, without any text of the file */
};

/*
 * Open a file.  Without a valid index the frames are walked, see
 * snapshot_truncated().  The caller frees *out with snapshot_close().  Return
 * 0, -errno, -EBADMSG if it is not a snapshot file or has no readable frame,
 * or -ENOTSUP for another major version; `fault` (may be NULL) gets the
 * reason.
 */
int snapshot_open(const char *path, struct snapshot **out,
                  struct snapshot_fault *fault);
/* The same for an open file; `fd` must be seekable, and the caller owns it. */
int snapshot_open_fd(int fd, struct snapshot **out,
                     struct snapshot_fault *fault);
/* NULL is allowed. */
void snapshot_close(struct snapshot *s);

const struct snapshot_header *snapshot_header(const struct snapshot *s);
uint64_t snapshot_file_bytes(const struct snapshot *s);

/*
 * Return NULL if the file has a valid index, else the first damage, where the
 * readable part usually ends.
 */
const struct snapshot_fault *snapshot_truncated(const struct snapshot *s);

uint32_t snapshot_frames(const struct snapshot *s);
/* NULL after the last. */
const struct snapshot_frame *snapshot_frame(const struct snapshot *s,
                                            uint32_t i);

/*
 * The number of damaged frames and packets that readers of the records found;
 * they add them with snapshot_add_damaged().
 */
uint64_t snapshot_damaged(const struct snapshot *s);
void snapshot_add_damaged(struct snapshot *s, uint64_t nr);

/*
 * Read the content of frame `i`; columns are unpacked to packets.  *buf has
 * *size bytes and grows: callers must start with NULL and 0, and free it.
 * Return 0 with the length in *len, -errno, or -EBADMSG if the frame does not
 * match its entry.
 */
int snapshot_read(struct snapshot *s, uint32_t i, void **buf, size_t *size,
                  size_t *len);

/*
 * Read the meta document or the note.  *text is NUL-terminated, and the caller
 * frees it.  Return 0, -errno, or -ENOENT if there is none.
 */
int snapshot_json(struct snapshot *s, enum snapshot_kind kind, char **text,
                  size_t *len);

/*
 * Check every byte of the file, that it has an index, and that no packet is in
 * two frames.  Return 0 if it is intact, -errno, or -EBADMSG with the first
 * damage in `fault`.  `totals` may be NULL.
 */
int snapshot_verify(int fd, struct snapshot_fault *fault,
                    struct snapshot_totals *totals);

/*
 * The meta document as this version writes and reads it.  Members with * are
 * mandatory, unknown members are ignored:
 *
 *  "format"*: 1
 *  "trigger"*: { "cause"*: "crash" | "xen-crash" | "watchdog" |
 *      "triple-fault" | "viridian" | "request", "gen"*, "tsc"*, "ns", "cpu",
 *      "domid", "vcpu", "reason" (number), "reason_text", "rip" (signed),
 *      "uuid", "name", "source": "virq" | "release-domain" | "start" |
 *      "check" | "xenstore" | "signal" | "socket" | "guest" |
 *      "record" }
 *  "recording": true: written by `xenflight record`; the trigger is its start
 *  "history"*: "complete" | "partial", "history_why": [ text... ]
 *  "backend": "flightrec" | "tbuf" (Xen's own trace buffers), "limits": [
 *      text... ]: facts that records of that backend lack
 *  "host": { "name", "kernel" }
 *  "xen": { "version", "build_id", "cmdline" }
 *  "clock"*: { "tsc_khz"*, "tsc_shift"*, "pairs": [ { "tsc", "ns",
 *      "wall_ns", "mono_ns", "width_ns" } ... ], "fit": see clock.h }: a pair
 *      is one moment in TSC, Xen's system time, ns since 1970 and Dom0's
 *      CLOCK_MONOTONIC; the last two may be off by width_ns
 *  "window": { "busy": { "from_tsc", "to_tsc" }, "rare": ... }: the time, on
 *      the trigger's clock, in which every pCPU has all records except for gaps
 *  "cpus": [ { "cpu", "node" } ... ]
 *  "domains": [ { "domid"*, "uuid", "name", "vcpus", "gone" } ... ]; those of
 *      one number in order of their creation, see lib/read/lives.h
 *  "dictionary"*: { "events"*: [ ... ], "enums": { ... } }, see event.h
 *  "streams": [ { "cpu"*, "channel"*: "busy" | "rare", "gen", "tsc", "slots",
 *      "emitted", "late", "held", "held_earlier", "sacrificed", "overwritten",
 *      "lost": { "nested", "busy", "stopped", "retry" }, "quiescent": bool,
 *      "balanced": bool } ... ]
 *  "gaps": [ { "cpu", "channel", "cause" (text), "records", "from_tsc",
 *      "to_tsc" } ... ]
 *  "redacted": { "domid" }: the file is restricted to this domain
 *
 * The note: { "lost_in_dump": records that Xen dropped after the history's
 * end, "latency_ns": { "wake", "quiescent", "written" }, each counted from the
 * trigger.  A recording also has "clock": { "fit" }, "domains" created while
 * it ran, as above, and "recorded": { "missed" (packets overwritten before
 * they were read), "refused" (invalid packets), "wakes", "ended" (text) } }.
 */

#endif /* XENFLIGHT_SNAPSHOT_H */
