/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * columns.h: store the records of a data frame by columns, so that lz4 finds
 * more repetitions.
 *
 * lz4 finds repeated bytes only.  In records, the stamps never repeat, and
 * they separate the parts that do.  So each part of the records has a column:
 *
 *  +------+---------+-------+-------+-------+-------+-------+
 *  | head | headers | kinds | codes | masks | times | words |
 *  +------+---------+-------+-------+-------+-------+-------+
 *
 *  headers  packet headers, unchanged
 *  kinds    each pair of compact id and word count that occurs
 *  codes    one byte per record: its index in `kinds`
 *  masks    one byte per record: the payload words that differ from the last
 *           record of its kind
 *  times    the difference from the record before, 7 bits per byte
 *  words    the payload words that the masks select
 *
 * Anchors and escapes are treated as records of their kind.  Words that are
 * not valid records still parse as some row of kinds and payload, so unpacking
 * always returns the exact input.  flightrec-snapshot(5) has the details.
 *
 * Refused: predicting a word from the words before it, or from the kind of the
 * record before (slower, no gain on real streams); a column per field (more
 * code, and lz4 starts over in each short column).
 */

#ifndef XENFLIGHT_COLUMNS_H
#define XENFLIGHT_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#define COLUMNS_MAGIC     0x4c435246U /* "FRCL" */
#define COLUMNS_MAX_KINDS 256
#define COLUMNS_MAX_TIME  3  /* bytes of one time difference */

/* Precedes the columns.  32 bytes, little endian. */
struct columns_head {
    uint32_t magic;        /* COLUMNS_MAGIC */
    uint32_t plain_bytes;  /* bytes of the unpacked packets */
    uint32_t header_bytes; /* bytes of the column `headers` */
    uint32_t kinds;        /* entries of 2 bytes each */
    uint32_t records;      /* entries in codes and in masks, 1 byte each */
    uint32_t time_bytes;
    uint32_t words;        /* entries of 4 bytes each */
    uint32_t _rsvd;
};

/* Scratch memory for packing: a few times the size of the input. */
struct columns_work;

/*
 * Allocate for up to `max_bytes` of packets.  Return NULL if out of memory.
 * The caller frees it with columns_work_free(), which accepts NULL.
 */
struct columns_work *columns_work_new(size_t max_bytes);
void columns_work_free(struct columns_work *work);

/*
 * Pack `bytes` bytes of whole, adjacent packets.  `out` must have room for as
 * many, and the input must not change during the call.  Return 0 with the
 * length in *out_bytes.  Return -ENOTSUP if the caller must store them
 * unpacked: the result would not be shorter, there are too many kinds, or a
 * packet is invalid.
 */
int columns_pack(struct columns_work *work, const void *plain, size_t bytes,
                 void *out, size_t *out_bytes);

/* Get the size that columns_unpack() needs.  Return 0 or -EBADMSG. */
int columns_plain_bytes(const void *in, size_t bytes, size_t *plain_bytes);

/*
 * Unpack to `plain`, exactly the size that columns_plain_bytes() gave.  Return
 * 0, or -EBADMSG if columns_pack() cannot have written the input.
 */
int columns_unpack(const void *in, size_t bytes, void *plain);

#endif /* XENFLIGHT_COLUMNS_H */
