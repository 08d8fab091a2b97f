/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy: which function a file becomes, what is asked of the server, and what is said then.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

#define HELLO "/v1/tenants/default/functions/hello"

static const struct counter_answer deployed[] = {
    {200, "{\"function\":\"hello\",\"version\":\"v1\",\"kind\":\"wagi\",\"status\":\"created\","
          "\"active\":true,\"module_bytes\":2048,\"url\":\"http://hello/\",\"timings\":"
          "{\"validate_us\":1000,\"translate_us\":2000,\"snapshot_us\":0,\"commit_us\":500},"
          "\"warnings\":[\"it has no name section\"]}"}};

static void a_file_becomes_the_function_of_its_name(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN(counter, deployed, "deploy", counter->module);
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    counter_assert_asked(counter, 0, "PUT " HELLO "?activate=1&dry_run=0");
    assert_string_equal(counter->shown.out,
                        "deployed hello v1 (wagi, 2.0 KiB) in 3.5 ms\n"
                        "  http://hello/\n"
                        "next: curl http://hello/   or   skerry versions hello\n");
    assert_string_equal(counter->shown.err, "warning: it has no name section\n");
}

static void a_name_is_proposed_but_never_guessed(void **state)
{
    struct counter *counter = *state;
    static const struct {
        const char *file;
        const char *proposal;
    } rows[] = {{"a/My_Fn.wasm", "-n my-fn\n"},
                {"__.wasm", "-n hello\n"},
                {"fn.v2.wasm", "-n fn-v2\n"},
                {"fn-.wasm", "-n fn\n"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        COUNTER_RUN(counter, deployed, "deploy", rows[i].file);
        assert_int_equal(counter->shown.exit_status, CLI_USAGE);
        assert_says(counter->shown.err, rows[i].proposal);
        assert_int_equal(counter->page->count, 0);
    }
}

static void options_go_with_the_query(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN(counter, deployed, "deploy", counter->module, "-c", "a&\n", "--reuse", "5",
                "--reuse-for", "10s", "--debug-log", "--no-activate");
    counter_assert_asked(counter, 0,
                         "PUT " HELLO "?activate=0&dry_run=0&config=%61%26%0a&reuse_requests=%35"
                         "&reuse_for=%31%30%73&debug_log=1");
    assert_says(counter->shown.out, "uploaded hello v1");
}

static void a_configuration_may_be_a_file_but_not_both(void **state)
{
    struct counter *counter = *state;
    COUNTER_RUN(counter, deployed, "deploy", counter->module, "--config-file", counter->module);
    counter_assert_asked(counter, 0,
                         "PUT " HELLO "?activate=1&dry_run=0&config=%6d%6f%64%75%6c%65");
    COUNTER_RUN(counter, deployed, "deploy", counter->module, "--config-file", counter->module,
                "-c", "x");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    COUNTER_RUN(counter, deployed, "deploy", counter->module, "--config-file", "/nonexistent/c");
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    COUNTER_RUN(counter, deployed, "deploy", counter->module, "--config-file", "/dev/zero");
    assert_int_equal(counter->shown.exit_status, CLI_LIMIT);
    assert_int_equal(counter->page->count, 0);
}

static void a_rehearsal_ends_with_the_command_in_earnest(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200,
         "{\"function\":\"hello\",\"kind\":\"wagi\",\"status\":\"dry_run\",\"module_bytes\":6}"}};
    char next[256];
    COUNTER_RUN(counter, answers, "deploy", counter->module, "--dry-run", "-c", "a b",
                "--deterministic", "-t", "acme");
    (void)snprintf(next, sizeof(next),
                   "next: skerry deploy %s -n hello -c 'a b' --deterministic -t acme\n",
                   counter->module);
    assert_says(counter->shown.out, "hello would be deployed (wagi, 6 B); nothing was changed\n");
    assert_says(counter->shown.out, next);
}

static void bytes_that_are_there_already_are_no_new_version(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200,
         "{\"function\":\"hello\",\"version\":\"v3\",\"kind\":\"wagi\",\"status\":\"unchanged\","
         "\"active\":false}"}};
    COUNTER_RUN(counter, answers, "deploy", counter->module);
    assert_says(counter->shown.out, "hello is unchanged: v3 (wagi) has these bytes already\n");
    assert_says(counter->shown.out, "next: skerry activate hello v3\n");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_file_becomes_the_function_of_its_name),
        TEST_COUNTER(a_name_is_proposed_but_never_guessed),
        TEST_COUNTER(options_go_with_the_query),
        TEST_COUNTER(a_configuration_may_be_a_file_but_not_both),
        TEST_COUNTER(a_rehearsal_ends_with_the_command_in_earnest),
        TEST_COUNTER(bytes_that_are_there_already_are_no_new_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
