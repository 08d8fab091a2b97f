/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of JOSE that ACME wants: base64url without padding, keys of P-256 as JWK, and JWS in
 * the flattened form [RFC 7515, 7517, 7638]. Nothing here signs.
 *
 *   header, payload --jose_input--> what is to be signed --the key process--> jose_body
 */
#ifndef SKERRY_DEPLOY_ACME_JOSE_H
#define SKERRY_DEPLOY_ACME_JOSE_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define JOSE_POINT_BYTES      64  /* x and y */
#define JOSE_JWK_BYTES        160 /* of a key as JSON, with its NUL */
#define JOSE_THUMBPRINT_BYTES 44  /* of SHA-256 in base64url, with its NUL */

NODISCARD enum status jose_encode(struct bytes data, struct buffer *out);
/* Is it all of letters, digits, `-` and `_`, and not empty? */
bool jose_is_encoded(struct bytes text);
/* The key as JSON, members in the order of a thumbprint; false: it has not JOSE_POINT_BYTES. */
bool jose_jwk(struct bytes point, char ret_jwk[JOSE_JWK_BYTES]);
/* Of such JSON [RFC 7638 3]. */
bool jose_thumbprint(const char *jwk, char ret_thumbprint[JOSE_THUMBPRINT_BYTES]);
/* Appends what is signed: both in base64url, with a dot between. */
NODISCARD enum status jose_input(struct bytes header, struct bytes payload, struct buffer *input);
/* Appends the JWS in JSON. INVALID: `input` is none of jose_input. */
NODISCARD enum status jose_body(struct bytes input, struct bytes signature, struct buffer *body);

#endif
