/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env: a function's variables.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define ENV "/v1/tenants/default/functions/hello/env"

static void variables_are_listed_as_json_has_them(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer all[] = {
        {200, "{\"variables\":[{\"name\":\"A\",\"value\":\"x\\u001b\",\"from\":\"version\"}]}"}};
    COUNTER_RUN(counter, all, "env", "list", "hello");
    counter_assert_asked(counter, 0, "GET " ENV);
    assert_says(counter->shown.out, "version   A                        \"x\\u001B\"\n");
    assert_says(counter->shown.out, "next: skerry show hello\n");
}

static void each_word_is_a_variable(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer done[] = {{200, "{}"}, {200, "{}"}};
    COUNTER_RUN(counter, done, "env", "set", "hello", "A=1=2", "B=");
    counter_assert_asked(counter, 0, "PUT " ENV "/A");
    assert_string_equal(counter->page->requests[0].body, "1=2");
    counter_assert_asked(counter, 1, "PUT " ENV "/B");
    assert_string_equal(counter->shown.out, "set A\nset B\nnext: skerry env list hello\n");
    COUNTER_RUN(counter, done, "env", "rm", "hello", "A");
    counter_assert_asked(counter, 0, "DELETE " ENV "/A");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][2] = {{"set", NULL}, {"set", "A"},  {"set", "=1"},
                                           {"rm", NULL},  {"rm", "A/B"}, {"put", "A=1"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "env", lines[i][0], "hello", lines[i][1]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(variables_are_listed_as_json_has_them),
        TEST_COUNTER(each_word_is_a_variable),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
