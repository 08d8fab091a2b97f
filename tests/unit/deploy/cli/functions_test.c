/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list, show, versions, rollback, activate, rm: what they ask, and what people read.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define FUNCTIONS "/v1/tenants/default/functions"
#define ROW(name)                                                                                  \
    "{\"function\":\"" name                                                                        \
    "\",\"version\":\"v1\",\"kind\":\"wagi\",\"updated\":\"now\",\"url\":\"http://" name "/\"}"

static void all_pages_are_one_list(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"tenants\":[{\"tenant\":\"default\"}]}"},
        {200, "{\"functions\":[" ROW("a") "],\"next\":\"a\"}"},
        {200, "{\"functions\":[" ROW("b") "]}"}};
    COUNTER_RUN(counter, answers, "list");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    counter_assert_asked(counter, 1, "GET " FUNCTIONS);
    counter_assert_asked(counter, 2, "GET " FUNCTIONS "?after=a");
    assert_says(counter->shown.out, "\na  ");
    assert_says(counter->shown.out, "\nb  ");
    assert_says(counter->shown.out, "next: skerry show a   or   curl http://a/\n");
    COUNTER_RUN(counter, answers, "list", "--json");
    assert_string_equal(counter->shown.out, "{\"functions\":[" ROW("a") "," ROW("b") "]}\n");
}

static void a_fresh_server_has_an_empty_list_but_a_tenant_that_was_named_is_missing(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer fresh[] = {{200, "{\"tenants\":[]}"}};
    static const struct counter_answer missing[] = {{404, "{\"detail\":\"no tenant acme\"}"}};
    COUNTER_RUN(counter, fresh, "list");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    assert_says(counter->shown.out, "tenant default has no functions\n");
    COUNTER_RUN(counter, missing, "list", "-t", "acme");
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    counter_assert_asked(counter, 0, "GET /v1/tenants/acme/functions");
}

static void a_configuration_does_not_command_the_terminal(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer text[] = {
        {200, "{\"function\":\"hello\",\"config_bytes\":5,\"config\":\"a\\u001b[2J\"}"}};
    static const struct counter_answer bytes[] = {
        {200, "{\"function\":\"hello\",\"config_bytes\":2,\"config_base64\":\"//8=\"}"}};
    /* Not only those of ASCII: this one is a single character that begins a sequence. */
    static const struct counter_answer wide[] = {
        {200, "{\"function\":\"hello\",\"config_bytes\":4,\"config\":\"\\u009b2J\"}"}};
    COUNTER_RUN(counter, wide, "show", "hello");
    assert_says(counter->shown.out, "config    4 bytes: \"\\u009B2J\"\n");
    COUNTER_RUN(counter, text, "show", "hello");
    assert_says(counter->shown.out, "config    5 bytes: \"a\\u001B[2J\"\n");
    COUNTER_RUN(counter, bytes, "show", "hello");
    assert_says(counter->shown.out, "config    2 bytes: base64 \"//8=\"\n");
}

static void what_a_version_chose_and_how_it_fares_is_shown(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"function\":\"hello\",\"version\":\"v2\",\"previous\":null,\"debug_log\":true,"
              "\"reuse_requests\":10,\"reuse_us\":5000000,\"quarantined_us\":2500000}"}};
    COUNTER_RUN(counter, answers, "show", "hello");
    counter_assert_asked(counter, 0, "GET " FUNCTIONS "/hello");
    assert_says(counter->shown.out, "previous  -\n");
    assert_says(counter->shown.out, "choice    debug-log: ");
    assert_null(strstr(counter->shown.out, "deterministic"));
    assert_says(counter->shown.out, "memory is kept for 10 requests or 5s\n");
    assert_says(counter->shown.out, "it answers 503 for 3 s more");
}

static void the_live_version_is_marked_and_the_other_offered(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer two[] = {
        {200, "{\"versions\":[{\"version\":\"v3\",\"active\":true},{\"version\":\"v2\"}]}"}};
    static const struct counter_answer one[] = {
        {200, "{\"versions\":[{\"version\":\"v3\",\"active\":true}]}"}};
    COUNTER_RUN(counter, two, "versions", "hello");
    assert_says(counter->shown.out, "\n*v3 ");
    assert_says(counter->shown.out, "\n v2 ");
    assert_says(counter->shown.out, "next: skerry activate hello v2\n");
    COUNTER_RUN(counter, one, "versions", "hello");
    assert_says(counter->shown.out, "next: skerry show hello\n");
}

static void going_back_names_a_version_only_if_it_was_told_one(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"function\":\"hello\",\"version\":\"v1\",\"previous\":\"v2\",\"url\":\"u\"}"}};
    COUNTER_RUN(counter, answers, "rollback", "hello");
    counter_assert_asked(counter, 0, "POST " FUNCTIONS "/hello/rollback");
    assert_string_equal(counter->page->requests[0].body, "{}");
    assert_string_equal(counter->shown.out, "hello is at v1 now, was at v2\nnext: curl u\n");
    COUNTER_RUN(counter, answers, "rollback", "hello", "v1");
    assert_string_equal(counter->page->requests[0].body, "{\"to\":\"v1\"}");
    COUNTER_RUN(counter, answers, "activate", "hello", "v1");
    assert_string_equal(counter->page->requests[0].body, "{\"to\":\"v1\"}");
    COUNTER_RUN(counter, answers, "activate", "hello", "\xff");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_int_equal(counter->page->count, 0);
}

static void nothing_is_removed_without_a_yes(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{\"version_count\":3}"}};
    COUNTER_RUN(counter, answers, "rm", "hello");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_int_equal(counter->page->count, 0);
    COUNTER_RUN(counter, answers, "rm", "hello", "--yes");
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    counter_assert_asked(counter, 0, "DELETE " FUNCTIONS "/hello");
    assert_says(counter->shown.out, "removed hello and 3 version(s)\n");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(all_pages_are_one_list),
        TEST_COUNTER(a_fresh_server_has_an_empty_list_but_a_tenant_that_was_named_is_missing),
        TEST_COUNTER(a_configuration_does_not_command_the_terminal),
        TEST_COUNTER(what_a_version_chose_and_how_it_fares_is_shown),
        TEST_COUNTER(the_live_version_is_marked_and_the_other_offered),
        TEST_COUNTER(going_back_names_a_version_only_if_it_was_told_one),
        TEST_COUNTER(nothing_is_removed_without_a_yes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
