/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script runner itself: what is wrong is counted as wrong, and what is skipped takes what uses
 * it with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/cli/wast.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"

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

#define TEST_FILES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_FILES(what_is_wrong_is_counted_as_failed),
        TEST_FILES(a_skipped_module_skips_what_uses_it),
    };
    return cmocka_run_group_tests_name("server/wast", tests, NULL, NULL);
}
