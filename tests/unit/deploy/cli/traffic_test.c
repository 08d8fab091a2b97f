/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split and promote: shares of a function's versions.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define DEPLOYMENT "/v1/tenants/default/functions/hello/deployment"

#define SPLIT                                                                                      \
    "{\"versions\":[{\"version\":\"v3\",\"percent\":10},{\"version\":\"v2\",\"percent\":90}],"     \
    "\"by\":\"cookie:id\",\"canary\":{\"factor\":2,\"requests\":100},\"etag\":\"\\\"7\\\"\","      \
    "\"previous\":{\"versions\":[{\"version\":\"v2\",\"percent\":100}]}}"

static void a_deployment_is_shown(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer shown[] = {{200, SPLIT}};
    COUNTER_RUN(counter, shown, "split", "hello");
    counter_assert_asked(counter, 0, "GET " DEPLOYMENT);
    assert_says(counter->shown.out, "  v3           10 %");
    assert_says(counter->shown.out, "undone when the newest fails 2 times as often");
    assert_says(counter->shown.out, "before that\n");
}

static void shares_are_set_as_they_are_written(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer done[] = {{200, "{}"}};
    COUNTER_RUN(counter, done, "split", "hello", "v2=99.5", "v3=0.5", "--by", "address", "--canary",
                "1.5");
    counter_assert_asked(counter, 0, "PUT " DEPLOYMENT);
    assert_string_equal(counter->page->requests[0].body,
                        "{\"versions\":[{\"version\":\"v2\",\"percent\":99.5},{\"version\":\"v3\","
                        "\"percent\":0.5}],\"by\":\"address\",\"canary\":{\"factor\":1.5}}");
    static const char *const words[] = {
        "v2", "=10", "v2=", "v2=x", "v2=1%", "a-version-with-a-long-name=1"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        COUNTER_RUN_ALONE(counter, "split", "hello", words[i]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
    COUNTER_RUN_ALONE(counter, "split", "hello", "v2=50", "v3=50", "--canary", "x");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
}

static void the_smallest_share_is_promoted_as_it_was_seen(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer both[] = {{200, SPLIT}, {200, "{}"}};
    COUNTER_RUN(counter, both, "promote", "hello");
    counter_assert_asked(counter, 1, "PUT " DEPLOYMENT);
    assert_string_equal(counter->page->requests[1].body,
                        "{\"versions\":[{\"version\":\"v3\",\"percent\":100.0}]}");
    assert_says(counter->page->requests[1].head, "If-Match: \"7\"");
    COUNTER_RUN(counter, both, "promote", "hello", "--percent", "50");
    assert_string_equal(counter->page->requests[1].body,
                        "{\"versions\":[{\"version\":\"v3\",\"percent\":50.0},{\"version\":\"v2\","
                        "\"percent\":50.0}],\"by\":\"cookie:id\",\"canary\":{\"factor\":2,"
                        "\"requests\":100}}");
    COUNTER_RUN(counter, both, "promote", "hello", "v2");
    assert_string_equal(counter->page->requests[1].body,
                        "{\"versions\":[{\"version\":\"v2\",\"percent\":100.0}]}");
    static const struct counter_answer one[] = {
        {200, "{\"versions\":[{\"version\":\"v3\",\"percent\":100}]}"}};
    COUNTER_RUN(counter, one, "promote", "hello");
    assert_int_equal(counter->shown.exit_status, CLI_CONFLICT);
    static const char *const shares[] = {"0", "101", "x", "-1", "5%"};
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        COUNTER_RUN_ALONE(counter, "promote", "hello", "--percent", shares[i]);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_deployment_is_shown),
        TEST_COUNTER(shares_are_set_as_they_are_written),
        TEST_COUNTER(the_smallest_share_is_promoted_as_it_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
