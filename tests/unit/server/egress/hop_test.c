/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins that are slow, lie, break off, never end, or answer before they were asked: what they do
 * is bounded and told.
 */
#include <stdio.h>

#include "tests/unit/server/egress/fixture.h"

#define OK_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void hostile(const struct origin_answer *answer, enum fetch_end end)
{
    struct stage stage;
    struct egress_options options = stage_options(&stage);
    if (end == FETCH_END_TIMEOUT)
        options.idle_us = 30000;
    stage_open_with(&stage, &options);
    stage.origin.answers[0] = *answer;
    stage.origin.answers[1] = *answer;
    struct fetch_order order = stage_order(&stage, "/");
    order.answer_bytes_max = 1u << 20;
    order.deadline_us = 3000000;
    stage_fetch(&stage, &order);
    if (stage.probe.result.end != end)
        fail_msg("%.60s: %s, %s", answer->bytes == NULL ? "" : answer->bytes,
                 fetch_end_name(stage.probe.result.end), stage.probe.text);
    assert_true(stage.probe.heads <= 1);
    assert_true(stage.probe.data.count <= order.answer_bytes_max);
    assert_int_equal(egress_engine_stats(stage.engine).fetches, 0);
    stage_close(&stage);
}

static void what_is_no_answer_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum fetch_end end;
    } rows[] = {
        {"", FETCH_END_CLOSED},
        {"hello", FETCH_END_PROTOCOL},
        {"SSH-2.0-x\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 2000 OK\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 abc\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\na b: c\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\na: \x01\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", FETCH_END_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nContent-Le", FETCH_END_CLOSED},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", FETCH_END_CLOSED},
        {OK_CHUNKED "5\r\nhel", FETCH_END_CLOSED},
        {OK_CHUNKED "zz\r\nhello\r\n0\r\n\r\n", FETCH_END_CLOSED},
        {OK_CHUNKED "5\r\nhelloooo\r\n0\r\n\r\n", FETCH_END_CLOSED},
        {OK_CHUNKED "5\r\nhello\r\n", FETCH_END_CLOSED},
        {OK_CHUNKED "FFFFFFFFFFFFFFFFFFFF\r\nhello", FETCH_END_CLOSED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct origin_answer answer = {.bytes = rows[i].bytes, .close = true};
        hostile(&answer, rows[i].end);
    }
    const struct origin_answer zero = {
        .bytes = "HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", .count = 27, .close = true};
    hostile(&zero, FETCH_END_PROTOCOL);
}

static void two_lengths_are_none(void **state)
{
    (void)state;
    static const char both[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
                               "hello!";
    const struct origin_answer answer = {.bytes = both, .close = true};
    hostile(&answer, FETCH_END_PROTOCOL);
}

static void a_head_without_end_is_cut(void **state)
{
    (void)state;
    static char line[100001];
    static const char row[] = "x-filler: 01234567890123456789012345678901234567890123456789\r\n";
    static const char many[] = "a: b\r\n";
    static const char interim[] = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    memset(line, 'x', sizeof(line) - 1);
    const struct origin_answer rows[] = {
        /* 10 MB of rows; of one row; too many rows; of interim answers */
        {.bytes = "HTTP/1.1 200 OK\r\n", .again = row, .repeat = 10000000 / sizeof(row)},
        {.bytes = "HTTP/1.1 200 OK\r\nx: ", .again = line, .repeat = 100},
        {.bytes = "HTTP/1.1 200 OK\r\n", .again = many, .repeat = 20000},
        {.bytes = "HTTP/1.1 100 Continue\r\n\r\n", .again = interim, .repeat = 20000},
    };
    static const enum fetch_end ends[] = {FETCH_END_TOO_LARGE, FETCH_END_TOO_LARGE,
                                          FETCH_END_TOO_LARGE, FETCH_END_TOO_LARGE};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        hostile(&rows[i], ends[i]);
}

static void a_head_may_have_so_many_rows(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage.origin.answers[0] = (struct origin_answer){.bytes = "HTTP/1.1 200 OK\r\nfirst: x\r\n",
                                                     .again = "a: b\r\n",
                                                     .repeat = EGRESS_FIELDS_MAX - 2,
                                                     .rest = "Content-Length: 0\r\n\r\n"};
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(strncmp(stage.probe.headers, "first: x\na: b\n", 14), 0);
    assert_int_equal(strlen(stage.probe.headers), strlen("first: x\n") +
                                                      (EGRESS_FIELDS_MAX - 2) * strlen("a: b\n") +
                                                      strlen("content-length: 0\n"));
    stage_close(&stage);
}

static void a_body_without_end_is_cut(void **state)
{
    (void)state;
    const struct origin_answer rows[] = {
        {.bytes = "HTTP/1.1 200 OK\r\n\r\n", .again = "0123456789", .repeat = 300000},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n",
         .again = "0123456789",
         .repeat = 300000},
        {.bytes = OK_CHUNKED, .again = "a\r\n0123456789\r\n", .repeat = 300000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        hostile(&rows[i], FETCH_END_TOO_LARGE);
}

static void who_says_nothing_more_is_given_up(void **state)
{
    (void)state;
    const struct origin_answer rows[] = {
        {.bytes = NULL},
        {.bytes = "HTTP/1.1 2"},
        {.bytes = "HTTP/1.1 200 OK\r\na: b\r\n"},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"},
        {.bytes = OK_CHUNKED "5\r\nhello\r\n"},
        {.bytes = "HTTP/1.1 100 Continue\r\n\r\n"},
        {.bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        hostile(&rows[i], FETCH_END_TIMEOUT);
}

static void a_reset_is_told(void **state)
{
    (void)state;
    const struct origin_answer rows[] = {
        {.bytes = NULL, .reset = true},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", .reset = true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        hostile(&rows[i], FETCH_END_CLOSED);
}

static void what_comes_after_the_answer_is_no_part_of_it(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n"
                         "Content-Length: 5\r\n\r\nEVIL!");
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "hello"));
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "second"));
    assert_int_equal(stage.origin.connections, 2);
    stage_close(&stage);
}

static void an_answer_before_the_question_is_none(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    stage.origin.answers[0].at_once = true;
    struct fetch_order order = stage_order(&stage, "/");
    order.method = bytes_of_text("PUT");
    order.body = bytes_of_text("begin");
    order.body_follows = true;
    stage_start(&stage, &order);
    /* A refusal ends it although the body never does. */
    stage_finish(&stage);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.status, 403);
    assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "no"));
    stage_close(&stage);
}

static void a_length_beside_an_encoding_means_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n"
                         "\r\n5\r\nhello\r\n0\r\n\r\n");
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_string_equal(stage.probe.headers, "");
    assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "hello"));
    stage_close(&stage);
}

static void the_deadline_holds_against_who_drips(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, OK_CHUNKED "5\r\nhello\r\n");
    struct fetch_order order = stage_order(&stage, "/");
    order.deadline_us = 30000;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_TIMEOUT);
    assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "hello"));
    stage_close(&stage);
}

static void who_waits_for_the_guest_is_not_idle(void **state)
{
    (void)state;
    struct stage stage;
    struct egress_options options = stage_options(&stage);
    options.idle_us = 10000;
    stage_open_with(&stage, &options);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
    stage.origin.answers[0].again = "0123456789";
    stage.origin.answers[0].repeat = 20000;
    struct fetch_order order = stage_order(&stage, "/");
    stage_start(&stage, &order);
    while (!stage.probe.fetch->paused_reading)
        stage_turn(&stage);
    /* Its timer says so three times. */
    uint64_t progress_ns = stage.probe.fetch->progress_ns;
    for (int i = 0; i < 3;) {
        stage_turn(&stage);
        i += stage.probe.fetch->progress_ns != progress_ns;
        progress_ns = stage.probe.fetch->progress_ns;
    }
    stage_finish(&stage);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.data.count, 200000);
    stage_close(&stage);
}

static void who_does_not_listen_cannot_be_connected_to(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    struct fetch_order order = stage_order(&stage, "/");
    const struct bytes rule = bytes_of_text("http://127.0.0.1:1");
    order.url = rule;
    order.rules = &rule;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_CONNECT);
    stage_close(&stage);
}

static void who_speaks_no_tls_proves_nothing(void **state)
{
    (void)state;
    struct stage stage;
    char url[100];
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 400 Bad Request\r\n\r\n");
    stage.origin.answers[0].at_once = true;
    struct fetch_order order = stage_order(&stage, "/");
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", stage.origin.port);
    const struct bytes rule = bytes_of_text(url);
    order.url = rule;
    order.rules = &rule;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_TLS);
    stage_close(&stage);
}

static void rows_of_a_connection_are_not_passed_on(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nX-One:  1 \r\nKeep-Alive: timeout=5\r\n"
                         "Connection: keep-alive\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
                         "Transfer-Encoding: chunked\r\nTrailer: x-late\r\nEmpty:\r\n\r\n"
                         "2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n");
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_string_equal(stage.probe.headers,
                        "x-one: 1\nset-cookie: a=b\nset-cookie: c=d\nempty: \n");
    stage_close(&stage);
}

/* The same handle of curl makes them all, over the same connection. */
static void nothing_of_a_fetch_is_there_for_the_next(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *body;
        const char *length; /* what is said of it; NULL: nothing */
        bool has_field;
    } rows[] = {
        {"PUT", "abc", "Content-Length: 3\r\n", true},
        {"HEAD", "", NULL, false},
        {"POST", "", "Content-Length: 0\r\n", false},
        {"GET", "", NULL, true},
        {"DELETE", "", NULL, false},
        {"PATCH", "abcd", "Content-Length: 4\r\n", false},
        {"GET", "", NULL, false},
    };
    static const struct fetch_field field = {.name = {(const uint8_t *)"X-Own", 5},
                                             .value = {(const uint8_t *)"1", 1}};
    struct stage stage;
    stage_open(&stage);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        stage.origin.answers[i].request_bytes = strlen(rows[i].body);
        struct fetch_order order = stage_order(&stage, "/");
        char line[32];
        order.method = bytes_of_text(rows[i].method);
        order.body = bytes_of_text(rows[i].body);
        order.fields = &field;
        order.field_count = rows[i].has_field;
        stage.origin.seen.count = 0;
        stage_fetch(&stage, &order);
        assert_end(&stage, FETCH_END_DONE);
        (void)snprintf(line, sizeof(line), "%s / HTTP/1.1\r\nHost: ", rows[i].method);
        assert_int_equal(memcmp(stage.origin.seen.data, line, strlen(line)), 0);
        assert_int_equal(stage_saw(&stage, "X-Own: 1\r\n"), rows[i].has_field);
        assert_int_equal(stage_saw(&stage, "Content-Length: "), rows[i].length != NULL);
        assert_true(rows[i].length == NULL || stage_saw(&stage, rows[i].length));
        assert_false(stage_saw(&stage, "Transfer-Encoding"));
    }
    assert_int_equal(stage.origin.connections, 1);
    stage_close(&stage);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_answer_is_told),
        cmocka_unit_test(two_lengths_are_none),
        cmocka_unit_test(a_head_without_end_is_cut),
        cmocka_unit_test(a_head_may_have_so_many_rows),
        cmocka_unit_test(a_body_without_end_is_cut),
        cmocka_unit_test(who_says_nothing_more_is_given_up),
        cmocka_unit_test(a_reset_is_told),
        cmocka_unit_test(what_comes_after_the_answer_is_no_part_of_it),
        cmocka_unit_test(an_answer_before_the_question_is_none),
        cmocka_unit_test(a_length_beside_an_encoding_means_nothing),
        cmocka_unit_test(the_deadline_holds_against_who_drips),
        cmocka_unit_test(who_waits_for_the_guest_is_not_idle),
        cmocka_unit_test(who_does_not_listen_cannot_be_connected_to),
        cmocka_unit_test(who_speaks_no_tls_proves_nothing),
        cmocka_unit_test(rows_of_a_connection_are_not_passed_on),
        cmocka_unit_test(nothing_of_a_fetch_is_there_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
