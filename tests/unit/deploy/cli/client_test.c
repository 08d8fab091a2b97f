/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: where it goes, what it carries, and what an answer, or none, means for the exit
 * status and the one line of an error.
 */
#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static void the_status_of_an_answer_decides_how_the_command_ends(void **state)
{
    struct counter *counter = *state;
    static const struct {
        struct counter_answer answer;
        enum cli_exit code;
    } rows[] = {
        {{400, "{\"code\":\"bad_query\",\"detail\":\"d\"}"}, CLI_USAGE},
        {{401, "{\"code\":\"no_token\",\"detail\":\"d\"}"}, CLI_AUTH},
        {{403, "{\"code\":\"scope\",\"detail\":\"d\"}"}, CLI_AUTH},
        {{404, "{\"code\":\"not_found\",\"detail\":\"d\"}"}, CLI_NOT_FOUND},
        {{409, "{\"code\":\"conflict\",\"detail\":\"d\"}"}, CLI_CONFLICT},
        {{409, "{\"code\":\"limit\",\"detail\":\"d\"}"}, CLI_LIMIT},
        {{412, "{\"code\":\"changed\",\"detail\":\"d\"}"}, CLI_CONFLICT},
        {{413, "{\"code\":\"module_too_large\",\"detail\":\"d\"}"}, CLI_LIMIT},
        {{422, "{\"code\":\"invalid\",\"detail\":\"d\"}"}, CLI_FAILED},
        {{429, "{\"code\":\"busy\",\"detail\":\"d\"}"}, CLI_LIMIT},
        {{500, "{\"code\":\"no_memory\",\"detail\":\"d\"}"}, CLI_LIMIT},
        {{500, "{\"code\":\"io\",\"detail\":\"d\"}"}, CLI_FAILED},
        {{507, "{\"code\":\"storage_full\",\"detail\":\"d\"}"}, CLI_LIMIT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct counter_answer answers[] = {rows[i].answer};
        COUNTER_RUN(counter, answers, "show", "hello");
        assert_int_equal(counter->shown.exit_status, rows[i].code);
        assert_string_equal(counter->shown.err, "skerry show: d\n");
        assert_string_equal(counter->shown.out, "");
    }
}

static void a_problem_is_told_with_its_place_and_its_hint(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {422,
         "{\"code\":\"invalid\",\"detail\":\"bad type\",\"offset\":12,\"hint\":\"build anew\"}\n"}};
    COUNTER_RUN(counter, answers, "show", "hello");
    assert_string_equal(counter->shown.err, "skerry show: bad type (offset 12): build anew\n");
    COUNTER_RUN(counter, answers, "show", "hello", "--json");
    assert_string_equal(counter->shown.out, answers[0].body);
}

static void what_is_no_answer_of_ours_asks_who_is_there(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer wrong[] = {{502, "<html>"}};
    static const struct counter_answer empty[] = {{200, ""}};
    static const struct counter_answer large[] = {{413, ""}};
    COUNTER_RUN(counter, wrong, "stats");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "the server answered 502: is there a skerry at /tmp/");
    COUNTER_RUN(counter, empty, "stats");
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "the server answered 200: is there a skerry");
    COUNTER_RUN(counter, large, "stats");
    assert_int_equal(counter->shown.exit_status, CLI_LIMIT);
    assert_says(counter->shown.err, "far larger than the server takes");
}

static void without_a_server_it_says_how_to_start_one(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer hangs_up[] = {{0, ""}};
    COUNTER_RUN(counter, hangs_up, "stats");
    assert_int_equal(counter->shown.exit_status, CLI_UNREACHABLE);
    assert_says(counter->shown.err, "the connection to /tmp/");
    COUNTER_RUN_ALONE(counter, "stats", "--admin-socket", "/nonexistent/admin.sock");
    assert_int_equal(counter->shown.exit_status, CLI_UNREACHABLE);
    assert_says(counter->shown.err, "no server at /nonexistent/admin.sock: start one with");
}

static void a_token_goes_along_if_there_is_one(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{404, "{}"}};
    COUNTER_RUN(counter, answers, "stats");
    assert_null(strstr(counter->page->requests[0].head, "Authorization"));
    assert_int_equal(setenv("SKERRY_TOKEN", "secret", 1), 0);
    COUNTER_RUN(counter, answers, "stats");
    assert_says(counter->page->requests[0].head, "\r\nAuthorization: Bearer secret");
    assert_null(strstr(counter->shown.err, "secret"));
}

static void names_stay_one_part_of_the_path(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{404, "{}"}};
    COUNTER_RUN(counter, answers, "versions", "../a?b#c", "-t", "x/y");
    counter_assert_asked(counter, 0, "GET /v1/tenants/x%2Fy/functions/..%2Fa%3Fb%23c/versions");
}

static void a_file_goes_as_it_is_and_what_is_none_stays_here(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {{200, "{}"}};
    COUNTER_RUN(counter, answers, "deploy", counter->module);
    assert_string_equal(counter->page->requests[0].body, "module");
    assert_says(counter->page->requests[0].head, "\r\nContent-Type: application/wasm");
    COUNTER_RUN(counter, answers, "deploy", "/nonexistent/hello.wasm");
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    assert_int_equal(counter->page->count, 0);
    COUNTER_RUN(counter, answers, "deploy", "/dev/null", "-n", "hello");
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
    assert_says(counter->shown.err, "is not a file");
    assert_int_equal(counter->page->count, 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(the_status_of_an_answer_decides_how_the_command_ends),
        TEST_COUNTER(a_problem_is_told_with_its_place_and_its_hint),
        TEST_COUNTER(what_is_no_answer_of_ours_asks_who_is_there),
        TEST_COUNTER(without_a_server_it_says_how_to_start_one),
        TEST_COUNTER(a_token_goes_along_if_there_is_one),
        TEST_COUNTER(names_stay_one_part_of_the_path),
        TEST_COUNTER(a_file_goes_as_it_is_and_what_is_none_stays_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
