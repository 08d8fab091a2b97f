/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager hands over is taken only by whom it is for, and only if clients can
 * connect to it; what is said arrives, in both kinds of place.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/control/sockets/service_manager.h"
#include "tests/support/unit.h"

#define FIRST 200 /* descriptors of the tests: nobody else's */

static int make_socket(int type, int at)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(dup2(fd, at), at);
    (void)close(fd);
    return at;
}

static void hand_over(long pid, const char *count)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%ld", pid);
    assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
}

static void sockets_are_taken_once_and_close_on_exec(void **state)
{
    (void)state;
    struct service_sockets sockets;
    make_socket(SOCK_STREAM, FIRST);
    make_socket(SOCK_STREAM, FIRST + 1);
    hand_over(getpid(), "2");
    assert_int_equal(service_sockets_take(FIRST, NULL, &sockets), STATUS_OK);
    assert_int_equal(sockets.count, 2);
    assert_int_equal(strncmp(sockets.addresses[0], "127.0.0.1:", 10), 0);
    assert_int_equal(fcntl(FIRST, F_GETFD), FD_CLOEXEC);
    assert_int_not_equal(fcntl(FIRST, F_GETFL) & O_NONBLOCK, 0);
    assert_null(getenv("LISTEN_FDS"));

    assert_int_equal(service_sockets_check(&sockets, NULL), STATUS_CONFIG);
    assert_int_equal(service_sockets_pick(&sockets, "127.0.0.1:1"), -1);
    assert_int_equal(service_sockets_pick(&sockets, sockets.addresses[1]), FIRST + 1);
    assert_int_equal(service_sockets_pick(&sockets, sockets.addresses[1]), -1);
    assert_int_equal(service_sockets_pick(&sockets, sockets.addresses[0]), FIRST);
    assert_int_equal(service_sockets_check(&sockets, NULL), STATUS_OK);
    assert_int_equal(close(FIRST), 0);
    assert_int_equal(close(FIRST + 1), 0);

    assert_int_equal(service_sockets_take(FIRST, NULL, &sockets), STATUS_OK);
    assert_int_equal(sockets.count, 0);
}

static void what_is_for_another_process_is_left_alone(void **state)
{
    (void)state;
    struct service_sockets sockets;
    make_socket(SOCK_STREAM, FIRST);
    hand_over((long)getpid() + 1, "1");
    assert_int_equal(service_sockets_take(FIRST, NULL, &sockets), STATUS_OK);
    assert_int_equal(sockets.count, 0);
    assert_int_equal(close(FIRST), 0);
    static const char *const nonsense[] = {"", "-1", "one", "1x", "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
        hand_over(getpid(), nonsense[i]);
        assert_int_equal(service_sockets_take(FIRST, NULL, &sockets), STATUS_OK);
        assert_int_equal(sockets.count, 0);
    }
}

static void what_is_no_listening_socket_is_refused(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct service_sockets sockets;
    make_socket(SOCK_DGRAM, FIRST);
    hand_over(getpid(), "1");
    assert_int_equal(service_sockets_take(FIRST, &report, &sockets), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "ListenStream="));
    (void)close(FIRST);
    hand_over(getpid(), "1"); /* the descriptor is not there */
    assert_int_equal(service_sockets_take(FIRST, &report, &sockets), STATUS_CONFIG);
    report = (struct report)REPORT_INIT;
    hand_over(getpid(), "1000000");
    assert_int_equal(service_sockets_take(FIRST, &report, &sockets), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "more than"));
}

static void check_said(const char *name)
{
    char text[64] = "";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    service_manager_say("READY=1\nSTATUS=serving");
    assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), 22);
    assert_string_equal(text, "READY=1\nSTATUS=serving");
    (void)close(fd);
}

static void what_is_said_arrives(void **state)
{
    (void)state;
    char folder[] = "/tmp/skerry-notify-XXXXXX";
    char name[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(name, sizeof(name), "%s/notify", folder);
    check_said(name);
    (void)unlink(name);
    (void)rmdir(folder);
    (void)snprintf(name, sizeof(name), "@skerry-unit-%ld", (long)getpid());
    check_said(name);
}

static void nothing_is_said_to_a_place_that_makes_no_sense(void **state)
{
    (void)state;
    char longer[200];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    const char *places[] = {"", "/", "relative", "/nonexistent/notify", longer};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", places[i], 1), 0);
        service_manager_say("READY=1");
    }
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    service_manager_say("READY=1");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_taken_once_and_close_on_exec),
        cmocka_unit_test(what_is_for_another_process_is_left_alone),
        cmocka_unit_test(what_is_no_listening_socket_is_refused),
        cmocka_unit_test(what_is_said_arrives),
        cmocka_unit_test(nothing_is_said_to_a_place_that_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
