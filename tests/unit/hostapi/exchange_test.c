/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header lists: what gets in, what is refused, what is counted.
 */
#include "hostapi/exchange.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

static enum status add(struct fixture *fixture, const char *name, const char *value)
{
    return http_headers_add(&fixture->exchange, &fixture->exchange.response_headers,
                            bytes_of_text(name), bytes_of_text(value));
}

static enum status set(struct fixture *fixture, const char *name, const char *value)
{
    return http_headers_set(&fixture->exchange, &fixture->exchange.response_headers,
                            bytes_of_text(name), bytes_of_text(value));
}

static void an_exchange_begins_as_an_empty_200(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture->exchange.status, 200);
    assert_int_equal(fixture->exchange.response_headers.count, 0);
    assert_int_equal(fixture->exchange.response_body.max, fixture->limits.response);
    assert_int_equal(fixture->exchange.log.max, 64);
}

static void headers_are_found_whatever_their_case(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(add(fixture, "X-One", "1"), STATUS_OK);
    fixture_assert_header(fixture, "x-oNE", "1");
    assert_null(http_headers_find(&fixture->exchange.response_headers, bytes_of_text("x-on")));
}

static void added_headers_are_copies(void **state)
{
    struct fixture *fixture = *state;
    char value[] = "before";
    assert_int_equal(add(fixture, "a", value), STATUS_OK);
    value[0] = 'X';
    fixture_assert_header(fixture, "a", "before");
}

static void add_keeps_all_values_and_set_replaces_them(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(add(fixture, "a", "1"), STATUS_OK);
    assert_int_equal(add(fixture, "b", "2"), STATUS_OK);
    assert_int_equal(add(fixture, "A", "3"), STATUS_OK);
    assert_int_equal(fixture->exchange.response_headers.count, 3);
    assert_int_equal(set(fixture, "a", "4"), STATUS_OK);
    assert_int_equal(fixture->exchange.response_headers.count, 2);
    fixture_assert_header(fixture, "a", "4");
    fixture_assert_header(fixture, "b", "2");
}

static void removing_gives_the_bytes_back(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(add(fixture, "aa", "111"), STATUS_OK);
    assert_int_equal(fixture->exchange.response_headers.bytes, 2 + 3 + 32);
    http_headers_remove(&fixture->exchange.response_headers, bytes_of_text("AA"));
    assert_int_equal(fixture->exchange.response_headers.bytes, 0);
    assert_int_equal(fixture->exchange.response_headers.count, 0);
}

static void names_that_are_no_tokens_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"", "a b", "a:", "a\r", "a\n", "\xc3\xa4", "a\x7f", "(a)"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(add(fixture, names[i], "1"), STATUS_INVALID);
    assert_int_equal(add(fixture, "!#$%&'*+-.^_`|~09azAZ", "1"), STATUS_OK);
}

static void values_that_would_split_a_response_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct http_headers *headers = &fixture->exchange.response_headers;
    static const char *const values[] = {"a\r\nb: c", "a\nb", "a\rb", "\n"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_int_equal(add(fixture, "a", values[i]), STATUS_INVALID);
        assert_int_equal(set(fixture, "a", values[i]), STATUS_INVALID);
    }
    assert_int_equal(
        http_headers_add(&fixture->exchange, headers, bytes_of_text("a"), bytes_make("x\0y", 3)),
        STATUS_INVALID);
    assert_int_equal(headers->count, 0);
    assert_int_equal(add(fixture, "a", "tab\tand \xff are fine"), STATUS_OK);
}

static void control_bytes_are_no_part_of_a_value(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t byte = 0; byte < 256; byte++) {
        const uint8_t value[] = {'a', (uint8_t)byte, 'b'};
        bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        assert_int_equal(http_headers_set(&fixture->exchange, &fixture->exchange.response_headers,
                                          bytes_of_text("a"), bytes_make(value, sizeof(value))),
                         control ? STATUS_INVALID : STATUS_OK);
    }
}

static void blanks_around_a_value_are_no_part_of_it(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(add(fixture, "a", " \t one\t two \t"), STATUS_OK);
    fixture_assert_header(fixture, "a", "one\t two");
    assert_int_equal(set(fixture, "a", " \t "), STATUS_OK);
    fixture_assert_header(fixture, "a", "");
    assert_int_equal(fixture->exchange.response_headers.bytes, 1 + 32);
}

static void a_length_without_a_body_is_kept_for_head(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        uint64_t length;
    } rows[] = {
        {"0", 0},
        {" 5 ", 5},
        {"999999999999999", UINT64_C(999999999999999)},
        {"1000000000000000", HTTP_LENGTH_UNKNOWN},
        {"", HTTP_LENGTH_UNKNOWN},
        {"-1", HTTP_LENGTH_UNKNOWN},
        {"5, 5", HTTP_LENGTH_UNKNOWN},
        {"0x5", HTTP_LENGTH_UNKNOWN},
    };
    assert_int_equal(fixture->exchange.head_length, HTTP_LENGTH_UNKNOWN);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(set(fixture, "Content-Length", rows[i].text), STATUS_OK);
        exchange_seal(&fixture->exchange);
        assert_int_equal(fixture->exchange.head_length, rows[i].length);
        assert_int_equal(fixture->exchange.response_headers.count, 0);
        fixture->exchange.head_length = HTTP_LENGTH_UNKNOWN;
    }
    /* With a body, the body knows. */
    assert_int_equal(buffer_append(&fixture->exchange.response_body, "x", 1), STATUS_OK);
    assert_int_equal(set(fixture, "Content-Length", "7"), STATUS_OK);
    exchange_seal(&fixture->exchange);
    assert_int_equal(fixture->exchange.head_length, HTTP_LENGTH_UNKNOWN);
}

static void a_list_over_the_limit_is_refused_and_unchanged(void **state)
{
    struct fixture *fixture = *state;
    char value[1024 - 32];
    memset(value, 'x', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(add(fixture, "a", value), STATUS_OK); /* 1 + 991 + 32 = 1024 */
    assert_int_equal(add(fixture, "b", ""), STATUS_LIMIT);
    assert_int_equal(set(fixture, "a", "replaced: frees its own room"), STATUS_OK);
    assert_int_equal(fixture->exchange.response_headers.count, 1);
    fixture_assert_header(fixture, "a", "replaced: frees its own room");
}

static void many_tiny_headers_are_bounded_too(void **state)
{
    struct fixture *fixture = *state;
    uint32_t added = 0;
    while (add(fixture, "a", "") == STATUS_OK)
        added++;
    assert_int_equal(added, 1024 / 33);
}

static void a_guest_that_replaces_for_ever_meets_the_arenas_cap(void **state)
{
    struct fixture *fixture = *state;
    uint32_t turns = 0;
    enum status status;
    while ((status = set(fixture, "a", "0123456789")) == STATUS_OK && turns < 1000000)
        turns++;
    assert_int_equal(status, STATUS_LIMIT);
    assert_true(fixture->exchange.arena.used_bytes <= 16 * 1024 + 65536);
    fixture_assert_header(fixture, "a", "0123456789");
}

static void sealing_takes_out_what_frames_a_message(void **state)
{
    struct fixture *fixture = *state;
    static const char *const framing[] = {"Content-Length", "transfer-encoding", "Connection",
                                          "Upgrade",        "keep-alive",        "TE"};
    for (size_t i = 0; i < COUNT_OF(framing); i++)
        assert_int_equal(add(fixture, framing[i], "1"), STATUS_OK);
    assert_int_equal(add(fixture, "content-type", "text/plain"), STATUS_OK);
    exchange_seal(&fixture->exchange);
    assert_int_equal(fixture->exchange.response_headers.count, 1);
    fixture_assert_header(fixture, "content-type", "text/plain");
}

/* ---- the body -------------------------------------------------------------------------------- */

static void a_body_that_does_not_stream_takes_all_up_to_its_limit(void **state)
{
    struct fixture *fixture = *state;
    struct http_exchange *exchange = &fixture->exchange;
    fixture->limits.response = 10;
    fixture->limits.stream_buffer = 4;
    struct bytes piece = bytes_of_text("0123456789");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    assert_int_equal(piece.count, 0);
    piece = bytes_of_text("x");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_LIMIT);
    assert_int_equal(piece.count, 1);
    assert_int_equal(exchange->response_body.count, 10);
}

static void one_that_streams_takes_what_there_is_room_for(void **state)
{
    struct fixture *fixture = *state;
    struct http_exchange *exchange = &fixture->exchange;
    fixture->limits.response = 12;
    fixture->limits.stream_buffer = 4;
    exchange->may_stream = true;
    struct bytes piece = bytes_of_text("0123456789");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    assert_true(bytes_equal_text(piece, "456789"));
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    assert_int_equal(piece.count, 6);
    /* A piece was taken. What went out counts. */
    exchange->response_body.count = 0;
    exchange->response_sent = 4;
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    assert_true(bytes_equal_text(piece, "89"));
    piece = bytes_of_text("89ABC");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_LIMIT);
    /* Somebody wants the rest whole. */
    exchange->response_holds = 1;
    piece = bytes_of_text("89AB");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    assert_int_equal(piece.count, 0);
}

static void a_response_that_begins_keeps_its_promise_of_a_length(void **state)
{
    struct fixture *fixture = *state;
    struct http_exchange *exchange = &fixture->exchange;
    exchange->may_stream = true;
    assert_int_equal(set(fixture, "Content-Length", "5"), STATUS_OK);
    assert_int_equal(set(fixture, "Connection", "close"), STATUS_OK);
    struct bytes piece = bytes_of_text("012");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    assert_true(http_exchange_begin_response(exchange));
    assert_int_equal(exchange->head_length, 5);
    assert_int_equal(exchange->response_headers.count, 0);
    exchange->response_holds = 1; /* too late */
    assert_true(http_exchange_streams(exchange));
    piece = bytes_of_text("345");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_INVALID);
    assert_int_equal(piece.count, 3);
    piece = bytes_of_text("34");
    assert_int_equal(exchange_write(exchange, &piece), STATUS_OK);
    exchange_replace_body(exchange); /* too late, too */
    assert_int_equal(exchange->response_body.count, 5);
    exchange_seal(exchange);
    assert_int_equal(exchange->head_length, 5);
}

static void a_body_longer_than_the_promise_is_found_when_it_begins(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(set(fixture, "content-length", "2"), STATUS_OK);
    struct bytes piece = bytes_of_text("012");
    assert_int_equal(exchange_write(&fixture->exchange, &piece), STATUS_OK);
    assert_false(http_exchange_begin_response(&fixture->exchange));
}

static void whoever_may_ask_others_keeps_what_cdn_loop_said(void **state)
{
    struct fixture *fixture = *state;
    static const struct bytes rules[] = {{(const uint8_t *)"https://a", 9}};
    struct http_exchange *exchange = &fixture->exchange;
    struct http_headers *headers = &exchange->request_headers;
    const struct bytes name = bytes_of_text("cdn-loop");
    assert_true(http_exchange_open_outbound(exchange, rules, 1));
    assert_int_equal(exchange->cdn_loop.count, 0);
    assert_int_equal(http_headers_add(exchange, headers, name, bytes_of_text("a")), STATUS_OK);
    assert_true(http_exchange_open_outbound(exchange, rules, 1));
    assert_true(bytes_equal_text(exchange->cdn_loop, "a"));
    assert_int_equal(http_headers_add(exchange, headers, name, bytes_of_text("b; c")), STATUS_OK);
    assert_true(http_exchange_open_outbound(exchange, rules, 1));
    assert_int_equal(http_headers_set(exchange, headers, name, bytes_of_text("none")), STATUS_OK);
    assert_true(bytes_equal_text(exchange->cdn_loop, "a,b; c"));
    /* Nobody who may not ask needs to know. */
    assert_true(http_exchange_open_outbound(exchange, NULL, 0));
    assert_int_equal(exchange->cdn_loop.count, 0);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_setup_exchange, fixture_teardown_exchange)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(an_exchange_begins_as_an_empty_200),
        TEST(headers_are_found_whatever_their_case),
        TEST(added_headers_are_copies),
        TEST(add_keeps_all_values_and_set_replaces_them),
        TEST(removing_gives_the_bytes_back),
        TEST(names_that_are_no_tokens_are_refused),
        TEST(values_that_would_split_a_response_are_refused),
        TEST(control_bytes_are_no_part_of_a_value),
        TEST(blanks_around_a_value_are_no_part_of_it),
        TEST(a_length_without_a_body_is_kept_for_head),
        TEST(a_list_over_the_limit_is_refused_and_unchanged),
        TEST(many_tiny_headers_are_bounded_too),
        TEST(a_guest_that_replaces_for_ever_meets_the_arenas_cap),
        TEST(sealing_takes_out_what_frames_a_message),
        TEST(a_body_that_does_not_stream_takes_all_up_to_its_limit),
        TEST(one_that_streams_takes_what_there_is_room_for),
        TEST(a_response_that_begins_keeps_its_promise_of_a_length),
        TEST(a_body_longer_than_the_promise_is_found_when_it_begins),
        TEST(whoever_may_ask_others_keeps_what_cdn_loop_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
