/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CGI variables and arguments of an exchange.
 */
#include <stdio.h>

#include "hostapi/wagi/cgi.h"
#include "tests/support/unit.h"

struct fixture {
    struct config_limits limits;
    struct http_exchange exchange;
    struct wasi_texts texts;
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    config_limits_default(&fixture.limits);
    struct http_exchange *exchange = &fixture.exchange;
    http_exchange_init(exchange, &fixture.limits);
    exchange->method = bytes_of_text("POST");
    exchange->uri = bytes_of_text("/a%20b/%2e?x=1&y&&z=%26");
    exchange->protocol = bytes_of_text("HTTP/1.1");
    exchange->source_addr = bytes_of_text("192.0.2.7:5151");
    exchange->authority = bytes_of_text("hello.example:8080");
    exchange->matched = bytes_of_text("/f/tenant/hello");
    exchange->request_body = bytes_of_text("12345");
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_exchange_done(&fixture->exchange);
    return 0;
}

static void add_header(struct fixture *fixture, const char *name, const char *value)
{
    assert_int_equal(http_headers_add(&fixture->exchange, &fixture->exchange.request_headers,
                                      bytes_of_text(name), bytes_of_text(value)),
                     STATUS_OK);
}

/* How often a variable begins with `prefix`; the last one's text in ret. */
static uint32_t count_of(struct fixture *fixture, const char *prefix, struct bytes *ret_text)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fixture->texts.count; i++) {
        struct bytes text = fixture->texts.rows[i];
        if (text.count >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0) {
            *ret_text = text;
            count++;
        }
    }
    return count;
}

static void assert_variable(struct fixture *fixture, const char *name, const char *value)
{
    char expected[512];
    struct bytes text = bytes_make(NULL, 0);
    (void)snprintf(expected, sizeof(expected), "%s=", name);
    assert_int_equal(count_of(fixture, expected, &text), 1);
    (void)snprintf(expected, sizeof(expected), "%s=%s", name, value);
    assert_int_equal(text.count, strlen(expected));
    assert_memory_equal(text.data, expected, text.count);
}

static void assert_no_variable(struct fixture *fixture, const char *name)
{
    struct bytes text;
    assert_int_equal(count_of(fixture, name, &text), 0);
}

static void build(struct fixture *fixture)
{
    assert_true(cgi_environment(&fixture->exchange, &fixture->texts));
}

static void the_request_line_becomes_variables(void **state)
{
    struct fixture *fixture = *state;
    build(fixture);
    assert_variable(fixture, "REQUEST_METHOD", "POST");
    assert_variable(fixture, "SERVER_PROTOCOL", "HTTP/1.1");
    assert_variable(fixture, "GATEWAY_INTERFACE", "CGI/1.1");
    assert_variable(fixture, "SERVER_SOFTWARE", "skerry/" SKERRY_VERSION);
    assert_variable(fixture, "QUERY_STRING", "x=1&y&&z=%26");
    assert_variable(fixture, "SCRIPT_NAME", "/f/tenant/hello");
    assert_variable(fixture, "PATH_INFO", "/a b/.");
    assert_variable(fixture, "PATH_TRANSLATED", "/a b/.");
    assert_variable(fixture, "X_RAW_PATH_INFO", "/a%20b/%2e");
    assert_variable(fixture, "X_MATCHED_ROUTE", "/f/tenant/hello/...");
    assert_variable(fixture, "X_FULL_URL",
                    "http://hello.example:8080/f/tenant/hello/a%20b/%2e?x=1&y&&z=%26");
    assert_variable(fixture, "CONTENT_LENGTH", "5");
    assert_variable(fixture, "CONTENT_TYPE", "");
}

static void server_and_remote_lose_their_ports(void **state)
{
    struct fixture *fixture = *state;
    build(fixture);
    assert_variable(fixture, "SERVER_NAME", "hello.example");
    assert_variable(fixture, "SERVER_PORT", "8080");
    assert_variable(fixture, "REMOTE_ADDR", "192.0.2.7");
    assert_variable(fixture, "REMOTE_HOST", "192.0.2.7");
    assert_variable(fixture, "HTTP_HOST", "hello.example:8080");
}

static void what_was_asked_for_over_tls_is_said_to_be(void **state)
{
    struct fixture *fixture = *state;
    build(fixture);
    assert_no_variable(fixture, "HTTPS=");
    fixture->exchange.authority = bytes_of_text("hello.example");
    fixture->exchange.is_https = true;
    build(fixture);
    assert_variable(fixture, "HTTPS", "on");
    assert_variable(fixture, "SERVER_PORT", "443");
    assert_variable(fixture, "X_FULL_URL",
                    "https://hello.example/f/tenant/hello/a%20b/%2e?x=1&y&&z=%26");
}

static void ipv6_addresses_keep_brackets_in_names_only(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.authority = bytes_of_text("[2001:db8::1]");
    fixture->exchange.source_addr = bytes_of_text("[2001:db8::2]:99");
    build(fixture);
    assert_variable(fixture, "SERVER_NAME", "[2001:db8::1]");
    assert_variable(fixture, "SERVER_PORT", "80");
    assert_variable(fixture, "REMOTE_ADDR", "2001:db8::2");
}

static void headers_become_http_variables_and_repeated_ones_are_joined(void **state)
{
    struct fixture *fixture = *state;
    add_header(fixture, "accept", "a/b");
    add_header(fixture, "x-Probe-1", "p");
    add_header(fixture, "accept", "c/d");
    add_header(fixture, "cookie", "k=1");
    add_header(fixture, "cookie", "l=2");
    add_header(fixture, "content-type", "text/x");
    build(fixture);
    assert_variable(fixture, "HTTP_ACCEPT", "a/b, c/d");
    assert_variable(fixture, "HTTP_X_PROBE_1", "p");
    assert_variable(fixture, "HTTP_COOKIE", "k=1; l=2");
    assert_variable(fixture, "CONTENT_TYPE", "text/x");
    assert_no_variable(fixture, "HTTP_CONTENT_TYPE");
}

static void a_cookie_in_many_crumbs_fits(void **state)
{
    struct fixture *fixture = *state;
    struct bytes text;
    for (uint32_t i = 0; i < 400; i++)
        add_header(fixture, "cookie", "0123456789012345678901234567890123456789");
    build(fixture);
    assert_int_equal(count_of(fixture, "HTTP_COOKIE=", &text), 1);
    assert_int_equal(text.count, strlen("HTTP_COOKIE=") + 400 * 40 + 399 * 2);
}

static void headers_that_could_pass_for_something_else_are_left_out(void **state)
{
    struct fixture *fixture = *state;
    add_header(fixture, "Proxy", "http://evil");
    add_header(fixture, "authorization", "secret");
    add_header(fixture, "content-length", "999");
    add_header(fixture, "x_forged", "1");
    add_header(fixture, "x.y", "1");
    build(fixture);
    assert_no_variable(fixture, "HTTP_PROXY");
    assert_no_variable(fixture, "HTTP_AUTHORIZATION");
    assert_no_variable(fixture, "HTTP_CONTENT_LENGTH");
    assert_no_variable(fixture, "HTTP_X");
    assert_variable(fixture, "CONTENT_LENGTH", "5");
}

static void authorization_passes_where_the_version_chose_it(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.pass_authorization = true;
    add_header(fixture, "Authorization", "Bearer x");
    add_header(fixture, "Proxy-Authorization", "y");
    build(fixture);
    assert_variable(fixture, "HTTP_AUTHORIZATION", "Bearer x");
    assert_no_variable(fixture, "HTTP_PROXY_AUTHORIZATION");
}

static void a_configuration_becomes_variables(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.config = bytes_of_text("# greeting\nGREETING=hi = there\r\n\n  \n_x9=\n"
                                             "LAST=no newline");
    assert_int_equal(cgi_check_config(fixture->exchange.config, NULL), STATUS_OK);
    build(fixture);
    assert_variable(fixture, "GREETING", "hi = there");
    assert_variable(fixture, "_x9", "");
    assert_variable(fixture, "LAST", "no newline");
    assert_variable(fixture, "REQUEST_METHOD", "POST");
}

static void a_configuration_that_is_no_environment_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"no equals", "line 1 of the configuration is no NAME=value"},
        {"A=1\n=2\n", "line 2 "},
        {"A B=1", "line 1 "},
        {"9A=1", "line 1 "},
        {"{\"a\": 1}", "line 1 "},
        {"A=1\n\nHTTP_HOST=x\n", "line 3 of the configuration: HTTP_HOST is a variable that"},
        {"QUERY_STRING=x", "requests set"},
        {"REMOTE_USER=root", "requests set"},
        {"X_FULL_URL=x", "requests set"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report report = REPORT_INIT;
        assert_int_equal(
            hostapi_check_config(HOSTAPI_KIND_WAGI, bytes_of_text(rows[i].text), &report),
            STATUS_CONFIG);
        if (strstr(report.text, rows[i].part) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", report.text, rows[i].part);
        /* An http-wasm guest reads it itself. */
        assert_int_equal(
            hostapi_check_config(HOSTAPI_KIND_HTTP_WASM, bytes_of_text(rows[i].text), NULL),
            STATUS_OK);
    }
    assert_int_equal(cgi_check_config(bytes_make("A=\0", 3), NULL), STATUS_CONFIG);
}

static void a_functions_environment_becomes_variables_but_none_of_a_requests(void **state)
{
    struct fixture *fixture = *state;
    static const struct hostapi_variable pairs[] = {
        {{(const uint8_t *)"GREETING=hi = there", 19}, 8},
        {{(const uint8_t *)"HTTP_HOST=evil", 14}, 9},
        {{(const uint8_t *)"EMPTY=", 6}, 5},
    };
    fixture->exchange.environment =
        (struct hostapi_environment){.pairs = pairs, .count = COUNT_OF(pairs)};
    build(fixture);
    assert_variable(fixture, "GREETING", "hi = there");
    assert_variable(fixture, "EMPTY", "");
    assert_variable(fixture, "HTTP_HOST", "hello.example:8080");
}

static void a_decoded_path_holds_no_nul_and_keeps_broken_escapes(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.uri = bytes_of_text("/%00%41%zz%4");
    build(fixture);
    assert_variable(fixture, "PATH_INFO", "/%00A%zz%4");
}

static void arguments_are_the_path_and_the_querys_items(void **state)
{
    struct fixture *fixture = *state;
    assert_true(cgi_arguments(&fixture->exchange, &fixture->texts));
    assert_int_equal(fixture->texts.count, 4);
    assert_true(bytes_equal_text(fixture->texts.rows[0], "/f/tenant/hello/a%20b/%2e"));
    assert_true(bytes_equal_text(fixture->texts.rows[1], "x=1"));
    assert_true(bytes_equal_text(fixture->texts.rows[2], "y"));
    assert_true(bytes_equal_text(fixture->texts.rows[3], "z=%26"));
}

static void a_request_without_a_query_has_one_argument(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.uri = bytes_of_text("/");
    fixture->exchange.matched = bytes_of_text("");
    assert_true(cgi_arguments(&fixture->exchange, &fixture->texts));
    assert_int_equal(fixture->texts.count, 1);
    assert_true(bytes_equal_text(fixture->texts.rows[0], "/"));
}

static void arguments_of_the_configuration_take_the_requests_place(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.config = bytes_of_text("A=1\n- /app.py\r\n# a comment\n- -x y\n-\n");
    assert_true(cgi_arguments(&fixture->exchange, &fixture->texts));
    assert_int_equal(fixture->texts.count, 3);
    assert_true(bytes_equal_text(fixture->texts.rows[0], "main"));
    assert_true(bytes_equal_text(fixture->texts.rows[1], "/app.py"));
    assert_true(bytes_equal_text(fixture->texts.rows[2], "-x y"));
    /* And are no variables; "-" alone is neither. */
    struct report report = REPORT_INIT;
    assert_int_equal(cgi_check_config(bytes_of_text("A=1\n- /app.py\n"), &report), STATUS_OK);
    assert_int_equal(cgi_check_config(bytes_of_text("-\n"), &report), STATUS_CONFIG);
    struct wasi_texts texts = {.count = 0};
    assert_true(cgi_config(fixture->exchange.config, &fixture->exchange.arena, &texts));
    assert_int_equal(texts.count, 1);
    assert_true(bytes_equal_text(texts.rows[0], "A=1"));
}

static void a_full_arena_is_reported(void **state)
{
    struct fixture *fixture = *state;
    fixture->exchange.arena.max_bytes = 256;
    assert_false(cgi_environment(&fixture->exchange, &fixture->texts));
    assert_int_equal(fixture->texts.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(the_request_line_becomes_variables),
        TEST(server_and_remote_lose_their_ports),
        TEST(what_was_asked_for_over_tls_is_said_to_be),
        TEST(ipv6_addresses_keep_brackets_in_names_only),
        TEST(headers_become_http_variables_and_repeated_ones_are_joined),
        TEST(a_cookie_in_many_crumbs_fits),
        TEST(headers_that_could_pass_for_something_else_are_left_out),
        TEST(authorization_passes_where_the_version_chose_it),
        TEST(a_configuration_becomes_variables),
        TEST(a_configuration_that_is_no_environment_is_refused_with_its_line),
        TEST(a_functions_environment_becomes_variables_but_none_of_a_requests),
        TEST(a_decoded_path_holds_no_nul_and_keeps_broken_escapes),
        TEST(arguments_are_the_path_and_the_querys_items),
        TEST(arguments_of_the_configuration_take_the_requests_place),
        TEST(a_request_without_a_query_has_one_argument),
        TEST(a_full_arena_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
