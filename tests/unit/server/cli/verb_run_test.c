/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry run` of a command and of one exported function: arguments, results, exit statuses, traps
 * and the end of fuel.
 */
#include "engine/native.h"
#include "server/cli/verbs_engine.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/server/cli/bench.h"

static void results_are_printed_with_their_types(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "add", "0x10", "-3");
    assert_int_equal(shown->exit_status, 0);
    assert_string_equal(shown->out, "i32:13\n");
    assert_string_equal(shown->err, "");
}

static void what_follows_two_dashes_is_the_guests(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "add", "--", "--stats", "1");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "argument 1 of add: '--stats' is no i32");
}

static void arguments_that_do_not_fit_are_wrong_usage(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "add", "1");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "add takes 2 arguments (i32 i32), not 1");
    CAPTURE(shown, verb_run, bench->module, "--invoke", "add", "1", "4294967296");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "argument 2 of add");
}

static void a_function_that_is_not_there_is_answered_with_those_that_are(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "two");
    assert_int_equal(shown->exit_status, 5);
    assert_says(shown->err, "no function 'two'; it exports these functions: 'one' 'add' 'boom'");
    CAPTURE(shown, verb_run, bench->module, "--invoke", "mem");
    assert_int_equal(shown->exit_status, 5);
    assert_says(shown->err, "'mem' is a memory, not a function");
    CAPTURE(shown, verb_run, bench->module);
    assert_int_equal(shown->exit_status, 5);
    assert_says(shown->err, "not a WASI command: it exports no _start");
}

static void a_trap_says_where_it_was(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "boom");
    assert_int_equal(shown->exit_status, 134);
    assert_says(shown->err, "trap: unreachable\n  at func 2 offset 0x");
}

static void the_exit_status_of_a_command_is_the_verbs(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 1, ENGINE_I32, 0, 0x60, 0, 0);
    size_t section = wasm_open(&wasm, WASM_IMPORT);
    WASM(&wasm, 1);
    wasm_name(&wasm, "wasi_snapshot_preview1");
    wasm_name(&wasm, "proc_exit");
    WASM(&wasm, ENGINE_EXTERN_FUNC, 0);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 1);
    section = wasm_open(&wasm, WASM_EXPORT);
    WASM(&wasm, 1);
    wasm_name(&wasm, "_start");
    WASM(&wasm, ENGINE_EXTERN_FUNC, 1);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_CODE, 1, 7, 0, 0x41, 0xc8, 0x01, 0x10, 0, 0x0b); /* proc_exit(200) */
    FILE *file = fopen(bench->broken, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(wasm.data, 1, wasm.count, file), wasm.count);
    assert_int_equal(fclose(file), 0);
    buffer_done(&wasm);
    CAPTURE(shown, verb_run, bench->broken);
    assert_int_equal(shown->exit_status, 200);
    assert_string_equal(shown->err, "");
}

static void a_loop_ends_with_its_fuel(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "spin", "--fuel", "1000");
    assert_int_equal(shown->exit_status, 134);
    assert_says(shown->err, "all 1000 units of fuel used");
}

static void stats_follow_however_it_ended(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "boom", "--stats");
    assert_int_equal(shown->exit_status, 134);
    assert_says(shown->err, "\"memory_pages\":1}\n");
    CAPTURE(shown, verb_run, bench->broken, "--stats");
    assert_int_equal(shown->exit_status, 1);
    assert_says(shown->err, "\"memory_pages\":0}\n");
}

static void stats_say_whether_there_is_native_code(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    const char *none = "\"native\":false,\"native_bytes\":0,\"native_share\":0.00,";
    CAPTURE(shown, verb_run, bench->module, "--invoke", "one", "--stats");
    assert_says(shown->err, none);
    CAPTURE(shown, verb_run, bench->broken, "--stats", "--native=on");
    assert_says(shown->err, none);
    CAPTURE(shown, verb_run, bench->module, "--invoke", "one", "--stats", "--native=on");
    assert_says(shown->err, engine_has_native() ? "\"native\":true,\"native_bytes\":4096," : none);
}

static void stats_say_how_much_of_the_fuel_native_code_took(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "spin", "--fuel", "1000", "--stats");
    assert_says(shown->err, "\"native_fuel\":0,\"native_fuel_share\":0.000,");
    if (!engine_has_native())
        return;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "spin", "--fuel", "1000", "--stats",
            "--native=on");
    assert_says(shown->err, ",\"native_fuel_share\":1.000,");
}

static void options_that_mean_nothing_together_are_refused(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    static const char *const lines[][4] = {
        {NULL},
        {"--fuel", "0", "x.wasm"},
        {"--fuel", "9223372036854775808", "x.wasm"},
        {"x.wasm", "--invoke"},
        {"x.wasm", "--env", "A"},
        {"x.wasm", "-d", "body"},
        {"x.wasm", "-H", "a: b"},
        {"x.wasm", "--dir"},
        {"x.wasm", "word", "--request", "/"},
        {"--max-module", "0", "x.wasm"},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        CAPTURE(shown, verb_run, lines[i][0], lines[i][1], lines[i][2], lines[i][3]);
        assert_int_equal(shown->exit_status, 2);
        assert_says(shown->err, "usage: skerry run");
    }
}

static void a_directory_that_is_none_is_told(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--dir", "/nonexistent/x::/data");
    assert_int_not_equal(shown->exit_status, 0);
    assert_says(shown->err, "--dir /nonexistent/x::/data: cannot open the directory");
    CAPTURE(shown, verb_run, bench->module, "--request", "/", "--dir", "/nonexistent");
    assert_int_not_equal(shown->exit_status, 0);
    assert_says(shown->err, "--dir /nonexistent: cannot open the directory");
    CAPTURE(shown, verb_run, bench->module, "--dir", "/tmp::");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "it has no name for the guest");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_BENCH(results_are_printed_with_their_types),
        TEST_BENCH(what_follows_two_dashes_is_the_guests),
        TEST_BENCH(arguments_that_do_not_fit_are_wrong_usage),
        TEST_BENCH(a_function_that_is_not_there_is_answered_with_those_that_are),
        TEST_BENCH(a_trap_says_where_it_was),
        TEST_BENCH(the_exit_status_of_a_command_is_the_verbs),
        TEST_BENCH(a_loop_ends_with_its_fuel),
        TEST_BENCH(stats_follow_however_it_ended),
        TEST_BENCH(stats_say_how_much_of_the_fuel_native_code_took),
        TEST_BENCH(stats_say_whether_there_is_native_code),
        TEST_BENCH(options_that_mean_nothing_together_are_refused),
        TEST_BENCH(a_directory_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
