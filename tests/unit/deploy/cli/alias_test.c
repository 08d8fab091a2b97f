/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias: names of versions.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define ALIASES "/v1/tenants/default/functions/hello/aliases"

static void aliases_are_listed_set_and_removed(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer all[] = {
        {200, "{\"aliases\":[{\"alias\":\"stage\",\"version\":\"v2\",\"url\":\"http://x/\"}]}"}};
    COUNTER_RUN(counter, all, "alias", "list", "hello");
    counter_assert_asked(counter, 0, "GET " ALIASES);
    assert_says(counter->shown.out, "stage                v2       http://x/\n");
    static const struct counter_answer none[] = {{200, "{\"aliases\":[]}"}};
    COUNTER_RUN(counter, none, "alias", "list", "hello");
    assert_says(counter->shown.out, "hello has no aliases\n");
    static const struct counter_answer one[] = {{200, "{\"alias\":\"stage\"}"}};
    COUNTER_RUN(counter, one, "alias", "set", "hello", "stage", "v1");
    counter_assert_asked(counter, 0, "PUT " ALIASES "/stage");
    assert_string_equal(counter->page->requests[0].body, "{\"version\":\"v1\"}");
    COUNTER_RUN(counter, one, "alias", "rm", "hello", "stage");
    counter_assert_asked(counter, 0, "DELETE " ALIASES "/stage");
    assert_says(counter->shown.out, "removed stage\n");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][3] = {{"set", NULL}, {"set", "stage"}, {"rm", NULL},
                                           {"rm", "a/b"}, {"list", "x"},    {"put", "x"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "alias", lines[i][0], "hello", lines[i][1]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(aliases_are_listed_set_and_removed),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
