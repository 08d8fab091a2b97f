/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest and a module in one body, and what is not quite that.
 */
#include "deploy/api/multipart.h"
#include "tests/support/unit.h"

#define TYPE "multipart/related; boundary=b"

static enum status parse(const char *type, const char *body, struct multipart_part parts[2])
{
    struct report report = REPORT_INIT;
    size_t count = 0;
    enum status status =
        multipart_parse(bytes_of_text(type), bytes_of_text(body), &report, 2, parts, &count);
    assert_int_equal(report.status, status);
    assert_int_equal(count, status == STATUS_OK ? 2 : 0);
    return status;
}

static void two_parts_are_taken_apart(void **state)
{
    (void)state;
    static const char *const types[] = {TYPE, "multipart/related;boundary=\"b\"",
                                        "multipart/related; type=x; BOUNDARY=b; y=z"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct multipart_part parts[2];
        assert_int_equal(parse(types[i],
                               "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n"
                               "content-type:application/wasm \r\n\r\n\r\n--a\r\n--b--\r\n",
                               parts),
                         STATUS_OK);
        assert_true(bytes_equal_text(parts[0].content_type, "application/json"));
        assert_true(bytes_equal_text(parts[0].data, "{}"));
        assert_true(bytes_equal_text(parts[1].content_type, "application/wasm"));
        assert_true(bytes_equal_text(parts[1].data, "\r\n--a"));
    }
}

static void a_part_may_be_empty_and_have_no_type(void **state)
{
    (void)state;
    struct multipart_part parts[2];
    assert_int_equal(parse(TYPE, "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--", parts), STATUS_OK);
    assert_null(parts[0].content_type.data);
    assert_int_equal(parts[1].data.count, 0);
}

static void whatever_else_it_is_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *body;
    } rows[] = {
        {"multipart/related", "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--"},
        {"multipart/related; boundary=", "----"},
        {"multipart/related; boundary=\"\"", "----"},
        {TYPE, ""},
        {TYPE, "x--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--"},
        {TYPE, "--b"},
        {TYPE, "--b\r\n"},
        {TYPE, "--b\r\n\r\n"},
        {TYPE, "--b\r\nX-Other: y\r\n\r\n\r\n--b\r\n\r\n\r\n--b--"},
        {TYPE, "--b\r\nContent-Type: a\r\nContent-Type: b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--"},
        {TYPE, "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--"},
        {TYPE, "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--\r\nx"},
        {TYPE, "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b"},
        {TYPE, "--b\n\nx\n--b\n\n\n--b--"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct multipart_part parts[2];
        assert_int_equal(parse(rows[i].type, rows[i].body, parts), STATUS_MALFORMED);
    }
}

static void there_may_be_fewer_parts_than_there_is_room_for(void **state)
{
    (void)state;
    struct multipart_part parts[3];
    size_t count = 0;
    assert_int_equal(multipart_parse(bytes_of_text(TYPE), bytes_of_text("--b\r\n\r\nx\r\n--b--"),
                                     NULL, 3, parts, &count),
                     STATUS_OK);
    assert_int_equal(count, 1);
    assert_true(bytes_equal_text(parts[0].data, "x"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_parts_are_taken_apart),
        cmocka_unit_test(a_part_may_be_empty_and_have_no_type),
        cmocka_unit_test(whatever_else_it_is_is_refused),
        cmocka_unit_test(there_may_be_fewer_parts_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
