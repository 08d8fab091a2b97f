/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates by ACME [RFC 8555]: for each domain that is proven to be a tenant's and has `tls:
 * acme`, an order when it has no certificate, and again when two thirds of its life are over. What
 * fails is tried again, later each time.
 *
 *   domains --acme_turn--> orders --fetch--> egress   --> the certifying server
 *                             +-----ask----> the key process: accounts, keys, requests
 *                             +-----store--> challenges, which workers answer; certificates
 *
 * Control drives and has no private key. Nothing here waits: an order is where its last answer
 * took it (acme_order.c), and every number that was asked has an answer or is lost.
 */
#ifndef SKERRY_DEPLOY_ACME_ACME_H
#define SKERRY_DEPLOY_ACME_ACME_H

#include "deploy/store/store.h"

struct acme;

/* Numbers of what is asked have this bit. */
#define ACME_NUMBER (UINT64_C(1) << 61)

struct acme_options {
    struct event_base *base; /* NULL: acme_turn is called by whoever made it */
    const struct clock *clock;
    const struct config *config;
    struct store *store;
    /* As in deploy_control_options; none of them NULL. */
    bool (*ask)(void *context, const struct deploy_vault_order *order, uint64_t number);
    bool (*fetch)(void *context, const struct deploy_fetch *fetch, uint64_t number);
    void (*tell)(void *context, bool failed, const char *host, const char *text);
    void *context;
};

/* All is borrowed. Nothing is ordered before acme_start. */
NODISCARD enum status
acme_create(const struct acme_options *options, struct report *report, struct acme **ret_acme);
/* Orders under way are forgotten; accepts NULL. */
void acme_free(struct acme *acme);
void acme_start(struct acme *acme);
/* A domain was set or proven: all are looked at, soon. */
void acme_look(struct acme *acme);
/* What is due is done; returns when there is more, by the monotonic clock. */
uint64_t acme_turn(struct acme *acme);
/* Answers; false: the number is none of ours. */
bool acme_vault_done(struct acme *acme, uint64_t number, enum status status, struct bytes text);
bool acme_fetched(struct acme *acme, uint64_t number, const struct deploy_fetched *fetched);
/* Who keeps keys is gone. */
void acme_vault_lost(struct acme *acme);

#endif
