/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/acme: one request of an order to the server, from its payload to its answer.
 *
 *   acme_post --no nonce--> HEAD newNonce --+
 *       +-----------------------------------+--> header --the vault signs--> POST --> answer
 *                                           ^                                  |
 *                                           +----------- badNonce -------------+
 */
#ifndef SKERRY_DEPLOY_ACME_ACME_POST_H
#define SKERRY_DEPLOY_ACME_ACME_POST_H

#include "deploy/acme/acme_private.h"

/* What became of an answer to what was asked. */
enum acme_posted {
    ACME_POSTED_WAITS,  /* there is more to come, or the order has ended */
    ACME_POSTED_ANSWER, /* it is the answer, and none of an error */
};

/* An empty payload: POST-as-GET [RFC 8555 6.3]. Each of these may end the order. */
void acme_post(struct acme_order *order, const char *url, struct bytes payload);
/* Without a signature: the directory. */
void acme_get(struct acme_order *order, const char *url);
/* An order to the vault; `wait` says what it is for. */
void acme_ask(struct acme_order *order,
              const struct deploy_vault_order *wanted,
              enum acme_wait wait);
/* The vault has signed. */
void acme_post_signed(struct acme_order *order, struct bytes signature);
NODISCARD enum acme_posted acme_post_fetched(struct acme_order *order,
                                             const struct deploy_fetched *fetched);

#endif
