/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-write.c: write a snapshot file.
 *
 * Slots are copied into a chunk.  The chunk becomes a frame when it is full or
 * the stream changes (pack.h), and frames are written in the order of the
 * chunks.  Only the copy is checked and compressed, so a slot that changes
 * during the call can damage its own content and nothing else.
 */

#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "lib/format/pack.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot.h"

_Static_assert(sizeof(struct snapshot_header) == 64, "file header");
_Static_assert(sizeof(struct snapshot_frame) == 96, "index entry");
_Static_assert(sizeof(struct snapshot_index) == 24, "index head");
_Static_assert(sizeof(struct snapshot_trailer) == 32, "trailer");

enum stage {
    STAGE_META,  /* the header is written */
    STAGE_DATA,  /* the meta document is written */
    STAGE_NOTED, /* the note is written */
};

/* .seq is 0 before the first packet. */
struct stream {
    uint16_t cpu;
    uint8_t channel;
    uint64_t seq;
};

struct snapshot_writer {
    int fd;
    enum stage stage;
    uint64_t offset;              /* bytes written */
    struct snapshot_how how;
    struct pack *pack;
    struct stream stream;         /* of the newest packet */
    uint8_t *out;                 /* buffer for documents and the index */
    size_t out_bytes;
    struct snapshot_frame *frames;
    uint32_t nr_frames, max_frames;
    struct snapshot_totals totals;
    snapshot_room_fn *room;
    void *room_arg;
};

static int write_all(struct snapshot_writer *w, const void *data, size_t len)
{
    const char *at = data;
    int rc = w->room ? w->room(w->room_arg, len) : 0;

    if ( rc )
        return rc;
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

/* Write a frame, and add `f` to the index. */
static int put_frame(struct snapshot_writer *w, const void *stored,
                     struct snapshot_frame *f)
{
    int rc;

    f->offset = w->offset;
    rc = remember_frame(w, f);
    return rc ? rc : write_all(w, stored, f->bytes);
}

static int put_json(struct snapshot_writer *w, enum snapshot_kind kind,
                    const char *json, size_t len)
{
    struct snapshot_frame f = { .kind = kind, .content_bytes = len };
    int rc;

    /* A reader without an index recognises documents by the brace. */
    if ( !len || json[0] != '{' )
        return -EINVAL;
    if ( len > SNAPSHOT_MAX_JSON_BYTES )
        return -EFBIG;

    rc = reserve_out(w, pack_lz4_bound(len));
    if ( rc )
        return rc;
    f.bytes = pack_lz4(w->how.level, json, len, w->out, w->out_bytes);
    if ( !f.bytes )
        return -EIO;
    f.xxh64 = XXH64(w->out, f.bytes, 0);
    return put_frame(w, w->out, &f);
}

static int put_header(struct snapshot_writer *w, uint64_t created_ns)
{
    struct snapshot_header h = {
        .skip_magic = SNAPSHOT_SKIP_HEADER,
        .skip_bytes = sizeof(h) - 8,
        .magic = SNAPSHOT_HEADER_MAGIC,
        .major = w->how.plain ? SNAPSHOT_MAJOR_PLAIN : SNAPSHOT_MAJOR,
        .minor = SNAPSHOT_MINOR,
        .abi_version = XEN_FLIGHTREC_VERSION,
        .packet_bytes = sizeof(struct xen_flightrec_packet),
        .created_ns = created_ns,
        .max_data_bytes = SNAPSHOT_MAX_DATA_BYTES,
    };

    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    return write_all(w, &h, sizeof(h));
}

int snapshot_create_as(int fd, uint64_t created_ns,
                       const struct snapshot_how *how,
                       struct snapshot_writer **out)
{
    struct snapshot_writer *w = calloc(1, sizeof(*w));
    int rc;

    if ( !w )
        return -ENOMEM;

    w->fd = fd;
    if ( how )
        w->how = *how;
    /* Allocate everything now: Xen holds memory while packets are written. */
    rc = pack_new(&w->how, &w->pack);
    if ( !rc )
        rc = put_header(w, created_ns);
    if ( rc )
        snapshot_abort(w);
    else
        *out = w;
    return rc;
}

void snapshot_ask_room(struct snapshot_writer *w, snapshot_room_fn *room,
                       void *arg)
{
    w->room = room;
    w->room_arg = arg;
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

/* Wait for the oldest frame and write it. */
static int retire(struct snapshot_writer *w)
{
    struct pack_job *job = pack_wait(w->pack);
    int rc = job->rc ? job->rc : put_frame(w, job->out, &job->frame);

    if ( rc )
        return rc;

    w->totals.frames++;
    w->totals.content_bytes += job->frame.content_bytes;
    w->totals.packet_bytes += job->plain_bytes;
    w->totals.packets += job->frame.packets;
    w->totals.records += job->frame.records;
    w->totals.damaged += !!(job->frame.flags & SNAPSHOT_FRAME_DAMAGED);
    pack_retire(w->pack);
    return 0;
}

/* Submit the current chunk, and make sure that an empty one follows. */
static int close_chunk(struct snapshot_writer *w)
{
    if ( !pack_fill(w->pack)->plain_bytes )
        return 0;

    pack_submit(w->pack);
    return pack_full(w->pack) ? retire(w) : 0;
}

int snapshot_flush(struct snapshot_writer *w)
{
    int rc = close_chunk(w);

    while ( !rc && !pack_empty(w->pack) )
        rc = retire(w);
    return rc;
}

int snapshot_put_packet(struct snapshot_writer *w, const void *slot,
                        size_t slot_bytes)
{
    struct pack_job *job;
    struct packet p;
    uint8_t *copy;
    bool same;
    int rc;

    if ( w->stage != STAGE_DATA )
        return -EINVAL;

    rc = packet_parse(slot, slot_bytes, &p);
    if ( rc )
        return rc;

    same = w->stream.seq && w->stream.cpu == p.hdr.cpu &&
           w->stream.channel == p.hdr.channel;
    if ( same && p.hdr.seq <= w->stream.seq )
        return -ESTALE;

    if ( !same || pack_fill(w->pack)->plain_bytes >= SNAPSHOT_CHUNK_BYTES )
    {
        rc = close_chunk(w);
        if ( rc )
            return rc;
    }

    /* The copy gets the header that was checked: the slot may have changed. */
    job = pack_fill(w->pack);
    copy = job->plain + job->plain_bytes;
    memcpy(copy, slot, p.hdr.used_bytes);
    memcpy(copy, &p.hdr, sizeof(p.hdr));
    job->plain_bytes += p.hdr.used_bytes;
    w->stream = (struct stream){ p.hdr.cpu, p.hdr.channel, p.hdr.seq };
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

    pack_free(w->pack);
    free(w->out);
    free(w->frames);
    free(w);
}
