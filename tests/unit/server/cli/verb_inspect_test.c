/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry validate` and `skerry inspect`: what they show of a module, and what they refuse.
 */
#include "engine/native.h"
#include "server/cli/verbs_engine.h"
#include "tests/unit/server/cli/bench.h"

static void each_file_is_judged_and_the_worst_decides(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_validate, bench->broken, bench->module, bench->absent);
    assert_int_equal(shown->exit_status, 5);
    assert_says(shown->out, "x.wasm: valid\n");
    assert_null(strstr(shown->out, "broken"));
    assert_says(shown->err, "broken.wasm: offset 0x");
    assert_says(shown->err, "absent.wasm: cannot open");
    CAPTURE(shown, verb_validate, bench->broken, bench->module);
    assert_int_equal(shown->exit_status, 1);
    CAPTURE(shown, verb_validate, bench->module);
    assert_int_equal(shown->exit_status, 0);
}

static void a_module_may_not_be_larger_than_is_allowed(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_validate, "--max-module", "20", bench->module);
    assert_int_equal(shown->exit_status, 7);
    assert_says(shown->err, "the limit is 20");
    CAPTURE(shown, verb_inspect, "--max-module", "20", bench->module);
    assert_int_equal(shown->exit_status, 7);
    CAPTURE(shown, verb_validate, "--max-module", "much", bench->module);
    assert_int_equal(shown->exit_status, 2);
}

static void sections_exports_and_kind_are_shown(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_inspect, bench->module);
    assert_int_equal(shown->exit_status, 0);
    assert_says(shown->out, "4 functions\nkind: unknown\n");
    assert_says(shown->out, "\n  0x00000e ");
    assert_says(shown->out, "  memory\n");
    assert_says(shown->out, "func       1 add (i32 i32) -> (i32)\n");
    assert_says(shown->out, "memory     0 mem\n");
}

static void code_is_found_by_name_and_by_index(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_inspect, bench->module, "--code", "add");
    assert_int_equal(shown->exit_status, 0);
    assert_says(shown->out, "i32.add");
    char *by_name = strdup(shown->out);
    assert_non_null(by_name);
    CAPTURE(shown, verb_inspect, "--code", "1", bench->module);
    assert_string_equal(shown->out, by_name);
    free(by_name);
}

static void machine_code_stands_behind_its_cells(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_inspect, bench->module, "--code", "add", "--native");
    if (engine_has_native()) {
        assert_int_equal(shown->exit_status, 0);
        assert_says(shown->out, "\n        | ");
    } else {
        assert_int_not_equal(shown->exit_status, 0);
        assert_says(shown->err, "there is no native code");
    }
    CAPTURE(shown, verb_inspect, bench->module, "--native");
    assert_int_equal(shown->exit_status, 2);
}

static void code_that_is_not_there_is_not_found(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    static const char *const funcs[] = {"nobody", "mem", "", "4", "99999999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(funcs); i++) {
        CAPTURE(shown, verb_inspect, bench->module, "--code", funcs[i]);
        assert_int_equal(shown->exit_status, 5);
        assert_string_equal(shown->out, "");
    }
}

static void stats_are_one_line_for_machines(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_inspect, "--stats", bench->module);
    assert_int_equal(shown->exit_status, 0);
    assert_memory_equal(shown->out, "{\"module_bytes\":", strlen("{\"module_bytes\":"));
    assert_ptr_equal(strchr(shown->out, '\n'), shown->out + strlen(shown->out) - 1);
}

static void wrong_words_are_wrong_usage(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_inspect, NULL);
    assert_int_equal(shown->exit_status, 2);
    CAPTURE(shown, verb_inspect, bench->module, "--code");
    assert_int_equal(shown->exit_status, 2);
    CAPTURE(shown, verb_inspect, bench->module, bench->module);
    assert_int_equal(shown->exit_status, 2);
    CAPTURE(shown, verb_inspect, bench->module, "--stats", "--code", "0");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "usage: skerry inspect");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_BENCH(each_file_is_judged_and_the_worst_decides),
        TEST_BENCH(a_module_may_not_be_larger_than_is_allowed),
        TEST_BENCH(sections_exports_and_kind_are_shown),
        TEST_BENCH(code_is_found_by_name_and_by_index),
        TEST_BENCH(machine_code_stands_behind_its_cells),
        TEST_BENCH(code_that_is_not_there_is_not_found),
        TEST_BENCH(stats_are_one_line_for_machines),
        TEST_BENCH(wrong_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
