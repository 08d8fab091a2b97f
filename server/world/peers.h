/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the other processes that a worker talks to, each over a channel.
 *
 *   control --PEER(end, descriptor)--> peers_connect --> peers_send ... handler of what comes
 *                                          |
 *   the other side ends, or sends what it may not: calls that wait for it are lost, control is
 * told, and hands over a new channel
 *
 * A service embeds a `peers_call` in what it keeps of a call, so that it hears of it when the
 * process that was to answer is gone: nothing waits for who cannot answer.
 */
#ifndef SKERRY_SERVER_WORLD_PEERS_H
#define SKERRY_SERVER_WORLD_PEERS_H

#include "engine/base/list.h"
#include "server/channel/channel.h"

struct peers;

struct peers_call {
    struct list_link link; /* of its peer's; all zeros: it waits for nobody */
    /* The peer is gone. The call is off the list; may begin others elsewhere. */
    void (*lost)(struct peers_call *call);
};

/* What the loop does for them. */
struct peers_loop {
    /* Calls `ready` whenever fd can be read; what it returns ends that. */
    void *(*watch)(void *context, int fd, void (*ready)(void *of), void *of);
    void (*unwatch)(void *context, void *watch);
    void *context;
};

struct peers_one {
    struct peers *peers;
    enum channel_end end;
    struct channel channel; /* not open: there is none now */
    void *watch;
    struct list calls;
};

/* False: it makes no sense; the channel is broken. A descriptor that came is the callee's. */
typedef bool peers_handler(void *context, const struct channel_frame *frame);

struct peers {
    struct peers_loop loop;
    struct peers_one each[CHANNEL_END_COUNT];
    struct {
        peers_handler *handle; /* NULL: such a message breaks its channel */
        void *context;
    } handlers[CHANNEL_TYPE_COUNT];
};

void peers_init(struct peers *peers, const struct peers_loop *loop);
void peers_done(struct peers *peers);
void peers_on(struct peers *peers, enum channel_type type, peers_handler *handle, void *context);
/* Takes the descriptor over. A channel that there was to this end is lost. */
void peers_connect(struct peers *peers, enum channel_end end, int fd);
/* False: nobody is there, or there is no room. */
NODISCARD bool
peers_send(struct peers *peers, enum channel_end to, const struct channel_message *message);
/* From now on the call waits for that end, which is there: what was sent, was sent to it. */
void peers_call_begin(struct peers *peers, enum channel_end end, struct peers_call *call);
/* It has its answer, or nobody wants it. May be called of one that waits for nobody. */
void peers_call_end(struct peers_call *call);
/* Waits for something from that end, so many milliseconds at most, and handles it: for who has to
 * have an answer before anything else goes on. Not from inside a handler. */
void peers_wait(struct peers *peers, enum channel_end end, int wait_ms);
/* Once a turn; true: something waits to be sent, and the loop should come back soon. */
bool peers_flush(struct peers *peers);

#endif
