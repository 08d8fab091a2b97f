/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that are still coming in: for which there is room, and that all sums are right. How much
 * of them HTTP/2 holds is what the test says; libh2o is not asked.
 */
#include "server/front/h2o_guard.h"
#include "tests/support/unit.h"

#define MIB         (UINT64_C(1) << 20)
#define FREE_BYTES  16384
#define CONNECTIONS 3

/* Connections 0 and 1 are of one address, 2 is of none that is counted. */
static struct hall {
    struct h2o_front front;
    struct request_service service;
    struct metrics metrics;
    struct config config;
    struct h2o_connection connections[CONNECTIONS];
    h2o_socket_t sockets[CONNECTIONS];
    h2o_buffer_t input;
    struct addresses_account account;
    uint64_t http2_bytes;
} hall;

uint64_t h2o_guard_body_bytes(const struct h2o_connection *connection)
{
    assert_true(connection->is_http2);
    return hall.http2_bytes;
}

static int setup(void **state)
{
    (void)state;
    memset(&hall, 0, sizeof(hall));
    hall.config.limits.bodies_per_address = 4 * MIB;
    hall.service.config = &hall.config;
    hall.service.metrics = &hall.metrics;
    hall.front.service = &hall.service;
    hall.front.coming_max = 10 * MIB;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct h2o_connection *connection = &hall.connections[i];
        connection->front = &hall.front;
        connection->socket = &hall.sockets[i];
        connection->account = i < 2 ? &hall.account : NULL;
        hall.sockets[i].input = &hall.input;
        h2o_linklist_init_anchor(&connection->held);
    }
    return 0;
}

static void connections_of_an_address_share_its_room(void **state)
{
    (void)state;
    assert_true(h2o_bodies_has_room(&hall.connections[0], 4 * MIB));
    assert_false(h2o_bodies_has_room(&hall.connections[0], 4 * MIB + 1));
    h2o_bodies_set(&hall.connections[0], 3 * MIB);
    assert_true(h2o_bodies_has_room(&hall.connections[0], 4 * MIB));
    assert_true(h2o_bodies_has_room(&hall.connections[1], MIB));
    assert_false(h2o_bodies_has_room(&hall.connections[1], MIB + 1));
    assert_true(h2o_bodies_has_room(&hall.connections[2], 7 * MIB));
}

static void all_addresses_share_the_workers_room(void **state)
{
    (void)state;
    assert_true(h2o_bodies_has_room(&hall.connections[2], 10 * MIB));
    assert_false(h2o_bodies_has_room(&hall.connections[2], 10 * MIB + 1));
    h2o_bodies_set(&hall.connections[2], 9 * MIB);
    assert_true(h2o_bodies_has_room(&hall.connections[0], MIB));
    assert_false(h2o_bodies_has_room(&hall.connections[0], MIB + 1));
}

static void a_little_has_room_on_each_connection(void **state)
{
    (void)state;
    h2o_bodies_set(&hall.connections[2], 10 * MIB);
    assert_true(h2o_bodies_has_room(&hall.connections[0], FREE_BYTES));
    assert_false(h2o_bodies_has_room(&hall.connections[0], FREE_BYTES + 1));
    assert_true(h2o_bodies_has_room(&hall.connections[2], 10 * MIB));
    assert_false(h2o_bodies_has_room(&hall.connections[2], 10 * MIB + 1));
}

static void what_has_gone_is_counted_no_more(void **state)
{
    (void)state;
    h2o_bodies_set(&hall.connections[0], 3 * MIB);
    h2o_bodies_set(&hall.connections[1], MIB);
    h2o_bodies_set(&hall.connections[2], 2 * MIB);
    assert_int_equal(hall.account.coming_bytes, 4 * MIB);
    assert_int_equal(hall.front.coming_bytes, 6 * MIB);
    assert_int_equal(hall.metrics.coming_bytes, 6 * MIB);
    h2o_bodies_set(&hall.connections[0], 0);
    h2o_bodies_set(&hall.connections[0], 0);
    assert_int_equal(hall.account.coming_bytes, MIB);
    assert_int_equal(hall.metrics.coming_bytes, 3 * MIB);
    h2o_bodies_set(&hall.connections[1], 0);
    h2o_bodies_set(&hall.connections[2], 0);
    assert_int_equal(hall.account.coming_bytes, 0);
    assert_int_equal(hall.front.coming_bytes, 0);
}

static void of_http1_the_input_counts_as_long_as_it_is_a_bodys(void **state)
{
    (void)state;
    hall.input.size = MIB;
    h2o_bodies_count(&hall.connections[0]);
    assert_int_equal(hall.front.coming_bytes, 0);
    hall.connections[0].is_in_body = true;
    h2o_bodies_count(&hall.connections[0]);
    assert_int_equal(hall.front.coming_bytes, MIB);
    hall.connections[0].is_in_body = false;
    h2o_bodies_count(&hall.connections[0]);
    assert_int_equal(hall.front.coming_bytes, 0);
}

static void of_http2_streams_and_requests_that_wait_count(void **state)
{
    (void)state;
    static h2o_req_t req;
    static struct h2o_exchange exchange;
    struct h2o_connection *connection = &hall.connections[1];
    connection->is_http2 = true;
    hall.http2_bytes = 2 * MIB;
    req.entity.len = MIB;
    exchange.req = &req;
    h2o_linklist_insert(&connection->held, &exchange.link);
    h2o_bodies_count(connection);
    assert_int_equal(hall.account.coming_bytes, 3 * MIB);
    h2o_linklist_unlink(&exchange.link);
    h2o_bodies_count(connection);
    assert_int_equal(hall.account.coming_bytes, 2 * MIB);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connections_of_an_address_share_its_room),
        TEST(all_addresses_share_the_workers_room),
        TEST(a_little_has_room_on_each_connection),
        TEST(what_has_gone_is_counted_no_more),
        TEST(of_http1_the_input_counts_as_long_as_it_is_a_bodys),
        TEST(of_http2_streams_and_requests_that_wait_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
