/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in use are kept parsed, one place for each hash: two hosts of one place are parsed by turns,
 * which takes some fifty microseconds.
 */
#include "server/keys/signer.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hex.h"
#include "engine/base/macros.h"

#define SIGNER_PLACES  1024 /* a power of two */
#define SIGNER_DER_MAX 8192

struct signer_place {
    uint8_t key[TLS_KEY_DIGEST_BYTES];
    EVP_PKEY *private; /* NULL: nothing is here */
};

struct signer {
    struct vault *vault;
    struct signer_place places[SIGNER_PLACES];
};

static const struct signer_scheme {
    uint32_t number;
    const char *type;
    const char *digest;
    bool is_pss;
} signer_schemes[] = {
#define SCHEME(NAME, number, type, digest, is_pss) {number, type, digest, is_pss},
#include "server/channel/tls_schemes.def"
};

enum status signer_create(struct vault *vault, struct report *report, struct signer **ret_signer)
{
    struct signer *signer = calloc(1, sizeof(*signer));
    if (signer == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    signer->vault = vault;
    *ret_signer = signer;
    return STATUS_OK;
}

void signer_free(struct signer *signer)
{
    for (size_t i = 0; signer != NULL && i < SIGNER_PLACES; i++)
        EVP_PKEY_free(signer->places[i].private);
    free(signer);
}

static struct signer_place *signer_place(struct signer *signer, struct bytes key)
{
    size_t at = key.data[0] | (size_t)key.data[1] << 8;
    return &signer->places[at & (SIGNER_PLACES - 1)];
}

static void signer_forget(struct signer *signer, struct bytes key)
{
    struct signer_place *place = signer_place(signer, key);
    EVP_PKEY_free(place->private);
    *place = (struct signer_place){0};
}

/* Its name in the vault, where tenants' names cannot be empty. */
static struct vault_name signer_name(struct bytes key, char room[2 * TLS_KEY_DIGEST_BYTES + 2])
{
    room[0] = 'k'; /* a name begins with a letter */
    hex_encode(key.data, TLS_KEY_DIGEST_BYTES, room + 1);
    return (struct vault_name){.name = bytes_of_text(room)};
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* Without a terminal to ask at, there is no passphrase. */
static int signer_no_passphrase(char *text, int room, int writes, void *context)
{
    (void)text;
    (void)room;
    (void)writes;
    (void)context;
    return -1;
}

bool signer_digest(EVP_PKEY *private, uint8_t ret_digest[TLS_KEY_DIGEST_BYTES])
{
    uint8_t *der = NULL;
    int bytes = i2d_PUBKEY(private, &der);
    bool made =
        bytes > 0 && EVP_Digest(der, (size_t)bytes, ret_digest, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return made;
}

static bool signer_is_key(EVP_PKEY *private, struct bytes key)
{
    uint8_t digest[TLS_KEY_DIGEST_BYTES];
    return signer_digest(private, digest) && bytes_equal(bytes_make(digest, sizeof(digest)), key);
}

enum status
signer_keep(struct signer *signer, struct bytes key, EVP_PKEY *private, struct report *report)
{
    char room[2 * TLS_KEY_DIGEST_BYTES + 2];
    uint8_t *der = NULL;
    const struct vault_name name = signer_name(key, room);
    int bytes = i2d_PrivateKey(private, &der);
    if (bytes <= 0)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    enum status status =
        bytes <= SIGNER_DER_MAX
            ? vault_put(signer->vault, &name, bytes_make(der, (size_t)bytes), report)
            : report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                          "the private key is too large");
    OPENSSL_clear_free(der, (size_t)bytes);
    return status;
}

enum status
signer_put(struct signer *signer, struct bytes key, struct bytes pem, struct report *report)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.count);
    EVP_PKEY *private =
        bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, signer_no_passphrase, NULL);
    enum status status;
    if (private == NULL)
        status = report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                             "the private key cannot be read");
    else if (!signer_is_key(private, key))
        status = report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                             "the private key is not the certificate's");
    else
        status = signer_keep(signer, key, private, report);
    EVP_PKEY_free(private);
    BIO_free(bio);
    signer_forget(signer, key);
    return status;
}

enum status signer_remove(struct signer *signer, struct bytes key, struct report *report)
{
    char room[2 * TLS_KEY_DIGEST_BYTES + 2];
    const struct vault_name name = signer_name(key, room);
    signer_forget(signer, key);
    return vault_remove(signer->vault, &name, report);
}

/* ---- signing --------------------------------------------------------------------------------- */

static enum status signer_load(struct signer *signer, struct bytes key, struct report *report)
{
    char room[2 * TLS_KEY_DIGEST_BYTES + 2];
    const struct vault_name name = signer_name(key, room);
    struct signer_place *place = signer_place(signer, key);
    struct buffer der;
    if (place->private != NULL && bytes_equal(bytes_make(place->key, sizeof(place->key)), key))
        return STATUS_OK;
    signer_forget(signer, key);
    buffer_init(&der, SIGNER_DER_MAX + 1);
    enum status status = vault_get(signer->vault, &name, report, &der);
    const uint8_t *at = der.data;
    if (status == STATUS_OK)
        place->private = d2i_AutoPrivateKey(NULL, &at, (long)der.count);
    if (der.data != NULL)
        explicit_bzero(der.data, der.capacity);
    buffer_done(&der);
    if (status == STATUS_OK && place->private == NULL)
        status = report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                             "vault: a private key cannot be read");
    if (status == STATUS_OK)
        memcpy(place->key, key.data, sizeof(place->key));
    return status;
}

static const struct signer_scheme *signer_find_scheme(EVP_PKEY *private, uint32_t number)
{
    for (size_t i = 0; i < COUNT_OF(signer_schemes); i++) {
        if (signer_schemes[i].number == number)
            return EVP_PKEY_is_a(private, signer_schemes[i].type) == 1 ? &signer_schemes[i] : NULL;
    }
    return NULL;
}

static bool signer_make(EVP_PKEY *private,
                        const struct signer_scheme *scheme,
                        struct bytes message,
                        uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                        size_t *ret_count)
{
    EVP_PKEY_CTX *key = NULL; /* the digest's */
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    size_t count = TLS_SIGNATURE_BYTES_MAX;
    bool made = digest != NULL && EVP_PKEY_get_size(private) <= TLS_SIGNATURE_BYTES_MAX &&
                EVP_DigestSignInit_ex(digest, &key, scheme->digest, NULL, NULL, private, NULL) == 1;
    if (made && scheme->is_pss)
        made = EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) == 1;
    made = made && EVP_DigestSign(digest, ret_signature, &count, message.data, message.count) == 1;
    EVP_MD_CTX_free(digest);
    if (made)
        *ret_count = count;
    return made;
}

enum status signer_sign(struct signer *signer,
                        const struct signer_order *order,
                        struct report *report,
                        uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                        size_t *ret_count)
{
    if (!tls_is_handshake(order->message.data, order->message.count))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "what is to be signed is no handshake");
    enum status status = signer_load(signer, order->key, report);
    if (status != STATUS_OK)
        return status;
    EVP_PKEY *private = signer_place(signer, order->key)->private;
    const struct signer_scheme *scheme = signer_find_scheme(private, order->scheme);
    if (scheme == NULL)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "the key does not sign with that scheme");
    if (!signer_make(private, scheme, order->message, ret_signature, ret_count))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "the key does not sign");
    return STATUS_OK;
}
