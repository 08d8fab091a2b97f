/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognising a module, and saying why not.
 */
#include "hostapi/hostapi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

static enum hostapi_kind detect(struct fixture *fixture, struct bytes wasm)
{
    *fixture = (struct fixture){.now_ns = 0};
    fixture_open(fixture, wasm);
    return hostapi_detect(fixture->module, false, &fixture->report);
}

static void close_module(struct fixture *fixture, struct bytes wasm)
{
    engine_module_close(fixture->module);
    engine_image_free(&fixture->image);
    fixture_unload(wasm);
}

static void assert_guest(const char *name, enum hostapi_kind kind, const char *text)
{
    struct fixture fixture;
    struct bytes wasm = fixture_guest(name);
    assert_int_equal(detect(&fixture, wasm), kind);
    if (strstr(fixture.report.text, text) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", name, fixture.report.text, text);
    close_module(&fixture, wasm);
}

static void handlers_and_commands_are_recognised(void **state)
{
    (void)state;
    assert_guest("hostapi_rules", HOSTAPI_KIND_HTTP_WASM, "");
    assert_guest("hostapi_sleep", HOSTAPI_KIND_WAGI, "");
    assert_guest("e2e_wagi", HOSTAPI_KIND_WAGI, "");
}

static void foreign_imports_may_be_allowed_to_be_missing(void **state)
{
    (void)state;
    static const char *const imports[] = {"env|return_result", "wasi_snapshot_preview1|fd_read",
                                          NULL};
    struct fixture fixture;
    assert_int_equal(detect(&fixture, fixture_module(imports, "_start")), HOSTAPI_KIND_UNKNOWN);
    assert_int_equal(hostapi_detect(fixture.module, true, NULL), HOSTAPI_KIND_WAGI);
    engine_module_close(fixture.module);
    engine_image_free(&fixture.image);
}

static void a_func_that_a_known_family_lacks_does_not_decide(void **state)
{
    (void)state;
    static const char *const imports[] = {"wasi_snapshot_preview1|fd_of_tomorrow",
                                          "wasi_unstable|fd_of_yesterday", NULL};
    struct fixture fixture;
    assert_int_equal(detect(&fixture, fixture_module(imports, "_start")), HOSTAPI_KIND_WAGI);
    engine_module_close(fixture.module);
    engine_image_free(&fixture.image);
}

static void an_unknown_module_is_told_which_kinds_there_are(void **state)
{
    (void)state;
    assert_guest("e2e_plain", HOSTAPI_KIND_UNKNOWN, "imports nothing");
    assert_guest("e2e_plain", HOSTAPI_KIND_UNKNOWN, "http-wasm handler: imports http_handler");
    assert_guest("e2e_plain", HOSTAPI_KIND_UNKNOWN, "WAGI command: imports only WASI");
    assert_guest("hostapi_detect_half", HOSTAPI_KIND_UNKNOWN, "imports http_handler");
}

static void a_wrong_type_is_named(void **state)
{
    (void)state;
    assert_guest("hostapi_detect_type", HOSTAPI_KIND_UNKNOWN,
                 "export handle_request has the wrong type: it must be [] -> [i64], and is");
}

static void a_module_whose_pointers_the_host_would_not_understand_is_refused(void **state)
{
    (void)state;
    assert_guest("hostapi_detect_wide", HOSTAPI_KIND_UNKNOWN, "64-bit addresses");
    assert_guest("hostapi_detect_second", HOSTAPI_KIND_UNKNOWN,
                 "memory 1 is exported as \"memory\"");
}

static void count_missing(void *context, const struct engine_import_desc *import)
{
    char *names = context;
    strncat(names, (const char *)import->name.data, import->name.count);
    strcat(names, " ");
}

static void missing_imports_are_those_without_a_row_or_of_another_type(void **state)
{
    (void)state;
    struct fixture fixture;
    char names[256] = "";
    struct bytes wasm = fixture_guest("hostapi_detect_missing");
    assert_int_equal(detect(&fixture, wasm), HOSTAPI_KIND_UNKNOWN);
    enum hostapi_kind kind = hostapi_detect(fixture.module, true, NULL);
    hostapi_missing_imports(fixture.module, kind, count_missing, names);
    assert_string_equal(names, "fd_write something ");
    close_module(&fixture, wasm);
}

static void every_kind_has_an_id_that_finds_it(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < HOSTAPI_KIND_COUNT; i++)
        assert_int_equal(hostapi_kind_from_id(hostapi_kind_id((enum hostapi_kind)i)), i);
    assert_int_equal(hostapi_kind_from_id("no such kind"), HOSTAPI_KIND_UNKNOWN);
    /* A command's run ends with its answer. */
    assert_true(hostapi_kind_keeps_memory(HOSTAPI_KIND_HTTP_WASM));
    assert_false(hostapi_kind_keeps_memory(HOSTAPI_KIND_WAGI));
}

static void real_modules_are_recognised_and_miss_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum hostapi_kind kind;
    } rows[] = {
        {"modules/http-wasm/ex-auth.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/http-wasm/ex-config.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/http-wasm/ex-log.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/http-wasm/ex-redact.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/http-wasm/ex-router.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/http-wasm/ex-wasi.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/http-wasm/tck.wasm", HOSTAPI_KIND_HTTP_WASM},
        {"modules/wagi/hello-wat.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wagi/log.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wagi/dynamic-routes.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wasi-p1/go-hello.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wasi-p1/test.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wasi-p1/wz-wasi-cargo.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wasi-p1/wz-wasi-tinygo.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wasi-p1/wz-wasi-zig.wasm", HOSTAPI_KIND_WAGI},
        {"modules/wasi-p1/wz-exit_on_start_unstable.wasm", HOSTAPI_KIND_WAGI},
        {"modules/quickjs/quickjs-wasi.wasm", HOSTAPI_KIND_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        char names[256] = "";
        struct bytes wasm = fixture_shared(rows[i].path);
        if (wasm.data == NULL)
            skip();
        enum hostapi_kind kind = detect(&fixture, wasm);
        if (kind != rows[i].kind)
            fail_msg("%s: %s", rows[i].path, fixture.report.text);
        if (kind != HOSTAPI_KIND_UNKNOWN)
            hostapi_missing_imports(fixture.module, kind, count_missing, names);
        assert_string_equal(names, "");
        close_module(&fixture, wasm);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_and_commands_are_recognised),
        cmocka_unit_test(foreign_imports_may_be_allowed_to_be_missing),
        cmocka_unit_test(a_func_that_a_known_family_lacks_does_not_decide),
        cmocka_unit_test(an_unknown_module_is_told_which_kinds_there_are),
        cmocka_unit_test(a_wrong_type_is_named),
        cmocka_unit_test(a_module_whose_pointers_the_host_would_not_understand_is_refused),
        cmocka_unit_test(missing_imports_are_those_without_a_row_or_of_another_type),
        cmocka_unit_test(every_kind_has_an_id_that_finds_it),
        cmocka_unit_test(real_modules_are_recognised_and_miss_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
