/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: who is let in, what is kept in memory before that, and who makes room for whom.
 */
#include "door.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void only_a_socket_that_nobody_listens_on_is_replaced(void **state)
{
    (void)state;
    struct door door;
    struct admin_http *second = NULL;
    struct report report = REPORT_INIT;
    door_init(&door);
    struct config config = door.config;
    const struct admin_http_options options = {
        .base = door.base, .config = &config, .clock = &door.fixture.clock, .token = TOKEN};
    config.admin_listen[0] = '\0';
    assert_int_equal(admin_http_start(&options, &report, &second), STATUS_BUSY);
    assert_non_null(strstr(report.text, "in use by another server"));
    report = (struct report)REPORT_INIT;
    fixture_write_file(&door.fixture, "notes", "mine", 0600);
    (void)snprintf(config.admin_socket, sizeof(config.admin_socket), "%s/notes", door.fixture.dir);
    assert_int_equal(admin_http_start(&options, &report, &second), STATUS_CONFLICT);
    assert_non_null(strstr(report.text, "is no socket"));
    assert_int_equal(access(config.admin_socket, F_OK), 0);
    door_done(&door);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_speaks_on_the_socket_without_a_token),
        cmocka_unit_test(the_address_wants_the_token_and_a_name_of_its_own),
        cmocka_unit_test(a_body_without_a_token_is_never_kept),
        cmocka_unit_test(bodies_on_their_way_are_bounded_together),
        cmocka_unit_test(strangers_make_room_for_each_other_but_not_of_who_has_the_token),
        cmocka_unit_test(who_has_no_token_is_told_of_but_not_each_time),
        cmocka_unit_test(only_a_socket_that_nobody_listens_on_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
