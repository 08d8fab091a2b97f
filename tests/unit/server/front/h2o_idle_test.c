/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle connections by the seconds of the sweep: which end, how, and which make room. What ends
 * them is a fake; libh2o is not asked.
 */
#include "server/front/h2o_guard.h"
#include "tests/support/unit.h"

#define CONNECTIONS 4

static struct hall {
    struct h2o_front front;
    struct request_service service;
    struct metrics metrics;
    h2o_socket_t sockets[CONNECTIONS];
    struct h2o_connection connections[CONNECTIONS];
    uint32_t shut_count;
    uint32_t told_count; /* to go */
} hall;

void h2o_connection_shut(struct h2o_connection *connection)
{
    assert_false(connection->shut);
    connection->shut = true;
    hall.shut_count++;
}

void h2o_guard_wind_down(h2o_http2_conn_t *conn, int error, const char *detail)
{
    (void)detail;
    assert_non_null(conn);
    assert_int_equal(error, H2O_HTTP2_ERROR_NONE);
    hall.told_count++;
}

/* All connections are idle since second 100, the first of them for the longest. */
static int setup(void **state)
{
    (void)state;
    memset(&hall, 0, sizeof(hall));
    hall.front.service = &hall.service;
    hall.service.metrics = &hall.metrics;
    hall.front.now_s = 100;
    hall.front.connection_max = CONNECTIONS;
    hall.front.connection_count = CONNECTIONS;
    h2o_linklist_init_anchor(&hall.front.idle);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        hall.sockets[i].data = &hall;
        hall.connections[i].front = &hall.front;
        hall.connections[i].socket = &hall.sockets[i];
        h2o_idle_begin(&hall.connections[i]);
    }
    return 0;
}

static void sweep_at(uint32_t now_s)
{
    hall.front.now_s = now_s;
    h2o_idle_sweep(&hall.front);
}

static void an_idle_connection_is_shut_after_ten_seconds_and_not_before(void **state)
{
    (void)state;
    sweep_at(110);
    assert_int_equal(hall.shut_count, 0);
    sweep_at(111);
    assert_int_equal(hall.shut_count, CONNECTIONS);
    assert_int_equal(hall.metrics.connections_idle, CONNECTIONS);
    sweep_at(200);
    assert_int_equal(hall.shut_count, CONNECTIONS);
}

static void bytes_alone_are_no_reason_to_stay(void **state)
{
    (void)state;
    /* A head, a byte at a time. */
    hall.connections[0].received_bytes += 100000;
    sweep_at(111);
    assert_true(hall.connections[0].shut);
}

static void a_request_takes_its_connection_out_of_the_list(void **state)
{
    (void)state;
    h2o_idle_end(&hall.connections[1]);
    h2o_idle_end(&hall.connections[1]);
    sweep_at(111);
    assert_false(hall.connections[1].shut);
    h2o_idle_begin(&hall.connections[1]);
    sweep_at(121);
    assert_false(hall.connections[1].shut);
    sweep_at(122);
    assert_true(hall.connections[1].shut);
}

static void a_body_that_comes_in_may_take_its_time_as_long_as_it_comes(void **state)
{
    (void)state;
    struct h2o_connection *fast = &hall.connections[0];
    struct h2o_connection *slow = &hall.connections[1];
    h2o_idle_body(fast);
    h2o_idle_body(slow);
    fast->received_bytes += 16384;
    slow->received_bytes += 16383;
    sweep_at(120);
    assert_false(fast->shut || slow->shut);
    sweep_at(121);
    assert_false(fast->shut);
    assert_true(slow->shut);
    /* What came before does not count again. */
    sweep_at(141);
    assert_false(fast->shut);
    sweep_at(142);
    assert_true(fast->shut);
}

static void http2_is_told_to_go_and_shut_if_it_does_not(void **state)
{
    (void)state;
    struct h2o_connection *connection = &hall.connections[0];
    connection->is_http2 = true;
    sweep_at(120);
    assert_int_equal(hall.told_count, 0);
    sweep_at(121);
    assert_int_equal(hall.told_count, 1);
    assert_false(connection->shut);
    /* Bytes are no excuse any more. */
    connection->received_bytes += 100000;
    sweep_at(122);
    assert_true(connection->shut);
    assert_int_equal(hall.told_count, 1);
}

static void the_longest_idle_makes_room(void **state)
{
    (void)state;
    h2o_idle_begin(&hall.connections[0]);
    assert_true(h2o_idle_evict(&hall.front));
    assert_true(hall.connections[1].shut);
    assert_true(h2o_idle_evict(&hall.front));
    assert_true(hall.connections[2].shut);
    assert_int_equal(hall.metrics.connections_evicted, 2);
}

static void nobody_makes_room_where_nobody_is_idle_or_many_are_on_their_way_out(void **state)
{
    (void)state;
    hall.front.connection_count = CONNECTIONS + 64;
    assert_false(h2o_idle_evict(&hall.front));
    hall.front.connection_count--;
    assert_true(h2o_idle_evict(&hall.front));
    for (size_t i = 0; i < CONNECTIONS; i++)
        h2o_idle_end(&hall.connections[i]);
    assert_false(h2o_idle_evict(&hall.front));
    assert_int_equal(hall.metrics.connections_evicted, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_idle_connection_is_shut_after_ten_seconds_and_not_before),
        TEST(bytes_alone_are_no_reason_to_stay),
        TEST(a_request_takes_its_connection_out_of_the_list),
        TEST(a_body_that_comes_in_may_take_its_time_as_long_as_it_comes),
        TEST(http2_is_told_to_go_and_shut_if_it_does_not),
        TEST(the_longest_idle_makes_room),
        TEST(nobody_makes_room_where_nobody_is_idle_or_many_are_on_their_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
