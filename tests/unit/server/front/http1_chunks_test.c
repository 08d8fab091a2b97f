/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunked bodies, one row a form, each decoded in one go, byte by byte, and in two pieces cut at
 * every place: all must agree.
 */
#include <stdio.h>

#include "server/front/http1_parse.h"
#include "tests/support/unit.h"

enum { ROW_BYTES = 256 };

struct row {
    const char *text;
    size_t count;
    enum http1_outcome outcome;
    const char *body;
    size_t left; /* bytes that belong to what follows */
};

#define OK(text, body, left)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, HTTP1_COMPLETE, body, left                                         \
    }
#define WAIT(text, body)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1, HTTP1_INCOMPLETE, body, 0                                          \
    }
#define NO(text)                                                                                   \
    {                                                                                              \
        text, sizeof(text) - 1, HTTP1_REFUSED, "", 0                                               \
    }

static const struct row rows[] = {
    OK("0\r\n\r\n", "", 0),
    OK("00000\r\n\r\n", "", 0),
    OK("3\r\nabc\r\n0\r\n\r\n", "abc", 0),
    OK("3\r\nabc\r\n0\r\n\r\nGET / ", "abc", 6),
    OK("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc", 0),
    OK("00000000000000b\r\nhello world\r\n0\r\n\r\n", "hello world", 0),
    OK("A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij", 0),
    OK("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0),
    OK("3;a\r\nabc\r\n0\r\n\r\n", "abc", 0),
    OK("3;a=b;c=\"d;e\"\r\nabc\r\n0;x\r\n\r\n", "abc", 0),
    OK("3 \t;a\r\nabc\r\n0\r\n\r\n", "abc", 0),
    OK("0\r\nA: b\r\n\r\n", "", 0),
    OK("0\r\nA: b\r\nC:\r\n\r\nx", "", 1),
    WAIT("", ""),
    WAIT("3", ""),
    WAIT("3\r", ""),
    WAIT("3\r\nab", "ab"),
    WAIT("3\r\nabc", "abc"),
    WAIT("3\r\nabc\r\n0\r\n", "abc"),
    WAIT("3\r\nabc\r\n0\r\n\r", "abc"),
    WAIT("0\r\nA: b", ""),
    WAIT("fffffffffffffff\r\nab", "ab"),
    NO("\r\n"),
    NO("x\r\n"),
    NO("3zz\r\nabc\r\n0\r\n\r\n"),
    NO("0x3\r\nabc\r\n0\r\n\r\n"),
    NO("3\nabc\r\n0\r\n\r\n"),
    NO("3\r\nabc\n0\r\n\r\n"),
    NO("3\r\nabc\r\n0\n\r\n"),
    NO("3\r\nabc\r\n0\r\n\n"),
    NO("3\r\nabcd\r\n0\r\n\r\n"),
    NO("3\r\nabcd\n0\r\n\r\n"),
    NO("3\r\nabc\rd0\r\n\r\n"),
    NO("0\r\n\rx"),
    NO("3\r\nabc0\r\n\r\n"),
    NO("3\r\nabc\r\r\n"),
    NO("+3\r\nabc\r\n0\r\n\r\n"),
    NO("-3\r\nabc\r\n0\r\n\r\n"),
    NO(" 3\r\nabc\r\n0\r\n\r\n"),
    NO("3 \r\nabc\r\n0\r\n\r\n"),
    NO("3 4\r\nabc\r\n0\r\n\r\n"),
    NO(";a\r\n"),
    NO("3;\x01\r\nabc\r\n"),
    NO("3;a\nabc\r\n"),
    NO("3;a\r\rabc\r\n"),
    NO("3\x0b\r\nabc\r\n"),
    NO("ffffffffffffffff\r\nab"),
    NO("0000000000000003\r\nabc\r\n"),
    NO("10000000000000003\r\nabc\r\n"),
    NO("0\r\n A: b\r\n\r\n"),
    NO("0\r\nA : b\r\n\r\n"),
    NO("0\r\nA\r\n\r\n"),
    NO("0\r\n: b\r\n\r\n"),
    NO("0\r\nA: b\n\r\n"),
    NO("0\r\nA: b\r\n c\r\n\r\n"),
    NO("0\r\nA: \x01\r\n\r\n"),
    NO("0\r\nA: b\rc\r\n\r\n"),
};

struct result {
    enum http1_outcome outcome;
    char body[ROW_BYTES];
    size_t count;
    size_t left;
};

/* Pieces end at `first`, then at each further `step`. */
static struct result decode(const struct row *row, size_t first, size_t step)
{
    struct result result = {.outcome = HTTP1_INCOMPLETE};
    struct http1_chunks chunks = {0};
    size_t at = 0;
    while (at < row->count && result.outcome == HTTP1_INCOMPLETE) {
        char piece[ROW_BYTES];
        size_t want = at == 0 ? first : step;
        size_t count = want < row->count - at ? want : row->count - at;
        size_t decoded;
        size_t left;
        memcpy(piece, row->text + at, count);
        result.outcome = http1_decode_chunks(&chunks, piece, count, &decoded, &left);
        memcpy(result.body + result.count, piece, decoded);
        result.count += decoded;
        at += count;
        result.left = left + row->count - at;
        assert_true(result.outcome != HTTP1_COMPLETE ||
                    memcmp(piece + decoded, row->text + at - left, left) == 0);
    }
    return result;
}

static void check(const struct row *row, struct result result)
{
    if (result.outcome != row->outcome)
        print_error("row %zu: %d\n", (size_t)(row - rows), result.outcome);
    assert_int_equal(result.outcome, row->outcome);
    if (row->outcome == HTTP1_REFUSED)
        return;
    assert_int_equal(result.count, strlen(row->body));
    assert_memory_equal(result.body, row->body, result.count);
    assert_true(row->outcome == HTTP1_INCOMPLETE || result.left == row->left);
}

static void each_form_is_decoded_or_refused_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(&rows[i], decode(&rows[i], ROW_BYTES, ROW_BYTES));
        check(&rows[i], decode(&rows[i], 1, 1));
        for (size_t cut = 1; cut < rows[i].count; cut++)
            check(&rows[i], decode(&rows[i], cut, ROW_BYTES));
    }
}

static enum refusal_reason refusal_of_extras(const char *before, size_t count)
{
    static char text[2 * HTTP1_EXTRA_BYTES_MAX];
    struct http1_chunks chunks = {0};
    size_t before_count = strlen(before);
    size_t decoded;
    size_t left;
    memcpy(text, before, before_count);
    memset(text + before_count, 'e', count);
    (void)http1_decode_chunks(&chunks, text, before_count + count, &decoded, &left);
    return chunks.refusal;
}

static void extensions_and_trailers_have_one_limit_together(void **state)
{
    (void)state;
    assert_int_equal(refusal_of_extras("1;", HTTP1_EXTRA_BYTES_MAX - 1), REFUSAL_NONE);
    assert_int_equal(refusal_of_extras("1;", HTTP1_EXTRA_BYTES_MAX), REFUSAL_CHUNK_EXTRAS);
    assert_int_equal(refusal_of_extras("0\r\n", HTTP1_EXTRA_BYTES_MAX), REFUSAL_NONE);
    assert_int_equal(refusal_of_extras("0\r\n", HTTP1_EXTRA_BYTES_MAX + 1), REFUSAL_CHUNK_EXTRAS);
    assert_int_equal(refusal_of_extras("1;e\r\na\r\n0\r\n", HTTP1_EXTRA_BYTES_MAX - 1),
                     REFUSAL_CHUNK_EXTRAS);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_decoded_or_refused_however_it_is_cut),
        cmocka_unit_test(extensions_and_trailers_have_one_limit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
