/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: one end of a stream socket between two processes, and frames on it.
 *
 *   channel_send --> [socket takes it] or [out: out_max bytes] --channel_flush--> socket
 *   socket --channel_receive--> [in: a frame and what came with it] --> frame(), one by one
 *
 * Never waits: what the socket does not take is kept, and over the bound a frame is refused whole,
 * for the caller to say so to whoever asked. What comes in is checked against messages.def before
 * room is made for it. Knows no loop: its owner calls channel_receive when the socket can be read,
 * and channel_flush when it can be written, or now and then, while channel_has_unsent.
 */
#ifndef SKERRY_SERVER_CHANNEL_CHANNEL_H
#define SKERRY_SERVER_CHANNEL_CHANNEL_H

#include "engine/base/status.h"
#include "server/channel/frames.h"

#define CHANNEL_OUT_MAX    ((size_t)8 << 20)
#define CHANNEL_UNSENT_FDS 16

struct channel_options {
    int fd; /* non-blocking; taken over */
    enum channel_end own;
    enum channel_end peer;
    bool takes_fds; /* of a peer that is trusted to send some */
    bool wipes;     /* what came is secret: nothing of it stays in memory once it was handled */
    bool gathers;   /* nothing is sent before channel_flush, which its owner calls once a turn */
    size_t out_max;
    /* False: what it says makes no sense, and the channel is broken. May send on it, but not end
     * it. A descriptor that came with it is the callee's. */
    bool (*frame)(void *context, const struct channel_frame *frame);
    void *context;
};

/* A descriptor, and the place in `out` of the frame it goes with. */
struct channel_fd_mark {
    size_t at;
    int fd;
};

struct channel {
    struct channel_options options;
    struct buffer in;
    struct buffer out;
    size_t out_at; /* so much of it was sent */
    uint32_t mark_count;
    struct channel_fd_mark marks[CHANNEL_UNSENT_FDS];
    uint32_t fd_count; /* that came, and whose frames did not yet */
    int fds[CHANNEL_UNSENT_FDS];
    bool broken; /* in writing: the next channel_receive says so */
};

/* Two ends of a new channel, for channel_options.fd. */
NODISCARD enum status channel_pair(struct report *report, int ret_fds[2]);

void channel_init(struct channel *channel, const struct channel_options *options);
/* Closes it. Accepts one that is closed, and zeros. */
void channel_done(struct channel *channel);
static inline bool channel_is_open(const struct channel *channel)
{
    return channel->in.max > 0;
}

struct channel_message {
    enum channel_type type; /* that this end may send (ASSERTed) */
    uint16_t flags;
    uint64_t id;
    struct bytes head; /* the payload is this */
    struct bytes body; /* and this */
    int fd;            /* if the type brings one: a copy is sent */
};
/* False: there is no room for it now, or the channel is closed or broken. */
NODISCARD bool channel_send(struct channel *channel, const struct channel_message *message);
bool channel_has_unsent(const struct channel *channel);
/* Sends what the socket takes. */
void channel_flush(struct channel *channel);
/*
 * Handles what has come, a bounded part of it. STATUS_UNREACHABLE: the other side has closed it, or
 * cannot be reached; STATUS_MALFORMED: it sent what it may not. Then it is over: channel_done. What
 * is left, an end too, makes the socket readable again.
 */
NODISCARD enum status channel_receive(struct channel *channel, struct report *report);

#endif
