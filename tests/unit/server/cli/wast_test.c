/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script runner itself: patterns of results, the skip list, and that what is wrong is
 * counted as wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/cli/wast.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"

/* ---- patterns -------------------------------------------------------------------------------- */

static bool matches(const char *json, uint32_t type, uint64_t bits)
{
    json_error_t error;
    json_t *root = json_loads(json, 0, &error);
    assert_non_null(root);
    struct wast_pattern pattern = wast_pattern_read(root);
    bool result = wast_pattern_matches(&pattern, type, &(union engine_value){.bits = bits});
    json_decref(root);
    return result;
}

static void numbers_match_bit_for_bit(void **state)
{
    (void)state;
    assert_true(matches("{\"type\":\"i32\",\"value\":\"-1\"}", ENGINE_I32, 0xffffffff));
    assert_false(matches("{\"type\":\"i32\",\"value\":\"-1\"}", ENGINE_I32, 0xfffffffe));
    assert_false(matches("{\"type\":\"i32\",\"value\":\"1\"}", ENGINE_I64, 1));
    assert_true(matches("{\"type\":\"f32\",\"value\":\"2147483648\"}", ENGINE_F32, 0x80000000));
    assert_false(matches("{\"type\":\"f32\",\"value\":\"2147483648\"}", ENGINE_F32, 0));
}

static void nan_classes_are_told_apart(void **state)
{
    (void)state;
    static const char canonical[] = "{\"type\":\"f32\",\"value\":\"nan:canonical\"}";
    static const char arithmetic[] = "{\"type\":\"f64\",\"value\":\"nan:arithmetic\"}";
    assert_true(matches(canonical, ENGINE_F32, 0xffc00000));
    assert_false(matches(canonical, ENGINE_F32, 0x7fc00001));
    assert_false(matches(canonical, ENGINE_F32, 0x7f800000));
    assert_true(matches(arithmetic, ENGINE_F64, 0x7ff8000000000001));
    assert_false(matches(arithmetic, ENGINE_F64, 0x7ff4000000000000));
}

static void references_match_by_null_and_number(void **state)
{
    (void)state;
    static const char host[] = "{\"type\":\"externref\",\"value\":\"0\"}";
    assert_true(matches(host, ENGINE_EXTERNREF, 1)); /* the host's 0 is not null */
    assert_false(matches(host, ENGINE_EXTERNREF, 0));
    assert_true(matches("{\"type\":\"refnull\"}", ENGINE_FUNCREF, 0));
    assert_false(matches("{\"type\":\"refnull\"}", ENGINE_FUNCREF, 1));
    assert_false(matches("{\"type\":\"funcref\"}", ENGINE_FUNCREF, 0));
    assert_true(matches("{\"type\":\"funcref\"}", ENGINE_FUNCREF, 5));
    assert_false(matches("{\"type\":\"v128\",\"value\":[\"0\"]}", ENGINE_I64, 0));
}

/* ---- files ----------------------------------------------------------------------------------- */

struct folder {
    char path[64];
    char script[96];
    char skips[96];
    char module[96];
};

static void write_file(const char *path, const void *data, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* A module that exports "one", which returns 1. */
static int setup(void **state)
{
    static struct folder folder;
    (void)snprintf(folder.path, sizeof(folder.path), "/tmp/skerry-wast-XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    (void)snprintf(folder.script, sizeof(folder.script), "%s/x.json", folder.path);
    (void)snprintf(folder.skips, sizeof(folder.skips), "%s/skip.txt", folder.path);
    (void)snprintf(folder.module, sizeof(folder.module), "%s/x.wasm", folder.path);
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 3, 'o', 'n', 'e', ENGINE_EXTERN_FUNC, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 4, 0, 0x41, 1, 0x0b);
    write_file(folder.module, wasm.data, wasm.count);
    buffer_done(&wasm);
    *state = &folder;
    return 0;
}

static int teardown(void **state)
{
    const struct folder *folder = *state;
    (void)unlink(folder->script);
    (void)unlink(folder->skips);
    (void)unlink(folder->module);
    return rmdir(folder->path);
}

static enum status
load_skips(const struct folder *folder, const char *text, struct wast_skips *ret_skips)
{
    struct report report = REPORT_INIT;
    write_file(folder->skips, text, strlen(text));
    return wast_skips_load(folder->skips, &report, ret_skips);
}

#define CALL "\"action\":{\"type\":\"invoke\",\"field\":\"one\",\"args\":[]}"

static const char script[] =
    "{\"commands\":["
    "{\"type\":\"module\",\"line\":1,\"filename\":\"x.wasm\"},"
    "{\"type\":\"assert_return\",\"line\":2," CALL
    ",\"expected\":[{\"type\":\"i32\",\"value\":\"1\"}]},"
    "{\"type\":\"assert_return\",\"line\":3," CALL
    ",\"expected\":[{\"type\":\"i32\",\"value\":\"2\"}]},"
    "{\"type\":\"assert_return\",\"line\":4," CALL ",\"expected\":[]},"
    "{\"type\":\"assert_trap\",\"line\":5," CALL ",\"text\":\"unreachable\"},"
    "{\"type\":\"assert_invalid\",\"line\":6,\"filename\":\"x.wasm\",\"text\":\"x\"},"
    "{\"type\":\"assert_unlinkable\",\"line\":7,\"filename\":\"x.wasm\",\"text\":\"x\"},"
    "{\"type\":\"assert_malformed\",\"line\":8,\"filename\":\"x.wat\",\"text\":\"x\","
    "\"module_type\":\"text\"},"
    "{\"type\":\"assert_something\",\"line\":9},"
    "{\"type\":\"assert_return\",\"line\":10," CALL
    ",\"expected\":[{\"type\":\"i32\",\"value\":\"1\"}]}]}";

static struct wast_totals run(const struct folder *folder, struct wast_skips *skips)
{
    struct report report = REPORT_INIT;
    struct wast_totals totals = {0};
    assert_int_equal(engine_init(&report), STATUS_OK);
    write_file(folder->script, script, strlen(script));
    struct wast_settings settings = {.slice = INT64_MAX};
    wast_script_run(folder->script, skips, &settings, &totals);
    return totals;
}

static void what_is_wrong_is_counted_as_failed(void **state)
{
    struct wast_skips none = {0};
    struct wast_totals totals = run(*state, &none);
    assert_int_equal(totals.passed, 2);
    assert_int_equal(totals.failed, 6);
    assert_int_equal(totals.skipped, 1);
    assert_int_equal(totals.skipped_text, 1);
}

static void a_skipped_module_skips_what_uses_it(void **state)
{
    struct wast_skips skips;
    assert_int_equal(load_skips(*state, "x.json:1 reason\n", &skips), STATUS_OK);
    struct wast_totals totals = run(*state, &skips);
    assert_int_equal(totals.passed, 0);
    assert_int_equal(totals.failed, 3); /* invalid, unlinkable, unknown command */
    assert_int_equal(totals.skipped, 6);
    wast_skips_done(&skips);
}

static void skips_hold_for_folders_scripts_and_lines(void **state)
{
    struct wast_skips skips;
    assert_int_equal(load_skips(*state,
                                "# comment\n\ncore/simd/  vectors\ncore/a.json all of it\n"
                                "core/b.json:3-5 some\ncore/b.json:9 one\n",
                                &skips),
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
    static const char *const bad[] = {"core/a.json\n", "core/a.json:0 x\n", "core/a.json:5-3 x\n",
                                      "core/a.json:x y\n", "core/a.json   \n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct wast_skips skips;
        assert_int_equal(load_skips(*state, bad[i], &skips), STATUS_CONFIG);
    }
}

#define TEST_FILES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_match_bit_for_bit),
        cmocka_unit_test(nan_classes_are_told_apart),
        cmocka_unit_test(references_match_by_null_and_number),
        TEST_FILES(what_is_wrong_is_counted_as_failed),
        TEST_FILES(a_skipped_module_skips_what_uses_it),
        TEST_FILES(skips_hold_for_folders_scripts_and_lines),
        TEST_FILES(a_skip_without_reason_or_with_bad_lines_is_refused),
    };
    return cmocka_run_group_tests_name("server/wast", tests, NULL, NULL);
}
