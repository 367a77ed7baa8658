/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bound on the copy of a traced guest write (XSA-477): Xen's own header, as
 * the patched arch/x86/mm/shadow/multi.c includes it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xen/trace-bounded.h>

/* The field as it lies in memory, between bytes that must not be touched. */
struct around {
    uint64_t before, field, after;
};

static const uint8_t source[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

static struct around copied(unsigned int bytes)
{
    struct around a = { ~0ULL, ~0ULL, ~0ULL };

    trace_copy_bounded(&a.field, sizeof(a.field), source, bytes);
    return a;
}

static void test_copy_exact(void **state)
{
    struct around a = copied(8);

    assert_memory_equal(&a.field, source, 8);
    assert_true(a.before == ~0ULL && a.after == ~0ULL);
}

static void test_copy_short_clears_rest(void **state)
{
    unsigned int bytes;
    uint8_t want[8];

    for ( bytes = 0; bytes < 8; bytes++ )
    {
        struct around a = copied(bytes);

        memset(want, 0, sizeof(want));
        memcpy(want, source, bytes);
        assert_memory_equal(&a.field, want, 8);
        assert_true(a.before == ~0ULL && a.after == ~0ULL);
    }
}

/* The emulator writes up to 64 bytes at once. */
static void test_copy_wide_is_cut(void **state)
{
    unsigned int bytes;

    for ( bytes = 9; bytes <= sizeof(source); bytes++ )
    {
        struct around a = copied(bytes);

        assert_memory_equal(&a.field, source, 8);
        assert_true(a.before == ~0ULL && a.after == ~0ULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_exact),
        cmocka_unit_test(test_copy_short_clears_rest),
        cmocka_unit_test(test_copy_wide_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
