/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-packet.c: read packets made by gen.c, and hostile ones.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lib/format/packet.h"
#include "tests/lib/gen.h"

#define MAX_RECORDS 4096

static struct gen g;
static struct gen_record want[MAX_RECORDS];

static void fresh(uint8_t shift, uint64_t tsc)
{
    memset(&g, 0, sizeof(g));
    g.cpu = 3;
    g.shift = shift;
    gen_begin(&g, (struct gen_at){ .tsc = tsc, .domid = 7, .vcpu = 1 });
}

/* Copy to exactly the packet's size, so that ASan detects an overrun. */
static uint8_t *tight(size_t bytes)
{
    uint8_t *copy = malloc(bytes);

    assert_non_null(copy);
    memcpy(copy, g.slot, bytes);
    return copy;
}

/* Up to MAX_RECORDS random records, ascending in time, with some long gaps. */
static unsigned int fill(uint64_t seed, uint64_t tsc)
{
    unsigned int n = 0;

    while ( n < MAX_RECORDS )
    {
        struct gen_record *r = &want[n];
        uint64_t x = gen_random(&seed);

        memset(r, 0, sizeof(*r));
        tsc += x % 16 ? x >> 50 : x >> 30;
        r->tsc = tsc;
        r->words = (x >> 8) % 8;
        r->id = (x >> 11) % 5 ? 2 + (x >> 14) % 510 : XEN_FLIGHTREC_ID_ESCAPE;
        if ( r->id == XEN_FLIGHTREC_ID_ESCAPE )
            r->event = x >> 36;
        for ( unsigned int i = 0; i < r->words; i++ )
            r->data[i] = gen_random(&seed);
        if ( !gen_add(&g, r) )
            break;
        n++;
    }

    return n;
}

static void check_record(const struct packet_record *rec,
                         const struct gen_record *exp, unsigned int shift)
{
    assert_int_equal(rec->tsc, exp->tsc >> shift << shift);
    assert_int_equal(rec->words, exp->words);
    assert_int_equal(rec->id, exp->id);
    assert_int_equal(rec->event, exp->event);
    assert_int_equal(rec->escaped, exp->id == XEN_FLIGHTREC_ID_ESCAPE);
    assert_memory_equal(rec->data, exp->data, exp->words * 4);
}

static void test_iterate_round_trip(void **state)
{
    for ( unsigned int shift = 0; shift <= 6; shift++ )
    {
        struct packet p;
        struct packet_iter it;
        struct packet_record rec;
        uint64_t start = 0x123456789abcULL * (shift + 1);
        unsigned int n, i = 0;
        uint32_t used, count;
        uint64_t last;
        uint8_t *data;

        fresh(shift, start);
        n = fill(shift + 1, start);
        used = gen_end(&g);
        data = tight(used);

        assert_true(n > 500);
        assert_int_equal(packet_parse(data, used, &p), 0);
        packet_iter_init(&it, &p);
        while ( packet_next(&it, &rec) > 0 )
            check_record(&rec, &want[i++], shift);
        assert_int_equal(i, n);
        assert_ptr_equal(it.next, it.end);

        assert_int_equal(packet_count(&p, &count, &last), 0);
        assert_int_equal(count, n);
        assert_int_equal(last, want[n - 1].tsc >> shift << shift);
        free(data);
    }
}

static void test_iterate_time_at_the_limit(void **state)
{
    const uint64_t start = 5, far = start + XEN_FLIGHTREC_TIME_MASK;
    struct gen_record r = { .tsc = far, .id = 2 };
    struct packet p;
    struct packet_iter it;
    struct packet_record rec;

    fresh(0, start);
    assert_true(gen_add(&g, &r));
    assert_int_equal(gen_end(&g), 128 + 4); /* no anchor needed */

    assert_int_equal(packet_parse(g.slot, g.bytes, &p), 0);
    packet_iter_init(&it, &p);
    assert_int_equal(packet_next(&it, &rec), 1);
    assert_int_equal(rec.tsc, far);
    assert_int_equal(packet_next(&it, &rec), 0);
}

static void test_iterate_stamp_set_back(void **state)
{
    struct gen_record r = { .tsc = 9000000, .id = 2 };
    struct packet p;
    struct packet_iter it;
    struct packet_record rec;

    fresh(0, 8999999);
    gen_add(&g, &r);
    r.tsc = 1000; /* TSC jumps back: an anchor */
    gen_add(&g, &r);
    assert_int_equal(gen_end(&g), 128 + 4 + 12 + 4);

    assert_int_equal(packet_parse(g.slot, g.bytes, &p), 0);
    packet_iter_init(&it, &p);
    assert_int_equal(packet_next(&it, &rec), 1);
    assert_int_equal(rec.tsc, 9000000);
    assert_int_equal(packet_next(&it, &rec), 1);
    assert_int_equal(rec.tsc, 1000);
}

static void test_parse_empty_packet(void **state)
{
    struct packet p;
    struct packet_iter it;
    struct packet_record rec;

    fresh(3, 77);
    gen_end(&g);
    assert_int_equal(packet_parse(g.slot, 128, &p), 0);
    assert_int_equal(p.bytes, 0);
    packet_iter_init(&it, &p);
    assert_int_equal(packet_next(&it, &rec), 0);
}

static struct xen_flightrec_packet *header(void)
{
    fresh(3, 77);
    want[0] = (struct gen_record){ .tsc = 99, .id = 5, .words = 2 };
    gen_add(&g, &want[0]);
    gen_end(&g);
    return (struct xen_flightrec_packet *)g.slot;
}

static int parse(void)
{
    struct packet p;

    return packet_parse(g.slot, sizeof(g.slot), &p);
}

static void test_parse_header_refused(void **state)
{
    struct packet p;

    header();
    assert_int_equal(parse(), 0);
    assert_int_equal(packet_parse(g.slot, 127, &p), -EBADMSG);
    assert_int_equal(packet_parse(g.slot, g.bytes - 1, &p), -EBADMSG);

    header()->magic ^= 1;
    assert_int_equal(parse(), -EBADMSG);
    header()->version++;
    assert_int_equal(parse(), -EBADMSG);
    header()->header_bytes = 124;
    assert_int_equal(parse(), -EBADMSG);
    header()->header_bytes = 130;
    assert_int_equal(parse(), -EBADMSG);
    header()->header_bytes = 0xfffc;
    assert_int_equal(parse(), -EBADMSG);
    header()->channel = XEN_FLIGHTREC_CHANNELS;
    assert_int_equal(parse(), -EBADMSG);
    header()->tsc_shift = 64;
    assert_int_equal(parse(), -EBADMSG);
    header()->seq = 0;
    assert_int_equal(parse(), -EBADMSG);
    header()->cpu = XEN_FLIGHTREC_NO_CPU;
    assert_int_equal(parse(), -EBADMSG);
    header()->used_bytes = 0;
    assert_int_equal(parse(), -ENODATA);
    header()->used_bytes = 124;
    assert_int_equal(parse(), -EBADMSG);
    header()->used_bytes |= 1;
    assert_int_equal(parse(), -EBADMSG);
    header()->used_bytes = sizeof(g.slot) + 4;
    assert_int_equal(parse(), -EBADMSG);
    header()->used_bytes = 0xfffffffc;
    assert_int_equal(parse(), -EBADMSG);
}

/* A packet of one record with these words. */
static int walk(const uint32_t *words, unsigned int n)
{
    uint32_t count;
    uint64_t last;
    struct packet p;
    uint8_t *data;
    int rc;

    fresh(0, 0);
    memcpy(g.slot + g.bytes, words, n * 4);
    g.bytes += n * 4;
    g.records = 1;
    data = tight(gen_end(&g));
    rc = packet_parse(data, g.bytes, &p);
    if ( !rc )
        rc = packet_count(&p, &count, &last);
    free(data);
    return rc;
}

static void test_walk_record_refused(void **state)
{
    /* A valid one, to see that walk() can succeed. */
    assert_int_equal(walk((uint32_t[]){ 2 | 1 << 9, 42 }, 2), 0);
    /* Its payload exceeds the packet. */
    assert_int_equal(walk((uint32_t[]){ 2 | 1 << 9 }, 1), -EBADMSG);
    assert_int_equal(walk((uint32_t[]){ 2 | 7 << 9, 1, 2, 3, 4, 5, 6 }, 7),
                     -EBADMSG);
    /*
     * An anchor with a wrong length, a truncated one, and a contradictory one.
     */
    assert_int_equal(walk((uint32_t[]){ 0, 2 }, 2), -EBADMSG);
    assert_int_equal(walk((uint32_t[]){ 0 | 2 << 9, 0 }, 2), -EBADMSG);
    assert_int_equal(walk((uint32_t[]){ 2 << 9 | 5 << 12, 4, 0, 2 }, 4),
                     -EBADMSG);
    assert_int_equal(walk((uint32_t[]){ 2 << 9 | 5 << 12, 5, 0, 2 | 5 << 12 },
                          4), 0);
    /* Escapes: without event word, with more than 28 bits, and a valid one. */
    assert_int_equal(walk((uint32_t[]){ 1 }, 1), -EBADMSG);
    assert_int_equal(walk((uint32_t[]){ 1, 0x10000000 }, 2), -EBADMSG);
    assert_int_equal(walk((uint32_t[]){ 1, 0x0fffffff }, 2), 0);
    /* Two records, but the header counts one. */
    assert_int_equal(walk((uint32_t[]){ 2, 2 }, 2), -EBADMSG);
}

static void test_walk_random_bytes(void **state)
{
    uint64_t seed = 4711;

    for ( unsigned int round = 0; round < 20000; round++ )
    {
        uint32_t words[32];
        unsigned int n = 1 + gen_random(&seed) % 32;

        for ( unsigned int i = 0; i < n; i++ )
            words[i] = gen_random(&seed);
        walk(words, n); /* sanitizers detect the failures */
    }
}

static void test_iterate_speed(void **state)
{
    struct timespec a, b;
    struct packet p;
    uint64_t records = 0, last;
    uint32_t count;
    double secs;

    fresh(4, 1000);
    for ( unsigned int i = 0; ; i++ )
    {
        want[0] = (struct gen_record){ .tsc = 1000 + i * 500, .id = 2 + i % 300,
                                       .words = i % 4 };
        if ( !gen_add(&g, &want[0]) )
            break;
    }
    gen_end(&g);
    assert_int_equal(packet_parse(g.slot, g.bytes, &p), 0);

    clock_gettime(CLOCK_MONOTONIC, &a);
    for ( unsigned int i = 0; i < 500; i++ )
    {
        assert_int_equal(packet_count(&p, &count, &last), 0);
        records += count;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    secs = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
    printf("# measured: %.0f M records/s\n", records / secs / 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iterate_round_trip),
        cmocka_unit_test(test_iterate_time_at_the_limit),
        cmocka_unit_test(test_iterate_stamp_set_back),
        cmocka_unit_test(test_parse_empty_packet),
        cmocka_unit_test(test_parse_header_refused),
        cmocka_unit_test(test_walk_record_refused),
        cmocka_unit_test(test_walk_random_bytes),
        cmocka_unit_test(test_iterate_speed),
    };

    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
