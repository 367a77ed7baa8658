/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-diff.c: tests the score of two counts, and the matching of domains of
 * two files.  Comparisons of whole files are tested in tests/peers.
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tools/diff/diff.h"

static double rates(double a, double b)
{
    return score_rates((struct score_count){ a, 1 }, (struct score_count){ b, 1 });
}

static bool near(double a, double b)
{
    return fabs(a - b) < 0.01;
}

/*
 * Scores.
 */

static void test_few_are_chance(void **state)
{
    assert_true(rates(1, 3) == 0);
    assert_true(rates(0, 6) == 0);
    assert_true(rates(10, 20) == 0);
    assert_true(rates(0, 0) == 0);
    assert_true(rates(1000000, 1000000) == 0);
}

/*
 * Computed by hand: 2 * 20 * ln(1 / p) = 9, so p = 0.7985, a factor of 3.963.
 */
static void test_least_factors(void **state)
{
    assert_true(near(rates(0, 20), log2(3.963)));
    assert_true(near(rates(1000, 5000), log2(4.512)));
    assert_true(near(rates(1e9, 5e9), log2(5)));
}

/* A ratio alone, or significance alone, would give another order. */
static void test_order(void **state)
{
    assert_true(rates(1000, 5000) > rates(1, 3));
    assert_true(rates(1000, 5000) > rates(0, 20));
    assert_true(rates(0, 20) > rates(1000000, 1030000));
    assert_true(rates(0, 1000) > rates(1000, 5000));
}

static void test_mirrored(void **state)
{
    for ( unsigned int a = 0; a < 100; a += 7 )
        for ( unsigned int b = 1; b < 10000; b *= 3 )
        {
            struct score_count x = { a, 0.3 }, y = { b, 41 };

            assert_true(fabs(score_rates(x, y) + score_rates(y, x)) < 1e-9);
        }
}

/* Ten times the events in ten times the time is no change. */
static void test_length_counts(void **state)
{
    assert_true(score_rates((struct score_count){ 1000, 0.1 },
                           (struct score_count){ 10000, 1 }) == 0);
    assert_true(score_rates((struct score_count){ 1000, 0.1 },
                           (struct score_count){ 1000, 1 }) < -3);
    assert_true(score_rates((struct score_count){ 1000, 0 },
                           (struct score_count){ 1000, 1 }) == 0);
}

/* @nr times from @first on, in steps of one tick. */
static struct score_times ramp(uint64_t first, unsigned int nr)
{
    struct times *t = calloc(1, sizeof(*t));

    for ( unsigned int i = 0; i < nr; i++ )
        times_add(t, first + i);
    return (struct score_times){ t, 1 };
}

static void test_latencies(void **state)
{
    struct score_times a = ramp(1000, 1000), b = ramp(8000, 1000);
    struct score_times few = ramp(8000, 5), none = { NULL, 1 }, other = a;

    assert_true(score_latency(a, a) == 0);
    assert_true(score_part(a, b, 500) > 2 && score_part(a, b, 500) < 2.6);
    assert_true(score_part(a, b, 500) == -score_part(b, a, 500));
    assert_true(score_latency(a, few) == 0);
    assert_true(score_latency(a, none) == 0);
    /* The same in other units. */
    other.ns = 8;
    assert_true(score_part(a, other, 500) > 2.6 &&
                score_part(a, other, 500) < 3);

    free((void *)a.times);
    free((void *)b.times);
    free((void *)few.times);
}

/* If one in twenty is slow, the median does not change. */
static void test_tail(void **state)
{
    struct score_times a = ramp(1000, 1000), b = ramp(1000, 950);
    struct score_times slow = ramp(100000, 50);

    times_merge((struct times *)b.times, slow.times);
    assert_true(score_part(a, b, 500) == 0);
    assert_true(score_part(a, b, 990) > 5);
    assert_true(score_latency(a, b) == score_part(a, b, 990));

    free((void *)a.times);
    free((void *)b.times);
    free((void *)slow.times);
}

/*
 * Domains.
 */

#define U1 "01234567-89ab-cdef-0123-456789abcdef"
#define U2 "11234567-89ab-cdef-0123-456789abcdef"
#define U3 "21234567-89ab-cdef-0123-456789abcdef"
#define U0 "00000000-0000-0000-0000-000000000000"

static struct source sources[DIFF_SIDES];

/* @list is the JSON of the domains of a side. */
static struct diff *match(const char *a, const char *b)
{
    const char *text[DIFF_SIDES] = { a, b };
    struct diff *d = calloc(1, sizeof(*d));

    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        json_t *list = json_loads(text[s], 0, NULL);

        assert_non_null(list);
        sources[s].doc = (struct doc){
            .root = json_pack("{s:o}", "domains", list), .domid = -1,
            .name = "", .uuid = "",
        };
        d->side[s].src = &sources[s];
    }
    diff_match(d);
    return d;
}

static void unmatch(struct diff *d)
{
    json_decref(sources[DIFF_A].doc.root);
    json_decref(sources[DIFF_B].doc.root);
    diff_free(d);
}

/* Expect the domain of A to match that of B by @how, or none if domid < 0. */
static void expect(struct diff *d, uint32_t a, int b, enum diff_match how)
{
    const struct diff_domain *dom = diff_domain(d, DIFF_A, a);

    assert_non_null(dom);
    assert_int_equal(dom->in[DIFF_B], b >= 0);
    if ( b < 0 )
        return;
    assert_ptr_equal(dom, diff_domain(d, DIFF_B, b));
    assert_int_equal(dom->match, how);
}

static void test_by_uuid(void **state)
{
    struct diff *d = match(
        "[{\"domid\":0,\"uuid\":\"" U0 "\",\"name\":\"Domain-0\"},"
        " {\"domid\":1,\"uuid\":\"" U1 "\",\"name\":\"web\"},"
        " {\"domid\":2,\"uuid\":\"" U2 "\",\"name\":\"db\"}]",
        /* Other domains have its name and number now. */
        "[{\"domid\":0,\"uuid\":\"" U0 "\",\"name\":\"dom0\"},"
        " {\"domid\":1,\"uuid\":\"" U2 "\",\"name\":\"web\"},"
        " {\"domid\":9,\"uuid\":\"" U1 "\",\"name\":\"db\"}]");

    expect(d, 0, 0, DIFF_SAME);
    expect(d, 1, 9, DIFF_SAME);
    expect(d, 2, 1, DIFF_SAME);
    assert_int_equal(d->domains, 3);
    unmatch(d);
}

/* Created again it has another uuid, after a reboot another number. */
static void test_by_name(void **state)
{
    struct diff *d = match(
        "[{\"domid\":1,\"uuid\":\"" U1 "\",\"name\":\"web\"}]",
        "[{\"domid\":1,\"uuid\":\"" U2 "\",\"name\":\"db\"},"
        " {\"domid\":4,\"uuid\":\"" U3 "\",\"name\":\"web\"},"
        " {\"domid\":5,\"uuid\":\"" U3 "\",\"name\":\"web\"}]");

    expect(d, 1, 4, DIFF_BY_NAME);
    assert_ptr_equal(diff_domain(d, DIFF_B, 4), diff_domain(d, DIFF_B, 5));
    assert_false(diff_domain(d, DIFF_B, 1)->in[DIFF_A]);
    unmatch(d);
}

/* Unrelated domains with the same number do not match. */
static void test_by_number(void **state)
{
    struct diff *d = match(
        "[{\"domid\":1,\"uuid\":\"" U1 "\",\"name\":\"web\"},{\"domid\":2},"
        " {\"domid\":3,\"name\":\"mail\"}]",
        "[{\"domid\":1,\"uuid\":\"" U2 "\",\"name\":\"db\"},"
        " {\"domid\":2,\"name\":\"dns\"}]");

    expect(d, 1, -1, 0);
    expect(d, 2, 2, DIFF_BY_NUMBER);
    /* Known from records only. */
    diff_domain(d, DIFF_B, 3);
    expect(d, 3, 3, DIFF_BY_NUMBER);
    diff_domain(d, DIFF_B, 7);
    expect(d, 7, 7, DIFF_BY_NUMBER);
    diff_domain(d, DIFF_B, VCPU_IDLE_DOMAIN);
    expect(d, VCPU_IDLE_DOMAIN, VCPU_IDLE_DOMAIN, DIFF_SAME);
    assert_ptr_equal(diff_domain(d, DIFF_B, MERGE_NO_DOMAIN),
                     diff_domain(d, DIFF_A, MERGE_NO_DOMAIN));
    unmatch(d);
}

/* A document lists removed domains, too.  They count only if they have
 * records. */
static void test_gone(void **state)
{
    struct diff *d = match(
        "[{\"domid\":1,\"uuid\":\"" U1 "\",\"name\":\"web\"},"
        " {\"domid\":2,\"uuid\":\"" U2 "\",\"name\":\"db\"}]",
        "[{\"domid\":1,\"uuid\":\"" U1 "\",\"name\":\"web\",\"gone\":true},"
        " {\"domid\":2,\"uuid\":\"" U2 "\",\"name\":\"db\",\"gone\":true}]");

    diff_domain(d, DIFF_B, 2);
    expect(d, 1, -1, 0);
    expect(d, 2, 2, DIFF_SAME);
    unmatch(d);
}

/* A domain in both documents that has records on one side only. */
static void test_without_records(void **state)
{
    struct diff *d = match("[{\"domid\":1,\"name\":\"web\"}]",
                           "[{\"domid\":1,\"name\":\"web\"}]");
    struct diff_domain *web = diff_domain(d, DIFF_A, 1);
    struct diff_domain *idle = diff_domain(d, DIFF_B, VCPU_IDLE_DOMAIN);

    assert_false(diff_only_in(web, DIFF_A) || diff_only_in(web, DIFF_B));
    web->vcpus[DIFF_A] = 1;
    assert_true(diff_only_in(web, DIFF_A) && !diff_only_in(web, DIFF_B));
    web->vcpus[DIFF_B] = 2;
    assert_false(diff_only_in(web, DIFF_A) || diff_only_in(web, DIFF_B));
    /* The idle domain is never reported as missing. */
    idle->vcpus[DIFF_B] = 1;
    assert_false(diff_only_in(idle, DIFF_B));
    unmatch(d);
}

/* Impossible numbers, and more domains than there is room for. */
static void test_hostile_documents(void **state)
{
    struct diff *d = match("[{\"domid\":-1},{\"domid\":65535},{\"domid\":\"x\"},"
                           "3,null,[],{}]", "{}");

    assert_int_equal(d->domains, 0);
    for ( uint32_t i = 0; i < DIFF_DOMIDS + 9; i++ )
        diff_domain(d, DIFF_A, i);
    assert_int_equal(d->domains, DIFF_DOMAINS);
    assert_null(diff_domain(d, DIFF_A, DIFF_DOMAINS + 1));
    unmatch(d);
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Many domains in documents and records: no look-up walks all of them. */
static void test_many_domains_take_little_time(void **state)
{
    char *text[DIFF_SIDES];
    double begin = cpu_seconds();
    struct diff *d;

    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        json_t *list = json_array();

        for ( unsigned int i = 1; i < 60000; i++ )
            json_array_append_new(list, json_pack("{s:i, s:o, s:s}", "domid", i,
                "uuid", json_sprintf("%08x-%u", i, s), "name", "clone"));
        text[s] = json_dumps(list, JSON_COMPACT);
        json_decref(list);
    }

    d = match(text[DIFF_A], text[DIFF_B]);
    assert_int_equal(d->domains, DIFF_DOMAINS);
    /* All are clones: matched in order. */
    expect(d, 1, 1, DIFF_BY_NAME);
    expect(d, DIFF_DOMAINS, DIFF_DOMAINS, DIFF_BY_NAME);
    for ( unsigned int i = 0; i < 2000000; i++ )
        assert_null(diff_domain(d, DIFF_A, 20000 + i % 10000));
    assert_true(cpu_seconds() - begin < 5);
    unmatch(d);
    free(text[DIFF_A]);
    free(text[DIFF_B]);
}

static void test_names_and_rows_are_bounded(void **state)
{
    struct diff *d = calloc(1, sizeof(*d));
    const char *one = diff_name(d, "one");
    char name[16];

    assert_ptr_equal(diff_name(d, "one"), one);
    for ( unsigned int i = 0; i < DIFF_NAMES + 10; i++ )
    {
        snprintf(name, sizeof(name), "%u", i);
        diff_name(d, name);
    }
    assert_string_equal(diff_name(d, "too many"), "(other)");
    assert_ptr_equal(diff_name(d, "one"), one);

    for ( unsigned int i = 0; i < DIFF_ROWS; i++ )
        assert_non_null(diff_row(d, i & 1, &d->domain[i / 2 % 64],
                                 d->name[i / 128]));
    assert_null(diff_row(d, DIFF_WAKE, NULL, one));
    assert_non_null(diff_row(d, 1, &d->domain[63], d->name[0]));
    diff_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_are_chance),
        cmocka_unit_test(test_least_factors),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_mirrored),
        cmocka_unit_test(test_length_counts),
        cmocka_unit_test(test_latencies),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_by_uuid),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_by_number),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_without_records),
        cmocka_unit_test(test_hostile_documents),
        cmocka_unit_test(test_many_domains_take_little_time),
        cmocka_unit_test(test_names_and_rows_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
