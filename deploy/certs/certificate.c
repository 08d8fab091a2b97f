/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of PEM are found here, and those that are certificates given to OpenSSL one by one, so
 * that a private key among them is no more than text to skip.
 */
#include "deploy/certs/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "deploy/certs/ocsp.h"

#define PEM_BEGIN       "-----BEGIN "
#define PEM_END         "-----END "
#define PEM_DASHES      "-----"
#define PEM_LABEL_MAX   48
#define RSA_BITS_MIN    2048
#define RSA_BITS_MAX    4096
#define SIGNATURE_BITS  112 /* of strength: SHA-1 has less */
#define SECONDS_PER_DAY 86400

/* ---- blocks of PEM --------------------------------------------------------------------------- */

static const uint8_t *pem_find(struct bytes text, const char *what)
{
    return text.count == 0 ? NULL : memmem(text.data, text.count, what, strlen(what));
}

static bool pem_label_ends(struct bytes label, const char *end)
{
    size_t count = strlen(end);
    return label.count >= count && memcmp(label.data + label.count - count, end, count) == 0;
}

/* Takes the next block off `text`; false: there is none that is whole. */
bool certificate_next_block(struct bytes *text, struct bytes *ret_label, struct bytes *ret_block)
{
    char end[sizeof(PEM_END) + PEM_LABEL_MAX + sizeof(PEM_DASHES)];
    const uint8_t *begin = pem_find(*text, PEM_BEGIN);
    if (begin == NULL)
        return false;
    struct bytes rest = bytes_make(begin, text->count - (size_t)(begin - text->data));
    struct bytes label = bytes_make(rest.data + strlen(PEM_BEGIN), rest.count - strlen(PEM_BEGIN));
    const uint8_t *dashes = pem_find(label, PEM_DASHES);
    if (dashes == NULL || dashes - label.data > PEM_LABEL_MAX)
        return false;
    label.count = (size_t)(dashes - label.data);
    (void)snprintf(end, sizeof(end), PEM_END "%.*s" PEM_DASHES, (int)label.count,
                   (const char *)label.data);
    const uint8_t *last = pem_find(rest, end);
    if (last == NULL)
        return false;
    *ret_label = label;
    *ret_block = bytes_make(begin, (size_t)(last - begin) + strlen(end));
    *text = bytes_make(begin + ret_block->count, rest.count - ret_block->count);
    return true;
}

static X509 *pem_parse(struct bytes block)
{
    BIO *bio = BIO_new_mem_buf(block.data, (int)block.count);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

/* ---- names ----------------------------------------------------------------------------------- */

enum status certificate_list_names(const X509 *certificate, struct buffer *names)
{
    char host[CONFIG_DOMAIN_BYTES];
    uint32_t count = 0;
    enum status status = STATUS_OK;
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; status == STATUS_OK && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS)
            continue;
        struct bytes text = bytes_make(ASN1_STRING_get0_data(name->d.dNSName),
                                       (size_t)ASN1_STRING_length(name->d.dNSName));
        if (!deploy_host_parse(text, host))
            continue;
        status = count++ < CERTIFICATE_NAMES_MAX ? buffer_append(names, host, strlen(host) + 1)
                                                 : STATUS_LIMIT;
    }
    GENERAL_NAMES_free(all);
    return status;
}

bool certificate_next_name(struct bytes *names, struct bytes *ret_name)
{
    const uint8_t *end = names->count == 0 ? NULL : memchr(names->data, '\0', names->count);
    if (end == NULL)
        return false;
    size_t count = (size_t)(end - names->data);
    *ret_name = bytes_make(names->data, count);
    *names = bytes_make(end + 1, names->count - count - 1);
    return true;
}

bool certificate_covers(struct bytes names, struct bytes host)
{
    struct bytes name;
    const uint8_t *dot = host.count == 0 ? NULL : memchr(host.data, '.', host.count);
    size_t label = dot == NULL ? 0 : (size_t)(dot - host.data);
    struct bytes parent = dot == NULL ? bytes_make(NULL, 0)
                                      : bytes_make(dot, host.count - label); /* ".example.org" */
    while (certificate_next_name(&names, &name)) {
        if (bytes_equal(name, host))
            return true;
        if (label > 0 && name.count > 2 && name.data[0] == '*' &&
            bytes_equal(bytes_make(name.data + 1, name.count - 1), parent))
            return true;
    }
    return false;
}

/* ---- chains ---------------------------------------------------------------------------------- */

X509 *certificate_next(struct bytes *chain)
{
    uint32_t count;
    if (chain->count < sizeof(count))
        return NULL;
    memcpy(&count, chain->data, sizeof(count));
    if (count > chain->count - sizeof(count))
        return NULL;
    const uint8_t *der = chain->data + sizeof(count);
    X509 *certificate = d2i_X509(NULL, &der, count);
    *chain = bytes_make(chain->data + sizeof(count) + count, chain->count - sizeof(count) - count);
    return certificate;
}

bool certificate_key_digest(const X509 *certificate, uint8_t ret_key[DEPLOY_SHA256_BYTES])
{
    uint8_t *der = NULL;
    int count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool made = count > 0 && EVP_Digest(der, (size_t)count, ret_key, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return made;
}

static enum status certificate_append(struct buffer *chain, X509 *certificate)
{
    uint8_t *der = NULL;
    int bytes = i2d_X509(certificate, &der);
    uint32_t count = (uint32_t)MAX(bytes, 0);
    enum status status = bytes > 0 ? buffer_append(chain, &count, sizeof(count)) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = buffer_append(chain, der, count);
    OPENSSL_free(der);
    return status;
}

/* ---- what is taken --------------------------------------------------------------------------- */

static bool certificate_seconds(const ASN1_TIME *time, uint64_t *ret_s)
{
    int days;
    int seconds;
    ASN1_TIME *start = ASN1_TIME_set(NULL, 0);
    bool known = start != NULL && ASN1_TIME_diff(&days, &seconds, start, time) == 1;
    ASN1_TIME_free(start);
    int64_t since = known ? (int64_t)days * SECONDS_PER_DAY + seconds : 0;
    *ret_s = (uint64_t)MAX(since, 0);
    return known;
}

static const char *certificate_judge_key(const X509 *leaf)
{
    char group[32] = "";
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    int type = key == NULL ? 0 : EVP_PKEY_get_base_id(key);
    int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
    if (type == EVP_PKEY_RSA)
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX
                   ? NULL
                   : "its RSA key has not 2048 to 4096 bits";
    if (type == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
        return strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, SN_secp384r1) == 0
                   ? NULL
                   : "its key is of another curve than P-256 or P-384";
    return type == EVP_PKEY_ED25519 ? NULL : "its key is neither RSA, ECDSA nor Ed25519";
}

/* Why the leaf cannot be served with; NULL: it can. */
static const char *
certificate_judge(const X509 *leaf, uint64_t now_s, const struct certificate *certificate)
{
    int strength = 0;
    if (X509_get_signature_info((X509 *)(uintptr_t)leaf, NULL, NULL, &strength, NULL) != 1 ||
        strength < SIGNATURE_BITS)
        return "it is signed with a hash that is broken, like SHA-1";
    if (certificate->names.count == 0)
        return "it has no DNS name (subjectAltName)";
    if (certificate->not_after_s <= now_s)
        return "it has expired";
    return certificate_judge_key(leaf);
}

static enum status certificate_fail(struct report *report, const char *why)
{
    return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "the certificate: %s", why);
}

static enum status certificate_take_leaf(X509 *leaf,
                                         uint64_t now_s,
                                         struct report *report,
                                         struct certificate *certificate)
{
    enum status status = certificate_list_names(leaf, &certificate->names);
    if (status == STATUS_LIMIT)
        return certificate_fail(report, "it has more than 100 names");
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    if (!certificate_seconds(X509_get0_notBefore(leaf), &certificate->not_before_s) ||
        !certificate_seconds(X509_get0_notAfter(leaf), &certificate->not_after_s) ||
        !certificate_key_digest(leaf, certificate->key))
        return certificate_fail(report, "its validity or key cannot be read");
    const char *why = certificate_judge(leaf, now_s, certificate);
    return why == NULL ? STATUS_OK : certificate_fail(report, why);
}

/* The next one of the chain; `last` is the one before it, or NULL. */
static enum status certificate_take(
    X509 *next, X509 *last, uint64_t now_s, struct report *report, struct certificate *certificate)
{
    if (next == NULL)
        return certificate_fail(report, "a block of it cannot be read as X.509");
    if (last != NULL && X509_check_issued(next, last) != X509_V_OK)
        return certificate_fail(report, "one of the chain was not issued by the next: the leaf "
                                        "comes first, then who issued it, and so on");
    enum status status = certificate_append(&certificate->chain, next);
    if (status == STATUS_LIMIT)
        return certificate_fail(report, "the chain has more than 32768 bytes");
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    return last == NULL ? certificate_take_leaf(next, now_s, report, certificate) : STATUS_OK;
}

static enum status certificate_take_key(struct bytes label,
                                        struct bytes block,
                                        struct report *report,
                                        struct certificate *certificate)
{
    if (certificate->key_pem.count > 0)
        return certificate_fail(report, "there is more than one private key with it");
    if (pem_label_ends(label, "ENCRYPTED PRIVATE KEY") || pem_find(block, "ENCRYPTED") != NULL)
        return certificate_fail(report, "its private key is encrypted: decrypt it, "
                                        "`openssl pkey -in KEY -out PLAIN`");
    if (block.count > CERTIFICATE_KEY_BYTES_MAX)
        return certificate_fail(report, "its private key has more than 16384 bytes");
    certificate->key_pem = block;
    return STATUS_OK;
}

static enum status certificate_read_blocks(struct bytes pem,
                                           uint64_t now_s,
                                           struct report *report,
                                           struct certificate *certificate)
{
    struct bytes label;
    struct bytes block;
    X509 *last = NULL;
    uint32_t count = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && certificate_next_block(&pem, &label, &block)) {
        if (pem_label_ends(label, "PRIVATE KEY"))
            status = certificate_take_key(label, block, report, certificate);
        if (!bytes_equal_text(label, "CERTIFICATE"))
            continue;
        X509 *next = count++ < CERTIFICATE_CHAIN_MAX ? pem_parse(block) : NULL;
        status = count > CERTIFICATE_CHAIN_MAX
                     ? certificate_fail(report, "the chain has more than 8 certificates")
                     : certificate_take(next, last, now_s, report, certificate);
        X509_free(last);
        last = next;
    }
    X509_free(last);
    if (status == STATUS_OK && count == 0)
        status = certificate_fail(report, "there is none: PEM is wanted, text that has "
                                          "`-----BEGIN CERTIFICATE-----` in it");
    if (status == STATUS_OK && pem_find(pem, PEM_BEGIN) != NULL)
        status = certificate_fail(report, "a block of PEM has no end");
    return status;
}

enum status certificate_read(struct bytes pem,
                             uint64_t now_s,
                             struct report *report,
                             struct certificate *ret_certificate)
{
    struct certificate certificate = {0};
    if (pem.count > CERTIFICATE_PEM_BYTES_MAX)
        return certificate_fail(report, "more than 131072 bytes of PEM");
    buffer_init(&certificate.chain, CERTIFICATE_CHAIN_BYTES_MAX);
    buffer_init(&certificate.names, CERTIFICATE_NAMES_BYTES_MAX);
    buffer_init(&certificate.ocsp, CERTIFICATE_OCSP_BYTES_MAX);
    enum status status = certificate_read_blocks(pem, now_s, report, &certificate);
    if (status == STATUS_OK)
        status = ocsp_read(pem, buffer_bytes(&certificate.chain), now_s, report, &certificate.ocsp);
    if (status == STATUS_OK)
        *ret_certificate = certificate;
    else
        certificate_done(&certificate);
    return status;
}

void certificate_done(struct certificate *certificate)
{
    buffer_done(&certificate->chain);
    buffer_done(&certificate->names);
    buffer_done(&certificate->ocsp);
}
