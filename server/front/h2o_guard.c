/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors of HTTP/1: see h2o_guard.h for the idea.
 *
 * libh2o's functions have no argument that leads to a connection, so the one whose bytes are
 * being read is kept in `guard`, the only thing in this room that is not in somebody's hands. It
 * is set before any of libh2o's parsers can run: by the callback of each read, and when libh2o
 * begins to read, after which it looks at once at what is there already.
 */
#include "server/front/h2o_guard.h"

#include <dlfcn.h>

#define GUARD_EXPORT       __attribute__((visibility("default")))
#define GUARD_PREFACE      "PRI * HTTP/2"
#define GUARD_READ_ON      (-2)
#define GUARD_NOT_HTTP1    (-1)
#define GUARD_BODY_REFUSED 0 /* complete, nothing left over */

static struct {
    struct h2o_connection *current;
    void (*read_start)(h2o_socket_t *socket, h2o_socket_cb callback);
} guard;

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

void h2o_guard_init(void)
{
    void *found = dlsym(RTLD_NEXT, "h2o_socket_read_start");
    ASSERT(found != NULL);
    memcpy(&guard.read_start, &found, sizeof(found));
}

void h2o_guard_forget(const struct h2o_connection *connection)
{
    if (guard.current == connection)
        guard.current = NULL;
}

enum refusal_reason h2o_guard_take_refusal(struct h2o_connection *connection)
{
    enum refusal_reason reason = connection->refusal;
    connection->refusal = REFUSAL_NONE;
    return reason;
}

/* ---- whose bytes are read -------------------------------------------------------------------- */

static void guard_on_read(h2o_socket_t *socket, const char *err)
{
    guard.current = socket->on_close.data;
    guard.current->read(socket, err);
}

GUARD_EXPORT void h2o_socket_read_start(h2o_socket_t *socket, h2o_socket_cb callback)
{
    if (!h2o_connection_owns(socket)) {
        guard.read_start(socket, callback);
        return;
    }
    guard.current = socket->on_close.data;
    guard.current->read = callback;
    guard.read_start(socket, guard_on_read);
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
    struct h2o_connection *connection = guard.current;
    ASSERT(connection != NULL && *field_count >= HTTP1_FIELDS_MAX);
    struct bytes bytes = bytes_make(input, input_count);
    struct http1_head head;
    enum http1_outcome outcome =
        http1_parse_head(bytes, seen_count, &connection->front->rules, fields, &head);
    if (outcome == HTTP1_INCOMPLETE)
        return GUARD_READ_ON;
    *field_count = head.field_count;
    *ret_minor = head.minor;
    if (LIKELY(outcome == HTTP1_COMPLETE)) {
        connection->body_bytes = 0;
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
    struct h2o_connection *connection = guard.current;
    ASSERT(connection != NULL);
    size_t left;
    enum http1_outcome outcome = http1_decode_chunks(chunks, data, *count, count, &left);
    connection->body_bytes += *count;
    enum refusal_reason reason = outcome == HTTP1_REFUSED ? chunks->refusal : REFUSAL_NONE;
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
