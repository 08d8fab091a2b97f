/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are not read yet: for whom there is room, which requests wait, and which clients
 * are too slow. How far a client has read is what the test says; libh2o is not asked.
 */
#include "server/front/h2o_guard.h"
#include "server/front/tcp_acked.h"
#include "tests/support/unit.h"

#define MIB         (UINT64_C(1) << 20)
#define CONNECTIONS 3
#define EXCHANGES   6

static struct hall {
    struct h2o_front front;
    struct request_service service;
    struct metrics metrics;
    struct config config;
    struct directory_tenant tenants[2];
    struct directory_function functions[2]; /* only their tenants are looked at */
    h2o_socket_t sockets[CONNECTIONS];
    struct h2o_connection connections[CONNECTIONS];
    h2o_req_t reqs[EXCHANGES];
    struct h2o_exchange exchanges[EXCHANGES];
    uint64_t acked_bytes;
    uint32_t shut_count;
    uint32_t started_count;
    struct h2o_exchange *last_started;
    bool starts_answer; /* what is started is answered at once, with a MiB */
} hall;

/* ---- fakes ----------------------------------------------------------------------------------- */

void h2o_connection_reset_at_close(const struct h2o_connection *connection)
{
    (void)connection;
}

void h2o_connection_shut(struct h2o_connection *connection)
{
    connection->shut = true;
    hall.shut_count++;
}

void h2o_guard_log(struct h2o_connection *connection,
                   const char *event,
                   const char *reason,
                   struct bytes detail)
{
    (void)connection;
    (void)reason;
    (void)detail;
    assert_string_equal(event, "slow_client");
}

void h2o_bodies_count(struct h2o_connection *connection)
{
    assert_ptr_equal(connection->front, &hall.front);
}

int h2o_socket_get_fd(h2o_socket_t *sock)
{
    assert_non_null(sock);
    return -1;
}

uint64_t tcp_acked_bytes(int fd)
{
    assert_int_equal(fd, -1);
    return hall.acked_bytes;
}

static void answer(struct h2o_exchange *exchange, uint64_t bytes)
{
    exchange->request.response.body.count = bytes;
    h2o_unread_begin(exchange);
}

void h2o_exchange_start(struct h2o_exchange *exchange)
{
    assert_false(exchange->is_held);
    hall.started_count++;
    hall.last_started = exchange;
    if (hall.starts_answer)
        answer(exchange, MIB);
}

/* Connection 0 has exchanges 0 to 3, the others one each; tenant 0 has all but the last. */
static int setup(void **state)
{
    (void)state;
    memset(&hall, 0, sizeof(hall));
    hall.config.limits.unread = 64 * MIB;
    hall.service.config = &hall.config;
    hall.service.metrics = &hall.metrics;
    hall.front.service = &hall.service;
    hall.front.now_s = 100;
    h2o_linklist_init_anchor(&hall.front.unsent);
    h2o_linklist_init_anchor(&hall.front.ready);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        hall.connections[i].front = &hall.front;
        hall.connections[i].socket = &hall.sockets[i];
        h2o_linklist_init_anchor(&hall.connections[i].held);
    }
    hall.functions[0].tenant = &hall.tenants[0];
    hall.functions[1].tenant = &hall.tenants[1];
    for (size_t i = 0; i < EXCHANGES; i++) {
        hall.reqs[i].version = 0x200;
        hall.exchanges[i].req = &hall.reqs[i];
        hall.exchanges[i].connection = &hall.connections[i < 4 ? 0 : i - 3];
        hall.exchanges[i].request.function = &hall.functions[i == EXCHANGES - 1];
    }
    return 0;
}

static void sweep_at(uint32_t now_s)
{
    hall.front.now_s = now_s;
    h2o_unread_sweep(&hall.front);
}

/* ---- room ------------------------------------------------------------------------------------ */

static void one_answer_has_room_whatever_its_size(void **state)
{
    (void)state;
    assert_true(h2o_unread_has_room(&hall.exchanges[0], 10000 * MIB));
    answer(&hall.exchanges[0], 4096);
    /* What is small is not counted. */
    assert_int_equal(hall.front.unread_bytes, 0);
    assert_true(h2o_unread_has_room(&hall.exchanges[1], 10000 * MIB));
}

static void a_connection_has_room_for_so_much_beside_the_first(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], MIB);
    assert_true(h2o_unread_has_room(&hall.exchanges[1], 31 * MIB));
    assert_false(h2o_unread_has_room(&hall.exchanges[1], 31 * MIB + 1));
    assert_true(h2o_unread_has_room(&hall.exchanges[1], 4096));
    assert_true(h2o_unread_has_room(&hall.exchanges[4], 31 * MIB + 1));
}

static void a_tenant_has_its_share_and_others_have_theirs(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], 60 * MIB);
    assert_true(h2o_unread_has_room(&hall.exchanges[4], 4 * MIB));
    assert_false(h2o_unread_has_room(&hall.exchanges[4], 4 * MIB + 1));
    assert_true(h2o_unread_has_room(&hall.exchanges[5], 64 * MIB));
    h2o_unread_end(&hall.exchanges[0]);
    assert_true(h2o_unread_has_room(&hall.exchanges[4], 64 * MIB));
}

static void all_tenants_together_have_four_shares(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], 200 * MIB);
    assert_true(h2o_unread_has_room(&hall.exchanges[5], 56 * MIB));
    assert_false(h2o_unread_has_room(&hall.exchanges[5], 56 * MIB + 1));
}

static void what_ended_is_counted_no_more_and_only_once(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], 2 * MIB);
    answer(&hall.exchanges[5], MIB);
    assert_int_equal(hall.metrics.unread_bytes, 3 * MIB);
    h2o_unread_end(&hall.exchanges[0]);
    h2o_unread_end(&hall.exchanges[0]);
    assert_int_equal(hall.metrics.unread_bytes, MIB);
    assert_int_equal(hall.tenants[0].unread_bytes, 0);
    assert_int_equal(hall.tenants[1].unread_bytes, MIB);
    assert_int_equal(hall.connections[0].answer_count, 0);
    /* Nobody's answers, like those to unknown hosts, are counted for the worker alone. */
    hall.exchanges[4].request.function = NULL;
    answer(&hall.exchanges[4], MIB);
    assert_int_equal(hall.front.unread_bytes, 2 * MIB);
    h2o_unread_end(&hall.exchanges[4]);
    assert_int_equal(hall.front.unread_bytes, MIB);
}

/* ---- requests that wait ---------------------------------------------------------------------- */

static void requests_wait_until_their_client_has_read(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], MIB - 1);
    assert_false(h2o_unread_hold(&hall.exchanges[1]));
    answer(&hall.exchanges[1], 5000);
    assert_true(h2o_unread_hold(&hall.exchanges[2]));
    assert_false(h2o_unread_hold(&hall.exchanges[4]));
    h2o_unread_turn(&hall.front);
    assert_int_equal(hall.started_count, 0);
    h2o_unread_end(&hall.exchanges[0]);
    /* Not from within the end of an answer. */
    assert_int_equal(hall.started_count, 0);
    h2o_unread_turn(&hall.front);
    assert_int_equal(hall.started_count, 1);
    assert_ptr_equal(hall.last_started, &hall.exchanges[2]);
}

static void only_as_many_go_on_as_there_is_room_for(void **state)
{
    (void)state;
    hall.starts_answer = true;
    answer(&hall.exchanges[0], MIB);
    assert_true(h2o_unread_hold(&hall.exchanges[1]));
    assert_true(h2o_unread_hold(&hall.exchanges[2]));
    h2o_unread_end(&hall.exchanges[0]);
    h2o_unread_turn(&hall.front);
    assert_int_equal(hall.started_count, 1);
    assert_ptr_equal(hall.last_started, &hall.exchanges[1]);
    h2o_unread_end(&hall.exchanges[1]);
    h2o_unread_turn(&hall.front);
    assert_ptr_equal(hall.last_started, &hall.exchanges[2]);
}

static void a_request_that_goes_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], MIB);
    assert_true(h2o_unread_hold(&hall.exchanges[1]));
    h2o_unread_end(&hall.exchanges[1]);
    assert_int_equal(hall.connections[0].answer_count, 1);
    h2o_unread_end(&hall.exchanges[0]);
    h2o_unread_turn(&hall.front);
    assert_int_equal(hall.started_count, 0);
}

/* ---- progress -------------------------------------------------------------------------------- */

static void a_client_that_reads_too_little_is_shut_once(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], MIB);
    sweep_at(101);
    hall.reqs[0].bytes_sent = 16383;
    sweep_at(120);
    assert_int_equal(hall.shut_count, 0);
    sweep_at(121);
    assert_int_equal(hall.shut_count, 1);
    sweep_at(122);
    assert_int_equal(hall.shut_count, 1);
    assert_int_equal(hall.metrics.slow_clients, 1);
}

static void a_client_that_reads_enough_begins_anew_each_time(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], MIB);
    for (uint32_t now_s = 101; now_s < 200; now_s += 20) {
        sweep_at(now_s);
        hall.reqs[0].bytes_sent += 16384;
    }
    assert_int_equal(hall.shut_count, 0);
}

static void all_answers_of_a_connection_count_together(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], MIB);
    answer(&hall.exchanges[1], MIB);
    sweep_at(101);
    /* Half of it by one that is done, half by one under way. */
    hall.reqs[0].bytes_sent = 8192;
    h2o_unread_end(&hall.exchanges[0]);
    hall.reqs[1].bytes_sent = 8192;
    sweep_at(121);
    sweep_at(141);
    assert_int_equal(hall.shut_count, 0);
    sweep_at(142);
    assert_int_equal(hall.shut_count, 1);
}

static void of_http1_the_kernel_says_what_was_read(void **state)
{
    (void)state;
    hall.reqs[4].version = 0x101;
    hall.reqs[4].bytes_sent = 100 * MIB; /* into the kernel's buffers */
    answer(&hall.exchanges[4], MIB);
    sweep_at(101);
    hall.acked_bytes = 16384;
    sweep_at(121);
    assert_int_equal(hall.shut_count, 0);
    sweep_at(142);
    assert_int_equal(hall.shut_count, 1);
}

/* ---- answers in pieces ----------------------------------------------------------------------- */

static void of_an_answer_in_pieces_only_the_one_in_flight_is_unread(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], 0);
    h2o_unread_piece(&hall.exchanges[0], 65536);
    assert_int_equal(hall.front.unread_bytes, 65536);
    assert_int_equal(hall.tenants[0].unread_bytes, 65536);
    h2o_unread_pause(&hall.exchanges[0]);
    assert_int_equal(hall.front.unread_bytes, 0);
    assert_int_equal(hall.connections[0].answer_count, 0);
    h2o_unread_piece(&hall.exchanges[0], 5000);
    assert_int_equal(hall.front.unread_bytes, 5000);
    assert_int_equal(hall.connections[0].answer_count, 1);
    h2o_unread_end(&hall.exchanges[0]);
    assert_int_equal(hall.front.unread_bytes, 0);
    assert_int_equal(hall.connections[0].answer_count, 0);
    answer(&hall.exchanges[1], 0);
    h2o_unread_pause(&hall.exchanges[1]);
    h2o_unread_end(&hall.exchanges[1]);
    assert_int_equal(hall.connections[0].answer_count, 0);
}

static void a_guest_may_take_its_time_and_its_client_begins_anew_then(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], 0);
    h2o_unread_piece(&hall.exchanges[0], 65536);
    h2o_unread_pause(&hall.exchanges[0]);
    sweep_at(200);
    sweep_at(300);
    assert_int_equal(hall.shut_count, 0);
    h2o_unread_piece(&hall.exchanges[0], 100);
    sweep_at(301);
    sweep_at(320);
    assert_int_equal(hall.shut_count, 0);
    sweep_at(321);
    assert_int_equal(hall.shut_count, 1);
}

static void requests_that_waited_go_on_when_a_piece_is_out(void **state)
{
    (void)state;
    answer(&hall.exchanges[0], 0);
    h2o_unread_piece(&hall.exchanges[0], MIB);
    assert_true(h2o_unread_hold(&hall.exchanges[1]));
    h2o_unread_pause(&hall.exchanges[0]);
    h2o_unread_turn(&hall.front);
    assert_int_equal(hall.started_count, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(one_answer_has_room_whatever_its_size),
        TEST(a_connection_has_room_for_so_much_beside_the_first),
        TEST(a_tenant_has_its_share_and_others_have_theirs),
        TEST(all_tenants_together_have_four_shares),
        TEST(what_ended_is_counted_no_more_and_only_once),
        TEST(requests_wait_until_their_client_has_read),
        TEST(only_as_many_go_on_as_there_is_room_for),
        TEST(a_request_that_goes_while_it_waits_is_forgotten),
        TEST(a_client_that_reads_too_little_is_shut_once),
        TEST(a_client_that_reads_enough_begins_anew_each_time),
        TEST(all_answers_of_a_connection_count_together),
        TEST(of_http1_the_kernel_says_what_was_read),
        TEST(of_an_answer_in_pieces_only_the_one_in_flight_is_unread),
        TEST(a_guest_may_take_its_time_and_its_client_begins_anew_then),
        TEST(requests_that_waited_go_on_when_a_piece_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
