/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-limit.c: token buckets against the plainest form of one, and the table
 * when there are more keys than entries.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "snapshotd/common/limit.h"

#define SECOND 1000000000ULL

static struct limit l;

static int clear(void **state)
{
    memset(&l, 0, sizeof(l));
    return 0;
}

static const uint8_t *key_of(unsigned int n)
{
    static uint8_t key[LIMIT_KEY_BYTES];

    memset(key, 0, sizeof(key));
    memcpy(key, &n, sizeof(n));
    return key;
}

static void test_limit_burst_then_rate(void **state)
{
    const struct limit_rate rate = { .burst = 4, .refill_s = 60 };
    uint64_t now = 5 * SECOND;
    int i;

    for ( i = 0; i < 4; i++ )
        assert_true(limit_take(&l, key_of(1), &rate, now));
    assert_false(limit_take(&l, key_of(1), &rate, now));
    /* A key's use counts for no other key. */
    assert_true(limit_take(&l, key_of(2), &rate, now));
    assert_false(limit_take(&l, key_of(1), &rate, now + 60 * SECOND - 1));
    assert_true(limit_take(&l, key_of(1), &rate, now + 60 * SECOND));
    assert_false(limit_take(&l, key_of(1), &rate, now + 60 * SECOND));
    /* However long it was idle: a full bucket, no more. */
    now += 100000 * SECOND;
    for ( i = 0; i < 4; i++ )
        assert_true(limit_take(&l, key_of(1), &rate, now));
    assert_false(limit_take(&l, key_of(1), &rate, now));
}

static void test_limit_asking_takes_nothing(void **state)
{
    const struct limit_rate rate = { .burst = 1, .refill_s = 1 };
    int i;

    for ( i = 0; i < 10; i++ )
        assert_true(limit_allows(&l, key_of(1), &rate, 0));
    assert_true(limit_take(&l, key_of(1), &rate, 0));
    assert_false(limit_allows(&l, key_of(1), &rate, 0));
}

static void test_limit_off_allows_all(void **state)
{
    const struct limit_rate rate = { .burst = 1, .refill_s = 0 };
    int i;

    for ( i = 0; i < 1000; i++ )
        assert_true(limit_take(&l, key_of(1), &rate, 0));
}

/* Tokens in nanoseconds' worth, filled up by the time that passed. */
struct oracle {
    uint64_t worth, at;
};

static bool oracle_take(struct oracle *o, const struct limit_rate *rate,
                        uint64_t now)
{
    const uint64_t token = rate->refill_s * SECOND;

    o->worth += now - o->at;
    if ( o->worth > rate->burst * token )
        o->worth = rate->burst * token;
    o->at = now;
    if ( o->worth < token )
        return false;
    o->worth -= token;
    return true;
}

static void test_limit_is_a_token_bucket(void **state)
{
    unsigned int round, i;

    for ( round = 0; round < 200; round++ )
    {
        const struct limit_rate rate = { .burst = 1 + rand() % 9,
                                         .refill_s = 1 + rand() % 30 };
        struct oracle o[8];
        uint64_t now = rand();

        memset(&l, 0, sizeof(l));
        for ( i = 0; i < 8; i++ )
            o[i] = (struct oracle){ rate.burst * rate.refill_s * SECOND, now };
        for ( i = 0; i < 400; i++ )
        {
            unsigned int k = rand() % 8;

            now += rand() % (rate.refill_s * SECOND);
            assert_int_equal(limit_take(&l, key_of(k), &rate, now),
                             oracle_take(&o[k], &rate, now));
        }
    }
}

/* More keys than entries: the heaviest user is remembered longest. */
static void test_limit_flood_of_keys_frees_nobody_heavy(void **state)
{
    const struct limit_rate rate = { .burst = 4, .refill_s = 600 };
    uint64_t now = SECOND;
    unsigned int i;

    for ( i = 0; i < 4; i++ )
        assert_true(limit_take(&l, key_of(1), &rate, now));
    for ( i = 0; i < 20 * LIMIT_KEYS; i++ )
        limit_take(&l, key_of(1000 + i), &rate, now + i);
    assert_false(limit_take(&l, key_of(1), &rate, now + i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_limit_burst_then_rate, clear),
        cmocka_unit_test_setup(test_limit_asking_takes_nothing, clear),
        cmocka_unit_test_setup(test_limit_off_allows_all, clear),
        cmocka_unit_test_setup(test_limit_is_a_token_bucket, clear),
        cmocka_unit_test_setup(test_limit_flood_of_keys_frees_nobody_heavy,
                               clear),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
