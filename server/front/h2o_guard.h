/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/front/h2o_*.c: what libh2o 2.2.5 lacks, added from outside.
 *
 * libh2o calls its own exported functions through its linkage table, so a function of the same
 * name in this program is called in their place: without a patch, and for the whole process. The
 * guard is the parser of heads and chunks, and it watches every read:
 *
 *   readable --> guard_on_read (notes whose bytes they are) --> libh2o's callback
 *                                      |
 *                 phr_parse_request, phr_decode_chunked: ours, by the rules of the front
 *                                      |
 *                 h2o_http2_decode_frame (h2o_guard_frames.c): sees each frame, keeps budgets
 *                 h2o_hpack_parse_headers (h2o_guard_fields.c): field by field, with limits
 *                 a request to be refused goes on as an empty one, and meets its answer in the
 *                 handler of all requests: so there is one way to answer
 *
 * h2o_guard_check proves, on the library that is loaded, that all this is in force.
 */
#ifndef SKERRY_SERVER_FRONT_H2O_GUARD_H
#define SKERRY_SERVER_FRONT_H2O_GUARD_H

#include <h2o.h>
#include <h2o/http2.h>
#include <h2o/http2_internal.h>

#include "server/front/h2o_front.h"

#define GUARD_EXPORT __attribute__((visibility("default")))

/*
 * libh2o's functions have no argument that leads to a connection, so the one whose bytes are being
 * read is kept here, in the only thing in this room that is not in somebody's hands. It is set
 * before any of libh2o's parsers can run: by the callback of each read, and when libh2o begins to
 * read, after which it looks at once at what is there already. Beside it, the functions that ours
 * stand before.
 */
struct h2o_guard {
    struct h2o_connection *current;
    struct check_server *check; /* h2o_guard_check.c's */
    uint64_t wait_us;           /* what libh2o was asked to wait for at most, in its milliseconds */
    bool in_loop;               /* it is at work, in the loop of all connections */
    bool spares;                /* ... and need not look at them */
    bool spared;                /* ... which it did not the last time */
    void (*read_start)(h2o_socket_t *socket, h2o_socket_cb callback);
    void (*close)(h2o_socket_t *socket);
    void (*write)(h2o_socket_t *socket, h2o_iovec_t *buffers, size_t count, h2o_socket_cb done);
    SSL_CTX *tls; /* of our connections; NULL: there are none with TLS */
    BIO_METHOD *tls_source;
    int (*ssl_accept)(SSL *ssl);
    int (*ssl_get_error)(const SSL *ssl, int result);
    ssize_t (*decode_frame)(h2o_http2_frame_t *frame,
                            const uint8_t *input,
                            size_t input_count,
                            const h2o_http2_settings_t *settings,
                            const char **err_desc);
    int (*parse_headers)(h2o_req_t *req,
                         h2o_hpack_header_table_t *table,
                         const uint8_t *input,
                         size_t input_count,
                         int *pseudo_map,
                         size_t *content_length,
                         h2o_cache_digests_t **digests,
                         const char **err_desc);
    void (*encode_reset)(h2o_buffer_t **out, uint32_t stream_id, int error);
    void (*encode_goaway)(h2o_buffer_t **out, uint32_t last_id, int error, h2o_iovec_t detail);
};

extern struct h2o_guard h2o_guard;

/* Finds the functions that ours stand before; call before the first connection. */
void h2o_guard_init(void);
/* Those of TLS alone: libcurl's handshakes come by them too, in programs without libh2o. */
void h2o_guard_init_tls(void);
/* The connection is gone: nothing may be done in its name any more. */
void h2o_guard_forget(const struct h2o_connection *connection);

/* Why the request must be refused, if it must; asked once. `connection` is the request's. */
enum refusal_reason h2o_guard_take_refusal(struct h2o_connection *connection, const h2o_req_t *req);
/* Makes it one that will be refused, with whatever it still lacks. Of HTTP/2. */
void h2o_guard_mark_refused(h2o_req_t *req, enum refusal_reason reason);
/* The client need not send the rest of the body, and what it sends is forgotten. Of HTTP/2. */
void h2o_guard_cut_body(struct h2o_connection *connection, h2o_http2_stream_t *stream);
/* The answer to a request whose body was cut is out: says so. Nothing, if it was not cut. */
void h2o_guard_end_cut(struct h2o_connection *connection, h2o_req_t *req);

/* Of bodies that libh2o has not handed on. Of HTTP/2. */
uint64_t h2o_guard_body_bytes(const struct h2o_connection *connection);

/* A request began, which makes up for some frames that brought nothing. */
void h2o_guard_progress(struct h2o_connection *connection);
/* A line on what a client did; not all of them, if there are many. */
void h2o_guard_log(struct h2o_connection *connection,
                   const char *event,
                   const char *reason,
                   struct bytes detail);
/* Resets streams whose body does not come. About once a second. */
void h2o_guard_sweep(struct h2o_front *front);
/* No more requests on this connection; those that run are answered. Of HTTP/2. */
void h2o_guard_wind_down(h2o_http2_conn_t *conn, int error, const char *detail);

/* One turn of the loop. It need not look at sockets if there will be another one at once. */
void h2o_wait_run(h2o_loop_t *loop, uint64_t wait_us, bool looks);
/* Its socket is about to be closed: nothing of it stays in the loop. */
void h2o_wait_leave(struct h2o_connection *connection);

static inline h2o_http2_conn_t *h2o_guard_http2(const struct h2o_connection *connection)
{
    return connection->socket->data;
}

static inline h2o_http2_stream_t *h2o_guard_stream(h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, req);
}

#endif
