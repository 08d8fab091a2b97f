/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tls_floor.h.
 */
#include "deploy/certs/tls_floor.h"

#define TLS_FLOOR_CIPHERS                                                                          \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS_FLOOR_GROUPS "X25519:P-256:P-384"

bool tls_floor_set(SSL_CTX *context)
{
    char groups[] = TLS_FLOOR_GROUPS; /* the macro's cast wants it so */
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, TLS_FLOOR_CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}
