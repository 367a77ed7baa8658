/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* snapshot-impl.h: what the parts of the snapshot's reader share. */

#ifndef XENFLIGHT_SNAPSHOT_IMPL_H
#define XENFLIGHT_SNAPSHOT_IMPL_H

#include <lz4frame.h>

#include "lib/format/snapshot.h"

/*
 * The one form of lz4 frame header in a snapshot, 15 bytes: magic, flags,
 * block size, content size (8), header checksum.  Then blocks, each with its
 * length in front.
 */
#define LZ4_HEADER_BYTES  15
#define LZ4_FLAGS_AT      4
#define LZ4_CONTENT_AT    6
#define LZ4_FLAGS         0x6c /* v1, independent, content size and checksum */
#define LZ4_BLOCK_RAW     0x80000000U
#define LZ4_TAIL_BYTES    8    /* end mark, content checksum */

struct snapshot {
    int fd;
    bool own_fd;
    uint64_t file_bytes;
    struct snapshot_header header;
    struct snapshot_frame *frames;
    uint32_t nr_frames, max_frames;
    bool indexed;
    struct snapshot_fault fault;  /* !indexed: the first damage, and what it is */
    uint64_t nr_damaged;          /* found when records were read */
    LZ4F_dctx *dctx;
    uint8_t *in;                  /* one frame as stored */
    size_t in_bytes;
    uint8_t *content;             /* its content, if that is columns */
    size_t content_bytes;
};

/* Store where and why in `f` (may be NULL).  Return -EBADMSG. */
int snapshot_set_fault(struct snapshot_fault *f, uint64_t offset,
                       const char *what);

/* -ENODATA: the file ends before `len` bytes are read. */
int snapshot_read_at(int fd, uint64_t offset, void *data, size_t len);

/*
 * Reads and describes the frame at f->offset, all else in `f` being zero.  *buf
 * of *size bytes is room that grows; free() it.  -ENODATA: the frame is cut.
 * -EBADMSG: it is damaged; its end is known if f->bytes is set.
 */
int snapshot_scan_frame(struct snapshot *s, struct snapshot_frame *f,
                        void **buf, size_t *size);

/* Whether s->in, the frame as stored, has the hash of its index entry. */
bool snapshot_hash_fits(const struct snapshot *s,
                        const struct snapshot_frame *f);

/*
 * Kind and flags of a frame by how its content begins.  -EBADMSG: none that the
 * first frame can have.
 */
int snapshot_tell_kind(const uint8_t *data, size_t len,
                       struct snapshot_frame *f);

/* A kind that this version reads? */
static inline bool snapshot_is_known(const struct snapshot_frame *f)
{
    return f->kind >= SNAPSHOT_META && f->kind <= SNAPSHOT_NOTE;
}

/* What a frame's content is at most. */
static inline uint64_t snapshot_max_content(unsigned int kind)
{
    return kind == SNAPSHOT_DATA ? SNAPSHOT_MAX_DATA_BYTES
                                 : SNAPSHOT_MAX_JSON_BYTES;
}

/*
 * The index to s->frames.  -EBADMSG: there is none, or it is not right, or its
 * frames do not begin with what it says of them.
 */
int snapshot_load_index(struct snapshot *s);

#endif /* XENFLIGHT_SNAPSHOT_IMPL_H */
