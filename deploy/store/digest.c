/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's SHA-256.
 */
#include "deploy/store/digest.h"

#include <openssl/sha.h>

void digest_sha256(struct bytes data, uint8_t ret_sha256[DEPLOY_SHA256_BYTES])
{
    static const uint8_t nothing;
    (void)SHA256(data.count == 0 ? &nothing : data.data, data.count, ret_sha256);
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
