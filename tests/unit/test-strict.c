/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-strict.c: snapshot files that lie although their hashes are right.  A hash
 * only shows that nothing was damaged; each field must be checked by itself.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "lib/format/packet.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

#define META "{\"format\":1}"
#define NOTE "{\"latency_ns\":{}}"
#define FRAMES_MAX 16

static struct gen g;

/* A file in memory, and where its parts are. */
static struct {
    int fd;                       /* to write changed files to */
    uint8_t *data, *copy;
    size_t bytes, index;
    struct snapshot_frame frame[FRAMES_MAX];
    unsigned int frames;
} file;

static void put(struct snapshot_writer *w, unsigned int cpu,
                unsigned int channel, unsigned int records)
{
    uint64_t tsc = 1000000 + g.seq * 1000000;

    if ( g.cpu != cpu || g.channel != channel )
        memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.channel = channel;
    gen_begin(&g, (struct gen_at){ .tsc = tsc, .domid = 1 });
    for ( unsigned int i = 0; i < records; i++ )
    {
        struct gen_record r = { .tsc = tsc + i * 100, .id = 2 + i % 7,
                                .words = 2, .data = { i, cpu } };

        assert_true(gen_add(&g, &r));
    }
    gen_end(&g);
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
}

static int make(void **state)
{
    struct snapshot_writer *w;
    struct snapshot *s;
    int fd = memfd_create("whole", MFD_CLOEXEC);

    memset(&g, 0, sizeof(g));
    assert_int_equal(snapshot_create(fd, 1234567890, &w), 0);
    assert_int_equal(snapshot_put_meta(w, META, strlen(META)), 0);
    put(w, 0, XEN_FLIGHTREC_CH_BUSY, 40);
    put(w, 0, XEN_FLIGHTREC_CH_BUSY, 3);
    put(w, 0, XEN_FLIGHTREC_CH_RARE, 2);
    put(w, 1, XEN_FLIGHTREC_CH_BUSY, 3);
    assert_int_equal(snapshot_put_note(w, NOTE, strlen(NOTE)), 0);
    assert_int_equal(snapshot_finish(w, NULL), 0);
    assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    file.frames = snapshot_frames(s);
    assert_true(file.frames > 3 && file.frames <= FRAMES_MAX);
    for ( unsigned int i = 0; i < file.frames; i++ )
        file.frame[i] = *snapshot_frame(s, i);
    snapshot_close(s);
    file.index = file.frame[file.frames - 1].offset +
                 file.frame[file.frames - 1].bytes;
    file.bytes = lseek(fd, 0, SEEK_END);
    file.data = malloc(file.bytes);
    file.copy = malloc(file.bytes + 4096);
    assert_non_null(file.data);
    assert_int_equal(pread(fd, file.data, file.bytes, 0), file.bytes);
    close(fd);
    file.fd = memfd_create("changed", MFD_CLOEXEC);
    return file.fd < 0 ? -1 : 0;
}

static int drop(void **state)
{
    free(file.data);
    free(file.copy);
    close(file.fd);
    return 0;
}

static uint8_t *fresh(void)
{
    memcpy(file.copy, file.data, file.bytes);
    return file.copy;
}

/* Make the hashes of the copy right again. */
static void hash(size_t bytes)
{
    struct snapshot_trailer *end =
        (void *)(file.copy + bytes - sizeof(struct snapshot_trailer));
    struct snapshot_header *h = (void *)file.copy;

    h->xxh64 = XXH64(h, offsetof(struct snapshot_header, xxh64), 0);
    end->xxh64 = XXH64(file.copy + file.index,
                       (uint8_t *)&end->xxh64 - (file.copy + file.index), 0);
}

static void store(size_t bytes)
{
    assert_int_equal(ftruncate(file.fd, 0), 0);
    assert_int_equal(pwrite(file.fd, file.copy, bytes, 0), bytes);
}

static int verify(void)
{
    struct snapshot_fault fault = { 0 };
    int rc = snapshot_verify(file.fd, &fault, NULL);

    if ( rc )
        assert_true(rc == -ENOTSUP || fault.what[0]);
    return rc;
}

/* Open and read all of it: it may fail in any way but must not crash. */
static void read_anyway(void)
{
    struct snapshot *s;
    void *buf = NULL;
    size_t size = 0, len;

    if ( snapshot_open_fd(file.fd, &s, NULL) )
        return;
    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
        snapshot_read(s, i, &buf, &size, &len);
    free(buf);
    snapshot_close(s);
}

struct range {
    size_t from, to;
};

#define FIELD(type, member)                                                  \
    { offsetof(struct type, member),                                         \
      offsetof(struct type, member) + sizeof(((struct type *)0)->member) }

static bool in_range(const struct range *r, size_t nr, size_t at)
{
    while ( nr-- )
        if ( at >= r[nr].from && at < r[nr].to )
            return true;
    return false;
}

/* Fields of later minor versions, and facts that nothing else shows. */
static const struct range header_free[] = {
    FIELD(snapshot_header, minor), FIELD(snapshot_header, packet_bytes),
    FIELD(snapshot_header, created_ns), FIELD(snapshot_header, flags),
    FIELD(snapshot_header, max_data_bytes), FIELD(snapshot_header, _rsvd),
    FIELD(snapshot_header, xxh64),
};

static void test_each_bit_of_the_header(void **state)
{
    for ( size_t bit = 0; bit < sizeof(struct snapshot_header) * 8; bit++ )
    {
        const bool free = in_range(header_free, 7, bit / 8);

        fresh()[bit / 8] ^= 1 << bit % 8;
        hash(file.bytes);
        store(file.bytes);
        if ( free != !verify() )
            fail_msg("header: byte %zu, bit %zu: %s", bit / 8, bit % 8,
                     free ? "refused" : "accepted");
    }
}

static const struct range entry_free[] = {
    FIELD(snapshot_frame, _rsvd0), FIELD(snapshot_frame, _rsvd),
};

static bool is_free(size_t at, unsigned int bit)
{
    const size_t entries = file.index + sizeof(struct snapshot_index);
    const size_t end = file.bytes - sizeof(struct snapshot_trailer);
    size_t in;

    if ( at >= end )
        return at - end >= offsetof(struct snapshot_trailer, xxh64) &&
               at - end < offsetof(struct snapshot_trailer, magic);
    if ( at < entries )
        return false;
    in = (at - entries) % sizeof(struct snapshot_frame);
    if ( in == offsetof(struct snapshot_frame, flags) )
        return !(1U << bit & SNAPSHOT_FRAME_FLAGS);
    return in_range(entry_free, 2, in);
}

/*
 * Each of its bits is compared with the frames by verify.  A reader that opens
 * the file uses it only as far as it is true.
 */
static void test_each_bit_of_the_index(void **state)
{
    for ( size_t at = file.index; at < file.bytes; at++ )
        for ( unsigned int bit = 0; bit < 8; bit++ )
        {
            fresh()[at] ^= 1 << bit;
            hash(file.bytes);
            store(file.bytes);
            if ( is_free(at, bit) != !verify() )
                fail_msg("index: byte %zu, bit %u: %s", at - file.index, bit,
                         is_free(at, bit) ? "refused" : "accepted");
            read_anyway();
        }
}

static struct snapshot_frame *entry(unsigned int i)
{
    return (struct snapshot_frame *)(file.copy + file.index +
                                     sizeof(struct snapshot_index)) + i;
}

/* The hash of a frame in the index is right: lz4's own checks remain. */
static void test_each_bit_of_the_frames(void **state)
{
    for ( unsigned int i = 0; i < file.frames; i++ )
        for ( uint32_t byte = 0; byte < file.frame[i].bytes; byte++ )
            for ( unsigned int bit = 0; bit < 8; bit++ )
            {
                struct snapshot_frame *f;

                fresh()[file.frame[i].offset + byte] ^= 1 << bit;
                f = entry(i);
                f->xxh64 = XXH64(file.copy + f->offset, f->bytes, 0);
                hash(file.bytes);
                store(file.bytes);
                /* A flipped match may copy equal bytes. */
                if ( !verify() )
                {
                    struct snapshot *s, *whole;
                    void *a = NULL, *b = NULL;
                    size_t an = 0, bn = 0, al, bl;
                    int fd = memfd_create("whole", MFD_CLOEXEC);

                    assert_int_equal(pwrite(fd, file.data, file.bytes, 0),
                                     file.bytes);
                    assert_int_equal(snapshot_open_fd(file.fd, &s, NULL), 0);
                    assert_int_equal(snapshot_open_fd(fd, &whole, NULL), 0);
                    assert_int_equal(snapshot_read(s, i, &a, &an, &al), 0);
                    assert_int_equal(snapshot_read(whole, i, &b, &bn, &bl), 0);
                    assert_int_equal(al, bl);
                    assert_memory_equal(a, b, al);
                    free(a);
                    free(b);
                    snapshot_close(s);
                    snapshot_close(whole);
                    close(fd);
                }
                read_anyway();
            }
}

/* Without an index: a frame is delivered as it was, or not at all. */
static void test_each_bit_without_an_index(void **state)
{
    for ( size_t at = sizeof(struct snapshot_header); at < file.index; at++ )
        for ( unsigned int bit = 0; bit < 8; bit += 3 )
        {
            struct snapshot *s;
            int rc;

            fresh()[at] ^= 1 << bit;
            store(file.index);
            rc = snapshot_open_fd(file.fd, &s, NULL);
            if ( rc )
                continue;
            assert_non_null(snapshot_truncated(s));
            for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
            {
                const struct snapshot_frame *f = snapshot_frame(s, i);
                unsigned int k;

                for ( k = 0; k < file.frames &&
                             file.frame[k].offset != f->offset; k++ )
                    continue;
                assert_true(k < file.frames);
                assert_int_equal(f->bytes, file.frame[k].bytes);
                assert_int_equal(f->content_bytes,
                                 file.frame[k].content_bytes);
                assert_int_equal(f->kind, file.frame[k].kind);
                assert_int_equal(f->first_seq, file.frame[k].first_seq);
                assert_int_equal(f->last_tsc, file.frame[k].last_tsc);
                assert_int_equal(f->records, file.frame[k].records);
            }
            snapshot_close(s);
        }
}

/*
 * Structure.
 */

/* Give the index these entries, with this length each. */
static size_t reindex(const struct snapshot_frame *f, unsigned int nr,
                      size_t entry_bytes)
{
    struct snapshot_index *head = (void *)(file.copy + file.index);
    uint8_t *at = (uint8_t *)(head + 1);
    struct snapshot_trailer end;
    size_t bytes;

    memcpy(&end, file.data + file.bytes - sizeof(end), sizeof(end));
    for ( unsigned int i = 0; i < nr; i++, at += entry_bytes )
    {
        memset(at, 0, entry_bytes);
        memcpy(at, &f[i],
               entry_bytes < sizeof(*f) ? entry_bytes : sizeof(*f));
    }
    head->frames = nr;
    head->frame_bytes = entry_bytes;
    bytes = at - file.copy + sizeof(end);
    head->skip_bytes = bytes - file.index - 8;
    end.file_bytes = bytes;
    memcpy(at, &end, sizeof(end));
    hash(bytes);
    store(bytes);
    return bytes;
}

static void test_entries_of_other_lengths(void **state)
{
    static const struct {
        size_t bytes;
        bool good;
    } lengths[] = {
        { 95, false }, { 96, true }, { 97, true }, { 104, true },
        { 256, true }, { 257, false }, { 300, false },
    };

    for ( unsigned int i = 0; i < 7; i++ )
    {
        fresh();
        reindex(file.frame, file.frames, lengths[i].bytes);
        if ( lengths[i].good != !verify() )
            fail_msg("entries of %zu bytes", lengths[i].bytes);
    }
}

/* Each must be an index of all frames, in their order, and of nothing else. */
static void test_entries_in_other_orders(void **state)
{
    struct snapshot_frame f[FRAMES_MAX + 1];
    const unsigned int nr = file.frames;

    fresh();
    reindex(file.frame, nr, sizeof(*f));
    assert_int_equal(verify(), 0);

    reindex(file.frame, nr - 1, sizeof(*f));
    assert_int_not_equal(verify(), 0);
    reindex(file.frame, 0, sizeof(*f));
    assert_int_not_equal(verify(), 0);
    reindex(file.frame + 1, nr - 1, sizeof(*f));
    assert_int_not_equal(verify(), 0);

    memcpy(f, file.frame, sizeof(file.frame));
    f[nr] = f[nr - 1];
    reindex(f, nr + 1, sizeof(*f));
    assert_int_not_equal(verify(), 0);

    memcpy(f, file.frame, sizeof(file.frame));
    f[1] = file.frame[2];
    f[2] = file.frame[1];
    reindex(f, nr, sizeof(*f));
    assert_int_not_equal(verify(), 0);
}

/* A frame's place in the file: lies in one that its neighbour makes up for. */
static void test_entries_that_overlap(void **state)
{
    struct snapshot_frame f[FRAMES_MAX];

    for ( int by = -4; by <= 4; by += 8 )
    {
        fresh();
        memcpy(f, file.frame, sizeof(f));
        f[1].bytes += by;
        f[2].offset += by;
        f[2].bytes -= by;
        f[1].xxh64 = XXH64(file.copy + f[1].offset, f[1].bytes, 0);
        f[2].xxh64 = XXH64(file.copy + f[2].offset, f[2].bytes, 0);
        reindex(f, file.frames, sizeof(f[0]));
        assert_int_not_equal(verify(), 0);
        read_anyway();
    }
}

/* Frames of the file in another order, the index true. */
static void shuffle(const unsigned int *order, unsigned int nr,
                    struct snapshot_frame *f)
{
    size_t at = sizeof(struct snapshot_header);

    memcpy(file.copy, file.data, at);
    for ( unsigned int i = 0; i < nr; i++ )
    {
        const struct snapshot_frame *from = &file.frame[order[i]];

        memcpy(file.copy + at, file.data + from->offset, from->bytes);
        f[i] = *from;
        f[i].offset = at;
        at += from->bytes;
    }
}

/* As above, with an index behind them. */
static int shuffled(const unsigned int *order, unsigned int nr)
{
    const size_t index = file.index;
    struct snapshot_frame f[FRAMES_MAX];
    struct snapshot_trailer *end;
    size_t bytes;
    int rc;

    shuffle(order, nr, f);
    file.index = f[nr - 1].offset + f[nr - 1].bytes;
    memcpy(file.copy + file.index, file.data + index,
           sizeof(struct snapshot_index));
    bytes = reindex(f, nr, sizeof(f[0]));
    end = (void *)(file.copy + bytes - sizeof(*end));
    end->index_offset = file.index;
    hash(bytes);
    store(bytes);
    file.index = index;
    rc = verify();
    read_anyway();
    return rc;
}

static void test_frames_in_other_orders(void **state)
{
    const unsigned int n = file.frames - 1;

    assert_int_equal(n, 4);
    /* As it was, and with two streams the other way round. */
    assert_int_equal(shuffled((unsigned int[]){ 0, 1, 2, 3, 4 }, 5), 0);
    assert_int_equal(shuffled((unsigned int[]){ 0, 3, 2, 1, 4 }, 5), 0);
    /* Without the note. */
    assert_int_equal(shuffled((unsigned int[]){ 0, 1, 2, 3 }, 4), 0);
    /* The document is missing, is not the first, is there twice. */
    assert_int_not_equal(shuffled((unsigned int[]){ 1, 2, 3, 4 }, 4), 0);
    assert_int_not_equal(shuffled((unsigned int[]){ 1, 0, 2, 3, 4 }, 5), 0);
    assert_int_not_equal(shuffled((unsigned int[]){ 0, 0, 1, 2, 4 }, 5), 0);
    /* Packets behind the note, and two notes. */
    assert_int_not_equal(shuffled((unsigned int[]){ 0, 1, 4, 2, 3 }, 5), 0);
    assert_int_not_equal(shuffled((unsigned int[]){ 0, 1, 2, 4, 4 }, 5), 0);
    /* The same packets twice. */
    assert_int_not_equal(shuffled((unsigned int[]){ 0, 1, 2, 1, 3, 4 }, 6), 0);
    assert_int_not_equal(shuffled((unsigned int[]){ 0, 2, 1, 2, 4 }, 5), 0);
}

/* The smallest whole file, and lengths around it. */
static void test_file_of_only_a_document(void **state)
{
    assert_int_equal(shuffled((unsigned int[]){ 0 }, 1), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_bit_of_the_header),
        TEST(test_each_bit_of_the_index),
        TEST(test_each_bit_of_the_frames),
        TEST(test_each_bit_without_an_index),
        TEST(test_entries_of_other_lengths),
        TEST(test_entries_in_other_orders),
        TEST(test_entries_that_overlap),
        TEST(test_frames_in_other_orders),
        TEST(test_file_of_only_a_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
