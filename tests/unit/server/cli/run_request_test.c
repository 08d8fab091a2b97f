/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry run --request`: what the guest is told, where its answer goes, and how it may fail.
 */
#include "server/cli/verbs_engine.h"
#include "tests/unit/server/cli/bench.h"

#define ECHO RUN_REQUEST_GUESTS "/e2e_echo.wasm"
#define WAGI RUN_REQUEST_GUESTS "/e2e_wagi.wasm"
#define TRAP RUN_REQUEST_GUESTS "/e2e_init_trap.wasm"

static void the_body_goes_out_and_the_head_beside_it(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, ECHO, "--request", "PUT /a?b=c", "-d", "hello", "-H", "X-Probe: p");
    assert_int_equal(shown->exit_status, 0);
    assert_string_equal(shown->out, "PUT /a?b=c\np\nhello");
    assert_string_equal(shown->err, "200 OK\ncontent-type: application/octet-stream\n"
                                    "x-echo: one\nx-echo: two\n");
}

static void a_path_alone_is_a_get_and_with_a_body_a_post(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, ECHO, "--request", "/x");
    assert_string_equal(shown->out, "GET /x\n\n");
    CAPTURE(shown, verb_run, ECHO, "--request", "/x", "-d", "b");
    assert_string_equal(shown->out, "POST /x\n\nb");
}

static void a_command_answers_as_well_and_what_it_logs_stays_out_of_the_body(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, WAGI, "--request", "GET /p", "-H", "Host: fn.example:81");
    assert_int_equal(shown->exit_status, 0);
    assert_says(shown->out, "REQUEST_METHOD=GET\n");
    assert_says(shown->out, "PATH_INFO=/p\n");
    assert_says(shown->out, "HTTP_HOST=fn.example:81\n");
    assert_null(strstr(shown->out, "seen on stderr"));
    assert_says(shown->err, "seen on stderr\n200 OK\n");
}

static void a_variable_is_the_function_s_and_the_last_of_a_name_counts(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, WAGI, "--request", "/", "--env", "GREETING=no", "--env", "B=2",
            "--env", "GREETING=hi");
    assert_int_equal(shown->exit_status, 0);
    assert_says(shown->out, "GREETING=hi\n");
    assert_says(shown->out, "B=2\n");
    assert_null(strstr(shown->out, "GREETING=no"));
}

static void a_body_may_come_from_a_file(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    char word[128];
    (void)snprintf(word, sizeof(word), "@%s", bench->script);
    CAPTURE(shown, verb_run, ECHO, "--request", "/", "-d", word);
    assert_memory_equal(shown->out, "POST /\n\n{\"commands\"", 19);
    (void)snprintf(word, sizeof(word), "@%s", bench->absent);
    CAPTURE(shown, verb_run, ECHO, "--request", "/", "-d", word);
    assert_int_equal(shown->exit_status, 5);
    assert_string_equal(shown->out, "");
}

static void a_request_that_is_none_is_wrong_usage(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    static const char *const lines[] = {"", "GET", "GET x", " /", "GET /a b", "GET /a\r\nX: y"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        CAPTURE(shown, verb_run, ECHO, "--request", lines[i]);
        assert_int_equal(shown->exit_status, 2);
        assert_says(shown->err, "a method and a path are wanted");
    }
    CAPTURE(shown, verb_run, ECHO, "--request", "/", "-H", "bad name: x");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "no header");
}

static void a_guest_that_traps_answers_nothing(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, TRAP, "--request", "/");
    assert_int_equal(shown->exit_status, 134);
    assert_string_equal(shown->out, "");
    assert_says(shown->err, "trap: unreachable");
}

static void a_module_of_no_kind_is_refused_before_it_runs(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--request", "/");
    assert_int_equal(shown->exit_status, 1);
    assert_says(shown->err, "no kind of function recognised");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_BENCH(the_body_goes_out_and_the_head_beside_it),
        TEST_BENCH(a_path_alone_is_a_get_and_with_a_body_a_post),
        TEST_BENCH(a_command_answers_as_well_and_what_it_logs_stays_out_of_the_body),
        TEST_BENCH(a_variable_is_the_function_s_and_the_last_of_a_name_counts),
        TEST_BENCH(a_body_may_come_from_a_file),
        TEST_BENCH(a_request_that_is_none_is_wrong_usage),
        TEST_BENCH(a_guest_that_traps_answers_nothing),
        TEST_BENCH(a_module_of_no_kind_is_refused_before_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
