/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies out of their framing, whatever pieces they come in.
 */
#include "deploy/door/http_body.h"
#include "tests/support/unit.h"

/* Feeds `text` in pieces of `step` bytes; gives the data and how much of the text was used. */
static enum http_body_state
feed(struct http_body *body, const char *text, size_t step, struct buffer *data, size_t *ret_used)
{
    size_t count = strlen(text);
    size_t at = 0;
    size_t end = 0;
    buffer_init(data, 1 << 20);
    while (at < count && body->state != HTTP_BODY_DONE && body->state != HTTP_BODY_BAD) {
        struct bytes run;
        end = MIN(MAX(end, at + step), count);
        size_t used = http_body_take(body, bytes_make(text + at, end - at), &run);
        assert_true(used > 0);
        assert_int_equal(buffer_append(data, run.data, run.count), STATUS_OK);
        at += used;
    }
    *ret_used = at;
    return body->state;
}

static void assert_body(bool chunked, uint64_t bytes, const char *text, const char *data)
{
    for (size_t step = 1; step <= strlen(text) + 1; step++) {
        struct http_body body;
        struct buffer got;
        size_t used;
        http_body_init(&body, chunked, bytes);
        enum http_body_state state = feed(&body, text, step, &got, &used);
        assert_int_equal(state, data == NULL ? HTTP_BODY_BAD : HTTP_BODY_DONE);
        if (data != NULL) {
            assert_true(bytes_equal_text(buffer_bytes(&got), data));
            assert_memory_equal(text + used, "NEXT", 4);
        }
        buffer_done(&got);
    }
}

static void counted_bodies_end_at_their_count(void **state)
{
    (void)state;
    assert_body(false, 3, "abcNEXT", "abc");
    assert_body(false, 10, "abc\r\n\r\n567NEXT", "abc\r\n\r\n567");
    struct http_body body;
    http_body_init(&body, false, 0);
    assert_int_equal(body.state, HTTP_BODY_DONE);
}

static void chunks_are_put_together(void **state)
{
    (void)state;
    assert_body(true, 0, "3\r\nabc\r\n0\r\n\r\nNEXT", "abc");
    assert_body(true, 0, "0\r\n\r\nNEXT", "");
    assert_body(true, 0, "00a\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\nNEXT", "0123456789x");
    assert_body(true, 0, "A\r\n0123456789\r\n0\r\n\r\nNEXT", "0123456789");
}

static void chunks_that_somebody_could_read_otherwise_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "3zz\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3;x=y\r\nabc\r\n",
        "\r\nabc\r\n",
        "-3\r\nabc\r\n",
        "+3\r\nabc\r\n",
        "0\r\nTrailer: x\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "1000000000000000\r\n",
        "3\rabc\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_body(true, 0, bad[i], NULL);
}

static void a_huge_size_asks_for_nothing(void **state)
{
    (void)state;
    struct http_body body;
    struct bytes data;
    http_body_init(&body, true, 0);
    assert_int_equal(http_body_take(&body, bytes_of_text("fffffffffffffff\r\nab"), &data), 19);
    assert_int_equal(data.count, 2);
    assert_int_equal(body.left, 0xfffffffffffffffULL - 2);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_bodies_end_at_their_count),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(chunks_that_somebody_could_read_otherwise_are_refused),
        cmocka_unit_test(a_huge_size_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
