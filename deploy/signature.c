/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's Ed25519 and SHA-256.
 */
#include "deploy/signature.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "engine/base/hex.h"

#define SIGNATURE_HEX_BYTES (2 * SHA256_DIGEST_LENGTH + 1)

static void signature_digest(struct bytes data, char ret_text[SIGNATURE_HEX_BYTES])
{
    static const uint8_t nothing;
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    (void)SHA256(data.count == 0 ? &nothing : data.data, data.count, sha256);
    hex_encode(sha256, sizeof(sha256), ret_text);
}

size_t signature_statement(const struct signature_upload *upload,
                           char ret_text[SIGNATURE_STATEMENT_BYTES])
{
    char type[SIGNATURE_HEX_BYTES];
    char query[SIGNATURE_HEX_BYTES];
    char body[SIGNATURE_HEX_BYTES];
    ASSERT(upload->tenant.count < DEPLOY_NAME_BYTES && upload->function.count < DEPLOY_NAME_BYTES);
    signature_digest(upload->type, type);
    signature_digest(upload->query, query);
    signature_digest(upload->body, body);
    int count = snprintf(ret_text, SIGNATURE_STATEMENT_BYTES,
                         "skerry upload 1\ntenant %.*s\nfunction %.*s\ntype %s\nquery %s\nbody "
                         "%s\n",
                         (int)upload->tenant.count, (const char *)upload->tenant.data,
                         (int)upload->function.count, (const char *)upload->function.data, type,
                         query, body);
    ASSERT(count > 0 && count < SIGNATURE_STATEMENT_BYTES);
    return (size_t)count;
}

static bool signature_is_of(const uint8_t key[SIGNATURE_KEY_BYTES],
                            const uint8_t signature[SIGNATURE_BYTES],
                            struct bytes text)
{
    EVP_PKEY *public =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, SIGNATURE_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is = public != NULL && context != NULL &&
              EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
              EVP_DigestVerify(context, signature, SIGNATURE_BYTES, text.data, text.count) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    return is;
}

const uint8_t *signature_find_key(const struct signature_upload *upload,
                                  const uint8_t signature[SIGNATURE_BYTES],
                                  struct bytes keys)
{
    char text[SIGNATURE_STATEMENT_BYTES];
    size_t count = signature_statement(upload, text);
    for (size_t at = 0; at + SIGNATURE_KEY_BYTES <= keys.count; at += SIGNATURE_KEY_BYTES) {
        if (signature_is_of(keys.data + at, signature, bytes_make(text, count)))
            return keys.data + at;
    }
    return NULL;
}
