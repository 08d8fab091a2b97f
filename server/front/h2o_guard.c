/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors of HTTP/1, and which connection is being read: see h2o_guard.h for the idea.
 *
 * A body that is refused while it comes ends at once as a whole one, so that the handler is
 * reached, which does not look at it.
 */
#include "server/front/h2o_guard.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/front/http1_print.h"

#define GUARD_PREFACE      "PRI * HTTP/2"
#define GUARD_READ_ON      (-2)
#define GUARD_NOT_HTTP1    (-1)
#define GUARD_BODY_REFUSED 0 /* complete, nothing left over */

struct h2o_guard h2o_guard;

/* libh2o has no header for these two. */
GUARD_EXPORT int phr_parse_request(const char *input,
                                   size_t input_count,
                                   const char **ret_method,
                                   size_t *ret_method_count,
                                   const char **ret_target,
                                   size_t *ret_target_count,
                                   int *ret_minor,
                                   struct http1_field *fields,
                                   size_t *field_count,
                                   size_t seen_count);
GUARD_EXPORT ssize_t phr_decode_chunked(struct http1_chunks *chunks, char *data, size_t *count);
/* What a compiler that fortifies makes of sprintf. [LSB __sprintf_chk] */
GUARD_EXPORT int guard_sprintf(char *ret_text,
                               int flag,
                               size_t text_size,
                               const char *format,
                               ...) __asm__("__sprintf_chk") __attribute__((format(printf, 4, 5)));

/* A pointer to a function is got as one to an object. [POSIX dlsym] */
static void guard_find(const char *name, void *ret_function)
{
    void *found = dlsym(RTLD_NEXT, name);
    ASSERT(found != NULL);
    memcpy(ret_function, &found, sizeof(found));
}

void h2o_guard_init_tls(void)
{
    guard_find("SSL_accept", &h2o_guard.ssl_accept);
    guard_find("SSL_get_error", &h2o_guard.ssl_get_error);
}

void h2o_guard_init(void)
{
    h2o_guard_init_tls();
    guard_find("h2o_socket_read_start", &h2o_guard.read_start);
    guard_find("h2o_socket_close", &h2o_guard.close);
    guard_find("h2o_socket_write", &h2o_guard.write);
    guard_find("h2o_http2_decode_frame", &h2o_guard.decode_frame);
    guard_find("h2o_hpack_parse_headers", &h2o_guard.parse_headers);
    guard_find("h2o_http2__encode_rst_stream_frame", &h2o_guard.encode_reset);
    guard_find("h2o_http2_encode_goaway_frame", &h2o_guard.encode_goaway);
    /* Or it would drop Host without a look, whatever :authority says. */
    H2O_TOKEN_HOST->http2_should_reject = 0;
}

void h2o_guard_forget(const struct h2o_connection *connection)
{
    if (h2o_guard.current == connection)
        h2o_guard.current = NULL;
}

enum refusal_reason h2o_guard_take_refusal(struct h2o_connection *connection, const h2o_req_t *req)
{
    if (req->version >= 0x200) {
        bool is_marked = req->headers.size == 1 && req->headers.entries[0].name->len == 0;
        return is_marked ? (enum refusal_reason)req->headers.entries[0].value.len : REFUSAL_NONE;
    }
    enum refusal_reason reason = connection->refusal;
    connection->refusal = REFUSAL_NONE;
    return reason;
}

/* ---- whose bytes are read -------------------------------------------------------------------- */

/* More of a body, or the end of it, if there is no room for more. */
static void guard_read_body(struct h2o_connection *connection)
{
    h2o_socket_t *socket = connection->socket;
    size_t size = socket->input->size;
    bool is_whole = connection->body_end > 0 && size >= connection->body_end;
    if (LIKELY(is_whole || h2o_bodies_has_room(connection, size))) {
        connection->read(socket, NULL);
        return;
    }
    connection->refusal = REFUSAL_BODIES;
    connection->refused_method = connection->refused_target = (struct bytes){0};
    /* libh2o counts to the length that it was told; of chunks it asks us. */
    if (connection->body_end > 0)
        socket->input->size = connection->body_end;
    connection->read(socket, NULL);
    if (h2o_guard.current == connection && connection->body_end > 0)
        socket->input->size = size;
}

static void guard_on_read(h2o_socket_t *socket, const char *err)
{
    struct h2o_connection *connection = socket->on_close.data;
    h2o_guard.current = connection;
    connection->received_bytes += socket->bytes_read;
    if (UNLIKELY(connection->is_in_body && err == NULL))
        guard_read_body(connection);
    else
        connection->read(socket, err);
    /* If it is still there. */
    if (h2o_guard.current == connection &&
        UNLIKELY(connection->is_in_body || connection->coming_bytes > 0))
        h2o_bodies_count(connection);
}

GUARD_EXPORT void h2o_socket_read_start(h2o_socket_t *socket, h2o_socket_cb callback)
{
    if (!h2o_connection_owns(socket)) {
        h2o_guard.read_start(socket, callback);
        return;
    }
    h2o_guard.current = socket->on_close.data;
    h2o_guard.current->read = callback;
    /* Its handshake waits for a signature, and wants no bytes before that. */
    if (h2o_guard.current->signing.waits)
        h2o_socket_read_stop(socket);
    else
        h2o_guard.read_start(socket, guard_on_read);
}

GUARD_EXPORT void h2o_socket_close(h2o_socket_t *socket)
{
    if (h2o_connection_owns(socket)) {
        h2o_tls_leave(socket->on_close.data);
        h2o_wait_leave(socket->on_close.data);
        h2o_hangup_leave(socket->on_close.data);
    }
    h2o_guard.close(socket);
}

/* ---- heads ----------------------------------------------------------------------------------- */

/* The handler takes it from here: a request for nothing, on a connection that will be closed. */
static void guard_refuse_head(struct h2o_connection *connection, const struct http1_head *head)
{
    static const struct bytes unknown = {(const uint8_t *)"-", 1};
    connection->refusal = head->refusal;
    connection->refused_method = head->method.count > 0 ? head->method : unknown;
    connection->refused_target = head->target.count > 0 ? head->target : unknown;
}

/* Does its client wait to be asked for a body that nobody would read? */
static bool guard_has_no_reader(const struct h2o_connection *connection,
                                const struct http1_head *head)
{
    const struct request_line line = {
        .method = head->method, .authority = head->host, .path = head->target};
    return head->is_continue_expected && (head->is_chunked || head->content_length > 0) &&
           request_leads_nowhere(connection->front->service, line);
}

GUARD_EXPORT int phr_parse_request(const char *input,
                                   size_t input_count,
                                   const char **ret_method,
                                   size_t *ret_method_count,
                                   const char **ret_target,
                                   size_t *ret_target_count,
                                   int *ret_minor,
                                   struct http1_field *fields,
                                   size_t *field_count,
                                   size_t seen_count)
{
    struct h2o_connection *connection = h2o_guard.current;
    ASSERT(connection != NULL && *field_count >= HTTP1_FIELDS_MAX);
    struct bytes bytes = bytes_make(input, input_count);
    struct http1_head head;
    enum http1_outcome outcome =
        http1_parse_head(bytes, seen_count, &connection->front->rules, fields, &head);
    if (outcome == HTTP1_INCOMPLETE)
        return GUARD_READ_ON;
    if (outcome == HTTP1_COMPLETE && UNLIKELY(guard_has_no_reader(connection, &head))) {
        head.refusal = REFUSAL_NOWHERE;
        outcome = HTTP1_REFUSED;
    }
    *field_count = head.field_count;
    *ret_minor = head.minor;
    if (LIKELY(outcome == HTTP1_COMPLETE)) {
        connection->body_bytes = 0;
        connection->is_last = http1_is_last(&head);
        if (head.is_chunked || head.content_length > 0) {
            h2o_idle_body(connection);
            connection->body_end = head.is_chunked ? 0 : head.head_bytes + head.content_length;
        }
        *ret_method = (const char *)head.method.data;
        *ret_method_count = head.method.count;
        *ret_target = (const char *)head.target.data;
        *ret_target_count = head.target.count;
        return (int)head.head_bytes;
    }
    if (head.refusal == REFUSAL_VERSION && connection->front->config.http1.upgrade_to_http2 &&
        memcmp(input, GUARD_PREFACE, sizeof(GUARD_PREFACE) - 1) == 0)
        return GUARD_NOT_HTTP1;
    guard_refuse_head(connection, &head);
    *ret_method = (const char *)connection->refused_method.data;
    *ret_method_count = connection->refused_method.count;
    *ret_target = "/";
    *ret_target_count = 1;
    *field_count = 0;
    return (int)input_count;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

GUARD_EXPORT ssize_t phr_decode_chunked(struct http1_chunks *chunks, char *data, size_t *count)
{
    struct h2o_connection *connection = h2o_guard.current;
    ASSERT(connection != NULL);
    size_t left;
    enum http1_outcome outcome = http1_decode_chunks(chunks, data, *count, count, &left);
    connection->body_bytes += *count;
    enum refusal_reason reason = outcome == HTTP1_REFUSED ? chunks->refusal : connection->refusal;
    if (connection->body_bytes > connection->front->rules.body_bytes_max)
        reason = REFUSAL_BODY_LARGE;
    if (UNLIKELY(reason != REFUSAL_NONE)) {
        connection->refusal = reason;
        connection->refused_method = connection->refused_target = (struct bytes){0};
        *count = 0;
        return GUARD_BODY_REFUSED;
    }
    return outcome == HTTP1_COMPLETE ? (ssize_t)left : GUARD_READ_ON;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Of one of libh2o's two formats of it. */
static int guard_print_head(char *ret_text, size_t text_size, bool has_length, va_list arguments)
{
    struct http1_print print = {.has_length = has_length};
    print.status = (uint32_t)va_arg(arguments, int);
    print.reason = va_arg(arguments, const char *);
    print.date = va_arg(arguments, const char *);
    print.connection = va_arg(arguments, const char *);
    print.length = has_length ? va_arg(arguments, size_t) : 0;
    size_t count = http1_print(&print, ret_text, text_size);
    ASSERT(count > 0);
    return (int)count;
}

/* The whole process's sprintf, therefore: what is no head of an answer goes where it would. */
int guard_sprintf(char *ret_text, int flag, size_t text_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool has_length = strcmp(format, HTTP1_PRINT_AND_LENGTH) == 0;
    bool is_head = has_length || strcmp(format, HTTP1_PRINT_STATUS) == 0;
    int count = is_head ? guard_print_head(ret_text, text_size, has_length, arguments)
                        : __builtin___vsprintf_chk(ret_text, flag, text_size, format, arguments);
    va_end(arguments);
    return count;
}
