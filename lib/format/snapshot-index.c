/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-index.c: the index of a snapshot file, and whether to believe it.
 *
 * A hash says that nothing happened to it since it was written, not that it is
 * true.  By it a reader decides what it need not read, so each entry is held
 * against the begin of its frame: of what kind it is, and of a data frame whose
 * packet comes first.  What is not looked at here are counts and the last stamp,
 * which decide nothing about records; `verify' does.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <xxhash.h>

#include "lib/format/columns.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot-impl.h"

/* No later version's index entry is longer. */
#define MAX_ENTRY_BYTES 256

/* That much content is one block. */
#define BLOCK_BYTES     (1U << 20)
/* Content up to the end of the first packet's header. */
#define BEGIN_BYTES     (sizeof(struct columns_head) + \
                         sizeof(struct xen_flightrec_packet))
/* Mostly enough for that: a long match may have a longer length. */
#define STORED_BYTES    (LZ4_HEADER_BYTES + 2 * BEGIN_BYTES)

/*
 * Entries among each other.
 */

/* The meta document comes first, and of the notes there is one at most. */
static bool kinds_fit(const struct snapshot *s)
{
    bool noted = false;

    for ( uint32_t i = 0; i < s->nr_frames; i++ )
    {
        const struct snapshot_frame *f = &s->frames[i];

        if ( (f->kind == SNAPSHOT_META) != !i ||
             (noted && snapshot_is_known(f)) )
            return false;
        noted |= f->kind == SNAPSHOT_NOTE;
    }

    return true;
}

/* Entries lie end to end between header and index and are within limits. */
static bool entries_fit(const struct snapshot *s, uint64_t index_offset)
{
    uint64_t next = sizeof(struct snapshot_header);

    for ( uint32_t i = 0; i < s->nr_frames; i++ )
    {
        const struct snapshot_frame *f = &s->frames[i];

        if ( f->offset != next || !f->content_bytes ||
             f->content_bytes > snapshot_max_content(f->kind) ||
             f->channel >= XEN_FLIGHTREC_CHANNELS ||
             f->bytes < LZ4_HEADER_BYTES + LZ4_TAIL_BYTES ||
             f->bytes > LZ4F_compressFrameBound(f->content_bytes, NULL) )
            return false;
        next += f->bytes;
    }

    return next == index_offset && s->nr_frames && kinds_fit(s);
}

/*
 * Entries and frames.
 */

/*
 * How the content of a frame begins; *len is BEGIN_BYTES or all there is.
 * -EBADMSG: it cannot be told.
 */
static int peek(const struct snapshot *s, const struct snapshot_frame *f,
                uint8_t *begin, size_t *len)
{
    uint8_t in[STORED_BYTES];
    size_t bytes = f->bytes < sizeof(in) ? f->bytes : sizeof(in);
    const uint8_t *at = in + LZ4_HEADER_BYTES + sizeof(uint32_t);
    uint64_t content;
    uint32_t block;
    int n, rc;

    rc = snapshot_read_at(s->fd, f->offset, in, bytes);
    if ( rc )
        return rc == -ENODATA ? -EBADMSG : rc;

    memcpy(&content, in + LZ4_CONTENT_AT, sizeof(content));
    memcpy(&block, in + LZ4_HEADER_BYTES, sizeof(block));
    if ( packet_word(in) != SNAPSHOT_LZ4_FRAME ||
         in[LZ4_FLAGS_AT] != LZ4_FLAGS || content != f->content_bytes ||
         (content <= BLOCK_BYTES &&
          f->bytes != at - in + (block & ~LZ4_BLOCK_RAW) + LZ4_TAIL_BYTES) )
        return -EBADMSG;

    bytes -= at - in;
    if ( (block & ~LZ4_BLOCK_RAW) < bytes )
        bytes = block & ~LZ4_BLOCK_RAW;
    *len = content < BEGIN_BYTES ? content : BEGIN_BYTES;
    if ( block & LZ4_BLOCK_RAW )
    {
        n = bytes < *len ? bytes : *len;
        memcpy(begin, at, n);
    }
    else
        n = LZ4_decompress_safe_partial((const char *)at, (char *)begin, bytes,
                                        *len, *len);
    return n == (int)*len ? 0 : -EBADMSG;
}

/* A frame as its entry has it, and as it is, as far as records depend on it. */
static bool same_begin(const struct snapshot_frame *f,
                       const struct snapshot_frame *seen)
{
    if ( seen->kind != (snapshot_is_known(f) ? f->kind : SNAPSHOT_OTHER) )
        return false;
    return f->kind != SNAPSHOT_DATA ||
           (!((seen->flags ^ f->flags) & SNAPSHOT_FRAME_COLUMNS) &&
            seen->cpu == f->cpu && seen->channel == f->channel &&
            seen->first_seq == f->first_seq &&
            seen->first_tsc == f->first_tsc);
}

/* 0, or -EBADMSG: the frame does not seem to begin as its entry says. */
static int agrees(const struct snapshot *s, const struct snapshot_frame *f)
{
    struct snapshot_frame seen = { .offset = f->offset };
    struct xen_flightrec_packet h = { .magic = 0 };
    uint8_t begin[BEGIN_BYTES];
    size_t len, at;
    int rc;

    rc = peek(s, f, begin, &len);
    if ( !rc )
        rc = snapshot_tell_kind(begin, len, &seen);
    if ( rc )
        return rc;

    at = seen.flags & SNAPSHOT_FRAME_COLUMNS ? sizeof(struct columns_head) : 0;
    if ( seen.kind == SNAPSHOT_DATA && len >= at + sizeof(h) )
        memcpy(&h, begin + at, sizeof(h));
    seen.cpu = h.cpu;
    seen.channel = h.channel;
    seen.first_seq = h.seq;
    seen.first_tsc = h.begin_tsc;
    return same_begin(f, &seen) ? 0 : -EBADMSG;
}

/*
 * Where they do not seem to agree, all of the frame is looked at.  0: they do, or
 * it was damaged since and says nothing against the index.  -EBADMSG: it is whole
 * and something else.
 */
static int blame(struct snapshot *s, const struct snapshot_frame *f)
{
    struct snapshot_frame seen = { .offset = f->offset };
    void *buf = NULL;
    size_t size = 0;
    int rc = snapshot_scan_frame(s, &seen, &buf, &size);

    free(buf);
    if ( rc == -EBADMSG || rc == -ENODATA )
        return 0;
    if ( rc )
        return rc;
    return seen.bytes == f->bytes && seen.content_bytes == f->content_bytes &&
                   same_begin(f, &seen)
               ? 0
               : -EBADMSG;
}

static int check_frames(struct snapshot *s)
{
    int rc = 0;

    for ( uint32_t i = 0; !rc && i < s->nr_frames; i++ )
    {
        rc = agrees(s, &s->frames[i]);
        if ( rc == -EBADMSG )
            rc = blame(s, &s->frames[i]);
    }

    return rc;
}

/*
 * The index itself.
 */

/* The index from its first byte to the file's last; checks its hash. */
static int check_index(struct snapshot *s, const uint8_t *index, size_t bytes)
{
    struct snapshot_index head;
    struct snapshot_trailer end;
    uint64_t hashed = bytes - sizeof(end) +
                      offsetof(struct snapshot_trailer, xxh64);
    size_t entries = bytes - sizeof(head) - sizeof(end);

    memcpy(&head, index, sizeof(head));
    memcpy(&end, index + bytes - sizeof(end), sizeof(end));

    if ( head.skip_magic != SNAPSHOT_SKIP_INDEX ||
         head.skip_bytes != bytes - 8 ||
         memcmp(head.magic, SNAPSHOT_INDEX_MAGIC, sizeof(head.magic)) ||
         head.frame_bytes < sizeof(*s->frames) ||
         head.frame_bytes > MAX_ENTRY_BYTES ||
         head.frames > SNAPSHOT_MAX_FRAMES ||
         head.frames * (uint64_t)head.frame_bytes != entries ||
         end.xxh64 != XXH64(index, hashed, 0) )
        return -EBADMSG;

    s->frames = malloc(head.frames * sizeof(*s->frames));
    if ( !s->frames )
        return -ENOMEM;

    for ( uint32_t i = 0; i < head.frames; i++ )
        memcpy(&s->frames[i],
               index + sizeof(head) + i * (size_t)head.frame_bytes,
               sizeof(s->frames[i]));
    s->nr_frames = s->max_frames = head.frames;
    return entries_fit(s, end.index_offset) ? check_frames(s) : -EBADMSG;
}

int snapshot_load_index(struct snapshot *s)
{
    const size_t fixed = sizeof(struct snapshot_index) +
                         sizeof(struct snapshot_trailer);
    struct snapshot_trailer end;
    uint8_t *index;
    uint64_t bytes;
    int rc;

    if ( s->file_bytes < sizeof(struct snapshot_header) + fixed )
        return -EBADMSG;

    rc = snapshot_read_at(s->fd, s->file_bytes - sizeof(end), &end, sizeof(end));
    if ( rc )
        return rc;

    if ( memcmp(end.magic, SNAPSHOT_END_MAGIC, sizeof(end.magic)) ||
         end.file_bytes != s->file_bytes ||
         end.index_offset < sizeof(struct snapshot_header) ||
         end.index_offset > s->file_bytes - fixed )
        return -EBADMSG;

    bytes = s->file_bytes - end.index_offset;
    if ( !(bytes - fixed) ||
         (bytes - fixed) / MAX_ENTRY_BYTES > SNAPSHOT_MAX_FRAMES )
        return -EBADMSG;

    index = malloc(bytes);
    if ( !index )
        return -ENOMEM;

    rc = snapshot_read_at(s->fd, end.index_offset, index, bytes);
    if ( !rc )
        rc = check_index(s, index, bytes);
    free(index);
    return rc;
}
