/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/keys/: what has to be made with private keys to have a host certified by ACME
 * [RFC 8555]. No private key leaves: what does is a request, a certificate or a signature.
 *
 *   account key   one for each directory, by 32 bytes that name it; signs JWS and nothing else
 *   host's key    a new one for each order; signs its own request, and then handshakes (signer.h)
 *   proof's key   the same, for a certificate of tls-alpn-01 [RFC 8737]; removed after the proof
 */
#ifndef SKERRY_SERVER_KEYS_ENROLL_H
#define SKERRY_SERVER_KEYS_ENROLL_H

#include "server/keys/signer.h"

#define ENROLL_POINT_BYTES     64 /* x and y of P-256 */
#define ENROLL_SIGNATURE_BYTES 64 /* r and s [RFC 7518 3.4] */

/* Appends the SHA-256 that names a new key, which is kept, and its PKCS #10 request for `host` in
 * DER. INVALID: that is no host. */
NODISCARD enum status enroll_request(struct signer *signer,
                                     struct bytes host,
                                     struct report *report,
                                     struct buffer *made);
/* The same, and a certificate for `host` that says `hash`, 32 bytes [RFC 8737 3]. */
NODISCARD enum status enroll_proof(struct signer *signer,
                                   struct bytes host,
                                   struct bytes hash,
                                   struct report *report,
                                   struct buffer *made);
/* Appends the account's public point; it gets a key if it has none. */
NODISCARD enum status
enroll_account(struct vault *vault, struct bytes name, struct report *report, struct buffer *point);
/* Appends the signature of a JWS's input. INVALID: it is none; NOT_FOUND: there is no account. */
NODISCARD enum status enroll_sign(struct vault *vault,
                                  struct bytes name,
                                  struct bytes input,
                                  struct report *report,
                                  struct buffer *signature);

#endif
