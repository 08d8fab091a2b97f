/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/egress: fetches, one HTTP request each to a server elsewhere, with the
 * redirects that it is led through.
 *
 *   start --> RESOLVING --address is allowed--> TRYING --answer--> ENDED
 *                 ^                               |
 *                 +---- a redirect to follow -----+
 *
 * Whom a fetch may ask is checked for each hop: by the function's rules (config/url.h), then by the
 * policy of addresses, once when the name is resolved and once more when a socket is about to be
 * connected. Only addresses that were resolved for the fetch are connected to.
 *
 * Bodies stream, both ways, in windows: who starts a fetch may write EGRESS_WINDOW bytes ahead of
 * `room`, and is given as much of the answer as it granted with egress_fetch_grant.
 * What is called back is called from the event loop or out of any of these functions, and must not
 * call any of them for the same fetch.
 */
#ifndef SKERRY_SERVER_EGRESS_FETCH_H
#define SKERRY_SERVER_EGRESS_FETCH_H

#include "config/url.h"
#include "engine/base/clock.h"
#include "server/channel/fetch_messages.h"

#define EGRESS_WINDOW        FETCH_WINDOW_BYTES /* of each direction of a fetch */
#define EGRESS_HEAD_BYTES    65536u             /* of all heads of an answer */
#define EGRESS_FIELDS_MAX    FETCH_FIELDS_MAX   /* rows of a request's or an answer's head */
#define EGRESS_RULES_MAX     FETCH_RULES_MAX
#define EGRESS_REDIRECTS_MAX 20u
/* The latest: as long as limits.stream_wall can be. What is asked for on behalf of a request ends
 * with that anyway. */
#define EGRESS_DEADLINE_US UINT64_C(604800000000)

struct event_base;
struct egress_engine;
struct egress_fetch;

/* Of an order, all is borrowed until egress_fetch_start returns. */
struct egress_ops {
    void (*head)(void *context, const struct fetch_head *head);
    /* Some of what was granted. */
    void (*data)(void *context, struct bytes data);
    /* So many more bytes of the request's body may be written. */
    void (*room)(void *context, uint32_t count);
    /* The last call; the fetch is gone when it returns. Not after egress_fetch_cancel. */
    void (*done)(void *context, const struct fetch_result *result);
};

struct egress_options {
    struct event_base *base;
    const struct clock *clock;
    bool allow_private;
    const char *nameserver; /* "ADDR:PORT"; "": those of /etc/resolv.conf */
    const char *ca_file;    /* of certificates that are trusted; "": the system's */
    uint64_t connect_us;    /* a name's addresses, and a connection to one: each at most */
    uint64_t idle_us;       /* without a byte of who was asked */
    uint32_t fetches_max;   /* at once */
    uint32_t fetches_per_tenant_max;
};

struct egress_stats {
    uint32_t fetches; /* under way */
    uint32_t pools;   /* tenants with connections */
    uint64_t started;
    uint64_t ended[FETCH_END_COUNT];
    uint64_t connects;
};

NODISCARD enum status egress_engine_create(const struct egress_options *options,
                                           struct report *report,
                                           struct egress_engine **ret_engine);
/* Fetches under way are forgotten; accepts NULL. */
void egress_engine_free(struct egress_engine *engine);
struct egress_stats egress_engine_stats(const struct egress_engine *engine);

/* Never fails: `done` says what is wrong, before this returns (then *ret_fetch is NULL) or later.
 */
void egress_fetch_start(struct egress_engine *engine,
                        const struct fetch_order *order,
                        const struct egress_ops *ops,
                        void *context,
                        struct egress_fetch **ret_fetch);
/* More of the request's body. False: it is more than there was room for. */
NODISCARD bool egress_fetch_write(struct egress_fetch *fetch, struct bytes data);
/* There is no more of it. */
void egress_fetch_finish(struct egress_fetch *fetch);
/* So many more bytes of the answer may be given. */
void egress_fetch_grant(struct egress_fetch *fetch, uint32_t count);
/* Nobody wants it any more: `done` is not called. */
void egress_fetch_cancel(struct egress_fetch *fetch);

#endif
