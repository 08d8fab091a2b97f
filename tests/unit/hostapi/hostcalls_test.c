/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the func for an import: by module, name and type, in tables that are sorted.
 */
#include "hostapi/hostcalls.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

static void an_import_must_have_the_tables_type(void **state)
{
    (void)state;
    static const uint32_t right[] = {ENGINE_I32, ENGINE_I64, ENGINE_I32};
    static const uint32_t wrong[] = {ENGINE_I32, ENGINE_I32, ENGINE_I32};
    struct engine_import_desc import =
        fixture_import("wasi_unstable", "clock_time_get", right, COUNT_OF(right));
    assert_non_null(hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_WAGI)));
    import = fixture_import("wasi_unstable", "clock_time_get", wrong, COUNT_OF(wrong));
    assert_null(hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_WAGI)));
    import = fixture_import("wasi_unstable", "clock_time_get", right, 2);
    assert_null(hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_WAGI)));
    import = fixture_import("wasi_snapshot_preview2", "clock_time_get", right, COUNT_OF(right));
    assert_null(hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_WAGI)));
}

static void http_calls_are_for_handlers_only(void **state)
{
    (void)state;
    static const uint32_t params[] = {ENGINE_I32};
    struct engine_import_desc import =
        fixture_import("http_handler", "enable_features", params, COUNT_OF(params));
    assert_non_null(hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_HTTP_WASM)));
    assert_null(hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_WAGI)));
}

static void every_table_is_sorted_and_finds_each_of_its_rows(void **state)
{
    (void)state;
    uint32_t rows = 0;
    for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
        const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
        for (uint32_t t = 0; t < HOSTAPI_TABLES_MAX && family->tables[t] != NULL; t++) {
            const struct hostcalls_table *table = family->tables[t];
            for (uint32_t i = 0; i < table->count; i++, rows++) {
                const struct hostcalls_row *row = &table->rows[i];
                if (i > 0 && strcmp(table->rows[i - 1].name, row->name) >= 0)
                    fail_msg("%s: %s is not in order", table->module, row->name);
                assert_ptr_equal(hostcalls_search(table, bytes_of_text(row->name)), row);
            }
            assert_null(hostcalls_search(table, bytes_make(NULL, 0)));
            assert_null(hostcalls_search(table, bytes_of_text("zz")));
            assert_null(hostcalls_search(table, bytes_of_text("fd_")));
        }
    }
    assert_true(rows > 19 + 2 * 40);
}

/* Tables are written by hand, and so are specifications: the guest has them from there. */
static void each_import_that_a_specification_has_is_found_with_its_type(void **state)
{
    (void)state;
    struct fixture fixture = {.now_ns = 0};
    struct bytes wasm = fixture_guest("hostapi_imports");
    fixture_open(&fixture, wasm);
    uint32_t count = engine_module_import_count(fixture.module);
    assert_true(count > 2 * 46 + 19);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(fixture.module, i);
        if (hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_HTTP_WASM)) == NULL)
            fail_msg("%.*s has another type", (int)import.name.count,
                     (const char *)import.name.data);
    }
    fixture_end(&fixture);
    fixture_unload(wasm);
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* Clock and random bytes, and nothing else: their values must not be frozen into a snapshot. */
static void what_importing_a_call_says_of_a_module_is_what_the_call_does(void **state)
{
    (void)state;
    static const char *const world[] = {"clock_time_get", "poll_oneoff", "random_get", NULL};
    static const char *const features[] = {"enable_features", NULL};
    static const char *const checkpoint[] = {"checkpoint", "checkpoint_v1", NULL};
    for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
        const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
        for (uint32_t t = 0; t < HOSTAPI_TABLES_MAX && family->tables[t] != NULL; t++) {
            const struct hostcalls_table *table = family->tables[t];
            for (uint32_t i = 0; i < table->count; i++) {
                const struct hostcalls_row *row = &table->rows[i];
                uint32_t trait = is_one_of(row->name, world)        ? HOSTCALLS_WORLD
                                 : is_one_of(row->name, features)   ? HOSTCALLS_FEATURES
                                 : is_one_of(row->name, checkpoint) ? HOSTCALLS_CHECKPOINT
                                                                    : HOSTCALLS_PLAIN;
                assert_int_equal(row->trait, trait);
            }
        }
    }
}

static void a_signature_says_each_type_of_number(void **state)
{
    (void)state;
    static const uint32_t params[] = {ENGINE_I32, ENGINE_I64, ENGINE_F32, ENGINE_F64, ENGINE_V128};
    const struct engine_functype type = {
        .params = params, .results = params, .param_count = 5, .result_count = 2};
    assert_true(hostcalls_signature_matches("iIfFv:iI", &type));
    static const char *const others[] = {"iIfFv:i",  "iIfFv:iIf", "iIfF:iI",  "iIfFvv:iI",
                                         "IIfFv:iI", "iIFFv:iI",  "iIffv:iI", "iIfFi:iI",
                                         "iIfFx:iI", "",          ":",        "iIfFviI"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(hostcalls_signature_matches(others[i], &type));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_sorted_and_finds_each_of_its_rows),
        cmocka_unit_test(each_import_that_a_specification_has_is_found_with_its_type),
        cmocka_unit_test(what_importing_a_call_says_of_a_module_is_what_the_call_does),
        cmocka_unit_test(a_signature_says_each_type_of_number),
        cmocka_unit_test(an_import_must_have_the_tables_type),
        cmocka_unit_test(http_calls_are_for_handlers_only),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
