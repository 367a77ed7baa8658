/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-impl.h: structures and functions private to the snapshot*.c
 * readers.
 */

#ifndef XENFLIGHT_SNAPSHOT_IMPL_H
#define XENFLIGHT_SNAPSHOT_IMPL_H

#include <lz4frame.h>

#include "lib/format/snapshot.h"

/*
 * The only lz4 frame header that a snapshot may have, 15 bytes: magic, flags,
 * block size, content size (8), header checksum.  Blocks follow, each preceded
 * by its length.  Source: lz4's doc/lz4_Frame_format.md.
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
    struct snapshot_fault fault;  /* if !indexed, the first damage */
    uint64_t nr_damaged;          /* found while reading records */
    LZ4F_dctx *dctx;
    uint8_t *in;                  /* one frame as stored */
    size_t in_bytes;
    uint8_t *content;             /* its content, if it has columns */
    size_t content_bytes;
};

/* Store where and why in `f` (may be NULL).  Return -EBADMSG. */
int snapshot_set_fault(struct snapshot_fault *f, uint64_t offset,
                       const char *what);

/*
 * Read exactly `len` bytes.  Return 0, -errno, or -ENODATA at the file's end.
 */
int snapshot_read_at(int fd, uint64_t offset, void *data, size_t len);

/*
 * Read and describe the frame at f->offset.  Callers must zero all other
 * fields of `f`.  *buf is scratch memory of *size bytes that grows; the caller
 * frees it.  Return 0, -errno, -ENODATA if the frame is truncated, or -EBADMSG
 * if it is damaged; f->bytes is then 0 if its end is unknown.
 */
int snapshot_scan_frame(struct snapshot *s, struct snapshot_frame *f,
                        void **buf, size_t *size);

/* Whether s->in, the frame as stored, has the hash of its index entry. */
bool snapshot_hash_fits(const struct snapshot *s,
                        const struct snapshot_frame *f);

/*
 * Set f->kind and f->flags by the start of the content.  Return 0, or -EBADMSG
 * if the first frame is not the meta document.
 */
int snapshot_find_kind(const uint8_t *data, size_t len,
                       struct snapshot_frame *f);

/* Whether this version reads frames of that kind. */
static inline bool snapshot_is_known(const struct snapshot_frame *f)
{
    return f->kind >= SNAPSHOT_META && f->kind <= SNAPSHOT_NOTE;
}

/* Return the limit of a frame's content, in bytes. */
static inline uint64_t snapshot_max_content(unsigned int kind)
{
    return kind == SNAPSHOT_DATA ? SNAPSHOT_MAX_DATA_BYTES
                                 : SNAPSHOT_MAX_JSON_BYTES;
}

/*
 * Load the index to s->frames.  Return 0, -errno, or -EBADMSG if it is missing
 * or invalid, or if a frame's start does not match its entry.
 */
int snapshot_load_index(struct snapshot *s);

#endif /* XENFLIGHT_SNAPSHOT_IMPL_H */
