/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-snapshot.c: any bytes as a snapshot file, read to the end in every way.
 *
 * Hashes would keep most changes from getting any further than the first check,
 * so the input is also used as the *content* of a file whose hashes are right.
 * First byte of the input, modulo 3:
 *   0  the rest is the file
 *   1  the rest is content, frame by frame: length (3 bytes), then that much
 *   2  the same; the last 96 bytes are xored into an entry of the index
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lz4frame.h>
#include <xxhash.h>

#include "lib/doc.h"
#include "lib/merge.h"
#include "lib/packet.h"
#include "lib/snapshot.h"
#include "tests/fuzz/fuzz.h"

#define MAX_FRAMES 16
#define MAX_RECORDS 200000

static const LZ4F_preferences_t prefs = {
    .frameInfo = {
        .blockSizeID = LZ4F_max1MB,
        .blockMode = LZ4F_blockIndependent,
        .contentChecksumFlag = LZ4F_contentChecksumEnabled,
        .contentSize = 1,
    },
};

struct image {
    int fd;
    uint64_t offset;
    struct snapshot_frame frame[MAX_FRAMES];
    unsigned int frames;
};

static void append(struct image *im, const void *data, size_t len)
{
    if ( write(im->fd, data, len) != (ssize_t)len )
        abort();
    im->offset += len;
}

static void append_header(struct image *im)
{
    struct snapshot_header h = {
        .skip_magic = SNAPSHOT_SKIP_HEADER,
        .skip_bytes = sizeof(h) - 8,
        .magic = SNAPSHOT_HEADER_MAGIC,
        .major = SNAPSHOT_MAJOR,
        .abi_version = XEN_FLIGHTREC_VERSION,
    };

    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    append(im, &h, sizeof(h));
}

static void append_frame(struct image *im, const uint8_t *content, size_t len)
{
    struct snapshot_frame *f = &im->frame[im->frames++];
    size_t bound = LZ4F_compressFrameBound(len, &prefs);
    uint8_t *out = malloc(bound);

    if ( !out )
        abort();
    f->offset = im->offset;
    f->bytes = LZ4F_compressFrame(out, bound, content, len, &prefs);
    f->content_bytes = len;
    f->kind = im->frames == 1 ? SNAPSHOT_META : SNAPSHOT_DATA;
    f->xxh64 = XXH64(out, f->bytes, 0);
    append(im, out, f->bytes);
    free(out);
}

static void append_index(struct image *im, const uint8_t *change)
{
    size_t entries = im->frames * sizeof(im->frame[0]);
    struct snapshot_index head = {
        .skip_magic = SNAPSHOT_SKIP_INDEX,
        .skip_bytes = sizeof(head) - 8 + entries +
                      sizeof(struct snapshot_trailer),
        .magic = SNAPSHOT_INDEX_MAGIC,
        .frames = im->frames,
        .frame_bytes = sizeof(im->frame[0]),
    };
    struct snapshot_trailer end = {
        .index_offset = im->offset,
        .file_bytes = im->offset + 8 + head.skip_bytes,
        .magic = SNAPSHOT_END_MAGIC,
    };
    uint8_t buf[sizeof(head) + sizeof(im->frame) + sizeof(end)];
    size_t hashed = sizeof(head) + entries +
                    offsetof(struct snapshot_trailer, xxh64);
    uint8_t *entry = (uint8_t *)&im->frame[im->frames - 1];

    for ( size_t i = 0; i < sizeof(im->frame[0]); i++ )
        entry[i] ^= change[i];

    memcpy(buf, &head, sizeof(head));
    memcpy(buf + sizeof(head), im->frame, entries);
    memcpy(buf + sizeof(head) + entries, &end, sizeof(end));
    end.xxh64 = XXH64(buf, hashed, 0);
    memcpy(buf + sizeof(head) + entries, &end, sizeof(end));
    append(im, buf, sizeof(head) + entries + sizeof(end));
}

static void build(struct image *im, const uint8_t *data, size_t len, bool index)
{
    const size_t tail = index ? sizeof(struct snapshot_frame) : 0;

    append_header(im);
    if ( len < tail )
        return;

    len -= tail;
    while ( len > 3 && im->frames < MAX_FRAMES )
    {
        size_t n = data[0] | data[1] << 8 | data[2] << 16;

        data += 3;
        len -= 3;
        n = n < len ? n : len;
        append_frame(im, data, n);
        data += n;
        len -= n;
    }

    if ( index && im->frames )
        append_index(im, data + len);
}

static void read_records(struct snapshot *s, const struct doc *doc)
{
    static char buf[EVENT_TEXT_BYTES];
    struct merge_record rec;
    struct merge *m;

    if ( merge_open(s, doc->dict, &doc->clock, &m) )
        return;

    for ( unsigned int i = 0; i < MAX_RECORDS && merge_next(m, &rec) > 0; i++ )
    {
        doc_ns(doc, rec.tsc);
        if ( rec.kind != MERGE_EVENT )
            continue;
        event_text(doc->dict, rec.desc, rec.data, rec.words, buf, sizeof(buf));
        event_json(doc->dict, rec.desc, rec.data, rec.words, buf, sizeof(buf));
    }
    merge_close(m);
}

static void read_frames(struct snapshot *s)
{
    void *buf = NULL;
    size_t size = 0, len;

    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
        if ( !snapshot_read(s, i, &buf, &size, &len) &&
             !(snapshot_frame(s, i)->flags & SNAPSHOT_FRAME_COLUMNS) &&
             len != snapshot_frame(s, i)->content_bytes )
            abort();
    free(buf);
}

static void read_file(int fd)
{
    struct snapshot_fault fault;
    struct snapshot *s;
    struct doc doc;
    char err[256];

    snapshot_verify(fd, &fault, NULL);
    if ( snapshot_open_fd(fd, &s, &fault) )
        return;

    read_frames(s);
    if ( !doc_load(s, true, &doc, err, sizeof(err)) )
    {
        read_records(s, &doc);
        doc_free(&doc);
    }
    snapshot_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct image im = { 0 };

    if ( !len )
        return 0;

    im.fd = memfd_create("fuzz", MFD_CLOEXEC);
    if ( im.fd < 0 )
        abort();

    if ( data[0] % 3 )
        build(&im, data + 1, len - 1, data[0] % 3 == 2);
    else
        append(&im, data + 1, len - 1);
    read_file(im.fd);
    close(im.fd);
    return 0;
}
