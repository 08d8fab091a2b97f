/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what is said about TLS between processes: a worker asks the key process for a
 * signature, and control gives all workers the same keys for tickets.
 */
#ifndef SKERRY_SERVER_CHANNEL_TLS_MESSAGES_H
#define SKERRY_SERVER_CHANNEL_TLS_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TLS_KEY_DIGEST_BYTES    32
#define TLS_SIGNED_BYTES_MAX    512 /* what a handshake has signed: two randoms and a share */
#define TLS_SIGNATURE_BYTES_MAX 512 /* RSA with 4096 bits */
#define TLS_TICKET_KEYS         2   /* the one that new tickets get, and the one before it */

struct tls_ticket_key {
    uint8_t name[16];
    uint8_t cipher[32]; /* AES-256-CBC */
    uint8_t mac[32];    /* HMAC-SHA-256 */
};

/* Is it what a TLS server signs, and nothing else: CertificateVerify of 1.3 [RFC 8446 4.4.3], or
 * the ServerECDHParams of 1.2 with both randoms [RFC 8422 5.4]? */
static inline bool tls_is_handshake(const uint8_t *data, size_t count)
{
    static const char context[] = "TLS 1.3, server CertificateVerify";
    const size_t blanks = 64;
    const size_t head = blanks + sizeof(context); /* with its NUL */
    if (count == head + 32 || count == head + 48) {
        size_t at = 0;
        while (at < blanks && data[at] == ' ')
            at++;
        if (at == blanks && memcmp(data + blanks, context, sizeof(context)) == 0)
            return true;
    }
    /* named_curve, the curve's number, a point that takes all that is left */
    return count > blanks + 4 && data[blanks] == 3 && data[blanks + 3] == count - blanks - 4;
}

#endif
