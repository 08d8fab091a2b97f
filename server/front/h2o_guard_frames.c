/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each frame of HTTP/2 before libh2o handles it.
 *
 *   strain   +1 for each frame that brings no request and no body; a request and bytes that were
 *            sent make up for some. A thousand too many, and the connection ends.
 *   resets   of streams, by the client or by us for its mistakes, in ten seconds. Requests that
 *            were answered do not make up for them: an answer can be as cheap as a 404.
 *   both     count by address too, in ten seconds of all its connections, however many follow one
 *            another: ten times as much, since there may be many people behind it.
 *   bodies   over a limit end here, as whole ones that will be refused; what the client still
 *            sends of them is forgotten, and libh2o hears nothing of it.
 *
 * A frame that libh2o is not to handle becomes an acknowledgement of settings, of which it makes
 * nothing; so do frames of unknown types, for each of which it would write a line to stderr.
 */
#include "server/front/h2o_guard.h"
#include "server/telemetry/log.h"

#define STRAIN_MAX           1000
#define STRAIN_REQUEST       20   /* frames that a request makes up for */
#define STRAIN_SENT_BYTES    1024 /* bytes sent that make up for one */
#define RESETS_MAX           200
#define RESETS_S             ADDRESSES_WINDOW_S
#define ADDRESS_TIMES        10    /* as much as a connection may, of all of an address */
#define BLOCK_FRAMES_MAX     32    /* that one block of headers may come in */
#define BLOCK_BYTES_MORE     16384 /* and the double of limits.headers, so that most get a 431 */
#define FRAME_TYPE_KNOWN_MAX H2O_HTTP2_FRAME_TYPE_CONTINUATION
#define SETTING_BYTES        6
#define PING_BYTES           8
#define LOG_LINES_MAX        20 /* a second, of all connections */
#define BODY_S               20 /* for a body to come, and more as it comes */
#define BODY_BYTES_A_S       819

#define ERROR_COUNT          (sizeof(frames_errors) / sizeof(frames_errors[0]))

static const struct frames_error {
    const char *label;
    size_t goaway;
    size_t sent;
    size_t received;
} frames_errors[] = {
#define HTTP2_ERROR(label)                                                                         \
    {#label, offsetof(struct metrics, goaway_##label),                                             \
     offsetof(struct metrics, reset_sent_##label),                                                 \
     offsetof(struct metrics, reset_received_##label)},
#include "server/front/http2_errors.def"
};

static const struct frames_error *frames_error(uint32_t code)
{
    return &frames_errors[MIN(code, ERROR_COUNT - 1)];
}

static void frames_count(const struct h2o_connection *connection, size_t counter)
{
    (*(uint64_t *)(void *)((uint8_t *)connection->front->service->metrics + counter))++;
}

/* Clients can make these lines, so there are never many. */
void h2o_guard_log(struct h2o_connection *connection,
                   const char *event,
                   const char *reason,
                   struct bytes detail)
{
    struct h2o_front *front = connection->front;
    if (front->now_s != front->log_s) {
        front->log_s = front->now_s;
        front->log_count = 0;
    }
    if (front->log_count++ >= LOG_LINES_MAX)
        return;
    struct log_line line;
    log_begin(&line, "info", event);
    log_text(&line, "client", h2o_connection_address(connection));
    log_text(&line, "reason", bytes_of_text(reason));
    if (detail.count > 0)
        log_text(&line, "detail", detail);
    if (!log_end(&line))
        front->service->metrics->log_dropped++;
}

/* ---- resets and ends, whoever makes them ------------------------------------------------------
 */

static void frames_count_reset(struct h2o_connection *connection)
{
    struct h2o_budget *budget = &connection->budget;
    uint32_t now_s = connection->front->now_s;
    if (now_s - budget->reset_s > RESETS_S) {
        budget->reset_s = now_s;
        budget->resets = 0;
    }
    budget->resets++;
    if (connection->account != NULL) {
        addresses_turn(connection->account, now_s);
        connection->account->resets++;
    }
}

/* Is it an answer in pieces that its guest broke off? libh2o encodes into its connection's buffer,
 * and then nobody's bytes need be being read. */
static bool frames_is_broken_off(h2o_buffer_t **out, uint32_t stream_id)
{
    if (out == NULL)
        return false;
    h2o_http2_conn_t *conn = H2O_STRUCT_FROM_MEMBER(h2o_http2_conn_t, _write.buf, out);
    const h2o_http2_stream_t *stream = h2o_http2_conn_get_stream(conn, stream_id);
    return stream != NULL && stream->send_state == H2O_SEND_STATE_ERROR;
}

GUARD_EXPORT void
h2o_http2__encode_rst_stream_frame(h2o_buffer_t **out, uint32_t stream_id, int error)
{
    struct h2o_connection *connection = h2o_guard.current;
    /* No fault of the client's, as libh2o has it. */
    if (frames_is_broken_off(out, stream_id)) {
        h2o_guard.encode_reset(out, stream_id, -H2O_HTTP2_ERROR_INTERNAL);
        return;
    }
    if (connection != NULL) {
        frames_count(connection, frames_error((uint32_t)error)->sent);
        h2o_guard_log(connection, "http2_reset", frames_error((uint32_t)error)->label,
                      bytes_of_text(""));
        frames_count_reset(connection);
    }
    h2o_guard.encode_reset(out, stream_id, error);
}

GUARD_EXPORT void
h2o_http2_encode_goaway_frame(h2o_buffer_t **out, uint32_t last_id, int error, h2o_iovec_t detail)
{
    struct h2o_connection *connection = h2o_guard.current;
    /* Without an error it is a timer that speaks, and it speaks of another connection. */
    if (connection != NULL && error != H2O_HTTP2_ERROR_NONE) {
        frames_count(connection, frames_error((uint32_t)-error)->goaway);
        h2o_guard_log(connection, "http2_goaway", frames_error((uint32_t)-error)->label,
                      bytes_make(detail.base, detail.len));
        h2o_linger_keep(connection, LINGER_FRAMES_BYTES);
    }
    h2o_guard.encode_goaway(out, last_id, error, detail);
}

void h2o_guard_wind_down(h2o_http2_conn_t *conn, int error, const char *detail)
{
    if (conn->state >= H2O_HTTP2_CONN_STATE_HALF_CLOSED)
        return;
    h2o_iovec_t text = {(char *)(uintptr_t)detail, strlen(detail)};
    h2o_http2_encode_goaway_frame(&conn->_write.buf, conn->pull_stream_ids.max_open, error, text);
    h2o_http2_conn_request_write(conn);
    conn->state = H2O_HTTP2_CONN_STATE_HALF_CLOSED;
}

/* ---- budgets --------------------------------------------------------------------------------- */

static void frames_relieve(struct h2o_connection *connection, size_t count)
{
    struct h2o_budget *budget = &connection->budget;
    struct addresses_account *account = connection->account;
    budget->strain -= (uint32_t)MIN(budget->strain, count);
    if (account != NULL)
        account->strain -= (uint32_t)MIN(account->strain, count);
}

void h2o_guard_progress(struct h2o_connection *connection)
{
    frames_relieve(connection, STRAIN_REQUEST);
}

static void frames_strain(struct h2o_connection *connection)
{
    struct h2o_budget *budget = &connection->budget;
    size_t sent = (connection->socket->bytes_written - budget->written_bytes) / STRAIN_SENT_BYTES;
    budget->written_bytes += sent * STRAIN_SENT_BYTES;
    frames_relieve(connection, sent);
    budget->strain++;
    if (connection->account != NULL) {
        addresses_turn(connection->account, connection->front->now_s);
        connection->account->strain++;
    }
}

/* What is too much; NULL: nothing. */
static const char *frames_too_much(const struct h2o_connection *connection)
{
    const struct h2o_budget *budget = &connection->budget;
    const struct addresses_account *account = connection->account;
    if (budget->resets > RESETS_MAX)
        return "too many streams were reset";
    if (budget->strain > STRAIN_MAX)
        return "too many frames that bring nothing";
    if (account != NULL && account->resets > ADDRESS_TIMES * RESETS_MAX)
        return "too many streams of this address were reset";
    if (account != NULL && account->strain > ADDRESS_TIMES * STRAIN_MAX)
        return "too many frames of this address that bring nothing";
    return NULL;
}

/* True: too much for one block of headers, which is kept until it is whole. */
static bool frames_block(struct h2o_connection *connection, const h2o_http2_frame_t *frame)
{
    struct h2o_budget *budget = &connection->budget;
    if (frame->type == H2O_HTTP2_FRAME_TYPE_HEADERS)
        budget->block_frames = budget->block_bytes = 0;
    budget->block_frames++;
    budget->block_bytes += frame->length;
    return budget->block_frames > BLOCK_FRAMES_MAX ||
           budget->block_bytes > 2 * connection->front->rules.head_bytes_max + BLOCK_BYTES_MORE;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void frames_forget(h2o_http2_frame_t *frame)
{
    frame->type = H2O_HTTP2_FRAME_TYPE_SETTINGS;
    frame->flags = H2O_HTTP2_FRAME_FLAG_ACK;
    frame->stream_id = 0;
    frame->length = 0;
}

/* What libh2o does of bytes that it takes, for those it does not see: the connection's window is
 * for other streams too. */
static void frames_consume(h2o_http2_conn_t *conn, size_t count)
{
    ssize_t whole = H2O_HTTP2_SETTINGS_HOST.initial_window_size;
    h2o_http2_window_consume_window(&conn->_input_window, count);
    ssize_t left = h2o_http2_window_get_window(&conn->_input_window);
    if (left >= whole / 2 || conn->state >= H2O_HTTP2_CONN_STATE_IS_CLOSING)
        return;
    h2o_http2_encode_window_update_frame(&conn->_write.buf, 0, (int32_t)(whole - left));
    h2o_http2_conn_request_write(conn);
    (void)h2o_http2_window_update(&conn->_input_window, whole - left);
}

static bool frames_is_cut(const struct h2o_budget *budget, uint32_t stream_id)
{
    for (uint32_t i = 0; i < MIN(budget->cut_count, (uint32_t)BUDGET_CUTS); i++) {
        if (budget->cuts[i] == stream_id)
            return true;
    }
    return false;
}

void h2o_guard_cut_body(struct h2o_connection *connection, h2o_http2_stream_t *stream)
{
    struct h2o_budget *budget = &connection->budget;
    budget->cuts[budget->cut_count++ % BUDGET_CUTS] = stream->stream_id;
}

struct frames_ping {
    uint8_t data[PING_BYTES];
};

/* What asks for a sign of life behind the answer on that stream. */
static struct frames_ping frames_ping_of(uint32_t stream_id)
{
    struct frames_ping ping = {{[4] = 'r', 'e', 'a', 'd'}};
    (void)h2o_http2_encode32u(ping.data, stream_id);
    return ping;
}

void h2o_guard_end_cut(struct h2o_connection *connection, h2o_req_t *req)
{
    h2o_http2_conn_t *conn = (h2o_http2_conn_t *)req->conn;
    const h2o_http2_stream_t *stream = h2o_guard_stream(req);
    if (!frames_is_cut(&connection->budget, stream->stream_id) ||
        conn->state >= H2O_HTTP2_CONN_STATE_HALF_CLOSED)
        return;
    h2o_http2_encode_ping_frame(&conn->_write.buf, 0, frames_ping_of(stream->stream_id).data);
    h2o_http2_conn_request_write(conn);
}

/* So that the client stops to send, and does not take it for a failure. [RFC 9113 8.1] It has the
 * answer by now: some forget an answer that the reset comes right behind, curl 7.88 among them. */
static void frames_ping_came(struct h2o_connection *connection, const h2o_http2_frame_t *frame)
{
    h2o_http2_conn_t *conn = h2o_guard_http2(connection);
    if ((frame->flags & H2O_HTTP2_FRAME_FLAG_ACK) == 0 || frame->length != PING_BYTES ||
        conn->state >= H2O_HTTP2_CONN_STATE_HALF_CLOSED)
        return;
    uint32_t stream_id = h2o_http2_decode32u(frame->payload);
    struct frames_ping ping = frames_ping_of(stream_id);
    if (!frames_is_cut(&connection->budget, stream_id) ||
        memcmp(frame->payload, ping.data, sizeof(ping.data)) != 0)
        return;
    h2o_guard.encode_reset(&conn->_write.buf, stream_id, -H2O_HTTP2_ERROR_NONE);
    h2o_http2_conn_request_write(conn);
}

uint64_t h2o_guard_body_bytes(const struct h2o_connection *connection)
{
    const h2o_http2_conn_t *conn = h2o_guard_http2(connection);
    uint64_t bytes = 0;
    for (khiter_t place = 0; place != kh_end(conn->streams); place++) {
        if (khash_flags(conn->streams->flags, place) != 0)
            continue;
        const h2o_http2_stream_t *stream = kh_val(conn->streams, place);
        if (stream->state <= H2O_HTTP2_STREAM_STATE_REQ_PENDING && stream->_req_body != NULL)
            bytes += stream->_req_body->size;
    }
    return bytes;
}

/* Without its padding; a wrong one is libh2o's to refuse. */
static size_t frames_data_bytes(const h2o_http2_frame_t *frame)
{
    if ((frame->flags & H2O_HTTP2_FRAME_FLAG_PADDED) == 0 || frame->length == 0)
        return frame->length;
    size_t padding = 1 + (size_t)frame->payload[0];
    return frame->length > padding ? frame->length - padding : 0;
}

/* The body ends here, and the request will be refused. */
static void frames_end_body(struct h2o_connection *connection,
                            h2o_http2_stream_t *stream,
                            h2o_http2_frame_t *frame,
                            enum refusal_reason reason)
{
    h2o_guard_mark_refused(&stream->req, reason);
    h2o_buffer_dispose(&stream->_req_body);
    h2o_buffer_init(&stream->_req_body, &h2o_socket_buffer_prototype);
    if ((frame->flags & H2O_HTTP2_FRAME_FLAG_END_STREAM) == 0)
        h2o_guard_cut_body(connection, stream);
    stream->_expected_content_length = SIZE_MAX;
    frame->flags = H2O_HTTP2_FRAME_FLAG_END_STREAM;
    frame->length = 0;
}

/* Counts what comes, or says why it must not. */
static enum refusal_reason frames_take_body(struct h2o_connection *connection,
                                            const h2o_http2_stream_t *stream,
                                            const h2o_http2_frame_t *frame)
{
    size_t count = frames_data_bytes(frame);
    uint64_t coming_bytes = connection->coming_bytes + count;
    if (stream->_req_body->size + count > connection->front->rules.body_bytes_max)
        return REFUSAL_BODY_LARGE;
    /* One that is whole now goes to its tenant. */
    if ((frame->flags & H2O_HTTP2_FRAME_FLAG_END_STREAM) == 0 &&
        !h2o_bodies_has_room(connection, coming_bytes))
        return REFUSAL_BODIES;
    h2o_bodies_set(connection, coming_bytes);
    return REFUSAL_NONE;
}

static void frames_data(struct h2o_connection *connection, h2o_http2_frame_t *frame)
{
    h2o_http2_conn_t *conn = h2o_guard_http2(connection);
    size_t count = frame->length;
    if (conn->state >= H2O_HTTP2_CONN_STATE_HALF_CLOSED)
        return;
    h2o_http2_stream_t *stream = h2o_http2_conn_get_stream(conn, frame->stream_id);
    if (stream != NULL && stream->state == H2O_HTTP2_STREAM_STATE_RECV_BODY) {
        enum refusal_reason reason = frames_take_body(connection, stream, frame);
        if (LIKELY(reason == REFUSAL_NONE))
            return;
        frames_end_body(connection, stream, frame, reason);
    } else if (frames_is_cut(&connection->budget, frame->stream_id)) {
        frames_forget(frame);
    } else {
        return;
    }
    frames_consume(conn, count);
}

/* ---- bodies that do not come ----------------------------------------------------------------- */

static bool frames_is_late(const h2o_http2_stream_t *stream, uint64_t now_s)
{
    if (stream->state != H2O_HTTP2_STREAM_STATE_RECV_HEADERS &&
        stream->state != H2O_HTTP2_STREAM_STATE_RECV_BODY)
        return false;
    uint64_t came = stream->_req_body != NULL ? stream->_req_body->size : 0;
    uint64_t began_s = (uint64_t)stream->req.timestamps.request_begin_at.tv_sec;
    return now_s > began_s && now_s - began_s > BODY_S + came / BODY_BYTES_A_S;
}

static void frames_sweep_connection(h2o_http2_conn_t *conn, uint64_t now_s)
{
    h2o_guard.current = conn->sock->on_close.data;
    for (khiter_t place = 0; place != kh_end(conn->streams); place++) {
        if (khash_flags(conn->streams->flags, place) != 0)
            continue;
        h2o_http2_stream_t *stream = kh_val(conn->streams, place);
        if (!frames_is_late(stream, now_s))
            continue;
        uint32_t stream_id = stream->stream_id;
        h2o_http2_stream_reset(conn, stream);
        h2o_http2__encode_rst_stream_frame(&conn->_write.buf, stream_id, -H2O_HTTP2_ERROR_CANCEL);
        h2o_http2_conn_request_write(conn);
    }
    h2o_bodies_count(h2o_guard.current);
}

void h2o_guard_sweep(struct h2o_front *front)
{
    h2o_linklist_t *anchor = &front->context.http2._conns;
    uint64_t now_s = h2o_now(front->loop) / 1000;
    for (h2o_linklist_t *node = anchor->next; node != anchor; node = node->next) {
        h2o_http2_conn_t *conn = H2O_STRUCT_FROM_MEMBER(h2o_http2_conn_t, _conns, node);
        if (conn->num_streams.pull.open > conn->num_streams.pull.half_closed &&
            conn->state < H2O_HTTP2_CONN_STATE_IS_CLOSING)
            frames_sweep_connection(conn, now_s);
    }
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Would a change of what all streams begin with take one's window above the greatest? */
static bool frames_overflows_window(const h2o_http2_conn_t *conn, int64_t change)
{
    for (khiter_t place = 0; place != kh_end(conn->streams); place++) {
        if (khash_flags(conn->streams->flags, place) != 0)
            continue;
        h2o_http2_stream_t *stream = kh_val(conn->streams, place);
        if (h2o_http2_window_get_window(&stream->output_window) + change > INT32_MAX)
            return true;
    }
    return false;
}

/* What libh2o does not look at in settings that the client sends [RFC 9113 6.9.2]; what else is
 * wrong with them is libh2o's to refuse. */
static bool frames_settings_overflow(const struct h2o_connection *connection,
                                     const h2o_http2_frame_t *frame)
{
    const h2o_http2_conn_t *conn = h2o_guard_http2(connection);
    int64_t window = conn->peer_settings.initial_window_size;
    for (uint32_t at = 0; at + SETTING_BYTES <= frame->length; at += SETTING_BYTES) {
        if (h2o_http2_decode16u(frame->payload + at) != H2O_HTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
            continue;
        int64_t next = h2o_http2_decode32u(frame->payload + at + 2);
        if (next > window && frames_overflows_window(conn, next - window))
            return true;
        window = next;
    }
    return false;
}

/* ---- the door -------------------------------------------------------------------------------- */

static uint32_t frames_code(const h2o_http2_frame_t *frame)
{
    return frame->length == 4 ? h2o_http2_decode32u(frame->payload) : UINT32_MAX;
}

/* Why the connection must end; NULL: it need not. */
static const char *frames_look(struct h2o_connection *connection, h2o_http2_frame_t *frame)
{
    struct h2o_budget *budget = &connection->budget;
    bool is_empty = frame->length == 0 && (frame->flags & H2O_HTTP2_FRAME_FLAG_END_STREAM) == 0;
    bool is_strain = true;
    switch (frame->type) {
    case H2O_HTTP2_FRAME_TYPE_DATA:
        is_strain = is_empty || frames_is_cut(budget, frame->stream_id);
        frames_data(connection, frame);
        break;
    case H2O_HTTP2_FRAME_TYPE_HEADERS:
    case H2O_HTTP2_FRAME_TYPE_CONTINUATION:
        is_strain = frame->type == H2O_HTTP2_FRAME_TYPE_CONTINUATION;
        if (frames_block(connection, frame))
            return "a block of headers is too large";
        break;
    case H2O_HTTP2_FRAME_TYPE_RST_STREAM:
        frames_count(connection, frames_error(frames_code(frame))->received);
        frames_count_reset(connection);
        break;
    case H2O_HTTP2_FRAME_TYPE_PING:
        frames_ping_came(connection, frame);
        break;
    default:
        if (frame->type > FRAME_TYPE_KNOWN_MAX)
            frames_forget(frame);
    }
    if (!is_strain && budget->resets <= RESETS_MAX)
        return NULL;
    if (is_strain)
        frames_strain(connection);
    return frames_too_much(connection);
}

GUARD_EXPORT ssize_t h2o_http2_decode_frame(h2o_http2_frame_t *frame,
                                            const uint8_t *input,
                                            size_t input_count,
                                            const h2o_http2_settings_t *settings,
                                            const char **err_desc)
{
    struct h2o_connection *connection = h2o_guard.current;
    ssize_t count = h2o_guard.decode_frame(frame, input, input_count, settings, err_desc);
    if (count < 0)
        return count;
    ASSERT(connection != NULL);
    connection->is_http2 = true;
    if (frame->type == H2O_HTTP2_FRAME_TYPE_SETTINGS &&
        UNLIKELY(frames_settings_overflow(connection, frame))) {
        *err_desc = "a stream's window is above the greatest";
        return H2O_HTTP2_ERROR_FLOW_CONTROL;
    }
    const char *reason = frames_look(connection, frame);
    if (LIKELY(reason == NULL))
        return count;
    *err_desc = reason;
    return H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
}
