/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of native code that perf reads: what is in it, and where it is put.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/native.h"
#include "server/cli/run.h"
#include "server/cli/verbs_engine.h"
#include "tests/support/unit.h"
#include "tests/unit/server/cli/bench.h"

struct opened {
    struct buffer wasm;
    struct engine_image image;
    struct engine_module *module;
};

static void open_native(const struct bench *bench, struct opened *opened)
{
    const struct engine_options options = {.native = ENGINE_NATIVE_ON};
    struct report report = REPORT_INIT;
    *opened = (struct opened){0};
    assert_int_equal(verb_read_file(bench->module, 1 << 20, &report, &opened->wasm), STATUS_OK);
    assert_int_equal(engine_compile(buffer_bytes(&opened->wasm), &engine_limits_default, &options,
                                    &report, NULL, &opened->image),
                     STATUS_OK);
    assert_int_equal(engine_module_open(bytes_make(opened->image.data, opened->image.count), true,
                                        &report, &opened->module),
                     STATUS_OK);
    assert_int_equal(engine_module_map_native(opened->module, -1, &report), STATUS_OK);
}

static void opened_done(struct opened *opened)
{
    engine_module_close(opened->module);
    engine_image_free(&opened->image);
    buffer_done(&opened->wasm);
}

/* The map of this process, which is then gone. */
static void map_take(char *ret_text, size_t capacity)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/perf-%jd.map", (intmax_t)getpid());
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    ret_text[fread(ret_text, 1, capacity - 1, file)] = '\0';
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
}

static void a_function_has_a_line(void **state)
{
    struct report report = REPORT_INIT;
    struct engine_native_func func;
    struct opened opened;
    char text[4096];
    char line[128];
    open_native(*state, &opened);
    /* Twice: what a process of the same number left is in nobody's way. */
    assert_int_equal(run_write_perf_map(opened.module, &report), STATUS_OK);
    assert_int_equal(run_write_perf_map(opened.module, &report), STATUS_OK);
    map_take(text, sizeof(text));
    uint32_t count = engine_module_func_count(opened.module);
    for (uint32_t i = 0; i < count && engine_has_native(); i++) {
        assert_true(engine_module_native_func(opened.module, i, &func));
        (void)snprintf(line, sizeof(line), "%" PRIxPTR " %zx ", (uintptr_t)func.code.data,
                       func.code.count);
        assert_non_null(strstr(text, line));
        (void)snprintf(line, sizeof(line), "[wasm %" PRIu32 "]\n", i);
        assert_non_null(strstr(text, line));
    }
    assert_false(engine_module_native_func(opened.module, count, &func));
    opened_done(&opened);
}

static void without_native_code_it_is_empty(void **state)
{
    struct report report = REPORT_INIT;
    struct opened opened;
    char text[64];
    open_native(*state, &opened);
    struct engine_module *threaded;
    assert_int_equal(engine_module_open(bytes_make(opened.image.data, opened.image.count), true,
                                        &report, &threaded),
                     STATUS_OK);
    assert_int_equal(run_write_perf_map(threaded, &report), STATUS_OK);
    map_take(text, sizeof(text));
    assert_string_equal(text, "");
    engine_module_close(threaded);
    opened_done(&opened);
}

static void it_belongs_to_native_code(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, verb_run, bench->module, "--invoke", "one", "--perf");
    assert_int_equal(shown->exit_status, 2);
    assert_says(shown->err, "--perf belongs to --native=on");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_BENCH(a_function_has_a_line),
        TEST_BENCH(without_native_code_it_is_empty),
        TEST_BENCH(it_belongs_to_native_code),
    };
    return cmocka_run_group_tests_name("server/cli/perf_map", tests, NULL, NULL);
}
