/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spoil.c GOOD DIRECTORY: writes damaged copies of the snapshot GOOD, one for
 * each kind of damage.  The first is good.xfr.lz4, the same records in many
 * frames, as newer and older versions also write them.  Prints a line for each
 * file, "VERDICT NAME":
 *
 *   whole  no damage; all records can be read
 *   part   damage; some records, or all, can be read
 *   none   no record can be read
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <xxhash.h>

#include "lib/format/packet.h"
#include "tests/fuzz/image.h"
#include "tests/lib/gen.h"

/* The meta document, one more and ten of packets; fewer than an image has. */
#define MAX_FRAMES 12

static struct snapshot *good;
static uint8_t *bytes;         /* the whole file */
static size_t len, index_at;
static const struct snapshot_frame *frame[MAX_FRAMES];
static unsigned int frames;

static void expect(bool good_so)
{
    if ( !good_so )
        abort();
}

static int create(const char *verdict, const char *name)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "%s" SNAPSHOT_SUFFIX, name);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    expect(fd >= 0);
    printf("%s %s\n", verdict, name);
    return fd;
}

static void put(int fd, const void *data, size_t n)
{
    expect(write(fd, data, n) == (ssize_t)n);
}

/*
 * The undamaged file.
 */

static size_t read_packets(struct snapshot *s, uint8_t *out, size_t room)
{
    void *buf = NULL;
    size_t size = 0, n, all = 0;

    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
    {
        if ( snapshot_frame(s, i)->kind != SNAPSHOT_DATA )
            continue;
        expect(!snapshot_read(s, i, &buf, &size, &n) && all + n <= room);
        memcpy(out + all, buf, n);
        all += n;
    }
    free(buf);
    return all;
}

/* The k-th packet of pCPU @cpu. */
static const uint8_t *find_packet(const uint8_t *at, size_t left,
                                  unsigned int cpu, unsigned int k)
{
    struct packet p;

    for ( ; left; at += p.hdr.used_bytes, left -= p.hdr.used_bytes )
    {
        expect(!packet_parse(at, left, &p));
        if ( p.hdr.cpu == cpu && !k-- )
            return at;
    }
    return NULL;
}

/* Packets of the pCPUs in turn, each in a frame of its own. */
static int write_frames(const char *name, const struct snapshot_how *how,
                        const char *text, const uint8_t *packets, size_t n)
{
    struct snapshot_writer *w;
    unsigned int misses = 0;
    int fd = create("whole", name);

    expect(!snapshot_create_as(fd, 1, how, &w) &&
           !snapshot_put_meta(w, text, strlen(text)));
    for ( unsigned int i = 0; misses < 2; i++ )
    {
        const uint8_t *at = find_packet(packets, n, i % 2, i / 2);
        struct xen_flightrec_packet h;

        misses = at ? 0 : misses + 1;
        if ( !at )
            continue;
        memcpy(&h, at, sizeof(h));
        expect(!snapshot_put_packet(w, at, h.used_bytes));
    }
    expect(!snapshot_finish(w, NULL));
    return fd;
}

/* Mandatory members of a document and of its dictionary. */
static char *least_meta(const char *text)
{
    json_t *all = json_loads(text, 0, NULL);
    const json_t *t = json_object_get(all, "trigger");
    json_t *o = json_pack(
        "{s:i, s:{s:O, s:O, s:i}, s:s, s:{s:O, s:O, s:[]}, s:O}", "format", 1,
        "trigger", "cause", json_object_get(t, "cause"), "tsc",
        json_object_get(t, "tsc"), "gen", 1, "history", "complete", "clock",
        "tsc_khz", json_object_get(json_object_get(all, "clock"), "tsc_khz"),
        "tsc_shift", json_object_get(json_object_get(all, "clock"),
                                     "tsc_shift"),
        "pairs", "dictionary", json_object_get(all, "dictionary"));
    char *least = json_dumps(o, JSON_COMPACT);

    expect(least != NULL);
    json_decref(o);
    json_decref(all);
    return least;
}

/* As begun by `xenflight record'.  Without a note it was interrupted. */
static char *recording_meta(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    char *recording;

    json_object_set_new(o, "recording", json_true());
    recording = json_dumps(o, JSON_COMPACT);
    expect(recording != NULL);
    json_decref(o);
    return recording;
}

/* The same as an older version may have written it. */
static void make_good(const char *from)
{
    static const struct snapshot_how plain = { .plain = true };
    static uint8_t packets[1 << 22];
    struct snapshot *s;
    size_t n, text_len;
    char *text, *least, *recording;
    int fd;

    expect(!snapshot_open(from, &s, NULL));
    n = read_packets(s, packets, sizeof(packets));
    expect(!snapshot_json(s, SNAPSHOT_META, &text, &text_len));
    fd = write_frames("good", NULL, text, packets, n);
    close(write_frames("format-1", &plain, text, packets, n));
    least = least_meta(text);
    close(write_frames("least", &plain, least, packets, n));
    free(least);
    recording = recording_meta(text);
    close(write_frames("recording", NULL, recording, packets, n));
    free(recording);
    free(text);
    snapshot_close(s);

    len = lseek(fd, 0, SEEK_END);
    bytes = malloc(len);
    expect(bytes && pread(fd, bytes, len, 0) == (ssize_t)len);
    expect(!snapshot_open_fd(fd, &good, NULL) && !snapshot_truncated(good));
    frames = snapshot_frames(good);
    expect(frames > 6 && frames < MAX_FRAMES);
    for ( unsigned int i = 0; i < frames; i++ )
        frame[i] = snapshot_frame(good, i);
    index_at = frame[frames - 1]->offset + frame[frames - 1]->bytes;
}

/*
 * Truncated files, flipped bits.
 */

static void cut(const char *verdict, const char *name, size_t n)
{
    put(create(verdict, name), bytes, n);
}

/* Flip one bit at @at, and write the first @n bytes. */
static void flip(const char *verdict, const char *name, size_t at, size_t n)
{
    int fd = create(verdict, name);
    uint8_t byte = bytes[at] ^ 0x10;

    put(fd, bytes, n);
    expect(pwrite(fd, &byte, 1, at) == 1);
}

static void cut_and_flip(void)
{
    cut("none", "empty", 0);
    cut("none", "cut-header", 40);
    cut("none", "cut-meta", frame[0]->offset + 100);
    cut("part", "cut-behind-meta", frame[1]->offset);
    cut("part", "cut-data", frame[4]->offset + 60);
    cut("part", "cut-behind-data", index_at);
    cut("part", "cut-index", index_at + 100);
    cut("part", "cut-trailer", len - 1);
    flip("none", "flip-header", 30, len);
    flip("none", "flip-meta", frame[0]->offset + 200, len);
    flip("part", "flip-data", frame[3]->offset + 400, len);
    flip("part", "flip-data-cut", frame[3]->offset + 400, index_at);
    flip("part", "flip-index", index_at + 60, len);
    flip("part", "flip-trailer", len - 12, len);
}

/*
 * Rearranged frames, with right hashes.
 */

/* Frames by number, -1 at the end, with a true or a changed index. */
static void join(const char *verdict, const char *name, const int *which,
                 const uint8_t *change)
{
    struct image im = { .fd = create(verdict, name) };

    put(im.fd, bytes, sizeof(struct snapshot_header));
    im.offset = sizeof(struct snapshot_header);
    for ( ; *which >= 0; which++ )
    {
        im.frame[im.frames] = *frame[*which];
        im.frame[im.frames++].offset = im.offset;
        image_append(&im, bytes + frame[*which]->offset,
                     frame[*which]->bytes);
    }
    if ( change )
        image_index(&im, im.frames - 1, change);
}

static void put_together(void)
{
    static const uint8_t none[sizeof(struct snapshot_frame)];
    int backwards[MAX_FRAMES + 1] = { 0 };
    static const int doubled[] = { 0, 1, 2, 3, 3, 1, 4, 5, 6, -1 };
    struct snapshot_frame lie = { 0 };
    int fd;

    for ( unsigned int i = 1; i < frames; i++ )
        backwards[i] = frames - i;
    backwards[frames] = -1;
    join("whole", "backwards", backwards, none);
    join("part", "backwards-cut", backwards, NULL);
    join("part", "doubled", doubled, none);
    join("part", "doubled-cut", doubled, NULL);
    lie.kind = SNAPSHOT_DATA ^ 9;
    join("part", "index-hides", doubled, (uint8_t *)&lie);
    lie = (struct snapshot_frame){ .cpu = 5 };
    join("part", "index-moves", backwards, (uint8_t *)&lie);
    lie = (struct snapshot_frame){ .offset = 1ULL << 40 };
    join("part", "index-giant", backwards, (uint8_t *)&lie);

    fd = create("part", "twice");
    put(fd, bytes, len);
    put(fd, bytes, len);
    fd = create("part", "behind");
    put(fd, bytes, len);
    put(fd, "x", 1);
    fd = create("part", "sparse");
    put(fd, bytes, len);
    expect(!ftruncate(fd, 6LL << 30));
}

/* A sparse file of 6 GiB, nearly all of it the index by its trailer. */
static void sparse_index(void)
{
    struct snapshot_trailer end = {
        .index_offset = index_at,
        .file_bytes = 6ULL << 30,
        .magic = SNAPSHOT_END_MAGIC,
    };
    int fd = create("part", "sparse-index");

    put(fd, bytes, len);
    expect(pwrite(fd, &end, sizeof(end), end.file_bytes - sizeof(end)) ==
           sizeof(end));
}

/*
 * Other content.
 */

static void with_meta(const char *verdict, const char *name, const char *text,
                      size_t n)
{
    struct image im = { .fd = create(verdict, name) };

    image_header(&im);
    image_frame(&im, (const uint8_t *)text, n);
    for ( unsigned int i = 1; i < 4; i++ )
        image_append(&im, bytes + frame[i]->offset, frame[i]->bytes);
}

static void repeat(const char *name, const char *begin, const char *what,
                   size_t n)
{
    size_t at = strlen(begin), step = strlen(what);
    char *text = malloc(n);

    expect(text != NULL);
    memcpy(text, begin, at);
    for ( ; at + step <= n; at += step )
        memcpy(text + at, what, step);
    with_meta("none", name, text, at);
    free(text);
}

/* A first frame with this header. */
static void declared(const char *name, uint64_t content, uint32_t block)
{
    int fd = create("none", name);
    size_t at = frame[0]->offset;

    put(fd, bytes, len);
    if ( content )
        expect(pwrite(fd, &content, 8, at + 6) == 8);
    if ( block )
        expect(pwrite(fd, &block, 4, at + 15) == 4);
}

static void other_content(void)
{
    static const char zeros[1 << 16];
    struct snapshot_header h;
    int fd;

    with_meta("none", "meta-no-json", "{\"format\":1,", 12);
    with_meta("none", "meta-types", "{\"format\":1,\"trigger\":7,\"clock\":[]}",
              36);
    repeat("meta-deep", "{\"a\":", "[", 4 << 20);
    repeat("meta-values", "{\"a\":[", "{},", SNAPSHOT_MAX_JSON_BYTES - 8);
    repeat("meta-text", "{\"a\":\"", "AAAAAAAA", SNAPSHOT_MAX_JSON_BYTES - 8);
    declared("content-huge", 1ULL << 60, 0);
    declared("block-huge", 0, 0x7fffffff);
    put(create("none", "zeros"), zeros, sizeof(zeros));
    put(create("none", "text"), "no snapshot\n", 12);

    memcpy(&h, bytes, sizeof(h));
    h.major = SNAPSHOT_MAJOR + 1;
    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    fd = create("none", "later-major");
    put(fd, bytes, len);
    expect(pwrite(fd, &h, sizeof(h), 0) == sizeof(h));
}

/*
 * As a later version may write it: unknown members, kinds of frames, events and
 * types of fields.
 */

static void add_member(json_t *o)
{
    json_t *child;
    const char *key;
    size_t i;

    json_object_foreach(o, key, child)
        if ( strcmp(key, "enums") )
            add_member(child);
    json_array_foreach(o, i, child)
        add_member(child);
    if ( json_is_object(o) )
        json_object_set_new(o, "later", json_pack("{s:[i]}", "hue", 7));
}

static char *later_meta(void)
{
    size_t n;
    char *text;
    json_t *o, *events;

    expect(!snapshot_json(good, SNAPSHOT_META, &text, &n));
    o = json_loadb(text, n, 0, NULL);
    free(text);
    events = json_object_get(json_object_get(o, "dictionary"), "events");
    json_array_append_new(events, json_pack(
        "{s:i, s:i, s:s, s:s, s:s}", "id", 500, "event", 0x0abcde1, "name",
        "LATER_ONE", "fields", "dom:d32 hue:q8 why:u32", "format", "{hue}"));
    json_array_append_new(events, json_pack(
        "{s:i, s:i, s:s, s:s, s:s}", "id", 501, "event", 0x0abcde2, "name",
        "LATER_TWO", "fields", "dom:d32 hue:u8", "format", ""));
    add_member(o);
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* Packet of pCPU 7: one event without a description, one without an id. */
static void later_packet(struct image *im)
{
    static struct gen g = { .cpu = 7, .shift = 4 };
    uint64_t tsc = frame[1]->first_tsc;

    gen_begin(&g, (struct gen_at){ tsc, 1, 0 });
    for ( unsigned int i = 0; i < 40; i++ )
    {
        struct gen_record r = { .tsc = tsc + i * 1600, .id = 500 + i % 3,
                                .words = 2 + i % 2, .data = { 1, 9, i } };

        if ( i % 4 == 3 )
        {
            r.id = XEN_FLIGHTREC_ID_ESCAPE;
            r.event = 0x0abcdef;
        }
        expect(gen_add(&g, &r));
    }
    image_frame(im, g.slot, gen_end(&g));
}

static void later_version(void)
{
    struct image im = { .fd = create("whole", "later") };
    char *text = later_meta();
    struct snapshot_header h;

    memcpy(&h, bytes, sizeof(h));
    h.minor = 7;
    h.flags = 1;
    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    image_append(&im, &h, sizeof(h));
    image_frame(&im, (uint8_t *)text, strlen(text));
    image_frame(&im, (const uint8_t *)"later: hue", 10);
    later_packet(&im);
    for ( unsigned int i = 1; i < frames; i++ )
    {
        im.frame[im.frames] = *frame[i];
        im.frame[im.frames++].offset = im.offset;
        image_append(&im, bytes + frame[i]->offset, frame[i]->bytes);
    }
    image_index(&im, 0, NULL);
    free(text);
}

int main(int argc, char **argv)
{
    if ( argc != 3 )
        return 2;

    expect(!chdir(argv[2]));
    make_good(argv[1]);
    cut_and_flip();
    put_together();
    sparse_index();
    other_content();
    later_version();
    return 0;
}
