/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: TLS as a worker serves it: one SSL_CTX for all hosts, with what Mozilla's
 * intermediate settings allow [wiki.mozilla.org/Security/Server_Side_TLS], but for the exchange of
 * keys in finite fields.
 *
 *   ClientHello --> its host, and with it the context in which a ticket is good (tls_on_hello)
 *         |
 *         +-- no ticket that is good: the host's certificate (tls_on_certificate)
 *
 * Tickets are sealed with keys that control gives to all workers. A session is its host's: one
 * cannot be resumed under another name.
 */
#ifndef SKERRY_SERVER_TLS_TLS_H
#define SKERRY_SERVER_TLS_TLS_H

#include "config/config.h"
#include "server/tls/certificates.h"
#include "server/tls/signing.h"

struct tls {
    SSL_CTX *context;
    int host_index; /* where an SSL has its host */
    const struct config *config;
    const struct clock *clock;
    struct metrics *metrics;
    struct signing signing;
    struct certificates *certificates;
    uint32_t ticket_key_count; /* 0: none has come, and there are no tickets */
    struct tls_ticket_key ticket_keys[TLS_TICKET_KEYS];
};

struct tls_options {
    const struct config *config;
    const struct clock *clock;
    struct metrics *metrics;
    struct deploy_catalog *catalog;
    struct peers *peers;
};

/* All of it is borrowed. */
NODISCARD enum status
tls_create(const struct tls_options *options, struct report *report, struct tls **ret_tls);
void tls_free(struct tls *tls);
/* The host that the handshake was for, in lower case: whose certificate was shown, now or when its
 * session began. Empty: it is not known. A view of `ssl`'s. */
struct bytes tls_host(const SSL *ssl);
/* Does the certificate of `of`, which tls_host gave, cover `host` (without a port)? */
bool tls_covers(struct tls *tls, struct bytes of, struct bytes host);

#endif
