/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches as guests' requests see them.
 *
 *   START sent --> head --> data ... --> end        each wakes who waits for the operation
 *
 * What the guest took is granted again in pieces of FETCH_GRANT_BYTES: less often would stall a
 * stream, more often would send a message for each read.
 */
#include "server/world/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "server/channel/fetch_messages.h"

#define FETCH_GRANT_BYTES (FETCH_WINDOW_BYTES / 4)
#define FETCH_LOOP_NAME   "skerry" /* our name in CDN-Loop [RFC 8586] */
#define FETCH_LOOP_BYTES  2048
#define FETCH_HEAD_MAX    262144

struct fetch_call {
    struct peers_call call;
    struct world *world;
    uint64_t ticket;
    struct hostapi_fetch_view view;
    struct buffer head;   /* url and fields point into it */
    struct buffer window; /* data */
    size_t window_at;     /* so much of it was taken */
    size_t owed;          /* taken, and not granted again */
    struct operations_owner *owner;
    size_t held; /* bytes that the owner was told of */
    char text[2 * FETCH_TEXT_BYTES + 120];
};

static const struct {
    enum hostapi_fetch_end end;
} fetch_endings[FETCH_END_COUNT] = {
    [FETCH_END_DONE] = {HOSTAPI_FETCH_DONE},
    [FETCH_END_INVALID] = {HOSTAPI_FETCH_INVALID},
    [FETCH_END_DENIED] = {HOSTAPI_FETCH_DENIED},
    [FETCH_END_ADDRESS] = {HOSTAPI_FETCH_DENIED},
    [FETCH_END_LIMIT] = {HOSTAPI_FETCH_LIMIT},
    [FETCH_END_RESOLVE] = {HOSTAPI_FETCH_FAILED},
    [FETCH_END_CONNECT] = {HOSTAPI_FETCH_FAILED},
    [FETCH_END_TLS] = {HOSTAPI_FETCH_FAILED},
    [FETCH_END_PROTOCOL] = {HOSTAPI_FETCH_FAILED},
    [FETCH_END_CLOSED] = {HOSTAPI_FETCH_CLOSED},
    [FETCH_END_TIMEOUT] = {HOSTAPI_FETCH_TIMEOUT},
    [FETCH_END_TOO_LARGE] = {HOSTAPI_FETCH_TOO_LARGE},
    [FETCH_END_REDIRECTS] = {HOSTAPI_FETCH_FAILED},
    [FETCH_END_UNAVAILABLE] = {HOSTAPI_FETCH_UNAVAILABLE},
    [FETCH_END_CANCELLED] = {HOSTAPI_FETCH_FAILED},
};

static bool fetch_send(const struct fetch_call *fetch,
                       enum channel_type type,
                       uint16_t flags,
                       struct bytes head,
                       struct bytes body)
{
    const struct channel_message message = {
        .type = type, .flags = flags, .id = fetch->ticket, .head = head, .body = body, .fd = -1};
    return peers_send(&fetch->world->peers, CHANNEL_EGRESS, &message);
}

/* Its owner's memory is counted, from time to time. */
static void fetch_count_bytes(struct fetch_call *fetch)
{
    size_t held = sizeof(*fetch) + fetch->head.capacity + fetch->window.capacity;
    fetch->owner->bytes += held - fetch->held;
    fetch->held = held;
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void fetch_tell_end(const struct fetch_call *fetch, enum fetch_end end)
{
    (*fetch->world->fetch_ends[end])++;
}

static void fetch_over(struct fetch_call *fetch, enum fetch_end end, const char *more)
{
    peers_call_end(&fetch->call);
    fetch->view.end = fetch_endings[end].end;
    fetch_tell_end(fetch, end);
    if (end == FETCH_END_DENIED)
        (void)snprintf(fetch->text, sizeof(fetch->text),
                       "this function may not ask %s: to allow it, add \"%s\" to `outbound` in "
                       "its function.yaml",
                       more, more);
    else if (end != FETCH_END_DONE)
        (void)snprintf(fetch->text, sizeof(fetch->text), "%s%s%s", fetch_end_text(end),
                       more[0] == '\0' ? "" : ": ", more);
    operations_complete(&fetch->world->operations, fetch->ticket, 0);
}

static void fetch_lost(struct peers_call *call)
{
    fetch_over(CONTAINER_OF(call, struct fetch_call, call), FETCH_END_UNAVAILABLE,
               "the process that asks them has ended");
}

/* The operation is over: nobody wants to know any more. */
static void fetch_ended(struct operation *operation)
{
    struct fetch_call *fetch = operation->data;
    const struct bytes none = bytes_make(NULL, 0);
    if (fetch == NULL)
        return;
    if (fetch->view.end == HOSTAPI_FETCH_UNDER_WAY) {
        fetch_tell_end(fetch, FETCH_END_CANCELLED);
        (void)fetch_send(fetch, CHANNEL_MESSAGE_FETCH_CANCEL, 0, none, none);
    }
    peers_call_end(&fetch->call);
    fetch->owner->bytes -= fetch->held;
    buffer_done(&fetch->head);
    buffer_done(&fetch->window);
    free(fetch);
}

/* ---- what egress says --------------------------------------------------------------------------
 */

/* NULL: its operation is over. */
static struct fetch_call *fetch_of_frame(const struct world *world,
                                         const struct channel_frame *frame)
{
    const struct operation *operation = operations_find(&world->operations, frame->id);
    return operation == NULL || operation->kind != OPERATION_FETCH ? NULL : operation->data;
}

static void fetch_wake(struct fetch_call *fetch)
{
    operations_complete(&fetch->world->operations, fetch->ticket, 0);
}

static bool fetch_on_head(void *context, const struct channel_frame *frame)
{
    struct fetch_call *fetch = fetch_of_frame(context, frame);
    struct fetch_head head;
    struct bytes fields;
    if (fetch == NULL)
        return true;
    /* What is read must last as long as the fetch. */
    if (fetch->view.has_head ||
        buffer_append(&fetch->head, frame->payload.data, frame->payload.count) != STATUS_OK)
        return false;
    if (!fetch_head_read(buffer_bytes(&fetch->head), &head, &fields))
        return false;
    fetch->view.has_head = true;
    fetch_count_bytes(fetch);
    fetch->view.status = head.status;
    fetch->view.url = head.url;
    fetch->view.fields = fields;
    fetch_wake(fetch);
    return true;
}

static void fetch_show_data(struct fetch_call *fetch)
{
    fetch->view.data =
        bytes_make(fetch->window.data + fetch->window_at, fetch->window.count - fetch->window_at);
}

static bool fetch_on_data(void *context, const struct channel_frame *frame)
{
    struct fetch_call *fetch = fetch_of_frame(context, frame);
    if (fetch == NULL)
        return true;
    struct buffer *window = &fetch->window;
    if (window->count + frame->payload.count > window->max && fetch->window_at > 0) {
        window->count -= fetch->window_at;
        memmove(window->data, window->data + fetch->window_at, window->count);
        fetch->window_at = 0;
    }
    if (!fetch->view.has_head ||
        buffer_append(window, frame->payload.data, frame->payload.count) != STATUS_OK)
        return false;
    fetch_show_data(fetch);
    fetch_count_bytes(fetch);
    fetch_wake(fetch);
    return true;
}

static bool fetch_on_room(void *context, const struct channel_frame *frame)
{
    struct fetch_call *fetch = fetch_of_frame(context, frame);
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t count = channel_get_u32(&reader);
    if (fetch == NULL)
        return true;
    if (!channel_reader_ends(&reader) || count > FETCH_WINDOW_BYTES - fetch->view.room)
        return false;
    fetch->view.room += count;
    fetch_wake(fetch);
    return true;
}

static bool fetch_on_done(void *context, const struct channel_frame *frame)
{
    struct fetch_call *fetch = fetch_of_frame(context, frame);
    struct fetch_result result;
    char text[FETCH_TEXT_BYTES];
    if (fetch == NULL)
        return true;
    if (!fetch_result_read(frame->payload, &result, text))
        return false;
    fetch_over(fetch, result.end, text);
    return true;
}

/* ---- what guests ask
 * ----------------------------------------------------------------------------- */

static struct fetch_call *fetch_find(void *owner, uint64_t ticket)
{
    const struct operation *operation = operations_find_own(owner, OPERATION_FETCH, ticket);
    return operation == NULL ? NULL : operation->data;
}

/* How often are we in the list? */
static uint32_t fetch_count_hops(struct bytes loop)
{
    uint32_t hops = 0;
    for (size_t at = 0; at < loop.count;) {
        size_t end = at;
        while (end < loop.count && loop.data[end] != ',')
            end++;
        while (at < end && (loop.data[at] == ' ' || loop.data[at] == '\t'))
            at++;
        size_t count = 0;
        while (at + count < end && strchr(" \t;", loop.data[at + count]) == NULL)
            count++;
        hops += count == strlen(FETCH_LOOP_NAME) &&
                strncasecmp((const char *)loop.data + at, FETCH_LOOP_NAME, count) == 0;
        at = end + 1;
    }
    return hops;
}

static bool fetch_write_order(const struct hostapi_fetch_order *order, struct buffer *out)
{
    char loop[FETCH_LOOP_BYTES];
    int count = snprintf(loop, sizeof(loop), "%.*s%s%s", (int)order->loop.count,
                         order->loop.count == 0 ? "" : (const char *)order->loop.data,
                         order->loop.count == 0 ? "" : ", ", FETCH_LOOP_NAME);
    const struct fetch_order message = {
        .tenant = order->tenant,
        .method = order->method,
        .url = order->url,
        .rules = order->rules,
        .rule_count = order->rule_count,
        .body_follows = order->body_follows,
        .redirects_max = order->follows ? HOSTAPI_FETCH_REDIRECTS_MAX : 0,
        .deadline_us = order->deadline_us,
        .answer_bytes_max = order->answer_bytes_max,
        .granted = FETCH_WINDOW_BYTES,
        .loop = bytes_make(loop, (size_t)count),
    };
    return (size_t)count < sizeof(loop) && fetch_start_write(&message, order->fields, out);
}

/* Of an operation that was begun for it. */
static bool fetch_begin(struct world *world,
                        struct operation *operation,
                        const struct hostapi_fetch_order *order)
{
    struct buffer message;
    struct fetch_call *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL)
        return false;
    fetch->world = world;
    fetch->ticket = operation_ticket(operation);
    fetch->call.lost = fetch_lost;
    fetch->view.text = fetch->text;
    fetch->view.room = (uint32_t)(FETCH_WINDOW_BYTES - order->body.count);
    fetch->view.end = HOSTAPI_FETCH_FAILED; /* nothing was sent that could be cancelled */
    buffer_init(&fetch->head, FETCH_HEAD_MAX);
    buffer_init(&fetch->window, FETCH_WINDOW_BYTES);
    operation->data = fetch;
    fetch->owner = operation->owner;
    fetch_count_bytes(fetch);
    buffer_init(&message, FETCH_HEAD_MAX);
    bool sent =
        fetch_write_order(order, &message) &&
        fetch_send(fetch, CHANNEL_MESSAGE_FETCH_START, 0, buffer_bytes(&message), order->body);
    buffer_done(&message);
    if (sent) {
        fetch->view.end = HOSTAPI_FETCH_UNDER_WAY;
        peers_call_begin(&world->peers, CHANNEL_EGRESS, &fetch->call);
    }
    return sent;
}

static enum hostapi_fetch_end fetch_start(void *owner,
                                          const struct hostapi_fetch_order *order,
                                          uint64_t *ret_ticket,
                                          const char **ret_text)
{
    struct operation *operation;
    if (order->loop.count > FETCH_LOOP_BYTES - sizeof(FETCH_LOOP_NAME) - 2 ||
        fetch_count_hops(order->loop) >= HOSTAPI_FETCH_HOPS_MAX) {
        *ret_text = "this request came here by too many others of Skerry's: it goes in a circle";
        return HOSTAPI_FETCH_LIMIT;
    }
    if (operations_begin(owner, OPERATION_FETCH, &operation) != STATUS_OK) {
        *ret_text = "too much is under way";
        return HOSTAPI_FETCH_LIMIT;
    }
    if (!fetch_begin(world_of(owner), operation, order)) {
        operation_end(operation);
        *ret_text = "the process that asks other servers is not there, or too busy";
        return HOSTAPI_FETCH_UNAVAILABLE;
    }
    *ret_ticket = operation_ticket(operation);
    return HOSTAPI_FETCH_UNDER_WAY;
}

static const struct hostapi_fetch_view *fetch_view(void *owner, uint64_t ticket)
{
    const struct fetch_call *fetch = fetch_find(owner, ticket);
    return fetch == NULL ? NULL : &fetch->view;
}

static void fetch_take(void *owner, uint64_t ticket, size_t count)
{
    struct fetch_call *fetch = fetch_find(owner, ticket);
    uint8_t room[sizeof(uint32_t)];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    ASSERT(fetch != NULL && count <= fetch->view.data.count);
    fetch->window_at += count;
    if (fetch->window_at == fetch->window.count)
        fetch->window_at = fetch->window.count = 0;
    fetch_show_data(fetch);
    fetch->owed += count;
    if (fetch->owed < FETCH_GRANT_BYTES || fetch->view.end != HOSTAPI_FETCH_UNDER_WAY)
        return;
    channel_put_u32(&writer, (uint32_t)fetch->owed);
    if (fetch_send(fetch, CHANNEL_MESSAGE_FETCH_GRANT, 0, channel_written(&writer),
                   bytes_make(NULL, 0)))
        fetch->owed = 0; /* otherwise with what is taken next */
}

static bool fetch_write(void *owner, uint64_t ticket, struct bytes data, bool last)
{
    struct fetch_call *fetch = fetch_find(owner, ticket);
    ASSERT(fetch != NULL && data.count <= fetch->view.room);
    if (fetch->view.end != HOSTAPI_FETCH_UNDER_WAY)
        return false;
    if (!fetch_send(fetch, CHANNEL_MESSAGE_FETCH_BODY, last ? FETCH_BODY_LAST : 0,
                    bytes_make(NULL, 0), data))
        return false;
    fetch->view.room -= (uint32_t)data.count;
    return true;
}

static void fetch_await(void *owner, uint64_t ticket)
{
    struct operation *operation = operations_find_own(owner, OPERATION_FETCH, ticket);
    if (operation != NULL)
        operation_rearm(operation);
}

static const struct hostapi_fetches fetch_calls = {.start = fetch_start,
                                                   .view = fetch_view,
                                                   .take = fetch_take,
                                                   .write = fetch_write,
                                                   .await = fetch_await};

void world_fetch_init(struct world *world, struct metrics *metrics)
{
    struct peers *peers = &world->peers;
#define FETCH_END(NAME, name, text) world->fetch_ends[FETCH_END_##NAME] = &metrics->fetches_##name;
#include "server/channel/fetch_ends.def"
    world->operations.ended[OPERATION_FETCH] = fetch_ended;
    world->calls.fetches = &fetch_calls;
    peers_on(peers, CHANNEL_MESSAGE_FETCH_HEAD, fetch_on_head, world);
    peers_on(peers, CHANNEL_MESSAGE_FETCH_DATA, fetch_on_data, world);
    peers_on(peers, CHANNEL_MESSAGE_FETCH_ROOM, fetch_on_room, world);
    peers_on(peers, CHANNEL_MESSAGE_FETCH_DONE, fetch_on_done, world);
}
