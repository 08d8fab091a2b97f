/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is signed is verified, and nothing else is; what two agree on is the same. RSA, whose keys
 * are not made here, is tested by tests/e2e/javascript/crypto.js.
 */
#include "tests/unit/hostapi/crypto/ask.h"

static const uint8_t digest[32] = {1, 2, 3};
static const uint8_t other[32] = {1, 2, 4};

/* A new pair: its private half in `one`, its public half in `two`, DER in row 0 of each. */
static void make_pair(const char *name, struct ask *one, struct ask *two)
{
    assert_int_equal(ASK(one, KEY_GENERATE, TEXT(name)), STATUS_OK);
    ask_list(one);
    struct bytes none = TEXT("");
    assert_int_equal(ASK(two, KEY_MAKE, TEXT(name), TEXT("0"), one->rows[2],
                         one->row_count == 4 ? none : one->rows[3]),
                     STATUS_OK);
    ask_list(two);
}

static void what_is_signed_is_verified(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t bytes;
    } rows[] = {{"P-256", 64}, {"P-384", 96}, {"P-521", 132}, {"Ed25519", 64}, {"Ed448", 114}};
    struct ask mine = {0};
    struct ask open = {0};
    struct ask made = {0};
    struct ask told = {0};
    struct bytes none = TEXT("");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bytes name = TEXT(rows[i].name);
        struct bytes hash = i >= 3 ? none : TEXT("SHA-256");
        make_pair(rows[i].name, &mine, &open);
        struct bytes key = open.rows[0];
        assert_int_equal(ASK(&made, SIGN, name, hash, mine.rows[0], bytes_make(digest, 32), none),
                         STATUS_OK);
        assert_int_equal(made.count, rows[i].bytes);
        struct bytes signature = bytes_make(made.out, made.count);
        assert_int_equal(
            ASK(&told, VERIFY, name, hash, key, bytes_make(digest, 32), none, signature),
            STATUS_OK);
        assert_int_equal(told.out[0], 1);
        assert_int_equal(
            ASK(&told, VERIFY, name, hash, key, bytes_make(other, 32), none, signature), STATUS_OK);
        assert_int_equal(told.out[0], 0);
        signature.count--;
        assert_int_equal(
            ASK(&told, VERIFY, name, hash, key, bytes_make(digest, 32), none, signature),
            STATUS_OK);
        assert_int_equal(told.out[0], 0);
    }
}

static void keys_and_digests_of_another_kind_are_refused(void **state)
{
    (void)state;
    struct ask mine = {0};
    struct ask open = {0};
    struct ask made = {0};
    struct bytes none = TEXT("");
    struct bytes data = bytes_make(digest, 32);
    make_pair("P-256", &mine, &open);
    assert_int_equal(ASK(&made, SIGN, TEXT("P-384"), TEXT("SHA-256"), mine.rows[0], data, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, SIGN, TEXT("P-256"), TEXT("SHA-1"), mine.rows[0], data, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, SIGN, TEXT("P-256"), TEXT("SHA-256"), open.rows[0], data, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, SIGN, TEXT("X25519"), none, mine.rows[0], data, none),
                     STATUS_UNSUPPORTED);
    assert_int_equal(ASK(&made, SIGN, TEXT("RSA"), TEXT("SHA-256"), mine.rows[0], data, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&made, ENCRYPT, TEXT("SHA-256"), open.rows[0], data, none), STATUS_DENIED);
    assert_int_equal(ASK(&made, DECRYPT, TEXT("SHA-256"), mine.rows[0], data, none), STATUS_DENIED);
}

static void what_two_agree_on_is_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"P-256", "P-384", "P-521", "X25519", "X448"};
    struct ask one = {0};
    struct ask one_open = {0};
    struct ask two = {0};
    struct ask two_open = {0};
    struct ask here = {0};
    struct ask there = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        make_pair(names[i], &one, &one_open);
        make_pair(names[i], &two, &two_open);
        assert_int_equal(ASK(&here, DERIVE, TEXT(names[i]), one.rows[0], two_open.rows[0]),
                         STATUS_OK);
        assert_int_equal(ASK(&there, DERIVE, TEXT(names[i]), two.rows[0], one_open.rows[0]),
                         STATUS_OK);
        assert_int_equal(here.count, there.count);
        assert_memory_equal(here.out, there.out, here.count);
    }
    assert_int_equal(ASK(&here, DERIVE, TEXT("P-256"), one.rows[0], two_open.rows[0]),
                     STATUS_INVALID);
    struct bytes zeros = ask_bytes("00000000000000000000000000000000"
                                   "00000000000000000000000000000000",
                                   0);
    assert_int_equal(ASK(&two_open, KEY_MAKE, TEXT("X25519"), TEXT("0"), zeros), STATUS_OK);
    ask_list(&two_open);
    assert_int_equal(ASK(&here, DERIVE, TEXT("X25519"), one.rows[0], two_open.rows[0]),
                     STATUS_INVALID);
}

/* The point at infinity, and one beside the curve, both well written. */
static void a_peer_that_is_no_point_of_the_curve_is_refused(void **state)
{
    (void)state;
    struct ask mine = {0};
    struct ask open = {0};
    struct ask answer = {0};
    struct bytes nowhere = ask_bytes("3019301306072a8648ce3d020106082a8648ce3d03010703020000", 0);
    make_pair("P-256", &mine, &open);
    assert_int_equal(ASK(&answer, DERIVE, TEXT("P-256"), mine.rows[0], open.rows[0]), STATUS_OK);
    assert_int_equal(ASK(&answer, DERIVE, TEXT("P-256"), mine.rows[0], nowhere), STATUS_INVALID);
    uint8_t beside[128];
    memcpy(beside, open.rows[0].data, open.rows[0].count);
    beside[open.rows[0].count - 1] ^= 1;
    assert_int_equal(
        ASK(&answer, DERIVE, TEXT("P-256"), mine.rows[0], bytes_make(beside, open.rows[0].count)),
        STATUS_INVALID);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_verified),
        cmocka_unit_test(keys_and_digests_of_another_kind_are_refused),
        cmocka_unit_test(what_two_agree_on_is_the_same),
        cmocka_unit_test(a_peer_that_is_no_point_of_the_curve_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
