/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-account.c: percentiles of times, kinds of events, the table of vCPUs.
 * What the accounts add up is tested against played scenes, see tests/peers.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/account.h"

static void test_times_of_none(void **state)
{
    static struct times t;

    assert_int_equal(times_part(&t, 500), 0);
    assert_int_equal(times_part(&t, 1000), 0);
}

/* Each time alone: never too high, at most 1/16 too low. */
static void test_times_are_close(void **state)
{
    for ( uint64_t n = 0; n < UINT64_MAX / 3; n += n / 8 + 1 )
    {
        struct times *t = calloc(1, sizeof(*t));
        uint64_t half;

        times_add(t, n);
        half = times_part(t, 500);
        assert_true(half <= n);
        assert_true(n - half <= n / 16);
        assert_true(times_part(t, 1000) == n);
        free(t);
    }
}

static void test_times_largest(void **state)
{
    static struct times t;

    times_add(&t, UINT64_MAX);
    assert_true(times_part(&t, 1000) == UINT64_MAX);
    assert_true(times_part(&t, 1) >= UINT64_MAX - UINT64_MAX / 16);
}

static void test_times_parts(void **state)
{
    static struct times a, b;

    for ( unsigned int i = 1; i <= 15; i++ )
        times_add(i % 2 ? &a : &b, i);
    times_merge(&a, &b);
    times_merge(&a, NULL);
    assert_int_equal(a.nr, 15);
    assert_int_equal(times_part(&a, 500), 8);
    assert_int_equal(times_part(&a, 900), 14);
    assert_int_equal(times_part(&a, 1), 1);
    assert_int_equal(times_part(&a, 1000), 15);
}

static void test_vcpus_keep_their_data(void **state)
{
    struct vcpus *t = vcpus_new(sizeof(uint32_t));

    for ( uint32_t i = 0; i < 5000; i++ )
        *(uint32_t *)vcpus_get(t, 4999 - i, i % 7)->data = i;
    assert_int_equal(vcpus_nr(t), 5000);
    for ( int sorted = 0; sorted < 2; sorted++ )
    {
        for ( uint32_t i = 0; i < 5000; i++ )
            assert_int_equal(*(uint32_t *)vcpus_get(t, 4999 - i, i % 7)->data,
                             i);
        assert_int_equal(vcpus_nr(t), 5000);
        vcpus_sort(t);
    }
    for ( uint32_t i = 0; i < 5000; i++ )
        assert_int_equal(vcpus_nth(t, i)->domid, i);
    vcpus_free(t);
}

/* A file can name more than there is room for. */
static void test_vcpus_have_a_limit(void **state)
{
    struct vcpus *t = vcpus_new(0);

    for ( uint32_t i = 0; i < VCPUS_MAX; i++ )
        assert_non_null(vcpus_get(t, i / 4, i % 4));
    assert_null(vcpus_get(t, 60000, 0));
    assert_non_null(vcpus_get(t, 0, 3));
    assert_null(vcpus_get(t, 0x10000, 0));
    assert_null(vcpus_get(t, 0, EVENT_NO_VCPU));
    vcpus_free(t);
}

/* 4.17 has one name for exits, 4.19 and later one a vendor. */
static void test_kind_of_exits(void **state)
{
    static const char *const names[] = {
        "HVM_VMEXIT", "HVM_VMEXIT64", "HVM_SVM_EXIT", "HVM_SVM_EXIT64",
    };

    for ( size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++ )
    {
        struct event_desc desc = { 0 };
        struct merge_record rec = { .kind = MERGE_EVENT, .desc = &desc,
                                    .id = XEN_FLIGHTREC_ID_FIRST };
        struct kinds kinds = { 0 };

        strcpy(desc.name, names[i]);
        assert_int_equal(kind_of(&kinds, &rec), KIND_EXIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_of_none),
        cmocka_unit_test(test_times_are_close),
        cmocka_unit_test(test_times_largest),
        cmocka_unit_test(test_times_parts),
        cmocka_unit_test(test_kind_of_exits),
        cmocka_unit_test(test_vcpus_keep_their_data),
        cmocka_unit_test(test_vcpus_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
