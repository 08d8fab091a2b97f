/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket, events and state of one connection. One send and one recv per small request:
 * the client must cost less than the server it measures.
 */
#include "loadtest/connection.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTION_MAGIC 0x4c636f6eu /* "Lcon" */

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_FAILED, /* rests until the next sweep */
    CONNECTION_IDLE,
    CONNECTION_BUSY,
};

struct connection {
    uint32_t magic;
    enum connection_state state;
    const struct connection_owner *owner;
    void *slot;
    int fd; /* -1 if CLOSED or FAILED */
    struct event *readable;
    struct event *writable;
    struct bytes request; /* borrowed; data is NULL if there is none */
    size_t sent_bytes;
    bool to_head;
    int error_number; /* of the failed connect, or of a send that failed */
    uint64_t began_ns;
    struct buffer kept_body;
    struct answer answer;
    size_t unread_bytes; /* in `input`, not used up by the answer */
    uint8_t input[LOADTEST_ANSWER_HEAD_BYTES];
};

static const struct {
    const char *code;
    const char *text;
} failure_rows[FAILURE_COUNT] = {
    [FAILURE_NONE] = {.code = "none", .text = "answered"},
#define FAILURE(name, code_, text_) [FAILURE_##name] = {.code = (code_), .text = (text_)},
#include "loadtest/failure.def"
};

const char *failure_code(enum failure failure)
{
    ASSERT(failure < FAILURE_COUNT);
    return failure_rows[failure].code;
}

const char *failure_text(enum failure failure)
{
    ASSERT(failure < FAILURE_COUNT);
    return failure_rows[failure].text;
}

struct connection *connection_create(const struct connection_owner *owner, void *slot)
{
    ASSERT(owner->keep_bytes <= LOADTEST_ANSWER_KEEP_BYTES);
    struct connection *connection = malloc(sizeof(*connection));
    if (connection == NULL)
        return NULL;
    memset(connection, 0, offsetof(struct connection, input));
    connection->magic = CONNECTION_MAGIC;
    connection->owner = owner;
    connection->slot = slot;
    connection->fd = -1;
    buffer_init(&connection->kept_body, owner->keep_bytes);
    return connection;
}

static void connection_close(struct connection *connection)
{
    if (connection->readable != NULL)
        event_free(connection->readable);
    if (connection->writable != NULL)
        event_free(connection->writable);
    connection->readable = NULL;
    connection->writable = NULL;
    if (connection->fd >= 0)
        (void)close(connection->fd);
    connection->fd = -1;
    connection->state = CONNECTION_CLOSED;
}

void connection_free(struct connection *connection)
{
    if (connection == NULL)
        return;
    ASSERT(connection->magic == CONNECTION_MAGIC);
    connection_close(connection);
    buffer_done(&connection->kept_body);
    connection->magic = 0;
    free(connection);
}

/* Ends the request. The last thing its caller does: `done` may send the next one. */
static void connection_finish(struct connection *connection, enum failure failure)
{
    ASSERT(connection->request.data != NULL);
    struct answer *answer = &connection->answer;
    struct connection_result result = {
        .failure = failure,
        .detail = answer->error,
        .error_number = connection->error_number,
        .answer = answer,
        .body = buffer_bytes(&connection->kept_body),
        .sent_ns = connection->began_ns,
        .done_ns = clock_monotonic_ns(connection->owner->clock),
    };
    bool whole = connection->sent_bytes == connection->request.count;
    connection->request = bytes_make(NULL, 0);
    if (failure == FAILURE_NONE && answer->keep_alive && whole)
        connection->state = CONNECTION_IDLE;
    else
        connection_close(connection);
    connection->owner->done(connection->slot, &result);
}

/* Sends what the socket takes. An error waits for the read side, which may hold an answer
 * that the server gave before it stopped reading. */
static void connection_write(struct connection *connection)
{
    struct bytes request = connection->request;
    ssize_t count = send(connection->fd, request.data + connection->sent_bytes,
                         request.count - connection->sent_bytes, MSG_NOSIGNAL);
    if (count >= 0)
        connection->sent_bytes += (size_t)count;
    else if (errno != EAGAIN && errno != EINTR)
        connection->error_number = errno;
    bool more = connection->sent_bytes < request.count && connection->error_number == 0;
    if (more)
        (void)event_add(connection->writable, NULL);
}

static void connection_start_request(struct connection *connection)
{
    connection->state = CONNECTION_BUSY;
    connection->sent_bytes = 0;
    connection->unread_bytes = 0;
    connection->error_number = 0;
    connection->kept_body.count = 0;
    answer_init(&connection->answer, connection->to_head,
                connection->owner->keep_bytes > 0 ? &connection->kept_body : NULL);
    connection_write(connection);
}

static void connection_fail_connect(struct connection *connection, int error_number)
{
    connection_close(connection);
    connection->state = CONNECTION_FAILED;
    connection->error_number = error_number;
}

static void connection_connected(struct connection *connection)
{
    int error_number = 0;
    socklen_t size = sizeof(error_number);
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error_number, &size) != 0)
        error_number = errno;
    if (error_number != 0) {
        connection_fail_connect(connection, error_number);
        return;
    }
    (void)event_add(connection->readable, NULL);
    if (connection->request.data != NULL) {
        connection_start_request(connection);
        return;
    }
    connection->state = CONNECTION_IDLE;
    connection->owner->opened(connection->slot, 0);
}

static void connection_on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct connection *connection = context;
    ASSERT(connection->magic == CONNECTION_MAGIC);
    if (connection->state == CONNECTION_CONNECTING)
        connection_connected(connection);
    else if (connection->state == CONNECTION_BUSY)
        connection_write(connection);
}

/* New bytes are behind the unread ones. */
static void connection_read_answer(struct connection *connection)
{
    struct answer *answer = &connection->answer;
    size_t used = answer_feed(answer, bytes_make(connection->input, connection->unread_bytes));
    connection->unread_bytes -= used;
    if (answer->state == ANSWER_MALFORMED) {
        connection_finish(connection, FAILURE_MALFORMED);
    } else if (answer->state == ANSWER_DONE && connection->unread_bytes > 0) {
        answer->error = "bytes follow the answer";
        connection_finish(connection, FAILURE_MALFORMED);
    } else if (answer->state == ANSWER_DONE) {
        connection_finish(connection, FAILURE_NONE);
    } else if (used > 0 && connection->unread_bytes > 0) {
        memmove(connection->input, connection->input + used, connection->unread_bytes);
    }
}

static void connection_ended(struct connection *connection, int error_number)
{
    if (connection->state == CONNECTION_IDLE) {
        connection_close(connection);
        return;
    }
    struct answer *answer = &connection->answer;
    bool began = answer->state != ANSWER_HEAD || connection->unread_bytes > 0;
    if (error_number == 0)
        answer_eof(answer);
    answer->keep_alive = false;
    if (error_number != 0)
        connection->error_number = error_number;
    if (error_number == 0 && began && answer->state == ANSWER_DONE)
        connection_finish(connection, FAILURE_NONE);
    else
        connection_finish(connection, FAILURE_CLOSED);
}

static void connection_on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct connection *connection = context;
    ASSERT(connection->magic == CONNECTION_MAGIC);
    size_t room = sizeof(connection->input) - connection->unread_bytes;
    ASSERT(room > 0);
    ssize_t count = recv(fd, connection->input + connection->unread_bytes, room, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        connection_ended(connection, count == 0 ? 0 : errno);
    } else if (connection->state == CONNECTION_IDLE) {
        connection_close(connection); /* an answer that nobody asked for, like 408 */
    } else {
        connection->unread_bytes += (size_t)count;
        connection_read_answer(connection);
    }
}

static bool connection_make_events(struct connection *connection)
{
    struct event_base *base = connection->owner->base;
    connection->readable =
        event_new(base, connection->fd, EV_READ | EV_PERSIST, connection_on_readable, connection);
    connection->writable =
        event_new(base, connection->fd, EV_WRITE, connection_on_writable, connection);
    return connection->readable != NULL && connection->writable != NULL &&
           event_add(connection->writable, NULL) == 0;
}

static void connection_connect(struct connection *connection)
{
    const struct target *target = connection->owner->target;
    int family = target->address.ss_family;
    connection->began_ns = clock_monotonic_ns(connection->owner->clock);
    connection->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        connection_fail_connect(connection, errno);
        return;
    }
    int on = 1;
    if (family != AF_UNIX)
        (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const struct sockaddr *address = (const void *)&target->address;
    if (connect(connection->fd, address, target->address_bytes) != 0 && errno != EINPROGRESS) {
        connection_fail_connect(connection, errno);
        return;
    }
    if (!connection_make_events(connection)) {
        connection_fail_connect(connection, ENOMEM);
        return;
    }
    connection->state = CONNECTION_CONNECTING;
}

void connection_open(struct connection *connection)
{
    ASSERT(connection->magic == CONNECTION_MAGIC);
    ASSERT(connection->state == CONNECTION_CLOSED);
    connection_connect(connection);
}

void connection_send(struct connection *connection, struct bytes request, bool to_head)
{
    ASSERT(connection->magic == CONNECTION_MAGIC);
    ASSERT(connection->request.data == NULL);
    ASSERT(request.data != NULL);
    connection->request = request;
    connection->to_head = to_head;
    if (connection->state == CONNECTION_IDLE) {
        connection->began_ns = clock_monotonic_ns(connection->owner->clock);
        connection_start_request(connection);
    } else {
        ASSERT(connection->state == CONNECTION_CLOSED);
        connection->sent_bytes = 0;
        connection->kept_body.count = 0;
        answer_init(&connection->answer, to_head, NULL);
        connection_connect(connection);
    }
}

static void connection_give_up(struct connection *connection, enum failure failure)
{
    int error_number = connection->error_number;
    connection_close(connection);
    if (connection->request.data != NULL)
        connection_finish(connection, failure);
    else
        connection->owner->opened(connection->slot, error_number);
}

void connection_sweep(struct connection *connection, uint64_t now_ns, uint64_t timeout_ns)
{
    ASSERT(connection->magic == CONNECTION_MAGIC);
    if (connection->state == CONNECTION_FAILED) {
        connection_give_up(connection, FAILURE_CONNECT);
        return;
    }
    bool waiting =
        connection->state == CONNECTION_CONNECTING || connection->state == CONNECTION_BUSY;
    if (!waiting || now_ns < connection->began_ns || now_ns - connection->began_ns < timeout_ns)
        return;
    connection->error_number = ETIMEDOUT;
    connection_give_up(connection, FAILURE_TIMEOUT);
}
