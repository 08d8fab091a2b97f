/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API's door: libevent's HTTP server on a Unix socket and, if asked for, on a
 * loopback address. It checks who is there, turns HTTP into an api_request, and holds the
 * request until admin_http_reply, however long a build takes.
 */
#ifndef SKERRY_DEPLOY_API_ADMIN_HTTP_H
#define SKERRY_DEPLOY_API_ADMIN_HTTP_H

#include "deploy/api/api.h"

#define ADMIN_HTTP_TOKEN_BYTES 65 /* 64 hexadecimal digits */

struct admin_http;
struct admin_http_call;

struct admin_http_options {
    struct event_base *base;
    const struct config *config;
    const char *token; /* of the TCP address; copied */
    /* Exactly one admin_http_reply has to follow, now or later. */
    void (*handle)(void *context, struct admin_http_call *call);
    void *context;
};

NODISCARD enum status admin_http_start(const struct admin_http_options *options,
                                       struct report *report,
                                       struct admin_http **ret_http);
/* All calls have been answered. Accepts NULL. */
void admin_http_stop(struct admin_http *http);

const struct api_request *admin_http_request(const struct admin_http_call *call);
/* Frees the call; the response stays the caller's. */
void admin_http_reply(struct admin_http_call *call, const struct api_response *response);

#endif
