/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that are put, sign handshakes and nothing else, and are gone when removed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "server/keys/signer.h"
#include "tests/support/pem.h"

static char dir[64];
static struct vault *vault;
static struct signer *signer;
static struct pem pem;
static struct report report;
static uint8_t digest[TLS_KEY_DIGEST_BYTES];
static uint8_t handshake[64 + 34 + 32];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/skerry-signer-XXXXXX");
    assert_non_null(mkdtemp(dir));
    report = (struct report)REPORT_INIT;
    assert_int_equal(vault_open(dir, &report, &vault), STATUS_OK);
    assert_int_equal(signer_create(vault, &report, &signer), STATUS_OK);
    memset(handshake, ' ', 64);
    memcpy(handshake + 64, "TLS 1.3, server CertificateVerify", 34);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"vault/key", "vault/data.mdb", "vault", ""};
    char path[128];
    signer_free(signer);
    vault_close(vault);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

static struct bytes key_of(const struct pem *of)
{
    uint8_t *der = NULL;
    int count = i2d_PUBKEY(of->key, &der);
    assert_true(count > 0);
    assert_int_equal(EVP_Digest(der, (size_t)count, digest, NULL, EVP_sha256(), NULL), 1);
    OPENSSL_free(der);
    return bytes_make(digest, sizeof(digest));
}

static enum status put(struct bytes key, const char *text)
{
    return signer_put(signer, key, bytes_of_text(text), &report);
}

static enum status
sign(struct bytes key, uint32_t scheme, struct bytes message, uint8_t *signature, size_t *ret_count)
{
    const struct signer_order order = {.key = key, .scheme = scheme, .message = message};
    return signer_sign(signer, &order, &report, signature, ret_count);
}

static void each_kind_of_key_signs_what_its_public_half_verifies(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        uint32_t scheme;
        const char *md;
    } rows[] = {{"RSA", 0x0804, "SHA256"}, {"EC", 0x0403, "SHA256"}, {"ED25519", 0x0807, NULL}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
        size_t count;
        EVP_PKEY_CTX *context;
        pem_make(&pem, rows[i].type, "DNS:a.test", 1, NULL);
        struct bytes key = key_of(&pem);
        assert_int_equal(put(key, pem.key_text), STATUS_OK);
        assert_int_equal(
            sign(key, rows[i].scheme, bytes_make(handshake, sizeof(handshake)), signature, &count),
            STATUS_OK);
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        assert_int_equal(
            EVP_DigestVerifyInit_ex(md, &context, rows[i].md, NULL, NULL, pem.key, NULL), 1);
        if (rows[i].scheme == 0x0804)
            assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_DigestVerify(md, signature, count, handshake, sizeof(handshake)), 1);
        EVP_MD_CTX_free(md);
        pem_free(&pem);
    }
}

static void only_handshakes_are_signed(void **state)
{
    (void)state;
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    uint8_t other[133] = {[64] = 3, [67] = 65}; /* ServerECDHParams of P-256 */
    size_t count;
    pem_make(&pem, "EC", "DNS:a.test", 1, NULL);
    struct bytes key = key_of(&pem);
    assert_int_equal(put(key, pem.key_text), STATUS_OK);
    assert_int_equal(sign(key, 0x0403, bytes_make(other, sizeof(other)), signature, &count),
                     STATUS_OK);
    other[67]++;
    assert_int_equal(sign(key, 0x0403, bytes_make(other, sizeof(other)), signature, &count),
                     STATUS_INVALID);
    assert_int_equal(sign(key, 0x0403, bytes_of_text("a token"), signature, &count),
                     STATUS_INVALID);
    handshake[3] = 'x';
    assert_int_equal(sign(key, 0x0403, bytes_make(handshake, sizeof(handshake)), signature, &count),
                     STATUS_INVALID);
    handshake[3] = ' ';
    assert_int_equal(sign(key, 0x0804, bytes_make(handshake, sizeof(handshake)), signature, &count),
                     STATUS_INVALID); /* RSA's */
    pem_free(&pem);
}

static void what_is_no_key_or_anothers_is_refused(void **state)
{
    (void)state;
    struct pem other;
    pem_make(&pem, "EC", "DNS:a.test", 1, NULL);
    pem_make(&other, "EC", "DNS:a.test", 1, NULL);
    struct bytes key = key_of(&pem);
    assert_int_equal(put(key, "junk"), STATUS_INVALID);
    assert_int_equal(put(key, pem.text), STATUS_INVALID);
    assert_int_equal(put(key, other.key_text), STATUS_INVALID);
    pem_free(&pem);
    pem_free(&other);
}

static void a_removed_key_signs_no_more(void **state)
{
    (void)state;
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count;
    struct bytes message = bytes_make(handshake, sizeof(handshake));
    pem_make(&pem, "EC", "DNS:a.test", 1, NULL);
    struct bytes key = key_of(&pem);
    assert_int_equal(put(key, pem.key_text), STATUS_OK);
    assert_int_equal(vault_rotate(vault, &report), STATUS_OK);
    assert_int_equal(sign(key, 0x0403, message, signature, &count), STATUS_OK);
    assert_int_equal(signer_remove(signer, key, &report), STATUS_OK);
    assert_int_equal(sign(key, 0x0403, message, signature, &count), STATUS_NOT_FOUND);
    assert_int_equal(signer_remove(signer, key, &report), STATUS_NOT_FOUND);
    pem_free(&pem);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_of_key_signs_what_its_public_half_verifies, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_handshakes_are_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_key_or_anothers_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_removed_key_signs_no_more, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
