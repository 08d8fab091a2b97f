/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's SHA-256.
 */
#include "deploy/build/digest.h"

#include <openssl/sha.h>

void digest_sha256(struct bytes data, uint8_t ret_sha256[DEPLOY_SHA256_BYTES])
{
    static const uint8_t nothing;
    (void)SHA256(data.count == 0 ? &nothing : data.data, data.count, ret_sha256);
}

void digest_artifact_key(const uint8_t sha256[DEPLOY_SHA256_BYTES],
                         struct bytes config,
                         bool deterministic,
                         uint8_t ret_key[DEPLOY_SHA256_BYTES])
{
    static const char word[] = DIGEST_DETERMINISTIC;
    uint8_t choice[DEPLOY_SHA256_BYTES + sizeof(word) - 1];
    uint8_t both[2 * DEPLOY_SHA256_BYTES];
    memcpy(both, sha256, DEPLOY_SHA256_BYTES);
    digest_sha256(config, both + DEPLOY_SHA256_BYTES);
    if (config.count == 0)
        memcpy(ret_key, sha256, DEPLOY_SHA256_BYTES);
    else
        digest_sha256(bytes_make(both, sizeof(both)), ret_key);
    if (deterministic) {
        memcpy(choice, ret_key, DEPLOY_SHA256_BYTES);
        memcpy(choice + DEPLOY_SHA256_BYTES, word, sizeof(word) - 1);
        digest_sha256(bytes_make(choice, sizeof(choice)), ret_key);
    }
}
