/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a channel on libevent's loop, for control and the helpers.
 */
#ifndef SKERRY_SERVER_HELPER_WIRE_H
#define SKERRY_SERVER_HELPER_WIRE_H

#include "server/channel/channel.h"

struct event;
struct event_base;

struct wire {
    struct channel channel;
    struct event *readable;
    struct event *writable; /* pending while there is something unsent */
    /* The other side is gone (UNREACHABLE), or is not understood. The wire is still open: the
     * callee closes it. */
    void (*broken)(void *context, enum status status, const struct report *report);
};

/* As channel_init; `broken` gets options->context. On failure the descriptor is closed. */
NODISCARD enum status
wire_open(struct wire *wire,
          struct event_base *base,
          const struct channel_options *options,
          void (*broken)(void *context, enum status status, const struct report *report));
/* Accepts one that is closed, and zeros. Not from inside its own frame(). */
void wire_close(struct wire *wire);
/* As channel_send. */
NODISCARD bool wire_send(struct wire *wire, const struct channel_message *message);

#endif
