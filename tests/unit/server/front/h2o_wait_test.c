/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel is told of a client's socket, and what libh2o is told by it: epoll_ctl and
 * epoll_wait as libh2o calls them, on a pair of sockets.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/front/h2o_guard.h"
#include "tests/support/unit.h"

struct h2o_guard h2o_guard;

static struct hall {
    h2o_loop_t *loop;
    struct h2o_connection connection;
    int fd;
    int client; /* the other end */
    int epoll;
} hall;

static void on_close(void *context)
{
    (void)context;
}

bool h2o_connection_owns(const h2o_socket_t *socket)
{
    return socket->on_close.cb == on_close;
}

static int setup(void **state)
{
    (void)state;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    hall = (struct hall){.loop = h2o_evloop_create(), .fd = ends[0], .client = ends[1]};
    hall.epoll = epoll_create1(EPOLL_CLOEXEC);
    hall.connection.left_loop_fd = -1;
    hall.connection.socket =
        h2o_evloop_socket_create(hall.loop, hall.fd, H2O_SOCKET_FLAG_DONT_READ);
    hall.connection.socket->on_close.cb = on_close;
    hall.connection.socket->on_close.data = &hall.connection;
    h2o_guard = (struct h2o_guard){.in_loop = true};
    return hall.epoll < 0;
}

static int teardown(void **state)
{
    (void)state;
    h2o_guard.in_loop = false;
    h2o_socket_close(hall.connection.socket);
    (void)h2o_evloop_run(hall.loop, 0);
    h2o_evloop_destroy(hall.loop);
    (void)close(hall.epoll);
    return close(hall.client);
}

static void tell(int change, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = hall.connection.socket};
    assert_int_equal(epoll_ctl(hall.epoll, change, hall.fd, &event), 0);
}

/* Told of nothing else than what it looks for already. */
static bool kernel_looks(uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = hall.connection.socket};
    return syscall(SYS_epoll_ctl, hall.epoll, EPOLL_CTL_MOD, hall.fd, &event) == 0;
}

static int events_now(void)
{
    struct epoll_event events[4];
    return epoll_wait(hall.epoll, events, COUNT_OF(events), 0);
}

static void something_comes(void)
{
    assert_int_equal(send(hall.client, "x", 1, MSG_NOSIGNAL), 1);
}

static void the_kernel_does_not_hear_of_a_socket_that_is_left_for_a_while(void **state)
{
    (void)state;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    for (int i = 0; i < 3; i++) {
        tell(EPOLL_CTL_DEL, 0);
        assert_true(kernel_looks(EPOLLIN));
        assert_int_equal(events_now(), 0);
        tell(EPOLL_CTL_ADD, EPOLLIN);
    }
    something_comes();
    assert_int_equal(events_now(), 1);
}

static void what_comes_meanwhile_is_not_told_and_waits(void **state)
{
    (void)state;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    tell(EPOLL_CTL_DEL, 0);
    something_comes();
    assert_int_equal(events_now(), 0);
    assert_false(kernel_looks(EPOLLIN));
    tell(EPOLL_CTL_ADD, EPOLLIN);
    assert_int_equal(events_now(), 1);
}

static void one_that_is_closed_is_looked_at_no_more(void **state)
{
    (void)state;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    h2o_wait_leave(&hall.connection);
    assert_true(kernel_looks(EPOLLIN));
    tell(EPOLL_CTL_DEL, 0);
    h2o_wait_leave(&hall.connection);
    assert_false(kernel_looks(EPOLLIN));
}

static void one_that_is_written_to_is_left_at_once(void **state)
{
    (void)state;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    tell(EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    tell(EPOLL_CTL_DEL, 0);
    assert_false(kernel_looks(EPOLLIN));
}

static void one_that_is_left_can_be_written_to(void **state)
{
    (void)state;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    tell(EPOLL_CTL_DEL, 0);
    tell(EPOLL_CTL_ADD, EPOLLOUT);
    assert_int_equal(events_now(), 1);
    tell(EPOLL_CTL_DEL, 0);
    assert_false(kernel_looks(EPOLLOUT));
}

static void what_is_no_clients_is_as_it_was(void **state)
{
    (void)state;
    h2o_guard.in_loop = false;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    tell(EPOLL_CTL_DEL, 0);
    assert_false(kernel_looks(EPOLLIN));
    h2o_guard.in_loop = true;
    hall.connection.socket->on_close.cb = NULL;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    tell(EPOLL_CTL_DEL, 0);
    assert_false(kernel_looks(EPOLLIN));
}

static void every_second_look_at_least_is_one(void **state)
{
    (void)state;
    h2o_guard.spares = true;
    tell(EPOLL_CTL_ADD, EPOLLIN);
    something_comes();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(events_now(), 0);
        assert_int_equal(events_now(), 1);
    }
    h2o_guard.spares = false;
    assert_int_equal(events_now(), 1);
    assert_int_equal(events_now(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_kernel_does_not_hear_of_a_socket_that_is_left_for_a_while),
        TEST(what_comes_meanwhile_is_not_told_and_waits),
        TEST(one_that_is_closed_is_looked_at_no_more),
        TEST(one_that_is_written_to_is_left_at_once),
        TEST(one_that_is_left_can_be_written_to),
        TEST(what_is_no_clients_is_as_it_was),
        TEST(every_second_look_at_least_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
