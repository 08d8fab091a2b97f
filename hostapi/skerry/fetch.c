/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to other servers: what guests say of them, and what they see. The work is the world's
 * (hostapi/fetch.h).
 *
 * A call that waits looks at the fetch, parks if there is nothing, and looks again when it is
 * woken. It says that it waits only then: an operation that is ready stays ready for wait_v1 until
 * somebody read what there was.
 */
#include <strings.h>

#include "hostapi/skerry/skerry.h"

#define FETCH_FLAG_BODY   1u /* more of the body follows */
#define FETCH_FLAG_FOLLOW 2u /* redirects are followed */
#define FETCH_FLAGS       (FETCH_FLAG_BODY | FETCH_FLAG_FOLLOW)
#define FETCH_TIMEOUT     9 /* argument of fetch_start_v1 */

/* One that a handle is of: another server's answer, or another function's. */
struct fetch_at {
    const struct hostapi_fetches *calls;
    uint64_t ticket;
    bool is_sibling;
};

static const struct hostapi_fetches *fetch_world(const struct hostapi_host *host, bool sibling)
{
    const struct hostapi_world *world = skerry_world(host);
    if (world == NULL)
        return NULL;
    return sibling ? world->siblings : world->fetches;
}

static struct fetch_at fetch_at(const struct hostapi_host *host, const struct skerry_handle *handle)
{
    bool sibling = handle->kind == SKERRY_HANDLE_SIBLING;
    return (struct fetch_at){
        .calls = fetch_world(host, sibling), .ticket = handle->ticket, .is_sibling = sibling};
}

static int32_t fetch_error(enum hostapi_fetch_end end)
{
    static const int32_t errors[] = {
        [HOSTAPI_FETCH_UNDER_WAY] = 0,
        [HOSTAPI_FETCH_DONE] = 0,
        [HOSTAPI_FETCH_INVALID] = SKERRY_INVALID,
        [HOSTAPI_FETCH_DENIED] = SKERRY_DENIED,
        [HOSTAPI_FETCH_LIMIT] = SKERRY_LIMIT,
        [HOSTAPI_FETCH_TIMEOUT] = SKERRY_TIMEOUT,
        [HOSTAPI_FETCH_TOO_LARGE] = SKERRY_TOO_LARGE,
        [HOSTAPI_FETCH_CLOSED] = SKERRY_CLOSED,
        [HOSTAPI_FETCH_UNAVAILABLE] = SKERRY_UNAVAILABLE,
        [HOSTAPI_FETCH_FAILED] = SKERRY_FAILED,
    };
    return errors[end];
}

static void fetch_log(const struct hostapi_host *host, const char *text)
{
    http_exchange_log(host->request.exchange, "warn", bytes_of_text(text));
}

/* Of argument 0; NULL: it is no fetch's, and the answer is given. */
static const struct hostapi_fetch_view *
fetch_view(struct hostapi_host *host, struct engine_host_call *call, struct fetch_at *ret_at)
{
    uint32_t number = call->slots[0].i32;
    const struct skerry_handle *handle = skerry_handle_find(host, SKERRY_HANDLE_FETCH, number);
    const struct hostapi_fetch_view *view = NULL;
    if (handle == NULL)
        handle = skerry_handle_find(host, SKERRY_HANDLE_SIBLING, number);
    if (handle != NULL) {
        *ret_at = fetch_at(host, handle);
        view = ret_at->calls->view(host->request.exchange->owner, handle->ticket);
    }
    if (view == NULL)
        (void)skerry_answer(call, SKERRY_INVALID);
    return view;
}

static enum engine_outcome fetch_park(struct hostapi_host *host, const struct fetch_at *at)
{
    static const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_EVENT};
    at->calls->await(host->request.exchange->owner, at->ticket);
    return host_park(host, &wait, 1);
}

static enum hostapi_fetch_end fetch_failure(const struct hostapi_fetch_view *view)
{
    return view->end == HOSTAPI_FETCH_DONE ? HOSTAPI_FETCH_UNDER_WAY : view->end;
}

/* ---- starting -------------------------------------------------------------------------------- */

/* 0, or an error. */
static int32_t fetch_check(const struct hostapi_fetch_order *order, uint32_t flags)
{
    if ((flags & ~FETCH_FLAGS) != 0)
        return SKERRY_INVALID;
    if (order->url.count > HOSTAPI_FETCH_URL_MAX || order->method.count > HOSTAPI_FETCH_URL_MAX ||
        order->fields.count > HOSTAPI_FETCH_FIELDS_MAX ||
        order->body.count > HOSTAPI_FETCH_BODY_MAX)
        return SKERRY_TOO_LARGE;
    bool whole = order->fields.count == 0 || order->fields.data[order->fields.count - 1] == '\0';
    return whole ? 0 : SKERRY_INVALID;
}

static uint64_t fetch_deadline_us(const struct config_limits *limits, int64_t timeout_ms)
{
    if (timeout_ms <= 0 || (uint64_t)timeout_ms > limits->outbound_wall / 1000)
        return limits->outbound_wall;
    return (uint64_t)timeout_ms * 1000;
}

/* False: the guest was ended. */
static bool fetch_take_order(struct hostapi_host *host,
                             struct engine_host_call *call,
                             struct hostapi_fetch_order *ret_order)
{
    const struct http_exchange *exchange = host->request.exchange;
    struct hostapi_fetch_order order = {.body_follows = false};
    if (!skerry_take(call, 0, &order.method) || !skerry_take(call, 2, &order.url) ||
        !skerry_take(call, 4, &order.fields) || !skerry_take(call, 6, &order.body))
        return false;
    if (exchange != NULL) {
        order.tenant = exchange->tenant;
        order.rules = exchange->outbound;
        order.rule_count = exchange->outbound_count;
        order.loop = exchange->cdn_loop;
        order.deadline_us =
            fetch_deadline_us(exchange->limits, (int64_t)call->slots[FETCH_TIMEOUT].i64);
    }
    order.body_follows = (call->slots[8].i32 & FETCH_FLAG_BODY) != 0;
    order.follows = (call->slots[8].i32 & FETCH_FLAG_FOLLOW) != 0;
    *ret_order = order;
    return true;
}

/* A handle, or an error. */
static int32_t fetch_open(struct hostapi_host *host, struct hostapi_fetch_order *order)
{
    const struct hostapi_fetches *fetches = fetch_world(host, false);
    struct http_exchange *exchange = host->request.exchange;
    struct skerry_state *state = skerry_state(host);
    uint64_t ticket;
    const char *text = "";
    if (fetches == NULL)
        return SKERRY_UNAVAILABLE;
    if (state->fetches >= exchange->limits->outbound) {
        fetch_log(host, "no more requests to other servers in this request (limits.outbound)");
        return SKERRY_LIMIT;
    }
    uint64_t bytes_max = exchange->limits->outbound_bytes;
    order->answer_bytes_max = bytes_max - MIN(bytes_max, state->fetched_bytes);
    state->fetches++;
    enum hostapi_fetch_end end = fetches->start(exchange->owner, order, &ticket, &text);
    if (end == HOSTAPI_FETCH_UNDER_WAY)
        return skerry_handle_open(host, SKERRY_HANDLE_FETCH, ticket);
    fetch_log(host, text);
    return fetch_error(end);
}

static enum engine_outcome
fetch_begin(struct hostapi_host *host, struct engine_host_call *call, const char *name)
{
    struct hostapi_fetch_order order;
    if (host->options.snapshotting)
        return host_trap_frozen(call, name);
    if (!fetch_take_order(host, call, &order))
        return ENGINE_TRAPPED;
    int32_t error = fetch_check(&order, call->slots[8].i32);
    if (error != 0)
        return skerry_answer(call, error);
    hostcalls_charge_bytes(call, order.url.count + order.fields.count + order.body.count);
    return skerry_answer(call, fetch_open(host, &order));
}

enum engine_outcome skerry_fetch_start(struct hostapi_host *host, struct engine_host_call *call)
{
    return fetch_begin(host, call, "fetch_start_v1");
}

/* ---- heads ----------------------------------------------------------------------------------- */

/* The status of an answer whose head is here, or what went wrong before it came: told once, in the
 * function's log too. 0: it is still to come. */
static int32_t fetch_look(const struct hostapi_host *host, const struct hostapi_fetch_view *view)
{
    if (view->has_head)
        return (int32_t)view->status;
    if (fetch_failure(view) == HOSTAPI_FETCH_UNDER_WAY)
        return 0;
    fetch_log(host, view->text);
    return fetch_error(view->end);
}

/* For the head of what state->fetch is the handle of; answers with that, or an error. */
static enum engine_outcome fetch_wait(struct hostapi_host *host, struct engine_host_call *call)
{
    struct skerry_state *state = skerry_state(host);
    struct skerry_handle *handle = skerry_handle_find(host, SKERRY_HANDLE_FREE, state->fetch);
    ASSERT(handle != NULL);
    const struct fetch_at at = fetch_at(host, handle);
    const struct hostapi_fetch_view *view =
        at.calls->view(host->request.exchange->owner, handle->ticket);
    int32_t status = view == NULL ? SKERRY_UNAVAILABLE : fetch_look(host, view);
    if (status == 0)
        return fetch_park(host, &at);
    if (status > 0)
        return skerry_answer(call, (int32_t)state->fetch);
    skerry_handle_free(host, handle);
    return skerry_answer(call, status);
}

enum engine_outcome
skerry_fetch_whole(struct hostapi_host *host, struct engine_host_call *call, skerry_handler *begin)
{
    if (!host->request.resumed) {
        union engine_value first = call->slots[0];
        enum engine_outcome outcome = begin(host, call);
        int32_t handle = (int32_t)call->slots[0].i32;
        if (outcome != ENGINE_DONE || handle < 0)
            return outcome;
        skerry_state(host)->fetch = (uint32_t)handle;
        call->slots[0] = first; /* it is made again with its arguments */
    }
    return fetch_wait(host, call);
}

static enum engine_outcome fetch_begin_whole(struct hostapi_host *host,
                                             struct engine_host_call *call)
{
    return fetch_begin(host, call, "fetch_v1");
}

enum engine_outcome skerry_fetch(struct hostapi_host *host, struct engine_host_call *call)
{
    return skerry_fetch_whole(host, call, fetch_begin_whole);
}

enum engine_outcome skerry_fetch_status(struct hostapi_host *host, struct engine_host_call *call)
{
    struct fetch_at at;
    const struct hostapi_fetch_view *view = fetch_view(host, call, &at);
    if (view == NULL)
        return ENGINE_DONE;
    int32_t status = fetch_look(host, view);
    return status == 0 ? fetch_park(host, &at) : skerry_answer(call, status);
}

/* A view whose head is here; NULL: the answer is given. */
static const struct hostapi_fetch_view *fetch_head(struct hostapi_host *host,
                                                   struct engine_host_call *call)
{
    struct fetch_at at;
    const struct hostapi_fetch_view *view = fetch_view(host, call, &at);
    if (view == NULL || view->has_head)
        return view;
    (void)skerry_answer(call, SKERRY_NOT_FOUND);
    return NULL;
}

static struct bytes fetch_next_text(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\0', rest->count);
    size_t count = end == NULL ? rest->count : (size_t)(end - rest->data);
    struct bytes text = bytes_make(rest->data, count);
    count = MIN(count + 1, rest->count);
    *rest = bytes_make(rest->data + count, rest->count - count);
    return text;
}

enum engine_outcome skerry_fetch_header(struct hostapi_host *host, struct engine_host_call *call)
{
    struct bytes name;
    uint8_t *space;
    uint32_t index = call->slots[3].i32;
    if (!skerry_take(call, 1, &name) || !skerry_take_space(call, 4, &space))
        return ENGINE_TRAPPED;
    const struct hostapi_fetch_view *view = fetch_head(host, call);
    if (view == NULL)
        return ENGINE_DONE;
    struct bytes rest = view->fields;
    hostcalls_charge_bytes(call, rest.count);
    while (rest.count > 0) {
        struct bytes row = fetch_next_text(&rest);
        struct bytes value = fetch_next_text(&rest);
        bool is_it = row.count == name.count &&
                     strncasecmp((const char *)row.data, (const char *)name.data, row.count) == 0;
        if (is_it && index-- == 0)
            return skerry_give(call, 4, value);
    }
    return skerry_answer(call, SKERRY_NOT_FOUND);
}

enum engine_outcome skerry_fetch_headers(struct hostapi_host *host, struct engine_host_call *call)
{
    uint8_t *space;
    if (!skerry_take_space(call, 1, &space))
        return ENGINE_TRAPPED;
    const struct hostapi_fetch_view *view = fetch_head(host, call);
    return view == NULL ? ENGINE_DONE : skerry_give(call, 1, view->fields);
}

enum engine_outcome skerry_fetch_url(struct hostapi_host *host, struct engine_host_call *call)
{
    uint8_t *space;
    if (!skerry_take_space(call, 1, &space))
        return ENGINE_TRAPPED;
    const struct hostapi_fetch_view *view = fetch_head(host, call);
    return view == NULL ? ENGINE_DONE : skerry_give(call, 1, view->url);
}

enum engine_outcome skerry_fetch_error(struct hostapi_host *host, struct engine_host_call *call)
{
    struct fetch_at at;
    uint8_t *space;
    if (!skerry_take_space(call, 1, &space))
        return ENGINE_TRAPPED;
    const struct hostapi_fetch_view *view = fetch_view(host, call, &at);
    return view == NULL ? ENGINE_DONE : skerry_give(call, 1, bytes_of_text(view->text));
}

/* ---- bodies ---------------------------------------------------------------------------------- */

enum engine_outcome skerry_fetch_read(struct hostapi_host *host, struct engine_host_call *call)
{
    struct fetch_at at;
    uint8_t *space;
    if (!skerry_take_space(call, 1, &space))
        return ENGINE_TRAPPED;
    const struct hostapi_fetch_view *view = fetch_view(host, call, &at);
    if (view == NULL)
        return ENGINE_DONE;
    size_t count = MIN((size_t)call->slots[2].i32, view->data.count);
    if (view->data.count == 0) {
        enum hostapi_fetch_end failure = fetch_failure(view);
        if (failure == HOSTAPI_FETCH_UNDER_WAY && view->end != HOSTAPI_FETCH_DONE)
            return fetch_park(host, &at);
        if (failure != HOSTAPI_FETCH_UNDER_WAY)
            fetch_log(host, view->text);
        return skerry_answer(call, fetch_error(failure));
    }
    hostcalls_charge_bytes(call, count);
    if (count > 0)
        memcpy(space, view->data.data, count);
    skerry_state(host)->fetched_bytes += at.is_sibling ? 0 : count;
    at.calls->take(host->request.exchange->owner, at.ticket, count);
    if (view->data.count == 0 && view->end == HOSTAPI_FETCH_UNDER_WAY)
        at.calls->await(host->request.exchange->owner, at.ticket);
    return skerry_answer(call, (int32_t)count);
}

enum engine_outcome skerry_fetch_body_write(struct hostapi_host *host,
                                            struct engine_host_call *call)
{
    struct fetch_at at;
    struct bytes data;
    if (!skerry_take(call, 1, &data))
        return ENGINE_TRAPPED;
    const struct hostapi_fetch_view *view = fetch_view(host, call, &at);
    if (view == NULL)
        return ENGINE_DONE;
    if (view->end != HOSTAPI_FETCH_UNDER_WAY)
        return skerry_answer(call, SKERRY_CLOSED);
    if (data.count == 0)
        return skerry_answer(call, 0);
    if (view->room == 0)
        return fetch_park(host, &at);
    data.count = MIN(data.count, view->room);
    hostcalls_charge_bytes(call, data.count);
    if (!at.calls->write(host->request.exchange->owner, at.ticket, data, false))
        return skerry_answer(call, SKERRY_UNAVAILABLE);
    return skerry_answer(call, (int32_t)data.count);
}

enum engine_outcome skerry_fetch_body_end(struct hostapi_host *host, struct engine_host_call *call)
{
    struct fetch_at at;
    const struct hostapi_fetch_view *view = fetch_view(host, call, &at);
    if (view == NULL)
        return ENGINE_DONE;
    if (view->end != HOSTAPI_FETCH_UNDER_WAY)
        return skerry_answer(call, SKERRY_CLOSED);
    bool sent =
        at.calls->write(host->request.exchange->owner, at.ticket, bytes_make(NULL, 0), true);
    return skerry_answer(call, sent ? 0 : SKERRY_UNAVAILABLE);
}
