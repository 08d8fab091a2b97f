/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: what all workers count is added up, and what is nothing is left out.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define WORKER(number, class) "\"labels\":{\"worker\":\"" number "\",\"class\":\"" class "\"}"

static const struct counter_answer stats[] = {
    {200,
     "{\"server\":\"skerry/1\",\"generation\":4,\"tenants\":2,\"functions\":3,\"versions\":5,"
     "\"modules\":4,\"store\":{\"used_bytes\":2048,\"map_bytes\":1048576},"
     "\"builds\":{\"built\":5,\"refused\":1},\"workers\":["
     "{\"name\":\"skerry_requests\"," WORKER(
         "0", "2xx") ",\"value\":5},"
                     "{\"name\":\"skerry_requests\"," WORKER(
                         "1",
                         "2xx") ",\"value\":7},"
                                "{\"name\":\"skerry_requests\"," WORKER(
                                    "1",
                                    "4xx") ",\"value\":1},"
                                           "{\"name\":\"skerry_requests\"," WORKER(
                                               "1",
                                               "5xx") ",\"value\":0},"
                                                      "{\"name\":\"skerry_quiet\",\"labels\":{"
                                                      "\"worker\":\"0\"},\"value\":0},"
                                                      "{\"name\":\"skerry_alone\",\"labels\":{"
                                                      "\"worker\":\"0\"},\"value\":0.5},"
                                                      "{\"name\":\"skerry_time_bucket\",\"labels\":"
                                                      "{\"worker\":\"0\"},\"value\":9},"
                                                      "{\"name\":\"skerry_time_sum\",\"labels\":{"
                                                      "\"worker\":\"0\"},\"value\":9}]}\n"}};

static void what_workers_count_is_added_up(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN(counter, stats, "stats");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    counter_assert_asked(counter, 0, "GET /v1/stats");
    assert_says(counter->shown.out, "\nrequests                   13 (12 2xx, 1 4xx)\n");
    assert_says(counter->shown.out, "\nalone                      0.5\n");
}

static void what_is_nothing_or_for_machines_is_left_out(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN(counter, stats, "stats");
    assert_null(strstr(counter->shown.out, "quiet"));
    assert_null(strstr(counter->shown.out, "5xx"));
    assert_null(strstr(counter->shown.out, "time_"));
    COUNTER_RUN(counter, stats, "stats", "--json");
    assert_string_equal(counter->shown.out, stats[0].body);
}

static void the_store_is_told_in_words(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN(counter, stats, "stats", "-q");
    assert_says(counter->shown.out, "2 tenants, 3 functions, 5 versions, 4 modules\n");
    assert_says(counter->shown.out, "2.0 KiB of 1.0 MiB\n");
    assert_says(counter->shown.out, "5 built, 1 refused\n");
    assert_null(strstr(counter->shown.out, "next:"));
}

static void of_a_tenant_there_is_what_the_store_has(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"tenant\":\"acme\",\"function_count\":3,\"created\":\"then\"}"}};
    COUNTER_RUN(counter, answers, "stats", "-t", "acme");
    counter_assert_asked(counter, 0, "GET /v1/tenants/acme");
    assert_says(counter->shown.out, "functions                  3\n");
    assert_says(counter->shown.out, "next: skerry list -t acme   or   skerry limits -t acme\n");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(what_workers_count_is_added_up),
        TEST_COUNTER(what_is_nothing_or_for_machines_is_left_out),
        TEST_COUNTER(the_store_is_told_in_words),
        TEST_COUNTER(of_a_tenant_there_is_what_the_store_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
