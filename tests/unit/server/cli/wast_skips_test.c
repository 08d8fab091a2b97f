/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of what is not expected to pass: what a line of it covers, and which lines are wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/cli/wast.h"
#include "tests/support/unit.h"

/* Of a file that is gone again. */
static enum status load_skips(const char *text, struct report *report, struct wast_skips *ret_skips)
{
    char path[] = "/tmp/skerry-skips-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    enum status status = wast_skips_load(path, report, ret_skips);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void skips_hold_for_folders_scripts_and_lines(void **state)
{
    (void)state;
    struct wast_skips skips;
    struct report report = REPORT_INIT;
    assert_int_equal(load_skips("# comment\n\ncore/simd/  vectors\ncore/a.json all of it\n"
                                "core/b.json:3-5 some\ncore/b.json:9 one\n",
                                &report, &skips),
                     STATUS_OK);
    assert_int_equal(skips.count, 4);
    assert_string_equal(wast_skips_find(&skips, "/s/core/simd/x.json", 1)->reason, "vectors");
    assert_string_equal(wast_skips_find(&skips, "core/a.json", 77)->reason, "all of it");
    assert_non_null(wast_skips_find(&skips, "/s/core/b.json", 4));
    assert_non_null(wast_skips_find(&skips, "/s/core/b.json", 9));
    assert_null(wast_skips_find(&skips, "/s/core/b.json", 6));
    assert_null(wast_skips_find(&skips, "/s/core/gc/a.json", 77));
    assert_null(wast_skips_find(&skips, "/s/xcore/a.json", 77));
    wast_skips_done(&skips);
}

static void a_skip_without_reason_or_with_bad_lines_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"core/a.json\n", "core/a.json:0 x\n", "core/a.json:5-3 x\n",
                                      "core/a.json:x y\n", "core/a.json   \n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct wast_skips skips;
        struct report report = REPORT_INIT;
        assert_int_equal(load_skips(bad[i], &report, &skips), STATUS_CONFIG);
    }
}

static void a_bad_line_is_named_by_its_number(void **state)
{
    (void)state;
    struct wast_skips skips;
    struct report report = REPORT_INIT;
    assert_int_equal(
        load_skips("# why\n\n  core/a.json good\ncore/b.json:0 bad\n", &report, &skips),
        STATUS_CONFIG);
    assert_non_null(strstr(report.text, ":4: want PATH"));
}

static void the_first_row_that_holds_is_the_one(void **state)
{
    (void)state;
    struct wast_skips skips;
    struct report report = REPORT_INIT;
    assert_int_equal(load_skips("core/a.json:2 the line\ncore/ the folder", &report, &skips),
                     STATUS_OK);
    assert_string_equal(wast_skips_find(&skips, "core/a.json", 2)->reason, "the line");
    assert_string_equal(wast_skips_find(&skips, "core/a.json", 3)->reason, "the folder");
    wast_skips_done(&skips);
    assert_null(wast_skips_find(&skips, "core/a.json", 2));
}

static void a_list_that_is_not_there_is_no_empty_list(void **state)
{
    (void)state;
    struct wast_skips skips;
    struct report report = REPORT_INIT;
    assert_int_not_equal(wast_skips_load("/nonexistent/skips", &report, &skips), STATUS_OK);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skips_hold_for_folders_scripts_and_lines),
        cmocka_unit_test(a_skip_without_reason_or_with_bad_lines_is_refused),
        cmocka_unit_test(a_bad_line_is_named_by_its_number),
        cmocka_unit_test(the_first_row_that_holds_is_the_one),
        cmocka_unit_test(a_list_that_is_not_there_is_no_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
