/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of HTTP's text: what is compared, cut and allowed everywhere in the same way. And buffers
 * that grow, from a few bytes to those that are moved by their pages.
 */
#include "engine/base/bytes.h"
#include "tests/support/unit.h"

static bool same(const char *a, const char *b)
{
    return bytes_equal_nocase(bytes_of_text(a), bytes_of_text(b));
}

static void the_case_of_letters_makes_no_difference_and_all_else_does(void **state)
{
    (void)state;
    assert_true(same("X-Name", "x-nAME") && same("", "") && same("a\xc3", "A\xc3"));
    assert_false(same("x-name", "x-name2") || same("x-name2", "x-name") || same("", "x"));
    assert_false(same("@", "`") || same("[", "{") || same("\xc3", "\xe3") || same("a", "b"));
    assert_true(bytes_equal_nocase(bytes_make(NULL, 0), bytes_make("", 0)));
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        bool upper = byte >= 'A' && byte <= 'Z';
        assert_int_equal(bytes_lower((uint8_t)byte), upper ? byte + ('a' - 'A') : byte);
    }
}

static void blanks_are_cut_off_at_both_ends_alone(void **state)
{
    (void)state;
    assert_true(bytes_equal_text(bytes_trim(bytes_of_text(" \t a \t b\t ")), "a \t b"));
    assert_true(bytes_equal_text(bytes_trim(bytes_of_text("\ra\n")), "\ra\n"));
    assert_int_equal(bytes_trim(bytes_of_text(" \t ")).count, 0);
    assert_int_equal(bytes_trim(bytes_make(NULL, 0)).count, 0);
}

static void items_are_taken_off_a_list_one_by_one(void **state)
{
    (void)state;
    struct bytes list = bytes_of_text("a, b\t,, c d ,");
    static const char *const items[] = {"a", "b", "", "c d"};
    struct bytes item;
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        assert_true(bytes_next_item(&list, &item));
        assert_true(bytes_equal_text(item, items[i]));
    }
    assert_false(bytes_next_item(&list, &item));
    list = (struct bytes){0};
    assert_false(bytes_next_item(&list, &item));
}

static void what_is_appended_for_people_is_plain_and_has_room(void **state)
{
    (void)state;
    char text[8] = "a";
    bytes_append_plain(text, sizeof(text), bytes_make("~ \0\x7f\xff", 5));
    assert_string_equal(text, "a~ ???");
    bytes_append_plain(text, sizeof(text), bytes_of_text("bc"));
    assert_string_equal(text, "a~ ???b");
    bytes_append_plain(text, sizeof(text), (struct bytes){0});
    assert_string_equal(text, "a~ ???b");
}

static void a_value_has_no_control_characters_but_tabs(void **state)
{
    (void)state;
    assert_true(bytes_is_field_value(bytes_make(NULL, 0)));
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        const uint8_t text[] = {'a', (uint8_t)byte, 'b'};
        bool control = (byte < ' ' && byte != '\t') || byte == 0x7f;
        assert_int_equal(bytes_is_field_value(bytes_make(text, sizeof(text))), !control);
    }
}

static void a_token_has_letters_digits_and_fifteen_others(void **state)
{
    (void)state;
    assert_false(bytes_is_token(bytes_make(NULL, 0)));
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        const uint8_t text[] = {'a', (uint8_t)byte};
        uint8_t lower = bytes_lower((uint8_t)byte);
        bool plain = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
        bool other = byte != 0 && strchr("!#$%&'*+-.^_`|~", (int)byte) != NULL;
        assert_int_equal(bytes_is_token(bytes_make(text, sizeof(text))), plain || other);
    }
}

static void a_buffer_keeps_its_bytes_however_large_it_grows(void **state)
{
    (void)state;
    static uint8_t piece[65521]; /* no power of two, so that borders are crossed in the middle */
    struct buffer buffer;
    buffer_init(&buffer, 40 << 20);
    for (size_t round = 0; round < 2; round++) {
        size_t pieces = 0;
        for (; buffer.count + sizeof(piece) <= buffer.max; pieces++) {
            memset(piece, (int)(pieces % 251), sizeof(piece));
            assert_int_equal(buffer_append(&buffer, piece, sizeof(piece)), STATUS_OK);
        }
        assert_int_equal(buffer_append(&buffer, piece, sizeof(piece)), STATUS_LIMIT);
        assert_int_equal(buffer.count, pieces * sizeof(piece));
        for (size_t i = 0; i < buffer.count; i += 4093)
            assert_int_equal(buffer.data[i], i / sizeof(piece) % 251);
        buffer_done(&buffer); /* may be used again */
    }
    assert_int_equal(buffer_reserve(&buffer, 9 << 20), STATUS_OK);
    memset(buffer.data, 1, 9 << 20);
    buffer_done(&buffer);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_case_of_letters_makes_no_difference_and_all_else_does),
        cmocka_unit_test(blanks_are_cut_off_at_both_ends_alone),
        cmocka_unit_test(items_are_taken_off_a_list_one_by_one),
        cmocka_unit_test(what_is_appended_for_people_is_plain_and_has_room),
        cmocka_unit_test(a_value_has_no_control_characters_but_tabs),
        cmocka_unit_test(a_buffer_keeps_its_bytes_however_large_it_grows),
        cmocka_unit_test(a_token_has_letters_digits_and_fifteen_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
