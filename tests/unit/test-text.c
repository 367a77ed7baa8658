/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-text.c: foreign text made printable, numbers and uuids parsed.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/text.h"
#include "lib/base/uuid.h"

static void test_escape_leaves_nothing_raw(void **state)
{
    char all[255], buf[TEXT_ROOM(sizeof(all))];

    for ( unsigned int i = 0; i < sizeof(all); i++ )
        all[i] = i;
    text_escape_bytes(buf, sizeof(buf), all, sizeof(all), "\"");
    assert_int_equal(strncmp(buf, "\\x00\\x01", 8), 0);
    for ( const char *s = buf; *s; s++ )
        assert_true(*s >= ' ' && *s < 0x7f && *s != '"');
    assert_null(strstr(buf, "..."));
}

static void test_escape_keeps_quote_unless_asked(void **state)
{
    char buf[64];

    assert_string_equal(text_escape(buf, sizeof(buf), "a\"\\b\n"),
                        "a\"\\x5cb\\x0a");
    assert_string_equal(text_escape_bytes(buf, sizeof(buf), "a\"b", 3, "\""),
                        "a\\x22b");
}

static void test_escape_marks_the_cut(void **state)
{
    char buf[12];

    assert_string_equal(text_escape(buf, sizeof(buf), "abcd"), "abcd");
    assert_string_equal(text_escape(buf, sizeof(buf), "abcdefgh"), "abcde...");
    assert_string_equal(text_escape(buf, sizeof(buf), "\xff\xff\xff"),
                        "\\xff\\xff...");
}

/* Cut anywhere, a text of characters of all lengths loses at most one. */
static void test_whole_characters(void **state)
{
    static const char all[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7z";
    static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

    for ( size_t n = 0; n < sizeof(all); n++ )
        assert_int_equal(text_whole(all, n), want[n]);
    /* Bytes that are no UTF-8 are left alone. */
    assert_int_equal(text_whole("a\xff", 2), 2);
    assert_int_equal(text_whole("\x80\x80\x80\x80\x80", 5), 5);
    assert_int_equal(text_whole("\xa4", 1), 1);
}

static const char text[] = "0d13f592-31db-41cf-9d4a-b67a36dd7826";
static const uint8_t bytes[UUID_BYTES] = {
    0x0d, 0x13, 0xf5, 0x92, 0x31, 0xdb, 0x41, 0xcf,
    0x9d, 0x4a, 0xb6, 0x7a, 0x36, 0xdd, 0x78, 0x26,
};

static void test_uuid_goes_both_ways(void **state)
{
    char buf[UUID_TEXT_BYTES];
    uint8_t back[UUID_BYTES];

    assert_string_equal(uuid_to_text(bytes, buf), text);
    assert_int_equal(uuid_from_text(text, back), 0);
    assert_memory_equal(back, bytes, sizeof(back));
    assert_int_equal(uuid_from_text("0D13F592-31DB-41CF-9D4A-B67A36DD7826-g1",
                                    back), 0);
    assert_memory_equal(back, bytes, sizeof(back));
}

/* At each place: cut there, and each character that is not a uuid's. */
static void test_uuid_refuses_what_is_none(void **state)
{
    static const char wrong[] = "gG /:@`x+\xff";
    uint8_t back[UUID_BYTES];
    char buf[sizeof(text)];

    for ( unsigned int i = 0; i < sizeof(text) - 1; i++ )
    {
        memcpy(buf, text, sizeof(text));
        for ( unsigned int k = 0; k < sizeof(wrong); k++ )
        {
            buf[i] = wrong[k];
            assert_int_equal(uuid_from_text(buf, back), -EINVAL);
        }
        buf[i] = text[i] == '-' ? '0' : '-';
        assert_int_equal(uuid_from_text(buf, back), -EINVAL);
    }
}

static void test_number_and_duration(void **state)
{
    uint64_t n;

    assert_int_equal(text_number("18446744073709551615", false, &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(text_number("18446744073709551616", false, &n), -ERANGE);
    assert_int_equal(text_number("3M", true, &n), 0);
    assert_true(n == 3 << 20);
    assert_int_equal(text_number("3M", false, &n), -EINVAL);
    assert_int_equal(text_number("17179869184G", true, &n), -ERANGE);
    assert_int_equal(text_number("-1", false, &n), -EINVAL);
    assert_int_equal(text_number("", false, &n), -EINVAL);
    assert_int_equal(text_duration("1.5s", &n), 0);
    assert_true(n == 1500000000);
    assert_int_equal(text_duration("12", &n), -EINVAL);
    assert_int_equal(text_duration(".s", &n), -EINVAL);
    assert_int_equal(text_duration("-1s", &n), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape_leaves_nothing_raw),
        cmocka_unit_test(test_escape_keeps_quote_unless_asked),
        cmocka_unit_test(test_escape_marks_the_cut),
        cmocka_unit_test(test_whole_characters),
        cmocka_unit_test(test_uuid_goes_both_ways),
        cmocka_unit_test(test_uuid_refuses_what_is_none),
        cmocka_unit_test(test_number_and_duration),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
