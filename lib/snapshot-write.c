/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-write.c: the writing half of the snapshot file.
 *
 * Slots are copied into one chunk, which is compressed and written when it is
 * full or the stream changes.  The copy is what is checked and compressed: a
 * slot that changes under us can spoil its own content, nothing else.
 */

#include <stdlib.h>
#include <unistd.h>

#include <lz4frame.h>
#include <xxhash.h>

#include "lib/packet.h"
#include "lib/snapshot.h"

_Static_assert(sizeof(struct snapshot_header) == 64, "file header");
_Static_assert(sizeof(struct snapshot_frame) == 96, "index entry");
_Static_assert(sizeof(struct snapshot_index) == 24, "index head");
_Static_assert(sizeof(struct snapshot_trailer) == 32, "trailer");

enum stage {
    STAGE_META,  /* header is written */
    STAGE_DATA,  /* meta is written */
    STAGE_NOTED, /* note is written */
};

struct snapshot_writer {
    int fd;
    enum stage stage;
    uint64_t offset;              /* bytes written so far */
    uint8_t *chunk;               /* SNAPSHOT_MAX_DATA_BYTES */
    struct snapshot_frame open;   /* what the chunk holds; .content_bytes */
    uint8_t *out;
    size_t out_bytes;
    struct snapshot_frame *frames;
    uint32_t nr_frames, max_frames;
    struct snapshot_totals totals;
};

static int write_all(struct snapshot_writer *w, const void *data, size_t len)
{
    const char *at = data;

    while ( len )
    {
        ssize_t n = write(w->fd, at, len);

        if ( n < 0 && errno == EINTR )
            continue;
        if ( n <= 0 )
            return n ? -errno : -ENOSPC;
        at += n;
        len -= n;
        w->offset += n;
    }

    return 0;
}

static const LZ4F_preferences_t lz4_prefs = {
    .frameInfo = {
        .blockSizeID = LZ4F_max1MB,
        .blockMode = LZ4F_blockIndependent,
        .contentChecksumFlag = LZ4F_contentChecksumEnabled,
        .contentSize = 1, /* any but 0: the real size is filled in */
    },
};

static int reserve_out(struct snapshot_writer *w, size_t bytes)
{
    uint8_t *out;

    if ( bytes <= w->out_bytes )
        return 0;

    out = realloc(w->out, bytes);
    if ( !out )
        return -ENOMEM;

    w->out = out;
    w->out_bytes = bytes;
    return 0;
}

/* Room for the compressed form of `len` bytes. */
static int reserve_frame(struct snapshot_writer *w, size_t len)
{
    return reserve_out(w, LZ4F_compressFrameBound(len, &lz4_prefs));
}

static int remember_frame(struct snapshot_writer *w,
                          const struct snapshot_frame *f)
{
    if ( w->nr_frames == w->max_frames )
    {
        uint32_t max = w->max_frames ? w->max_frames * 2 : 64;
        struct snapshot_frame *frames;

        if ( max > SNAPSHOT_MAX_FRAMES )
            return -EFBIG;
        frames = realloc(w->frames, max * sizeof(*frames));
        if ( !frames )
            return -ENOMEM;
        w->frames = frames;
        w->max_frames = max;
    }

    w->frames[w->nr_frames++] = *f;
    return 0;
}

/* Compresses and writes `f->content_bytes` bytes; completes and keeps `f`. */
static int put_frame(struct snapshot_writer *w, const void *content,
                     struct snapshot_frame *f)
{
    size_t bytes;
    int rc;

    rc = reserve_frame(w, f->content_bytes);
    if ( rc )
        return rc;

    bytes = LZ4F_compressFrame(w->out, w->out_bytes, content, f->content_bytes,
                               &lz4_prefs);
    if ( LZ4F_isError(bytes) )
        return -EIO;

    f->offset = w->offset;
    f->bytes = bytes;
    f->xxh64 = XXH64(w->out, bytes, 0);
    rc = remember_frame(w, f);
    if ( rc )
        return rc;

    return write_all(w, w->out, bytes);
}

static int put_json(struct snapshot_writer *w, enum snapshot_kind kind,
                    const char *json, size_t len)
{
    struct snapshot_frame f = { .kind = kind, .content_bytes = len };

    /* A reader without an index tells documents from packets by this. */
    if ( !len || json[0] != '{' )
        return -EINVAL;
    if ( len > SNAPSHOT_MAX_JSON_BYTES )
        return -EFBIG;

    return put_frame(w, json, &f);
}

static int put_header(struct snapshot_writer *w, uint64_t created_ns)
{
    struct snapshot_header h = {
        .skip_magic = SNAPSHOT_SKIP_HEADER,
        .skip_bytes = sizeof(h) - 8,
        .magic = SNAPSHOT_HEADER_MAGIC,
        .major = SNAPSHOT_MAJOR,
        .minor = SNAPSHOT_MINOR,
        .abi_version = XEN_FLIGHTREC_VERSION,
        .packet_bytes = sizeof(struct xen_flightrec_packet),
        .created_ns = created_ns,
        .max_data_bytes = SNAPSHOT_MAX_DATA_BYTES,
    };

    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    return write_all(w, &h, sizeof(h));
}

int snapshot_create(int fd, uint64_t created_ns, struct snapshot_writer **out)
{
    struct snapshot_writer *w = calloc(1, sizeof(*w));
    int rc = -ENOMEM;

    if ( !w )
        return rc;

    w->fd = fd;
    w->chunk = malloc(SNAPSHOT_MAX_DATA_BYTES);
    if ( !w->chunk )
        goto out;

    /* All that the data will need: no allocation while Xen holds memory. */
    rc = reserve_frame(w, SNAPSHOT_MAX_DATA_BYTES);
    if ( rc )
        goto out;

    rc = put_header(w, created_ns);

 out:
    if ( rc )
        snapshot_abort(w);
    else
        *out = w;
    return rc;
}

int snapshot_put_meta(struct snapshot_writer *w, const char *json, size_t len)
{
    int rc;

    if ( w->stage != STAGE_META )
        return -EINVAL;

    rc = put_json(w, SNAPSHOT_META, json, len);
    if ( !rc )
        w->stage = STAGE_DATA;
    return rc;
}

int snapshot_flush(struct snapshot_writer *w)
{
    int rc;

    if ( !w->open.content_bytes )
        return 0;

    rc = put_frame(w, w->chunk, &w->open);
    if ( rc )
        return rc;

    w->totals.frames++;
    w->totals.content_bytes += w->open.content_bytes;
    w->totals.packets += w->open.packets;
    w->totals.records += w->open.records;
    w->open.content_bytes = 0;
    return 0;
}

/* Is `hdr` of the stream that the chunk (or the last frame) is of? */
static bool same_stream(const struct snapshot_frame *f,
                        const struct xen_flightrec_packet *hdr)
{
    return f->kind == SNAPSHOT_DATA && f->cpu == hdr->cpu &&
           f->channel == hdr->channel;
}

/* Describes one more packet, which lies at the chunk's end. */
static void account_packet(struct snapshot_writer *w, const struct packet *p)
{
    struct snapshot_frame *f = &w->open;
    uint32_t records;
    uint64_t last_tsc;

    if ( packet_count(p, &records, &last_tsc) )
    {
        f->flags |= SNAPSHOT_FRAME_DAMAGED;
        w->totals.damaged++;
    }

    if ( !f->packets )
    {
        f->first_seq = p->hdr.seq;
        f->first_tsc = p->hdr.begin_tsc;
    }
    f->last_seq = p->hdr.seq;
    f->last_tsc = last_tsc;
    f->packets++;
    f->records += records;
    f->content_bytes += p->hdr.used_bytes;
}

int snapshot_put_packet(struct snapshot_writer *w, const void *slot,
                        size_t slot_bytes)
{
    struct packet p;
    uint8_t *copy;
    bool same;
    int rc;

    if ( w->stage != STAGE_DATA )
        return -EINVAL;

    rc = packet_parse(slot, slot_bytes, &p);
    if ( rc )
        return rc;

    same = same_stream(&w->open, &p.hdr);
    if ( same && p.hdr.seq <= w->open.last_seq )
        return -ESTALE;

    if ( !same || w->open.content_bytes >= SNAPSHOT_CHUNK_BYTES )
    {
        rc = snapshot_flush(w);
        if ( rc )
            return rc;
    }

    if ( !w->open.content_bytes )
        w->open = (struct snapshot_frame){
            .kind = SNAPSHOT_DATA,
            .cpu = p.hdr.cpu,
            .channel = p.hdr.channel,
        };

    /* From here on only the copy counts: the header as it was checked. */
    copy = w->chunk + w->open.content_bytes;
    memcpy(copy, slot, p.hdr.used_bytes);
    memcpy(copy, &p.hdr, sizeof(p.hdr));
    p.records = copy + p.hdr.header_bytes;
    account_packet(w, &p);
    return 0;
}

int snapshot_put_note(struct snapshot_writer *w, const char *json, size_t len)
{
    int rc;

    if ( w->stage != STAGE_DATA )
        return -EINVAL;

    rc = snapshot_flush(w);
    if ( !rc )
        rc = put_json(w, SNAPSHOT_NOTE, json, len);
    if ( !rc )
        w->stage = STAGE_NOTED;
    return rc;
}

static int put_index(struct snapshot_writer *w)
{
    size_t entries = w->nr_frames * sizeof(*w->frames);
    struct snapshot_index head = {
        .skip_magic = SNAPSHOT_SKIP_INDEX,
        .skip_bytes = sizeof(head) - 8 + entries +
                      sizeof(struct snapshot_trailer),
        .magic = SNAPSHOT_INDEX_MAGIC,
        .frames = w->nr_frames,
        .frame_bytes = sizeof(*w->frames),
    };
    size_t bytes = 8 + head.skip_bytes;
    struct snapshot_trailer end = {
        .index_offset = w->offset,
        .file_bytes = w->offset + bytes,
        .magic = SNAPSHOT_END_MAGIC,
    };
    uint8_t *at;
    int rc;

    rc = reserve_out(w, bytes);
    if ( rc )
        return rc;

    at = w->out;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    memcpy(at, w->frames, entries);
    at += entries;
    memcpy(at, &end, sizeof(end));
    at += offsetof(struct snapshot_trailer, xxh64);
    end.xxh64 = XXH64(w->out, at - w->out, 0);
    memcpy(at, &end.xxh64, sizeof(end.xxh64));

    return write_all(w, w->out, bytes);
}

int snapshot_finish(struct snapshot_writer *w, struct snapshot_totals *totals)
{
    int rc = -EINVAL;

    if ( w->stage == STAGE_META )
        goto out;

    rc = snapshot_flush(w);
    if ( rc )
        goto out;

    rc = put_index(w);
    if ( rc )
        goto out;

    w->totals.file_bytes = w->offset;
    if ( totals )
        *totals = w->totals;

 out:
    snapshot_abort(w);
    return rc;
}

void snapshot_abort(struct snapshot_writer *w)
{
    if ( !w )
        return;

    free(w->chunk);
    free(w->out);
    free(w->frames);
    free(w);
}
