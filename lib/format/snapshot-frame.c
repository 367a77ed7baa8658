/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-frame.c: read, measure and check one lz4 frame of a snapshot file.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "lib/format/columns.h"
#include "lib/format/pack.h"
#include "lib/format/snapshot-impl.h"

int snapshot_set_fault(struct snapshot_fault *f, uint64_t offset,
                       const char *why)
{
    if ( f )
    {
        f->offset = offset;
        snprintf(f->what, sizeof(f->what), "%s", why);
    }

    return -EBADMSG;
}

int snapshot_read_at(int fd, uint64_t offset, void *data, size_t len)
{
    char *at = data;

    while ( len )
    {
        ssize_t n = pread(fd, at, len, offset);

        if ( n < 0 && errno == EINTR )
            continue;
        if ( n <= 0 )
            return n ? -errno : -ENODATA;
        at += n;
        len -= n;
        offset += n;
    }

    return 0;
}

/* Make *buf at least `bytes` long; its content is lost. */
static int make_room(void **buf, size_t *size, size_t bytes)
{
    void *fresh;

    if ( bytes <= *size )
        return 0;

    fresh = malloc(bytes);
    if ( !fresh )
        return -ENOMEM;

    free(*buf);
    *buf = fresh;
    *size = bytes;
    return 0;
}

/*
 * Content.
 */

/*
 * Decompress the `bytes` bytes in s->in to exactly `content_bytes`.  Return 0,
 * -ENOMEM, -EBADMSG, or -EILSEQ if the length is right and the checksum wrong.
 */
static int inflate_frame(struct snapshot *s, size_t bytes, void *out,
                         size_t content_bytes)
{
    size_t in_done = 0, out_done = 0, hint = 1;

    LZ4F_resetDecompressionContext(s->dctx);
    while ( hint && in_done < bytes )
    {
        size_t in_now = bytes - in_done, out_now = content_bytes - out_done;

        hint = LZ4F_decompress(s->dctx, (char *)out + out_done, &out_now,
                               s->in + in_done, &in_now, NULL);
        if ( !strcmp(LZ4F_getErrorName(hint), "ERROR_contentChecksum_invalid") )
            return -EILSEQ;
        if ( !strcmp(LZ4F_getErrorName(hint), "ERROR_allocation_failed") )
            return -ENOMEM;
        if ( LZ4F_isError(hint) || (hint && !in_now && !out_now) )
            return -EBADMSG;
        in_done += in_now;
        out_done += out_now;
    }

    return hint || in_done != bytes || out_done != content_bytes ? -EBADMSG
                                                                 : 0;
}

static uint32_t first_word(const void *data, size_t len)
{
    uint32_t first = 0;

    if ( len >= sizeof(first) )
        memcpy(&first, data, sizeof(first));
    return first;
}

/* Unknown content is from a later version, hence no error. */
int snapshot_find_kind(const uint8_t *data, size_t len,
                       struct snapshot_frame *f)
{
    bool first = f->offset == sizeof(struct snapshot_header);
    uint32_t word = first_word(data, len);

    if ( word == XEN_FLIGHTREC_PACKET_MAGIC || word == COLUMNS_MAGIC )
        f->kind = SNAPSHOT_DATA;
    else if ( len && data[0] == '{' )
        f->kind = first ? SNAPSHOT_META : SNAPSHOT_NOTE;
    else
        f->kind = SNAPSHOT_OTHER;
    if ( word == COLUMNS_MAGIC )
        f->flags |= SNAPSHOT_FRAME_COLUMNS;

    return first && f->kind != SNAPSHOT_META ? -EBADMSG : 0;
}

/* Unpack the columns in s->content to packets in *buf. */
static int unpack_columns(struct snapshot *s, const struct snapshot_frame *f,
                          void **buf, size_t *size, size_t *len)
{
    int rc = columns_plain_bytes(s->content, f->content_bytes, len);

    if ( !rc )
        rc = make_room(buf, size, *len + 1);
    if ( !rc )
        rc = columns_unpack(s->content, f->content_bytes, *buf);
    return rc;
}

/* Get the content of the frame whose `f->bytes` stored bytes are in s->in. */
static int read_columns(struct snapshot *s, const struct snapshot_frame *f,
                        void **buf, size_t *size, size_t *len)
{
    int rc = make_room((void **)&s->content, &s->content_bytes,
                       f->content_bytes);

    if ( !rc )
        rc = inflate_frame(s, f->bytes, s->content, f->content_bytes);
    return rc ? rc : unpack_columns(s, f, buf, size, len);
}

static int read_plain(struct snapshot *s, const struct snapshot_frame *f,
                      void **buf, size_t *size, size_t *len)
{
    int rc = make_room(buf, size, f->content_bytes + 1);

    *len = f->content_bytes;
    return rc ? rc : inflate_frame(s, f->bytes, *buf, f->content_bytes);
}

bool snapshot_hash_fits(const struct snapshot *s,
                        const struct snapshot_frame *f)
{
    return f->xxh64 == XXH64(s->in, f->bytes, 0);
}

int snapshot_read(struct snapshot *s, uint32_t i, void **buf, size_t *size,
                  size_t *len)
{
    const struct snapshot_frame *f;
    int rc;

    if ( i >= s->nr_frames )
        return -ENOENT;

    f = &s->frames[i];
    rc = make_room((void **)&s->in, &s->in_bytes, f->bytes);
    if ( !rc )
        rc = snapshot_read_at(s->fd, f->offset, s->in, f->bytes);
    if ( rc )
        return rc == -ENODATA ? -EBADMSG : rc;

    /*
     * The hash may be wrong in the index only.  A frame with its own checksum
     * is checked by that.
     */
    if ( !snapshot_hash_fits(s, f) && s->in[LZ4_FLAGS_AT] != LZ4_FLAGS )
        return -EBADMSG;

    if ( f->kind == SNAPSHOT_DATA && (f->flags & SNAPSHOT_FRAME_COLUMNS) )
        rc = read_columns(s, f, buf, size, len);
    else
        rc = read_plain(s, f, buf, size, len);
    if ( rc )
        return rc == -EILSEQ ? -EBADMSG : rc;

    /* Terminate documents; make_room() allowed for it. */
    ((char *)*buf)[*len] = '\0';
    return 0;
}

/*
 * Frames that no index describes.
 */

/* Measure the lz4 frame at f->offset: set f->bytes and f->content_bytes. */
static int measure_frame(struct snapshot *s, struct snapshot_frame *f)
{
    uint8_t head[LZ4_HEADER_BYTES];
    uint64_t content, limit, at = f->offset + sizeof(head);
    int rc;

    rc = snapshot_read_at(s->fd, f->offset, head, sizeof(head));
    if ( rc )
        return rc;

    memcpy(&content, head + LZ4_CONTENT_AT, sizeof(content));
    if ( head[LZ4_FLAGS_AT] != LZ4_FLAGS || !content ||
         content > SNAPSHOT_MAX_JSON_BYTES )
        return -EBADMSG;

    limit = f->offset + LZ4F_compressFrameBound(content, NULL);
    for ( ;; )
    {
        uint32_t block;

        rc = snapshot_read_at(s->fd, at, &block, sizeof(block));
        if ( rc )
            return rc;
        if ( !block )
            break;
        at += sizeof(block) + (block & ~LZ4_BLOCK_RAW);
        if ( at > limit )
            return -EBADMSG;
    }

    at += LZ4_TAIL_BYTES;
    if ( at > s->file_bytes )
        return -ENODATA;

    f->bytes = at - f->offset;
    f->content_bytes = content;
    return 0;
}

/* An invalid packet only ends the frame, unless it is the first. */
static int describe(const void *packets, size_t bytes, struct snapshot_frame *f)
{
    int rc = pack_describe(packets, bytes, f);

    if ( rc != -EBADMSG || !f->packets )
        return rc;
    f->flags |= SNAPSHOT_FRAME_DAMAGED;
    return 0;
}

int snapshot_scan_frame(struct snapshot *s, struct snapshot_frame *f,
                        void **buf, size_t *size)
{
    size_t len;
    int rc = measure_frame(s, f);

    if ( rc )
        return rc;

    rc = make_room((void **)&s->in, &s->in_bytes, f->bytes);
    if ( !rc )
        rc = make_room((void **)&s->content, &s->content_bytes,
                       f->content_bytes);
    if ( !rc )
        rc = snapshot_read_at(s->fd, f->offset, s->in, f->bytes);
    if ( !rc )
        rc = inflate_frame(s, f->bytes, s->content, f->content_bytes);
    if ( rc == -EILSEQ )
        return -EBADMSG;
    if ( rc )
    {
        f->bytes = 0;
        return rc;
    }
    rc = snapshot_find_kind(s->content, f->content_bytes, f);
    if ( rc )
        return rc;

    f->xxh64 = XXH64(s->in, f->bytes, 0);
    if ( f->content_bytes > snapshot_max_content(f->kind) )
        return -EBADMSG;
    if ( !(f->flags & SNAPSHOT_FRAME_COLUMNS) )
        return f->kind == SNAPSHOT_DATA
                   ? describe(s->content, f->content_bytes, f)
                   : 0;

    rc = unpack_columns(s, f, buf, size, &len);
    return rc ? rc : describe(*buf, len, f);
}
