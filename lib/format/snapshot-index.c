/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-index.c: load the index of a snapshot file, and check it against
 * the frames.
 *
 * The hash of an index shows that it is undamaged, not that it is true.
 * Readers skip frames by their entries, so each entry is compared with the
 * start of its frame: the kind, and the first packet of a data frame.  Counts
 * and the last stamp are not checked here, since no record depends on them;
 * snapshot_verify() checks them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <xxhash.h>

#include "lib/format/columns.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot-impl.h"

/* Limit of the length of an entry, for later versions. */
#define MAX_ENTRY_BYTES 256

/* Content of up to this size is one lz4 block. */
#define BLOCK_BYTES     (1U << 20)
/* Content up to the end of the first packet's header. */
#define BEGIN_BYTES     (sizeof(struct columns_head) + \
                         sizeof(struct xen_flightrec_packet))
/* Usually enough for that content; rarely, a match has a longer encoding. */
#define STORED_BYTES    (LZ4_HEADER_BYTES + 2 * BEGIN_BYTES)

/*
 * Consistency of the entries.
 */

/* The meta document must come first, and there may be one note, the last. */
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

/* Entries must be adjacent from header to index, and within limits. */
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
 * Comparison with the frames.
 */

/*
 * Get the first BEGIN_BYTES of a frame's content, or all of it if shorter,
 * without reading the whole frame.  Return 0, or -EBADMSG if that is not
 * possible.
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

/* Whether an entry and its frame agree in the fields that readers rely on. */
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

/* Return -EBADMSG if the start of the frame does not match its entry. */
static int agrees(const struct snapshot *s, const struct snapshot_frame *f)
{
    struct snapshot_frame seen = { .offset = f->offset };
    struct xen_flightrec_packet h = { .magic = 0 };
    uint8_t begin[BEGIN_BYTES];
    size_t len, at;
    int rc;

    rc = peek(s, f, begin, &len);
    if ( !rc )
        rc = snapshot_find_kind(begin, len, &seen);
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
 * Read the whole frame after agrees() failed.  Return -EBADMSG if the frame is
 * intact and differs from its entry.  Return 0 if it matches, or if it is
 * damaged, which does not refute the index.
 */
static int agrees_whole(struct snapshot *s, const struct snapshot_frame *f)
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
            rc = agrees_whole(s, &s->frames[i]);
    }

    return rc;
}

/*
 * Loading.
 */

/* Check the hash of the index, which ends the file, and load its entries. */
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

    rc = snapshot_read_at(s->fd, s->file_bytes - sizeof(end), &end,
                          sizeof(end));
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
