/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door over real sockets, on one loop with its clients: who is let in, what is kept in
 * memory before that, and what becomes of a request whose client goes away.
 */
#include "fixture.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deploy/api/admin_private.h"

#define TOKEN  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define HOST   "Host: localhost\r\n"

struct door {
    struct fixture fixture;
    struct config config;
    struct event_base *base;
    struct admin_http *http;
    struct admin_http_call *held; /* the last that was handed over; answered by the test */
    bool holds;                   /* calls wait for the test, else they get 200 at once */
    uint32_t call_count;
    uint32_t gone_count;
    uint32_t refused_calls;
    uint32_t refused_count;
    char body[64]; /* of the last call */
    size_t body_count;
    char path[64];
};

static void door_reply(struct admin_http_call *call, const char *text)
{
    struct api_response response;
    api_response_init(&response);
    response.status = 200;
    assert_int_equal(buffer_append(&response.body, text, strlen(text)), STATUS_OK);
    admin_http_reply(call, &response);
    api_response_done(&response);
}

/* A path that begins with "/open" is public; a body may have 1000 bytes, below "/large" more. */
static bool door_admit(void *context,
                       const struct api_request *request,
                       uint64_t body_bytes,
                       struct api_response *response,
                       uint64_t *ret_body_max)
{
    (void)context;
    struct problem problem = {.status = 0, .code = "x", .detail = "y", .offset = 0};
    *ret_body_max = strncmp(request->path, "/large", 6) == 0 ? 1 << 20 : 1000;
    if (request->granted == API_SCOPE_PUBLIC && strncmp(request->path, "/open", 5) != 0)
        problem.status = 401;
    else if (body_bytes > *ret_body_max)
        problem.status = 413;
    if (problem.status != 0)
        api_answer_problem(response, &problem);
    return problem.status == 0;
}

static void door_gone(void *context)
{
    struct door *door = context;
    door->gone_count++;
    if (door->held != NULL)
        door_reply(door->held, "nobody");
    door->held = NULL;
}

static void door_handle(void *context, struct admin_http_call *call)
{
    struct door *door = context;
    const struct api_request *request = admin_http_request(call);
    door->call_count++;
    door->body_count = request->body.count;
    memcpy(door->body, request->body.count == 0 ? (const uint8_t *)"" : request->body.data,
           MIN(request->body.count, sizeof(door->body)));
    (void)snprintf(door->path, sizeof(door->path), "%s", request->path);
    if (!door->holds) {
        door_reply(call, "{}\n");
        return;
    }
    door->held = call;
    admin_http_on_gone(call, door_gone, door);
}

static void door_refused(void *context, uint32_t count, const char *peer)
{
    struct door *door = context;
    door->refused_calls++;
    door->refused_count += count;
    assert_string_equal(peer, "127.0.0.1");
}

static void door_init(struct door *door)
{
    struct report report = REPORT_INIT;
    *door = (struct door){0};
    fixture_init(&door->fixture);
    config_limits_default(&door->config.limits);
    door->config.limits.module = 1 << 20;
    (void)snprintf(door->config.admin_socket, sizeof(door->config.admin_socket), "%s/admin.sock",
                   door->fixture.dir);
    (void)snprintf(door->config.admin_listen, sizeof(door->config.admin_listen), "127.0.0.1:0");
    (void)snprintf(door->config.admin_host, sizeof(door->config.admin_host), "admin.example");
    door->base = event_base_new();
    const struct admin_http_options options = {.base = door->base,
                                               .config = &door->config,
                                               .clock = &door->fixture.clock,
                                               .token = TOKEN,
                                               .admit = door_admit,
                                               .handle = door_handle,
                                               .refused = door_refused,
                                               .context = door};
    if (admin_http_start(&options, &report, &door->http) != STATUS_OK)
        fail_msg("%s", report.text);
}

static void door_done(struct door *door)
{
    admin_http_stop(door->http);
    event_base_free(door->base);
    fixture_done(&door->fixture);
}

static int door_connect(const struct door *door, enum admin_door which)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    const struct sockaddr *to = (const struct sockaddr *)&path;
    (void)snprintf(path.sun_path, sizeof(path.sun_path), "%s", door->config.admin_socket);
    if (which == ADMIN_DOOR_ADDRESS) {
        int listening = evconnlistener_get_fd(door->http->listeners[ADMIN_DOOR_ADDRESS].listener);
        assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
        to = (const struct sockaddr *)&address;
    } else {
        length = sizeof(path);
    }
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, to, length), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void door_turn(const struct door *door)
{
    assert_true(event_base_loop(door->base, EVLOOP_NONBLOCK) >= 0);
}

/* Sends all, giving the door its turns; stops where the door has closed. */
static void door_send(const struct door *door, int fd, const char *text, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t step = send(fd, text + done, count - done, MSG_NOSIGNAL);
        if (step < 0 && errno != EAGAIN)
            return;
        done += step > 0 ? (size_t)step : 0;
        door_turn(door);
    }
}

/* Reads until `text` is in what came, or the end; what came is in `ret_answer`. */
static bool door_receive(const struct door *door, int fd, const char *text, char ret_answer[8192])
{
    size_t count = 0;
    ret_answer[0] = '\0';
    for (;;) {
        ssize_t step = recv(fd, ret_answer + count, 8191 - count, 0);
        if (step > 0)
            count += (size_t)step;
        ret_answer[count] = '\0';
        if (text != NULL && strstr(ret_answer, text) != NULL)
            return true;
        if (step == 0 || (step < 0 && errno != EAGAIN))
            return false;
        door_turn(door);
    }
}

/* One request on one connection; the status, 0 if there was no answer. */
static int door_ask(struct door *door, enum admin_door which, const char *request)
{
    char answer[8192];
    int status = 0;
    int fd = door_connect(door, which);
    door_send(door, fd, request, strlen(request));
    if (door_receive(door, fd, "}\n", answer)) {
        assert_int_equal(sscanf(answer, "HTTP/1.1 %d ", &status), 1);
        assert_non_null(strstr(answer, "\r\nX-Request-Id: "));
        assert_non_null(strstr(answer, "\r\nDate: "));
        bool problem = strstr(answer, "\r\nContent-Type: application/problem+json\r\n") != NULL;
        assert_int_equal(problem, status >= 400);
    }
    assert_int_equal(close(fd), 0);
    door_turn(door);
    return status;
}

static uint32_t door_connections(const struct door *door)
{
    return door->http->listeners[ADMIN_DOOR_ADDRESS].connection_count +
           door->http->listeners[ADMIN_DOOR_SOCKET].connection_count;
}

static void the_owner_speaks_on_the_socket_without_a_token(void **state)
{
    (void)state;
    struct door door;
    door_init(&door);
    assert_int_equal(door_ask(&door, ADMIN_DOOR_SOCKET, "GET /a?b HTTP/1.1\r\n" HOST "\r\n"), 200);
    assert_string_equal(door.path, "/a");
    assert_int_equal(door_ask(&door, ADMIN_DOOR_SOCKET,
                              "PUT /b HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"),
                     200);
    assert_int_equal(door.body_count, 5);
    assert_memory_equal(door.body, "hello", 5);
    assert_int_equal(door_ask(&door, ADMIN_DOOR_SOCKET,
                              "PUT /b HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
                     200);
    assert_memory_equal(door.body, "abcde", 5);
    assert_int_equal(door.http->body_bytes, 0);
    assert_int_equal(door_connections(&door), 0);
    door_done(&door);
}

static void the_address_wants_the_token_and_a_name_of_its_own(void **state)
{
    (void)state;
    struct door door;
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"GET /x HTTP/1.1\r\n" HOST "\r\n", 401},
        {"GET /x HTTP/1.1\r\n" HOST BEARER "\r\n", 200},
        {"GET /open HTTP/1.1\r\n" HOST "\r\n", 200},
        {"GET /x HTTP/1.1\r\n" HOST "Authorization: bearer " TOKEN "\r\n\r\n", 200},
        {"GET /x HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN "0\r\n\r\n", 401},
        {"GET /x HTTP/1.1\r\n" HOST "Authorization: Bearer\r\n " TOKEN "\r\n\r\n", 400},
        {"GET /x HTTP/1.1\r\n" HOST "Authorization: Basic x\r\n" BEARER "\r\n", 400},
        {"GET /open HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
        {"GET /x HTTP/1.1\r\nHost: evil.example\r\n" BEARER "\r\n", 421},
        {"GET /x HTTP/1.1\r\nHost: localhost.evil.example\r\n" BEARER "\r\n", 421},
        {"GET http://evil.example/x HTTP/1.1\r\n" HOST BEARER "\r\n", 421},
        {"GET /x HTTP/1.1\r\nHost: \r\n" BEARER "\r\n", 421},
        {"GET /x HTTP/1.1\r\nHost: LocalHost:8090\r\n" BEARER "\r\n", 200},
        {"GET /x HTTP/1.1\r\nHost: 127.0.0.1:8090\r\n" BEARER "\r\n", 200},
        {"GET /x HTTP/1.1\r\nHost: [::1]:8090\r\n" BEARER "\r\n", 200},
        {"GET /x HTTP/1.1\r\nHost: admin.example\r\n" BEARER "\r\n", 200},
        {"GET /x HTTP/1.0\r\n" BEARER "\r\n", 200},
        {"BREW /x HTTP/1.1\r\n" HOST BEARER "\r\n", 501},
        {"GET /x HTTP/1.1\n" HOST BEARER "\n", 400},
        {"GET /x HTTP/3.0\r\n" HOST BEARER "\r\n", 505},
        {"PUT /x HTTP/1.1\r\n" HOST BEARER "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
        {"PUT /x HTTP/1.1\r\n" HOST BEARER "Content-Length: 1001\r\n\r\n", 413},
        {"PUT /x HTTP/1.1\r\n" HOST BEARER "Transfer-Encoding: chunked\r\n\r\n3zz\r\nabc\r\n", 400},
    };
    door_init(&door);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int status = door_ask(&door, ADMIN_DOOR_ADDRESS, rows[i].request);
        if (status != rows[i].status)
            fail_msg("%d, not %d: %s", status, rows[i].status, rows[i].request);
    }
    door_done(&door);
}

static void a_body_without_a_token_is_never_kept(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char head[] = "PUT /large HTTP/1.1\r\n" HOST "Content-Length: 900000\r\n\r\n";
    static char junk[900000];
    door_init(&door);
    int fd = door_connect(&door, ADMIN_DOOR_ADDRESS);
    door_send(&door, fd, head, strlen(head));
    /* The answer is there although the whole body is still to come, and lives through it. */
    door_send(&door, fd, junk, sizeof(junk));
    assert_int_equal(door.http->body_bytes, 0);
    assert_false(door_receive(&door, fd, NULL, answer));
    assert_non_null(strstr(answer, "HTTP/1.1 401 "));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(door.call_count, 0);
    assert_int_equal(close(fd), 0);
    door_turn(&door);
    assert_int_equal(door_connections(&door), 0);
    door_done(&door);
}

static void bodies_on_their_way_are_bounded_together(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char head[] =
        "PUT /large HTTP/1.1\r\n" HOST BEARER "Content-Length: 1048576\r\n\r\n";
    static char junk[1 << 20];
    int fds[3];
    door_init(&door);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = door_connect(&door, ADMIN_DOOR_ADDRESS);
        door_send(&door, fds[i], head, strlen(head));
        /* All but the last byte, so that none is complete. */
        door_send(&door, fds[i], junk, sizeof(junk) - 1);
        assert_true(door.http->body_bytes <= door.http->body_bytes_max);
    }
    assert_true(door_receive(&door, fds[2], "}\n", answer));
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
    door_send(&door, fds[0], junk, 1);
    assert_true(door_receive(&door, fds[0], "}\n", answer));
    assert_non_null(strstr(answer, "HTTP/1.1 200 "));
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        assert_int_equal(close(fds[i]), 0);
    door_turn(&door);
    door_turn(&door);
    assert_int_equal(door.http->body_bytes, 0);
    door_done(&door);
}

static void one_connection_carries_many_requests_in_order(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char two[] = "GET /1 HTTP/1.1\r\n" HOST "\r\n"
                              "HEAD /2 HTTP/1.1\r\n" HOST "\r\n"
                              "GET /3 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
                              "GET /4 HTTP/1.1\r\n" HOST "\r\n";
    door_init(&door);
    int fd = door_connect(&door, ADMIN_DOOR_SOCKET);
    door_send(&door, fd, two, strlen(two));
    assert_false(door_receive(&door, fd, NULL, answer));
    assert_int_equal(door.call_count, 3);
    assert_string_equal(door.path, "/3");
    /* HEAD: the length, but no body. */
    const char *body = strstr(answer, "{}\n");
    assert_non_null(body);
    body = strstr(body + 1, "{}\n");
    assert_non_null(body);
    assert_null(strstr(body + 1, "{}\n"));
    assert_int_equal(close(fd), 0);
    door_done(&door);
}

static void what_waits_for_a_build_is_answered_when_it_is_done(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char request[] = "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 2\r\n"
                                  "Expect: 100-continue\r\n\r\n";
    door_init(&door);
    door.holds = true;
    int fd = door_connect(&door, ADMIN_DOOR_SOCKET);
    door_send(&door, fd, request, strlen(request));
    assert_true(door_receive(&door, fd, "\r\n\r\n", answer));
    assert_string_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_null(door.held);
    door_send(&door, fd, "ab", 2);
    while (door.held == NULL)
        door_turn(&door);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), -1);
    door_reply(door.held, "{\"late\":1}\n");
    door.held = NULL;
    assert_true(door_receive(&door, fd, "}\n", answer));
    assert_int_equal(door.gone_count, 0);
    assert_int_equal(close(fd), 0);
    door_done(&door);
}

static void a_client_that_leaves_is_told_of_and_its_reply_goes_nowhere(void **state)
{
    (void)state;
    struct door door;
    static const char request[] = "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab";
    door_init(&door);
    door.holds = true;
    int fd = door_connect(&door, ADMIN_DOOR_SOCKET);
    door_send(&door, fd, request, strlen(request));
    while (door.held == NULL)
        door_turn(&door);
    assert_int_equal(close(fd), 0);
    while (door.gone_count == 0)
        door_turn(&door);
    assert_null(door.held);
    assert_int_equal(door.http->body_bytes, 0);
    assert_int_equal(door_connections(&door), 0);
    door_done(&door);
}

static void strangers_make_room_for_each_other_but_not_of_who_has_the_token(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    int fds[70];
    static const char known[] = "GET /x HTTP/1.1\r\n" HOST BEARER "\r\n";
    door_init(&door);
    int friend = door_connect(&door, ADMIN_DOOR_ADDRESS);
    door_send(&door, friend, known, strlen(known));
    assert_true(door_receive(&door, friend, "}\n", answer));
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = door_connect(&door, ADMIN_DOOR_ADDRESS);
        door_send(&door, fds[i], "GET /op", 7);
        door_turn(&door);
        assert_true(door_connections(&door) <= 64);
    }
    /* The first strangers are closed, the youngest is not, and neither is the friend. */
    assert_false(door_receive(&door, fds[0], NULL, answer));
    assert_int_equal(recv(fds[69], answer, sizeof(answer), 0), -1);
    door_send(&door, friend, known, strlen(known));
    assert_true(door_receive(&door, friend, "}\n", answer));
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        assert_int_equal(close(fds[i]), 0);
    assert_int_equal(close(friend), 0);
    door_done(&door);
}

static void who_has_no_token_is_told_of_but_not_each_time(void **state)
{
    (void)state;
    struct door door;
    static const char request[] = "GET /x HTTP/1.1\r\n" HOST "\r\n";
    door_init(&door);
    for (int i = 0; i < 20; i++)
        assert_int_equal(door_ask(&door, ADMIN_DOOR_ADDRESS, request), 401);
    assert_int_equal(door.refused_calls, 1);
    assert_int_equal(door.refused_count, 1);
    door.fixture.now_ns += ADMIN_HTTP_REFUSED_NS;
    assert_int_equal(door_ask(&door, ADMIN_DOOR_ADDRESS, request), 401);
    assert_int_equal(door.refused_calls, 2);
    assert_int_equal(door.refused_count, 21);
    door_done(&door);
}

static void a_head_that_never_ends_is_refused_at_its_bound(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static char junk[1 << 20];
    static const char begin[] = "GET /";
    door_init(&door);
    memset(junk, 'x', sizeof(junk));
    int fd = door_connect(&door, ADMIN_DOOR_ADDRESS);
    door_send(&door, fd, begin, strlen(begin));
    door_send(&door, fd, junk, sizeof(junk));
    assert_false(door_receive(&door, fd, NULL, answer));
    assert_non_null(strstr(answer, "HTTP/1.1 431 "));
    assert_int_equal(close(fd), 0);
    door_done(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_speaks_on_the_socket_without_a_token),
        cmocka_unit_test(the_address_wants_the_token_and_a_name_of_its_own),
        cmocka_unit_test(a_body_without_a_token_is_never_kept),
        cmocka_unit_test(bodies_on_their_way_are_bounded_together),
        cmocka_unit_test(one_connection_carries_many_requests_in_order),
        cmocka_unit_test(what_waits_for_a_build_is_answered_when_it_is_done),
        cmocka_unit_test(a_client_that_leaves_is_told_of_and_its_reply_goes_nowhere),
        cmocka_unit_test(strangers_make_room_for_each_other_but_not_of_who_has_the_token),
        cmocka_unit_test(who_has_no_token_is_told_of_but_not_each_time),
        cmocka_unit_test(a_head_that_never_ends_is_refused_at_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
