/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-audit.c: each counter of an account counts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/format/audit.h"

static const struct xen_flightrec_audit whole = {
    .gen = 7, .slots = 3, .tsc = 12345,
    .emitted = 100 + 200 + 300 + 400 + 1 + 2 + 3 + 4 + 50, .late = 50,
    .held = 100, .held_earlier = 200, .sacrificed = 300, .overwritten = 400,
    .lost = { 1, 2, 3, 4 },
};

static void test_account_balances(void **state)
{
    struct xen_flightrec_audit a = whole;

    assert_true(audit_balances(&a));
    /* Records that came late may have been counted before the account. */
    a.late = -50;
    a.emitted -= 100;
    assert_true(audit_balances(&a));
    memset(&a, 0, sizeof(a));
    assert_true(audit_balances(&a));
}

static void test_each_counter_counts(void **state)
{
    static const size_t counters[] = {
        offsetof(struct xen_flightrec_audit, emitted),
        offsetof(struct xen_flightrec_audit, late),
        offsetof(struct xen_flightrec_audit, held),
        offsetof(struct xen_flightrec_audit, held_earlier),
        offsetof(struct xen_flightrec_audit, sacrificed),
        offsetof(struct xen_flightrec_audit, overwritten),
        offsetof(struct xen_flightrec_audit, lost[0]),
        offsetof(struct xen_flightrec_audit, lost[1]),
        offsetof(struct xen_flightrec_audit, lost[2]),
        offsetof(struct xen_flightrec_audit, lost[3]),
    };
    unsigned int i;

    for ( i = 0; i < sizeof(counters) / sizeof(counters[0]); i++ )
    {
        struct xen_flightrec_audit a = whole;
        uint64_t *n = (uint64_t *)((char *)&a + counters[i]);

        ++*n;
        assert_false(audit_balances(&a));
        *n -= 2;
        assert_false(audit_balances(&a));
        /* The figure itself, too: one that is 0 in place of it. */
        *n = 0;
        assert_false(audit_balances(&a));
    }
}

static void test_account_from_a_document(void **state)
{
    static const char text[] =
        "{\"gen\":7,\"slots\":3,\"tsc\":12345,\"emitted\":1060,\"late\":50,"
        "\"held\":100,\"held_earlier\":200,\"sacrificed\":300,"
        "\"overwritten\":400,\"lost\":{\"nested\":1,\"busy\":2,\"stopped\":3,"
        "\"retry\":4}}";
    json_t *o = json_loads(text, 0, NULL), *empty = json_object();
    struct xen_flightrec_audit a, none = { 0 };

    assert_non_null(o);
    audit_from_json(o, &a);
    assert_memory_equal(&a, &whole, sizeof(a));
    audit_from_json(empty, &a);
    assert_memory_equal(&a, &none, sizeof(a));
    json_decref(empty);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_balances),
        cmocka_unit_test(test_each_counter_counts),
        cmocka_unit_test(test_account_from_a_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
