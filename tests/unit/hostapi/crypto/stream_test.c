/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes, MACs and ciphers in pieces, by vectors of FIPS 180-4, RFC 4231 and NIST SP 800-38.
 */
#include "tests/unit/hostapi/crypto/ask.h"

static void a_hash_is_the_same_in_pieces(void **state)
{
    (void)state;
    struct ask ask = {0};
    assert_int_equal(ASK(&ask, HASH_BEGIN, TEXT("SHA-256")), STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, TEXT("a")), STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, TEXT("bc")), STATUS_OK);
    assert_int_equal(ask_run(&ask, CRYPTO_END, NULL, 0), STATUS_OK);
    assert_string_equal(ask_hex(&ask, 64),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(ask_run(&ask, CRYPTO_END, NULL, 0), STATUS_INVALID);
    assert_int_equal(ASK(&ask, HASH_BEGIN, TEXT("SHA-3")), STATUS_UNSUPPORTED);
}

static void a_mac_takes_any_key(void **state)
{
    (void)state;
    struct ask ask = {0};
    assert_int_equal(ASK(&ask, HMAC_BEGIN, TEXT("SHA-256"), TEXT("Jefe")), STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, TEXT("what do ya want for nothing?")), STATUS_OK);
    assert_int_equal(ask_run(&ask, CRYPTO_END, NULL, 0), STATUS_OK);
    assert_string_equal(ask_hex(&ask, 8), "5bdcc146bf60754e");
    assert_int_equal(ASK(&ask, HMAC_BEGIN, TEXT("SHA-1"), TEXT("")), STATUS_OK);
    assert_int_equal(ask_run(&ask, CRYPTO_END, NULL, 0), STATUS_OK);
    assert_string_equal(ask_hex(&ask, 8), "fbdb1d1b18aa6c08");
    assert_int_equal(ASK(&ask, HMAC_BEGIN, TEXT("x"), TEXT("")), STATUS_UNSUPPORTED);
}

static void gcm_gives_nothing_that_is_not_authentic(void **state)
{
    (void)state;
    struct ask ask = {0};
    struct bytes key = ask_bytes("00000000000000000000000000000000", 0);
    struct bytes iv = ask_bytes("000000000000000000000000", 1);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-GCM"), TEXT("1"), key, iv, TEXT("")),
                     STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, key), STATUS_OK);
    assert_string_equal(ask_hex(&ask, 16), "0388dace60b6a392f328c2b971b2fe78");
    assert_int_equal(ask_run(&ask, CRYPTO_END, NULL, 0), STATUS_OK);
    assert_string_equal(ask_hex(&ask, 16), "ab6e47d42cec13bdf53a67b21257bddf");
    struct bytes sealed = ask_bytes("0388dace60b6a392f328c2b971b2fe78", 2);
    const char *const tags[] = {"ab6e47d42cec13bdf53a67b21257bddf",
                                "ab6e47d42cec13bdf53a67b21257bdde", "ab6e47d4", "ab6e47"};
    const enum status ends[] = {STATUS_OK, STATUS_DENIED, STATUS_OK, STATUS_INVALID};
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-GCM"), TEXT("0"), key, iv, TEXT("")),
                         STATUS_OK);
        assert_int_equal(ASK(&ask, MORE, sealed), STATUS_OK);
        assert_int_equal(ASK(&ask, END, ask_bytes(tags[i], 3)), ends[i]);
        assert_null(ask.stream.cipher);
    }
}

static void keys_and_vectors_have_their_lengths(void **state)
{
    (void)state;
    struct ask ask = {0};
    struct bytes key = ask_bytes("00000000000000000000000000000000", 0);
    struct bytes none = TEXT("");
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-CBC"), TEXT("1"), TEXT("short"), key, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-CTR"), TEXT("1"), key, none, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-GCM"), TEXT("1"), key, none, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-KW"), TEXT("1"), key, key, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-KW"), TEXT("1"), key, none, none),
                     STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, TEXT("not whole blocks")), STATUS_OK);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-KW"), TEXT("0"), key, none, none),
                     STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, TEXT("nobody has wrapped these")), STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("DES"), TEXT("1"), key, key, none),
                     STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-CBC"), TEXT("1"), key, key, TEXT("aad")),
                     STATUS_INVALID);
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-CBC"), TEXT("0"), key, key, none),
                     STATUS_OK);
    assert_int_equal(ASK(&ask, MORE, TEXT("not a block")), STATUS_OK);
    assert_int_equal(ask_run(&ask, CRYPTO_END, NULL, 0), STATUS_DENIED);
    size_t count;
    uint8_t small[4];
    static const uint8_t piece[] = {1, 0, 0, 0, 'x'};
    assert_int_equal(ASK(&ask, CIPHER_BEGIN, TEXT("AES-CTR"), TEXT("1"), key, key, none),
                     STATUS_OK);
    assert_int_equal(crypto_run(CRYPTO_MORE, bytes_make(piece, sizeof(piece)), &ask.stream,
                                bytes_make(small, sizeof(small)), &count),
                     STATUS_FULL);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_the_same_in_pieces),
        cmocka_unit_test(a_mac_takes_any_key),
        cmocka_unit_test(gcm_gives_nothing_that_is_not_authentic),
        cmocka_unit_test(keys_and_vectors_have_their_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
