/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's SHA-256.
 */
#include "deploy/store/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define DIGEST_BASE64_BYTES 45 /* of a SHA-256, with its NUL */

void digest_sha256(struct bytes data, uint8_t ret_sha256[DEPLOY_SHA256_BYTES])
{
    static const uint8_t nothing;
    (void)SHA256(data.count == 0 ? &nothing : data.data, data.count, ret_sha256);
}

/* A list of `name=:base64:`; of names that are not known nothing is said. */
bool digest_holds(struct bytes content_digest, struct bytes data)
{
    static const char name[] = "sha-256=:";
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    char wanted[DIGEST_BASE64_BYTES + sizeof(name)];
    digest_sha256(data, sha256);
    memcpy(wanted, name, strlen(name));
    int count = EVP_EncodeBlock((unsigned char *)wanted + strlen(name), sha256, sizeof(sha256));
    memcpy(wanted + strlen(name) + count, ":", 2);
    for (struct bytes text; bytes_next_item(&content_digest, &text);) {
        bool is_ours =
            text.count >= strlen("sha-256") &&
            bytes_equal_nocase(bytes_make(text.data, strlen("sha-256")), bytes_of_text("sha-256"));
        if (is_ours)
            return bytes_equal_text(text, wanted);
    }
    return true;
}

/* key = SHA-256(key || word || more) */
static void digest_extend(uint8_t key[DEPLOY_SHA256_BYTES], const char *word, struct bytes more)
{
    uint8_t all[4 * DEPLOY_SHA256_BYTES];
    size_t count = strlen(word);
    ASSERT(count + more.count <= sizeof(all) - DEPLOY_SHA256_BYTES);
    memcpy(all, key, DEPLOY_SHA256_BYTES);
    memcpy(all + DEPLOY_SHA256_BYTES, word, count);
    if (more.count > 0)
        memcpy(all + DEPLOY_SHA256_BYTES + count, more.data, more.count);
    digest_sha256(bytes_make(all, DEPLOY_SHA256_BYTES + count + more.count), key);
}

void digest_artifact_key(const struct digest_made_of *made_of, uint8_t ret_key[DEPLOY_SHA256_BYTES])
{
    uint8_t key[DEPLOY_SHA256_BYTES];
    uint8_t config[DEPLOY_SHA256_BYTES];
    uint8_t files[2 * DEPLOY_SHA256_BYTES];
    memcpy(key, made_of->sha256, sizeof(key));
    if (made_of->config.count > 0) {
        digest_sha256(made_of->config, config);
        digest_extend(key, "", bytes_make(config, sizeof(config)));
    }
    if ((made_of->choices & DEPLOY_DETERMINISTIC) != 0)
        digest_extend(key, DIGEST_DETERMINISTIC, bytes_make(NULL, 0));
    if ((made_of->choices & DEPLOY_CHECKPOINT) != 0)
        digest_extend(key, DIGEST_CHECKPOINT, bytes_make(NULL, 0));
    if (made_of->files.count > 0) {
        digest_sha256(made_of->tenant, files);
        digest_sha256(made_of->files, files + DEPLOY_SHA256_BYTES);
        digest_extend(key, DIGEST_FILES, bytes_make(files, sizeof(files)));
    }
    if (made_of->base != NULL)
        digest_extend(key, DIGEST_BASE, bytes_make(made_of->base, DEPLOY_SHA256_BYTES));
    memcpy(ret_key, key, sizeof(key));
}

void digest_base_key(const uint8_t sha256[DEPLOY_SHA256_BYTES],
                     uint32_t choices,
                     uint8_t ret_key[DEPLOY_SHA256_BYTES])
{
    const struct digest_made_of made_of = {.sha256 = sha256,
                                           .choices = choices & (uint32_t)DEPLOY_DETERMINISTIC};
    uint8_t key[DEPLOY_SHA256_BYTES];
    digest_artifact_key(&made_of, key);
    digest_extend(key, DIGEST_IS_BASE, bytes_make(NULL, 0));
    memcpy(ret_key, key, sizeof(key));
}
