/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-columns.c: packing and unpacking returns every input to the byte, and
 * invalid columns are refused.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/format/columns.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

#define ROUNDS 2000

static struct columns_work *work;
static struct gen g;
static uint8_t plain[SNAPSHOT_MAX_DATA_BYTES];
static uint8_t packed[SNAPSHOT_MAX_DATA_BYTES];
static size_t packed_bytes;

/* Allocate exactly the length, so that sanitizers detect an overrun. */
static uint8_t *unpack(const uint8_t *in, size_t bytes, size_t *len, int *rc)
{
    uint8_t *out;

    *rc = columns_plain_bytes(in, bytes, len);
    if ( *rc )
        return NULL;
    out = malloc(*len);
    assert_non_null(out);
    *rc = columns_unpack(in, bytes, out);
    return out;
}

/*
 * Return whether the input was packed; unpacking must return the same bytes.
 */
static bool round_trip(size_t bytes)
{
    uint8_t *tight, *out;
    size_t len;
    int rc = columns_pack(work, plain, bytes, packed, &packed_bytes);

    if ( rc )
    {
        assert_int_equal(rc, -ENOTSUP);
        return false;
    }

    assert_true(packed_bytes < bytes);
    tight = malloc(packed_bytes);
    assert_non_null(tight);
    memcpy(tight, packed, packed_bytes);
    out = unpack(tight, packed_bytes, &len, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(len, bytes);
    assert_memory_equal(out, plain, bytes);
    free(out);
    free(tight);
    return true;
}

/* Fill `plain` from `at` on with records of all kinds. */
static size_t add_packet(uint64_t *seed, size_t at, unsigned int records)
{
    uint64_t tsc = gen_random(seed) >> 20;

    g.shift = gen_random(seed) % 6;
    gen_begin(&g, (struct gen_at){ tsc, 1, 2 });
    while ( records-- )
    {
        uint64_t x = gen_random(seed);
        struct gen_record r = { .id = x % 16 ? 2 + x % 5
                                             : XEN_FLIGHTREC_ID_ESCAPE,
                                .event = x >> 40, .words = (x >> 8) % 8 };

        tsc += x % 97 ? (x >> 50) : x >> 35;
        r.tsc = tsc;
        for ( unsigned int i = 0; i < r.words; i++ )
            r.data[i] = x >> (20 + i) & 3 ? i : gen_random(seed);
        if ( !gen_add(&g, &r) )
            break;
    }
    memcpy(plain + at, g.slot, gen_end(&g));
    return at + g.bytes;
}

static size_t make_plain(uint64_t *seed)
{
    unsigned int packets = 1 + gen_random(seed) % 4;
    size_t at = 0;

    while ( packets-- )
        at = add_packet(seed, at, gen_random(seed) % 1200);
    return at;
}

static void test_round_trip_of_records(void **state)
{
    uint64_t seed = 4101842887655102017;

    for ( unsigned int i = 0; i < ROUNDS / 10; i++ )
    {
        size_t bytes = make_plain(&seed);

        /* A header with a few records may be shorter unpacked. */
        if ( !round_trip(bytes) )
            assert_true(bytes < 2048);
    }
}

/* Change bytes other than those that delimit the packets. */
static void spoil(uint64_t *seed, size_t bytes)
{
    unsigned int n = 1 + gen_random(seed) % 40;

    for ( size_t at = 0; at < bytes; )
    {
        struct packet p;

        assert_int_equal(packet_parse(plain + at, bytes - at, &p), 0);
        for ( unsigned int i = 0; p.bytes && i < n; i++ )
        {
            uint64_t x = gen_random(seed);

            plain[at + p.hdr.header_bytes + (x >> 8) % p.bytes] = x;
        }
        at += p.hdr.used_bytes;
    }
}

static void test_round_trip_of_spoilt_records(void **state)
{
    uint64_t seed = 88172645463325252;
    unsigned int packed_ones = 0;

    for ( unsigned int i = 0; i < ROUNDS / 10; i++ )
    {
        size_t bytes = make_plain(&seed);

        spoil(&seed, bytes);
        packed_ones += round_trip(bytes);
    }
    assert_true(packed_ones > ROUNDS / 20);
}

/* Headers of a later version are longer; their extension is kept. */
static void test_round_trip_of_longer_header(void **state)
{
    struct xen_flightrec_packet hdr;
    uint64_t seed = 1;
    size_t bytes;

    memset(&g, 0, sizeof(g));
    bytes = add_packet(&seed, 0, 500);
    memcpy(&hdr, plain, sizeof(hdr));
    hdr.header_bytes += 16;
    memcpy(plain, &hdr, sizeof(hdr));
    assert_true(round_trip(bytes));
}

/* A packet of words that are not records. */
static size_t make_noise(uint64_t *seed, size_t bytes, uint32_t mask)
{
    struct xen_flightrec_packet hdr;

    memset(&g, 0, sizeof(g));
    gen_begin(&g, (struct gen_at){ 1, 0, 0 });
    gen_end(&g);
    memcpy(&hdr, g.slot, sizeof(hdr));
    hdr.used_bytes = sizeof(hdr) + bytes;
    memcpy(plain, &hdr, sizeof(hdr));
    for ( size_t i = 0; i < bytes; i += 4 )
    {
        uint32_t word = gen_random(seed) & mask;

        memcpy(plain + sizeof(hdr) + i, &word, sizeof(word));
    }
    return hdr.used_bytes;
}

static void test_noise_is_left_as_it_is(void **state)
{
    uint64_t seed = 7;

    assert_false(round_trip(make_noise(&seed, 65536, 0xffffffff)));
    /* Noise of few kinds, all zeros, all ones, with any length left over. */
    for ( unsigned int n = 0; n < 64; n += 4 )
    {
        round_trip(make_noise(&seed, 4096 + n, 0xfffffe0f));
        assert_true(round_trip(make_noise(&seed, 4096 + n, 0)));
        make_noise(&seed, 4096 + n, 0);
        memset(plain + sizeof(struct xen_flightrec_packet), 0xff, 4096 + n);
        assert_true(round_trip(sizeof(struct xen_flightrec_packet) + 4096 + n));
    }
}

static void test_no_row_of_packets_refused(void **state)
{
    uint64_t seed = 3;
    size_t bytes;

    memset(&g, 0, sizeof(g));
    bytes = add_packet(&seed, 0, 100);
    assert_int_equal(columns_pack(work, plain, bytes - 4, packed,
                                  &packed_bytes), -ENOTSUP);
    assert_int_equal(columns_pack(work, plain, sizeof(plain) + 4, packed,
                                  &packed_bytes), -ENOTSUP);
    plain[0] ^= 1;
    assert_int_equal(columns_pack(work, plain, bytes, packed, &packed_bytes),
                     -ENOTSUP);
}

/* Changed columns are refused, or unpack to other packets. */
static void test_hostile_columns(void **state)
{
    uint64_t seed = 2463534242;
    unsigned int refused = 0;
    size_t bytes, len;

    memset(&g, 0, sizeof(g));
    bytes = add_packet(&seed, 0, 300);
    bytes = add_packet(&seed, bytes, 300);
    assert_true(round_trip(bytes));
    for ( unsigned int i = 0; i < ROUNDS * 10; i++ )
    {
        size_t cut = i % 4 ? packed_bytes : gen_random(&seed) % packed_bytes;
        uint8_t *in = malloc(cut ? cut : 1), *out;
        uint64_t x = gen_random(&seed);
        int rc;

        assert_non_null(in);
        memcpy(in, packed, cut);
        if ( cut )
            in[(x >> 8) % (i % 3 ? cut : cut < 32 ? cut : 32)] ^= 1 + x % 255;
        out = unpack(in, cut, &len, &rc);
        refused += rc == -EBADMSG;
        assert_true(!rc || rc == -EBADMSG);
        free(out);
        free(in);
    }
    assert_true(refused > ROUNDS);
}

static struct columns_head *head(void)
{
    uint64_t seed = 11;

    memset(&g, 0, sizeof(g));
    assert_true(round_trip(add_packet(&seed, 0, 300)));
    return (struct columns_head *)packed;
}

static void refuse(void)
{
    size_t len;
    int rc;

    free(unpack(packed, packed_bytes, &len, &rc));
    assert_int_equal(rc, -EBADMSG);
}

static void test_lengths_that_do_not_fit_refused(void **state)
{
    head()->plain_bytes -= 4;
    refuse();
    head()->plain_bytes += 4;
    refuse();
    head()->plain_bytes = SNAPSHOT_MAX_DATA_BYTES + 4;
    refuse();
    head()->plain_bytes = 0;
    refuse();
    head()->kinds = COLUMNS_MAX_KINDS + 1;
    refuse();
    /* The sum is right, the parts are wrong. */
    head()->time_bytes += 4;
    ((struct columns_head *)packed)->words--;
    refuse();
    head()->header_bytes += 2;
    ((struct columns_head *)packed)->kinds--;
    refuse();
    /* 4 times this wraps to 0. */
    head()->words += 0x40000000;
    refuse();
}

static int set_up(void **state)
{
    work = columns_work_new(sizeof(plain));
    return work ? 0 : -1;
}

static int tear_down(void **state)
{
    columns_work_free(work);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_of_records),
        cmocka_unit_test(test_round_trip_of_spoilt_records),
        cmocka_unit_test(test_round_trip_of_longer_header),
        cmocka_unit_test(test_noise_is_left_as_it_is),
        cmocka_unit_test(test_no_row_of_packets_refused),
        cmocka_unit_test(test_hostile_columns),
        cmocka_unit_test(test_lengths_that_do_not_fit_refused),
    };

    return cmocka_run_group_tests_name("columns", tests, set_up, tear_down);
}
