/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-versions.c: read a file of a later minor version with every permitted
 * addition: longer headers and entries, events, kinds of frames.  Exactly the
 * known part must be read.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "lib/format/doc.h"
#include "lib/read/merge.h"
#include "lib/format/pack.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

#define LATER        "later: an unknown kind"
#define LATER_KIND   9
#define MORE_HEADER  16  /* additional bytes in a packet's header */
#define ENTRY        112 /* bytes of an index entry */
#define RECORDS      400
#define ID_KNOWN     2
#define ID_LATER     300
#define EVENT_LATER  0x0abcdef

static const char meta[] =
    "{\"format\":1,\"colour\":{\"new\":[1,2]},\"trigger\":{\"cause\":\"crash\","
    "\"gen\":1,\"tsc\":9000000,\"mood\":\"bad\"},\"history\":\"complete\","
    "\"clock\":{\"tsc_khz\":2000000,\"tsc_shift\":3,\"pairs\":[],\"drift\":1},"
    "\"dictionary\":{\"events\":[{\"id\":2,\"event\":69900,\"name\":\"ONE\","
    "\"fields\":\"vcpu:v32 dom:d32\",\"format\":\"\",\"since\":\"4.30\"}],"
    "\"enums\":{}}}";

static struct gen g;

/* Known events, and ids and event words that no dictionary has. */
static uint32_t make_packet(void)
{
    uint64_t tsc = 1000000 + g.seq * 1000000;
    struct xen_flightrec_packet hdr;

    g.shift = 3;
    gen_begin(&g, (struct gen_at){ tsc, 1, 0 });
    for ( unsigned int i = 0; i < RECORDS; i++ )
    {
        struct gen_record r = { .tsc = tsc + i * 100, .words = 2,
                                .id = ID_KNOWN, .data = { i, 1 } };

        if ( i % 10 == 1 )
            r.id = ID_LATER;
        if ( i % 10 == 2 )
        {
            r.id = XEN_FLIGHTREC_ID_ESCAPE;
            r.event = EVENT_LATER;
        }
        assert_true(gen_add(&g, &r));
    }
    gen_end(&g);

    memmove(g.slot + sizeof(hdr) + MORE_HEADER, g.slot + sizeof(hdr),
            g.bytes - sizeof(hdr));
    memset(g.slot + sizeof(hdr), 0xa5, MORE_HEADER);
    memcpy(&hdr, g.slot, sizeof(hdr));
    hdr.header_bytes += MORE_HEADER;
    hdr.used_bytes += MORE_HEADER;
    hdr._rsvd[0] = 77;
    memcpy(g.slot, &hdr, sizeof(hdr));
    return hdr.used_bytes;
}

/* Write a file as this version does. */
static int new_file(const struct snapshot_how *how, unsigned int packets)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot_writer *w;

    memset(&g, 0, sizeof(g));
    assert_int_equal(snapshot_create_as(fd, 5, how, &w), 0);
    assert_int_equal(snapshot_put_meta(w, meta, sizeof(meta) - 1), 0);
    while ( packets-- )
        assert_int_equal(snapshot_put_packet(w, g.slot, make_packet()), 0);
    assert_int_equal(snapshot_finish(w, NULL), 0);
    return fd;
}

static void append(int fd, const void *data, size_t bytes)
{
    assert_int_equal(write(fd, data, bytes), bytes);
}

static void put_header(int fd, const struct snapshot_header *old,
                       uint16_t major)
{
    struct snapshot_header h = *old;

    h.major = major;
    h.minor = 7;
    h.flags = 1;
    h._rsvd = 99;
    h.xxh64 = XXH64(&h, offsetof(struct snapshot_header, xxh64), 0);
    append(fd, &h, sizeof(h));
}

/* Write a frame of a later kind, and fill in its entry. */
static void put_later(int fd, struct snapshot_frame *f)
{
    uint8_t out[1024];

    *f = (struct snapshot_frame){
        .offset = lseek(fd, 0, SEEK_END),
        .bytes = pack_lz4(0, LATER, sizeof(LATER), out, sizeof(out)),
        .content_bytes = sizeof(LATER),
        .kind = LATER_KIND,
    };
    f->xxh64 = XXH64(out, f->bytes, 0);
    append(fd, out, f->bytes);
}

static void put_index(int fd, const struct snapshot_frame *frames, uint32_t nr)
{
    struct snapshot_index head = {
        .skip_magic = SNAPSHOT_SKIP_INDEX,
        .skip_bytes = 16 + nr * ENTRY + sizeof(struct snapshot_trailer),
        .magic = SNAPSHOT_INDEX_MAGIC,
        .frames = nr,
        .frame_bytes = ENTRY,
    };
    struct snapshot_trailer end = {
        .index_offset = lseek(fd, 0, SEEK_END),
        .magic = SNAPSHOT_END_MAGIC,
    };
    uint8_t buf[4096], *at = buf;

    end.file_bytes = end.index_offset + 8 + head.skip_bytes;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    for ( uint32_t i = 0; i < nr; i++, at += ENTRY )
    {
        memset(at, 0xee, ENTRY);
        memcpy(at, &frames[i], sizeof(frames[i]));
    }
    memcpy(at, &end, sizeof(end));
    end.xxh64 = XXH64(buf, at - buf + offsetof(struct snapshot_trailer, xxh64),
                      0);
    memcpy(at, &end, sizeof(end));
    append(fd, buf, at - buf + sizeof(end));
}

/* Rewrite that file as a later version may. */
static int later_file(uint16_t major, bool index)
{
    int old = new_file(NULL, 4), fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot_frame frames[8];
    struct snapshot *s;
    uint32_t nr = 0;

    assert_int_equal(snapshot_open_fd(old, &s, NULL), 0);
    put_header(fd, snapshot_header(s), major);
    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
    {
        struct snapshot_frame *f = &frames[nr++];
        uint8_t buf[65536];

        *f = *snapshot_frame(s, i);
        assert_int_equal(pread(old, buf, f->bytes, f->offset), f->bytes);
        f->offset = lseek(fd, 0, SEEK_END);
        f->flags |= 0x80;
        f->_rsvd0 = 3;
        f->_rsvd[1] = 4;
        append(fd, buf, f->bytes);
        put_later(fd, &frames[nr++]);
    }
    if ( index )
        put_index(fd, frames, nr);
    snapshot_close(s);
    close(old);
    return fd;
}

/* Count all records, known and unknown. */
static void read_records(struct snapshot *s)
{
    unsigned int known = 0, later = 0;
    struct merge_record rec;
    struct merge *m;
    struct doc doc;
    char err[128];
    int rc;

    assert_int_equal(doc_load(s, true, &doc, err, sizeof(err)), 0);
    assert_int_equal(merge_open(s, doc.dict, &doc.clock, &m), 0);
    while ( (rc = merge_next(m, &rec)) > 0 )
    {
        assert_int_equal(rec.kind, MERGE_EVENT);
        assert_int_equal(rec.words, 2);
        assert_int_equal(rec.data[1], 1);
        known += rec.desc != NULL;
        later += rec.desc == NULL;
        if ( !rec.desc )
            assert_true(rec.id == ID_LATER || rec.event == EVENT_LATER);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(merge_damaged(m), 0);
    assert_int_equal(later, 4 * RECORDS / 5);
    assert_int_equal(known, 4 * RECORDS - later);
    merge_close(m);
    doc_free(&doc);
}

static void test_later_minor_version_is_read(void **state)
{
    int fd = later_file(SNAPSHOT_MAJOR, true);
    struct snapshot_totals t;
    struct snapshot *s;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_null(snapshot_truncated(s));
    assert_int_equal(snapshot_frames(s), 4);
    assert_true(snapshot_frame(s, 2)->flags & SNAPSHOT_FRAME_COLUMNS);
    assert_int_equal(snapshot_frame(s, 3)->kind, LATER_KIND);
    read_records(s);
    snapshot_close(s);
    assert_int_equal(snapshot_verify(fd, NULL, &t), 0);
    assert_int_equal(t.records, 4 * RECORDS);
    assert_int_equal(t.frames, 1);
    close(fd);
}

static void test_later_minor_version_without_index_is_read(void **state)
{
    int fd = later_file(SNAPSHOT_MAJOR, false);
    struct snapshot *s;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_non_null(snapshot_truncated(s));
    assert_int_equal(snapshot_frames(s), 4);
    assert_int_equal(snapshot_frame(s, 3)->kind, SNAPSHOT_OTHER);
    read_records(s);
    snapshot_close(s);
    close(fd);
}

/* A flipped bit in an unknown part is detected too. */
static void test_damage_in_unknown_frame_is_found(void **state)
{
    int fd = later_file(SNAPSHOT_MAJOR, true);
    struct snapshot_fault fault;
    struct snapshot *s;
    uint64_t at;
    char byte;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    at = snapshot_frame(s, 3)->offset + 20;
    snapshot_close(s);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(snapshot_verify(fd, &fault, NULL), -EBADMSG);
    assert_int_equal(fault.offset, at - 20);
    close(fd);
}

static void test_other_major_version_is_refused(void **state)
{
    int fd = later_file(SNAPSHOT_MAJOR + 1, true);
    struct snapshot *s;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), -ENOTSUP);
    close(fd);
}

static void test_format_1_is_written_and_read(void **state)
{
    const struct snapshot_how how = { .plain = true };
    int fd = new_file(&how, 4);
    struct snapshot *s;

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_int_equal(snapshot_header(s)->major, SNAPSHOT_MAJOR_PLAIN);
    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
        assert_int_equal(snapshot_frame(s, i)->flags, 0);
    read_records(s);
    snapshot_close(s);
    assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
    close(fd);
}

static void assert_same_files(int a, int b)
{
    off_t bytes = lseek(a, 0, SEEK_END);
    uint8_t *x = malloc(bytes), *y = malloc(bytes);

    assert_int_equal(lseek(b, 0, SEEK_END), bytes);
    assert_int_equal(pread(a, x, bytes, 0), bytes);
    assert_int_equal(pread(b, y, bytes, 0), bytes);
    assert_memory_equal(x, y, bytes);
    free(x);
    free(y);
}

/* Any number of threads writes the same bytes. */
static void test_threads_write_the_same_file(void **state)
{
    struct snapshot_how how = { 0 };
    int one = new_file(NULL, 2000);

    assert_int_equal(pack_pool_new(3, &how.pool), 0);
    for ( unsigned int i = 0; i < 3; i++ )
    {
        int many = new_file(&how, 2000);

        assert_same_files(one, many);
        close(many);
    }
    close(one);
}

/*
 * Abort at any moment, with jobs running: the pool must serve the next writer.
 */
static void test_threads_outlive_a_writer_that_gives_up(void **state)
{
    struct snapshot_how how = { 0 };
    int fd = memfd_create("test", MFD_CLOEXEC), one, many;
    struct snapshot_writer *w;

    assert_int_equal(pack_pool_new(3, &how.pool), 0);
    for ( unsigned int i = 0; i < 60; i++ )
    {
        memset(&g, 0, sizeof(g));
        assert_int_equal(snapshot_create_as(fd, 5, &how, &w), 0);
        assert_int_equal(snapshot_put_meta(w, meta, sizeof(meta) - 1), 0);
        for ( unsigned int k = 0; k < i * 6; k++ )
            assert_int_equal(snapshot_put_packet(w, g.slot, make_packet()), 0);
        snapshot_abort(w);
    }
    one = new_file(NULL, 300);
    many = new_file(&how, 300);
    assert_same_files(one, many);
    close(one);
    close(many);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_minor_version_is_read),
        cmocka_unit_test(test_later_minor_version_without_index_is_read),
        cmocka_unit_test(test_damage_in_unknown_frame_is_found),
        cmocka_unit_test(test_other_major_version_is_refused),
        cmocka_unit_test(test_format_1_is_written_and_read),
        cmocka_unit_test(test_threads_write_the_same_file),
        cmocka_unit_test(test_threads_outlive_a_writer_that_gives_up),
    };

    return cmocka_run_group_tests_name("versions", tests, NULL, NULL);
}
