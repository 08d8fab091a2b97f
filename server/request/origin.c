/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to the origin, made of the exchange, and its answer put into it.
 *
 * Whose the request is, is ours to say (X-Forwarded-..., Forwarded [RFC 7239]): what a client says
 * of itself goes no further. Headers of the connection are egress' to leave away.
 */
#include "server/request/origin.h"

#include <stdio.h>

#include "server/request/chain.h"
#include "server/request/request.h"
#include "server/request/service.h"

#define ORIGIN_URL_BYTES    HOSTAPI_FETCH_URL_MAX
#define ORIGIN_FIELDS_BYTES HOSTAPI_FETCH_FIELDS_MAX
#define ORIGIN_FIELDS_FIRST 1024
#define ORIGIN_SMALL_BYTES  16384 /* an answer that is waited for, so that it goes out whole */

static const struct hostapi_fetches *origin_fetches(const struct request *request)
{
    return request->http.world == NULL ? NULL : request->http.world->fetches;
}

static void origin_forget(struct request *request)
{
    struct request_origin *origin = &request->origin;
    if (origin->ticket != HOSTAPI_TICKET_NONE)
        request->http.world->operations->end(&request->operations, origin->ticket);
    *origin = (struct request_origin){.ticket = HOSTAPI_TICKET_NONE};
}

/* ---- how it ends -------------------------------------------------------------------------------
 */

/* The guest hears of it, if nothing has gone out yet. */
static enum guest_step origin_fail(struct request *request,
                                   enum fault fault,
                                   const char *text,
                                   struct guest_result *result)
{
    origin_forget(request);
    result->fault = fault;
    /* Where it is and why it failed is the developer's to know, not the client's. */
    if (text[0] != '\0')
        http_exchange_log(&request->http, "warn", bytes_of_text(text));
    (void)snprintf(result->text, sizeof(result->text), "%s", fault_rows[fault].detail);
    if (request->stream.begun)
        return GUEST_FAULTED;
    chain_answer_fault(request, result);
    return request->service->guests->returned(request->isolate, true, result);
}

static enum guest_step origin_ended(struct request *request,
                                    enum hostapi_fetch_end end,
                                    const char *text,
                                    struct guest_result *result)
{
    switch (end) {
    case HOSTAPI_FETCH_DONE:
        origin_forget(request);
        return request->service->guests->returned(request->isolate, false, result);
    case HOSTAPI_FETCH_TIMEOUT:
        return origin_fail(request, FAULT_ORIGIN_LATE, text, result);
    case HOSTAPI_FETCH_LIMIT:
        return origin_fail(request, FAULT_ORIGIN_LOOP, text, result);
    default:
        return origin_fail(request, FAULT_ORIGIN, text, result);
    }
}

/* ---- the request -------------------------------------------------------------------------------
 */

static bool origin_is_passed_on(struct bytes name)
{
    static const char *const ours[] = {
        "host",     "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
        "x-real-ip"};
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (bytes_equal_text(name, ours[i]))
            return false;
    }
    return true;
}

static bool origin_add(struct buffer *fields, const char *name, struct bytes value)
{
    return buffer_append(fields, name, strlen(name) + 1) == STATUS_OK &&
           buffer_append(fields, value.data, value.count) == STATUS_OK &&
           buffer_append(fields, "", 1) == STATUS_OK;
}

/* "192.0.2.1" or "[2001:db8::1]" of an address with a port. */
static struct bytes origin_client(struct bytes address)
{
    while (address.count > 0 && address.data[address.count - 1] != ':')
        address.count--;
    return bytes_make(address.data, address.count - (address.count > 0));
}

static bool origin_append(struct buffer *fields, const struct bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (buffer_append(fields, parts[i].data, parts[i].count) != STATUS_OK)
            return false;
    }
    return true;
}

static bool origin_add_client(const struct http_exchange *http, struct buffer *fields)
{
    struct bytes client = origin_client(http->source_addr);
    struct bytes bare = client;
    struct bytes scheme = bytes_of_text(http->is_https ? "https" : "http");
    bool is_v6 = client.count > 2 && client.data[0] == '[';
    if (is_v6)
        bare = bytes_make(client.data + 1, client.count - 2);
    const struct bytes quote = bytes_of_text(is_v6 ? "\"" : "");
    const struct bytes forwarded[] = {bytes_make("forwarded", sizeof("forwarded")),
                                      bytes_of_text("for="),
                                      quote,
                                      client,
                                      quote,
                                      bytes_of_text(";host=\""),
                                      http->authority,
                                      bytes_of_text("\";proto="),
                                      scheme,
                                      bytes_make("", 1)};
    return origin_add(fields, "x-forwarded-for", bare) &&
           origin_add(fields, "x-forwarded-proto", scheme) &&
           origin_add(fields, "x-forwarded-host", http->authority) &&
           origin_append(fields, forwarded, COUNT_OF(forwarded));
}

static bool origin_write_fields(const struct http_exchange *http, struct buffer *fields)
{
    /* Room for most of them: it would grow step by step. */
    if (buffer_reserve(fields, ORIGIN_FIELDS_FIRST) != STATUS_OK)
        return false;
    for (uint32_t i = 0; i < http->request_headers.count; i++) {
        const struct http_header *row = &http->request_headers.rows[i];
        if (!origin_is_passed_on(row->name))
            continue;
        if (buffer_append(fields, row->name.data, row->name.count) != STATUS_OK ||
            !origin_add(fields, "", row->value))
            return false;
    }
    return origin_add_client(http, fields);
}

static enum hostapi_fetch_end origin_start(struct request *request,
                                           const struct buffer *url,
                                           const struct buffer *fields,
                                           const char **ret_text)
{
    const struct http_exchange *http = &request->http;
    const struct config_limits *limits = http->limits;
    struct request_origin *origin = &request->origin;
    size_t count = MIN(http->request_body.count, (size_t)HOSTAPI_FETCH_BODY_MAX);
    const struct bytes rule = chain_function(request)->origin;
    const struct hostapi_fetch_order order = {
        .tenant = http->tenant,
        .method = http->method,
        .url = buffer_bytes(url),
        .fields = buffer_bytes(fields),
        .body = bytes_make(http->request_body.data, count),
        .body_follows = count < http->request_body.count,
        .deadline_us = limits->stream_wall, /* the request's own is earlier, until it streams */
        .answer_bytes_max = limits->response,
        .rules = &rule,
        .rule_count = 1,
        .loop = http->cdn_loop,
    };
    *origin = (struct request_origin){.body_at = count, .body_ended = !order.body_follows};
    return origin_fetches(request)->start(&request->operations, &order, &origin->ticket, ret_text);
}

enum guest_step origin_begin(struct request *request, struct guest_result *ret_result)
{
    struct http_exchange *http = &request->http;
    const struct bytes base = chain_function(request)->origin;
    struct buffer url;
    struct buffer fields;
    const char *text = "";
    enum hostapi_fetch_end end = HOSTAPI_FETCH_UNAVAILABLE;
    if (!request->stream.begun)
        http->response_body.count = 0; /* what was written before is the origin's to say now */
    buffer_init(&url, ORIGIN_URL_BYTES);
    buffer_init(&fields, ORIGIN_FIELDS_BYTES);
    if (origin_fetches(request) != NULL &&
        buffer_append(&url, base.data, base.count) == STATUS_OK &&
        buffer_append(&url, http->uri.data, http->uri.count) == STATUS_OK &&
        origin_write_fields(http, &fields))
        end = origin_start(request, &url, &fields, &text);
    buffer_done(&url);
    buffer_done(&fields);
    if (end == HOSTAPI_FETCH_UNDER_WAY)
        return origin_turn(request, ret_result);
    return origin_ended(request, end, text, ret_result);
}

/* As much more of the body as there is room for. */
static void origin_send_body(struct request *request, const struct hostapi_fetch_view *view)
{
    struct request_origin *origin = &request->origin;
    struct bytes body = request->http.request_body;
    if (origin->body_ended || view->end != HOSTAPI_FETCH_UNDER_WAY || view->room == 0)
        return;
    size_t count = MIN((size_t)view->room, body.count - origin->body_at);
    bool last = origin->body_at + count == body.count;
    if (!origin_fetches(request)->write(&request->operations, origin->ticket,
                                        bytes_make(body.data + origin->body_at, count), last))
        return; /* its end comes */
    origin->body_at += count;
    origin->body_ended = last;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static struct bytes origin_next_text(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\0', rest->count);
    size_t count = end == NULL ? rest->count : (size_t)(end - rest->data);
    struct bytes text = bytes_make(rest->data, count);
    count = MIN(count + 1, rest->count);
    *rest = bytes_make(rest->data + count, rest->count - count);
    return text;
}

static bool origin_is_small(struct bytes length)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < length.count && bytes <= ORIGIN_SMALL_BYTES; i++)
        bytes = bytes * 10 + (uint64_t)(length.data[i] - '0');
    return bytes <= ORIGIN_SMALL_BYTES;
}

/* False: it is more than limits.headers. */
static bool origin_take_head(struct request *request, const struct hostapi_fetch_view *view)
{
    struct http_exchange *http = &request->http;
    struct bytes rest = view->fields;
    http->status = view->status;
    while (rest.count > 0) {
        struct bytes name = origin_next_text(&rest);
        struct bytes value = origin_next_text(&rest);
        if (bytes_equal_text(name, "content-length"))
            request->origin.is_small = origin_is_small(value);
        if (http_headers_add(http, &http->response_headers, name, value) == STATUS_LIMIT)
            return false;
    }
    request->origin.has_head = true;
    return true;
}

enum origin_taken { ORIGIN_TOOK_ALL, ORIGIN_NO_ROOM, ORIGIN_TOO_LARGE };

static enum origin_taken origin_take_data(struct request *request,
                                          const struct hostapi_fetch_view *view)
{
    while (view->data.count > 0) {
        struct bytes piece = view->data;
        if (http_exchange_write(&request->http, &piece) != STATUS_OK)
            return ORIGIN_TOO_LARGE;
        size_t taken = view->data.count - piece.count;
        if (taken == 0)
            return ORIGIN_NO_ROOM;
        origin_fetches(request)->take(&request->operations, request->origin.ticket, taken);
    }
    return ORIGIN_TOOK_ALL;
}

static enum guest_step
origin_waits(struct request *request, bool for_room, struct guest_result *result)
{
    result->until_ns = UINT64_MAX;
    result->for_room = for_room;
    result->for_event = !for_room;
    if (!for_room)
        origin_fetches(request)->await(&request->operations, request->origin.ticket);
    /* What is here goes out, for it may be all that comes for a while. */
    if (request->origin.has_head && !request->origin.is_small)
        request->http.flush_wanted = true;
    return GUEST_WAITS;
}

enum guest_step origin_turn(struct request *request, struct guest_result *ret_result)
{
    struct request_origin *origin = &request->origin;
    const struct hostapi_fetch_view *view =
        origin_fetches(request)->view(&request->operations, origin->ticket);
    ASSERT(view != NULL);
    origin_send_body(request, view);
    if (view->has_head && !origin->has_head && !origin_take_head(request, view))
        return origin_fail(request, FAULT_ORIGIN, "its headers are larger than limits.headers",
                           ret_result);
    if (origin->is_small && view->end == HOSTAPI_FETCH_UNDER_WAY)
        return origin_waits(request, false, ret_result);
    switch (origin_take_data(request, view)) {
    case ORIGIN_TOO_LARGE:
        return origin_fail(request, FAULT_ORIGIN, "its answer is larger than limits.response",
                           ret_result);
    case ORIGIN_NO_ROOM:
        return origin_waits(request, true, ret_result);
    case ORIGIN_TOOK_ALL:
        break;
    }
    if (view->end == HOSTAPI_FETCH_UNDER_WAY)
        return origin_waits(request, false, ret_result);
    if (LIKELY(view->end == HOSTAPI_FETCH_DONE))
        return origin_ended(request, view->end, "", ret_result);
    char text[REPORT_TEXT_BYTES]; /* the view ends with its operation */
    (void)snprintf(text, sizeof(text), "%s", view->text);
    return origin_ended(request, view->end, text, ret_result);
}
