/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of requests: which go out, and how.
 */
#include "tests/unit/server/egress/fixture.h"

static void rows_go_out_but_for_those_of_the_connection(void **state)
{
    (void)state;
    const struct fetch_field fields[] = {
        {bytes_of_text("Accept"), bytes_of_text("*/*")},
        {bytes_of_text("X-Empty"), bytes_of_text("")},
        {bytes_of_text("x-blanks"), bytes_of_text(" a b\t")},
        {bytes_of_text("Host"), bytes_of_text("evil.example")},
        {bytes_of_text("Content-Length"), bytes_of_text("777777")},
        {bytes_of_text("Transfer-Encoding"), bytes_of_text("chunked")},
        {bytes_of_text("Connection"), bytes_of_text("close, X-Listed ,x-too")},
        {bytes_of_text("x-listed"), bytes_of_text("listed")},
        {bytes_of_text("X-Too"), bytes_of_text("listed")},
        {bytes_of_text("TE"), bytes_of_text("trailers")},
        {bytes_of_text("Upgrade"), bytes_of_text("h2c")},
        {bytes_of_text("HTTP2-Settings"), bytes_of_text("AAA")},
        {bytes_of_text("Expect"), bytes_of_text("100-continue")},
        {bytes_of_text("Keep-Alive"), bytes_of_text("timeout=5")},
        {bytes_of_text("Proxy-Authorization"), bytes_of_text("Basic x")},
        {bytes_of_text("Trailer"), bytes_of_text("x")},
        {bytes_of_text("Set-Twice"), bytes_of_text("1")},
        {bytes_of_text("Set-Twice"), bytes_of_text("2")},
        {bytes_of_text("x-utf8"), bytes_of_text("\xc3\xa4")},
    };
    static const char expected[] =
        "\r\nAccept: */*\r\nX-Empty:\r\nx-blanks: a b\r\nSet-Twice: 1\r\n"
        "Set-Twice: 2\r\nx-utf8: \xc3\xa4\r\n\r\n";
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 204 No Content\r\n\r\n");
    struct fetch_order order = stage_order(&stage, "/");
    order.fields = fields;
    order.field_count = COUNT_OF(fields);
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_true(stage_saw(&stage, expected));
    assert_false(stage_saw(&stage, "evil"));
    assert_false(stage_saw(&stage, "777777"));
    assert_false(stage_saw(&stage, "listed"));
    stage_close(&stage);
}

static void rows_of_an_origins_connection_stay_there(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage,
                 "HTTP/1.1 200 OK\r\nX-Before: 1\r\nConnection: close, x-before ,X-After\r\n"
                 "connection: content-length\r\nX-After: 1\r\nKeep-Alive: timeout=5\r\n"
                 "X-Stays: 1\r\nContent-Length: 0\r\n\r\n");
    struct fetch_order order = stage_order(&stage, "/");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_string_equal(stage.probe.headers, "x-stays: 1\ncontent-length: 0\n");
    stage_close(&stage);
}

static void rows_are_counted_and_measured(void **state)
{
    (void)state;
    static char large[EGRESS_HEAD_BYTES];
    static struct fetch_field fields[EGRESS_FIELDS_MAX + 1];
    const char *text;
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        fields[i] = (struct fetch_field){bytes_of_text("a"), bytes_of_text("")};
    struct fetch_order order = {
        .method = bytes_of_text("GET"), .fields = fields, .field_count = EGRESS_FIELDS_MAX};
    assert_true(egress_fields_check(&order, &text));
    order.field_count++;
    assert_false(egress_fields_check(&order, &text));
    memset(large, 'x', sizeof(large));
    order.field_count = 1;
    fields[0].value = bytes_make(large, sizeof(large) - 1);
    assert_true(egress_fields_check(&order, &text));
    fields[0].value = bytes_make(large, sizeof(large));
    assert_false(egress_fields_check(&order, &text));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_out_but_for_those_of_the_connection),
        cmocka_unit_test(rows_of_an_origins_connection_stay_there),
        cmocka_unit_test(rows_are_counted_and_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
