/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: requests one after another, each wholly answered before the next is read.
 *
 *   HEAD --> BODY --> HELD --> ANSWER --> HEAD
 *     |        |       |          |
 *     +--------+-------|--> (refused: ANSWER)
 *                      |          +--> LINGER --> closed
 *                      +--> STREAM --> closed
 *                      +--> client gone: closed, the call goes on alone
 *
 * A state that waits for the peer has a time: a head as a whole, the rest from one sign of
 * life to the next; a build may take what it takes. A refusal that comes before the body was
 * read is the connection's last answer, and what the peer still sends is thrown away for a
 * while, because closing at once would take the answer back.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deploy/door/admin_private.h"
#include "deploy/door/http_body.h"
#include "engine/base/hex.h"

#define ADMIN_CONN_HEAD_S       30 /* also how long one may be idle */
#define ADMIN_CONN_SILENT_S     30
#define ADMIN_CONN_LINGER_S     5
#define ADMIN_CONN_PIPELINE_MAX 65536 /* bytes read ahead while a request is held */

static void admin_conn_work(struct admin_conn *conn);

/* ---- calls ----------------------------------------------------------------------------------- */

static void admin_call_free(struct admin_http_call *call)
{
    if (call == NULL)
        return;
    admin_repeats_end(&call->http->repeats, call->repeat, NULL);
    call->http->body_bytes -= call->body.count;
    buffer_done(&call->body);
    free(call->head);
    free(call);
}

const struct api_request *admin_http_request(const struct admin_http_call *call)
{
    return &call->request;
}

void admin_http_on_gone(struct admin_http_call *call, void (*gone)(void *context), void *context)
{
    call->gone = gone;
    call->gone_context = context;
}

void admin_http_on_drained(struct admin_http_call *call, void (*drained)(void *context))
{
    call->drained = drained;
}

static void admin_call_make_id(char ret_id[API_REQUEST_ID_BYTES])
{
    uint8_t random[(API_REQUEST_ID_BYTES - 1) / 2] = {0};
    /* An id that is not unique does no harm. */
    (void)!getrandom(random, sizeof(random), GRND_NONBLOCK);
    hex_encode(random, sizeof(random), ret_id);
}

/* ---- the connection's life ------------------------------------------------------------------- */

static void admin_conn_wait(struct admin_conn *conn, int seconds)
{
    const struct timeval time = {.tv_sec = seconds};
    /* Without the timer there is no bound, but no harm either: the peers are bounded. */
    (void)(seconds > 0 ? event_add(conn->timer, &time) : event_del(conn->timer));
}

/* The youngest of its door: it has just shown a sign of life. */
static void admin_conn_touch(struct admin_conn *conn)
{
    list_remove(&conn->link);
    list_append(&conn->http->listeners[conn->door].connections, &conn->link);
}

static void admin_conn_enter(struct admin_conn *conn, enum admin_conn_state state)
{
    static const int seconds[] = {
        [ADMIN_CONN_HEAD] = ADMIN_CONN_HEAD_S,
        [ADMIN_CONN_BODY] = ADMIN_CONN_SILENT_S,
        [ADMIN_CONN_HELD] = 0,
        [ADMIN_CONN_ANSWER] = ADMIN_CONN_SILENT_S,
        [ADMIN_CONN_STREAM] = 0,
        [ADMIN_CONN_LINGER] = ADMIN_CONN_LINGER_S,
    };
    conn->state = state;
    admin_conn_wait(conn, seconds[state]);
    admin_conn_touch(conn);
}

void admin_conn_free(struct admin_conn *conn)
{
    struct admin_http_call *call = conn->call;
    bool held = conn->state == ADMIN_CONN_HELD || conn->state == ADMIN_CONN_STREAM;
    struct admin_listener *listener = &conn->http->listeners[conn->door];
    list_remove(&conn->link);
    listener->connection_count--;
    if (conn->timer != NULL)
        event_free(conn->timer);
    if (conn->stream != NULL) {
        admin_tls_end(conn->stream);
        bufferevent_free(conn->stream);
    }
    free(conn);
    if (call == NULL)
        return;
    call->conn = NULL;
    if (!held)
        admin_call_free(call);
    else if (call->gone != NULL)
        call->gone(call->gone_context);
}

void admin_conn_flush(struct admin_conn *conn)
{
    admin_tls_flush(conn->stream);
}

struct admin_conn *admin_conn_first(const struct list *connections)
{
    return LIST_FIRST(connections, struct admin_conn, link);
}

struct admin_conn *admin_conn_oldest_idle(const struct list *connections)
{
    LIST_FOREACH(conn, connections, struct admin_conn, link) {
        if (!conn->known && conn->state != ADMIN_CONN_HELD && conn->state != ADMIN_CONN_STREAM)
            return conn;
    }
    return NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Ends the call. */
static void admin_conn_answer(struct admin_conn *conn, const struct api_response *response)
{
    struct admin_http_call *call = conn->call;
    admin_conn_enter(conn, ADMIN_CONN_ANSWER);
    const struct admin_answer answer = {.response = response,
                                        .request_id = call->request.id,
                                        .closes = conn->closes,
                                        .head_only = call->head_only};
    admin_answer_write(&answer, conn->http->options.clock, bufferevent_get_output(conn->stream));
    conn->call = NULL;
    admin_call_free(call);
}

void admin_http_reply(struct admin_http_call *call, const struct api_response *response)
{
    struct admin_conn *conn = call->conn;
    admin_repeats_end(&call->http->repeats, call->repeat, response);
    call->repeat = NULL;
    if (conn == NULL) {
        admin_call_free(call);
        return;
    }
    ASSERT(conn->call == call && conn->state == ADMIN_CONN_HELD);
    admin_conn_answer(conn, response);
    if (!conn->busy)
        admin_conn_work(conn);
}

/* ---- answers that go on ---------------------------------------------------------------------- */

void admin_http_stream_begin(struct admin_http_call *call, const struct api_response *response)
{
    struct admin_conn *conn = call->conn;
    ASSERT(conn != NULL && conn->call == call && conn->state == ADMIN_CONN_HELD);
    admin_conn_enter(conn, ADMIN_CONN_STREAM);
    const struct admin_answer answer = {
        .response = response, .request_id = call->request.id, .closes = true, .goes_on = true};
    admin_answer_write(&answer, conn->http->options.clock, bufferevent_get_output(conn->stream));
}

void admin_http_stream_end(struct admin_http_call *call)
{
    struct admin_conn *conn = call->conn;
    call->gone = NULL;
    if (conn == NULL) {
        admin_call_free(call);
        return;
    }
    ASSERT(conn->state == ADMIN_CONN_STREAM);
    conn->call = NULL;
    conn->closes = true;
    admin_call_free(call);
    admin_conn_enter(conn, ADMIN_CONN_ANSWER); /* what was written still leaves */
    if (!conn->busy)
        admin_conn_work(conn);
}

/* Answers with what is wrong. `last`: nothing that follows can be read. */
static void admin_conn_refuse(struct admin_conn *conn, const struct problem *problem, bool last)
{
    struct problem told = *problem;
    struct api_response response;
    told.request_id = conn->call->request.id;
    conn->closes = conn->closes || last;
    conn->body_is_left = conn->body_is_left || last;
    api_response_init(&response);
    api_answer_problem(&response, &told);
    admin_conn_answer(conn, &response);
    api_response_done(&response);
}

static const struct problem admin_conn_no_memory = {.status = 503,
                                                    .code = "no_memory",
                                                    .detail = "the server is out of memory",
                                                    .offset = REPORT_OFFSET_NONE};

/* ---- heads ----------------------------------------------------------------------------------- */

/* Who it is, as far as this head says; false, and refused, if it is nobody we talk to. */
static bool admin_conn_identify(struct admin_conn *conn, const struct http_head *head, bool body)
{
    static const struct problem stranger = {
        .status = 403,
        .code = "forbidden",
        .detail = "the socket belongs to the server's own user and root",
        .hint = "run the command as the server's user, or ask for a token",
        .offset = REPORT_OFFSET_NONE};
    static const struct problem misdirected = {
        .status = 421,
        .code = "wrong_host",
        .detail = "this is the admin API, and Host names something else",
        .hint = "speak to localhost or the address, or set admin.host to the name",
        .offset = REPORT_OFFSET_NONE};
    struct api_request *request = &conn->call->request;
    if (conn->peer.stranger) {
        admin_conn_refuse(conn, &stranger, body);
        return false;
    }
    struct api_caller *caller = &conn->call->caller;
    request->caller = caller;
    admin_http_identify(conn->http, conn, head, caller);
    if (conn->door == ADMIN_DOOR_SOCKET)
        return true;
    conn->known = conn->known || caller->verbs != 0;
    if (head->host.data == NULL || admin_http_knows_host(conn->http, head->host))
        return true;
    admin_conn_refuse(conn, &misdirected, body);
    return false;
}

/* Lets the API say what it can say before the body is there; false, and answered, if that was
 * no. */
static bool admin_conn_admit(struct admin_conn *conn, uint64_t body_bytes, bool body)
{
    const struct admin_http_options *options = &conn->http->options;
    struct admin_http_call *call = conn->call;
    struct api_response response;
    uint64_t body_max = 0;
    api_response_init(&response);
    bool good = options->admit(options->context, &call->request, body_bytes, &response, &body_max);
    if (good) {
        buffer_init(&call->body, body_max);
    } else {
        if (response.status == 401 || response.status == 429)
            admin_http_tell_refused(conn->http, conn->peer.from);
        conn->closes = conn->closes || body;
        conn->body_is_left = body;
        admin_conn_answer(conn, &response);
    }
    api_response_done(&response);
    return good;
}

static void admin_conn_begin(struct admin_conn *conn, struct bytes text)
{
    static const struct problem unheard = {.status = 501,
                                           .code = "method_not_implemented",
                                           .detail = "this method is not known here",
                                           .offset = REPORT_OFFSET_NONE};
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_head head;
    struct problem problem;
    if (!http_head_parse(text, &head, &problem)) {
        admin_conn_refuse(conn, &problem, true);
        return;
    }
    bool body = head.chunked || head.body_bytes > 0;
    conn->closes = head.closes || conn->http->paused;
    conn->body_is_left = false;
    if (!admin_call_method(conn->call, head.method)) {
        admin_conn_refuse(conn, &unheard, body);
        return;
    }
    if (!admin_conn_identify(conn, &head, body))
        return;
    admin_call_fill(conn->call, &head);
    if (!admin_conn_admit(conn, head.body_bytes, body))
        return;
    http_body_init(&conn->body, head.chunked, head.body_bytes);
    admin_conn_enter(conn, ADMIN_CONN_BODY);
    if (head.expects_continue && body)
        (void)bufferevent_write(conn->stream, go_on, strlen(go_on));
}

/* False: more has to come. */
static bool admin_conn_take_head(struct admin_conn *conn)
{
    static const struct problem too_large = {.status = 431,
                                             .code = "headers_too_large",
                                             .detail = "the request's head is too large",
                                             .hint = "a configuration can have 32768 bytes",
                                             .offset = REPORT_OFFSET_NONE};
    struct evbuffer *input = bufferevent_get_input(conn->stream);
    const struct config_limits *limits = &conn->http->options.config->limits;
    /* The query carries a configuration, each byte of it as three. */
    size_t max = limits->headers + 3 * DEPLOY_CONFIG_BYTES_MAX;
    size_t count = MIN(evbuffer_get_length(input), max);
    const uint8_t *data = count == 0 ? NULL : evbuffer_pullup(input, (ev_ssize_t)count);
    if (data == NULL) {
        conn->state = count > 0 ? ADMIN_CONN_CLOSED : conn->state;
        return false;
    }
    size_t end = http_head_end(bytes_make(data, count), &conn->scanned);
    if (end == 0 && count < max)
        return false;
    struct admin_http_call *call = calloc(1, sizeof(*call));
    char *copy = malloc(count + 1);
    if (call == NULL || copy == NULL) {
        free(call);
        free(copy);
        conn->state = ADMIN_CONN_CLOSED;
        return false;
    }
    size_t taken = end == 0 ? count : end;
    memcpy(copy, data, taken);
    (void)evbuffer_drain(input, taken);
    *call = (struct admin_http_call){.http = conn->http, .conn = conn, .head = copy};
    admin_call_make_id(call->request.id);
    conn->call = call;
    if (end == 0)
        admin_conn_refuse(conn, &too_large, true);
    else
        admin_conn_begin(conn, bytes_make(copy, taken));
    return true;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void admin_conn_refuse_data(struct admin_conn *conn, enum status status)
{
    static const struct problem too_large = {.status = 413,
                                             .code = "body_too_large",
                                             .detail = "the body is larger than it may be here",
                                             .hint = "see `skerry limits`",
                                             .offset = REPORT_OFFSET_NONE};
    admin_conn_refuse(conn, status == STATUS_LIMIT ? &too_large : &admin_conn_no_memory, true);
}

/* False, and refused, if there is no room for it. */
static bool admin_conn_keep(struct admin_conn *conn, struct bytes data)
{
    static const struct problem full = {.status = 503,
                                        .code = "busy",
                                        .detail = "too many uploads are on their way",
                                        .hint = "try again in a moment",
                                        .offset = REPORT_OFFSET_NONE};
    struct admin_http *http = conn->http;
    struct admin_http_call *call = conn->call;
    /* One body always has room, so that there is none that can never be sent. */
    bool alone = http->body_bytes == call->body.count;
    if (!alone && data.count > http->body_bytes_max - MIN(http->body_bytes, http->body_bytes_max)) {
        admin_conn_refuse(conn, &full, true);
        return false;
    }
    enum status status = buffer_append(&call->body, data.data, data.count);
    if (status != STATUS_OK) {
        admin_conn_refuse_data(conn, status);
        return false;
    }
    http->body_bytes += data.count;
    return true;
}

static void admin_conn_hold(struct admin_conn *conn)
{
    struct admin_http_call *call = conn->call;
    const struct admin_http_options *options = &conn->http->options;
    struct api_response response;
    call->request.body = buffer_bytes(&call->body);
    admin_conn_enter(conn, ADMIN_CONN_HELD);
    api_response_init(&response);
    if (admin_repeats_begin(&conn->http->repeats, &call->request,
                            clock_monotonic_ns(options->clock), &response, &call->repeat))
        options->handle(options->context, call);
    else
        admin_conn_answer(conn, &response);
    api_response_done(&response);
}

/* False: more has to come. */
static bool admin_conn_take_body(struct admin_conn *conn)
{
    static const struct problem bad = {.status = 400,
                                       .code = "bad_request",
                                       .detail = "the body is not well chunked",
                                       .offset = REPORT_OFFSET_NONE};
    struct evbuffer *input = bufferevent_get_input(conn->stream);
    struct evbuffer_iovec piece;
    bool moved = false;
    while (conn->body.state != HTTP_BODY_DONE && evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
        struct bytes data;
        size_t used = http_body_take(&conn->body, bytes_make(piece.iov_base, piece.iov_len), &data);
        if (data.count > 0 && !admin_conn_keep(conn, data))
            return true;
        (void)evbuffer_drain(input, used);
        moved = true;
        if (conn->body.state == HTTP_BODY_BAD) {
            admin_conn_refuse(conn, &bad, true);
            return true;
        }
    }
    if (conn->body.state == HTTP_BODY_DONE)
        admin_conn_hold(conn);
    else if (moved)
        admin_conn_enter(conn, ADMIN_CONN_BODY);
    return conn->state != ADMIN_CONN_BODY;
}

/* ---- one step after another ------------------------------------------------------------------ */

/* Has the answer left? Then what is next; false: not yet, or the connection is gone. */
static bool admin_conn_finish_answer(struct admin_conn *conn)
{
    if (evbuffer_get_length(bufferevent_get_output(conn->stream)) > 0)
        return false;
    if (!conn->closes) {
        admin_conn_enter(conn, ADMIN_CONN_HEAD);
        return true;
    }
    if (conn->body_is_left)
        admin_tls_end(conn->stream);
    if (conn->body_is_left && shutdown(bufferevent_getfd(conn->stream), SHUT_WR) == 0) {
        admin_conn_enter(conn, ADMIN_CONN_LINGER);
        return true;
    }
    conn->state = ADMIN_CONN_CLOSED;
    return false;
}

static bool admin_conn_step(struct admin_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->stream);
    switch (conn->state) {
    case ADMIN_CONN_HEAD:
        return admin_conn_take_head(conn);
    case ADMIN_CONN_BODY:
        return admin_conn_take_body(conn);
    case ADMIN_CONN_ANSWER:
        return admin_conn_finish_answer(conn);
    case ADMIN_CONN_STREAM:
        (void)evbuffer_drain(input, evbuffer_get_length(input));
        if (conn->call->drained == NULL ||
            evbuffer_get_length(bufferevent_get_output(conn->stream)) > 0)
            return false;
        conn->call->drained(conn->call->gone_context);
        return conn->state == ADMIN_CONN_ANSWER; /* it ended what went on */
    case ADMIN_CONN_LINGER:
        (void)evbuffer_drain(input, evbuffer_get_length(input));
        return false;
    default:
        return false;
    }
}

static void admin_conn_work(struct admin_conn *conn)
{
    conn->busy = true;
    while (admin_conn_step(conn))
        ;
    conn->busy = false;
    if (conn->state == ADMIN_CONN_CLOSED)
        admin_conn_free(conn);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void admin_conn_moved(struct bufferevent *stream, void *context)
{
    (void)stream;
    admin_conn_work(context);
}

/* A large answer leaves in parts; each is a sign of life. */
static void
admin_conn_wrote(struct evbuffer *out, const struct evbuffer_cb_info *info, void *context)
{
    (void)out;
    struct admin_conn *conn = context;
    if (info->n_deleted > 0 && conn->state == ADMIN_CONN_ANSWER)
        admin_conn_wait(conn, ADMIN_CONN_SILENT_S);
}

/* Who has said all that it has to say may still want to hear the answer; not over TLS, where
 * libevent is done with a connection then. */
static void admin_conn_event(struct bufferevent *stream, short what, void *context)
{
    (void)stream;
    struct admin_conn *conn = context;
    if ((what & BEV_EVENT_CONNECTED) != 0)
        return; /* TLS is agreed on */
    if ((what & BEV_EVENT_EOF) != 0 && conn->state == ADMIN_CONN_ANSWER &&
        !admin_tls_is_spoken(conn->stream)) {
        conn->closes = true;
        conn->body_is_left = false;
        return;
    }
    admin_conn_free(conn);
}

static void admin_conn_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    admin_conn_free(context);
}

void admin_conn_start(struct admin_http *http,
                      enum admin_door door,
                      int fd,
                      const struct admin_peer *peer)
{
    struct admin_listener *listener = &http->listeners[door];
    const struct config_limits *limits = &http->options.config->limits;
    struct admin_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        (void)close(fd);
        return;
    }
    *conn = (struct admin_conn){.http = http,
                                .door = door,
                                .peer = *peer,
                                .known = door == ADMIN_DOOR_SOCKET && !peer->stranger};
    list_append(&listener->connections, &conn->link);
    listener->connection_count++;
    conn->timer = evtimer_new(http->options.base, admin_conn_timeout, conn);
    conn->stream =
        admin_tls_stream(http->options.base, door == ADMIN_DOOR_ADDRESS ? http->tls : NULL, fd);
    if (conn->stream == NULL)
        (void)close(fd);
    if (conn->timer == NULL || conn->stream == NULL ||
        evbuffer_add_cb(bufferevent_get_output(conn->stream), admin_conn_wrote, conn) == NULL) {
        admin_conn_free(conn);
        return;
    }
    bufferevent_setcb(conn->stream, admin_conn_moved, admin_conn_moved, admin_conn_event, conn);
    /* More than a head: what is read while nothing is taken. */
    bufferevent_setwatermark(conn->stream, EV_READ, 0,
                             limits->headers + 3 * DEPLOY_CONFIG_BYTES_MAX +
                                 ADMIN_CONN_PIPELINE_MAX);
    admin_conn_enter(conn, ADMIN_CONN_HEAD);
    if (bufferevent_enable(conn->stream, EV_READ | EV_WRITE) != 0)
        admin_conn_free(conn);
}
