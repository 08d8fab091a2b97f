/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: what is asked of the server, and how lines of guests reach a terminal.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define LINE                                                                                       \
    "{\"id\":\"7\",\"ts\":\"2026-11-28T21:17:36.792621Z\",\"level\":\"info\",\"event\":\"guest\"," \
    "\"request_id\":\"0123456789abcdef\",\"version\":\"v3\",\"message\":\"a\\u001b[31m\\u009bb\"}" \
    "\n"

static void lines_are_printed_and_steer_no_terminal(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer lines[] = {{200, LINE "\n" LINE}};
    COUNTER_RUN(counter, lines, "logs", "hello");
    counter_assert_asked(counter, 0, "GET /v1/tenants/default/functions/hello/logs");
    assert_says(counter->shown.out,
                "2026-11-28T21:17:36.792621Z info  v3   0123456789abcdef a?[31m?b\n");
    assert_says(counter->shown.out, "next: skerry logs -f hello\n");
}

static void json_is_passed_on_as_it_is(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer lines[] = {{200, LINE "\n" LINE}};
    COUNTER_RUN(counter, lines, "logs", "hello", "--json");
    assert_string_equal(counter->shown.out, LINE LINE);
}

static void a_fault_is_shown_with_its_place(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer lines[] = {
        {200, "{\"ts\":\"then\",\"level\":\"error\",\"code\":\"trap\",\"message\":\"unreachable\","
              "\"frame0\":\"func 3 at 0x12 main\",\"frame1\":\"func 1 at 0x8 \"}\n"
              "{\"ts\":\"then\",\"level\":\"warn\",\"dropped_bytes\":12}\n"}};
    COUNTER_RUN(counter, lines, "logs", "hello");
    assert_says(counter->shown.out, "trap: unreachable\n    func 3 at 0x12 main\n    func 1 at");
    assert_says(counter->shown.out, "12 bytes of the log were dropped");
}

static void fields_stand_behind_the_text(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer lines[] = {
        {200, "{\"ts\":\"then\",\"level\":\"info\",\"message\":\"said\",\"field_user\":\"ann\","
              "\"field_n\":\"1\\u001b\"}\n"}};
    COUNTER_RUN(counter, lines, "logs", "hello");
    assert_says(counter->shown.out, " said user=ann n=1?\n");
}

static void what_is_asked_for_is_passed_on(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer none[] = {{200, ""}};
    static const struct counter_answer bad[] = {{400, "{\"detail\":\"no such level\"}"}};
    COUNTER_RUN(counter, none, "logs", "hello", "--since", "5m", "--level", "warn", "--limit", "3");
    counter_assert_asked(
        counter, 0, "GET /v1/tenants/default/functions/hello/logs?level=warn&since=5m&limit=3");
    assert_says(counter->shown.out, "nothing was logged\n");
    COUNTER_RUN(counter, bad, "logs", "hello", "--level", "loud&x=1");
    counter_assert_asked(counter, 0,
                         "GET /v1/tenants/default/functions/hello/logs?level=loud%26x%3D1");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "no such level");
}

static void a_log_that_is_followed_ends_only_with_the_server(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer lines[] = {{200, LINE}};
    COUNTER_RUN(counter, lines, "logs", "-f", "hello");
    counter_assert_asked(counter, 0, "GET /v1/tenants/default/functions/hello/logs?follow=1");
    assert_int_equal(counter->shown.exit_status, CLI_UNREACHABLE);
    assert_says(counter->shown.err, "the server ended the log");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(lines_are_printed_and_steer_no_terminal),
        TEST_COUNTER(json_is_passed_on_as_it_is),
        TEST_COUNTER(a_fault_is_shown_with_its_place),
        TEST_COUNTER(fields_stand_behind_the_text),
        TEST_COUNTER(what_is_asked_for_is_passed_on),
        TEST_COUNTER(a_log_that_is_followed_ends_only_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
