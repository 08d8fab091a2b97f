/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing in two steps, on a real loop with pairs of sockets: our end is over at once, what still
 * comes is read and forgotten, and both has its bounds. The clock is the test's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/front/h2o_front.h"
#include "tests/support/unit.h"

struct pair {
    struct h2o_connection connection;
    int client; /* the other end, which does not block */
};

static struct hall {
    struct h2o_front front;
    struct request_service service;
    struct clock clock;
    uint64_t now_ns;
} hall;

static uint64_t hall_now(void *context)
{
    (void)context;
    return hall.now_ns;
}

static int setup(void **state)
{
    (void)state;
    memset(&hall, 0, sizeof(hall));
    hall.now_ns = CLOCK_NS_PER_S;
    hall.clock = (struct clock){.monotonic_ns = hall_now, .realtime_ns = hall_now};
    hall.service.clock = &hall.clock;
    hall.front.service = &hall.service;
    hall.front.loop = h2o_evloop_create();
    h2o_linklist_init_anchor(&hall.front.lingering);
    return 0;
}

static void turn(void)
{
    (void)h2o_evloop_run(hall.front.loop, 0);
}

/* All lingerers end, and what they closed is freed. */
static int teardown(void **state)
{
    (void)state;
    hall.now_ns += 10 * CLOCK_NS_PER_S;
    h2o_linger_sweep(&hall.front);
    turn();
    h2o_evloop_destroy(hall.front.loop);
    return hall.front.linger_count == 0 ? 0 : -1;
}

/* A connection that libh2o has closed, but whose descriptor was kept. */
static void pair_linger(struct pair *pair, uint64_t bytes_max)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    pair->client = ends[0];
    pair->connection = (struct h2o_connection){.front = &hall.front, .linger_fd = -1};
    pair->connection.socket =
        h2o_evloop_socket_create(hall.front.loop, ends[1], H2O_SOCKET_FLAG_DONT_READ);
    h2o_linger_keep(&pair->connection, bytes_max);
    h2o_socket_close(pair->connection.socket);
    turn();
    if (pair->connection.linger_fd >= 0)
        h2o_linger_begin(&pair->connection);
}

static bool pair_is_closed(const struct pair *pair)
{
    return send(pair->client, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE;
}

static void our_end_is_over_at_once_and_the_clients_goes_on(void **state)
{
    (void)state;
    struct pair pair;
    char byte;
    pair_linger(&pair, 1000);
    assert_int_equal(hall.front.linger_count, 1);
    assert_int_equal(recv(pair.client, &byte, 1, 0), 0);
    assert_int_equal(send(pair.client, "body", 4, MSG_NOSIGNAL), 4);
    turn();
    assert_int_equal(hall.front.linger_count, 1);
    assert_false(pair_is_closed(&pair));
    assert_int_equal(close(pair.client), 0);
}

static void a_client_that_ends_its_own_is_done(void **state)
{
    (void)state;
    struct pair pair;
    pair_linger(&pair, 1000);
    assert_int_equal(send(pair.client, "body", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(shutdown(pair.client, SHUT_WR), 0);
    turn();
    turn();
    assert_int_equal(hall.front.linger_count, 0);
    assert_int_equal(close(pair.client), 0);
}

static void so_many_bytes_are_forgotten_and_no_more(void **state)
{
    (void)state;
    struct pair pair;
    pair_linger(&pair, 10);
    assert_int_equal(send(pair.client, "0123456789", 10, MSG_NOSIGNAL), 10);
    turn();
    assert_int_equal(hall.front.linger_count, 1);
    assert_int_equal(send(pair.client, "x", 1, MSG_NOSIGNAL), 1);
    turn();
    turn();
    assert_int_equal(hall.front.linger_count, 0);
    assert_true(pair_is_closed(&pair));
    assert_int_equal(close(pair.client), 0);
}

static void after_three_seconds_it_ends_the_oldest_first(void **state)
{
    (void)state;
    struct pair old;
    struct pair young;
    pair_linger(&old, 1000);
    hall.now_ns += CLOCK_NS_PER_S;
    pair_linger(&young, 1000);
    hall.now_ns += 2 * CLOCK_NS_PER_S;
    h2o_linger_sweep(&hall.front);
    assert_int_equal(hall.front.linger_count, 2);
    hall.now_ns++;
    h2o_linger_sweep(&hall.front);
    turn();
    assert_int_equal(hall.front.linger_count, 1);
    assert_true(pair_is_closed(&old));
    assert_false(pair_is_closed(&young));
    assert_int_equal(close(old.client), 0);
    assert_int_equal(close(young.client), 0);
}

static void beyond_so_many_a_connection_is_closed_at_once(void **state)
{
    (void)state;
    struct pair pair;
    hall.front.linger_count = 256;
    pair_linger(&pair, 1000);
    assert_int_equal(pair.connection.linger_fd, -1);
    assert_true(pair_is_closed(&pair));
    /* It may have become full since the descriptor was kept. */
    pair.connection.linger_fd = fcntl(pair.client, F_DUPFD_CLOEXEC, 0);
    h2o_linger_begin(&pair.connection);
    assert_int_equal(fcntl(pair.connection.linger_fd, F_GETFD), -1);
    assert_int_equal(hall.front.linger_count, 256);
    hall.front.linger_count = 0;
    assert_int_equal(close(pair.client), 0);
}

static void a_descriptor_is_kept_once(void **state)
{
    (void)state;
    struct pair pair;
    pair_linger(&pair, 1000);
    int kept = pair.connection.linger_fd;
    h2o_linger_keep(&pair.connection, 5);
    assert_int_equal(pair.connection.linger_fd, kept);
    assert_int_equal(pair.connection.linger_bytes, 1000);
    assert_int_equal(close(pair.client), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(our_end_is_over_at_once_and_the_clients_goes_on),
        TEST(a_client_that_ends_its_own_is_done),
        TEST(so_many_bytes_are_forgotten_and_no_more),
        TEST(after_three_seconds_it_ends_the_oldest_first),
        TEST(beyond_so_many_a_connection_is_closed_at_once),
        TEST(a_descriptor_is_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
