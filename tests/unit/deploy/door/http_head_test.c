/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of requests: a table of forms, each with the status that refuses it, or 0.
 */
#include <stdio.h>

#include "deploy/door/http_head.h"
#include "tests/support/unit.h"

#define GET  "GET / HTTP/1.1\r\n"
#define PUT  "PUT /x HTTP/1.1\r\nHost: h\r\n"
#define HOST "Host: h\r\n"

struct form {
    const char *text;
    int status; /* 0: it is good */
};

static int parse(const char *text, size_t count, struct http_head *ret_head)
{
    struct problem problem = {0};
    struct http_head head;
    size_t scanned = 0;
    size_t end = http_head_end(bytes_make(text, count), &scanned);
    if (end == 0)
        return -1;
    /* Bytes of its own, so that reading past the end is found out. */
    uint8_t *copy = test_malloc(end);
    memcpy(copy, text, end);
    bool good = http_head_parse(bytes_make(copy, end), &head, &problem);
    if (!good) {
        assert_true(problem.code != NULL && problem.detail != NULL);
        assert_int_equal(problem.offset, REPORT_OFFSET_NONE);
    }
    if (good && ret_head != NULL)
        *ret_head = head;
    test_free(copy);
    return good ? 0 : (int)problem.status;
}

static const struct form forms[] = {
    {GET HOST "\r\n", 0},
    {"\r\n" GET HOST "\r\n", 0},
    {"GET /a?b=%20 HTTP/1.0\r\n\r\n", 0},
    {"GET http://h/x HTTP/1.1\r\nHost: other\r\n\r\n", 0},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
    {"M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", 0},
    {GET HOST "X-Empty:\r\nx: \t y \t\r\n\r\n", 0},
    {GET HOST "X: caf\xc3\xa9\r\n\r\n", 0},
    {PUT "Content-Length: 0\r\n\r\n", 0},
    {PUT "content-LENGTH: 999999999999999999\r\n\r\n", 0},
    {PUT "Transfer-Encoding: Chunked\r\n\r\n", 0},
    {PUT "Expect: 100-Continue\r\n\r\n", 0},
    /* the request line */
    {"\r\n\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a b HTTP/1.1\r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.11\r\n" HOST "\r\n", 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"G\"T / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"G\xc3 / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /#x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://h HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET https://h/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 400},
    /* ends of lines */
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {GET "Host: h\n\r\n", 400},
    {GET "Host: h\r\n\n", 400},
    {"GET / HTTP/1.1\nHost: h\n\n", 400},
    {GET "Host: h\r\r\n\r\n", 400},
    {GET "Host: \rh\r\n\r\n", 400},
    /* fields */
    {GET "Host: h\r\n folded\r\n\r\n", 400},
    {GET HOST "X : y\r\n\r\n", 400},
    {GET HOST " X: y\r\n\r\n", 400},
    {GET HOST ": y\r\n\r\n", 400},
    {GET HOST "no colon\r\n\r\n", 400},
    {GET HOST "X\x01: y\r\n\r\n", 400},
    {GET HOST "X: a\x01\r\n\r\n", 400},
    {GET HOST "X: a\x1b[31m\r\n\r\n", 400},
    {GET HOST "X: a\x7f\r\n\r\n", 400},
    {GET "\r\n", 400},
    {GET HOST HOST "\r\n", 400},
    {GET HOST "hOST: other\r\n\r\n", 400},
    {GET HOST "Authorization: a\r\nAuthorization: b\r\n\r\n", 400},
    {PUT "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 400},
    /* framing */
    {PUT "Content-Length: 3\r\nContent-Length: 5\r\n\r\n", 400},
    {PUT "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400},
    {PUT "Content-Length: 3, 3\r\n\r\n", 400},
    {PUT "Content-Length: +3\r\n\r\n", 400},
    {PUT "Content-Length: -3\r\n\r\n", 400},
    {PUT "Content-Length: 0x3\r\n\r\n", 400},
    {PUT "Content-Length:\r\n\r\n", 400},
    {PUT "Content-Length: 18446744073709551616\r\n\r\n", 400},
    {PUT "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {PUT "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
    {PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {PUT "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
    {PUT "Transfer-Encoding: gzip\r\n\r\n", 501},
    {PUT "Transfer-Encoding: identity\r\n\r\n", 501},
    {PUT "Transfer-Encoding:\r\n\r\n", 501},
    {PUT "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
    {PUT "Transfer-Encoding: \x0b"
         "chunked\r\n\r\n",
     400},
    {"PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {PUT "Expect: 200-ok\r\n\r\n", 417},
    {"PUT /x HTTP/1.0\r\nExpect: 200-ok\r\n\r\n", 0},
};

static void forms_are_taken_or_refused_as_rfc_9112_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        int status = parse(forms[i].text, strlen(forms[i].text), NULL);
        if (status != forms[i].status)
            fail_msg("%d, not %d: %s", status, forms[i].status, forms[i].text);
    }
}

static void what_is_read_is_what_was_sent(void **state)
{
    (void)state;
    struct http_head head;
    static const char text[] =
        "PUT /v1/x?config=1 HTTP/1.1\r\nhost:  api:80 \r\nCONTENT-TYPE: a/b\r\n"
        "Content-Length: 17\r\nConnection: x, Close\r\n\r\nrest";
    struct problem problem;
    struct bytes whole = bytes_make(text, strlen(text) - 4);
    assert_true(http_head_parse(whole, &head, &problem));
    assert_true(bytes_equal_text(head.method, "PUT"));
    assert_true(bytes_equal_text(head.target, "/v1/x?config=1"));
    assert_true(bytes_equal_text(head.host, "api:80"));
    assert_true(bytes_equal_text(head.fields[HTTP_HEAD_CONTENT_TYPE], "a/b"));
    assert_null(head.fields[HTTP_HEAD_AUTHORIZATION].data);
    assert_int_equal(head.body_bytes, 17);
    assert_true(head.closes && !head.chunked && !head.expects_continue);
}

static void the_host_of_the_target_goes_before_the_field(void **state)
{
    (void)state;
    struct http_head head;
    struct problem problem;
    static const char text[] = "GET http://a.example:1/p HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_true(http_head_parse(bytes_of_text(text), &head, &problem));
    assert_true(bytes_equal_text(head.host, "a.example:1"));
    assert_true(bytes_equal_text(head.target, "/p"));
}

static void the_end_is_found_however_the_bytes_arrive(void **state)
{
    (void)state;
    static const char text[] = GET HOST "X: y\r\n\r\nGET /next";
    size_t end = strlen(text) - strlen("GET /next");
    size_t scanned = 0;
    for (size_t count = 0; count < end; count++)
        assert_int_equal(http_head_end(bytes_make(text, count), &scanned), 0);
    assert_int_equal(http_head_end(bytes_make(text, strlen(text)), &scanned), end);
    assert_int_equal(scanned, 0);
}

static void a_head_has_so_many_fields_and_no_more(void **state)
{
    (void)state;
    char text[4096];
    for (int extra = 0; extra < 2; extra++) {
        int used = snprintf(text, sizeof(text), GET HOST);
        for (int i = 1; i < HTTP_HEAD_FIELDS_MAX + extra; i++)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "X-%d: y\r\n", i);
        used += snprintf(text + used, sizeof(text) - (size_t)used, "\r\n");
        assert_int_equal(parse(text, (size_t)used, NULL), extra == 0 ? 0 : 431);
    }
}

static void no_byte_anywhere_breaks_the_parser(void **state)
{
    (void)state;
    static const char good[] = "PUT http://h/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
    char text[sizeof(good)];
    for (size_t i = 0; i < strlen(good); i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, good, sizeof(good));
            text[i] = (char)byte;
            (void)parse(text, strlen(good), NULL);
        }
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_taken_or_refused_as_rfc_9112_says),
        cmocka_unit_test(what_is_read_is_what_was_sent),
        cmocka_unit_test(the_host_of_the_target_goes_before_the_field),
        cmocka_unit_test(the_end_is_found_however_the_bytes_arrive),
        cmocka_unit_test(a_head_has_so_many_fields_and_no_more),
        cmocka_unit_test(no_byte_anywhere_breaks_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
