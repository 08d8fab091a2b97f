/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between libh2o's request and ours.
 *
 *   on_req --> exchange in the request's pool --> request_begin ... carrier.send --> h2o_send
 *                     |
 *                     +-- the pool is cleared (sent, reset, hung up) --> request_end
 *
 * Nothing is copied: the request's views point into libh2o's buffers and the response's
 * into the exchange's arena; both live until the pool is cleared, and the exchange with
 * them. That is the one event which ends it, so no path can forget.
 */
#include <poll.h>
#include <stdio.h>

#include "engine/base/http_status.h"
#include "engine/base/problem.h"
#include "server/front/forwarded.h"
#include "server/front/h2o_guard.h"
#include "server/request/errands/errand.h"
#include "server/request/names/proof.h"
#include "server/request/service.h"

#define HEADER_ROW_BYTES 32 /* counted for each header, as HPACK does */

_Static_assert(HTTP_LENGTH_UNKNOWN == SIZE_MAX, "libh2o's word for it");

static struct bytes exchange_bytes(h2o_iovec_t vector)
{
    return bytes_make(vector.base, vector.len);
}

/* ---- the request, as views ------------------------------------------------------------------- */

static void exchange_make_address(struct h2o_connection *connection)
{
    struct sockaddr_storage peer;
    struct sockaddr *address = (struct sockaddr *)&peer;
    if (h2o_socket_getpeername(connection->socket, address) != 0)
        connection->address_count = (uint8_t)config_address_print(address, connection->address);
}

struct bytes h2o_connection_address(struct h2o_connection *connection)
{
    if (connection->address_count == 0)
        exchange_make_address(connection);
    return bytes_make(connection->address, connection->address_count);
}

/* False if names, values and path are more than limits.headers. */
static bool exchange_fill_headers(struct http_exchange *http, const h2o_req_t *req)
{
    struct http_headers *headers = &http->request_headers;
    uint64_t total = 0;
    for (size_t i = 0; i < req->headers.size; i++)
        total += req->headers.entries[i].name->len + req->headers.entries[i].value.len +
                 HEADER_ROW_BYTES;
    if (total + req->input.path.len > http->limits->headers)
        return false;
    if (req->headers.size == 0)
        return true;
    headers->rows = ARENA_ARRAY(&http->arena, struct http_header, req->headers.size);
    if (headers->rows == NULL)
        return false;
    headers->capacity = (uint32_t)req->headers.size;
    headers->bytes = total;
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];
        struct bytes name = exchange_bytes(*header->name);
        if (UNLIKELY(errand_owns_field(name)))
            continue; /* a guest may believe what such a one says */
        headers->rows[headers->count++] = (struct http_header){
            .name = name,
            .value = exchange_bytes(header->value),
        };
    }
    return true;
}

static struct bytes exchange_protocol(int version)
{
    return bytes_of_text(version >= 0x200   ? "HTTP/2.0"
                         : version >= 0x101 ? "HTTP/1.1"
                                            : "HTTP/1.0");
}

/* "http://host?query" asks for "/?query" [RFC 9110 4.2.3]; without memory it stays a bad path. */
static void exchange_fill_root(struct http_exchange *http, struct bytes *path)
{
    if (LIKELY(path->count == 0 || path->data[0] != '?'))
        return;
    uint8_t *copy = arena_alloc(&http->arena, path->count + 1, 1);
    if (copy == NULL)
        return;
    copy[0] = '/';
    memcpy(copy + 1, path->data, path->count);
    *path = bytes_make(copy, path->count + 1);
}

/* Who asks, and how, if a proxy that is trusted asks for somebody. */
static void exchange_fill_client(struct http_exchange *http,
                                 const struct h2o_connection *connection)
{
    http->is_https = connection->ssl != NULL || connection->front->is_https;
    if (LIKELY(!connection->is_proxied)) {
        if (connection->ssl != NULL)
            http->tls_version = bytes_of_text(SSL_get_version(connection->ssl));
        return;
    }
    const struct config *config = connection->front->service->config;
    char client[CONFIG_ADDRESS_BYTES];
    size_t count = forwarded_client(config, &http->request_headers, client);
    char *copy = count > 0 ? arena_alloc(&http->arena, count, 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, client, count);
        http->source_addr = bytes_make(copy, count);
    }
    http->is_https = forwarded_is_https(config, &http->request_headers, connection->ssl != NULL);
}

static bool exchange_fill(struct h2o_exchange *exchange)
{
    const h2o_req_t *req = exchange->req;
    struct h2o_connection *connection = exchange->connection;
    struct http_exchange *http = &exchange->request.http;
    http->method = exchange_bytes(req->input.method);
    http->protocol = exchange_protocol(req->version);
    http->source_addr = h2o_connection_address(connection);
    http->authority = exchange_bytes(req->input.authority);
    http->request_body = exchange_bytes(req->entity);
    exchange->request.path = exchange_bytes(req->input.path);
    route_take_absolute_form(&exchange->request.path, &http->authority);
    exchange_fill_root(http, &exchange->request.path);
    if (!exchange_fill_headers(http, req))
        return false;
    exchange_fill_client(http, connection);
    return true;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void exchange_on_dispose(void *data)
{
    struct h2o_exchange *exchange = data;
    struct h2o_connection *connection = exchange->connection;
    connection->front->exchange_count--;
    if (--connection->exchange_count == 0)
        h2o_idle_begin(connection);
    if (connection->watched == exchange)
        connection->watched = NULL;
    h2o_unread_end(exchange);
    if (!exchange->begun)
        return;
    if (exchange->request.state == REQUEST_ANSWERED && exchange->req->version >= 0x200)
        h2o_guard_end_cut(connection, exchange->req);
    request_end(&exchange->request);
}

/* ---- the response ---------------------------------------------------------------------------- */

/* Framing, and what the server says itself; hostapi has removed the former already. */
static bool exchange_is_ours(const h2o_token_t *token, struct bytes name)
{
    if (token != NULL)
        return token == H2O_TOKEN_CONTENT_LENGTH || token == H2O_TOKEN_TRANSFER_ENCODING ||
               token == H2O_TOKEN_CONNECTION || token == H2O_TOKEN_UPGRADE ||
               token == H2O_TOKEN_DATE;
    return bytes_equal_text(name, "x-request-id") || bytes_equal_text(name, "x-skerry-version") ||
           bytes_equal_text(name, "keep-alive") || bytes_equal_text(name, "trailer");
}

/* HTTP/2 has only lower-case names. */
static struct bytes exchange_lower_name(h2o_req_t *req, struct bytes name)
{
    size_t upper = 0;
    while (upper < name.count && (name.data[upper] < 'A' || name.data[upper] > 'Z'))
        upper++;
    if (upper == name.count)
        return name;
    h2o_iovec_t copy = h2o_strdup(&req->pool, (const char *)name.data, name.count);
    h2o_strtolower(copy.base, copy.len);
    return exchange_bytes(copy);
}

static void exchange_add_guest_header(h2o_req_t *req, const struct http_header *header)
{
    struct bytes name = exchange_lower_name(req, header->name);
    const char *text = (const char *)name.data;
    const char *value = (const char *)header->value.data;
    const h2o_token_t *token = h2o_lookup_token(text, name.count);
    if (exchange_is_ours(token, name))
        return;
    if (token != NULL)
        h2o_add_header(&req->pool, &req->res.headers, token, NULL, value, header->value.count);
    else
        h2o_add_header_by_str(&req->pool, &req->res.headers, text, name.count, 0, NULL, value,
                              header->value.count);
}

/* Browsers shall use TLS only [RFC 6797 7.1], unless the guest has said it in its own words. */
static void exchange_add_hsts(const struct h2o_exchange *exchange)
{
    h2o_req_t *req = exchange->req;
    uint64_t hsts_us = exchange->connection->front->service->config->tls_hsts_us;
    if (LIKELY(hsts_us == 0) || exchange->connection->ssl == NULL ||
        h2o_find_header(&req->res.headers, H2O_TOKEN_STRICT_TRANSPORT_SECURITY, -1) != -1)
        return;
    h2o_iovec_t value = {.base = h2o_mem_alloc_pool(&req->pool, 32)};
    value.len = (size_t)snprintf(value.base, 32, "max-age=%llu",
                                 (unsigned long long)(hsts_us / CLOCK_US_PER_S));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_STRICT_TRANSPORT_SECURITY, NULL,
                   value.base, value.len);
}

void h2o_exchange_set_head(struct h2o_exchange *exchange)
{
    h2o_req_t *req = exchange->req;
    const struct request_response *response = &exchange->request.response;
    req->res.status = (int)response->status;
    req->res.reason = http_status_text(response->status);
    h2o_vector_reserve(&req->pool, &req->res.headers,
                       response->guest_headers.count + response->extra_count);
    for (uint32_t i = 0; i < response->guest_headers.count; i++)
        exchange_add_guest_header(req, &response->guest_headers.rows[i]);
    exchange_add_hsts(exchange);
    for (uint32_t i = 0; i < response->extra_count; i++) {
        const struct http_header *extra = &response->extras[i];
        h2o_add_header_by_str(&req->pool, &req->res.headers, (const char *)extra->name.data,
                              extra->name.count, 1, NULL, (const char *)extra->value.data,
                              extra->value.count);
    }
}

/* What Content-Length says; SIZE_MAX: nothing. */
static size_t exchange_length(const struct request *request, bool head)
{
    uint32_t status = request->response.status;
    size_t body_bytes = request->response.body.count;
    if (status == 204 || status == 304 || (head && request->response.is_coded))
        return SIZE_MAX;
    return head && body_bytes == 0 ? request->http.head_length : body_bytes;
}

static void exchange_send(struct request *request)
{
    struct h2o_exchange *exchange = h2o_exchange_of(request);
    h2o_req_t *req = exchange->req;
    struct bytes body = request->response.body;
    h2o_exchange_set_head(exchange);
    struct h2o_front *front = exchange->connection->front;
    h2o_unread_begin(exchange);
    /* Nobody will be there for a next request. */
    if (front->context.shutdown_requested)
        req->http1_is_persistent = 0;
    bool bodiless = request->response.status == 204 || request->response.status == 304;
    bool head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    req->res.content_length = exchange_length(request, head);
    h2o_start_response(req, &exchange->generator);
    /* An empty buffer would be waited for as if it were still to be written. */
    h2o_iovec_t buffer = h2o_iovec_init(body.data, body.count);
    bool empty = bodiless || head || body.count == 0;
    h2o_send(req, empty ? NULL : &buffer, empty ? 0 : 1, H2O_SEND_STATE_FINAL);
}

/* Both ways closed, or only its sending side: as other servers do, we take it for gone. */
static bool exchange_client_gone(const struct request *request)
{
    const struct h2o_exchange *exchange = h2o_exchange_of(request);
    struct pollfd hang_up = {
        .fd = h2o_socket_get_fd(exchange->connection->socket),
        .events = POLLRDHUP,
    };
    return poll(&hang_up, 1, 0) == 1 && (hang_up.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static bool exchange_has_room(const struct request *request, uint64_t body_bytes)
{
    return h2o_unread_has_room(h2o_exchange_of(request), body_bytes);
}

static const struct request_carrier exchange_carrier = {
    .send = exchange_send,
    .has_room = exchange_has_room,
    .client_gone = exchange_client_gone,
    .watch = h2o_hangup_watch,
    .write = h2o_stream_write,
    .cut = h2o_stream_cut,
    .taken_bytes = h2o_stream_taken_bytes,
};

/* ---- libh2o's side --------------------------------------------------------------------------- */

/* What cannot even be a request has its answer in libh2o's pool. */
static void exchange_refuse_unbegun(struct h2o_exchange *exchange)
{
    static const struct problem problem = {.status = 503,
                                           .code = "busy",
                                           .detail = "too many requests at once; try again",
                                           .offset = REPORT_OFFSET_NONE};
    h2o_req_t *req = exchange->req;
    /* The guard may have cut its body. */
    req->http1_is_persistent = 0;
    req->res.status = 503;
    req->res.reason = http_status_text(503);
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("retry-after"), 1, NULL,
                          H2O_STRLIT("1"));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT(PROBLEM_CONTENT_TYPE));
    h2o_iovec_t buffer = {.base = h2o_mem_alloc_pool(&req->pool, REQUEST_PROBLEM_BYTES)};
    buffer.len = problem_write(&problem, buffer.base, REQUEST_PROBLEM_BYTES);
    req->res.content_length = buffer.len;
    h2o_start_response(req, &exchange->generator);
    h2o_send(req, &buffer, 1, H2O_SEND_STATE_FINAL);
}

static const size_t exchange_counters[REFUSAL_COUNT] = {
#define REFUSAL(name, label, status, code, detail)                                                 \
    [REFUSAL_##name] = offsetof(struct metrics, front_##label),
#include "server/front/refusals.def"
};

static void exchange_count_refusal(struct metrics *metrics, enum refusal_reason reason)
{
    (*(uint64_t *)(void *)((uint8_t *)metrics + exchange_counters[reason]))++;
}

/* What the guard refused: its head may be unknown, its body may still be coming. */
static void exchange_refuse(struct h2o_exchange *exchange, enum refusal_reason reason)
{
    struct h2o_connection *connection = exchange->connection;
    struct request *request = &exchange->request;
    const struct refusal_row *row = &refusal_rows[reason];
    (void)exchange_fill(exchange);
    if (connection->refused_target.count > 0)
        request->path = connection->refused_target;
    if (exchange->req->version < 0x200) {
        exchange->req->http1_is_persistent = 0;
        h2o_linger_keep(connection, LINGER_BODY_BYTES);
    }
    request->http.request_body = (struct bytes){0};
    request->retry_later = row->status == 503;
    exchange_count_refusal(connection->front->service->metrics, reason);
    /* Else it has a line as every request has. */
    if (!connection->front->service->access_log)
        h2o_guard_log(connection, "request_refused", row->code, bytes_of_text(request->id));
    request_reject(request, row->status, row->code, row->detail);
}

/* Is the connection's certificate for the host that is asked for [RFC 9110 15.5.20]? */
static bool exchange_is_certified(const struct h2o_exchange *exchange)
{
    const struct h2o_connection *connection = exchange->connection;
    struct bytes authority = exchange->request.http.authority;
    if (LIKELY(connection->ssl == NULL) || authority.count == 0)
        return true;
    return tls_covers(connection->front->tls, tls_host(connection->ssl), route_host(authority));
}

static bool exchange_wants_tls(const struct h2o_exchange *exchange)
{
    const struct h2o_front *front = exchange->connection->front;
    const struct http_exchange *http = &exchange->request.http;
    return UNLIKELY(front->service->config->tls_redirect) && !http->is_https && front->has_tls &&
           http->authority.count > 0;
}

/* To the same, with TLS; the method stays [RFC 9110 15.4.9]. */
static void exchange_redirect(struct h2o_exchange *exchange)
{
    h2o_req_t *req = exchange->req;
    struct request *request = &exchange->request;
    struct bytes host = route_host(request->http.authority);
    const char *port = exchange->connection->front->https_port;
    h2o_iovec_t to =
        h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("https://")),
                   h2o_iovec_init(host.data, host.count), h2o_iovec_init(port, strlen(port)),
                   h2o_iovec_init(request->path.data, request->path.count));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, to.base, to.len);
    exchange->connection->front->service->metrics->redirected++;
    request_reject(request, 308, "https_only", "this is served with https only");
}

void h2o_exchange_start(struct h2o_exchange *exchange)
{
    struct h2o_connection *connection = exchange->connection;
    exchange->begun =
        request_init(&exchange->request, connection->front->service, &exchange_carrier);
    enum refusal_reason refusal = h2o_guard_take_refusal(connection, exchange->req);
    if (!exchange->begun)
        exchange_refuse_unbegun(exchange);
    else if (refusal != REFUSAL_NONE)
        exchange_refuse(exchange, refusal);
    else if (!exchange_fill(exchange))
        exchange_refuse(exchange, REFUSAL_HEADERS_LARGE);
    else if (!exchange_is_certified(exchange))
        exchange_refuse(exchange, REFUSAL_MISDIRECTED);
    else if (proof_take(&exchange->request))
        (void)0; /* of a certificate that is ordered: it is asked for without TLS */
    else if (exchange_wants_tls(exchange))
        exchange_redirect(exchange);
    else
        request_begin(&exchange->request);
}

static int exchange_on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct h2o_front *front = ((struct h2o_handler *)handler)->front;
    struct h2o_exchange *exchange =
        h2o_mem_alloc_shared(&req->pool, sizeof(*exchange), exchange_on_dispose);
    struct h2o_connection *connection = h2o_connection_of(req->conn);
    /* The request clears its own part. */
    memset(exchange, 0, offsetof(struct h2o_exchange, request));
    exchange->req = req;
    exchange->connection = connection;
    /* libh2o looks for keep-alive alone, in the last Connection: it would close behind `TE`, and
     * would not behind `close, keep-alive`. */
    if (req->version < 0x200)
        req->http1_is_persistent = !connection->is_last;
    h2o_guard_progress(connection);
    h2o_idle_end(connection);
    connection->exchange_count++;
    front->exchange_count++;
    if (!h2o_unread_hold(exchange))
        h2o_exchange_start(exchange);
    return 0;
}

void h2o_exchange_register(struct h2o_front *front, h2o_hostconf_t *host)
{
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct h2o_handler *handler =
        (struct h2o_handler *)h2o_create_handler(path, sizeof(struct h2o_handler));
    handler->super.on_req = exchange_on_req;
    handler->front = front;
}
