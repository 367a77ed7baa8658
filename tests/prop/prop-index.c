/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prop-index.c: with any index of a valid hash, readers must return the
 * records of the frames.  The reference is the same file without its index,
 * read from the start, both whole and from a moment on.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "lib/read/merge.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

#define ROUNDS   400
#define PACKETS  60
#define CPUS     3
#define MAX_RECORDS 8000
#define META     "{\"format\":1}"

static struct event_dict *dict;
/* TSC steps of 1 us: copies are found within 100 ms, a short time here. */
static const struct clock_fit line = { .tsc_khz = 1000, .tsc = 1 };
static uint64_t seed;

static unsigned int dice(unsigned int sides)
{
    return (gen_random(&seed) >> 20) % sides;
}

/*
 * A file in memory.
 */

struct image {
    uint8_t bytes[1 << 20];
    size_t len;                /* without the index */
    struct snapshot_frame frame[4 * PACKETS];
    uint32_t frames;
};

static int to_file(const struct image *im, const void *tail, size_t tail_bytes)
{
    int fd = memfd_create("index", MFD_CLOEXEC);

    assert_int_equal(write(fd, im->bytes, im->len), im->len);
    assert_int_equal(write(fd, tail, tail_bytes), tail_bytes);
    return fd;
}

struct index_of {
    struct snapshot_index head;
    struct snapshot_trailer end;
    uint32_t entry_bytes;      /* as stored */
};

/* Append the index of these frames with a valid hash, as the last change. */
static int with_index(const struct image *im, struct index_of *x)
{
    static uint8_t buf[1 << 17];
    size_t at = sizeof(x->head), entry = sizeof(im->frame[0]);

    memcpy(buf, &x->head, sizeof(x->head));
    for ( uint32_t i = 0; i < im->frames; i++, at += x->entry_bytes )
    {
        memset(buf + at, 0xee, x->entry_bytes);
        memcpy(buf + at, &im->frame[i],
               entry < x->entry_bytes ? entry : x->entry_bytes);
    }
    memcpy(buf + at, &x->end, sizeof(x->end));
    x->end.xxh64 = XXH64(buf, at + offsetof(struct snapshot_trailer, xxh64), 0);
    memcpy(buf + at, &x->end, sizeof(x->end));
    return to_file(im, buf, at + sizeof(x->end));
}

static struct index_of true_index(const struct image *im)
{
    struct index_of x = {
        .head = {
            .skip_magic = SNAPSHOT_SKIP_INDEX,
            .magic = SNAPSHOT_INDEX_MAGIC,
            .frames = im->frames,
            .frame_bytes = sizeof(im->frame[0]),
        },
        .end = {
            .index_offset = im->len,
            .magic = SNAPSHOT_END_MAGIC,
        },
        .entry_bytes = sizeof(im->frame[0]),
    };

    x.head.skip_bytes = sizeof(x.head) - 8 + im->frames * x.entry_bytes +
                        sizeof(x.end);
    x.end.file_bytes = im->len + 8 + x.head.skip_bytes;
    return x;
}

/* Write records of both channels of some pCPUs, with many frames a stream. */
static void put_packets(struct snapshot_writer *w)
{
    static struct gen g[CPUS][2];
    uint64_t tsc = 1000000;

    memset(g, 0, sizeof(g));
    for ( unsigned int i = 0; i < PACKETS; i++ )
    {
        struct gen *p = &g[dice(CPUS)][!dice(4)];

        p->cpu = (p - g[0]) / 2;
        p->channel = (p - g[0]) % 2;
        p->seq += !dice(10);
        gen_begin(p, (struct gen_at){ tsc, dice(4), 0 });
        for ( unsigned int n = dice(100); n; n-- )
        {
            struct gen_record r = { .tsc = tsc, .id = 2 + dice(8), .words = 2,
                                    .data = { dice(3), i } };

            gen_add(p, &r);
            tsc += dice(9000);
        }
        gen_end(p);
        assert_int_equal(snapshot_put_packet(w, p->slot, sizeof(p->slot)), 0);
    }
}

static void make_image(struct image *im)
{
    const struct snapshot_how how = { .plain = dice(2) };
    int fd = memfd_create("index", MFD_CLOEXEC);
    struct snapshot_writer *w;
    struct snapshot *s;

    assert_int_equal(snapshot_create_as(fd, 1, &how, &w), 0);
    assert_int_equal(snapshot_put_meta(w, META, strlen(META)), 0);
    put_packets(w);
    if ( dice(2) )
        assert_int_equal(snapshot_put_note(w, "{}", 2), 0);
    assert_int_equal(snapshot_finish(w, NULL), 0);

    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    im->frames = snapshot_frames(s);
    im->len = sizeof(struct snapshot_header);
    for ( uint32_t i = 0; i < im->frames; i++ )
    {
        im->frame[i] = *snapshot_frame(s, i);
        im->len += im->frame[i].bytes;
    }
    assert_true(im->frames > 20 && im->len < sizeof(im->bytes));
    assert_int_equal(pread(fd, im->bytes, im->len, 0), im->len);
    snapshot_close(s);
    close(fd);
}

/* Append a copy of frame `n` and of its entry. */
static void double_frame(struct image *im, uint32_t n)
{
    struct snapshot_frame f = im->frame[n];

    if ( im->frames == 4 * PACKETS || im->len + f.bytes > sizeof(im->bytes) ||
         im->frame[im->frames - 1].kind == SNAPSHOT_NOTE )
        return;
    memcpy(im->bytes + im->len, im->bytes + f.offset, f.bytes);
    f.offset = im->len;
    im->frame[im->frames++] = f;
    im->len += f.bytes;
}

/*
 * Wrong entries.  Readers must refuse those of the first kind.
 */

static void lie_in_entry(struct image *im)
{
    uint32_t n = 1 + dice(im->frames - 1);
    struct snapshot_frame *f = &im->frame[n], *o = &im->frame[dice(im->frames)];
    uint64_t any = gen_random(&seed);

    switch ( dice(13) )
    {
    case 0:
        f->kind = any % 12;
        break;
    case 1:
        f->cpu = any % 5;
        break;
    case 2:
        f->channel ^= 1 + any % 3;
        break;
    case 3:
        f->flags ^= 1 << any % 8;
        break;
    case 4:
        f->first_seq = any % 2 ? any : any % PACKETS;
        break;
    case 5:
        f->first_tsc = any % 2 ? any : o->first_tsc;
        break;
    case 6:
        f->last_tsc = any % 2 ? any : f->first_tsc;
        break;
    case 7: /* overlapping, circular, beyond the end */
        f->offset = any % 2 ? any : o->offset;
        break;
    case 8:
        f->bytes = any % 2 ? any : o->bytes;
        break;
    case 9:
        f->content_bytes = any % 2 ? any : o->content_bytes;
        break;
    case 10:
        f->xxh64 ^= any;
        break;
    case 11: /* all of another entry except its offset */
    {
        uint64_t offset = f->offset;
        uint32_t bytes = f->bytes;

        *f = *o;
        f->offset = offset;
        f->bytes = bytes;
        break;
    }
    case 12:
    {
        struct snapshot_frame other = *o;

        *o = *f;
        *f = other;
        break;
    }
    }
}

/* No reader depends on these; `verify' reports them. */
static void lie_in_counts(struct image *im)
{
    struct snapshot_frame *f = &im->frame[1 + dice(im->frames - 1)];

    f->records += gen_random(&seed);
    f->packets += gen_random(&seed);
    f->last_seq += gen_random(&seed);
}

static void lie_in_index(struct image *im, struct index_of *x)
{
    uint64_t any = gen_random(&seed);

    switch ( dice(6) )
    {
    case 0:
        x->head.frames = any % 2 ? any : any % (2 * im->frames);
        break;
    case 1:
        x->head.frame_bytes = any % 2 ? any : any % 300;
        break;
    case 2:
        x->end.index_offset = any % 2 ? any : im->frame[any % im->frames].offset;
        break;
    case 3: /* fewer frames than the file has */
        im->frames = 1 + any % im->frames;
        *x = true_index(im);
        break;
    case 4:
        x->entry_bytes = any % 300;
        break;
    case 5:
        x->head.skip_bytes = any;
        break;
    }
}

/*
 * The reference.
 */

struct seen {
    struct merge_record rec[MAX_RECORDS];
    unsigned int nr;
};

static void read_from(struct snapshot *s, uint64_t from, struct seen *seen)
{
    struct merge_record rec;
    struct merge *m;
    int rc;

    seen->nr = 0;
    assert_int_equal(merge_open_from(s, dict, &line, from, &m), 0);
    while ( (rc = merge_next(m, &rec)) > 0 )
        if ( rec.kind == MERGE_EVENT )
        {
            assert_true(seen->nr < MAX_RECORDS);
            seen->rec[seen->nr++] = rec;
        }
    assert_int_equal(rc, 0);
    merge_close(m);
}

static void same_record(const struct merge_record *a,
                        const struct merge_record *b)
{
    assert_int_equal(a->tsc, b->tsc);
    assert_int_equal(a->cpu, b->cpu);
    assert_int_equal(a->channel, b->channel);
    assert_int_equal(a->id, b->id);
    assert_memory_equal(a->data, b->data, 2 * sizeof(a->data[0]));
}

/* Compare the records of `all` from `from` on with those of `some`. */
static void same_records(const struct seen *all, const struct seen *some,
                         uint64_t from)
{
    unsigned int n = 0;

    for ( unsigned int i = 0; i < all->nr; i++ )
    {
        if ( all->rec[i].tsc < from )
            continue;
        while ( n < some->nr && some->rec[n].tsc < from )
            n++;
        assert_true(n < some->nr);
        same_record(&all->rec[i], &some->rec[n++]);
    }
    while ( n < some->nr )
        assert_true(some->rec[n++].tsc < from);
}

/* Return whether the index was accepted. */
static bool judge(const struct image *im, int fd)
{
    static struct seen all, some;
    int plain = to_file(im, "", 0);
    struct snapshot *s, *judge;
    uint64_t from = 0;
    bool indexed;

    assert_int_equal(snapshot_open_fd(plain, &judge, NULL), 0);
    assert_non_null(snapshot_truncated(judge));
    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    indexed = !snapshot_truncated(s);
    read_from(judge, 0, &all);
    assert_true(all.nr > 100);
    for ( unsigned int i = 0; i < 4; i++ )
    {
        read_from(s, from, &some);
        same_records(&all, &some, from);
        from = all.rec[dice(all.nr)].tsc;
    }
    snapshot_close(s);
    snapshot_close(judge);
    close(plain);
    return indexed;
}

static void test_what_an_index_says_makes_no_record(void **state)
{
    static struct image im, good;
    unsigned int believed = 0, found = 0;

    for ( unsigned int round = 0; round < ROUNDS; round++ )
    {
        struct index_of x;
        uint64_t first = seed = 0x1dea + round * 7919;
        int fd;

        if ( round % 8 == 0 )
            make_image(&good);
        im = good;
        seed = first * 31;
        for ( unsigned int n = dice(3); n; n-- )
            double_frame(&im, 1 + dice(im.frames - 1));
        x = true_index(&im);
        for ( unsigned int n = 1 + dice(3); n; n-- )
            if ( dice(4) )
                lie_in_entry(&im);
            else
                lie_in_index(&im, &x);
        fd = with_index(&im, &x);
        believed += judge(&im, fd);
        found += snapshot_verify(fd, NULL, NULL) != 0;
        close(fd);
    }
    printf("# measured: %u wrong indexes, %u accepted without effect, %u found by "
           "verify\n", ROUNDS, believed, found);
    assert_true(found > ROUNDS * 9 / 10);
    assert_true(believed < ROUNDS / 2);
}

/* Reference, truth, and reading by the index must agree. */
static void test_a_true_index_is_believed(void **state)
{
    static struct image im;

    for ( unsigned int round = 0; round < ROUNDS / 16; round++ )
    {
        struct index_of x;
        int fd;

        seed = 0x600d + round;
        make_image(&im);
        x = true_index(&im);
        fd = with_index(&im, &x);
        assert_true(judge(&im, fd));
        assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
        close(fd);

        lie_in_counts(&im);
        fd = with_index(&im, &x);
        assert_true(judge(&im, fd));
        assert_int_equal(snapshot_verify(fd, NULL, NULL), -EBADMSG);
        close(fd);
    }
}

/* A frame damaged later must not refute the index for the others. */
static void test_damage_does_not_refute_an_index(void **state)
{
    static struct image im;

    for ( unsigned int round = 0; round < ROUNDS / 16; round++ )
    {
        struct snapshot *s;
        struct index_of x;
        uint32_t n;
        int fd;

        seed = 0xdead + round;
        make_image(&im);
        x = true_index(&im);
        n = 1 + dice(im.frames - 1);
        im.bytes[im.frame[n].offset + dice(im.frame[n].bytes)] ^= 1 << dice(8);
        fd = with_index(&im, &x);
        assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
        assert_null(snapshot_truncated(s));
        assert_int_equal(snapshot_frames(s), im.frames);
        snapshot_close(s);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_true_index_is_believed),
        cmocka_unit_test(test_what_an_index_says_makes_no_record),
        cmocka_unit_test(test_damage_does_not_refute_an_index),
    };
    int rc = event_dict_build(NULL, XEN_FLIGHTREC_IDS, EVENT_VENDOR_UNKNOWN,
                              &dict);

    if ( !rc )
        rc = cmocka_run_group_tests_name("index", tests, NULL, NULL);
    event_dict_free(dict);
    return rc;
}
