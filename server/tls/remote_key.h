/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that are not here: OpenSSL's EVP_PKEY whose public half is known and whose
 * signatures somebody else makes. For OpenSSL they are those of a provider of their own.
 *
 *   libssl --EVP_DigestSign--> provider "skerry" --remote_signer.sign--> whoever has the key
 *
 * Of what is to be signed everything is handed on, not a digest, so that whoever signs sees what.
 */
#ifndef SKERRY_SERVER_TLS_REMOTE_KEY_H
#define SKERRY_SERVER_TLS_REMOTE_KEY_H

#include <openssl/evp.h>

#include "engine/base/bytes.h"
#include "server/channel/tls_messages.h"

struct remote_signer {
    /* False: there is no signature. May come back later, on the same stack (signing.h). */
    bool (*sign)(void *context,
                 const uint8_t key[TLS_KEY_DIGEST_BYTES],
                 uint32_t scheme, /* of channel/tls_schemes.def */
                 struct bytes message,
                 uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                 size_t *ret_count);
    void *context;
};

/* Once in a process, before the first key. */
NODISCARD enum status remote_key_init(struct report *report);
/* A key whose public half is `public` (a reference is taken), named `key`. The signer is borrowed
 * and outlives it. NULL: memory ran out, or the provider is not there. */
EVP_PKEY *remote_key_make(const struct remote_signer *signer,
                          EVP_PKEY *public,
                          const uint8_t key[TLS_KEY_DIGEST_BYTES]);

#endif
