/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All keys made here are of P-256: what ES256 wants, and what every client verifies fast.
 */
#include "server/keys/enroll.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "engine/base/hex.h"
#include "engine/base/macros.h"

#define ENROLL_HOST_BYTES_MAX  253
#define ENROLL_PROOF_DAYS      7
#define ENROLL_IDENTIFIER      "1.3.6.1.5.5.7.1.31" /* acmeIdentifier [RFC 8737 6.1] */
#define ENROLL_COORDINATE      ((int)(ENROLL_POINT_BYTES / 2))
#define ENROLL_DER_MAX         8192
#define ENROLL_JWS_BEGIN       "eyJ" /* `{"` in base64url */
#define ENROLL_SECONDS_PER_DAY 86400L

static enum status enroll_fail(struct report *report, enum status status, const char *why)
{
    return report_fail(report, status, REPORT_OFFSET_NONE, "%s", why);
}

/* As certificates have them: control has checked it, or should have. */
static bool enroll_is_host(struct bytes host)
{
    for (size_t i = 0; i < host.count; i++) {
        uint8_t c = host.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return host.count > 0 && host.count <= ENROLL_HOST_BYTES_MAX;
}

/* ---- hosts' keys ----------------------------------------------------------------------------- */

/* NULL: out of memory. */
static GENERAL_NAMES *enroll_names(struct bytes host)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool made = names != NULL && name != NULL && text != NULL &&
                ASN1_STRING_set(text, host.data, (int)host.count) == 1 &&
                sk_GENERAL_NAME_push(names, name) > 0;
    if (made) {
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        return names;
    }
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return NULL;
}

static bool enroll_fill_request(X509_REQ *request, EVP_PKEY *key, struct bytes host)
{
    GENERAL_NAMES *names = enroll_names(host);
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool made =
        names != NULL &&
        X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
        X509_REQ_add_extensions(request, extensions) == 1 &&
        X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, EVP_sha256()) > 0;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    return made;
}

/* The extension that says the hash: critical, an OCTET STRING in it. */
static bool enroll_add_hash(X509 *certificate, struct bytes hash)
{
    uint8_t *der = NULL;
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj(ENROLL_IDENTIFIER, 1);
    X509_EXTENSION *extension = NULL;
    bool made = inner != NULL && outer != NULL && object != NULL &&
                ASN1_OCTET_STRING_set(inner, hash.data, (int)hash.count) == 1;
    int bytes = made ? i2d_ASN1_OCTET_STRING(inner, &der) : 0;
    made = bytes > 0 && ASN1_OCTET_STRING_set(outer, der, bytes) == 1 &&
           (extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, outer)) != NULL &&
           X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(outer);
    ASN1_OCTET_STRING_free(inner);
    OPENSSL_free(der);
    return made;
}

static bool
enroll_fill_proof(X509 *certificate, EVP_PKEY *key, struct bytes host, struct bytes hash)
{
    GENERAL_NAMES *names = enroll_names(host);
    X509_NAME *subject = X509_NAME_new();
    bool made =
        names != NULL && subject != NULL &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)"acme", -1, -1,
                                   0) == 1 &&
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
        X509_set_subject_name(certificate, subject) == 1 &&
        X509_set_issuer_name(certificate, subject) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -ENROLL_SECONDS_PER_DAY) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate),
                        ENROLL_PROOF_DAYS * ENROLL_SECONDS_PER_DAY) != NULL &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
        enroll_add_hash(certificate, hash) && X509_sign(certificate, key, EVP_sha256()) > 0;
    X509_NAME_free(subject);
    GENERAL_NAMES_free(names);
    return made;
}

/* Keeps the key, and puts its name and what was made with it together. */
static enum status enroll_keep(struct signer *signer,
                               EVP_PKEY *key,
                               struct bytes der,
                               struct report *report,
                               struct buffer *made)
{
    uint8_t digest[TLS_KEY_DIGEST_BYTES];
    if (!signer_digest(key, digest))
        return enroll_fail(report, STATUS_NO_MEMORY, "out of memory");
    enum status status = signer_keep(signer, bytes_make(digest, sizeof(digest)), key, report);
    if (status == STATUS_OK)
        status = buffer_append(made, digest, sizeof(digest));
    return status == STATUS_OK ? buffer_append(made, der.data, der.count) : status;
}

enum status
enroll_request(struct signer *signer, struct bytes host, struct report *report, struct buffer *made)
{
    uint8_t *der = NULL;
    if (!enroll_is_host(host))
        return enroll_fail(report, STATUS_INVALID, "that is no host to be certified");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *request = X509_REQ_new();
    int bytes = key != NULL && request != NULL && enroll_fill_request(request, key, host)
                    ? i2d_X509_REQ(request, &der)
                    : 0;
    enum status status =
        bytes > 0 ? enroll_keep(signer, key, bytes_make(der, (size_t)bytes), report, made)
                  : enroll_fail(report, STATUS_NO_MEMORY, "a request for a certificate failed");
    OPENSSL_free(der);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return status;
}

enum status enroll_proof(struct signer *signer,
                         struct bytes host,
                         struct bytes hash,
                         struct report *report,
                         struct buffer *made)
{
    uint8_t *der = NULL;
    if (!enroll_is_host(host))
        return enroll_fail(report, STATUS_INVALID, "that is no host to be certified");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int bytes =
        key != NULL && certificate != NULL && enroll_fill_proof(certificate, key, host, hash)
            ? i2d_X509(certificate, &der)
            : 0;
    enum status status =
        bytes > 0 ? enroll_keep(signer, key, bytes_make(der, (size_t)bytes), report, made)
                  : enroll_fail(report, STATUS_NO_MEMORY, "a proof's certificate failed");
    OPENSSL_free(der);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}

/* ---- accounts -------------------------------------------------------------------------------- */

/* Its name in the vault: other names are `k` and digits (signer.c). */
static struct vault_name enroll_name(struct bytes name, char room[2 * TLS_KEY_DIGEST_BYTES + 2])
{
    room[0] = 'a';
    hex_encode(name.data, TLS_KEY_DIGEST_BYTES, room + 1);
    return (struct vault_name){.name = bytes_of_text(room)};
}

static enum status enroll_load(struct vault *vault,
                               const struct vault_name *name,
                               struct report *report,
                               EVP_PKEY **ret_key)
{
    struct buffer der;
    buffer_init(&der, ENROLL_DER_MAX);
    enum status status = vault_get(vault, name, report, &der);
    const uint8_t *at = der.data;
    EVP_PKEY *key = status == STATUS_OK ? d2i_AutoPrivateKey(NULL, &at, (long)der.count) : NULL;
    if (der.data != NULL)
        explicit_bzero(der.data, der.capacity);
    buffer_done(&der);
    if (status == STATUS_OK && key == NULL)
        status = enroll_fail(report, STATUS_CORRUPT, "vault: an account's key cannot be read");
    *ret_key = key;
    return status;
}

static enum status enroll_make_account(struct vault *vault,
                                       const struct vault_name *name,
                                       struct report *report,
                                       EVP_PKEY **ret_key)
{
    uint8_t *der = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    int bytes = key == NULL ? 0 : i2d_PrivateKey(key, &der);
    enum status status = bytes > 0
                             ? vault_put(vault, name, bytes_make(der, (size_t)bytes), report)
                             : enroll_fail(report, STATUS_NO_MEMORY, "an account's key failed");
    if (bytes > 0)
        OPENSSL_clear_free(der, (size_t)bytes);
    if (status != STATUS_OK) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    *ret_key = key;
    return status;
}

static bool enroll_coordinate(const EVP_PKEY *key, const char *which, uint8_t *ret_bytes)
{
    BIGNUM *number = NULL;
    bool read = EVP_PKEY_get_bn_param(key, which, &number) == 1 &&
                BN_bn2binpad(number, ret_bytes, ENROLL_COORDINATE) == ENROLL_COORDINATE;
    BN_free(number);
    return read;
}

enum status
enroll_account(struct vault *vault, struct bytes name, struct report *report, struct buffer *point)
{
    char room[2 * TLS_KEY_DIGEST_BYTES + 2];
    uint8_t bytes[ENROLL_POINT_BYTES];
    EVP_PKEY *key = NULL;
    const struct vault_name whose = enroll_name(name, room);
    enum status status = enroll_load(vault, &whose, report, &key);
    if (status == STATUS_NOT_FOUND)
        status = enroll_make_account(vault, &whose, report, &key);
    if (status != STATUS_OK)
        return status;
    bool read = enroll_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes) &&
                enroll_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes + ENROLL_COORDINATE);
    EVP_PKEY_free(key);
    return read ? buffer_append(point, bytes, sizeof(bytes))
                : enroll_fail(report, STATUS_CORRUPT, "vault: an account's key is of no use");
}

/* A header and a payload in base64url with a dot between: neither a handshake nor a request. */
static bool enroll_is_jws(struct bytes input)
{
    size_t begin = strlen(ENROLL_JWS_BEGIN);
    size_t dots = 0;
    for (size_t i = 0; i < input.count; i++) {
        uint8_t c = input.data[i];
        bool is_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_';
        dots += c == '.';
        if (!is_digit && c != '.')
            return false;
    }
    return dots == 1 && input.count > begin && memcmp(input.data, ENROLL_JWS_BEGIN, begin) == 0;
}

/* From DER, as OpenSSL has it, to the two numbers. */
static bool enroll_split(struct bytes der, uint8_t ret_signature[ENROLL_SIGNATURE_BYTES])
{
    const uint8_t *at = der.data;
    ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)der.count);
    bool split = both != NULL &&
                 BN_bn2binpad(ECDSA_SIG_get0_r(both), ret_signature, ENROLL_COORDINATE) ==
                     ENROLL_COORDINATE &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(both), ret_signature + ENROLL_COORDINATE,
                              ENROLL_COORDINATE) == ENROLL_COORDINATE;
    ECDSA_SIG_free(both);
    return split;
}

enum status enroll_sign(struct vault *vault,
                        struct bytes name,
                        struct bytes input,
                        struct report *report,
                        struct buffer *signature)
{
    char room[2 * TLS_KEY_DIGEST_BYTES + 2];
    uint8_t der[TLS_SIGNATURE_BYTES_MAX];
    uint8_t both[ENROLL_SIGNATURE_BYTES];
    size_t count = sizeof(der);
    EVP_PKEY *key = NULL;
    const struct vault_name whose = enroll_name(name, room);
    if (!enroll_is_jws(input))
        return enroll_fail(report, STATUS_INVALID, "what is to be signed is no JWS");
    enum status status = enroll_load(vault, &whose, report, &key);
    if (status != STATUS_OK)
        return status;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool made = digest != NULL &&
                EVP_DigestSignInit_ex(digest, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
                EVP_DigestSign(digest, der, &count, input.data, input.count) == 1 &&
                enroll_split(bytes_make(der, count), both);
    EVP_MD_CTX_free(digest);
    EVP_PKEY_free(key);
    return made ? buffer_append(signature, both, sizeof(both))
                : enroll_fail(report, STATUS_INVALID, "an account's key does not sign");
}
