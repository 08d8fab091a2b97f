/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to fetches, and what fetches say to messages.
 */
#include "server/egress/calls.h"

#include <event2/event.h>
#include <stdlib.h>

#include "engine/base/list.h"
#include "server/helper/helper.h"

#define CALLS_BUCKETS    1024u
#define CALLS_RETRY_US   20000
#define CALLS_HEAD_BYTES 262144

struct egress_call {
    struct list_link bucket_link;
    struct list_link owed_link; /* of `owed`; or none */
    struct egress_calls *calls;
    struct helper_caller caller;
    uint64_t id;
    struct egress_fetch *fetch; /* NULL: it has ended */
    bool starting;              /* egress_fetch_start is at work */
    bool owes;                  /* something could not be sent: only its end is, now */
    bool over;                  /* ... which was sent */
    struct fetch_result result;
};

struct egress_calls {
    struct egress_calls_options options;
    struct event *retry;
    uint32_t count;
    struct list owed; /* whose end is still to be told */
    struct buffer scratch;
    struct list buckets[CALLS_BUCKETS];
};

/* ---- finding --------------------------------------------------------------------------------- */

static struct list *calls_bucket(struct egress_calls *calls, uint32_t worker, uint64_t id)
{
    uint64_t mixed = (id + worker * UINT64_C(0x10001)) * UINT64_C(0x9e3779b97f4a7c15);
    return &calls->buckets[(mixed >> 40) % CALLS_BUCKETS];
}

static struct egress_call *
calls_find(struct egress_calls *calls, const struct helper_caller *caller, uint64_t id)
{
    struct list *bucket = calls_bucket(calls, caller->index, id);
    LIST_FOREACH(call, bucket, struct egress_call, bucket_link) {
        if (call->id == id && call->caller.wire == caller->wire)
            return call;
    }
    return NULL;
}

static void call_free(struct egress_call *call)
{
    list_remove(&call->bucket_link);
    if (list_is_linked(&call->owed_link))
        list_remove(&call->owed_link);
    call->calls->count--;
    free(call);
}

/* ---- what a fetch says
 * --------------------------------------------------------------------------- */

static bool call_send(const struct egress_call *call,
                      enum channel_type type,
                      struct bytes head,
                      struct bytes body)
{
    const struct egress_calls_options *options = &call->calls->options;
    const struct channel_message message = {
        .type = type, .id = call->id, .head = head, .body = body, .fd = -1};
    return options->send(options->context, &call->caller, &message);
}

/* Its worker does not read: what it would miss makes the rest worthless. */
static void call_owe(struct egress_call *call)
{
    static const struct timeval soon = {.tv_usec = CALLS_RETRY_US};
    if (call->owes)
        return;
    call->owes = true;
    call->result = (struct fetch_result){.end = FETCH_END_UNAVAILABLE,
                                         .text = "its answer found no way to the function"};
    list_append(&call->calls->owed, &call->owed_link);
    (void)event_add(call->calls->retry, &soon);
}

static void calls_on_head(void *context, const struct fetch_head *head)
{
    struct egress_call *call = context;
    struct buffer *scratch = &call->calls->scratch;
    if (call->owes)
        return;
    if (!fetch_head_write(head, scratch) ||
        !call_send(call, CHANNEL_MESSAGE_FETCH_HEAD, buffer_bytes(scratch), bytes_make(NULL, 0)))
        call_owe(call);
}

static void calls_on_data(void *context, struct bytes data)
{
    struct egress_call *call = context;
    if (!call->owes && !call_send(call, CHANNEL_MESSAGE_FETCH_DATA, bytes_make(NULL, 0), data))
        call_owe(call);
}

static void calls_on_room(void *context, uint32_t count)
{
    struct egress_call *call = context;
    uint8_t room[sizeof(count)];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, count);
    if (!call->owes &&
        !call_send(call, CHANNEL_MESSAGE_FETCH_ROOM, channel_written(&writer), bytes_make(NULL, 0)))
        call_owe(call);
}

static bool call_tell_end(const struct egress_call *call, const struct fetch_result *result)
{
    uint8_t room[FETCH_RESULT_BYTES];
    return call_send(call, CHANNEL_MESSAGE_FETCH_DONE, fetch_result_write(result, room),
                     bytes_make(NULL, 0));
}

static void calls_on_done(void *context, const struct fetch_result *result)
{
    struct egress_call *call = context;
    call->fetch = NULL;
    if (!call->owes && !call_tell_end(call, result))
        call_owe(call);
    call->over = !call->owes;
    if (call->over && !call->starting)
        call_free(call);
}

static const struct egress_ops calls_ops = {
    .head = calls_on_head, .data = calls_on_data, .room = calls_on_room, .done = calls_on_done};

static void calls_on_retry(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    static const struct timeval soon = {.tv_usec = CALLS_RETRY_US};
    struct egress_calls *calls = context;
    LIST_FOREACH(call, &calls->owed, struct egress_call, owed_link) {
        if (call->fetch != NULL)
            egress_fetch_cancel(call->fetch);
        call->fetch = NULL;
        if (call_tell_end(call, &call->result))
            call_free(call);
    }
    if (!list_is_empty(&calls->owed))
        (void)event_add(calls->retry, &soon);
}

/* ---- what a worker says
 * ---------------------------------------------------------------------------- */

static bool calls_start(struct egress_calls *calls,
                        const struct helper_caller *caller,
                        const struct channel_frame *frame)
{
    struct fetch_start start;
    if (calls_find(calls, caller, frame->id) != NULL || !fetch_start_read(frame->payload, &start))
        return false;
    struct egress_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        /* As if it had been begun: its worker must hear of its end. */
        const struct egress_call none = {.calls = calls, .caller = *caller, .id = frame->id};
        const struct fetch_result result = {.end = FETCH_END_UNAVAILABLE, .text = ""};
        return call_tell_end(&none, &result);
    }
    call->calls = calls;
    call->caller = *caller;
    call->id = frame->id;
    call->starting = true;
    list_append(calls_bucket(calls, caller->index, frame->id), &call->bucket_link);
    calls->count++;
    start.order.is_operators = caller->index == HELPER_CONTROL;
    egress_fetch_start(calls->options.engine, &start.order, &calls_ops, call, &call->fetch);
    call->starting = false;
    if (call->over)
        call_free(call);
    return true;
}

static bool calls_body(struct egress_call *call, const struct channel_frame *frame)
{
    struct egress_calls *calls = call->calls;
    struct helper_caller caller = call->caller;
    if (call->fetch == NULL)
        return true;
    if (frame->payload.count > 0 && !egress_fetch_write(call->fetch, frame->payload))
        return false;
    if ((frame->flags & FETCH_BODY_LAST) == 0)
        return true;
    call = calls_find(calls, &caller, frame->id); /* it may have ended */
    if (call != NULL && call->fetch != NULL)
        egress_fetch_finish(call->fetch);
    return true;
}

static bool calls_grant(struct egress_call *call, const struct channel_frame *frame)
{
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t count = channel_get_u32(&reader);
    if (!channel_reader_ends(&reader))
        return false;
    if (call->fetch != NULL)
        egress_fetch_grant(call->fetch, count);
    return true;
}

static void calls_cancel(struct egress_call *call)
{
    if (call->fetch != NULL)
        egress_fetch_cancel(call->fetch);
    call_free(call);
}

bool egress_calls_frame(struct egress_calls *calls,
                        const struct helper_caller *caller,
                        const struct channel_frame *frame)
{
    if (frame->type == CHANNEL_MESSAGE_FETCH_START)
        return calls_start(calls, caller, frame);
    struct egress_call *call = calls_find(calls, caller, frame->id);
    if (call == NULL) /* it ended meanwhile */
        return frame->type == CHANNEL_MESSAGE_FETCH_BODY ||
               frame->type == CHANNEL_MESSAGE_FETCH_GRANT ||
               frame->type == CHANNEL_MESSAGE_FETCH_CANCEL;
    switch (frame->type) {
    case CHANNEL_MESSAGE_FETCH_BODY:
        return calls_body(call, frame);
    case CHANNEL_MESSAGE_FETCH_GRANT:
        return calls_grant(call, frame);
    case CHANNEL_MESSAGE_FETCH_CANCEL:
        calls_cancel(call);
        return true;
    default:
        return false;
    }
}

void egress_calls_gone(struct egress_calls *calls, const struct helper_caller *caller)
{
    for (uint32_t i = 0; i < CALLS_BUCKETS && calls->count > 0; i++) {
        LIST_FOREACH(call, &calls->buckets[i], struct egress_call, bucket_link) {
            if (call->caller.index == caller->index && call->caller.wire == caller->wire)
                calls_cancel(call);
        }
    }
}

uint32_t egress_calls_count(const struct egress_calls *calls)
{
    return calls->count;
}

/* ---- life ------------------------------------------------------------------------------------ */

enum status egress_calls_create(const struct egress_calls_options *options,
                                struct egress_calls **ret_calls)
{
    struct egress_calls *calls = calloc(1, sizeof(*calls));
    if (calls == NULL)
        return STATUS_NO_MEMORY;
    calls->options = *options;
    buffer_init(&calls->scratch, CALLS_HEAD_BYTES);
    calls->retry = event_new(options->base, -1, 0, calls_on_retry, calls);
    if (calls->retry == NULL) {
        free(calls);
        return STATUS_NO_MEMORY;
    }
    *ret_calls = calls;
    return STATUS_OK;
}

void egress_calls_free(struct egress_calls *calls)
{
    if (calls == NULL)
        return;
    for (uint32_t i = 0; i < CALLS_BUCKETS; i++) {
        LIST_FOREACH(call, &calls->buckets[i], struct egress_call, bucket_link)
            calls_cancel(call);
    }
    event_free(calls->retry);
    buffer_done(&calls->scratch);
    free(calls);
}
