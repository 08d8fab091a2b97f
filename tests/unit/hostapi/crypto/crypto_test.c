/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls as such: what is no call, and what each costs.
 */
#include "tests/unit/hostapi/crypto/ask.h"

static void what_is_no_call_is_refused_and_ends_the_stream(void **state)
{
    (void)state;
    static const uint8_t torn[] = {5, 0, 0, 0, 'a'};
    static const uint8_t large[CRYPTO_BYTES_MAX + 1];
    static const uint8_t many[4 * 13];
    struct ask ask = {0};
    struct bytes out = bytes_make(ask.out, sizeof(ask.out));
    size_t count;
    assert_int_equal(ASK(&ask, HASH_BEGIN, TEXT("SHA-256")), STATUS_OK);
    assert_non_null(ask.stream.hash);
    assert_int_equal(crypto_run(CRYPTO_MORE, bytes_make(torn, 5), &ask.stream, out, &count),
                     STATUS_INVALID);
    assert_int_equal(crypto_run(99, bytes_make(torn, 0), &ask.stream, out, &count),
                     STATUS_UNSUPPORTED);
    assert_null(ask.stream.hash);
    assert_int_equal(crypto_run(CRYPTO_MORE, bytes_make(torn, 3), &ask.stream, out, &count),
                     STATUS_INVALID);
    assert_int_equal(
        crypto_run(CRYPTO_MORE, bytes_make(many, sizeof(many)), &ask.stream, out, &count),
        STATUS_INVALID);
    assert_int_equal(
        crypto_run(CRYPTO_MORE, bytes_make(large, sizeof(large)), &ask.stream, out, &count),
        STATUS_LIMIT);
}

static void a_call_without_arguments_is_answered(void **state)
{
    (void)state;
    struct ask ask = {0};
#define CRYPTO(NAME, number, function, fuel, fuel_per_256, arguments)                              \
    assert_int_not_equal(ask_run(&ask, CRYPTO_##NAME, NULL, 0), STATUS_OK);
#include "hostapi/crypto/crypto.def"
}

static void rounds_and_curves_have_their_price(void **state)
{
    (void)state;
    static const uint8_t rsa[] = {3, 0, 0, 0, 'R', 'S', 'A'};
    static const uint8_t rounds[] = {0, 0, 0, 0, 0, 0, 0, 0, 0,   0,   0,  0,
                                     0, 0, 0, 0, 3, 0, 0, 0, '5', '0', '0'};
    struct bytes none = bytes_make(rsa, 0);
    assert_int_equal(crypto_price(0, none), 0);
    assert_int_equal(crypto_price(99, none), 0);
    assert_true(crypto_price(CRYPTO_SIGN, bytes_make(rsa, sizeof(rsa))) >
                crypto_price(CRYPTO_SIGN, none) + 100000);
    assert_true(crypto_price(CRYPTO_PBKDF2, bytes_make(rounds, sizeof(rounds))) > 500 * 1000);
#define CRYPTO(NAME, number, function, fuel, fuel_per_256, arguments)                              \
    assert_true(crypto_price(number, none) > 0);
#include "hostapi/crypto/crypto.def"
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_call_is_refused_and_ends_the_stream),
        cmocka_unit_test(a_call_without_arguments_is_answered),
        cmocka_unit_test(rounds_and_curves_have_their_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
