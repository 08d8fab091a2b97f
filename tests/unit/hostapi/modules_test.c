/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules that other people built, from shared/modules: what each must answer. Where they
 * are absent every test says so and is skipped.
 */
#include <stdio.h>

#include "hostapi/http_wasm/http_wasm.h"
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
    const char *next[2]; /* a header of the answer, by what the backend saw; "": there is none */
};

#define TCK_BODY_BYTES 5000
#define SEEN(name)     "x-httpwasm-next-header-" name

/* Every case that the kit's guest knows. */
static const struct tck_row tck_rows[] = {
    {"get_protocol_version", "GET", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/GET", "GET", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/HEAD", "HEAD", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/POST", "POST", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/PUT", "PUT", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/DELETE", "DELETE", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/CONNECT", "CONNECT", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/OPTIONS", "OPTIONS", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/TRACE", "TRACE", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_method/PATCH", "PATCH", "/", {NULL}, {NULL}, 0, {"x-httpwasm-next-method", "PATCH"}},
    {"set_method", "GET", "/", {NULL}, {NULL}, 0, {"x-httpwasm-next-method", "POST"}},
    {"get_uri/simple", "GET", "/simple", {NULL}, {NULL}, 0, {NULL}},
    {"get_uri/simple/escaping", "GET", "/simple%26clean", {NULL}, {NULL}, 0, {NULL}},
    {"get_uri/query", "GET", "/animal?name=panda", {NULL}, {NULL}, 0, {NULL}},
    {"get_uri/query/escaping", "GET", "/disney?name=chip%26dale", {NULL}, {NULL}, 0, {NULL}},
    {"set_uri/simple", "GET", "/", {NULL}, {NULL}, 0, {"x-httpwasm-next-uri", "/simple"}},
    {"set_uri/simple/escaping",
     "GET",
     "/",
     {NULL},
     {NULL},
     0,
     {"x-httpwasm-next-uri", "/simple%26clean"}},
    {"set_uri/query", "GET", "/", {NULL}, {NULL}, 0, {"x-httpwasm-next-uri", "/animal?name=panda"}},
    {"set_uri/query/escaping",
     "GET",
     "/",
     {NULL},
     {NULL},
     0,
     {"x-httpwasm-next-uri", "/disney?name=chip%26dale"}},
    {"get_header_values/request/lowercase-key",
     "GET",
     "/",
     {"single-header", "value"},
     {NULL},
     0,
     {NULL}},
    {"get_header_values/request/mixedcase-key",
     "GET",
     "/",
     {"single-header", "value"},
     {NULL},
     0,
     {NULL}},
    {"get_header_values/request/not-exists", "GET", "/", {NULL}, {NULL}, 0, {NULL}},
    {"get_header_values/request/multiple-values",
     "GET",
     "/",
     {"multi-header", "value1"},
     {"multi-header", "value2"},
     0,
     {SEEN("multi-header-1"), "value2"}},
    {"get_header_names/request", "GET", "/", {"a-header", "value1"}, {"b-header", "2"}, 0, {NULL}},
    {"set_header_value/request/new",
     "GET",
     "/",
     {"existing-header", "bear"},
     {NULL},
     0,
     {SEEN("new-header-0"), "value"}},
    {"set_header_value/request/existing",
     "GET",
     "/",
     {"existing-header", "bear"},
     {NULL},
     0,
     {SEEN("existing-header-0"), "value"}},
    {"add_header_value/request/new",
     "GET",
     "/",
     {"existing-header", "bear"},
     {NULL},
     0,
     {SEEN("new-header-0"), "value"}},
    {"add_header_value/request/existing",
     "GET",
     "/",
     {"existing-header", "bear"},
     {NULL},
     0,
     {SEEN("existing-header-1"), "value"}},
    {"remove_header/request/new",
     "GET",
     "/",
     {"existing-header", "bear"},
     {NULL},
     0,
     {SEEN("existing-header-0"), "bear"}},
    {"remove_header/request/existing",
     "GET",
     "/",
     {"existing-header", "bear"},
     {NULL},
     0,
     {SEEN("existing-header-0"), ""}},
    {"read_body/request/empty", "POST", "/", {NULL}, {NULL}, 0, {NULL}},
    {"read_body/request/small", "POST", "/", {NULL}, {NULL}, 5, {NULL}},
    {"read_body/request/medium", "POST", "/", {NULL}, {NULL}, 2048, {NULL}},
    {"read_body/request/large", "POST", "/", {NULL}, {NULL}, 4096, {NULL}},
    {"read_body/request/xlarge", "POST", "/", {NULL}, {NULL}, TCK_BODY_BYTES, {NULL}},
    {"get_source_addr", "GET", "/", {NULL}, {NULL}, 0, {NULL}},
};

static void tck_tell(struct http_exchange *exchange, const char *name, struct bytes value)
{
    assert_int_equal(
        http_headers_add(exchange, &exchange->response_headers, bytes_of_text(name), value),
        STATUS_OK);
}

/* The kit's backend: tells in headers of the answer what it saw of the request. */
static bool tck_backend(struct fixture *fixture)
{
    struct http_exchange *exchange = &fixture->exchange;
    const struct http_headers *headers = &exchange->request_headers;
    tck_tell(exchange, "x-httpwasm-next-method", exchange->method);
    tck_tell(exchange, "x-httpwasm-next-uri", exchange->uri);
    for (uint32_t i = 0; i < headers->count; i++) {
        struct bytes header = headers->rows[i].name;
        uint32_t before = 0;
        for (uint32_t j = 0; j < i; j++)
            before += bytes_equal(headers->rows[j].name, header);
        char name[128];
        (void)snprintf(name, sizeof(name), SEEN("%.*s-%u"), (int)header.count,
                       (const char *)header.data, before);
        tck_tell(exchange, name, headers->rows[i].value);
    }
    return false;
}

static void tck_fill(struct fixture *fixture, const struct tck_row *row)
{
    static char body[TCK_BODY_BYTES];
    memset(body, 'a', sizeof(body));
    fixture->exchange.method = bytes_of_text(row->method);
    fixture->exchange.uri = bytes_of_text(row->uri);
    fixture->exchange.has_next = true;
    fixture->exchange.request_body = bytes_make(body, row->body_bytes);
    fixture->next = tck_backend;
    fixture_add_header(fixture, "x-httpwasm-tck-testid", row->id);
    if (row->header[0] != NULL)
        fixture_add_header(fixture, row->header[0], row->header[1]);
    if (row->header2[0] != NULL)
        fixture_add_header(fixture, row->header2[0], row->header2[1]);
}

static void tck_check(const struct fixture *fixture, const struct tck_row *row)
{
    const struct http_headers *headers = &fixture->exchange.response_headers;
    const struct http_header *failed =
        http_headers_find(headers, bytes_of_text("x-httpwasm-tck-failed"));
    if (failed != NULL)
        fail_msg("%s: %.*s", row->id, (int)failed->value.count, (const char *)failed->value.data);
    assert_int_equal(fixture->nexts, 1);
    assert_int_equal(fixture->exchange.status, 200);
    fixture_assert_header(fixture, "x-httpwasm-tck-handled", "1");
    if (row->next[0] == NULL)
        fixture_assert_header(fixture, "x-httpwasm-next-method", row->method);
    else if (row->next[1][0] != '\0')
        fixture_assert_header(fixture, row->next[0], row->next[1]);
    else
        assert_null(http_headers_find(headers, bytes_of_text(row->next[0])));
}

static void the_conformance_kit_passes_buffered(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_shared("modules/http-wasm/tck.wasm");
    if (wasm.data == NULL)
        skip();
    for (size_t i = 0; i < COUNT_OF(tck_rows); i++) {
        /* A new instance each: nothing restores it in between here. */
        assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
        assert_false(hostapi_begin_initialise(fixture.host, fixture.instance));
        fixture_next_exchange(&fixture, "GET", "/");
        tck_fill(&fixture, &tck_rows[i]);
        request(&fixture);
        tck_check(&fixture, &tck_rows[i]);
        fixture_assert_body(&fixture, i == 0 ? "HTTP/1.1" : "");
        fixture_end(&fixture);
    }
    fixture_unload(wasm);
}

/* The kit's guest turns all features on when it is initialised, which here is forgotten. */
static void the_conformance_kit_passes_unbuffered_but_for_what_needs_buffers(void **state)
{
    (void)state;
    struct fixture fixture;
    struct bytes wasm = fixture_shared("modules/http-wasm/tck.wasm");
    if (wasm.data == NULL)
        skip();
    for (size_t i = 0; i < COUNT_OF(tck_rows); i++) {
        assert_int_equal(fixture_begin(&fixture, wasm, NULL), ENGINE_DONE);
        tck_fill(&fixture, &tck_rows[1]);
        request(&fixture);
        fixture_keep_exchange(&fixture);
        struct http_wasm_kept *kept = host_kept(fixture.host, HOSTAPI_KIND_HTTP_WASM);
        assert_int_equal(kept->features, 3);
        kept->features = 0;
        fixture.nexts = 0;
        tck_fill(&fixture, &tck_rows[i]);
        enum hostapi_step step = fixture_request(&fixture);
        if (i == 0) {
            /* It writes a body, and then sets a header. */
            assert_int_equal(step, HOSTAPI_FAULT);
            assert_non_null(strstr(fixture.report.text, "the response began with write_body"));
        } else {
            assert_int_equal(step, HOSTAPI_FINISHED);
            tck_check(&fixture, &tck_rows[i]);
        }
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

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_challenges_all_but_the_right_credentials),
        cmocka_unit_test(router_answers_or_rewrites_and_passes_on),
        cmocka_unit_test(log_writes_one_line_at_info),
        cmocka_unit_test(config_is_given_to_the_start_function),
        cmocka_unit_test(redact_hides_its_secret_in_request_and_response),
        cmocka_unit_test(wasi_prints_both_messages_to_the_log),
        cmocka_unit_test(the_conformance_kit_passes_buffered),
        cmocka_unit_test(the_conformance_kit_passes_unbuffered_but_for_what_needs_buffers),
        cmocka_unit_test(wagi_hello_says_hello),
        cmocka_unit_test(wagi_log_writes_on_stderr_and_answers),
        cmocka_unit_test(a_program_without_a_header_block_is_at_fault),
        cmocka_unit_test(a_wagi_modules_own_routes_lead_to_its_entrypoints),
        cmocka_unit_test(a_command_that_says_it_failed_gets_no_answer_out),
        cmocka_unit_test(a_command_is_told_what_cgi_promises),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
