/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: what leads to a function.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define ROUTES "/v1/tenants/default/functions/hello/routes"

static void routes_are_listed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer all[] = {
        {200, "{\"routes\":[{\"id\":\"main\",\"host\":\"a.b\",\"path\":\"/v1/*\",\"methods\":"
              "[\"GET\",\"PUT\"]}]}"}};
    COUNTER_RUN(counter, all, "route", "list", "hello");
    counter_assert_asked(counter, 0, "GET " ROUTES);
    assert_says(counter->shown.out, "main           a.b/v1/* GET PUT\n");
    static const struct counter_answer none[] = {{200, "{\"routes\":[]}"}};
    COUNTER_RUN(counter, none, "route", "list", "hello");
    assert_says(counter->shown.out, "no routes but its own host name and path\n");
}

static void a_route_gets_the_same_id_each_time(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer done[] = {{200, "{\"id\":\"r-1\"}"}};
    COUNTER_RUN(counter, done, "route", "add", "hello", "a.b/v1/*", "GET");
    char line[COUNTER_TEXT_BYTES];
    (void)strcpy(line, counter->page->requests[0].line);
    assert_says(line, "PUT " ROUTES "/r-");
    assert_string_equal(counter->page->requests[0].body,
                        "{\"host\":\"a.b\",\"path\":\"/v1/*\",\"methods\":[\"GET\"]}");
    COUNTER_RUN(counter, done, "route", "add", "hello", "a.b/v1/*");
    counter_assert_asked(counter, 0, line);
    assert_string_equal(counter->page->requests[0].body, "{\"host\":\"a.b\",\"path\":\"/v1/*\"}");
    COUNTER_RUN(counter, done, "route", "add", "hello", "a.b");
    assert_string_not_equal(counter->page->requests[0].line, line);
    COUNTER_RUN(counter, done, "route", "rm", "hello", "main");
    counter_assert_asked(counter, 0, "DELETE " ROUTES "/main");
    assert_says(counter->shown.out, "removed main\n");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][2] = {
        {"add", NULL}, {"rm", NULL}, {"rm", "a/b"}, {"put", "x"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "route", lines[i][0], "hello", lines[i][1]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(routes_are_listed),
        TEST_COUNTER(a_route_gets_the_same_id_each_time),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
