/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange and its header lists.
 *
 * Whatever comes in by http_headers_add or _set is a token and a value without control bytes
 * but tabs, so that no list can hold what would split a response or what clients refuse; blanks
 * around a value are no part of it [RFC 9110 5.5]. A list's size is bounded by
 * limits.headers, with 32 bytes counted for each row as HPACK does, so that many tiny
 * headers are bounded too. Replaced text stays in the arena until the end of the request:
 * the arena's cap bounds a guest that edits for ever.
 */
#include "hostapi/exchange.h"

#define EXCHANGE_ROW_BYTES 32
/* Both header lists, what guests replace in them, method, uri, and a CGI environment. */
#define EXCHANGE_ARENA_HEADERS_FACTOR 16
#define EXCHANGE_ARENA_EXTRA_BYTES    65536
#define EXCHANGE_LENGTH_DIGITS        15

void http_exchange_init(struct http_exchange *exchange, const struct config_limits *limits)
{
    *exchange =
        (struct http_exchange){.status = 200, .head_length = HTTP_LENGTH_UNKNOWN, .limits = limits};
    arena_init(&exchange->arena,
               limits->headers * EXCHANGE_ARENA_HEADERS_FACTOR + EXCHANGE_ARENA_EXTRA_BYTES);
    buffer_init(&exchange->response_body, limits->response);
    buffer_init(&exchange->log, limits->log);
}

void http_exchange_done(struct http_exchange *exchange)
{
    arena_done(&exchange->arena);
    buffer_done(&exchange->response_body);
    buffer_done(&exchange->log);
}

static uint64_t exchange_row_cost(struct bytes name, struct bytes value)
{
    return (uint64_t)name.count + value.count + EXCHANGE_ROW_BYTES;
}

bool exchange_copy(struct http_exchange *exchange, struct bytes text, struct bytes *ret_copy)
{
    const char *copy = arena_copy_text(&exchange->arena, text);
    if (copy == NULL)
        return false;
    *ret_copy = bytes_make(copy, text.count);
    return true;
}

static bool exchange_make_room(struct http_exchange *exchange, struct http_headers *headers)
{
    if (headers->count < headers->capacity)
        return true;
    uint32_t capacity = headers->capacity == 0 ? 16 : headers->capacity * 2;
    struct http_header *rows = ARENA_ARRAY(&exchange->arena, struct http_header, capacity);
    if (rows == NULL)
        return false;
    if (headers->count > 0)
        memcpy(rows, headers->rows, headers->count * sizeof(*rows));
    headers->rows = rows;
    headers->capacity = capacity;
    return true;
}

/* `freed` is what the caller will take out of the list for this row. */
static enum status exchange_put(struct http_exchange *exchange,
                                struct http_headers *headers,
                                struct http_header wanted,
                                uint64_t freed)
{
    wanted.value = bytes_trim(wanted.value);
    if (!bytes_is_token(wanted.name) || !bytes_is_field_value(wanted.value))
        return STATUS_INVALID;
    uint64_t used = headers->bytes - freed;
    uint64_t max = exchange->limits->headers;
    if (used > max || exchange_row_cost(wanted.name, wanted.value) > max - used)
        return STATUS_LIMIT;
    struct http_header copy;
    if (!exchange_copy(exchange, wanted.name, &copy.name) ||
        !exchange_copy(exchange, wanted.value, &copy.value) ||
        !exchange_make_room(exchange, headers))
        return STATUS_LIMIT;
    if (freed > 0)
        http_headers_remove(headers, wanted.name);
    headers->rows[headers->count++] = copy;
    headers->bytes += exchange_row_cost(copy.name, copy.value);
    return STATUS_OK;
}

enum status http_headers_add(struct http_exchange *exchange,
                             struct http_headers *headers,
                             struct bytes name,
                             struct bytes value)
{
    return exchange_put(exchange, headers, (struct http_header){name, value}, 0);
}

enum status http_headers_set(struct http_exchange *exchange,
                             struct http_headers *headers,
                             struct bytes name,
                             struct bytes value)
{
    uint64_t freed = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct http_header *row = &headers->rows[i];
        if (bytes_equal_nocase(row->name, name))
            freed += exchange_row_cost(row->name, row->value);
    }
    return exchange_put(exchange, headers, (struct http_header){name, value}, freed);
}

void http_headers_remove(struct http_headers *headers, struct bytes name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct http_header *row = &headers->rows[i];
        if (bytes_equal_nocase(row->name, name))
            headers->bytes -= exchange_row_cost(row->name, row->value);
        else
            headers->rows[kept++] = *row;
    }
    headers->count = kept;
}

const struct http_header *http_headers_find(const struct http_headers *headers, struct bytes name)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        if (bytes_equal_nocase(headers->rows[i].name, name))
            return &headers->rows[i];
    }
    return NULL;
}

/* They describe one connection or the framing of the message, which is the server's. */
static bool exchange_is_framing(struct bytes name)
{
    static const char *const names[] = {
        "connection", "content-length", "keep-alive",        "proxy-connection",
        "te",         "trailer",        "transfer-encoding", "upgrade",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal_nocase(name, bytes_of_text(names[i])))
            return true;
    }
    return false;
}

/* A decimal number that fits; HTTP_LENGTH_UNKNOWN for anything else. */
static uint64_t exchange_parse_length(struct bytes text)
{
    uint64_t length = 0;
    if (text.count == 0 || text.count > EXCHANGE_LENGTH_DIGITS)
        return HTTP_LENGTH_UNKNOWN;
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return HTTP_LENGTH_UNKNOWN;
        length = length * 10 + (uint64_t)(text.data[i] - '0');
    }
    return length;
}

static void exchange_take_framing(struct http_exchange *exchange, bool wants_length)
{
    struct http_headers *headers = &exchange->response_headers;
    const struct http_header *length = http_headers_find(headers, bytes_of_text("content-length"));
    if (length != NULL && wants_length)
        exchange->head_length = exchange_parse_length(length->value);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct http_header *row = &headers->rows[i];
        if (exchange_is_framing(row->name))
            headers->bytes -= exchange_row_cost(row->name, row->value);
        else
            headers->rows[kept++] = *row;
    }
    headers->count = kept;
}

void exchange_seal(struct http_exchange *exchange)
{
    if (!exchange->response_begun)
        exchange_take_framing(exchange, exchange->response_body.count == 0);
}

bool http_exchange_begin_response(struct http_exchange *exchange)
{
    ASSERT(!exchange->response_begun);
    exchange_take_framing(exchange, true);
    exchange->response_begun = true;
    return exchange->response_body.count <= exchange->head_length;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

struct bytes exchange_body_from(const struct http_exchange *exchange, uint64_t at)
{
    struct bytes body = exchange->request_body;
    size_t skip = (size_t)MIN(at, (uint64_t)body.count);
    return skip == body.count ? bytes_make(NULL, 0)
                              : bytes_make(body.data + skip, body.count - skip);
}

bool exchange_body_waits(const struct http_exchange *exchange, uint64_t at)
{
    return exchange->request_body_is_coming && at >= exchange->request_body.count;
}

void exchange_replace_body(struct http_exchange *exchange)
{
    if (!exchange->response_begun)
        exchange->response_body.count = 0;
}

enum status exchange_write(struct http_exchange *exchange, struct bytes *piece)
{
    struct buffer *body = &exchange->response_body;
    uint64_t total = exchange->response_sent + body->count;
    if (piece->count > exchange->limits->response - MIN(total, exchange->limits->response))
        return STATUS_LIMIT;
    if (exchange->response_begun && exchange->head_length != HTTP_LENGTH_UNKNOWN &&
        piece->count > exchange->head_length - MIN(total, exchange->head_length))
        return STATUS_INVALID;
    size_t count = MIN(piece->count, (size_t)HOSTAPI_TURN_BYTES);
    if (http_exchange_streams(exchange))
        count = MIN(count, exchange->limits->stream_buffer -
                               MIN((uint64_t)body->count, exchange->limits->stream_buffer));
    enum status status = buffer_append(body, piece->data, count);
    if (status != STATUS_OK)
        return STATUS_LIMIT;
    *piece = bytes_make(piece->data + count, piece->count - count);
    return STATUS_OK;
}

enum status http_exchange_write(struct http_exchange *exchange, struct bytes *piece)
{
    return exchange_write(exchange, piece);
}

const char *exchange_write_refusal(enum status status)
{
    return status == STATUS_INVALID ? "body is longer than its Content-Length, which has gone out"
                                    : "body is larger than limits.response";
}

/* ---- whom it may ask ---------------------------------------------------------------------------
 */

/* Puts two rows of one name together [RFC 9110 5.3]. */
static bool exchange_join(struct http_exchange *exchange, struct bytes more, struct bytes *joined)
{
    struct bytes before = *joined;
    if (before.count == 0) {
        *joined = more;
        return true;
    }
    uint8_t *both = arena_alloc(&exchange->arena, before.count + 1 + more.count, 1);
    if (both == NULL)
        return false;
    memcpy(both, before.data, before.count);
    both[before.count] = ',';
    if (more.count > 0)
        memcpy(both + before.count + 1, more.data, more.count);
    *joined = bytes_make(both, before.count + 1 + more.count);
    return true;
}

bool http_exchange_open_outbound(struct http_exchange *exchange,
                                 const struct bytes *rules,
                                 uint32_t rule_count)
{
    const struct http_headers *headers = &exchange->request_headers;
    exchange->outbound = rules;
    exchange->outbound_count = rule_count;
    exchange->cdn_loop = bytes_make(NULL, 0);
    for (uint32_t i = 0; i < headers->count && rule_count > 0; i++) {
        if (bytes_equal_text(headers->rows[i].name, "cdn-loop") &&
            !exchange_join(exchange, headers->rows[i].value, &exchange->cdn_loop))
            return false;
    }
    return true;
}
