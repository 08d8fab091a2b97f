/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losing a peer is the only case: whether it died, was replaced, or is not understood, its calls
 * are lost and its channel closed, and then control is asked for a new one.
 */
#include "server/world/peers.h"

#include <poll.h>
#include <unistd.h>

#include "server/telemetry/log.h"

#define PEERS_PAYLOAD_BYTES 8

static bool peers_on_peer(void *context, const struct channel_frame *frame)
{
    struct peers *peers = context;
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t end = channel_get_u32(&reader);
    (void)channel_get_u32(&reader); /* which of them: there is one */
    if (!channel_reader_ends(&reader) || end >= CHANNEL_END_COUNT || end == CHANNEL_CONTROL ||
        end == CHANNEL_WORKER) {
        (void)close(frame->fd);
        return false;
    }
    peers_connect(peers, end, frame->fd);
    return true;
}

void peers_init(struct peers *peers, const struct peers_loop *loop)
{
    *peers = (struct peers){.loop = *loop};
    for (enum channel_end end = 0; end < CHANNEL_END_COUNT; end++) {
        peers->each[end].peers = peers;
        peers->each[end].end = end;
    }
    peers_on(peers, CHANNEL_MESSAGE_PEER, peers_on_peer, peers);
}

void peers_on(struct peers *peers, enum channel_type type, peers_handler *handle, void *context)
{
    ASSERT(type < CHANNEL_TYPE_COUNT);
    peers->handlers[type].handle = handle;
    peers->handlers[type].context = context;
}

/* ---- losing one ------------------------------------------------------------------------------ */

static void peers_lose(struct peers_one *one)
{
    struct peers_call *call;
    if (!channel_is_open(&one->channel))
        return;
    one->peers->loop.unwatch(one->peers->loop.context, one->watch);
    channel_done(&one->channel);
    while ((call = LIST_FIRST(&one->calls, struct peers_call, link)) != NULL) {
        list_remove(&call->link);
        call->lost(call);
    }
}

void peers_done(struct peers *peers)
{
    for (enum channel_end end = 0; end < CHANNEL_END_COUNT; end++)
        peers_lose(&peers->each[end]);
}

static void peers_ask_for_another(struct peers_one *one)
{
    uint8_t room[PEERS_PAYLOAD_BYTES];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, one->end);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER_LOST,
                                            .head = channel_written(&writer)};
    bool asked = one->end == CHANNEL_CONTROL || peers_send(one->peers, CHANNEL_CONTROL, &message);
    (void)asked; /* without control we end soon */
}

/* ---- what comes ------------------------------------------------------------------------------ */

static bool peers_on_frame(void *context, const struct channel_frame *frame)
{
    const struct peers_one *one = context;
    const struct peers *peers = one->peers;
    if (peers->handlers[frame->type].handle != NULL)
        return peers->handlers[frame->type].handle(peers->handlers[frame->type].context, frame);
    if (frame->fd >= 0)
        (void)close(frame->fd);
    return false;
}

static void peers_on_ready(void *of)
{
    struct peers_one *one = of;
    struct report report = REPORT_INIT;
    enum status status = channel_receive(&one->channel, &report);
    if (status == STATUS_OK)
        return;
    if (one->end != CHANNEL_CONTROL)
        log_message(status == STATUS_UNREACHABLE ? "warn" : "error", "peer_lost", "%s",
                    report.text);
    peers_lose(one);
    peers_ask_for_another(one);
}

/* What goes to egress is sent once a turn: it is woken for all that was asked in it. */
void peers_connect(struct peers *peers, enum channel_end end, int fd)
{
    struct peers_one *one = &peers->each[end];
    const struct channel_options options = {.fd = fd,
                                            .own = CHANNEL_WORKER,
                                            .peer = end,
                                            .takes_fds = end == CHANNEL_CONTROL,
                                            .wipes = end == CHANNEL_KEYS,
                                            .gathers = end == CHANNEL_EGRESS,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = peers_on_frame,
                                            .context = one};
    peers_lose(one);
    channel_init(&one->channel, &options);
    one->watch = peers->loop.watch(peers->loop.context, fd, peers_on_ready, one);
}

/* ---- what goes ------------------------------------------------------------------------------- */

bool peers_send(struct peers *peers, enum channel_end to, const struct channel_message *message)
{
    return channel_send(&peers->each[to].channel, message);
}

void peers_call_begin(struct peers *peers, enum channel_end end, struct peers_call *call)
{
    ASSERT(channel_is_open(&peers->each[end].channel));
    list_append(&peers->each[end].calls, &call->link);
}

void peers_call_end(struct peers_call *call)
{
    if (list_is_linked(&call->link))
        list_remove(&call->link);
}

void peers_wait(struct peers *peers, enum channel_end end, int wait_ms)
{
    struct peers_one *one = &peers->each[end];
    if (!channel_is_open(&one->channel))
        return;
    channel_flush(&one->channel);
    short events = channel_has_unsent(&one->channel) ? POLLIN | POLLOUT : POLLIN;
    struct pollfd ready = {.fd = one->channel.options.fd, .events = events};
    if (poll(&ready, 1, wait_ms) > 0 && (ready.revents & ~POLLOUT) != 0)
        peers_on_ready(one);
}

bool peers_flush(struct peers *peers)
{
    bool unsent = false;
    for (enum channel_end end = 0; end < CHANNEL_END_COUNT; end++) {
        struct channel *channel = &peers->each[end].channel;
        if (LIKELY(!channel_has_unsent(channel)))
            continue;
        channel_flush(channel);
        unsent |= channel_has_unsent(channel);
    }
    return unsent;
}
