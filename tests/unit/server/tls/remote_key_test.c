/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that are elsewhere, as OpenSSL sees them.
 */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "server/tls/remote_key.h"
#include "tests/support/pem.h"

static uint32_t last_scheme;

static bool note(void *context,
                 const uint8_t key[TLS_KEY_DIGEST_BYTES],
                 uint32_t scheme,
                 struct bytes message,
                 uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                 size_t *ret_count)
{
    (void)context;
    assert_int_equal(key[0], 7);
    last_scheme = scheme;
    memcpy(ret_signature, message.data, message.count);
    *ret_count = message.count;
    return message.count > 1;
}

static const struct remote_signer signer = {.sign = note};
static const uint8_t name[TLS_KEY_DIGEST_BYTES] = {7};

static int setup(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    assert_int_equal(remote_key_init(&report), STATUS_OK);
    assert_int_equal(remote_key_init(&report), STATUS_OK);
    return 0;
}

static bool sign(EVP_PKEY *key, const char *digest, bool is_pss, const char *text)
{
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count = sizeof(signature);
    EVP_PKEY_CTX *context = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool begun = EVP_DigestSignInit_ex(md, &context, digest, NULL, NULL, key, NULL) == 1;
    if (begun && is_pss)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
    bool made =
        begun && EVP_DigestSign(md, signature, &count, (const uint8_t *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return made && count == strlen(text);
}

static void what_is_to_be_signed_is_handed_on_whole(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *digest;
        bool is_pss;
        uint32_t scheme;
    } rows[] = {{"RSA", "SHA256", true, 0x0804},
                {"RSA", "SHA2-384", false, 0x0501},
                {"EC", "SHA256", false, 0x0403},
                {"EC", "SHA512", false, 0x0603},
                {"ED25519", NULL, false, 0x0807}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pem pem;
        pem_make(&pem, rows[i].type, "DNS:a.test", 1, NULL);
        EVP_PKEY *key = remote_key_make(&signer, pem.key, name);
        assert_non_null(key);
        assert_int_equal(EVP_PKEY_eq(key, pem.key), 1);
        assert_int_equal(EVP_PKEY_get_bits(key), EVP_PKEY_get_bits(pem.key));
        assert_true(sign(key, rows[i].digest, rows[i].is_pss, "message"));
        assert_int_equal(last_scheme, rows[i].scheme);
        assert_false(sign(key, rows[i].digest, rows[i].is_pss, "x")); /* the signer will not */
        EVP_PKEY_free(key);
        pem_free(&pem);
    }
}

static void no_private_half_comes_out(void **state)
{
    (void)state;
    struct pem pem;
    uint8_t *der = NULL;
    OSSL_PARAM *params = NULL;
    pem_make(&pem, "RSA", "DNS:a.test", 1, NULL);
    EVP_PKEY *key = remote_key_make(&signer, pem.key, name);
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 0);
    assert_true(i2d_PrivateKey(key, &der) <= 0);
    assert_false(sign(key, "SHA1", false, "message")); /* a scheme that nobody has */
    ERR_clear_error();
    EVP_PKEY_free(key);
    pem_free(&pem);
}

static void other_keys_are_none_of_its_business(void **state)
{
    (void)state;
    struct pem pem;
    last_scheme = 0;
    pem_make(&pem, "EC", "DNS:a.test", 1, NULL);
    assert_int_equal(X509_verify(pem.certificate, pem.key), 1);
    assert_int_equal(last_scheme, 0);
    pem_free(&pem);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_to_be_signed_is_handed_on_whole),
        cmocka_unit_test(no_private_half_comes_out),
        cmocka_unit_test(other_keys_are_none_of_its_business),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
