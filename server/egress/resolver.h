/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/egress: addresses of names, by evdns on our own loop. (Debian's libcurl would
 * start a thread for each.)
 *
 * Answers are remembered for RESOLVER_KEPT_NS, whatever their time to live: long enough for a
 * burst, too short to be noticed when a server moves. Names are asked as they are, never with a
 * search domain behind them: what a rule says is what is looked up.
 */
#ifndef SKERRY_SERVER_EGRESS_RESOLVER_H
#define SKERRY_SERVER_EGRESS_RESOLVER_H

#include <netinet/in.h>

#include "config/url.h"
#include "engine/base/clock.h"

#define RESOLVER_ADDRESSES_MAX 8
#define RESOLVER_KEPT_NS       (10 * CLOCK_NS_PER_S)
#define RESOLVER_ROWS          512 /* names that are remembered */

struct event_base;
struct resolver;
struct resolver_query;

struct resolver_answer {
    uint32_t count; /* 0: the name has none, or nobody answered */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } rows[RESOLVER_ADDRESSES_MAX];
    char text[80]; /* why there is none */
};

typedef void resolver_done(void *context, const struct resolver_answer *answer);

/* `nameserver`: "ADDR:PORT"; "": those of /etc/resolv.conf. */
NODISCARD enum status resolver_create(struct event_base *base,
                                      const struct clock *clock,
                                      const char *nameserver,
                                      struct report *report,
                                      struct resolver **ret_resolver);
void resolver_free(struct resolver *resolver);
/* True: the answer is known, and in *ret_answer. False: `done` is called later, unless it is
 * cancelled; *ret_query names it until then. */
NODISCARD bool resolver_ask(struct resolver *resolver,
                            const char *host,
                            resolver_done *done,
                            void *context,
                            struct resolver_answer *ret_answer,
                            struct resolver_query **ret_query);
void resolver_cancel(struct resolver_query *query);

#endif
