/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every layer uses: hashes of names, hexadecimal text.
 */
#include "engine/base/hash.h"
#include "engine/base/hex.h"
#include "tests/support/unit.h"

static void hash_is_of_every_byte_and_of_the_seed(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",          "a",        "b",   "ab",    "ba",     "aaaaaaaa",      "aaaaaaaab",
        "aaaaaaaaa", "baaaaaaa", "abb", "aaaab", "baaaab", "aaaaaaaaaaaab", "baaaaaaaaaaaab",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct bytes name = bytes_of_text(names[i]);
        assert_true(hash_bytes(7, name) == hash_bytes(7, name));
        for (size_t j = 0; j < i; j++)
            assert_true(hash_bytes(7, name) != hash_bytes(7, bytes_of_text(names[j])));
        if (name.count > 0)
            assert_true(hash_bytes(7, name) != hash_bytes(8, name));
    }
    /* In order, and where one name ends matters. */
    uint64_t ab_c = hash_bytes(hash_bytes(7, bytes_of_text("ab")), bytes_of_text("c"));
    assert_true(ab_c != hash_bytes(hash_bytes(7, bytes_of_text("a")), bytes_of_text("bc")));
    assert_true(ab_c != hash_bytes(hash_bytes(7, bytes_of_text("c")), bytes_of_text("ab")));
}

static void hash_is_of_a_byte_wherever_it_stands(void **state)
{
    (void)state;
    char text[25];
    for (size_t count = 1; count < sizeof(text); count++) {
        memset(text, 'a', sizeof(text));
        uint64_t hash = hash_bytes(7, bytes_make(text, count));
        for (size_t place = 0; place < count; place++) {
            text[place] = 'b';
            assert_true(hash_bytes(7, bytes_make(text, count)) != hash);
            text[place] = 'a';
        }
    }
}

static void hash_reads_nothing_behind_a_name(void **state)
{
    (void)state;
    assert_true(hash_bytes(7, bytes_make("nameX", 4)) == hash_bytes(7, bytes_make("nameY", 4)));
}

static void two_seeds_differ(void **state)
{
    (void)state;
    assert_true(hash_seed(&clock_system) != hash_seed(&clock_system));
}

static void hexadecimal_reads_back_what_was_written(void **state)
{
    (void)state;
    uint8_t data[256];
    uint8_t again[256];
    char text[2 * sizeof(data) + 1];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    hex_encode(data, sizeof(data), text);
    assert_memory_equal(text, "000102030405060708090a0b", 24);
    assert_int_equal(text[sizeof(text) - 1], '\0');
    assert_true(hex_decode(text, sizeof(data), again));
    assert_memory_equal(again, data, sizeof(data));
}

static void a_number_has_the_same_digits_one_by_one_and_at_once(void **state)
{
    (void)state;
    char text[16];
    uint64_t value = UINT64_C(0xfedcba9876543210);
    for (int round = 0; round < 1000; round++) {
        hex_digits(value, text);
        for (size_t i = 0; i < sizeof(text); i++)
            assert_int_equal(text[i], hex_digit(value >> (4 * i)));
        value = hash_bytes(value, bytes_of_text("another"));
    }
}

static void hexadecimal_text_has_one_spelling_but_a_digit_has_two(void **state)
{
    (void)state;
    uint8_t byte = 7;
    static const char *const bad[] = {"0A", "A0", "0g", "g0", "0:", "/0", "0\x10", "\0310", "0`"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(hex_decode(bad[i], 1, &byte));
    assert_true(hex_decode("a0", 1, &byte));
    assert_int_equal(byte, 0xa0);
    assert_int_equal(hex_value('F'), 15);
    assert_int_equal(hex_value('f'), 15);
    assert_int_equal(hex_value('g'), -1);
    assert_int_equal(hex_value(0x10), -1);
    assert_int_equal(hex_digit(0x1e), 'e');
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_of_every_byte_and_of_the_seed),
        cmocka_unit_test(hash_is_of_a_byte_wherever_it_stands),
        cmocka_unit_test(hash_reads_nothing_behind_a_name),
        cmocka_unit_test(two_seeds_differ),
        cmocka_unit_test(hexadecimal_reads_back_what_was_written),
        cmocka_unit_test(a_number_has_the_same_digits_one_by_one_and_at_once),
        cmocka_unit_test(hexadecimal_text_has_one_spelling_but_a_digit_has_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
