/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share: a call with its arguments, and its result as it grows.
 */
#ifndef SKERRY_HOSTAPI_CRYPTO_CRYPTO_PRIVATE_H
#define SKERRY_HOSTAPI_CRYPTO_CRYPTO_PRIVATE_H

#include <openssl/evp.h>

#include "hostapi/crypto/crypto.h"

#define CRYPTO_ARGUMENTS_MAX 12

struct crypto_call {
    struct bytes arguments[CRYPTO_ARGUMENTS_MAX]; /* those that are not there are empty */
    uint32_t count;
    struct crypto_stream *stream;
    uint8_t *out;
    size_t room;
    size_t used; /* of it */
};

typedef enum status crypto_function(struct crypto_call *call);
#define CRYPTO(NAME, number, function, fuel, fuel_per_256, arguments) crypto_function function;
#include "hostapi/crypto/crypto.def"

struct crypto_key_kind {
    const char *text;
    int type;
    const char *curve;
    uint64_t fuel;
};

/* NULL: there is none of that name. */
const struct crypto_key_kind *crypto_key_kind(struct bytes text);
/* A private key in PKCS #8, or a public one in SubjectPublicKeyInfo, within the bounds; freed by
 * EVP_PKEY_free; NULL: it is none. */
EVP_PKEY *crypto_key_open(struct bytes der, bool is_private);
/* Is it of that kind? */
bool crypto_key_is(const EVP_PKEY *key, const struct crypto_key_kind *kind);

/* NULL: not known here. */
const EVP_MD *crypto_hash(struct bytes name);
/* A number in decimal, at most `maximum`; false: it is none. */
bool crypto_number(struct bytes text, uint32_t maximum, uint32_t *ret_number);
/* Appends to the result. FULL */
NODISCARD enum status crypto_give(struct crypto_call *call, const void *data, size_t count);
/* The same of one of a list. */
NODISCARD enum status crypto_give_row(struct crypto_call *call, const void *data, size_t count);

#endif
