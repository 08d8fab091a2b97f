/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/egress: which addresses may be connected to, from addresses.def.
 *
 * It is asked twice, of each address that a name has, and of the one that a socket is about to be
 * connected to. Only the second answer guards anything: the first is for a better error.
 */
#ifndef SKERRY_SERVER_EGRESS_ADDRESS_POLICY_H
#define SKERRY_SERVER_EGRESS_ADDRESS_POLICY_H

#include "config/config.h"

/* From good to bad. */
enum address_verdict { ADDRESS_PUBLIC, ADDRESS_PRIVATE, ADDRESS_NEVER };

/* Rows of addresses.def: address_policy_init fails if there are more. */
#define ADDRESS_ROWS_MAX 64

struct address_row {
    struct config_net net;
    enum address_verdict verdict;
    uint32_t carried_at; /* 0: it stands for itself */
    const char *text;    /* "link-local" */
};

struct address_policy {
    bool allow_private; /* set by whoever made it */
    uint32_t row_count;
    struct address_row rows[ADDRESS_ROWS_MAX];
};

/* CONFIG if a row is no network. */
NODISCARD enum status address_policy_init(struct address_policy *policy, bool allow_private);
/* Text says what an address that is not public is; it is static. */
enum address_verdict address_policy_class(const struct address_policy *policy,
                                          const struct sockaddr *address,
                                          const char **ret_text);
bool address_policy_allows(const struct address_policy *policy,
                           const struct sockaddr *address,
                           const char **ret_text);

#endif
