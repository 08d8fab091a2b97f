/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of a function, as its guest reaches them: asked for one by one, over an operation.
 */
#ifndef SKERRY_HOSTAPI_SECRETS_H
#define SKERRY_HOSTAPI_SECRETS_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct http_exchange;

struct hostapi_secrets {
    /* Asks for a secret of the exchange's function. LIMIT: too much is under way; DENIED: its
     * manifest lists others; UNREACHABLE. The result of the operation is an enum status: OK,
     * NOT_FOUND, UNREACHABLE. */
    enum status (*start)(const struct http_exchange *exchange,
                         struct bytes name,
                         uint64_t *ret_ticket);
    /* The value of one that is READY and OK; valid until it is ended, then wiped. */
    struct bytes (*value)(void *owner, uint64_t ticket);
    /* The same as "NAME=value". */
    struct bytes (*pair)(void *owner, uint64_t ticket);
};

#endif
