/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in pieces, in each version of HTTP: what libh2o is given, and what it is told at the end.
 */
#include "server/front/h2o_front.h"
#include "server/front/tcp_acked.h"
#include "tests/support/unit.h"

static struct {
    struct h2o_front front;
    struct h2o_connection connection;
    struct h2o_exchange exchange;
    h2o_req_t req;
    h2o_conn_t conn;
    h2o_socket_t socket;
    /* what was asked of whom */
    char wire[256]; /* bodies given to libh2o, with a bar after each send */
    size_t wire_count;
    h2o_send_state_t state;
    uint32_t sends;
    uint32_t heads;
    uint32_t sent;         /* request_sent */
    uint64_t unread_bytes; /* of the piece under way */
    bool is_paused;
    bool is_reset;
    bool is_shut;
    uint32_t looks; /* of libh2o's loop at the socket */
} stage;

/* ---- the others ------------------------------------------------------------------------------ */

void h2o_exchange_set_head(struct h2o_exchange *exchange)
{
    assert_ptr_equal(exchange, &stage.exchange);
    stage.heads++;
}

void h2o_unread_begin(struct h2o_exchange *exchange)
{
    assert_ptr_equal(exchange, &stage.exchange);
}

void h2o_unread_piece(struct h2o_exchange *exchange, uint64_t bytes)
{
    exchange->is_paused = false;
    stage.unread_bytes = bytes;
}

void h2o_unread_pause(struct h2o_exchange *exchange)
{
    exchange->is_paused = true;
}

void h2o_connection_reset_at_close(const struct h2o_connection *connection)
{
    assert_ptr_equal(connection, &stage.connection);
    stage.is_reset = true;
}

void h2o_connection_shut(struct h2o_connection *connection)
{
    assert_ptr_equal(connection, &stage.connection);
    stage.is_shut = true;
}

void request_sent(struct request *request)
{
    assert_ptr_equal(request, &stage.exchange.request);
    stage.sent++;
}

uint64_t tcp_acked_bytes(int fd)
{
    (void)fd;
    return 77;
}

/* Both make the loop look at what it polls for; what is read must stay as it was. */
void h2o_socket_read_start(h2o_socket_t *sock, h2o_socket_cb cb)
{
    assert_ptr_equal(sock, &stage.socket);
    assert_ptr_equal(cb, sock->_cb.read);
    stage.looks++;
}

void h2o_socket_read_stop(h2o_socket_t *sock)
{
    assert_ptr_equal(sock, &stage.socket);
    assert_null(sock->_cb.read);
    stage.looks++;
}

/* As libh2o's: its chunks' filter ends connections whose status is not 200. */
void h2o_start_response(h2o_req_t *req, h2o_generator_t *generator)
{
    assert_ptr_equal(generator, &stage.exchange.generator);
    req->http1_is_persistent = 0;
}

void h2o_send(h2o_req_t *req, h2o_iovec_t *bufs, size_t bufcnt, h2o_send_state_t state)
{
    assert_ptr_equal(req, &stage.req);
    stage.sends++;
    stage.state = state;
    for (size_t i = 0; i < bufcnt; i++) {
        assert_true(bufs[i].len > 0 && stage.wire_count + bufs[i].len + 2 < sizeof(stage.wire));
        memcpy(stage.wire + stage.wire_count, bufs[i].base, bufs[i].len);
        stage.wire_count += bufs[i].len;
    }
    stage.wire[stage.wire_count++] = '|';
}

/* ---- the stage ------------------------------------------------------------------------------- */

static void begin(int version, uint64_t length)
{
    h2o_mem_clear_pool(&stage.req.pool);
    memset(&stage, 0, sizeof(stage));
    h2o_mem_init_pool(&stage.req.pool);
    stage.req.version = version;
    stage.req.http1_is_persistent = 1;
    stage.connection.front = &stage.front;
    stage.connection.socket = &stage.socket;
    stage.exchange.req = &stage.req;
    stage.exchange.connection = &stage.connection;
    stage.exchange.request.http.head_length = length;
}

static int setup(void **state)
{
    (void)state;
    h2o_mem_init_pool(&stage.req.pool);
    begin(0x101, HTTP_LENGTH_UNKNOWN);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    h2o_mem_clear_pool(&stage.req.pool);
    return 0;
}

static void write_text(const char *text, bool is_last)
{
    h2o_stream_write(&stage.exchange.request, bytes_of_text(text), is_last);
}

static void take(void)
{
    stage.exchange.generator.proceed(&stage.exchange.generator, &stage.req);
}

static bool has_chunks(void)
{
    return h2o_find_header(&stage.req.res.headers, H2O_TOKEN_TRANSFER_ENCODING, -1) != -1;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void of_http_1_1_each_piece_is_a_chunk_and_the_last_is_followed_by_none(void **state)
{
    (void)state;
    write_text("hello world, hello", false);
    assert_int_equal(stage.state, H2O_SEND_STATE_IN_PROGRESS);
    assert_int_equal(stage.unread_bytes, 18);
    take();
    assert_int_equal(stage.sent, 1);
    assert_true(stage.exchange.is_paused);
    write_text("end", true);
    assert_int_equal(stage.state, H2O_SEND_STATE_FINAL);
    assert_string_equal(stage.wire, "12\r\nhello world, hello\r\n|3\r\nend\r\n0\r\n\r\n|");
    assert_true(has_chunks());
    assert_int_equal(stage.req.res.content_length, SIZE_MAX);
    assert_int_equal(stage.heads, 1);
    assert_int_equal(stage.req.http1_is_persistent, 1);
}

static void ignore_read(h2o_socket_t *sock, const char *error)
{
    (void)sock;
    (void)error;
}

static void the_loop_looks_at_the_socket_after_each_piece_of_http_1(void **state)
{
    (void)state;
    write_text("one", false);
    take();
    assert_int_equal(stage.looks, 1);
    stage.socket._cb.read = ignore_read;
    write_text("two", false);
    take();
    assert_int_equal(stage.looks, 2);
    begin(0x200, HTTP_LENGTH_UNKNOWN);
    write_text("three", false);
    take();
    assert_int_equal(stage.looks, 0);
}

static void a_head_alone_and_an_empty_end_are_no_chunks(void **state)
{
    (void)state;
    write_text("", false);
    take();
    write_text("", true);
    assert_string_equal(stage.wire, "|0\r\n\r\n|");
}

static void a_length_or_http_2_needs_no_chunks(void **state)
{
    (void)state;
    begin(0x101, 5);
    write_text("hel", false);
    take();
    write_text("lo", true);
    assert_string_equal(stage.wire, "hel|lo|");
    assert_int_equal(stage.req.res.content_length, 5);
    assert_int_equal(stage.req.http1_is_persistent, 1);
    assert_false(has_chunks());
    begin(0x200, HTTP_LENGTH_UNKNOWN);
    write_text("hello", true);
    assert_string_equal(stage.wire, "hello|");
    assert_false(has_chunks());
}

static void http_1_0_and_a_server_that_drains_end_the_connection(void **state)
{
    (void)state;
    begin(0x100, HTTP_LENGTH_UNKNOWN);
    write_text("hello", true);
    assert_string_equal(stage.wire, "hello|");
    assert_int_equal(stage.req.http1_is_persistent, 0);
    begin(0x101, HTTP_LENGTH_UNKNOWN);
    stage.front.context.shutdown_requested = 1;
    write_text("hello", true);
    assert_true(has_chunks());
    assert_int_equal(stage.req.http1_is_persistent, 0);
}

static void one_that_is_cut_ends_with_an_error_and_where_nothing_else_tells_a_reset(void **state)
{
    (void)state;
    static const struct {
        int version;
        uint64_t length;
        bool is_reset;
    } rows[] = {
        {0x101, HTTP_LENGTH_UNKNOWN, false},
        {0x101, 9, false},
        {0x100, HTTP_LENGTH_UNKNOWN, true},
        {0x200, HTTP_LENGTH_UNKNOWN, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        begin(rows[i].version, rows[i].length);
        write_text("hello", false);
        take();
        h2o_stream_cut(&stage.exchange.request, false);
        assert_int_equal(stage.state, H2O_SEND_STATE_ERROR);
        assert_true(stage.is_reset == rows[i].is_reset);
        assert_false(stage.is_shut);
        /* On HTTP/2 the reset may have to wait for its client. */
        assert_true(stage.exchange.is_paused == (rows[i].version < 0x200));
    }
}

static void with_a_piece_in_flight_it_is_cut_after_that(void **state)
{
    (void)state;
    write_text("hello", false);
    h2o_stream_cut(&stage.exchange.request, false);
    assert_int_equal(stage.sends, 1);
    take();
    assert_int_equal(stage.sends, 2);
    assert_int_equal(stage.state, H2O_SEND_STATE_ERROR);
    assert_int_equal(stage.sent, 0);
}

static void from_a_client_that_does_not_read_its_connection_is_taken(void **state)
{
    (void)state;
    write_text("hello", false);
    h2o_stream_cut(&stage.exchange.request, true);
    assert_true(stage.is_shut);
    assert_true(stage.is_reset);
    /* Others may be on one of HTTP/2. */
    begin(0x200, HTTP_LENGTH_UNKNOWN);
    write_text("hello", false);
    h2o_stream_cut(&stage.exchange.request, true);
    assert_false(stage.is_shut);
    assert_int_equal(stage.sends, 1);
}

static void what_a_client_has_is_known_of_http_2_to_the_byte(void **state)
{
    (void)state;
    begin(0x200, HTTP_LENGTH_UNKNOWN);
    stage.req.bytes_sent = 12;
    assert_int_equal(h2o_stream_taken_bytes(&stage.exchange.request), 12);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(of_http_1_1_each_piece_is_a_chunk_and_the_last_is_followed_by_none),
        TEST(the_loop_looks_at_the_socket_after_each_piece_of_http_1),
        TEST(a_head_alone_and_an_empty_end_are_no_chunks),
        TEST(a_length_or_http_2_needs_no_chunks),
        TEST(http_1_0_and_a_server_that_drains_end_the_connection),
        TEST(one_that_is_cut_ends_with_an_error_and_where_nothing_else_tells_a_reset),
        TEST(with_a_piece_in_flight_it_is_cut_after_that),
        TEST(from_a_client_that_does_not_read_its_connection_is_taken),
        TEST(what_a_client_has_is_known_of_http_2_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
