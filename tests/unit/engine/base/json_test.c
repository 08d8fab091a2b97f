/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of unknown origin inside JSON strings.
 */
#include "engine/base/json.h"
#include "tests/support/unit.h"

static void expect(const char *text, size_t count, const char *want)
{
    char out[256];
    size_t used;
    size_t written = json_escape(bytes_make(text, count), out, sizeof(out), &used);
    out[written] = '\0';
    assert_string_equal(out, want);
    assert_int_equal(used, count);
}

#define EXPECT(text, want) expect(text, sizeof(text) - 1, want)

static void nothing_ends_the_string_or_the_line(void **state)
{
    (void)state;
    EXPECT("plain", "plain");
    EXPECT("a\"b\\c", "a\\\"b\\\\c");
    EXPECT("a\nb\r\tc", "a\\u000ab\\u000d\\u0009c");
    EXPECT("\0", "\\u0000");
    EXPECT("\x1b[31m", "\\u001b[31m");
    EXPECT("\x7f", "\\u007f");
    EXPECT("", "");
}

static void utf8_stays_and_what_is_not_utf8_is_escaped_byte_by_byte(void **state)
{
    (void)state;
    EXPECT("h\xc3\xa9", "h\xc3\xa9");
    EXPECT("\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80");
    EXPECT("\xc2\x9b", "\\u009b");                   /* a C1 control */
    EXPECT("\xff", "\\u00ff");                       /* never in UTF-8 */
    EXPECT("\xc0\xaf", "\\u00c0\\u00af");            /* overlong slash */
    EXPECT("\xed\xa0\x80", "\\u00ed\\u00a0\\u0080"); /* surrogate */
    EXPECT("\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080");
    EXPECT("\xe2\x82", "\\u00e2\\u0082"); /* cut short */
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
    (void)state;
    char out[16];
    size_t used;
    for (size_t room = 0; room < sizeof(out); room++) {
        memset(out, '#', sizeof(out));
        size_t written = json_escape(bytes_make("\n\n\n\n\n\n", 6), out, room, &used);
        assert_true(written <= room);
        assert_int_equal(written, used * 6);
        for (size_t i = written; i < sizeof(out); i++)
            assert_true(out[i] == '#' || i < written + 1); /* one NUL of the last escape */
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_ends_the_string_or_the_line),
        cmocka_unit_test(utf8_stays_and_what_is_not_utf8_is_escaped_byte_by_byte),
        cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
