/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API's door: HTTP/1.1 on a Unix socket and, if asked for, on a loopback address.
 * It checks who is there, turns HTTP into an api_request, and holds the request until
 * admin_http_reply, however long a build takes.
 *
 * Who may speak: on the Unix socket (mode 0600) the server's own user and root, by the
 * kernel's word; on the address whoever has the token, except for what is public, over TLS if it
 * has a certificate.
 * Nothing of a body is kept before its head was allowed to have one.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_HTTP_H
#define SKERRY_DEPLOY_DOOR_ADMIN_HTTP_H

#include "deploy/api/api.h"

#define ADMIN_HTTP_TOKEN_BYTES 65 /* 64 hexadecimal digits */

struct admin_http;
struct admin_http_call;

struct admin_http_options {
    struct event_base *base;
    const struct config *config;
    const struct clock *clock;
    const char *token; /* of the TCP address; copied */
    /* May the request have the body that its head declares? As api_admit. */
    bool (*admit)(void *context,
                  const struct api_request *request,
                  uint64_t body_bytes,
                  struct api_response *response,
                  uint64_t *ret_body_max);
    /* Whose token is it? As api_identify. May be NULL: the one above is all there is. */
    void (*identify)(void *context, struct bytes token, struct api_caller *caller);
    /* Exactly one admin_http_reply has to follow, now or later. */
    void (*handle)(void *context, struct admin_http_call *call);
    /* Somebody came without the token: `count` times since the last call, which is at least
     * ADMIN_HTTP_REFUSED_NS ago; the last was from `peer`. May be NULL. */
    void (*refused)(void *context, uint32_t count, const char *peer);
    /* Sockets that listen already, of the Unix socket and the address; taken over. NULL: there are
     * none; one of -1: that door is not wanted. */
    const int *adopted;
    void *context;
};
#define ADMIN_HTTP_DOORS      2
#define ADMIN_HTTP_REFUSED_NS (10 * CLOCK_NS_PER_S)

NODISCARD enum status admin_http_start(const struct admin_http_options *options,
                                       struct report *report,
                                       struct admin_http **ret_http);
/* All calls have been answered. Accepts NULL. */
void admin_http_stop(struct admin_http *http);

/* Reads the address's certificate again, if it has one, for those who come from now on. What cannot
 * be read leaves what was there. */
NODISCARD enum status admin_http_renew_tls(struct admin_http *http, struct report *report);

/* From now on nobody new is let in, which waits, and each connection ends with its answer. */
void admin_http_pause(struct admin_http *http, bool paused);
/* Ends what only waits or follows; true: nothing is left. */
NODISCARD bool admin_http_is_quiet(const struct admin_http *http);
/* Copies of the sockets that listen, for `adopted`; from now on admin_http_stop leaves their names.
 */
void admin_http_hand_over(struct admin_http *http, int ret_fds[ADMIN_HTTP_DOORS]);
/* Ends the answers that go on to callers of whom `holds` says no. */
void admin_http_end_streams(struct admin_http *http,
                            bool (*holds)(void *context, const struct api_caller *caller));
const struct api_request *admin_http_request(const struct admin_http_call *call);
/* Frees the call; the response stays the caller's. */
void admin_http_reply(struct admin_http_call *call, const struct api_response *response);
/*
 * Instead of the reply: an answer that goes on until the client leaves, which `gone` tells, or
 * admin_http_stream_end, which has to come in any case. Its head and body are written now.
 */
void admin_http_stream_begin(struct admin_http_call *call, const struct api_response *response);
/* False: the client is gone, or leaves more unread than ADMIN_HTTP_STREAM_BYTES. */
NODISCARD bool admin_http_stream_write(struct admin_http_call *call, struct bytes data);
/* Of an answer that goes on: from now on `drained` is called, with the context of `gone`, whenever
 * all that was written has left. It may end the answer. */
void admin_http_on_drained(struct admin_http_call *call, void (*drained)(void *context));
/* Frees the call. */
void admin_http_stream_end(struct admin_http_call *call);
#define ADMIN_HTTP_STREAM_BYTES ((size_t)20 << 20)
/* From now on, until the reply: `gone` is called once if the client goes away. The reply has to
 * come nevertheless, and may come from within. */
void admin_http_on_gone(struct admin_http_call *call, void (*gone)(void *context), void *context);

#endif
