/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames before libh2o handles them: what brings nothing is counted, resets are, blocks of headers
 * have a bound, and what nobody knows becomes nothing. Frames come from the test; what bodies do to
 * streams is e2e/15_front's, with real ones.
 */
#include "server/front/h2o_guard.h"
#include "server/telemetry/log.h"
#include "tests/support/unit.h"

#define CALM H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM

static struct hall {
    struct h2o_front front;
    struct request_service service;
    struct metrics metrics;
    h2o_socket_t socket;
    struct h2o_connection connection;
    h2o_http2_frame_t next; /* that comes */
    ssize_t count;          /* that its decoding says */
    uint8_t payload[8];
    uint32_t lines; /* logged */
    uint32_t lingers;
    uint32_t passed;        /* resets and ends that went on to libh2o */
    h2o_http2_conn_t http2; /* without streams */
} hall;

struct h2o_guard h2o_guard;

/* ---- fakes ----------------------------------------------------------------------------------- */

void log_begin(struct log_line *line, const char *level, const char *event)
{
    (void)line;
    (void)level;
    assert_non_null(event);
}

void log_text(struct log_line *line, const char *name, struct bytes text)
{
    (void)line;
    (void)name;
    (void)text;
}

bool log_end(struct log_line *line)
{
    (void)line;
    hall.lines++;
    return true;
}

struct bytes h2o_connection_address(struct h2o_connection *connection)
{
    (void)connection;
    return bytes_of_text("192.0.2.1:1");
}

void h2o_linger_keep(struct h2o_connection *connection, uint64_t bytes_max)
{
    assert_ptr_equal(connection, &hall.connection);
    assert_int_equal(bytes_max, LINGER_FRAMES_BYTES);
    hall.lingers++;
}

/* Of bodies, which are not this test's. */
void h2o_guard_mark_refused(h2o_req_t *req, enum refusal_reason reason)
{
    (void)req;
    (void)reason;
    fail();
}

bool h2o_bodies_has_room(const struct h2o_connection *connection, uint64_t bytes)
{
    (void)connection;
    (void)bytes;
    fail();
    return false;
}

void h2o_bodies_set(struct h2o_connection *connection, uint64_t bytes)
{
    (void)connection;
    (void)bytes;
    fail();
}

void h2o_bodies_count(struct h2o_connection *connection)
{
    (void)connection;
    fail();
}

static ssize_t hall_decode(h2o_http2_frame_t *frame,
                           const uint8_t *input,
                           size_t input_count,
                           const h2o_http2_settings_t *settings,
                           const char **err_desc)
{
    (void)input;
    (void)input_count;
    (void)settings;
    (void)err_desc;
    *frame = hall.next;
    return hall.count;
}

static void hall_encode_reset(h2o_buffer_t **out, uint32_t stream_id, int error)
{
    (void)out;
    (void)stream_id;
    (void)error;
    hall.passed++;
}

static void hall_encode_goaway(h2o_buffer_t **out, uint32_t last_id, int error, h2o_iovec_t detail)
{
    (void)out;
    (void)last_id;
    (void)error;
    (void)detail;
    hall.passed++;
}

static int setup(void **state)
{
    (void)state;
    memset(&hall, 0, sizeof(hall));
    hall.service.metrics = &hall.metrics;
    hall.front.service = &hall.service;
    hall.front.now_s = 100;
    hall.front.rules.head_bytes_max = 1000;
    hall.connection.front = &hall.front;
    hall.connection.socket = &hall.socket;
    hall.socket.data = &hall.http2;
    hall.count = 9;
    h2o_guard = (struct h2o_guard){.current = &hall.connection,
                                   .decode_frame = hall_decode,
                                   .encode_reset = hall_encode_reset,
                                   .encode_goaway = hall_encode_goaway};
    return 0;
}

static ssize_t come_as(uint8_t type, uint32_t length, h2o_http2_frame_t *ret_frame)
{
    const char *reason = NULL;
    hall.next = (h2o_http2_frame_t){
        .type = type, .length = length, .stream_id = 1, .payload = hall.payload};
    ssize_t count = h2o_http2_decode_frame(ret_frame, hall.payload, 9, NULL, &reason);
    assert_int_equal(reason != NULL, count == CALM);
    return count;
}

/* What becomes of one such frame. */
static ssize_t come(uint8_t type, uint32_t length)
{
    h2o_http2_frame_t frame;
    return come_as(type, length, &frame);
}

static void come_times(int times, uint8_t type)
{
    for (int i = 0; i < times; i++)
        assert_int_equal(come(type, 8), 9);
}

/* ---- strain ---------------------------------------------------------------------------------- */

static void a_thousand_frames_that_bring_nothing_are_too_many(void **state)
{
    (void)state;
    come_times(1000, H2O_HTTP2_FRAME_TYPE_PING);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), CALM);
}

static void requests_and_bytes_that_were_sent_make_up_for_some(void **state)
{
    (void)state;
    come_times(1000, H2O_HTTP2_FRAME_TYPE_PING);
    h2o_guard_progress(&hall.connection);
    come_times(20, H2O_HTTP2_FRAME_TYPE_PING);
    hall.socket.bytes_written += 5 * 1024 + 1023;
    come_times(5, H2O_HTTP2_FRAME_TYPE_SETTINGS);
    /* The rest of a KiB is not lost. */
    hall.socket.bytes_written += 1;
    come_times(1, H2O_HTTP2_FRAME_TYPE_PRIORITY);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), CALM);
}

static void nothing_can_be_saved_up(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        h2o_guard_progress(&hall.connection);
    hall.socket.bytes_written += 1 << 30;
    come_times(1000, H2O_HTTP2_FRAME_TYPE_PING);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), CALM);
}

/* ---- blocks of headers ----------------------------------------------------------------------- */

static void a_block_of_headers_comes_in_so_many_frames(void **state)
{
    (void)state;
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_HEADERS, 1), 9);
    for (int i = 1; i < 32; i++)
        assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_CONTINUATION, 1), 9);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_CONTINUATION, 1), CALM);
    /* The next begins anew. */
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_HEADERS, 1), 9);
}

static void a_block_of_headers_has_so_many_bytes(void **state)
{
    (void)state;
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_HEADERS, 10000), 9);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_CONTINUATION, 8384), 9);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_CONTINUATION, 1), CALM);
}

/* ---- resets ---------------------------------------------------------------------------------- */

static void resets_of_ten_seconds_are_bounded_whoever_makes_them(void **state)
{
    (void)state;
    hall.payload[3] = 8; /* CANCEL */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), 9);
        h2o_http2__encode_rst_stream_frame(NULL, 1, 1);
        h2o_guard_progress(&hall.connection);
    }
    assert_int_equal(hall.passed, 100);
    assert_int_equal(hall.metrics.reset_received_cancel, 100);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), CALM);
}

static void after_ten_seconds_resets_are_counted_anew(void **state)
{
    (void)state;
    hall.front.now_s = 1000;
    for (int i = 0; i < 200; i++)
        assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), 9);
    hall.front.now_s = 1010;
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), CALM);
    hall.front.now_s = 1011;
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), 9);
    assert_int_equal(hall.connection.budget.resets, 1);
}

static void an_address_has_ten_times_as_much_however_many_its_connections(void **state)
{
    (void)state;
    struct addresses_account account = {0};
    hall.front.now_s = 1000;
    for (int i = 0; i < 20; i++) {
        hall.connection.budget = (struct h2o_budget){0};
        hall.connection.account = &account;
        for (int j = 0; j < 100; j++)
            assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), 9);
    }
    hall.connection.budget = (struct h2o_budget){0};
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_RST_STREAM, 4), CALM);
    hall.connection.budget = (struct h2o_budget){0};
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_SETTINGS, 0), CALM);
    /* Who does nothing of that kind is left alone, and so is everybody later. */
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_HEADERS, 8), 9);
    hall.front.now_s = 1011;
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_SETTINGS, 0), 9);
    for (int i = 0; i < 9999; i++) {
        hall.connection.budget = (struct h2o_budget){0};
        assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), 9);
    }
    hall.connection.budget = (struct h2o_budget){0};
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), CALM);
    /* A request makes up for some of both. */
    h2o_guard_progress(&hall.connection);
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), 9);
}

/* ---- what libh2o sees ------------------------------------------------------------------------ */

static void a_frame_of_no_known_type_becomes_one_of_no_effect(void **state)
{
    (void)state;
    h2o_http2_frame_t frame;
    assert_int_equal(come_as(0xee, 8, &frame), 9);
    assert_int_equal(frame.type, H2O_HTTP2_FRAME_TYPE_SETTINGS);
    assert_int_equal(frame.flags, H2O_HTTP2_FRAME_FLAG_ACK);
    assert_int_equal(frame.stream_id, 0);
    assert_int_equal(frame.length, 0);
    assert_int_equal(hall.connection.budget.strain, 1);
}

static void a_frame_that_is_not_whole_counts_as_none(void **state)
{
    (void)state;
    hall.count = H2O_HTTP2_ERROR_INCOMPLETE;
    assert_int_equal(come(H2O_HTTP2_FRAME_TYPE_PING, 8), H2O_HTTP2_ERROR_INCOMPLETE);
    assert_false(hall.connection.is_http2);
    assert_int_equal(hall.connection.budget.strain, 0);
}

static void an_end_with_an_error_is_logged_and_lingered_for(void **state)
{
    (void)state;
    const h2o_iovec_t detail = {NULL, 0};
    h2o_http2_encode_goaway_frame(NULL, 0, H2O_HTTP2_ERROR_NONE, detail);
    assert_int_equal(hall.lingers, 0);
    h2o_http2_encode_goaway_frame(NULL, 0, CALM, detail);
    assert_int_equal(hall.lingers, 1);
    assert_int_equal(hall.lines, 1);
    assert_int_equal(hall.passed, 2);
    /* Of nobody's connection, it only passes. */
    h2o_guard.current = NULL;
    h2o_http2_encode_goaway_frame(NULL, 0, CALM, detail);
    assert_int_equal(hall.lingers, 1);
    assert_int_equal(hall.passed, 3);
}

static void there_are_so_many_lines_a_second(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        h2o_guard_log(&hall.connection, "event", "reason", bytes_of_text("detail"));
    assert_int_equal(hall.lines, 20);
    hall.front.now_s++;
    h2o_guard_log(&hall.connection, "event", "reason", bytes_of_text(""));
    assert_int_equal(hall.lines, 21);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_frames_that_bring_nothing_are_too_many),
        TEST(requests_and_bytes_that_were_sent_make_up_for_some),
        TEST(nothing_can_be_saved_up),
        TEST(a_block_of_headers_comes_in_so_many_frames),
        TEST(a_block_of_headers_has_so_many_bytes),
        TEST(resets_of_ten_seconds_are_bounded_whoever_makes_them),
        TEST(after_ten_seconds_resets_are_counted_anew),
        TEST(an_address_has_ten_times_as_much_however_many_its_connections),
        TEST(a_frame_of_no_known_type_becomes_one_of_no_effect),
        TEST(a_frame_that_is_not_whole_counts_as_none),
        TEST(an_end_with_an_error_is_logged_and_lingered_for),
        TEST(there_are_so_many_lines_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
