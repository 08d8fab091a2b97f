/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry wast`: files and folders, what is counted, and the options that change what runs.
 */
#include "server/cli/verbs_engine.h"
#include "tests/unit/server/cli/bench.h"

static void the_closing_line_counts_assertions(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_wast, bench->script);
    assert_int_equal(shown->exit_status, 1);
    assert_says(shown->out, "x.json:3: assert_return");
    assert_says(shown->out, "\n1 passed, 1 failed, 0 skipped\n");
}

static void a_folder_is_all_scripts_in_it(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_wast, bench->folder, bench->script);
    assert_int_equal(shown->exit_status, 1);
    assert_says(shown->out, "\n2 passed, 2 failed, 0 skipped\n");
}

static void what_is_skipped_does_not_fail_and_says_why(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    char skips[] = "/tmp/skerry-skip-XXXXXX";
    int fd = mkstemp(skips);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x.json:3 counts badly\n", 22), 22);
    assert_int_equal(close(fd), 0);
    CAPTURE(shown, verb_wast, "--skip", skips, bench->script);
    assert_int_equal(unlink(skips), 0);
    assert_int_equal(shown->exit_status, 0);
    assert_says(shown->out, "skipped 1 in x.json:3: counts badly\n");
    assert_says(shown->out, "1 passed, 0 failed, 1 skipped\n");
}

static void slices_change_neither_results_nor_fuel(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_wast, "--totals", bench->script);
    assert_says(shown->out, " outcomes ");
    char *whole = strdup(shown->out);
    assert_non_null(whole);
    CAPTURE(shown, verb_wast, "--totals", "--slice", "1", bench->script);
    assert_string_equal(shown->out, whole);
    free(whole);
}

static void nothing_to_run_is_no_success(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_wast, bench->absent);
    assert_int_equal(shown->exit_status, 5);
    CAPTURE(shown, verb_wast, bench->absent, bench->script);
    assert_int_equal(shown->exit_status, 5);
    assert_says(shown->out, "\n1 passed, 2 failed, 0 skipped\n");
    assert_int_equal(unlink(bench->script), 0);
    CAPTURE(shown, verb_wast, bench->folder);
    assert_int_equal(shown->exit_status, 1);
}

static void wrong_words_are_wrong_usage(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_wast, NULL);
    assert_int_equal(shown->exit_status, 2);
    CAPTURE(shown, verb_wast, "--slice", "0", bench->script);
    assert_int_equal(shown->exit_status, 2);
    CAPTURE(shown, verb_wast, "--loud", bench->script);
    assert_int_equal(shown->exit_status, 2);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_BENCH(the_closing_line_counts_assertions),
        TEST_BENCH(a_folder_is_all_scripts_in_it),
        TEST_BENCH(what_is_skipped_does_not_fail_and_says_why),
        TEST_BENCH(slices_change_neither_results_nor_fuel),
        TEST_BENCH(nothing_to_run_is_no_success),
        TEST_BENCH(wrong_words_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
