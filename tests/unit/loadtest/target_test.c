/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs, the loopback rule, and requests that nothing given on the command line can break.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "loadtest/target.h"
#include "tests/support/unit.h"

static void
assert_target(const char *url, const char *place, const char *authority, const char *path)
{
    struct target target;
    struct report report = REPORT_INIT;
    assert_int_equal(target_from_url(url, &report, &target), STATUS_OK);
    assert_string_equal(target.place, place);
    assert_string_equal(target.authority, authority);
    assert_string_equal(target.path, path);
}

static void names_below_localhost_are_loopback_without_dns(void **state)
{
    (void)state;
    assert_target("http://hello.default.localhost:8080/", "127.0.0.1:8080",
                  "hello.default.localhost:8080", "/");
    assert_target("http://LOCALHOST", "127.0.0.1:80", "LOCALHOST", "/");
}

static void a_url_is_taken_apart(void **state)
{
    (void)state;
    assert_target("http://127.0.0.1:65535/a/b?c=d#frag", "127.0.0.1:65535", "127.0.0.1:65535",
                  "/a/b?c=d");
    assert_target("HTTP://127.0.0.1?q", "127.0.0.1:80", "127.0.0.1", "/?q");
    assert_target("http://[::1]:8080/x", "[::1]:8080", "[::1]:8080", "/x");
    assert_target("http://127.0.0.1:08080/", "127.0.0.1:8080", "127.0.0.1:08080", "/");
}

static void bad_urls_are_usage_errors_with_an_example(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "hello",
        "https://localhost/",
        "http://",
        "http:///x",
        "http://:80/",
        "http://localhost:",
        "http://localhost:0/",
        "http://localhost:65536/",
        "http://localhost:123456/",
        "http://localhost:8o/",
        "http://localhost/a b",
        "http://localhost/\r\nX: y",
        "http://localhost/\xc3\xa4",
        "http://user:pw@localhost/",
        "http://[::1/",
        "http://[::1]x/",
        "http://a:b:c/",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct target target;
        struct report report = REPORT_INIT;
        assert_int_equal(target_from_url(bad[i], &report, &target), STATUS_USAGE);
        assert_non_null(strstr(report.text, "http://hello.default.localhost:8080/"));
    }
}

static void a_url_past_its_cap_is_refused(void **state)
{
    (void)state;
    char url[LOADTEST_URL_BYTES + 16];
    (void)snprintf(url, sizeof(url), "http://localhost/%0*d", LOADTEST_URL_BYTES - 18, 0);
    struct target target;
    assert_int_equal(strlen(url), LOADTEST_URL_BYTES - 1);
    assert_int_equal(target_from_url(url, NULL, &target), STATUS_OK);
    (void)snprintf(url, sizeof(url), "http://localhost/%0*d", LOADTEST_URL_BYTES - 17, 0);
    assert_int_equal(target_from_url(url, NULL, &target), STATUS_USAGE);
}

static void a_socket_path_must_fit(void **state)
{
    (void)state;
    struct target target;
    char path[200];
    (void)snprintf(path, sizeof(path), "/%0150d", 0);
    assert_int_equal(target_from_socket("/run/admin.sock", NULL, &target), STATUS_OK);
    assert_int_equal(target.address.ss_family, AF_UNIX);
    assert_string_equal(target.place, "/run/admin.sock");
    assert_int_equal(target_from_socket(path, NULL, &target), STATUS_USAGE);
    assert_int_equal(target_from_socket("", NULL, &target), STATUS_USAGE);
}

static void assert_request(const struct target_request *request, const char *expected)
{
    struct target target;
    assert_int_equal(target_from_url("http://a.localhost:81/p?q", NULL, &target), STATUS_OK);
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(target_format_request(&target, request, &out), STATUS_OK);
    assert_int_equal(out.count, strlen(expected));
    assert_memory_equal(out.data, expected, out.count);
    buffer_done(&out);
}

#define AGENT "User-Agent: skerry-loadtest/" SKERRY_VERSION "\r\n"

static void a_request_has_host_and_agent(void **state)
{
    (void)state;
    const struct target_request request = {.method = "GET", .path = "/p?q"};
    assert_request(&request, "GET /p?q HTTP/1.1\r\nHost: a.localhost:81\r\n" AGENT "\r\n");
}

static void headers_of_the_user_replace_the_defaults(void **state)
{
    (void)state;
    static const char *const headers[] = {"host: other", "content-type: text/plain", "X: 1"};
    const struct target_request request = {.method = "POST",
                                           .path = "/",
                                           .headers = headers,
                                           .header_count = COUNT_OF(headers),
                                           .has_body = true,
                                           .content_type = "application/octet-stream",
                                           .body = bytes_of_text("abc")};
    assert_request(&request, "POST / HTTP/1.1\r\n" AGENT "host: other\r\ncontent-type: "
                             "text/plain\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc");
}

static void headers_that_break_or_frame_the_message_are_invalid(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "X",
        ": y",
        "X y: z",
        "X: a\r\nY: b",
        "X: a\n",
        "X: \x01",
        "X: \x7f",
        "content-LENGTH: 1",
        "Transfer-Encoding: chunked",
        "X : y",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(target_header_valid(bad[i]));
    assert_true(target_header_valid("X:"));
    assert_true(target_header_valid("Authorization: Bearer a b\tc"));
}

static void methods_are_short_tokens(void **state)
{
    (void)state;
    assert_true(target_method_valid("GET"));
    assert_true(target_method_valid("M-SEARCH"));
    assert_false(target_method_valid(""));
    assert_false(target_method_valid("GET /"));
    assert_false(target_method_valid("CONNECT"));
    assert_false(target_method_valid("ABCDEFGHIJKLMNOPQ"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_below_localhost_are_loopback_without_dns),
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(bad_urls_are_usage_errors_with_an_example),
        cmocka_unit_test(a_url_past_its_cap_is_refused),
        cmocka_unit_test(a_socket_path_must_fit),
        cmocka_unit_test(a_request_has_host_and_agent),
        cmocka_unit_test(headers_of_the_user_replace_the_defaults),
        cmocka_unit_test(headers_that_break_or_frame_the_message_are_invalid),
        cmocka_unit_test(methods_are_short_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
