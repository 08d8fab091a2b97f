/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cryptography for guests: pure functions of bytes, over OpenSSL. What takes its time is cut into
 * calls that take less than a millisecond each, between which others run:
 *
 *   HASH_BEGIN, HMAC_BEGIN, CIPHER_BEGIN --> MORE, MORE, ... --> END      a stream, one at a time
 *   PBKDF2 --> u, t --> PBKDF2 --> u, t ...                               so many rounds each
 *
 * Keys are DER, SubjectPublicKeyInfo and PKCS #8, which the guest keeps: nothing here remembers
 * one. Arguments and lists are bytes with their count before them, four bytes, little-endian.
 */
#ifndef SKERRY_HOSTAPI_CRYPTO_CRYPTO_H
#define SKERRY_HOSTAPI_CRYPTO_CRYPTO_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* Of all arguments of a call. */
#define CRYPTO_BYTES_MAX ((size_t)1 << 18)
/* Of PBKDF2 in a call. */
#define CRYPTO_ROUNDS_MAX 500
/* Of RSA keys, and of those that sign and decrypt. */
#define CRYPTO_RSA_BITS_MIN         1024
#define CRYPTO_RSA_BITS_MAX         4096
#define CRYPTO_RSA_PRIVATE_BITS_MAX 2048
/* Of an RSA key's public exponent. */
#define CRYPTO_RSA_EXPONENT_BITS_MAX 64
/* Of a key in DER. */
#define CRYPTO_DER_MAX 8192
/* Room that is enough for what is no stream. */
#define CRYPTO_RESULT_MAX 16384

enum crypto_operation {
#define CRYPTO(NAME, number, function, fuel, fuel_per_256, arguments) CRYPTO_##NAME = (number),
#include "hostapi/crypto/crypto.def"
};

/* What is under way between BEGIN and END; zeroed: nothing. */
struct crypto_stream {
    void *hash;   /* EVP_MD_CTX */
    void *mac;    /* EVP_MAC_CTX */
    void *cipher; /* EVP_CIPHER_CTX */
    bool is_gcm;
    bool encrypts;
};

void crypto_stream_clear(struct crypto_stream *stream);

/* The price of a call, before anything is done; 0: there is no such operation. */
uint64_t crypto_price(uint32_t operation, struct bytes arguments);
/*
 * Writes the result to `out`. INVALID: an argument makes no sense, or there is no stream; DENIED:
 * it is not authentic; LIMIT: a bound above; UNSUPPORTED: an algorithm that is not here; FULL:
 * there is not enough room in `out`. What fails ends the stream.
 */
NODISCARD enum status crypto_run(uint32_t operation,
                                 struct bytes arguments,
                                 struct crypto_stream *stream,
                                 struct bytes out,
                                 size_t *ret_count);

#endif
