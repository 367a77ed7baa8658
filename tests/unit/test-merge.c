/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-merge.c: one sequence of a snapshot's streams, with copies and gaps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/read/merge.h"
#include "lib/format/packet.h"
#include "tests/lib/gen.h"

#define KHZ    1000000 /* a tick is a ns */
#define BUSY   XEN_FLIGHTREC_CH_BUSY
#define RARE   XEN_FLIGHTREC_CH_RARE
#define META   "{}"
#define ID_ANY (XEN_FLIGHTREC_IDS - 1) /* not an event */

struct file {
    int fd;
    struct snapshot_writer *w;
    struct snapshot *s;
    struct merge *m;
};

static const struct clock_fit line = { .tsc_khz = KHZ };
static struct event_dict *dict;
static struct gen g;

static void file_begin(struct file *f)
{
    f->fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(f->fd >= 0);
    assert_int_equal(snapshot_create(f->fd, 0, &f->w), 0);
    assert_int_equal(snapshot_put_meta(f->w, META, strlen(META)), 0);
}

static void file_read(struct file *f)
{
    assert_int_equal(snapshot_finish(f->w, NULL), 0);
    assert_int_equal(snapshot_open_fd(f->fd, &f->s, NULL), 0);
    assert_int_equal(merge_open(f->s, dict, &line, &f->m), 0);
}

static void file_end(struct file *f)
{
    merge_close(f->m);
    snapshot_close(f->s);
    close(f->fd);
}

static void packet(uint16_t cpu, uint8_t channel, uint64_t tsc)
{
    if ( g.cpu != cpu || g.channel != channel )
        memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.channel = channel;
    gen_begin(&g, (struct gen_at){ .tsc = tsc, .domid = 100 + cpu });
}

/* A record of one word. */
static void add(uint64_t tsc, uint32_t id, uint32_t word)
{
    struct gen_record r = { .tsc = tsc, .id = id, .words = 1,
                            .data = { word } };

    assert_true(gen_add(&g, &r));
}

static void put(struct file *f)
{
    gen_end(&g);
    assert_int_equal(snapshot_put_packet(f->w, g.slot, sizeof(g.slot)), 0);
}

/* Read one event, and check its pCPU and its word. */
static struct merge_record expect(struct file *f, uint16_t cpu, uint32_t word)
{
    struct merge_record rec;

    assert_int_equal(merge_next(f->m, &rec), 1);
    assert_int_equal(rec.kind, MERGE_EVENT);
    assert_int_equal(rec.cpu, cpu);
    assert_int_equal(rec.data[0], word);
    return rec;
}

static void expect_gap(struct file *f, enum merge_gap why, uint64_t missing)
{
    struct merge_record rec;

    assert_int_equal(merge_next(f->m, &rec), 1);
    assert_int_equal(rec.kind, MERGE_GAP);
    assert_int_equal(rec.gap, why);
    assert_int_equal(rec.missing, missing);
}

static void expect_end(struct file *f)
{
    struct merge_record rec;

    assert_int_equal(merge_next(f->m, &rec), 0);
    assert_int_equal(merge_next(f->m, &rec), 0);
}

static uint32_t id_of(const char *name)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            return XEN_FLIGHTREC_ID_FIRST + i;

    fail_msg("no event %s", name);
    return 0;
}

static void test_merge_by_stamp(void **state)
{
    struct file f;

    file_begin(&f);
    packet(2, BUSY, 50);
    add(100, ID_ANY, 1);
    add(300, ID_ANY, 3);
    put(&f);
    packet(2, BUSY, 350);
    add(500, ID_ANY, 5);
    put(&f);
    packet(0, BUSY, 50);
    add(200, ID_ANY, 2);
    add(300, ID_ANY, 33); /* same stamp: the lower pCPU first */
    add(400, ID_ANY, 4);
    put(&f);
    file_read(&f);

    expect(&f, 2, 1);
    expect(&f, 0, 2);
    expect(&f, 0, 33);
    expect(&f, 2, 3);
    expect(&f, 0, 4);
    expect(&f, 2, 5);
    expect_end(&f);
    file_end(&f);
}

/* Set the header's clock pair to @ns, independent of the TSC. */
static void synced(uint64_t ns)
{
    memcpy(g.slot + offsetof(struct xen_flightrec_packet, sync_ns), &ns,
           sizeof(ns));
}

/*
 * pCPU 1 is 1 s ahead; while its first packet is open its TSC is set to 5 s
 * behind.  A tick is a ns, and the trigger is at 10 s.
 */
static void test_merge_puts_stamps_on_one_clock(void **state)
{
    const uint64_t s = 1000000000;
    struct clock_span span[] = {
        { .cpu = 0, .from_ns = s, .to_ns = s, .last_ns = { s } },
        { .cpu = 1, .offset = -(int64_t)s, .from_ns = 2 * s, .to_ns = 2 * s,
          .last_ns = { 2 * s } },
        { .cpu = 1, .offset = 5 * s, .from_ns = 5 * s + s / 2,
          .to_ns = 5 * s + s / 2, .last_ns = { 5 * s + s / 2 } },
    };
    const struct clock_fit fit = {
        .tsc_khz = KHZ, .tsc = 10 * s, .ns = 10 * s, .error_ns = 100,
        .span = span, .nr_spans = 3,
    };
    struct merge_record rec;
    struct file f;

    file_begin(&f);
    packet(0, BUSY, s);
    synced(s);
    for ( unsigned int i = 1; i <= 7; i += 2 )
        add(i * s, ID_ANY, i * 10);
    put(&f);
    packet(1, BUSY, 3 * s);
    synced(2 * s);
    add(3 * s, ID_ANY, 20);
    add(5 * s, ID_ANY, 40);
    add(s / 4, ID_ANY, 52); /* the TSC was written */
    put(&f);
    packet(1, BUSY, s / 2);
    synced(5 * s + s / 2);
    add(s, ID_ANY, 60);
    put(&f);
    assert_int_equal(snapshot_finish(f.w, NULL), 0);
    assert_int_equal(snapshot_open_fd(f.fd, &f.s, NULL), 0);
    assert_int_equal(merge_open(f.s, dict, &fit, &f.m), 0);
    expect(&f, 0, 10);
    rec = expect(&f, 1, 20);
    assert_int_equal(rec.stamp, 3 * s);
    assert_int_equal(rec.tsc, 2 * s);
    expect(&f, 0, 30);
    expect(&f, 1, 40);
    expect(&f, 0, 50);
    rec = expect(&f, 1, 52);
    assert_int_equal(rec.tsc, 5 * s + s / 4);
    expect(&f, 1, 60);
    expect(&f, 0, 70);
    expect_end(&f);
    file_end(&f);
}

static void test_merge_position_wins_over_stamp(void **state)
{
    struct file f;

    file_begin(&f);
    packet(0, BUSY, 1000);
    add(1000, ID_ANY, 1);
    add(400, ID_ANY, 2); /* TSC set back */
    add(1200, ID_ANY, 3);
    put(&f);
    packet(1, BUSY, 100);
    add(500, ID_ANY, 10);
    add(1100, ID_ANY, 11);
    put(&f);
    file_read(&f);

    expect(&f, 1, 10);
    expect(&f, 0, 1);
    assert_int_equal(expect(&f, 0, 2).tsc, 400);
    expect(&f, 1, 11);
    expect(&f, 0, 3);
    expect_end(&f);
    file_end(&f);
}

static void test_merge_drops_copies(void **state)
{
    struct file f;

    file_begin(&f);
    packet(0, RARE, 1000);
    add(2000, 9, 1);                      /* busy has lost it */
    add(10000000, 9, 2);                  /* copy, stamped before */
    add(10000100, 9, 3);                  /* copy, stamped after */
    add(10000200, 9, 3);                  /* the same payload again */
    add(20000000, 9, 4);                  /* busy's is too far away */
    add(30000000, 9, 5);                  /* busy's has another payload */
    add(500000000, 9, 8);                 /* busy has lost it; like the next */
    add(560000000, 9, 8);
    put(&f);
    packet(0, BUSY, 9000000);
    add(10000005, 9, 2);
    add(10000090, 9, 3);
    add(10000190, 9, 3);
    add(30000000, 9, 6);
    add(20000000 + MERGE_COPY_NS + 1, 9, 4);
    add(560000010, 9, 8);
    put(&f);
    packet(1, BUSY, 1000);
    add(2000, 9, 1); /* not a copy: another pCPU */
    put(&f);
    file_read(&f);

    assert_int_equal(expect(&f, 0, 1).channel, RARE);
    expect(&f, 1, 1);
    assert_int_equal(expect(&f, 0, 2).channel, BUSY);
    assert_int_equal(expect(&f, 0, 3).channel, BUSY);
    assert_int_equal(expect(&f, 0, 3).channel, BUSY);
    assert_int_equal(expect(&f, 0, 4).channel, RARE);
    assert_int_equal(expect(&f, 0, 6).channel, BUSY);
    assert_int_equal(expect(&f, 0, 5).channel, RARE);
    assert_int_equal(expect(&f, 0, 4).channel, BUSY);
    assert_int_equal(expect(&f, 0, 8).tsc, 500000000);
    assert_int_equal(expect(&f, 0, 8).channel, BUSY);
    expect_end(&f);
    assert_int_equal(merge_copies(f.m), 4);
    file_end(&f);
}

static void test_merge_tells_who_runs(void **state)
{
    struct gen_record sw = { .tsc = 300, .id = id_of("SCHED_SWITCH"),
                             .words = 4, .data = { 100, 0, 7, 3 } };
    struct merge_record rec;
    struct file f;

    file_begin(&f);
    packet(0, RARE, 50);
    add(60, ID_ANY, 1);
    put(&f);
    packet(0, BUSY, 100);
    add(200, ID_ANY, 2);
    assert_true(gen_add(&g, &sw));
    add(400, ID_ANY, 4);
    put(&f);
    file_read(&f);

    /* Headers of the rare channel do not see every switch. */
    assert_int_equal(expect(&f, 0, 1).domid, MERGE_NO_DOMAIN);
    assert_int_equal(expect(&f, 0, 2).domid, 100);
    rec = expect(&f, 0, 100); /* the switch itself: still the former one */
    assert_int_equal(rec.domid, 100);
    rec = expect(&f, 0, 4);
    assert_int_equal(rec.domid, 7);
    assert_int_equal(rec.vcpu, 3);
    expect_end(&f);
    file_end(&f);
}

static void test_merge_tells_gaps(void **state)
{
    struct xen_flightrec_packet *hdr = (void *)g.slot;
    struct file f;

    file_begin(&f);
    packet(0, BUSY, 100);
    hdr->lost[XEN_FLIGHTREC_LOST_BUSY] = 5; /* before all this: no gap */
    add(100, ID_ANY, 1);
    put(&f);
    packet(0, BUSY, 200);
    hdr->lost[XEN_FLIGHTREC_LOST_BUSY] = 8;
    hdr->emitted += 3;
    add(200, ID_ANY, 2);
    put(&f);
    g.seq += 2;
    packet(0, BUSY, 300);
    hdr->lost[XEN_FLIGHTREC_LOST_BUSY] = 8;
    hdr->lost[XEN_FLIGHTREC_LOST_NESTED] = 1;
    hdr->emitted += 3 + 1 + 40;
    add(300, ID_ANY, 3);
    put(&f);
    file_read(&f);

    expect(&f, 0, 1);
    expect_gap(&f, MERGE_GAP_BUSY, 3);
    expect(&f, 0, 2);
    expect_gap(&f, MERGE_GAP_NESTED, 1);
    expect_gap(&f, MERGE_GAP_ABSENT, 40);
    expect(&f, 0, 3);
    expect_end(&f);
    assert_int_equal(merge_damaged(f.m), 0);
    file_end(&f);
}

/* A record with a wrong length, then a frame with a flipped bit. */
static void test_merge_goes_on_after_damage(void **state)
{
    struct file f;
    uint64_t at;
    uint8_t byte;

    file_begin(&f);
    packet(0, BUSY, 100);
    add(100, ID_ANY, 1);
    add(110, ID_ANY, 2);
    g.slot[128 + 8 + 1] |= 7 << 1;
    put(&f);
    packet(0, BUSY, 200);
    add(200, ID_ANY, 3);
    put(&f);
    packet(1, BUSY, 150);
    add(150, ID_ANY, 4);
    add(160, ID_ANY, 5);
    put(&f);
    assert_int_equal(snapshot_finish(f.w, NULL), 0);

    assert_int_equal(snapshot_open_fd(f.fd, &f.s, NULL), 0);
    at = snapshot_frame(f.s, 2)->offset + 30;
    assert_int_equal(pread(f.fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(f.fd, &byte, 1, at), 1);
    assert_int_equal(merge_open(f.s, dict, &line, &f.m), 0);

    expect(&f, 0, 1);
    expect_gap(&f, MERGE_GAP_DAMAGED, 1);
    expect_gap(&f, MERGE_GAP_DAMAGED, 2); /* pCPU 1's frame */
    expect(&f, 0, 3);
    expect_end(&f);
    assert_int_equal(merge_damaged(f.m), 2);
    file_end(&f);
}

/*
 * Random streams: each record must come out once, in the order of its stream,
 * and stamps must never fall (those of a stream never do here).
 */
static void test_merge_random_streams(void **state)
{
    uint64_t seed = 20240229;

    for ( unsigned int round = 0; round < 20; round++ )
    {
        unsigned int cpus = 1 + gen_random(&seed) % 7, total = 0, got = 0;
        uint32_t next[7] = { 0 }, n;
        struct merge_record rec;
        uint64_t newest = 0;
        struct file f;

        file_begin(&f);
        for ( unsigned int cpu = 0; cpu < cpus; cpu++ )
        {
            uint64_t tsc = gen_random(&seed) % 1000;

            n = 0;
            for ( unsigned int p = gen_random(&seed) % 40; p; p-- )
            {
                packet(cpu, BUSY, tsc);
                for ( unsigned int r = gen_random(&seed) % 2000; r; r-- )
                    add(tsc += gen_random(&seed) % 100, ID_ANY, n++);
                put(&f);
            }
            total += n;
        }

        file_read(&f);
        while ( merge_next(f.m, &rec) > 0 )
        {
            assert_int_equal(rec.kind, MERGE_EVENT);
            assert_int_equal(rec.data[0], next[rec.cpu]++);
            assert_true(rec.tsc >= newest);
            newest = rec.tsc;
            got++;
        }
        assert_int_equal(got, total);
        file_end(&f);
    }
}

static void test_merge_speed(void **state)
{
    struct timespec a, b;
    struct merge_record rec;
    uint64_t n = 0;
    struct file f;
    double secs;

    file_begin(&f);
    for ( unsigned int cpu = 0; cpu < 8; cpu++ )
        for ( unsigned int p = 0; p < 40; p++ )
        {
            packet(cpu, BUSY, p * 10000000);
            for ( unsigned int i = 0; i < 8000; i++ )
                add(p * 10000000 + i * 1000, 2 + i % 100, i);
            put(&f);
        }
    file_read(&f);

    clock_gettime(CLOCK_MONOTONIC, &a);
    while ( merge_next(f.m, &rec) > 0 )
        n++;
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_int_equal(n, 8 * 40 * 8000);
    secs = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
    printf("# measured: merge of 8 streams, %.1f M records/s\n",
           n / secs / 1e6);
    file_end(&f);
}

/* Ten seconds of two pCPUs, in many frames; some records in both channels. */
static void long_file(struct file *f)
{
    file_begin(f);
    for ( unsigned int cpu = 0; cpu < 2; cpu++ )
        for ( unsigned int i = 0; i < 200; i++ )
        {
            uint64_t tsc = 1000000000ULL + i * 50000000ULL + cpu * 777;

            packet(cpu, BUSY, tsc);
            for ( unsigned int k = 0; k < 2500; k++ )
                add(tsc + k * 20000, k % 500 ? ID_ANY : 2, i * 2500 + k);
            put(f);
        }
    for ( unsigned int cpu = 0; cpu < 2; cpu++ )
    {
        packet(cpu, RARE, 1000000000ULL);
        for ( unsigned int i = 0; i < 200; i++ )
            for ( unsigned int k = 0; k < 2500; k += 500 )
                add(1000000000ULL + i * 50000000ULL + cpu * 777 + k * 20000 +
                    100, 2, i * 2500 + k);
        put(f);
    }
    file_read(f);
}

/* From there on the records are the same, and frames before are not read. */
static void test_merge_from(void **state)
{
    const uint64_t from = 10000000000ULL;
    struct merge_record a, b;
    struct merge *m;
    struct file f;
    uint64_t older = 0, n = 0;
    int rc;

    long_file(&f);
    assert_int_equal(merge_open_from(f.s, dict, &line, from, &m), 0);
    assert_true(merge_skipped(m) > 800000);
    while ( (rc = merge_next(f.m, &a)) > 0 )
    {
        if ( a.tsc < from )
            continue;
        do {
            assert_int_equal(merge_next(m, &b), 1);
            older += b.tsc < from;
        } while ( b.tsc < from );
        assert_int_equal(a.tsc, b.tsc);
        assert_int_equal(a.cpu, b.cpu);
        assert_int_equal(a.channel, b.channel);
        assert_int_equal(a.domid, b.domid);
        assert_int_equal(a.data[0], b.data[0]);
        n++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(merge_next(m, &b), 0);
    assert_int_equal(n, 2 * 20 * 2500);
    assert_true(older < 60000);
    assert_true(merge_copies(m) >= 2 * 20 * 5);
    merge_close(m);
    file_end(&f);
}

/*
 * Two pCPUs in turn, a frame each time; the TSC of pCPU 1 is 5 s behind.
 * Records must be chosen by the trigger's clock, not by the TSCs.
 */
static void test_merge_from_by_one_clock(void **state)
{
    const uint64_t s = 1000000000;
    struct clock_span span[] = {
        { .cpu = 0, .from_ns = s, .to_ns = s, .last_ns = { s } },
        { .cpu = 1, .offset = 5 * s, .from_ns = s, .to_ns = s,
          .last_ns = { s } },
    };
    const struct clock_fit fit = {
        .tsc_khz = KHZ, .tsc = 30 * s, .ns = 30 * s, .error_ns = 100,
        .span = span, .nr_spans = 2,
    };
    unsigned int got[2] = { 0 };
    struct merge_record rec;
    struct file f;

    file_begin(&f);
    for ( unsigned int i = 0; i < 40; i++ )
    {
        uint64_t tsc = 6 * s + i * s / 2 - i % 2 * 5 * s;

        memset(&g, 0, sizeof(g));
        g.seq = i;
        g.cpu = i % 2;
        gen_begin(&g, (struct gen_at){ .tsc = tsc });
        synced(tsc + i % 2 * 5 * s);
        add(tsc, ID_ANY, i);
        put(&f);
    }
    assert_int_equal(snapshot_finish(f.w, NULL), 0);
    assert_int_equal(snapshot_open_fd(f.fd, &f.s, NULL), 0);
    assert_int_equal(merge_open_from(f.s, dict, &fit, 16 * s, &f.m), 0);
    assert_int_equal(merge_skipped(f.m), 18);
    while ( merge_next(f.m, &rec) > 0 )
        if ( rec.kind == MERGE_EVENT && rec.tsc >= 16 * s )
            got[rec.cpu]++;
    assert_int_equal(got[0], 10);
    assert_int_equal(got[1], 10);
    file_end(&f);
}

/* Write the frames of @from in another order, @twice or once, without index. */
static int put_together(const struct file *from, bool twice, bool backwards)
{
    uint32_t nr = snapshot_frames(from->s);
    int fd = memfd_create("again", MFD_CLOEXEC);

    assert_int_equal(sendfile(fd, from->fd, &(off_t){ 0 },
                              sizeof(struct snapshot_header)),
                     sizeof(struct snapshot_header));
    for ( unsigned int i = 0; i < nr * (1 + twice); i++ )
    {
        /* The document must stay first. */
        uint32_t n = backwards && i % nr ? nr - i % nr : i % nr;
        const struct snapshot_frame *f = snapshot_frame(from->s, n);
        off_t at = f->offset;

        if ( n || !i )
            assert_int_equal(sendfile(fd, from->fd, &at, f->bytes), f->bytes);
    }
    return fd;
}

static uint64_t count_events(struct snapshot *s, uint64_t *damaged)
{
    struct merge_record rec;
    struct merge *m;
    uint64_t n = 0;

    assert_int_equal(merge_open(s, dict, &line, &m), 0);
    while ( merge_next(m, &rec) > 0 )
        n += rec.kind == MERGE_EVENT;
    *damaged = merge_damaged(m);
    merge_close(m);
    return n;
}

/* For any order and repetition of frames each record is returned once. */
static void test_merge_invents_no_record(void **state)
{
    uint64_t want, damaged;
    struct snapshot *s;
    struct file f;

    long_file(&f);
    want = count_events(f.s, &damaged);
    assert_true(want > 1000 && !damaged);
    for ( unsigned int i = 0; i < 4; i++ )
    {
        int fd = put_together(&f, i & 1, i & 2);

        assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
        assert_non_null(snapshot_truncated(s));
        assert_int_equal(count_events(s, &damaged), want);
        assert_int_equal(damaged != 0, i & 1);
        snapshot_close(s);
        close(fd);
    }
    file_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_from),
        cmocka_unit_test(test_merge_from_by_one_clock),
        cmocka_unit_test(test_merge_by_stamp),
        cmocka_unit_test(test_merge_puts_stamps_on_one_clock),
        cmocka_unit_test(test_merge_position_wins_over_stamp),
        cmocka_unit_test(test_merge_drops_copies),
        cmocka_unit_test(test_merge_tells_who_runs),
        cmocka_unit_test(test_merge_tells_gaps),
        cmocka_unit_test(test_merge_goes_on_after_damage),
        cmocka_unit_test(test_merge_random_streams),
        cmocka_unit_test(test_merge_invents_no_record),
        cmocka_unit_test(test_merge_speed),
    };
    int rc = event_dict_build(NULL, XEN_FLIGHTREC_IDS, EVENT_VENDOR_UNKNOWN,
                              &dict);

    if ( !rc )
        rc = cmocka_run_group_tests_name("merge", tests, NULL, NULL);
    event_dict_free(dict);
    return rc;
}
