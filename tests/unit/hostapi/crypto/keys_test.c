/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that are made can be read, in all their forms; keys that would cost too much cannot.
 */
#include "tests/unit/hostapi/crypto/ask.h"

static const char *const names[] = {"P-256",  "P-384", "P-521", "Ed25519",
                                    "X25519", "Ed448", "X448"};

static void keys_that_are_made_are_read_and_made_again(void **state)
{
    (void)state;
    struct ask made = {0};
    struct ask read = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(ASK(&made, KEY_GENERATE, TEXT(names[i])), STATUS_OK);
        ask_list(&made);
        assert_true(bytes_equal_text(made.rows[1], names[i]));
        assert_int_equal(ASK(&read, KEY_READ, TEXT("1"), made.rows[0]), STATUS_OK);
        assert_int_equal(read.count, made.count);
        assert_memory_equal(read.out, made.out, made.count);
        struct bytes none = TEXT("");
        bool is_raw = made.row_count == 4;
        assert_int_equal(ASK(&read, KEY_MAKE, TEXT(names[i]), TEXT("1"), made.rows[2], made.rows[3],
                             is_raw ? none : made.rows[4]),
                         STATUS_OK);
        assert_memory_equal(read.out, made.out, made.count);
        assert_int_equal(ASK(&read, KEY_MAKE, TEXT(names[i]), TEXT("0"), made.rows[2],
                             is_raw ? none : made.rows[3]),
                         STATUS_OK);
        assert_int_equal(ASK(&read, KEY_READ, TEXT("0"), made.rows[0]), STATUS_INVALID);
    }
}

static void halves_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct ask one = {0};
    struct ask other = {0};
    struct ask made = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(ASK(&one, KEY_GENERATE, TEXT(names[i])), STATUS_OK);
        assert_int_equal(ASK(&other, KEY_GENERATE, TEXT(names[i])), STATUS_OK);
        ask_list(&one);
        ask_list(&other);
        bool is_raw = one.row_count == 4;
        assert_int_equal(ASK(&made, KEY_MAKE, TEXT(names[i]), TEXT("1"), one.rows[2],
                             is_raw ? other.rows[3] : one.rows[3],
                             is_raw ? TEXT("") : other.rows[4]),
                         STATUS_INVALID);
    }
    struct bytes zeros = ask_bytes("00000000000000000000000000000000"
                                   "00000000000000000000000000000000",
                                   0);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("P-256"), TEXT("0"), zeros, zeros), STATUS_INVALID);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("P-256"), TEXT("0"), zeros, TEXT("")),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("none"), TEXT("0"), zeros), STATUS_UNSUPPORTED);
    assert_int_equal(ASK(&made, KEY_READ, TEXT("0"), TEXT("no DER")), STATUS_INVALID);
}

static void rsa_is_bounded(void **state)
{
    (void)state;
    struct ask made = {0};
    uint8_t n[CRYPTO_RSA_BITS_MAX / 8 + 1];
    memset(n, 0xff, sizeof(n));
    struct bytes e = ask_bytes("010001", 0);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("RSA"), TEXT("0"), bytes_make(n, 256), e),
                     STATUS_OK);
    ask_list(&made);
    assert_true(bytes_equal_text(made.rows[1], "RSA"));
    assert_int_equal(made.rows[2].count, 256);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("RSA"), TEXT("0"), bytes_make(n, 512), e),
                     STATUS_OK);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("RSA"), TEXT("0"), bytes_make(n, 513), e),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("RSA"), TEXT("0"), bytes_make(n, 64), e),
                     STATUS_INVALID);
    assert_int_equal(
        ASK(&made, KEY_MAKE, TEXT("RSA"), TEXT("0"), bytes_make(n, 256), bytes_make(n, 9)),
        STATUS_INVALID);
    struct bytes whole = bytes_make(n, 256);
    assert_int_equal(ASK(&made, KEY_MAKE, TEXT("RSA"), TEXT("1"), whole, e, whole, whole, whole,
                         whole, whole, whole),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, KEY_GENERATE, TEXT("RSA")), STATUS_UNSUPPORTED);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_are_made_are_read_and_made_again),
        cmocka_unit_test(halves_that_do_not_fit_are_refused),
        cmocka_unit_test(rsa_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
