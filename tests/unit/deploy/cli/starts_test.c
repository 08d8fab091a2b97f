/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts: why starts were cold and what they took, as far as it is known.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void cold_starts_are_told_by_reason_and_phase(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200,
         "{\"function\":\"hello\",\"warm\":98,\"cold\":2,\"since\":\"then\",\"lost\":0,"
         "\"reasons\":{\"first\":2,\"evicted\":0},"
         "\"phases\":{\"map\":{\"sum_us\":30,\"p50_us\":10,\"p99_us\":null,\"max_us\":20}},"
         "\"recent\":[{\"time\":\"10:00\",\"version\":\"v1\",\"worker\":1,\"reason\":\"first\","
         "\"phases_us\":{\"map\":12.5}}]}"}};
    COUNTER_RUN(counter, answers, "starts", "hello");
    counter_assert_asked(counter, 0, "GET /v1/tenants/default/functions/hello/starts");
    assert_says(counter->shown.out, "hello: 98 warm and 2 cold starts since then\n");
    assert_says(counter->shown.out, "\nfirst          2\n");
    assert_null(strstr(counter->shown.out, "evicted"));
    /* The mean of both; over the largest bucket's bound nothing is known. */
    assert_says(counter->shown.out,
                "\nmap                  15.0       10.0          -       20.0\n");
    assert_says(counter->shown.out, " v1            1  first                12.5\n");
    assert_null(strstr(counter->shown.out, "lost"));
}

static void without_cold_starts_there_is_nothing_to_divide_by(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"function\":\"hello\",\"warm\":5,\"cold\":0,\"since\":\"then\",\"lost\":3,"
              "\"reasons\":{},\"phases\":{\"map\":{\"sum_us\":0}},\"recent\":[]}"}};
    COUNTER_RUN(counter, answers, "starts", "hello", "-q");
    assert_string_equal(counter->shown.out, "hello: 5 warm and 0 cold starts since then\n\n"
                                            "3 records of starts, of all functions, were lost\n");
}

static void machines_get_what_the_server_said(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{\"cold\":1}\n"}};
    COUNTER_RUN(counter, answers, "starts", "hello", "--json");
    assert_string_equal(counter->shown.out, "{\"cold\":1}\n");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(cold_starts_are_told_by_reason_and_phase),
        TEST_COUNTER(without_cold_starts_there_is_nothing_to_divide_by),
        TEST_COUNTER(machines_get_what_the_server_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
