/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: requests one after another, answers that come late, and what becomes of a
 * request whose client goes away or never ends.
 */
#include "door.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void what_comes_behind_a_held_request_waits_for_its_answer(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char two[] = "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n";
    door_init(&door);
    door.holds = true;
    int fd = door_connect(&door, ADMIN_DOOR_SOCKET);
    door_send(&door, fd, two, strlen(two));
    while (door.held == NULL)
        door_turn(&door);
    door_turn(&door);
    assert_int_equal(door.call_count, 1);
    assert_string_equal(door.path, "/1");
    struct admin_http_call *first = door.held;
    door.held = NULL;
    door_reply(first, "{\"first\":1}\n");
    while (door.held == NULL)
        door_turn(&door);
    assert_string_equal(door.path, "/2");
    door_reply(door.held, "{\"second\":2}\n");
    door.held = NULL;
    assert_true(door_receive(&door, fd, "\"second\":2}\n", answer));
    const char *at = strstr(answer, "first");
    assert_true(at != NULL && at < strstr(answer, "second"));
    assert_int_equal(close(fd), 0);
    door_done(&door);
}

static void a_body_of_no_told_length_is_refused_where_it_grows_too_large(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char head[] = "PUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    static const char chunk[] = "c8\r\n%0200d\r\n"; /* 200 bytes; it may have 1000 */
    char text[256];
    int count = snprintf(text, sizeof(text), chunk, 0);
    door_init(&door);
    int fd = door_connect(&door, ADMIN_DOOR_SOCKET);
    door_send(&door, fd, head, strlen(head));
    for (int i = 0; i < 5; i++)
        door_send(&door, fd, text, (size_t)count);
    while (door.http->body_bytes < 1000)
        door_turn(&door);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), -1);
    door_send(&door, fd, text, (size_t)count);
    assert_false(door_receive(&door, fd, NULL, answer));
    assert_non_null(strstr(answer, "HTTP/1.1 413 "));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(door.http->body_bytes, 0);
    assert_int_equal(door.call_count, 0);
    assert_int_equal(close(fd), 0);
    door_done(&door);
}

static void a_connection_after_a_refusal_without_a_body_goes_on(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    static const char two[] = "GET /x HTTP/1.1\r\n" HOST "\r\nGET /open HTTP/1.1\r\n" HOST "\r\n";
    door_init(&door);
    int fd = door_connect(&door, ADMIN_DOOR_ADDRESS);
    door_send(&door, fd, two, strlen(two));
    assert_true(door_receive(&door, fd, "HTTP/1.1 200 ", answer));
    assert_memory_equal(answer, "HTTP/1.1 401 ", 13);
    assert_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(close(fd), 0);
    door_done(&door);
}

/* As it is accepted when the socket's peer is neither its owner nor root. */
static void who_is_not_the_owner_gets_nothing_by_the_socket(void **state)
{
    (void)state;
    struct door door;
    char answer[8192];
    int fds[2];
    static const char request[] = "GET /open HTTP/1.1\r\n" HOST BEARER "\r\n";
    door_init(&door);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    const struct admin_peer stranger = {.stranger = true};
    admin_conn_start(door.http, ADMIN_DOOR_SOCKET, fds[0], &stranger);
    door_send(&door, fds[1], request, strlen(request));
    assert_true(door_receive(&door, fds[1], "}\n", answer));
    assert_memory_equal(answer, "HTTP/1.1 403 ", 13);
    assert_int_equal(door.call_count, 0);
    assert_int_equal(close(fds[1]), 0);
    door_turn(&door);
    door_done(&door);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_carries_many_requests_in_order),
        cmocka_unit_test(what_waits_for_a_build_is_answered_when_it_is_done),
        cmocka_unit_test(a_client_that_leaves_is_told_of_and_its_reply_goes_nowhere),
        cmocka_unit_test(a_head_that_never_ends_is_refused_at_its_bound),
        cmocka_unit_test(what_comes_behind_a_held_request_waits_for_its_answer),
        cmocka_unit_test(a_body_of_no_told_length_is_refused_where_it_grows_too_large),
        cmocka_unit_test(a_connection_after_a_refusal_without_a_body_goes_on),
        cmocka_unit_test(who_is_not_the_owner_gets_nothing_by_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
