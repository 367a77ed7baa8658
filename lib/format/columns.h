/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * columns.h: the content of a data frame, turned round so that lz4 finds more.
 *
 * lz4 finds repeated bytes and nothing else.  In records stamps never repeat,
 * and they stand between all that does.  So the parts of the records are put
 * beside their like, a column each:
 *
 *  +------+---------+-------+-------+-------+-------+-------+
 *  | head | headers | kinds | codes | masks | times | words |
 *  +------+---------+-------+-------+-------+-------+-------+
 *
 *  headers  of the packets, as they are
 *  kinds    each pair of compact id and number of words that occurs
 *  codes    a byte a record: its place in `kinds`
 *  masks    a byte a record: which payload words are not what the last record
 *           of its kind had there
 *  times    the step from the record before, in 7 bits a byte
 *  words    the payload words that the masks name
 *
 * Anchors and escapes are records of a kind like all others here, and words
 * that are no records at all still divide into something of that form: so what
 * went in comes out, whatever it was.  The rest is in flightrec-snapshot(5).
 *
 * Considered and left: guessing a word from the words before it, or from the
 * kind of the record before (slower, nothing gained on real streams); a column
 * for each field (more code, and lz4 starts anew in each short column).
 */

#ifndef XENFLIGHT_COLUMNS_H
#define XENFLIGHT_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#define COLUMNS_MAGIC     0x4c435246U /* "FRCL" */
#define COLUMNS_MAX_KINDS 256
#define COLUMNS_MAX_TIME  3  /* bytes of one step */

/* In front of the columns.  32 bytes, little endian. */
struct columns_head {
    uint32_t magic;        /* COLUMNS_MAGIC */
    uint32_t plain_bytes;  /* of the packets */
    uint32_t header_bytes; /* of the column `headers` */
    uint32_t kinds;        /* entries of 2 bytes */
    uint32_t records;      /* of 1 byte in codes, 1 byte in masks */
    uint32_t time_bytes;
    uint32_t words;        /* of 4 bytes */
    uint32_t _rsvd;
};

/* What packing needs beside its input and output: a few times the former. */
struct columns_work;

/* For up to `max_bytes` of packets.  NULL: no memory. */
struct columns_work *columns_work_new(size_t max_bytes);
void columns_work_free(struct columns_work *work);

/*
 * Packs whole packets that lie one after another, `bytes` of them in all.  `out`
 * has room for as many.  Returns 0 with the length in *out_bytes, or -ENOTSUP:
 * store them as they are, since it would not get shorter, there are too many
 * kinds, or it is no row of packets.  The input must not change meanwhile.
 */
int columns_pack(struct columns_work *work, const void *plain, size_t bytes,
                 void *out, size_t *out_bytes);

/* How much room columns_unpack() needs.  -EBADMSG: these are no columns. */
int columns_plain_bytes(const void *in, size_t bytes, size_t *plain_bytes);

/* Exactly *plain_bytes into `plain`.  -EBADMSG: not made by columns_pack(). */
int columns_unpack(const void *in, size_t bytes, void *plain);

#endif /* XENFLIGHT_COLUMNS_H */
