/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/egress: fetches as workers ask for them, by messages
 * (channel/fetch_messages.h).
 *
 * A call is a worker's fetch, found by the worker and its id. What it is told and cannot be sent,
 * because the worker does not read, ends it: then all that is still owed is to say so, and that is
 * tried again until there is room.
 */
#ifndef SKERRY_SERVER_EGRESS_CALLS_H
#define SKERRY_SERVER_EGRESS_CALLS_H

#include "server/egress/fetch.h"

struct channel_frame;
struct channel_message;
struct egress_calls;
struct helper_caller;

struct egress_calls_options {
    struct event_base *base;
    struct egress_engine *engine;
    /* False: no room, or the worker is gone. */
    bool (*send)(void *context,
                 const struct helper_caller *caller,
                 const struct channel_message *message);
    void *context;
};

NODISCARD enum status egress_calls_create(const struct egress_calls_options *options,
                                          struct egress_calls **ret_calls);
/* Cancels all; accepts NULL. */
void egress_calls_free(struct egress_calls *calls);
/* False: it makes no sense. */
NODISCARD bool egress_calls_frame(struct egress_calls *calls,
                                  const struct helper_caller *caller,
                                  const struct channel_frame *frame);
void egress_calls_gone(struct egress_calls *calls, const struct helper_caller *caller);
uint32_t egress_calls_count(const struct egress_calls *calls);

#endif
