/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: what is asked of the server, and that a new one stands on a line of its own.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void a_new_token_stands_on_a_line_of_its_own(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer made[] = {{201, "{\"id\":\"ab\",\"token\":\"skt_x\"}"}};
    COUNTER_RUN(counter, made, "token", "create", "-t", "acme");
    counter_assert_asked(counter, 0, "POST /v1/tokens");
    assert_string_equal(counter->page->requests[0].body,
                        "{\"verbs\":[\"read\",\"logs\",\"deploy\"],\"tenant\":\"acme\"}");
    assert_memory_equal(counter->shown.out, "skt_x\n", 6);
    COUNTER_RUN(counter, made, "token", "create", "--all-tenants", "--verbs", "admin,read",
                "--expires", "1h", "--note", "me");
    assert_string_equal(counter->page->requests[0].body,
                        "{\"verbs\":[\"admin\",\"read\"],\"expires\":\"1h\",\"note\":\"me\"}");
    COUNTER_RUN(counter, made, "token", "create", "-t", "acme", "--functions", "f,g");
    assert_says(counter->page->requests[0].body, "\"functions\":[\"f\",\"g\"]");
}

static void tokens_are_listed_and_revoked(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer list[] = {
        {200, "{\"tokens\":[{\"id\":\"ab\",\"tenant\":null,\"verbs\":[\"read\"],"
              "\"functions\":[\"f\"],\"note\":\"me\",\"expires\":null,\"used\":null}],"
              "\"next\":\"ab\"}"}};
    static const struct counter_answer gone[] = {{200, "{\"id\":\"ab\"}"}};
    COUNTER_RUN(counter, list, "token", "list");
    assert_says(counter->shown.out, "ab                (all)            read ");
    assert_says(counter->shown.out, "me  for f\nand more after ab\n");
    COUNTER_RUN(counter, gone, "token", "rm", "ab");
    counter_assert_asked(counter, 0, "DELETE /v1/tokens/ab");
    assert_says(counter->shown.out, "revoked token ab\nnext: skerry token list");
}

static void other_words_are_wrong_usage(void **state)
{
    struct counter *counter = *state;
    static const char *const lines[][4] = {{"create", NULL},
                                           {"create", "-t", "a", "--all-tenants"},
                                           {"rm", NULL},
                                           {"rm", "../x"},
                                           {"show", NULL}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        COUNTER_RUN_ALONE(counter, "token", lines[i][0], lines[i][1], lines[i][2], lines[i][3]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_new_token_stands_on_a_line_of_its_own),
        TEST_COUNTER(tokens_are_listed_and_revoked),
        TEST_COUNTER(other_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
