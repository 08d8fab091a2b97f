/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's log: levels, pieces, what is cut, and what a guest cannot forge there.
 */
#include "hostapi/exchange.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

static void a_log_line_carries_its_level(void **state)
{
    struct fixture *fixture = *state;
    http_exchange_log(&fixture->exchange, "info", bytes_of_text("hello"));
    http_exchange_log(&fixture->exchange, "error", bytes_of_text("world"));
    fixture_assert_log(fixture, "info hello\nerror world\n");
}

static void a_newline_in_a_log_text_cannot_forge_a_level(void **state)
{
    struct fixture *fixture = *state;
    http_exchange_log(&fixture->exchange, "info", bytes_of_text("a\r\nerror b\x1b[0m"));
    fixture_assert_log(fixture, "info a\ninfo error b\\x1b[0m\n");
}

static void pieces_of_a_stream_make_one_line(void **state)
{
    struct fixture *fixture = *state;
    exchange_log_piece(&fixture->exchange, "stderr", bytes_of_text("a"), false);
    exchange_log_piece(&fixture->exchange, "stderr", bytes_of_text("b\nc"), true);
    exchange_log_piece(&fixture->exchange, "stdout", bytes_of_text("d\n"), false);
    fixture_assert_log(fixture, "stderr ab\nstderr c\nstdout d\n");
}

static void a_log_is_cut_at_its_limit_and_the_rest_is_counted(void **state)
{
    struct fixture *fixture = *state;
    char text[101];
    memset(text, 'x', 100);
    text[100] = '\0';
    http_exchange_log(&fixture->exchange, "info", bytes_of_text(text));
    assert_int_equal(fixture->exchange.log.count, 64);
    assert_memory_equal(fixture->exchange.log.data, "info xxx", 8);
    assert_int_equal(fixture->exchange.log_dropped_bytes, 100 - 59); /* 5 are the level's */
    http_exchange_log(&fixture->exchange, "info", bytes_of_text("more"));
    assert_int_equal(fixture->exchange.log.count, 64);
    assert_int_equal(fixture->exchange.log_dropped_bytes, 41 + 4);
}

static void a_text_over_the_limit_costs_nothing_past_it(void **state)
{
    struct fixture *fixture = *state;
    /* Were it looked at, this view would be read far out of bounds. */
    static const uint8_t begin[128] = {'a'};
    exchange_log_piece(&fixture->exchange, "stdout", bytes_make(begin, 60), false);
    http_exchange_log(&fixture->exchange, "info", bytes_make(begin, 128));
    uint64_t dropped = fixture->exchange.log_dropped_bytes;
    http_exchange_log(&fixture->exchange, "info", bytes_make(begin, (size_t)1 << 40));
    assert_int_equal(fixture->exchange.log_dropped_bytes, dropped + ((uint64_t)1 << 40));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_setup_exchange, fixture_teardown_exchange)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_line_carries_its_level),
        TEST(a_newline_in_a_log_text_cannot_forge_a_level),
        TEST(pieces_of_a_stream_make_one_line),
        TEST(a_log_is_cut_at_its_limit_and_the_rest_is_counted),
        TEST(a_text_over_the_limit_costs_nothing_past_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
