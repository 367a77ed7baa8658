/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-audit.c: every part of the account counts, from Xen and from JSON. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/format/audit.h"

static const char text[] =
    "{\"gen\":3,\"slots\":2,\"tsc\":9,\"emitted\":%u,\"late\":%d,\"held\":%u,"
    "\"held_earlier\":%u,\"sacrificed\":%u,\"overwritten\":%u,\"lost\":{"
    "\"nested\":%u,\"busy\":%u,\"stopped\":%u,\"retry\":%u}}";

/* emitted, late, then the parts. */
#define NUMBERS 10

static void read_audit(const unsigned int n[NUMBERS],
                       struct xen_flightrec_audit *a)
{
    char buf[512];
    json_t *o;

    snprintf(buf, sizeof(buf), text, n[0], (int)n[1], n[2], n[3], n[4], n[5],
             n[6], n[7], n[8], n[9]);
    o = json_loads(buf, 0, NULL);
    assert_non_null(o);
    audit_from_json(o, a);
    json_decref(o);
}

static void test_balances(void **state)
{
    const unsigned int n[NUMBERS] = { 1020, -3, 1, 4, 8, 16, 32, 64, 128, 770 };
    struct xen_flightrec_audit a;

    read_audit(n, &a);
    assert_int_equal(a.gen, 3);
    assert_int_equal(a.slots, 2);
    assert_int_equal(a.tsc, 9);
    assert_int_equal(a.late, -3);
    assert_int_equal(a.lost[XEN_FLIGHTREC_LOST_RETRY], 770);
    assert_true(audit_balances(&a));
}

static void test_each_part_counts(void **state)
{
    struct xen_flightrec_audit a;
    unsigned int i;

    for ( i = 0; i < NUMBERS; i++ )
    {
        unsigned int n[NUMBERS] = { 1020, -3, 1, 4, 8, 16, 32, 64, 128, 770 };

        n[i]++;
        read_audit(n, &a);
        assert_false(audit_balances(&a));
        /* One more emitted makes up for it; one more late for that. */
        n[i ? 0 : 1]++;
        read_audit(n, &a);
        assert_true(audit_balances(&a));
    }
}

static void test_absent_members_are_zero(void **state)
{
    struct xen_flightrec_audit a;
    json_t *o = json_pack("{s:s, s:i}", "emitted", "many", "held", 1);

    audit_from_json(o, &a);
    json_decref(o);
    assert_int_equal(a.emitted, 0);
    assert_int_equal(a.lost[XEN_FLIGHTREC_LOST_BUSY], 0);
    assert_false(audit_balances(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_balances),
        cmocka_unit_test(test_each_part_counts),
        cmocka_unit_test(test_absent_members_are_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
