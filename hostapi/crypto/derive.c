/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys from passwords and from other keys.
 */
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include "hostapi/crypto/crypto_private.h"

#define DERIVE_HKDF_BYTES_MAX 4096

/* One HMAC of a key whose context is ready: a copy of it is fed. */
static bool
derive_mac(const EVP_MAC_CTX *keyed, struct bytes data, uint8_t out[EVP_MAX_MD_SIZE], size_t *ret)
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(keyed);
    bool good = mac != NULL && EVP_MAC_update(mac, data.data, data.count) == 1 &&
                EVP_MAC_final(mac, out, ret, EVP_MAX_MD_SIZE) == 1;
    EVP_MAC_CTX_free(mac);
    return good;
}

/*
 * (hash, password, salt or u, t, rounds) -> u, t: so many rounds of one block of PBKDF2 [RFC 8018
 * 5.2]. Without a t they are the first, and the salt has the block's number at its end.
 */
enum status crypto_pbkdf2(struct crypto_call *call)
{
    uint8_t u[EVP_MAX_MD_SIZE];
    uint8_t t[EVP_MAX_MD_SIZE] = {0};
    struct bytes input = call->arguments[2];
    struct bytes given = call->arguments[3];
    size_t count = given.count;
    uint32_t rounds;
    struct crypto_stream keyed = {0};
    struct crypto_call begin = *call;
    if (!crypto_number(call->arguments[4], CRYPTO_ROUNDS_MAX, &rounds) || rounds == 0)
        return STATUS_LIMIT;
    begin.stream = &keyed;
    enum status status = crypto_hmac_begin(&begin);
    if (status == STATUS_OK && given.count > 0) {
        size_t expected = EVP_MAC_CTX_get_mac_size(keyed.mac);
        if (given.count != expected || input.count != expected)
            status = STATUS_INVALID;
        else
            memcpy(t, given.data, given.count);
    }
    for (uint32_t i = 0; i < rounds && status == STATUS_OK; i++) {
        if (!derive_mac(keyed.mac, input, u, &count))
            status = STATUS_INVALID;
        for (size_t at = 0; at < count && status == STATUS_OK; at++)
            t[at] ^= u[at];
        input = bytes_make(u, count);
    }
    crypto_stream_clear(&keyed);
    if (status == STATUS_OK)
        status = crypto_give(call, u, count);
    return status == STATUS_OK ? crypto_give(call, t, count) : status;
}

/* (hash, key, salt, info, bytes) -> so many [RFC 5869] */
enum status crypto_hkdf(struct crypto_call *call)
{
    const EVP_MD *hash = crypto_hash(call->arguments[0]);
    struct bytes key = call->arguments[1];
    struct bytes salt = call->arguments[2];
    struct bytes info = call->arguments[3];
    uint8_t out[DERIVE_HKDF_BYTES_MAX];
    uint32_t bytes;
    if (hash == NULL)
        return STATUS_UNSUPPORTED;
    if (!crypto_number(call->arguments[4], DERIVE_HKDF_BYTES_MAX, &bytes))
        return STATUS_LIMIT;
    if (bytes == 0)
        return STATUS_OK;
    uint8_t empty = 0;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         (char *)(uintptr_t)EVP_MD_get0_name(hash), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                          key.count == 0 ? &empty : (uint8_t *)(uintptr_t)key.data,
                                          key.count),
        OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_SALT, salt.count == 0 ? &empty : (uint8_t *)(uintptr_t)salt.data,
            salt.count),
        OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_INFO, info.count == 0 ? &empty : (uint8_t *)(uintptr_t)info.data,
            info.count),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    bool good = context != NULL && EVP_KDF_derive(context, out, bytes, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return good ? crypto_give(call, out, bytes) : STATUS_INVALID;
}
