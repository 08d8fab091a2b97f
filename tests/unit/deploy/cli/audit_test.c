/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: the latest change is last, and a chain that does not hold is a failure.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void the_latest_change_is_last(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answer[] = {
        {200, "{\"records\":[{\"serial\":8,\"action\":\"deploy\",\"tenant\":\"acme\","
              "\"function\":\"f\",\"version\":3,\"who\":\"token 1\",\"from\":\"::1\","
              "\"time\":\"now\"},{\"serial\":7,\"action\":\"env\",\"tenant\":\"\","
              "\"name\":\"A\"}],\"next\":7}"}};
    COUNTER_RUN(counter, answer, "audit", "--limit", "2", "--before", "9");
    counter_assert_asked(counter, 0, "GET /v1/audit?limit=2&before=9");
    const char *older = strstr(counter->shown.out, "\n7 ");
    const char *newer = strstr(counter->shown.out, "\n8 ");
    assert_true(older != NULL && newer != NULL && older < newer);
    assert_says(counter->shown.out, "acme/f v3\n");
    assert_says(counter->shown.out, "- A\n");
    assert_says(counter->shown.out, "next: skerry audit --before 7");
}

static void a_chain_that_does_not_hold_is_a_failure(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer good[] = {
        {200, "{\"records\":[],\"chain\":{\"verified\":true,\"checked\":5,\"first\":1,"
              "\"last\":5,\"head\":\"ab\"}}"}};
    static const struct counter_answer bad[] = {
        {200, "{\"records\":[],\"chain\":{\"verified\":false,\"broken\":4}}"}};
    COUNTER_RUN(counter, good, "audit", "--verify", "-t", "acme");
    counter_assert_asked(counter, 0, "GET /v1/audit?tenant=acme&verify=1");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    assert_says(counter->shown.out, "verified 5 records, 1 to 5; head ab\n");
    COUNTER_RUN(counter, bad, "audit", "--verify", "--json");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "record 4 is not what was written");
}

static void what_is_no_number_is_wrong_usage(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN_ALONE(counter, "audit", "--limit", "x");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    COUNTER_RUN_ALONE(counter, "audit", "--before", "");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(the_latest_change_is_last),
        TEST_COUNTER(a_chain_that_does_not_hold_is_a_failure),
        TEST_COUNTER(what_is_no_number_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
