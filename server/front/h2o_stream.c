/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in pieces, one at a time in libh2o's hands.
 *
 *   request --write--> h2o_send --> the socket --it is out--> piece_on_proceed --> request_sent
 *
 * HTTP/2 makes DATA frames of them. HTTP/1.1 has them as chunks, which are made here, because
 * libh2o's are for status 200 only; with a length that the guest gave they go as they are. HTTP/1.0
 * ends the connection after the last.
 *
 * One that is cut is not whole, and its client sees it: a stream is reset, chunks have no last one,
 * a length is not reached; where only the end of the connection would tell, it is reset.
 */
#include "engine/base/hex.h"
#include "server/front/h2o_front.h"
#include "server/front/tcp_acked.h"
#include "server/request/service.h"

#define CHUNK_BUFFERS 3

static void piece_end_cut(struct h2o_exchange *exchange)
{
    h2o_req_t *req = exchange->req;
    const struct h2o_stream *stream = &exchange->stream;
    bool is_http1 = req->version < 0x200;
    if (is_http1 && !stream->is_chunked && req->res.content_length == SIZE_MAX)
        h2o_connection_reset_at_close(exchange->connection);
    /* The reset of a stream waits for its window, like data. */
    if (!is_http1)
        h2o_unread_piece(exchange, 0);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
}

/*
 * Has libh2o's loop look at what it polls the socket for. It asks for room as long as a write is
 * under way, and looks again when one that had to wait is over: one that was taken at once, between
 * two turns of the loop, leaves it asking. When room comes then, nothing is under way, and libh2o's
 * assertion ends the worker.
 */
static void piece_settle(h2o_socket_t *socket)
{
    if (h2o_socket_is_reading(socket))
        h2o_socket_read_start(socket, socket->_cb.read);
    else
        h2o_socket_read_stop(socket);
}

static void piece_on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct h2o_exchange *exchange =
        H2O_STRUCT_FROM_MEMBER(struct h2o_exchange, generator, generator);
    /* Of HTTP/2 libh2o writes from within its loop. */
    if (req->version < 0x200)
        piece_settle(exchange->connection->socket);
    exchange->stream.in_flight = false;
    h2o_unread_pause(exchange);
    if (exchange->stream.is_cut)
        piece_end_cut(exchange);
    else
        request_sent(&exchange->request);
}

static void piece_begin(struct h2o_exchange *exchange)
{
    h2o_req_t *req = exchange->req;
    struct h2o_stream *stream = &exchange->stream;
    uint64_t length = exchange->request.response.is_coded ? HTTP_LENGTH_UNKNOWN
                                                          : exchange->request.http.head_length;
    stream->begun = true;
    h2o_exchange_set_head(exchange);
    req->res.content_length = length;
    bool has_end = length != HTTP_LENGTH_UNKNOWN || req->version >= 0x200;
    stream->is_chunked = !has_end && req->version == 0x101;
    if (stream->is_chunked)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_TRANSFER_ENCODING, NULL,
                       H2O_STRLIT("chunked"));
    bool is_last = exchange->connection->front->context.shutdown_requested != 0;
    bool ends_connection = is_last || (!has_end && !stream->is_chunked);
    int is_persistent = req->http1_is_persistent && !ends_connection;
    h2o_unread_begin(exchange);
    exchange->generator.proceed = piece_on_proceed;
    h2o_start_response(req, &exchange->generator);
    /* libh2o's own chunks, which see that these are made, end the connection all the same. */
    req->http1_is_persistent = is_persistent;
}

/* From its end on: this is done for each event of each client. */
static h2o_iovec_t piece_size(struct h2o_stream *stream, size_t count)
{
    char *end = stream->size + sizeof(stream->size);
    char *at = end;
    *--at = '\n';
    *--at = '\r';
    for (; count > 0; count >>= 4)
        *--at = hex_digit(count & 15);
    return h2o_iovec_init(at, (size_t)(end - at));
}

/* A piece as a chunk [RFC 9112 7.1], and after the last the one that is empty. */
static size_t piece_chunk(struct h2o_stream *stream,
                          struct bytes piece,
                          bool is_last,
                          h2o_iovec_t ret_buffers[CHUNK_BUFFERS])
{
    size_t count = 0;
    if (piece.count > 0) {
        ret_buffers[count++] = piece_size(stream, piece.count);
        ret_buffers[count++] = h2o_iovec_init(piece.data, piece.count);
        ret_buffers[count++] = is_last ? h2o_iovec_init(H2O_STRLIT("\r\n0\r\n\r\n"))
                                       : h2o_iovec_init(H2O_STRLIT("\r\n"));
    } else if (is_last) {
        ret_buffers[count++] = h2o_iovec_init(H2O_STRLIT("0\r\n\r\n"));
    }
    return count;
}

void h2o_stream_write(struct request *request, struct bytes piece, bool is_last)
{
    struct h2o_exchange *exchange = h2o_exchange_of(request);
    struct h2o_stream *stream = &exchange->stream;
    ASSERT(!stream->in_flight && !stream->is_cut);
    if (!stream->begun)
        piece_begin(exchange);
    h2o_iovec_t buffers[CHUNK_BUFFERS];
    size_t count = 0;
    if (stream->is_chunked)
        count = piece_chunk(stream, piece, is_last, buffers);
    else if (piece.count > 0)
        buffers[count++] = h2o_iovec_init(piece.data, piece.count);
    stream->in_flight = !is_last;
    h2o_unread_piece(exchange, piece.count);
    h2o_send(exchange->req, buffers, count,
             is_last ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

void h2o_stream_cut(struct request *request, bool at_once)
{
    struct h2o_exchange *exchange = h2o_exchange_of(request);
    exchange->stream.is_cut = true;
    if (!exchange->stream.in_flight) {
        piece_end_cut(exchange);
        return;
    }
    /* Otherwise with the piece in flight, if the client still takes that. Of HTTP/1 nothing else
     * needs the connection. */
    if (!at_once || exchange->req->version >= 0x200)
        return;
    h2o_connection_reset_at_close(exchange->connection);
    h2o_connection_shut(exchange->connection);
}

uint64_t h2o_stream_taken_bytes(const struct request *request)
{
    const struct h2o_exchange *exchange = h2o_exchange_of(request);
    if (exchange->req->version >= 0x200)
        return exchange->req->bytes_sent;
    return tcp_acked_bytes(h2o_socket_get_fd(exchange->connection->socket));
}
