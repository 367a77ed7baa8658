/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-clock.c: simulate machines with known clocks, and check that the stated
 * error holds for each record, whatever the TSCs do.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/format/clock.h"

#define KHZ     2600000
#define SHIFT   4
#define MS      1000000LL
#define S       1000000000LL
#define CPUS    4
#define PACKETS 40
#define STEPS   3             /* of a random machine */
#define MAX_STEPS (PACKETS - 2)

/* One pCPU's TSC as a function of true system time. */
struct truth {
    int64_t skew;              /* ticks */
    struct {
        int64_t at_ns, ticks;
    } step[MAX_STEPS];
    unsigned int nr_steps;
};

static struct machine {
    int64_t drift_ppb;         /* of the TSC against system time */
    int64_t noise_ns;          /* of each pair */
    int64_t packet_ns;         /* longest packet */
    int64_t end_ns;            /* the trigger */
    struct truth cpu[CPUS];
    int64_t begin[CPUS][PACKETS + 1]; /* of the packets */
    uint64_t sync_ns[CPUS][PACKETS];  /* of the headers */
} M;

static uint64_t seed;

static uint64_t rnd(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

static int64_t between(int64_t min, int64_t max)
{
    return min + (int64_t)rnd(max - min + 1);
}

static uint64_t tsc_at(unsigned int cpu, int64_t ns)
{
    const struct truth *t = &M.cpu[cpu];
    __int128 ticks = (__int128)ns * KHZ / 1000000;
    int64_t tsc;

    ticks -= ticks * M.drift_ppb / S;
    tsc = (int64_t)ticks + t->skew + (1LL << 50);
    for ( unsigned int i = 0; i < t->nr_steps; i++ )
        if ( ns >= t->step[i].at_ns )
            tsc += t->step[i].ticks;
    return tsc;
}

static struct clock_point pair(unsigned int cpu, int64_t ns)
{
    return (struct clock_point){
        .cpu = cpu, .tsc = tsc_at(cpu, ns),
        .ns = ns + between(-M.noise_ns, M.noise_ns),
    };
}

/* Start times of the packets; the last of each pCPU precedes the trigger. */
static void lay_out(void)
{
    int64_t longest = 0;

    for ( unsigned int c = 0; c < CPUS; c++ )
    {
        M.begin[c][0] = 1000 * S + between(0, S);
        for ( unsigned int i = 1; i <= PACKETS; i++ )
            M.begin[c][i] = M.begin[c][i - 1] + between(MS, M.packet_ns);
        if ( M.begin[c][PACKETS] > longest )
            longest = M.begin[c][PACKETS];
    }
    M.end_ns = longest;
}

static void fit(struct clock_fit *f)
{
    struct clock_point p[CPUS * PACKETS], trigger = pair(0, M.end_ns);
    size_t n = 0;

    for ( unsigned int c = 0; c < CPUS; c++ )
        for ( unsigned int i = 0; i < PACKETS; i++ )
        {
            p[n] = pair(c, M.begin[c][i]);
            M.sync_ns[c][i] = p[n++].ns;
        }
    assert_int_equal(clock_fit(f, KHZ, SHIFT, &trigger, p, n), 0);
}

static uint64_t apart(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

static void packet_at(const struct clock_fit *f, struct clock_walk *w,
                      unsigned int cpu, uint64_t ns)
{
    const struct xen_flightrec_packet hdr = {
        .cpu = cpu, .flags = ns ? XEN_FLIGHTREC_PKT_SYNC : 0, .sync_ns = ns,
    };

    clock_packet(f, w, &hdr);
}

/* Return the largest error of one pCPU's records; each must keep its bound. */
static uint64_t check_cpu(const struct clock_fit *f, unsigned int c)
{
    struct clock_walk w = { 0 };
    uint64_t worst = 0;

    for ( unsigned int i = 0; i < PACKETS; i++ )
    {
        int64_t to = i + 1 < PACKETS ? M.begin[c][i + 1] : M.end_ns;
        int64_t ns = M.begin[c][i];

        packet_at(f, &w, c, M.sync_ns[c][i]);
        for ( ; ns < to; ns += between(1000, (to - M.begin[c][i]) / 30 + 2000) )
        {
            uint64_t tsc = tsc_at(c, ns) >> SHIFT << SHIFT, err, wrong;

            tsc = clock_stamp(f, &w, tsc, &err);
            wrong = apart(f->ns + clock_since(f, tsc), ns);
            if ( wrong > (err ? err : f->error_ns) )
                fail_msg("pCPU %u, packet %u: off by %lu, bound %lu (own %lu)",
                         c, i, wrong, f->error_ns, err);
            if ( !err && wrong > worst )
                worst = wrong;
        }
    }

    return worst;
}

static uint64_t check(const struct clock_fit *f)
{
    uint64_t worst = 0;

    for ( unsigned int c = 0; c < CPUS; c++ )
    {
        uint64_t w = check_cpu(f, c);

        worst = w > worst ? w : worst;
    }
    return worst;
}

static int begin(void **state)
{
    const char *given = getenv("SEED");

    memset(&M, 0, sizeof(M));
    seed = given ? strtoull(given, NULL, 0) | 1 : 0x9e3779b97f4a7c15ULL;
    M.packet_ns = 200 * MS;
    lay_out();
    return 0;
}

static void test_one_clock_needs_nothing(void **state)
{
    struct clock_fit f;

    fit(&f);
    assert_int_equal(f.nr_spans, 0);
    assert_int_equal(f.drift_ppb, 0);
    assert_true(f.error_ns < 10000);
    check(&f);
    clock_free(&f);
}

static void test_drift_is_found(void **state)
{
    struct clock_fit f;

    M.drift_ppb = 40000;
    M.noise_ns = 1000;
    fit(&f);
    assert_int_equal(f.nr_spans, 0);
    assert_in_range(f.drift_ppb, 39000, 41000);
    assert_true(f.error_ns < 10000);
    check(&f);
    clock_free(&f);

    /* Noise must not be taken for drift. */
    M.drift_ppb = 10;
    fit(&f);
    assert_int_equal(f.drift_ppb, 0);
    clock_free(&f);
}

/* Noise of system time, as under emulation, must not move stamps. */
static void test_noise_moves_no_stamp(void **state)
{
    struct clock_fit f;

    M.noise_ns = 2 * MS;
    fit(&f);
    assert_int_equal(f.nr_spans, 0);
    assert_in_range(f.error_ns, 2 * MS, 8 * MS);
    check(&f);
    clock_free(&f);
}

static void test_skewed_pcpus_are_put_together(void **state)
{
    struct clock_fit f;

    M.noise_ns = 500;
    M.cpu[1].skew = KHZ * 20LL;
    M.cpu[3].skew = -KHZ * 5000000LL;
    fit(&f);
    assert_int_equal(f.nr_spans, CPUS);
    assert_int_equal(f.span[0].offset, 0);
    assert_int_equal(f.span[2].offset, 0);
    assert_in_range(f.error_ns, 500, 10000);
    check(&f);
    clock_free(&f);
}

/* A pCPU went offline and came back with its TSC near 0. */
static void test_step_back(void **state)
{
    struct clock_fit f;

    M.cpu[2].nr_steps = 1;
    M.cpu[2].step[0].at_ns = (M.begin[2][10] + M.begin[2][11]) / 2;
    M.cpu[2].step[0].ticks = -(1LL << 49);
    fit(&f);
    assert_int_equal(f.nr_spans, CPUS + 1);
    assert_true(check(&f) < 2000);
    clock_free(&f);
}

static void test_step_forward(void **state)
{
    struct clock_fit f;

    M.cpu[0].nr_steps = 1;
    M.cpu[0].step[0].at_ns = (M.begin[0][30] + M.begin[0][31]) / 2;
    M.cpu[0].step[0].ticks = KHZ * 100000LL;
    fit(&f);
    assert_int_equal(f.nr_spans, CPUS + 1);
    /* All stamps are converted to the TSC of the trigger's pCPU. */
    assert_int_not_equal(f.span[0].offset, 0);
    assert_int_equal(f.span[1].offset, 0);
    assert_true(check(&f) < 2000);
    clock_free(&f);
}

/*
 * The place of a small step is unknown: the records there have a larger error.
 */
static void test_small_step_is_stated(void **state)
{
    struct clock_fit f;
    struct clock_walk w = { 0 };
    uint64_t err;
    int64_t at = M.begin[1][20] + (M.begin[1][21] - M.begin[1][20]) / 3;

    M.cpu[1].nr_steps = 1;
    M.cpu[1].step[0].at_ns = at;
    M.cpu[1].step[0].ticks = KHZ * ((M.begin[1][21] - M.begin[1][20]) / MS / 2);
    fit(&f);
    assert_int_equal(f.nr_spans, CPUS + 1);
    check(&f);
    packet_at(&f, &w, 1, M.sync_ns[1][20]);
    clock_stamp(&f, &w, tsc_at(1, M.begin[1][20]), &err);
    assert_int_equal(err, 0);
    clock_stamp(&f, &w, tsc_at(1, at + 1), &err);
    assert_true(err > f.error_ns);
    clock_free(&f);
}

/* A step in nearly each packet: more spans than are tried for one stamp. */
static void test_many_steps(void **state)
{
    struct clock_fit f;

    M.cpu[2].nr_steps = MAX_STEPS;
    for ( unsigned int i = 0; i < MAX_STEPS; i++ )
    {
        M.cpu[2].step[i].at_ns = (M.begin[2][i] + M.begin[2][i + 1]) / 2;
        M.cpu[2].step[i].ticks = KHZ * (i % 2 ? -70000LL : 90000LL);
    }
    fit(&f);
    assert_int_equal(f.nr_spans, CPUS + MAX_STEPS);
    assert_true(MAX_STEPS > 2 * CLOCK_LOOK);
    check(&f);
    for ( unsigned int i = 0; i < PACKETS; i++ )
    {
        uint64_t tsc = clock_guess(&f, 2, tsc_at(2, M.begin[2][i]));

        assert_true(f.ns + clock_since(&f, tsc) <=
                    M.begin[2][i] + 2 * f.error_ns + 2 * MS);
    }
    clock_free(&f);
}

/* A TSC that restarted at 0 reads as a time before Xen's first. */
static void test_guess_after_restart(void **state)
{
    struct clock_span span[] = {
        { .cpu = 1, .from_ns = 10 * S, .to_ns = 200 * S },
        { .cpu = 1, .offset = KHZ * 320000LL, .from_ns = 300 * S,
          .to_ns = 400 * S },
    };
    const struct clock_fit f = {
        .tsc_khz = KHZ, .tsc = KHZ * 420000LL, .ns = 400 * S, .error_ns = 100,
        .span = span, .nr_spans = 2,
    };
    const uint64_t stamp = KHZ * 5000LL;

    /* By the first span, 15 s before Xen's time 0. */
    assert_true(clock_guess(&f, 1, stamp) == stamp + span[1].offset);
    assert_true(clock_guess(&f, 1, KHZ * 100000LL) == KHZ * 100000LL);
    assert_true(clock_guess(&f, 0, stamp) == stamp);
}

/* Return the CPU time to convert `rounds` stamps with spans that all fit. */
static double convert(unsigned int nr_spans, unsigned int rounds)
{
    struct clock_fit f = { .tsc_khz = KHZ, .ns = S, .error_ns = 100 };
    struct clock_walk w = { 0 };
    clock_t start;
    uint64_t err;

    f.nr_spans = nr_spans;
    f.span = calloc(nr_spans, sizeof(*f.span));
    assert_non_null(f.span);
    for ( unsigned int i = 0; i < nr_spans; i++ )
        f.span[i] = (struct clock_span){ .cpu = 1, .from_ns = 1, .to_ns = 1 };

    start = clock();
    for ( unsigned int i = 0; i < rounds; i++ )
    {
        /* Without a pair, so that no packet is whole. */
        packet_at(&f, &w, 1, i % 64 ? 0 : 1);
        clock_stamp(&f, &w, i, &err);
        if ( !(i % 64) )
            clock_guess(&f, 1, i);
    }
    clock_free(&f);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* 65,536 spans must not cost each record 65,536 looks. */
static void test_cost_is_bounded(void **state)
{
    const unsigned int rounds = 100000;
    double few = convert(CLOCK_LOOK, rounds);
    double many = convert(CLOCK_MAX_SPANS, rounds);

    printf("# measured: %.0f ns a stamp with %u spans, %.0f ns with %u\n",
           few * S / rounds, CLOCK_LOOK, many * S / rounds, CLOCK_MAX_SPANS);
    assert_true(many < 20 * few + 0.1);
}

static void one_machine(void)
{
    struct clock_fit f;

    memset(&M, 0, sizeof(M));
    M.packet_ns = between(2, 2000) * MS;
    lay_out();
    M.drift_ppb = between(-200000, 200000);
    M.noise_ns = rnd(3) ? between(0, 5000) : 0;
    for ( unsigned int c = 0; c < CPUS; c++ )
    {
        struct truth *t = &M.cpu[c];
        unsigned int packet = 0;

        if ( !rnd(3) )
            t->skew = between(-KHZ * 3000LL, KHZ * 3000LL);
        t->nr_steps = rnd(STEPS + 1);
        for ( unsigned int i = 0; i < t->nr_steps; i++ )
        {
            /* At most one step between two pairs, and none after the last. */
            packet += between(1, PACKETS / STEPS - 1);
            t->step[i].at_ns = between(M.begin[c][packet - 1] + 1,
                                       M.begin[c][packet]);
            t->step[i].ticks = rnd(2) ? between(-(1LL << 48), 1LL << 48)
                                      : between(-KHZ * 500LL, KHZ * 500LL);
        }
    }
    fit(&f);
    check(&f);
    clock_free(&f);
}

static void test_any_machine(void **state)
{
    for ( unsigned int i = 0; i < 2000; i++ )
        one_machine();
}

static void test_json_round(void **state)
{
    struct clock_fit f, g = { .tsc_khz = KHZ };
    json_t *o;

    M.cpu[1].skew = KHZ * 20LL;
    M.drift_ppb = -7000;
    fit(&f);
    o = clock_json(&f);
    assert_int_equal(clock_from_json(&g, o), 0);
    assert_int_equal(g.drift_ppb, f.drift_ppb);
    assert_int_equal(g.ns, f.ns);
    assert_int_equal(g.error_ns, f.error_ns);
    assert_int_equal(g.nr_spans, f.nr_spans);
    assert_memory_equal(g.span, f.span, f.nr_spans * sizeof(*f.span));
    clock_free(&g);

    /* Spans of one pCPU must not overlap. */
    json_object_set_new(json_array_get(json_object_get(o, "spans"), 1), "cpu",
                        json_integer(0));
    assert_int_equal(clock_from_json(&g, o), -EBADMSG);
    json_object_set_new(o, "drift_ppb", json_integer(600000));
    assert_int_equal(clock_from_json(&g, o), -EBADMSG);
    assert_int_equal(clock_from_json(&g, NULL), -EBADMSG);
    assert_int_equal(g.nr_spans, 0);
    json_decref(o);
    clock_free(&f);
}

/* Extreme numbers from a file must not overflow. */
static void test_absurd_figures(void **state)
{
    struct clock_span span[] = {
        { .cpu = 0, .offset = INT64_MIN, .to_ns = 5 },
        { .cpu = 0, .offset = INT64_MAX, .from_ns = 6, .to_ns = INT64_MAX },
        { .cpu = 7, .offset = INT64_MAX, .to_ns = INT64_MAX },
    };
    struct clock_fit f = {
        .tsc_khz = 1000, .tsc = UINT64_MAX, .ns = INT64_MAX,
        .drift_ppb = CLOCK_MAX_DRIFT_PPB, .error_ns = INT64_MAX,
        .span = span, .nr_spans = 3,
    };
    struct clock_walk w = { 0 };
    uint64_t err;

    for ( unsigned int i = 0; i < 100000; i++ )
    {
        if ( !rnd(8) )
            packet_at(&f, &w, rnd(9), rnd(3) ? rnd(UINT64_MAX) : rnd(9));
        clock_since(&f, clock_stamp(&f, &w, rnd(UINT64_MAX), &err));
    }
}

static void test_no_pairs(void **state)
{
    const struct clock_point trigger = { .tsc = 1000, .ns = 5 };
    struct clock_fit f;
    struct clock_walk w = { 0 };
    uint64_t err;

    assert_int_equal(clock_fit(&f, KHZ, SHIFT, &trigger, NULL, 0), 0);
    packet_at(&f, &w, 0, 77);
    assert_int_equal(clock_stamp(&f, &w, 123, &err), 123);
    assert_int_equal(err, 0);
    clock_free(&f);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_clock_needs_nothing),
        TEST(test_drift_is_found),
        TEST(test_noise_moves_no_stamp),
        TEST(test_skewed_pcpus_are_put_together),
        TEST(test_step_back),
        TEST(test_step_forward),
        TEST(test_small_step_is_stated),
        TEST(test_many_steps),
        TEST(test_guess_after_restart),
        TEST(test_cost_is_bounded),
        TEST(test_any_machine),
        TEST(test_json_round),
        TEST(test_absurd_figures),
        TEST(test_no_pairs),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
