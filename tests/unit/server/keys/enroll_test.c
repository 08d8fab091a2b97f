/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made with keys that nobody is given: requests, proofs, accounts and their signatures.
 */
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/keys/enroll.h"
#include "tests/support/pem.h"

static char dir[64];
static struct vault *vault;
static struct signer *signer;
static struct report report;
static struct buffer made;
static const uint8_t name[TLS_KEY_DIGEST_BYTES] = {1, 2, 3};

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/skerry-enroll-XXXXXX");
    assert_non_null(mkdtemp(dir));
    report = (struct report)REPORT_INIT;
    buffer_init(&made, 16384);
    assert_int_equal(vault_open(dir, &report, &vault), STATUS_OK);
    assert_int_equal(signer_create(vault, &report, &signer), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"vault/key", "vault/data.mdb", "vault", ""};
    char path[128];
    buffer_done(&made);
    signer_free(signer);
    vault_close(vault);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

static void a_request_is_signed_by_a_new_key_that_is_kept(void **state)
{
    (void)state;
    assert_int_equal(enroll_request(signer, bytes_of_text("www.a.test"), &report, &made),
                     STATUS_OK);
    const uint8_t *at = made.data + TLS_KEY_DIGEST_BYTES;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)made.count - TLS_KEY_DIGEST_BYTES);
    assert_non_null(request);
    assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
    assert_int_equal(signer_remove(signer, bytes_make(made.data, TLS_KEY_DIGEST_BYTES), &report),
                     STATUS_OK);
    X509_REQ_free(request);
}

static void a_proof_says_its_hash_in_a_critical_extension(void **state)
{
    (void)state;
    static const uint8_t hash[32] = {0xab};
    assert_int_equal(enroll_proof(signer, bytes_of_text("a.test"), bytes_make(hash, sizeof(hash)),
                                  &report, &made),
                     STATUS_OK);
    const uint8_t *at = made.data + TLS_KEY_DIGEST_BYTES;
    X509 *certificate = d2i_X509(NULL, &at, (long)made.count - TLS_KEY_DIGEST_BYTES);
    assert_non_null(certificate);
    ASN1_OBJECT *identifier = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    int index = X509_get_ext_by_OBJ(certificate, identifier, -1);
    assert_true(index >= 0);
    X509_EXTENSION *extension = X509_get_ext(certificate, index);
    assert_int_equal(X509_EXTENSION_get_critical(extension), 1);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    assert_int_equal(ASN1_STRING_length(value), 34);
    assert_memory_equal(ASN1_STRING_get0_data(value) + 2, hash, sizeof(hash));
    assert_int_equal(X509_check_host(certificate, "a.test", 0, 0, NULL), 1);
    ASN1_OBJECT_free(identifier);
    X509_free(certificate);
}

static void hosts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "*.a.test", "a,DNS:b", "A.test", "a b", "a\nb"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(enroll_request(signer, bytes_of_text(bad[i]), &report, &made),
                         STATUS_INVALID);
        assert_int_equal(enroll_proof(signer, bytes_of_text(bad[i]), bytes_make(name, sizeof(name)),
                                      &report, &made),
                         STATUS_INVALID);
    }
    assert_int_equal(made.count, 0);
}

static void an_account_has_one_key_and_signs_jws_only(void **state)
{
    (void)state;
    struct bytes whose = bytes_make(name, sizeof(name));
    uint8_t point[ENROLL_POINT_BYTES];
    assert_int_equal(enroll_sign(vault, whose, bytes_of_text("eyJ.eyJ"), &report, &made),
                     STATUS_NOT_FOUND);
    assert_int_equal(enroll_account(vault, whose, &report, &made), STATUS_OK);
    assert_int_equal(made.count, sizeof(point));
    memcpy(point, made.data, sizeof(point));
    made.count = 0;
    assert_int_equal(enroll_account(vault, whose, &report, &made), STATUS_OK);
    assert_memory_equal(made.data, point, sizeof(point));
    made.count = 0;
    assert_int_equal(enroll_sign(vault, whose, bytes_of_text("eyJ.eyJ"), &report, &made),
                     STATUS_OK);
    assert_int_equal(made.count, ENROLL_SIGNATURE_BYTES);
    static const char *const bad[] = {"", "eyJ", "eyJ.a.b", "eyJ.a b", "x.y", "eyJ.\n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(enroll_sign(vault, whose, bytes_of_text(bad[i]), &report, &made),
                         STATUS_INVALID);
    uint8_t handshake[64 + 34 + 32];
    memset(handshake, ' ', sizeof(handshake));
    assert_int_equal(
        enroll_sign(vault, whose, bytes_make(handshake, sizeof(handshake)), &report, &made),
        STATUS_INVALID);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_is_signed_by_a_new_key_that_is_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_proof_says_its_hash_in_a_critical_extension, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hosts_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_account_has_one_key_and_signs_jws_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
