/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.h: the snapshot file, format 2 (`*.xfr.lz4`): write, open, walk.
 *
 *  +--------+------+------+------+-- - - --+------+------+-------+
 *  | header | meta | data | data |         | data | note | index |
 *  +--------+------+------+------+-- - - --+------+------+-------+
 *   skippable  lz4   lz4    lz4               lz4   lz4   skippable
 *
 * Every part is an lz4 frame or an lz4 skippable frame, so that lz4(1) takes
 * the file.  `meta` is a JSON document: what happened, where, and what the
 * numbers in the records mean.  Each `data` frame holds whole packets of one
 * stream (one pCPU's channel), each cut to its used bytes: as columns (see
 * columns.h), or as they are where that is shorter.  `note` is a second,
 * optional JSON document with what is only known after the data are written.
 * Format 1 is the same without columns.  A frame of a kind that is not known is
 * passed over.
 * The index says of every frame before it where it lies, what is in it and what
 * its hash is.  It comes last, so a file that has one was written to its end.
 *
 * Without an index, or with one that its frames refute, a reader walks the frames
 * from the start as far as it can tell where the next one is, which is mostly up
 * to the first damage.  flightrec-snapshot(5) has the layout for other readers.
 *
 * Nothing in a file is trusted: each length is checked against the file and
 * against the limits below before anything is allocated or read.
 */

#ifndef XENFLIGHT_SNAPSHOT_H
#define XENFLIGHT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/format/pack.h"
#include "lib/format/snapshot-layout.h"

/*
 * Writing.  Order: create, put_meta, put_packet..., [put_note], finish.  All
 * writes go to the current position of `fd`, which stays the caller's: finish
 * and abort neither sync nor close it.  After an error (a short write is
 * -ENOSPC) only abort is useful; what is in the file by then can still be read
 * up to its last whole frame.  Memory: that of struct pack, and 96 bytes a
 * frame.
 */
struct snapshot_writer;

struct snapshot_totals {
    uint64_t file_bytes;
    uint64_t content_bytes;  /* of the data frames: what lz4 was given */
    uint64_t packet_bytes;   /* of the packets in them */
    uint64_t packets;
    uint64_t records;
    uint32_t frames;         /* data frames */
    uint32_t damaged;        /* data frames with a packet that does not decode
                              * to its end */
};

/* `created_ns`: wall clock.  `how` may be NULL.  Writes the header. */
int snapshot_create_as(int fd, uint64_t created_ns,
                       const struct snapshot_how *how,
                       struct snapshot_writer **out);

static inline int snapshot_create(int fd, uint64_t created_ns,
                                  struct snapshot_writer **out)
{
    return snapshot_create_as(fd, created_ns, NULL, out);
}

/*
 * From now on `room` is asked before each write of `bytes` more; what it returns
 * other than 0 is what the call that would have written returns.
 */
typedef int snapshot_room_fn(void *arg, uint64_t bytes);
void snapshot_ask_room(struct snapshot_writer *w, snapshot_room_fn *room,
                       void *arg);

/* The meta document: once, before the first packet. */
int snapshot_put_meta(struct snapshot_writer *w, const char *json, size_t len);

/*
 * One slot.  The slot may be a live mapping that others write: its header is
 * copied once and checked, its content copied before it is looked at.  Packets
 * of a stream come one after the other, oldest first: a new stream begins a new
 * frame.  Nothing is written, and the writer stays usable, for
 *   -EBADMSG  the header is none of ours, or its lengths do not fit the slot
 *   -ENODATA  used_bytes is 0: the slot is still open
 *   -ESTALE   seq does not go up within the stream
 */
int snapshot_put_packet(struct snapshot_writer *w, const void *slot,
                        size_t slot_bytes);

/* Writes what is buffered.  The slots are not needed from when they were put. */
int snapshot_flush(struct snapshot_writer *w);

/* The second document: at most once, after the last packet. */
int snapshot_put_note(struct snapshot_writer *w, const char *json, size_t len);

/* Flush, index.  Frees `w`, also on error.  `totals` may be NULL. */
int snapshot_finish(struct snapshot_writer *w, struct snapshot_totals *totals);

/* Frees `w`.  NULL is fine. */
void snapshot_abort(struct snapshot_writer *w);

/*
 * Reading.
 */
struct snapshot;

/* Where and why reading had to stop, or what verify found. */
struct snapshot_fault {
    uint64_t offset;         /* first byte of the part that is damaged */
    char what[120];          /* plain text, nothing of the file's in it */
};

/*
 * Opens a file.  If the index is not there or not right the frames are walked
 * instead, see snapshot_truncated().  -EBADMSG: no snapshot file, or nothing of
 * it can be read; -ENOTSUP: another major version; `fault` (may be NULL) says
 * more.
 */
int snapshot_open(const char *path, struct snapshot **out,
                  struct snapshot_fault *fault);
/* The same; `fd` must be seekable and stays the caller's. */
int snapshot_open_fd(int fd, struct snapshot **out,
                     struct snapshot_fault *fault);
void snapshot_close(struct snapshot *s);

const struct snapshot_header *snapshot_header(const struct snapshot *s);
uint64_t snapshot_file_bytes(const struct snapshot *s);

/*
 * NULL: has its index.  Else the first damage; mostly the readable part ends
 * there.
 */
const struct snapshot_fault *snapshot_truncated(const struct snapshot *s);

uint32_t snapshot_frames(const struct snapshot *s);
const struct snapshot_frame *snapshot_frame(const struct snapshot *s,
                                            uint32_t i);

/*
 * What whoever read its records so far found damaged, frames and packets; and
 * for who finds it.
 */
uint64_t snapshot_damaged(const struct snapshot *s);
void snapshot_add_damaged(struct snapshot *s, uint64_t nr);

/*
 * The content of frame `i`, a data frame's as packets whatever it is stored as,
 * into *buf of *size bytes, which grows as needed (start with NULL, 0; free()
 * it).  Returns 0 with the length in *len, or -EBADMSG if the frame is not what
 * the index says.
 */
int snapshot_read(struct snapshot *s, uint32_t i, void **buf, size_t *size,
                  size_t *len);

/* The meta or note document, with a NUL behind it; free() it.  -ENOENT. */
int snapshot_json(struct snapshot *s, enum snapshot_kind kind, char **text,
                  size_t *len);

/*
 * Checks everything, each byte included, demands an index, and that no packet is
 * in two frames.  0: whole.
 * -EBADMSG: `fault` has the first damage.
 */
int snapshot_verify(int fd, struct snapshot_fault *fault,
                    struct snapshot_totals *totals);

/*
 * The meta document, as this version writes and reads it (members that are not
 * known are ignored; all may be absent but those marked *):
 *
 *  "format"*: 1
 *  "trigger"*: { "cause"*: "crash" | "xen-crash" | "watchdog" |
 *      "triple-fault" | "viridian" | "request", "gen"*, "tsc"*, "ns", "cpu",
 *      "domid", "vcpu", "reason" (number), "reason_text", "rip" (signed),
 *      "uuid", "name", "source": "virq" | "release-domain" | "start" |
 *      "check" | "xenstore" | "signal" | "socket" | "guest" |
 *      "record" }
 *  "recording": true: written as it happened (`xenflight record`); the trigger
 *      is its begin
 *  "history"*: "complete" | "partial", "history_why": [ text... ]
 *  "backend": "flightrec" | "tbuf" (Xen's own trace buffers), "limits": [
 *      text... ]: what records from there do not tell
 *  "host": { "name", "kernel" }
 *  "xen": { "version", "build_id", "cmdline" }
 *  "clock"*: { "tsc_khz"*, "tsc_shift"*, "pairs": [ { "tsc", "ns",
 *      "wall_ns", "mono_ns", "width_ns" } ... ], "fit": see lib/format/clock.h }: the
 *      same moment in TSC, Xen's system time, ns since 1970 and Dom0's
 *      CLOCK_MONOTONIC; these two may be off by width_ns
 *  "window": { "busy": { "from_tsc", "to_tsc" }, "rare": ... }: from when to when
 *      every pCPU has all records but the gaps, on the trigger's clock
 *  "cpus": [ { "cpu", "node" } ... ]
 *  "domains": [ { "domid"*, "uuid", "name", "vcpus" } ... ]
 *  "dictionary"*: { "events"*: [ ... ], "enums": { ... } }, see lib/format/event.h
 *  "streams": [ { "cpu"*, "channel"*: "busy" | "rare", "gen", "tsc", "slots",
 *      "emitted", "late", "held", "held_earlier", "sacrificed", "overwritten",
 *      "lost": { "nested", "busy", "stopped", "retry" }, "quiescent": bool,
 *      "balanced": bool } ... ]
 *  "gaps": [ { "cpu", "channel", "cause" (text), "records", "from_tsc",
 *      "to_tsc" } ... ]
 *  "redacted": { "domid" }: a slice that tells of this domain only
 *
 * The note: { "lost_in_dump": records that Xen dropped after the history's end,
 * "latency_ns": { "wake", "quiescent", "written" }: each counted
 * from the trigger.  Of a recording: "clock": { "fit" }, and "domains" that came
 * while it went on, as above; "recorded": { "missed" (packets that were
 * overwritten before they were read), "refused" (not as they should be),
 * "wakes", "ended" (text) } }.
 */

#endif /* XENFLIGHT_SNAPSHOT_H */
