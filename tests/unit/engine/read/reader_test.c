/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of untrusted bytes: numbers in all their encodings, ends, names.
 */
#include "engine/read/reader.h"
#include "tests/support/unit.h"

#define READER(name, ...)                                                                          \
    const uint8_t name##_bytes[] = {__VA_ARGS__};                                                  \
    struct report name##_report = REPORT_INIT;                                                     \
    struct reader name = reader_make(name##_bytes, name##_bytes,                                   \
                                     name##_bytes + sizeof(name##_bytes), &name##_report)

static void unsigned_numbers_may_be_padded_up_to_their_width(void **state)
{
    (void)state;
    READER(one, 0x00, 0x7f, 0x80, 0x00, 0xff, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x83, 0x80, 0x80,
           0x80, 0x00);
    assert_int_equal(reader_u32(&one), 0);
    assert_int_equal(reader_u32(&one), 0x7f);
    assert_int_equal(reader_u32(&one), 0);
    assert_int_equal(reader_u32(&one), 0xff);
    assert_true(reader_u32(&one) == UINT32_MAX);
    assert_int_equal(reader_u32(&one), 3);
    assert_int_equal(reader_left(&one), 0);
    assert_false(reader_failed(&one));
}

static void signed_numbers_extend_their_last_bit(void **state)
{
    (void)state;
    READER(small, 0x7f, 0x3f, 0x40, 0xc0, 0x00, 0xff, 0xff, 0xff, 0xff, 0x07, 0x80, 0x80, 0x80,
           0x80, 0x78);
    assert_int_equal(reader_s32(&small), -1);
    assert_int_equal(reader_s32(&small), 63);
    assert_int_equal(reader_s32(&small), -64);
    assert_int_equal(reader_s32(&small), 64);
    assert_true(reader_s32(&small) == INT32_MAX);
    assert_true(reader_s32(&small) == INT32_MIN);
    READER(large, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0x80, 0x80,
           0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f);
    assert_true(reader_s64(&large) == INT64_MAX);
    assert_true(reader_s64(&large) == INT64_MIN);
    READER(block, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x40);
    assert_true(reader_s33(&block) == UINT32_MAX);
    assert_int_equal(reader_s33(&block), -64);
    assert_false(reader_failed(&small) || reader_failed(&large) || reader_failed(&block));
}

static void numbers_with_too_many_bits_are_malformed_at_the_byte(void **state)
{
    (void)state;
    READER(unsigned32, 0x80, 0x80, 0x80, 0x80, 0x10);
    assert_int_equal(reader_u32(&unsigned32), 0);
    assert_int_equal(unsigned32_report.status, STATUS_MALFORMED);
    assert_string_equal(unsigned32_report.text, "integer too large");
    assert_int_equal(unsigned32_report.offset, 4);
    READER(signed32, 0x80, 0x80, 0x80, 0x80, 0x70);
    assert_int_equal(reader_s32(&signed32), 0);
    assert_string_equal(signed32_report.text, "integer too large");
    READER(signed64, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x41);
    assert_int_equal(reader_s64(&signed64), 0);
    assert_string_equal(signed64_report.text, "integer too large");
    READER(overlong, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    assert_int_equal(reader_u32(&overlong), 0);
    assert_string_equal(overlong_report.text, "integer representation too long");
    assert_int_equal(overlong_report.offset, 4);
}

static void after_a_failure_everything_reads_as_zero_and_the_first_report_stays(void **state)
{
    (void)state;
    READER(reader, 0x80);
    assert_int_equal(reader_u32(&reader), 0);
    assert_int_equal(reader_report.offset, 1);
    assert_string_equal(reader_report.text, "unexpected end of section or function");
    assert_int_equal(reader_left(&reader), 0);
    assert_int_equal(reader_u8(&reader), 0);
    assert_int_equal(reader_s64(&reader), 0);
    assert_int_equal(reader_fixed64(&reader), 0);
    assert_int_equal(reader_take(&reader, 1).count, 0);
    assert_int_equal(reader_name(&reader).count, 0);
    reader_fail(&reader, STATUS_INVALID, "another");
    assert_int_equal(reader.status, STATUS_MALFORMED);
    assert_int_equal(reader_report.offset, 1);
}

static void a_reader_without_a_report_fails_all_the_same(void **state)
{
    (void)state;
    const uint8_t byte = 0xff;
    struct reader reader = reader_make(&byte, &byte, &byte + 1, NULL);
    assert_int_equal(reader_u32(&reader), 0);
    assert_true(reader_failed(&reader));
}

static void fixed_width_numbers_are_little_endian(void **state)
{
    (void)state;
    READER(reader, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8);
    assert_int_equal(reader_fixed32(&reader), 0x04030201);
    assert_true(reader_fixed64(&reader) == UINT64_C(0x0807060504030201));
    assert_false(reader_failed(&reader));
}

static void counts_are_held_against_the_bytes_left(void **state)
{
    (void)state;
    READER(fits, 2, 0, 0, 0, 0);
    assert_int_equal(reader_count(&fits, 2, "things"), 2);
    READER(over, 3, 0, 0, 0, 0);
    assert_int_equal(reader_count(&over, 2, "things"), 0);
    assert_string_equal(over_report.text,
                        "unexpected end of section or function: 3 things do not fit into 4 bytes");
    assert_int_equal(over_report.offset, 0);
}

static void names_must_be_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"", true},
        {"plain", true},
        {"\xc2\x80", true},
        {"\xc1\xbf", false}, /* overlong */
        {"\xdf\xbf\xe0\xa0\x80", true},
        {"\xe0\x9f\xbf", false}, /* overlong */
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false}, /* surrogate */
        {"\xef\xbf\xbf", true},
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false}, /* past the last plane */
        {"\xf5\x80\x80\x80", false},
        {"\x80", false},
        {"a\xc3", false},
        {"\xe1\x80", false},
        {"\xe1\x80\x41", false},
        {"\xf1\x80\x80\xc0", false},
        {"\xff", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[16];
        size_t count = strlen(rows[i].text);
        bytes[0] = (uint8_t)count;
        memcpy(bytes + 1, rows[i].text, count);
        struct report report = REPORT_INIT;
        struct reader reader = reader_make(bytes, bytes, bytes + 1 + count, &report);
        struct bytes name = reader_name(&reader);
        if (reader_failed(&reader) == rows[i].is_good)
            fail_msg("row %zu: %s", i, report.text);
        if (rows[i].is_good)
            assert_int_equal(name.count, count);
        else
            assert_string_equal(report.text, "malformed UTF-8 encoding");
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_numbers_may_be_padded_up_to_their_width),
        cmocka_unit_test(signed_numbers_extend_their_last_bit),
        cmocka_unit_test(numbers_with_too_many_bits_are_malformed_at_the_byte),
        cmocka_unit_test(after_a_failure_everything_reads_as_zero_and_the_first_report_stays),
        cmocka_unit_test(a_reader_without_a_report_fails_all_the_same),
        cmocka_unit_test(fixed_width_numbers_are_little_endian),
        cmocka_unit_test(counts_are_held_against_the_bytes_left),
        cmocka_unit_test(names_must_be_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
