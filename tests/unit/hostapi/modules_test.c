/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules that other people built, from shared/modules: what each must answer. Where they
 * are absent every test says so and is skipped.
 */
#include "hostapi/hostapi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

/* Loads and begins; false: absent. */
static bool begin(struct fixture *fixture, struct bytes *ret_wasm, const char *path)
{
    *ret_wasm = fixture_shared(path);
    if (ret_wasm->data == NULL)
        return false;
    assert_int_equal(fixture_begin(fixture, *ret_wasm, NULL), ENGINE_DONE);
    return true;
}

static void end(struct fixture *fixture, struct bytes wasm)
{
    fixture_end(fixture);
    fixture_unload(wasm);
}

static void request(struct fixture *fixture)
{
    if (fixture_request(fixture) != HOSTAPI_FINISHED)
        fail_msg("%s", fixture->report.text);
}

static bool body_says(const struct fixture *fixture, const char *text)
{
    const struct buffer *body = &fixture->exchange.response_body;
    return body->count > 0 && memmem(body->data, body->count, text, strlen(text)) != NULL;
}

static void auth_challenges_all_but_the_right_credentials(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/http-wasm/ex-auth.wasm"))
        skip();
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 401);
    fixture_assert_header(&fixture, "www-authenticate", "Basic realm=\"test\"");
    fixture_assert_body(&fixture, "");
    fixture_next_exchange(&fixture, "GET", "/");
    fixture_add_header(&fixture, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==");
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 401);
    assert_int_equal(fixture.exchange.response_headers.count, 0);
    fixture_next_exchange(&fixture, "GET", "/");
    fixture_add_header(&fixture, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 404);
    assert_true(body_says(&fixture, "\"code\":\"no_next_handler\""));
    end(&fixture, wasm);
}

static void router_answers_or_rewrites_and_passes_on(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/http-wasm/ex-router.wasm"))
        skip();
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 200);
    fixture_assert_header(&fixture, "content-type", "text/plain");
    fixture_assert_body(&fixture, "hello world");
    fixture_next_exchange(&fixture, "GET", "/host/a?b");
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 404);
    assert_true(bytes_equal_text(fixture.exchange.uri, "/a?b"));
    end(&fixture, wasm);
}

static void log_writes_one_line_at_info(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/http-wasm/ex-log.wasm"))
        skip();
    request(&fixture);
    fixture_assert_log(&fixture, "info hello world\n");
    end(&fixture, wasm);
}

static void config_is_given_to_the_start_function(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_shared("modules/http-wasm/ex-config.wasm");
    if (wasm.data == NULL)
        skip();
    struct hostapi_options options = {.config = bytes_make("\3\0\0\0\0\0\0\0", 8)};
    assert_int_equal(fixture_begin(&fixture, wasm, &options), ENGINE_DONE);
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 404);
    fixture_end(&fixture);
    options.config = bytes_make(NULL, 0);
    assert_int_equal(fixture_begin(&fixture, wasm, &options), ENGINE_TRAPPED);
    assert_int_equal(engine_machine_trap(fixture.machine).trap, TRAP_UNREACHABLE);
    end(&fixture, wasm);
}

static void redact_hides_its_secret_in_request_and_response(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_shared("modules/http-wasm/ex-redact.wasm");
    if (wasm.data == NULL)
        skip();
    struct hostapi_options options = {.config = bytes_of_text("no_next")};
    assert_int_equal(fixture_begin(&fixture, wasm, &options), ENGINE_DONE);
    fixture.exchange.request_body = bytes_of_text("a no_next b");
    request(&fixture);
    assert_true(bytes_equal_text(fixture.exchange.request_body, "a ####### b"));
    assert_int_equal(fixture.exchange.status, 404);
    assert_true(body_says(&fixture, "\"code\":\"#######_handler\""));
    fixture_next_exchange(&fixture, "POST", "/");
    fixture.exchange.request_body = bytes_of_text("nothing to hide");
    request(&fixture);
    assert_true(bytes_equal_text(fixture.exchange.request_body, "nothing to hide"));
    end(&fixture, wasm);
}

static void wasi_prints_both_messages_to_the_log(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/http-wasm/ex-wasi.wasm"))
        skip();
    fixture_next_exchange(&fixture, "POST", "/x?y");
    fixture_add_header(&fixture, "Content-Type", "application/json");
    fixture.exchange.request_body = bytes_of_text("{\"hello\": \"panda\"}");
    request(&fixture);
    static const char want[] = "stdout POST /x?y HTTP/1.1\n"
                               "stdout host: hello.default.localhost:8080\n"
                               "stdout content-type: application/json\n"
                               "stdout \n"
                               "stdout {\"hello\": \"panda\"}\n"
                               "stdout \n"
                               "stdout HTTP/1.1 404\n"
                               "stdout content-type: application/problem+json\n"
                               "stdout \n"
                               "stdout {\"type\":";
    assert_true(fixture.exchange.log.count > strlen(want));
    fixture.exchange.log.count = strlen(want);
    fixture_assert_log(&fixture, want);
    end(&fixture, wasm);
}

struct tck_row {
    const char *id; /* x-httpwasm-tck-testid */
    const char *method;
    const char *uri;
    const char *header[2]; /* name and value of a request header, and so again */
    const char *header2[2];
    size_t body_bytes;
};

static const struct tck_row tck_rows[] = {
    {"get_protocol_version", "GET", "/", {NULL}, {NULL}, 0},
    {"get_method/GET", "GET", "/", {NULL}, {NULL}, 0},
    {"get_method/HEAD", "HEAD", "/", {NULL}, {NULL}, 0},
    {"get_method/POST", "POST", "/", {NULL}, {NULL}, 0},
    {"get_method/PUT", "PUT", "/", {NULL}, {NULL}, 0},
    {"get_method/DELETE", "DELETE", "/", {NULL}, {NULL}, 0},
    {"get_method/OPTIONS", "OPTIONS", "/", {NULL}, {NULL}, 0},
    {"get_method/TRACE", "TRACE", "/", {NULL}, {NULL}, 0},
    {"get_method/PATCH", "PATCH", "/", {NULL}, {NULL}, 0},
    {"set_method", "GET", "/", {NULL}, {NULL}, 0},
    {"get_uri/simple", "GET", "/simple", {NULL}, {NULL}, 0},
    {"get_uri/simple/escaping", "GET", "/simple%26clean", {NULL}, {NULL}, 0},
    {"get_uri/query", "GET", "/animal?name=panda", {NULL}, {NULL}, 0},
    {"get_uri/query/escaping", "GET", "/disney?name=chip%26dale", {NULL}, {NULL}, 0},
    {"set_uri/simple", "GET", "/", {NULL}, {NULL}, 0},
    {"set_uri/query/escaping", "GET", "/", {NULL}, {NULL}, 0},
    {"get_header_values/request/lowercase-key", "GET", "/", {"single-header", "value"}, {NULL}, 0},
    {"get_header_values/request/mixedcase-key", "GET", "/", {"single-header", "value"}, {NULL}, 0},
    {"get_header_values/request/not-exists", "GET", "/", {NULL}, {NULL}, 0},
    {"get_header_values/request/multiple-values",
     "GET",
     "/",
     {"multi-header", "value1"},
     {"multi-header", "value2"},
     0},
    {"get_header_names/request", "GET", "/", {"a-header", "value1"}, {"b-header", "2"}, 0},
    {"set_header_value/request/new", "GET", "/", {"existing-header", "bear"}, {NULL}, 0},
    {"set_header_value/request/existing", "GET", "/", {"existing-header", "bear"}, {NULL}, 0},
    {"add_header_value/request/new", "GET", "/", {"existing-header", "bear"}, {NULL}, 0},
    {"add_header_value/request/existing", "GET", "/", {"existing-header", "bear"}, {NULL}, 0},
    {"remove_header/request/new", "GET", "/", {"existing-header", "bear"}, {NULL}, 0},
    {"remove_header/request/existing", "GET", "/", {"existing-header", "bear"}, {NULL}, 0},
    {"read_body/request/empty", "POST", "/", {NULL}, {NULL}, 0},
    {"read_body/request/small", "POST", "/", {NULL}, {NULL}, 5},
    {"read_body/request/medium", "POST", "/", {NULL}, {NULL}, 2048},
    {"read_body/request/large", "POST", "/", {NULL}, {NULL}, 4096},
    {"read_body/request/xlarge", "POST", "/", {NULL}, {NULL}, 5000},
    {"get_source_addr", "GET", "/", {NULL}, {NULL}, 0},
};

/* What must have become of the request, that a next handler would have seen. */
static void tck_check_next(const struct fixture *fixture, const char *id)
{
    const struct http_exchange *exchange = &fixture->exchange;
    const struct http_headers *headers = &exchange->request_headers;
    const struct http_header *existing =
        http_headers_find(headers, bytes_of_text("existing-header"));
    if (strcmp(id, "set_method") == 0)
        assert_true(bytes_equal_text(exchange->method, "POST"));
    if (strcmp(id, "set_uri/simple") == 0)
        assert_true(bytes_equal_text(exchange->uri, "/simple"));
    if (strcmp(id, "set_uri/query/escaping") == 0)
        assert_true(bytes_equal_text(exchange->uri, "/disney?name=chip%26dale"));
    if (strcmp(id, "set_header_value/request/existing") == 0)
        assert_true(bytes_equal_text(existing->value, "value"));
    if (strcmp(id, "add_header_value/request/existing") == 0)
        assert_int_equal(headers->count, 3);
    if (strcmp(id, "remove_header/request/existing") == 0)
        assert_null(existing);
    if (strcmp(id, "get_protocol_version") == 0)
        fixture_assert_body(fixture, "HTTP/1.1");
}

static void the_conformance_kit_passes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_shared("modules/http-wasm/tck.wasm");
    if (wasm.data == NULL)
        skip();
    char body[5000];
    memset(body, 'a', sizeof(body));
    for (size_t i = 0; i < COUNT_OF(tck_rows); i++) {
        const struct tck_row *row = &tck_rows[i];
        /* A new instance each: nothing restores it in between here. */
        assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
        assert_false(hostapi_begin_initialise(fixture.host, fixture.instance));
        fixture_next_exchange(&fixture, row->method, row->uri);
        fixture_add_header(&fixture, "x-httpwasm-tck-testid", row->id);
        if (row->header[0] != NULL)
            fixture_add_header(&fixture, row->header[0], row->header[1]);
        if (row->header2[0] != NULL)
            fixture_add_header(&fixture, row->header2[0], row->header2[1]);
        fixture.exchange.request_body = bytes_make(body, row->body_bytes);
        request(&fixture);
        const struct http_header *failed = http_headers_find(
            &fixture.exchange.response_headers, bytes_of_text("x-httpwasm-tck-failed"));
        if (failed != NULL)
            fail_msg("%s: %.*s", row->id, (int)failed->value.count,
                     (const char *)failed->value.data);
        fixture_assert_header(&fixture, "x-httpwasm-tck-handled", "1");
        tck_check_next(&fixture, row->id);
        fixture_end(&fixture);
    }
    fixture_unload(wasm);
}

static void wagi_hello_says_hello(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/wagi/hello-wat.wasm"))
        skip();
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 200);
    fixture_assert_header(&fixture, "content-type", "text/plain");
    fixture_assert_body(&fixture, "hello world\n");
    end(&fixture, wasm);
}

static void wagi_log_writes_on_stderr_and_answers(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/wagi/log.wasm"))
        skip();
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 200);
    assert_non_null(
        http_headers_find(&fixture.exchange.response_headers, bytes_of_text("content-type")));
    assert_memory_equal(fixture.exchange.log.data, "stderr ", 7);
    end(&fixture, wasm);
}

static void a_program_without_a_header_block_is_at_fault(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/wasi-p1/c-hello.wasm"))
        skip();
    assert_int_equal(fixture_request(&fixture), HOSTAPI_FAULT);
    assert_non_null(strstr(fixture.report.text, "without the empty line"));
    assert_non_null(strstr(fixture.report.text, "exit status was 0"));
    assert_string_equal(hostapi_fault_code(hostapi_fault(fixture.host)), "bad_output");
    end(&fixture, wasm);
}

static void a_wagi_modules_own_routes_lead_to_its_entrypoints(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm;
    if (!begin(&fixture, &wasm, "modules/wagi/dynamic-routes.wasm"))
        skip();
    static const struct {
        const char *uri;
        const char *handler;
        const char *path_info;
        const char *route;
    } rows[] = {
        {"/exact?x=1", "the .../exact handler", "\nPATH_INFO = \n", "X_MATCHED_ROUTE = /exact\n"},
        {"/wildcard/a/b", "wildcard", "\nPATH_INFO = /a/b\n", "X_MATCHED_ROUTE = /wildcard/...\n"},
        {"/none", "", "\nPATH_INFO = /none\n", "X_MATCHED_ROUTE = /...\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fixture_next_exchange(&fixture, "GET", rows[i].uri);
        request(&fixture);
        assert_true(body_says(&fixture, rows[i].handler));
        assert_true(body_says(&fixture, rows[i].path_info));
        assert_true(body_says(&fixture, rows[i].route));
    }
    end(&fixture, wasm);
}

/* ---- our own commands ------------------------------------------------------------------------ */

static void a_command_that_says_it_failed_gets_no_answer_out(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_guest("hostapi_sleep");
    assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
    assert_int_equal(fixture_request(&fixture), HOSTAPI_FAULT);
    assert_string_equal(hostapi_fault_code(hostapi_fault(fixture.host)), "exit_status");
    assert_non_null(strstr(fixture.report.text, "exit status 3"));
    /* It slept, by the clock, and wrote a whole answer. */
    assert_int_equal(fixture.waits, 1);
    assert_true(fixture.now_ns >= 1000000000 && fixture.now_ns < 1000000000 + 1000000);
    fixture_assert_body(&fixture, "slept\n");
    fixture_assert_log(&fixture, "stderr zzz\n");
    end(&fixture, wasm);
}

static void a_command_is_told_what_cgi_promises(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_guest("e2e_wagi");
    assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
    fixture_next_exchange(&fixture, "POST", "/a%20b?one=1&two");
    fixture_add_header(&fixture, "x-probe", "p");
    fixture.exchange.request_body = bytes_of_text("the body");
    request(&fixture);
    assert_int_equal(fixture.exchange.status, 418);
    fixture_assert_header(&fixture, "x-wagi", "yes");
    assert_true(body_says(&fixture, "/a%20b\none=1\ntwo\n"));
    assert_true(body_says(&fixture, "\nPATH_INFO=/a b\n"));
    assert_true(body_says(&fixture, "\nHTTP_X_PROBE=p\n"));
    assert_true(body_says(&fixture, "\n\nthe body"));
    fixture_assert_log(&fixture, "stderr seen on stderr\n");
    end(&fixture, wasm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_challenges_all_but_the_right_credentials),
        cmocka_unit_test(router_answers_or_rewrites_and_passes_on),
        cmocka_unit_test(log_writes_one_line_at_info),
        cmocka_unit_test(config_is_given_to_the_start_function),
        cmocka_unit_test(redact_hides_its_secret_in_request_and_response),
        cmocka_unit_test(wasi_prints_both_messages_to_the_log),
        cmocka_unit_test(the_conformance_kit_passes),
        cmocka_unit_test(wagi_hello_says_hello),
        cmocka_unit_test(wagi_log_writes_on_stderr_and_answers),
        cmocka_unit_test(a_program_without_a_header_block_is_at_fault),
        cmocka_unit_test(a_wagi_modules_own_routes_lead_to_its_entrypoints),
        cmocka_unit_test(a_command_that_says_it_failed_gets_no_answer_out),
        cmocka_unit_test(a_command_is_told_what_cgi_promises),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
