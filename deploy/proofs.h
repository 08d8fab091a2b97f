/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of domains: for each that a tenant asked for and that is pending, its TXT record is looked
 * for, often in the first minutes, then ever more seldom, and after a week no more, until the
 * tenant asks for a domain again.
 *
 *   pending --"_skerry.HOST"--> egress --its records--> one is the challenge: it is the tenant's
 *
 * When each one's turn is follows from its age and name, so nothing has to be remembered.
 */
#ifndef SKERRY_DEPLOY_PROOFS_H
#define SKERRY_DEPLOY_PROOFS_H

#include "deploy/store/store.h"

/* Numbers of what is asked have this bit. */
#define PROOFS_NUMBER (UINT64_C(1) << 60)

struct proofs;

struct proofs_options {
    struct event_base *base; /* NULL: proofs_turn is called by whoever made it */
    const struct clock *clock;
    struct store *store;
    /* As deploy_control_options.texts; not NULL. */
    bool (*ask)(void *context, struct bytes name, uint64_t number);
    void *context;
};

/* All is borrowed. Nobody is asked before proofs_start. */
NODISCARD enum status proofs_create(const struct proofs_options *options,
                                    struct report *report,
                                    struct proofs **ret_proofs);
void proofs_free(struct proofs *proofs);
void proofs_start(struct proofs *proofs);
/* A tenant has asked for a domain: all its pending ones have their turn, soon. */
void proofs_look(struct proofs *proofs, struct bytes tenant);
/* Whose turn it is: to be called each PROOFS_TURN_S. */
void proofs_turn(struct proofs *proofs);
#define PROOFS_TURN_S 30
/* The records that were found. */
void proofs_texts(struct proofs *proofs, uint64_t number, struct bytes list);

#endif
