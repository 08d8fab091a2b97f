/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is fed piece by piece: hashes, HMAC, AES in three modes.
 */
#include <openssl/core_names.h>

#include "hostapi/crypto/crypto_private.h"

#define STREAM_TAG_BYTES   16
#define STREAM_TAG_MIN     4
#define STREAM_BLOCK_BYTES 16

void crypto_stream_clear(struct crypto_stream *stream)
{
    EVP_MD_CTX_free(stream->hash);
    EVP_MAC_CTX_free(stream->mac);
    EVP_CIPHER_CTX_free(stream->cipher);
    *stream = (struct crypto_stream){0};
}

/* ---- beginning ------------------------------------------------------------------------------- */

enum status crypto_hash_begin(struct crypto_call *call)
{
    const EVP_MD *hash = crypto_hash(call->arguments[0]);
    crypto_stream_clear(call->stream);
    if (hash == NULL)
        return STATUS_UNSUPPORTED;
    call->stream->hash = EVP_MD_CTX_new();
    bool good =
        call->stream->hash != NULL && EVP_DigestInit_ex(call->stream->hash, hash, NULL) == 1;
    return good ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status crypto_hmac_begin(struct crypto_call *call)
{
    const EVP_MD *hash = crypto_hash(call->arguments[0]);
    struct bytes key = call->arguments[1];
    crypto_stream_clear(call->stream);
    if (hash == NULL)
        return STATUS_UNSUPPORTED;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)(uintptr_t)EVP_MD_get0_name(hash), 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    call->stream->mac = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    /* A key of no bytes is one, but its address must be. */
    const uint8_t *data = key.count == 0 ? (const uint8_t *)"" : key.data;
    bool good = call->stream->mac != NULL &&
                EVP_MAC_init(call->stream->mac, data, key.count, parameters) == 1;
    return good ? STATUS_OK : STATUS_INVALID;
}

static const EVP_CIPHER *stream_cipher(struct bytes name, size_t key_bytes)
{
    static const struct {
        const char *name;
        const EVP_CIPHER *(*ciphers[3])(void); /* by the key's length */
    } rows[] = {
        {"AES-CBC", {EVP_aes_128_cbc, EVP_aes_192_cbc, EVP_aes_256_cbc}},
        {"AES-CTR", {EVP_aes_128_ctr, EVP_aes_192_ctr, EVP_aes_256_ctr}},
        {"AES-GCM", {EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm}},
        {"AES-KW", {EVP_aes_128_wrap, EVP_aes_192_wrap, EVP_aes_256_wrap}},
    };
    if (key_bytes != 16 && key_bytes != 24 && key_bytes != 32)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (bytes_equal_text(name, rows[i].name))
            return rows[i].ciphers[key_bytes / 8 - 2]();
    }
    return NULL;
}

/* Has the iv a length that is the cipher's? Keys are wrapped with the one that is defined for
 * that [RFC 3394 2.2.3.1]. */
static bool stream_iv_is_good(const struct crypto_stream *stream, bool wraps, size_t count)
{
    if (wraps)
        return count == 0;
    return stream->is_gcm ? count > 0 && count <= 128 : count == STREAM_BLOCK_BYTES;
}

/* (name, encrypts, key, iv, what else is authenticated) */
enum status crypto_cipher_begin(struct crypto_call *call)
{
    struct crypto_stream *stream = call->stream;
    struct bytes key = call->arguments[2];
    struct bytes iv = call->arguments[3];
    struct bytes more = call->arguments[4];
    const EVP_CIPHER *cipher = stream_cipher(call->arguments[0], key.count);
    crypto_stream_clear(stream);
    if (cipher == NULL)
        return STATUS_INVALID;
    stream->is_gcm = bytes_equal_text(call->arguments[0], "AES-GCM");
    stream->encrypts = bytes_equal_text(call->arguments[1], "1");
    bool wraps = bytes_equal_text(call->arguments[0], "AES-KW");
    if (!stream_iv_is_good(stream, wraps, iv.count))
        return STATUS_INVALID;
    stream->cipher = EVP_CIPHER_CTX_new();
    if (stream->cipher != NULL && wraps)
        EVP_CIPHER_CTX_set_flags(stream->cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    const uint8_t *iv_data = wraps ? NULL : iv.data;
    bool good = stream->cipher != NULL &&
                EVP_CipherInit_ex(stream->cipher, cipher, NULL, NULL, NULL, stream->encrypts) == 1;
    if (good && stream->is_gcm)
        good =
            EVP_CIPHER_CTX_ctrl(stream->cipher, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.count, NULL) == 1;
    good = good &&
           EVP_CipherInit_ex(stream->cipher, NULL, NULL, key.data, iv_data, stream->encrypts) == 1;
    int count;
    if (good && more.count > 0)
        good = stream->is_gcm &&
               EVP_CipherUpdate(stream->cipher, NULL, &count, more.data, (int)more.count) == 1;
    return good ? STATUS_OK : STATUS_INVALID;
}

/* ---- going on -------------------------------------------------------------------------------- */

static enum status stream_cipher_more(struct crypto_call *call, struct bytes data)
{
    int count = 0;
    if (call->room < data.count + STREAM_BLOCK_BYTES)
        return STATUS_FULL;
    if (data.count > 0 &&
        EVP_CipherUpdate(call->stream->cipher, call->out, &count, data.data, (int)data.count) != 1)
        return STATUS_INVALID;
    call->used = (size_t)count;
    return STATUS_OK;
}

enum status crypto_more(struct crypto_call *call)
{
    struct bytes data = call->arguments[0];
    const struct crypto_stream *stream = call->stream;
    if (stream->cipher != NULL)
        return stream_cipher_more(call, data);
    if (stream->hash != NULL)
        return EVP_DigestUpdate(stream->hash, data.data, data.count) == 1 ? STATUS_OK
                                                                          : STATUS_INVALID;
    if (stream->mac != NULL)
        return EVP_MAC_update(stream->mac, data.data, data.count) == 1 ? STATUS_OK : STATUS_INVALID;
    return STATUS_INVALID;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static enum status stream_cipher_end(struct crypto_call *call, struct bytes tag)
{
    EVP_CIPHER_CTX *cipher = call->stream->cipher;
    bool checks = call->stream->is_gcm && !call->stream->encrypts;
    int count;
    if (call->room < (size_t)STREAM_BLOCK_BYTES + STREAM_TAG_BYTES)
        return STATUS_FULL;
    if (checks && (tag.count < STREAM_TAG_MIN || tag.count > STREAM_TAG_BYTES))
        return STATUS_INVALID;
    if (checks && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag.count,
                                      (void *)(uintptr_t)tag.data) != 1)
        return STATUS_INVALID;
    if (EVP_CipherFinal_ex(cipher, call->out, &count) != 1)
        return STATUS_DENIED;
    call->used = (size_t)count;
    if (!call->stream->is_gcm || checks)
        return STATUS_OK;
    if (EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, STREAM_TAG_BYTES,
                            call->out + call->used) != 1)
        return STATUS_INVALID;
    call->used += STREAM_TAG_BYTES;
    return STATUS_OK;
}

static enum status stream_end(struct crypto_call *call)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int hash_bytes = 0;
    size_t bytes = 0;
    bool good = false;
    if (call->stream->cipher != NULL)
        return stream_cipher_end(call, call->arguments[0]);
    if (call->stream->hash != NULL) {
        good = EVP_DigestFinal_ex(call->stream->hash, digest, &hash_bytes) == 1;
        bytes = hash_bytes;
    } else if (call->stream->mac != NULL) {
        good = EVP_MAC_final(call->stream->mac, digest, &bytes, sizeof(digest)) == 1;
    }
    return good ? crypto_give(call, digest, bytes) : STATUS_INVALID;
}

enum status crypto_end(struct crypto_call *call)
{
    enum status status = stream_end(call);
    crypto_stream_clear(call->stream);
    return status;
}
