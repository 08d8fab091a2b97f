/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of a script: their names, what they are registered as, and whose exports resolve
 * an import.
 */
#include "server/cli/wast.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/server/cli/bench.h"

static int open_engine(void **state)
{
    struct report report = REPORT_INIT;
    (void)state;
    return engine_init(&report) == STATUS_OK ? 0 : -1;
}

static void modules_open(struct wast_modules *modules)
{
    struct report report = REPORT_INIT;
    assert_int_equal(wast_modules_init(modules, &engine_options_default, &report), STATUS_OK);
}

/* A module that imports print_i32 (i32) -> () or boom () -> (), and may have a start function
 * that traps. */
static void write_module(const char *path, const char *from, bool has_param, bool traps)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 0, 0, 0x60, 1, ENGINE_I32, 0);
    size_t imports = wasm_open(&wasm, WASM_IMPORT);
    WASM(&wasm, 1);
    wasm_name(&wasm, from);
    wasm_name(&wasm, has_param ? "print_i32" : "boom");
    WASM(&wasm, ENGINE_EXTERN_FUNC, has_param ? 1 : 0);
    wasm_close(&wasm, imports);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    if (traps)
        WASM_SECTION(&wasm, WASM_START, 1);
    WASM_SECTION(&wasm, WASM_CODE, 1, 3, 0, 0x00, 0x0b);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(wasm.data, 1, wasm.count, file), wasm.count);
    assert_int_equal(fclose(file), 0);
    buffer_done(&wasm);
}

static struct wast_unit *compiled(struct wast_modules *modules, const char *name, const char *path)
{
    struct report report = REPORT_INIT;
    struct wast_unit *unit = wast_modules_add(modules, name);
    assert_non_null(unit);
    assert_int_equal(wast_unit_compile(modules, unit, path, &report), STATUS_OK);
    return unit;
}

static enum status instantiated(struct wast_modules *modules, struct wast_unit *unit)
{
    struct report report = REPORT_INIT;
    return wast_unit_instantiate(modules, unit, INT64_MAX, &report);
}

static void the_newest_of_a_name_is_found_and_the_current_without_one(void **state)
{
    (void)state;
    struct wast_modules modules;
    modules_open(&modules);
    assert_null(wast_modules_find(&modules, NULL));
    (void)wast_modules_add(&modules, "$a");
    (void)wast_modules_add(&modules, "$b");
    struct wast_unit *newest = wast_modules_add(&modules, "$a");
    (void)wast_modules_add(&modules, NULL);
    assert_ptr_equal(wast_modules_find(&modules, "$a"), newest);
    assert_null(wast_modules_find(&modules, "$c"));
    wast_modules_done(&modules);
}

static void a_script_has_so_many_modules_and_no_more(void **state)
{
    (void)state;
    struct wast_modules modules;
    modules_open(&modules);
    while (modules.count < WAST_UNITS_MAX)
        assert_non_null(wast_modules_add(&modules, NULL));
    assert_null(wast_modules_add(&modules, "$one_too_many"));
    wast_modules_done(&modules);
}

static void an_import_is_of_what_was_registered_last(void **state)
{
    struct bench *bench = *state;
    struct wast_modules modules;
    modules_open(&modules);
    struct wast_unit *lender = compiled(&modules, "$lender", bench->module);
    assert_int_equal(instantiated(&modules, lender), STATUS_OK);
    write_module(bench->broken, "lender", false, false);
    struct wast_unit *user = compiled(&modules, "$user", bench->broken);
    assert_int_equal(instantiated(&modules, user), STATUS_UNLINKABLE);
    assert_ptr_equal(wast_modules_find(&modules, NULL), lender);
    assert_true(wast_unit_register(&modules, lender, "lender"));
    assert_int_equal(instantiated(&modules, user), STATUS_OK);
    assert_ptr_equal(wast_modules_find(&modules, NULL), user);
    wast_modules_done(&modules);
}

static void a_module_that_was_skipped_is_told_from_one_that_is_missing(void **state)
{
    struct bench *bench = *state;
    struct wast_modules modules;
    modules_open(&modules);
    write_module(bench->broken, "lender", false, false);
    struct wast_unit *user = compiled(&modules, NULL, bench->broken);
    assert_int_equal(instantiated(&modules, user), STATUS_UNLINKABLE);
    assert_false(modules.missed_skipped);
    struct wast_unit *lender = wast_modules_add(&modules, NULL);
    lender->skipped = true;
    assert_true(wast_unit_register(&modules, lender, "lender"));
    assert_int_equal(instantiated(&modules, user), STATUS_UNLINKABLE);
    assert_true(modules.missed_skipped);
    wast_modules_done(&modules);
}

static void spectest_is_there_from_the_beginning(void **state)
{
    struct bench *bench = *state;
    struct wast_modules modules;
    modules_open(&modules);
    write_module(bench->broken, "spectest", true, false);
    assert_int_equal(instantiated(&modules, compiled(&modules, NULL, bench->broken)), STATUS_OK);
    write_module(bench->broken, "spectest", false, false);
    assert_int_equal(instantiated(&modules, compiled(&modules, NULL, bench->broken)),
                     STATUS_UNLINKABLE);
    wast_modules_done(&modules);
}

static void a_start_function_that_traps_leaves_no_instance_and_no_call(void **state)
{
    struct bench *bench = *state;
    struct wast_modules modules;
    modules_open(&modules);
    write_module(bench->broken, "spectest", true, true);
    struct wast_unit *unit = compiled(&modules, "$trap", bench->broken);
    assert_int_equal(instantiated(&modules, unit), STATUS_TRAPPED);
    assert_null(unit->instance);
    assert_null(wast_modules_find(&modules, NULL));
    assert_int_equal(instantiated(&modules, compiled(&modules, NULL, bench->module)), STATUS_OK);
    wast_modules_done(&modules);
}

static void a_call_goes_on_from_slice_to_slice(void **state)
{
    struct bench *bench = *state;
    struct wast_modules modules;
    struct engine_export_desc add;
    const union engine_value values[] = {{.bits = 40}, {.bits = 2}};
    modules_open(&modules);
    struct wast_unit *unit = compiled(&modules, NULL, bench->module);
    assert_int_equal(instantiated(&modules, unit), STATUS_OK);
    assert_true(engine_module_find_export(unit->module, "add", ENGINE_EXTERN_FUNC, &add));
    engine_call_begin(modules.machine, unit->instance, add.index, values, 2);
    assert_int_equal(wast_run_call(modules.machine, 1), ENGINE_DONE);
    assert_int_equal(engine_call_results(modules.machine)[0].bits, 42);
    wast_modules_done(&modules);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_a_name_is_found_and_the_current_without_one),
        cmocka_unit_test(a_script_has_so_many_modules_and_no_more),
        TEST_BENCH(an_import_is_of_what_was_registered_last),
        TEST_BENCH(a_module_that_was_skipped_is_told_from_one_that_is_missing),
        TEST_BENCH(spectest_is_there_from_the_beginning),
        TEST_BENCH(a_start_function_that_traps_leaves_no_instance_and_no_call),
        TEST_BENCH(a_call_goes_on_from_slice_to_slice),
    };
    return cmocka_run_group_tests(tests, open_engine, NULL);
}
