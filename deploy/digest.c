/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's SHA-256, and hexadecimal both ways.
 */
#include "deploy/digest.h"

#include <openssl/sha.h>

static const char digest_digits[] = "0123456789abcdef";

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

void digest_hex(const uint8_t *data, size_t count, char *ret_text)
{
    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = digest_digits[data[i] >> 4];
        ret_text[2 * i + 1] = digest_digits[data[i] & 15];
    }
    ret_text[2 * count] = '\0';
}

static int digest_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_parse_hex(const char *text, size_t count, uint8_t *ret_data)
{
    for (size_t i = 0; i < count; i++) {
        int high = digest_digit(text[2 * i]);
        int low = high < 0 ? -1 : digest_digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        ret_data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
