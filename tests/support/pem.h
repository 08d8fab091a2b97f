/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, made when they run: a key and a certificate over it in PEM, signed by
 * itself or by another one of these.
 */
#ifndef SKERRY_TESTS_SUPPORT_PEM_H
#define SKERRY_TESTS_SUPPORT_PEM_H

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "tests/support/unit.h"

#define PEM_DAY_S 86400

struct pem {
    EVP_PKEY *key;
    X509 *certificate;
    char text[8192]; /* of the certificate */
    char key_text[4096];
};

static inline void pem_free(struct pem *pem)
{
    EVP_PKEY_free(pem->key);
    X509_free(pem->certificate);
}

static inline void pem_write(BIO *bio, char *text, size_t room)
{
    int count = BIO_read(bio, text, (int)room - 1);
    assert_true(count > 0);
    text[count] = '\0';
    BIO_free(bio);
}

/* `type`: "RSA", "EC" (P-256), "ED25519". `names`: as of a configuration, "DNS:a.b,DNS:*.c.d". From
 * a day ago on, for so many days. */
static inline void
pem_make(struct pem *pem, const char *type, const char *names, int days, const struct pem *issuer)
{
    bool is_ec = strcmp(type, "EC") == 0;
    bool is_rsa = strcmp(type, "RSA") == 0;
    pem->key = is_ec    ? EVP_PKEY_Q_keygen(NULL, NULL, type, "P-256")
               : is_rsa ? EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)2048)
                        : EVP_PKEY_Q_keygen(NULL, NULL, type);
    assert_non_null(pem->key);
    X509 *made = pem->certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), issuer == NULL ? 1 : 2), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)names,
                                                (int)strnlen(names, 60), -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(
                         made, X509_get_subject_name(issuer == NULL ? made : issuer->certificate)),
                     1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made), -PEM_DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made), (long)days * PEM_DAY_S));
    assert_int_equal(X509_set_pubkey(made, pem->key), 1);
    X509_EXTENSION *extension =
        names[0] == '\0' ? NULL : X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    if (extension != NULL)
        assert_int_equal(X509_add_ext(made, extension, -1), 1);
    X509_EXTENSION_free(extension);
    bool plain = strcmp(type, "ED25519") != 0;
    EVP_PKEY *signs = issuer == NULL ? pem->key : issuer->key;
    plain = issuer == NULL ? plain : EVP_PKEY_is_a(signs, "ED25519") == 0;
    assert_true(X509_sign(made, signs, plain ? EVP_sha256() : NULL) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, made), 1);
    pem_write(bio, pem->text, sizeof(pem->text));
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pem->key, NULL, NULL, 0, NULL, NULL), 1);
    pem_write(bio, pem->key_text, sizeof(pem->key_text));
}

/* "first, then second" of texts, in a buffer of the caller's. */
static inline struct bytes
pem_join(const char *first, const char *second, char *room, size_t room_bytes)
{
    int count = snprintf(room, room_bytes, "%s%s", first, second);
    assert_true(count >= 0 && (size_t)count < room_bytes);
    return bytes_make(room, (size_t)count);
}

struct pem_staple {
    const struct pem *of;
    const struct pem *issuer;
    const struct pem *signer;
    int state;    /* V_OCSP_CERTSTATUS_GOOD and others */
    long from_s;  /* from now on */
    long until_s; /* the same; 0: it does not say */
};

/* An answer of OCSP in DER, into `room`; its size comes back. */
static inline size_t pem_staple(const struct pem_staple *staple, uint8_t *room, size_t bytes)
{
    uint8_t *at = room;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, staple->of->certificate, staple->issuer->certificate);
    ASN1_TIME *from = X509_gmtime_adj(NULL, staple->from_s);
    ASN1_TIME *until = staple->until_s == 0 ? NULL : X509_gmtime_adj(NULL, staple->until_s);
    ASN1_TIME *revoked = staple->state == V_OCSP_CERTSTATUS_REVOKED ? from : NULL;
    assert_non_null(OCSP_basic_add1_status(basic, id, staple->state, 0, revoked, from, until));
    bool has_digest = EVP_PKEY_is_a(staple->signer->key, "ED25519") != 1;
    const EVP_MD *digest = has_digest ? EVP_sha256() : NULL;
    assert_int_equal(
        OCSP_basic_sign(basic, staple->signer->certificate, staple->signer->key, digest, NULL, 0),
        1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int count = i2d_OCSP_RESPONSE(response, NULL);
    assert_true(count > 0 && (size_t)count <= bytes);
    assert_int_equal(i2d_OCSP_RESPONSE(response, &at), count);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return (size_t)count;
}

#endif
