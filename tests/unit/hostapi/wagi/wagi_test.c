/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header blocks of WAGI commands, as text.
 */
#include "hostapi/wagi/wagi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

static enum status parse(struct fixture *fixture, const char *head)
{
    return wagi_parse_head(&fixture->exchange, bytes_of_text(head), &fixture->report);
}

static void a_content_type_alone_is_a_200(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "content-type:text/plain\n\n"), STATUS_OK);
    assert_int_equal(fixture->exchange.status, 200);
    fixture_assert_header(fixture, "content-type", "text/plain");
}

static void lines_may_end_with_crlf_and_values_are_trimmed(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "Content-Type: \t text/html \r\nX-A:b\r\n\r\n"), STATUS_OK);
    fixture_assert_header(fixture, "content-type", "text/html");
    fixture_assert_header(fixture, "x-a", "b");
}

static void status_sets_the_status_and_is_no_header(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "Status: 404 Not Found\ncontent-type: a/b\n\n"), STATUS_OK);
    assert_int_equal(fixture->exchange.status, 404);
    assert_int_equal(fixture->exchange.response_headers.count, 1);
}

static void a_location_alone_is_a_302(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "location: /x\n\n"), STATUS_OK);
    assert_int_equal(fixture->exchange.status, 302);
}

static void a_status_with_a_location_is_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "status: 201\nlocation: /x\n\n"), STATUS_OK);
    assert_int_equal(fixture->exchange.status, 201);
}

static void a_repeated_header_is_kept_twice(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "set-cookie: a\nset-cookie: b\ncontent-type: a/b\n\n"),
                     STATUS_OK);
    assert_int_equal(fixture->exchange.response_headers.count, 3);
}

static void an_answer_without_content_needs_no_type(void **state)
{
    struct fixture *fixture = *state;
    static const char *const heads[] = {"status: 204\n\n", "Status: 205 Reset\n\n",
                                        "x-a: b\nstatus: 304\n\n"};
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        assert_int_equal(parse(fixture, heads[i]), STATUS_OK);
    assert_int_equal(fixture->exchange.status, 304);
    assert_int_equal(parse(fixture, "status: 200\n\n"), STATUS_INVALID);
}

static void of_a_field_that_there_is_once_the_last_counts(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, "Content-Type: a/b\ncontent-type: c/d\n\n"), STATUS_OK);
    assert_int_equal(fixture->exchange.response_headers.count, 1);
    fixture_assert_header(fixture, "content-type", "c/d");
}

static void what_is_no_header_block_is_refused_with_its_line(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *head;
        const char *part;
    } rows[] = {
        {"\n", "neither content-type nor location"},
        {"x-a: b\n\n", "neither content-type nor location"},
        {"content-type: a/b\nhello\n\n", "line 2 "},
        {"content type: a/b\n\n", "line 1 "},
        {": a\n\n", "line 1 "},
        {"content-type: a/b\n folded: x\n\n", "line 2 of the header block on stdout begins with"},
        {"\tcontent-type: a/b\n\n", "line 1 "},
        {"content-type : a/b\n\n", "name is no token"},
        {"content-type: a/b\nx-a: b\x1b[31m\n\n", "line 2 "},
        {"content-type: a/b\nx-a: \x01\n\n", "control byte"},
        {"content-type: a\rb\n\n", "line 1 "},
        {"content-type: a/b\nstatus: abc\n\n", "line 2 "},
        {"status: 99\n\n", "status must be"},
        {"status: 100\n\n", "status must be"},
        {"status: 600\n\n", "status must be"},
        {"status: 2000\n\n", "status must be"},
        {"status: 20:\n\n", "status must be"},
        {"status: 20/\n\n", "status must be"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fixture->report = (struct report)REPORT_INIT;
        fixture->exchange.response_headers.count = 0;
        assert_int_equal(parse(fixture, rows[i].head), STATUS_INVALID);
        assert_non_null(strstr(fixture->report.text, rows[i].part));
    }
}

static void too_many_headers_are_a_limit(void **state)
{
    struct fixture *fixture = *state;
    char head[4096] = "";
    for (uint32_t i = 0; i < 40; i++)
        strcat(head, "x-a: b\n");
    strcat(head, "\n");
    assert_int_equal(parse(fixture, head), STATUS_LIMIT);
    assert_non_null(strstr(fixture->report.text, "limits.headers (1024)"));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_setup_exchange, fixture_teardown_exchange)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_content_type_alone_is_a_200),
        TEST(lines_may_end_with_crlf_and_values_are_trimmed),
        TEST(status_sets_the_status_and_is_no_header),
        TEST(a_location_alone_is_a_302),
        TEST(a_status_with_a_location_is_kept),
        TEST(a_repeated_header_is_kept_twice),
        TEST(an_answer_without_content_needs_no_type),
        TEST(of_a_field_that_there_is_once_the_last_counts),
        TEST(what_is_no_header_block_is_refused_with_its_line),
        TEST(too_many_headers_are_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
