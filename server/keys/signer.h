/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/keys/: private keys of certificates. They come in PEM, lie in the vault, and
 * leave it for nobody: what leaves is signatures, of nothing but TLS handshakes.
 */
#ifndef SKERRY_SERVER_KEYS_SIGNER_H
#define SKERRY_SERVER_KEYS_SIGNER_H

#include <openssl/types.h>

#include "server/channel/tls_messages.h"
#include "server/keys/vault.h"

struct signer;

struct signer_order {
    struct bytes key; /* TLS_KEY_DIGEST_BYTES: SHA-256 of its public half */
    uint32_t scheme;  /* of channel/tls_schemes.def */
    struct bytes message;
};

/* The vault is borrowed. */
NODISCARD enum status
signer_create(struct vault *vault, struct report *report, struct signer **ret_signer);
void signer_free(struct signer *signer);
/* INVALID: it is no private key in PEM, or another's than `key`. On disk when it returns. */
NODISCARD enum status
signer_put(struct signer *signer, struct bytes key, struct bytes pem, struct report *report);
/* The same for one that was made here. */
NODISCARD enum status
signer_keep(struct signer *signer, struct bytes key, EVP_PKEY *private, struct report *report);
/* SHA-256 of its public half: what names it. */
bool signer_digest(EVP_PKEY *private, uint8_t ret_digest[TLS_KEY_DIGEST_BYTES]);
/* NOT_FOUND. */
NODISCARD enum status signer_remove(struct signer *signer, struct bytes key, struct report *report);
/* NOT_FOUND: there is no such key; INVALID: it is none for the scheme, or the message is no
 * handshake's. */
NODISCARD enum status signer_sign(struct signer *signer,
                                  const struct signer_order *order,
                                  struct report *report,
                                  uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                                  size_t *ret_count);

#endif
