/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include "lib/format/pack.h"

void image_append(struct image *im, const void *data, size_t len)
{
    if ( write(im->fd, data, len) != (ssize_t)len )
        abort();
    im->offset += len;
}

void image_header(struct image *im)
{
    struct snapshot_header h = {
        .skip_magic = SNAPSHOT_SKIP_HEADER,
        .skip_bytes = sizeof(h) - 8,
        .magic = SNAPSHOT_HEADER_MAGIC,
        .major = SNAPSHOT_MAJOR,
        .abi_version = XEN_FLIGHTREC_VERSION,
    };

    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    image_append(im, &h, sizeof(h));
}

void image_frame(struct image *im, const uint8_t *content, size_t len)
{
    struct snapshot_frame *f = &im->frame[im->frames++];
    size_t bound = pack_lz4_bound(len);
    uint8_t *out = malloc(bound);

    if ( !out )
        abort();
    f->offset = im->offset;
    f->bytes = pack_lz4(0, content, len, out, bound);
    f->content_bytes = len;
    f->kind = im->frames == 1 ? SNAPSHOT_META : SNAPSHOT_DATA;
    f->xxh64 = XXH64(out, f->bytes, 0);
    image_append(im, out, f->bytes);
    free(out);
}

/*
 * Describe the frames as a reader without an index does, as far as possible.
 */
static void describe(struct image *im)
{
    struct snapshot *s;

    if ( snapshot_open_fd(im->fd, &s, NULL) )
        return;
    for ( unsigned int i = 0, k = 0; i < im->frames; i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, k);

        if ( !f || f->offset != im->frame[i].offset )
            continue;
        im->frame[i] = *f;
        k++;
    }
    snapshot_close(s);
}

void image_index(struct image *im, unsigned int which, const uint8_t *change)
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
    uint8_t *entry = (uint8_t *)&im->frame[which % im->frames];

    describe(im);
    for ( size_t i = 0; change && i < sizeof(im->frame[0]); i++ )
        entry[i] ^= change[i];

    memcpy(buf, &head, sizeof(head));
    memcpy(buf + sizeof(head), im->frame, entries);
    memcpy(buf + sizeof(head) + entries, &end, sizeof(end));
    end.xxh64 = XXH64(buf, hashed, 0);
    memcpy(buf + sizeof(head) + entries, &end, sizeof(end));
    image_append(im, buf, sizeof(head) + entries + sizeof(end));
}

void image_frames(struct image *im, const uint8_t *data, size_t len)
{
    while ( len > 3 && im->frames < IMAGE_FRAMES )
    {
        size_t n = data[0] | data[1] << 8 | data[2] << 16;

        data += 3;
        len -= 3;
        n = n < len ? n : len;
        image_frame(im, data, n);
        data += n;
        len -= n;
    }
}

int image_file(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    if ( fd < 0 )
        abort();
    return fd;
}
