/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TLS is spoken at all, by whoever listens here: 1.2 and 1.3 with what Mozilla's intermediate
 * settings allow, but for Diffie-Hellman in finite fields. No renegotiation, no compression.
 */
#ifndef SKERRY_DEPLOY_CERTS_TLS_FLOOR_H
#define SKERRY_DEPLOY_CERTS_TLS_FLOOR_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* False: this OpenSSL does not take it. */
bool tls_floor_set(SSL_CTX *context);

#endif
