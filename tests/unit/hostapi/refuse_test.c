/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a module is refused, in words: whose it is, what is missing, and what to do.
 */
#include "hostapi/hostapi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

/* What the report says of such a module. */
static void assert_refused(const char *const *imports,
                           const char *export_name,
                           enum status status,
                           const char *text)
{
    struct fixture fixture;
    fixture = (struct fixture){.now_ns = 0};
    fixture_open(&fixture, fixture_module(imports, export_name));
    assert_int_equal(hostapi_detect(fixture.module, false, &fixture.report), HOSTAPI_KIND_UNKNOWN);
    assert_int_equal(fixture.report.status, status);
    if (strstr(fixture.report.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture.report.text, text);
    engine_module_close(fixture.module);
    engine_image_free(&fixture.image);
}

static void a_command_that_imports_another_platforms_funcs_is_refused_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *import;
        const char *text;
    } rows[] = {
        {"env|return_result", "import `env.return_result` is of Suborbital"},
        {"env|get_ffi_result", "Suborbital"},
        {"spin-config|get-config", "Spin 1"},
        {"wasi-outbound-http|request", "Spin 1"},
        {"wasmbus|__host_call", "wasmCloud actors (wasmbus)"},
        {"wapc|__guest_request", "waPC"},
        {"extism:host/env|alloc", "Extism"},
        {"fastly_http_req|new", "Fastly Compute"},
        {"env|proxy_log", "proxy-wasm"},
        {"env|opa_abort", "Open Policy Agent"},
        {"wasi:http/types@0.2.0|x", "the WASI component model, and nothing here provides it to a "
                                    "wagi function: build for wasm32-wasip1"},
        {"gojs|runtime.wasmExit", "build with GOOS=wasip1"},
        {"__wbindgen_placeholder__|__wbindgen_describe", "wasm-bindgen"},
        {"env|emscripten_resize_heap", "-sSTANDALONE_WASM"},
        {"env|abort", "--use abort="},
        {"env|memset", "include skerry.h"},
        {"wasi_experimental_http|req", "experimental outbound HTTP"},
        {"env|something", "import `env.something` is of no interface that is known, and nothing "
                          "here provides it to a wagi function"},
        {"wasi_snapshot_preview2|fd_read", "no interface that is known"},
        {"a\x1b|b\n", "import `a?.b?`"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *const imports[] = {"wasi_snapshot_preview1|no_such_call", rows[i].import, NULL};
        assert_refused(imports, "_start", STATUS_FOREIGN_IMPORT, rows[i].text);
    }
}

static void an_import_of_another_type_says_both_types(void **state)
{
    (void)state;
    static const char *const imports[] = {"wasi_snapshot_preview1|fd_seek", NULL};
    assert_refused(imports, "_start", STATUS_FOREIGN_IMPORT,
                   "import `wasi_snapshot_preview1.fd_seek` has the wrong type: it must be "
                   "[i32 i64 i32 i32] -> [i32], and is [] -> []");
}

static void a_module_of_no_kind_is_told_what_it_lacks(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    static const char *const wasi[] = {"wasi_snapshot_preview1|fd_of_tomorrow", NULL};
    static const char *const handler[] = {"http_handler|of_tomorrow", NULL};
    static const char *const foreign[] = {"env|return_error", NULL};
    static const char *const nobody[] = {"env|something", NULL};
    assert_refused(none, "x", STATUS_UNSUPPORTED, "it imports nothing, and exports neither");
    assert_refused(wasi, "_initialize", STATUS_UNSUPPORTED,
                   "it is a WASI reactor, which exports "
                   "no _start: build a command");
    assert_refused(wasi, "x", STATUS_UNSUPPORTED, "it imports WASI, but exports no _start");
    assert_refused(handler, "_start", STATUS_UNSUPPORTED,
                   "it imports http_handler and exports _start, but not handle_request");
    assert_refused(handler, "x", STATUS_UNSUPPORTED, "but exports no handle_request");
    assert_refused(foreign, "x", STATUS_UNSUPPORTED,
                   "imports like `env.return_error` are those of Suborbital");
    assert_refused(nobody, "x", STATUS_UNSUPPORTED, "import `env.something` is of no interface");
    assert_refused(none, "handle-http-request", STATUS_UNSUPPORTED,
                   "its exports are those of Spin 1");
    assert_refused(none, "proxy_abi_version_0_2_1", STATUS_UNSUPPORTED, "proxy-wasm (Envoy)");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_that_imports_another_platforms_funcs_is_refused_by_its_name),
        cmocka_unit_test(an_import_of_another_type_says_both_types),
        cmocka_unit_test(a_module_of_no_kind_is_told_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
