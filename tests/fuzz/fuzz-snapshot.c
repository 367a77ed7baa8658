/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-snapshot.c: read any bytes as a snapshot file, in every way.
 *
 * Hashes would stop most changes at the first check, so the input is also used
 * as the *content* of a file with valid hashes.  First byte of the input,
 * modulo 3:
 *   0  the rest is the file
 *   1  the rest is content, frame by frame: length (3 bytes), then that much
 *   2  the same; the last 96 bytes are xored into the index entry that the rest
 *      of the first byte selects, and the records must be those read without an
 *      index
 */

#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "lib/format/doc.h"
#include "lib/read/merge.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"

#define MAX_RECORDS 200000

/*
 * The number of events and the sum of their hashes.  The sum ignores their
 * order, which depends on the place where damage is reported.
 */
struct sum {
    unsigned int events;
    uint64_t hash;
};

static struct sum read_records(struct snapshot *s, const struct doc *doc)
{
    static char buf[EVENT_TEXT_BYTES];
    struct sum sum = { 0 };
    struct merge_record rec;
    struct merge *m;

    if ( merge_open(s, doc->dict, &doc->clock, &m) )
        return sum;

    for ( unsigned int i = 0; i < MAX_RECORDS && merge_next(m, &rec) > 0; i++ )
    {
        doc_ns(doc, rec.tsc);
        if ( rec.kind != MERGE_EVENT )
            continue;
        event_text(doc->dict, rec.desc, rec.data, rec.words, buf, sizeof(buf));
        event_json(doc->dict, rec.desc, rec.data, rec.words, buf, sizeof(buf));
        sum.events++;
        sum.hash += XXH64(rec.data, 4 * rec.words, rec.tsc ^
                          (uint64_t)rec.cpu << 48 ^ rec.id << 8 ^ rec.channel);
    }
    merge_close(m);
    return sum;
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

static struct sum read_file(int fd)
{
    struct snapshot_fault fault;
    struct sum sum = { 0 };
    struct snapshot *s;
    struct doc doc;
    char err[256];

    snapshot_verify(fd, &fault, NULL);
    if ( snapshot_open_fd(fd, &s, &fault) )
        return sum;

    read_frames(s);
    if ( !doc_load(s, true, &doc, err, sizeof(err)) )
    {
        sum = read_records(s, &doc);
        doc_free(&doc);
    }
    snapshot_close(s);
    return sum;
}

/* The index is right except for `change`. */
static void compare(struct image *im, unsigned int which,
                    const uint8_t *change)
{
    uint64_t end = im->offset;
    struct sum with, without;

    image_index(im, which, change);
    with = read_file(im->fd);
    if ( ftruncate(im->fd, end) )
        abort();
    without = read_file(im->fd);
    if ( with.events != without.events || with.hash != without.hash )
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const size_t entry = sizeof(struct snapshot_frame);
    struct image im = { 0 };

    if ( !len )
        return 0;

    im.fd = image_file("fuzz");
    if ( data[0] % 3 )
        image_header(&im);
    switch ( data[0] % 3 )
    {
    case 0:
        image_append(&im, data + 1, len - 1);
        break;
    case 1:
        image_frames(&im, data + 1, len - 1);
        break;
    case 2:
        if ( len < 1 + entry )
            break;
        image_frames(&im, data + 1, len - 1 - entry);
        if ( im.frames )
            compare(&im, data[0] / 3, data + len - entry);
        break;
    }
    read_file(im.fd);
    close(im.fd);
    return 0;
}
