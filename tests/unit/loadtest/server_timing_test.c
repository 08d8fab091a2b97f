/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Server-Timing header: what our server sends, what the grammar allows beyond that,
 * and what it does not.
 */
#include <stdio.h>

#include "loadtest/server_timing.h"
#include "tests/support/unit.h"

static bool parse(struct server_timing *timing, const char *text)
{
    server_timing_init(timing);
    return server_timing_parse(timing, bytes_of_text(text));
}

static void assert_entry(const struct server_timing *timing,
                         uint32_t index,
                         const char *name,
                         uint64_t duration_ns)
{
    assert_true(index < timing->entry_count);
    assert_string_equal(timing->entries[index].name, name);
    assert_int_equal(timing->entries[index].duration_ns, duration_ns);
}

static void a_cold_start_is_read_with_its_reason_and_phases(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, "queue;dur=0.010, start;dur=0.021;desc=\"cold:first_request\", "
                               "exec;dur=0.060"));
    assert_int_equal(timing.start, SERVER_TIMING_COLD);
    assert_string_equal(timing.reason, "first_request");
    assert_int_equal(timing.entry_count, 3);
    assert_entry(&timing, 0, "queue", 10000);
    assert_entry(&timing, 1, "start", 21000);
    assert_entry(&timing, 2, "exec", 60000);
}

static void a_warm_start_is_read_quoted_or_not(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, "start;desc=\"warm\";dur=12"));
    assert_int_equal(timing.start, SERVER_TIMING_WARM);
    assert_entry(&timing, 0, "start", 12000000);
    assert_true(parse(&timing, "start ; desc = warm ; dur = .5"));
    assert_int_equal(timing.start, SERVER_TIMING_WARM);
    assert_entry(&timing, 0, "start", 500000);
    assert_true(parse(&timing, "start;desc=cold"));
    assert_int_equal(timing.start, SERVER_TIMING_COLD);
    assert_string_equal(timing.reason, "");
}

static void only_the_start_entry_tells_warm_from_cold(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, "cache;desc=\"cold:miss\", start;desc=\"coldish\";dur=1"));
    assert_int_equal(timing.start, SERVER_TIMING_UNKNOWN);
}

static void entries_of_several_headers_add_up(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, "a;dur=1"));
    assert_true(server_timing_parse(&timing, bytes_of_text("b;dur=2,c")));
    assert_int_equal(timing.entry_count, 2);
    assert_entry(&timing, 1, "b", 2000000);
}

static void entries_past_the_cap_are_counted_and_dropped(void **state)
{
    (void)state;
    char text[1024] = "";
    size_t used = 0;
    for (int i = 0; i < LOADTEST_TIMING_ENTRIES_MAX + 5; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%sp%d;dur=%d", i > 0 ? "," : "",
                                 i, i);
    struct server_timing timing;
    assert_true(parse(&timing, text));
    assert_int_equal(timing.entry_count, LOADTEST_TIMING_ENTRIES_MAX);
    assert_int_equal(timing.dropped_count, 5);
}

static void long_names_and_reasons_are_cut_not_overrun(void **state)
{
    (void)state;
    char text[512];
    (void)snprintf(text, sizeof(text), "%0100d;dur=1,start;desc=\"cold:%0100d\"", 1, 1);
    struct server_timing timing;
    assert_true(parse(&timing, text));
    assert_int_equal(strlen(timing.entries[0].name), LOADTEST_TIMING_NAME_BYTES - 1);
    assert_int_equal(strlen(timing.reason), LOADTEST_REASON_BYTES - 1);
}

static void commas_and_semicolons_in_quotes_are_text(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, "a;desc=\"x, \\\" y; z\";dur=3, b;dur=4"));
    assert_int_equal(timing.entry_count, 2);
    assert_entry(&timing, 1, "b", 4000000);
}

static void digits_past_the_nanosecond_are_dropped(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, "a;dur=1.23456789"));
    assert_entry(&timing, 0, "a", 1234567);
}

static void what_breaks_the_grammar_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ",",      "a;",       "a;dur=",     "a;dur=.",      "a;dur=-1",          "a;dur=1e3",
        "a b",    "a;dur=1x", "a;desc=\"x", "a;desc=\"x\\", "a;dur=99999999999", "a,,b",
        ";dur=1",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct server_timing timing;
        assert_false(parse(&timing, bad[i]));
    }
}

static void an_empty_header_says_nothing(void **state)
{
    (void)state;
    struct server_timing timing;
    assert_true(parse(&timing, ""));
    assert_true(parse(&timing, "  "));
    assert_int_equal(timing.entry_count, 0);
    assert_int_equal(timing.start, SERVER_TIMING_UNKNOWN);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cold_start_is_read_with_its_reason_and_phases),
        cmocka_unit_test(a_warm_start_is_read_quoted_or_not),
        cmocka_unit_test(only_the_start_entry_tells_warm_from_cold),
        cmocka_unit_test(entries_of_several_headers_add_up),
        cmocka_unit_test(entries_past_the_cap_are_counted_and_dropped),
        cmocka_unit_test(long_names_and_reasons_are_cut_not_overrun),
        cmocka_unit_test(commas_and_semicolons_in_quotes_are_text),
        cmocka_unit_test(digits_past_the_nanosecond_are_dropped),
        cmocka_unit_test(what_breaks_the_grammar_is_refused),
        cmocka_unit_test(an_empty_header_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
