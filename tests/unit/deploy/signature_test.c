/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is signed of an upload, to the byte, and whose signature is taken.
 */
#include <openssl/evp.h>

#include "deploy/signature.h"
#include "engine/base/hex.h"
#include "tests/support/unit.h"

static const struct signature_upload upload = {.tenant = {(const uint8_t *)"acme", 4},
                                               .function = {(const uint8_t *)"f", 1},
                                               .type = {(const uint8_t *)"application/wasm", 16},
                                               .body = {(const uint8_t *)"abc", 3}};

static EVP_PKEY *key_of(uint8_t seed, uint8_t ret_public[SIGNATURE_KEY_BYTES])
{
    uint8_t private[SIGNATURE_KEY_BYTES];
    size_t count = SIGNATURE_KEY_BYTES;
    memset(private, seed, sizeof(private));
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private, sizeof(private));
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, ret_public, &count), 1);
    return key;
}

static void
sign(EVP_PKEY *key, const struct signature_upload *of, uint8_t ret_signature[SIGNATURE_BYTES])
{
    char text[SIGNATURE_STATEMENT_BYTES];
    size_t bytes = SIGNATURE_BYTES;
    size_t count = signature_statement(of, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, ret_signature, &bytes, (const uint8_t *)text, count),
                     1);
    EVP_MD_CTX_free(context);
}

static void the_statement_is_as_documented(void **state)
{
    (void)state;
    char text[SIGNATURE_STATEMENT_BYTES];
    size_t count = signature_statement(&upload, text);
    assert_string_equal(text,
                        "skerry upload 1\n"
                        "tenant acme\n"
                        "function f\n"
                        "type 51080b849dbf8f75df64cb0559caeddf53c8a72f1a770b00b1f8641af455d351\n"
                        "query e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                        "body ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
    assert_int_equal(count, strlen(text));
}

static void each_part_counts(void **state)
{
    (void)state;
    uint8_t keys[2 * SIGNATURE_KEY_BYTES] = {0};
    uint8_t signature[SIGNATURE_BYTES];
    struct signature_upload others[5];
    struct bytes second = bytes_make(keys + SIGNATURE_KEY_BYTES, SIGNATURE_KEY_BYTES);
    EVP_PKEY_free(key_of(1, keys));
    EVP_PKEY *key = key_of(2, keys + SIGNATURE_KEY_BYTES);
    sign(key, &upload, signature);
    assert_ptr_equal(signature_find_key(&upload, signature, bytes_make(keys, sizeof(keys))),
                     second.data);
    assert_null(signature_find_key(&upload, signature, bytes_make(keys, SIGNATURE_KEY_BYTES)));
    assert_null(signature_find_key(&upload, signature, bytes_make(NULL, 0)));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        others[i] = upload;
    others[0].tenant = bytes_of_text("acm");
    others[1].function = bytes_of_text("g");
    others[2].type = bytes_of_text("text/javascript");
    others[3].query = bytes_of_text("activate=1");
    others[4].body = bytes_of_text("abcd");
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_null(signature_find_key(&others[i], signature, second));
    for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
        signature[i] ^= 0x10;
        assert_null(signature_find_key(&upload, signature, second));
        signature[i] ^= 0x10;
    }
    EVP_PKEY_free(key);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_statement_is_as_documented),
        cmocka_unit_test(each_part_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
