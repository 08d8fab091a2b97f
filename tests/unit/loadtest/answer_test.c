/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer parser: every accepted text is read whole and one byte at a time with the
 * same result; every broken one is refused with its reason, however it is cut.
 */
#include <stdio.h>
#include <stdlib.h>

#include "loadtest/answer.h"
#include "loadtest/token.h"
#include "tests/support/unit.h"

#define KEEP_BYTES 64

struct outcome {
    struct answer answer;
    char body[KEEP_BYTES + 1];
};

/* Feeds `text` in pieces of `piece` bytes, as a connection would, then its end. */
static void
read_answer(const char *text, size_t count, size_t piece, bool to_head, struct outcome *ret)
{
    struct buffer kept;
    buffer_init(&kept, KEEP_BYTES);
    uint8_t *input = malloc(LOADTEST_ANSWER_HEAD_BYTES);
    assert_non_null(input);
    size_t unread = 0;
    answer_init(&ret->answer, to_head, &kept);
    for (size_t at = 0; at < count;) {
        size_t room = LOADTEST_ANSWER_HEAD_BYTES - unread;
        size_t take = MIN(MIN(piece, count - at), room);
        assert_true(take > 0);
        memcpy(input + unread, text + at, take);
        unread += take;
        at += take;
        size_t used = answer_feed(&ret->answer, bytes_make(input, unread));
        assert_true(used <= unread);
        memmove(input, input + used, unread - used);
        unread -= used;
        if (ret->answer.state == ANSWER_DONE || ret->answer.state == ANSWER_MALFORMED)
            break;
    }
    answer_eof(&ret->answer);
    memset(ret->body, 0, sizeof(ret->body));
    if (kept.count > 0)
        memcpy(ret->body, kept.data, kept.count);
    buffer_done(&kept);
    free(input);
}

static void
assert_answer(const char *text, bool to_head, uint32_t status, const char *body, bool keep_alive)
{
    static const size_t pieces[] = {1, 2, 3, 7, 16384};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct outcome outcome;
        read_answer(text, strlen(text), pieces[i], to_head, &outcome);
        assert_int_equal(outcome.answer.state, ANSWER_DONE);
        assert_int_equal(outcome.answer.http_status, status);
        assert_string_equal(outcome.body, body);
        assert_int_equal(outcome.answer.body_bytes, strlen(body));
        assert_int_equal(outcome.answer.keep_alive, keep_alive);
    }
}

static void assert_refused(const char *text, const char *why)
{
    static const size_t pieces[] = {1, 5, 16384};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct outcome outcome;
        read_answer(text, strlen(text), pieces[i], false, &outcome);
        assert_int_equal(outcome.answer.state, ANSWER_MALFORMED);
        assert_non_null(strstr(outcome.answer.error, why));
        assert_false(outcome.answer.keep_alive);
    }
}

static void a_body_with_length_is_read_to_its_end(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", true);
    assert_answer("HTTP/1.1 404\r\ncontent-length:0\r\n\r\n", false, 404, "", true);
}

static void a_chunked_body_is_read_with_extensions_and_trailers(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
                  "3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
                  false, 200, "abc0123456789", true);
}

static void a_body_without_framing_lasts_until_the_connection_ends(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\n\r\nall of it", false, 200, "all of it", false);
}

static void answers_that_have_no_body_end_with_their_head(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true);
    assert_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, "", true);
    assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, 200, "", true);
}

static void interim_answers_are_skipped(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                  false, 200, "x", true);
}

static void keep_alive_follows_version_and_connection_header(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\nx", false,
                  200, "x", false);
    assert_answer("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, 200, "x", false);
    assert_answer("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", false,
                  200, "x", true);
}

static void server_timing_is_taken_from_head_and_trailer(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                               "Server-Timing: start;dur=0.5;desc=\"warm\"\r\n\r\n"
                               "0\r\nServer-Timing: exec;dur=2\r\n\r\n";
    struct outcome outcome;
    read_answer(text, sizeof(text) - 1, 4, false, &outcome);
    assert_int_equal(outcome.answer.state, ANSWER_DONE);
    assert_int_equal(outcome.answer.timing.start, SERVER_TIMING_WARM);
    assert_int_equal(outcome.answer.timing.entry_count, 2);
    assert_int_equal(outcome.answer.timing.entries[1].duration_ns, 2000000);
}

static void the_kept_body_stops_at_its_cap_and_the_count_goes_on(void **state)
{
    (void)state;
    char text[512];
    int used =
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%0100d", 7);
    struct outcome outcome;
    read_answer(text, (size_t)used, 10, false, &outcome);
    assert_int_equal(outcome.answer.state, ANSWER_DONE);
    assert_int_equal(outcome.answer.body_bytes, 100);
    assert_int_equal(strlen(outcome.body), KEEP_BYTES);
}

static void ambiguous_framing_is_refused(void **state)
{
    (void)state;
    assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                   "both");
    assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                   "twice");
    assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "chunked");
    assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n",
                   "chunked");
    assert_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0");
}

static void bad_lengths_are_refused(void **state)
{
    (void)state;
    static const char *const lengths[] = {"",
                                          "-1",
                                          "+1",
                                          "1,1",
                                          "0x1",
                                          "1073741825",
                                          "18446744073709551616",
                                          "99999999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
                       lengths[i]);
        assert_refused(text, "content-length");
    }
}

static void bad_chunks_are_refused(void **state)
{
    (void)state;
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert_refused(CHUNKED "\r\n", "chunk size");
    assert_refused(CHUNKED "g\r\n", "chunk size");
    assert_refused(CHUNKED "1 \r\nx\r\n", "chunk size");
    assert_refused(CHUNKED "ffffffffffffffffff\r\n", "chunk size");
    assert_refused(CHUNKED "1\r\nxy\r\n", "CRLF");
    assert_refused(CHUNKED "1\nx\r\n", "carriage");
    assert_refused(CHUNKED "0\r\nno colon\r\n\r\n", "colon");
}

static void bad_first_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"HTTP/2 200 OK", "HTTP/1.2 200 OK", "http/1.1 200 OK",
                                        "HTTP/1.1  200", "HTTP/1.1 20 OK",  "HTTP/1.1 2000",
                                        "HTTP/1.1 099",  "HTTP/1.1 600",    ""};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s\r\nX: y\r\n\r\n", lines[i]);
        struct outcome outcome;
        read_answer(text, strlen(text), 3, false, &outcome);
        assert_int_equal(outcome.answer.state, ANSWER_MALFORMED);
    }
    assert_refused("HTTP/1.1 101 Switching\r\n\r\n", "101");
}

static void bad_header_lines_are_refused(void **state)
{
    (void)state;
    assert_refused("HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n", "carriage");
    assert_refused("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "name");
    assert_refused("HTTP/1.1 200 OK\r\n: a\r\n\r\n", "name");
    assert_refused("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n", "colon");
    assert_refused("HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "control");
    assert_refused("HTTP/1.1 200 OK\r\nServer-Timing: ;;\r\n\r\n", "server-timing");
}

static void heads_and_lines_past_their_caps_are_refused(void **state)
{
    (void)state;
    size_t size = 2 * LOADTEST_ANSWER_HEAD_BYTES;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'a', size);
    struct outcome outcome;
    read_answer(text, size, 1000, false, &outcome);
    assert_int_equal(outcome.answer.state, ANSWER_MALFORMED);

    size_t used = (size_t)snprintf(text, size, CHUNKED "1;");
    text[used] = 'a';
    memset(text + used, 'a', LOADTEST_CHUNK_LINE_BYTES);
    read_answer(text, used + LOADTEST_CHUNK_LINE_BYTES, 16384, false, &outcome);
    assert_int_equal(outcome.answer.state, ANSWER_MALFORMED);

    used = (size_t)snprintf(text, size, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i <= LOADTEST_ANSWER_HEADERS_MAX; i++)
        used += (size_t)snprintf(text + used, size - used, "A: b\r\n");
    (void)snprintf(text + used, size - used, "\r\n");
    assert_refused(text, "headers");

    used = 0;
    for (int i = 0; i <= LOADTEST_ANSWER_INTERIM_MAX; i++)
        used += (size_t)snprintf(text + used, size - used, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_refused(text, "interim");
    free(text);
}

static void an_answer_cut_anywhere_is_never_whole(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for (size_t count = 0; count < sizeof(text) - 1; count++) {
        struct outcome outcome;
        read_answer(text, count, 16384, false, &outcome);
        assert_int_equal(outcome.answer.state, ANSWER_MALFORMED);
    }
}

static void bytes_after_the_answer_stay_unused(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200";
    struct answer answer;
    answer_init(&answer, false, NULL);
    size_t used = answer_feed(&answer, bytes_make(text, sizeof(text) - 1));
    assert_int_equal(answer.state, ANSWER_DONE);
    assert_int_equal(used, sizeof(text) - 1 - strlen("HTTP/1.1 200"));
}

static void a_token_has_the_characters_of_the_standard(void **state)
{
    (void)state;
    static const char set[] = "!#$%&'*+-.^_`|~0123456789"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (int c = 0; c < 256; c++)
        assert_int_equal(token_has((uint8_t)c), memchr(set, c, sizeof(set) - 1) != NULL);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_with_length_is_read_to_its_end),
        cmocka_unit_test(a_chunked_body_is_read_with_extensions_and_trailers),
        cmocka_unit_test(a_body_without_framing_lasts_until_the_connection_ends),
        cmocka_unit_test(answers_that_have_no_body_end_with_their_head),
        cmocka_unit_test(interim_answers_are_skipped),
        cmocka_unit_test(keep_alive_follows_version_and_connection_header),
        cmocka_unit_test(server_timing_is_taken_from_head_and_trailer),
        cmocka_unit_test(the_kept_body_stops_at_its_cap_and_the_count_goes_on),
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(bad_lengths_are_refused),
        cmocka_unit_test(bad_chunks_are_refused),
        cmocka_unit_test(bad_first_lines_are_refused),
        cmocka_unit_test(bad_header_lines_are_refused),
        cmocka_unit_test(heads_and_lines_past_their_caps_are_refused),
        cmocka_unit_test(an_answer_cut_anywhere_is_never_whole),
        cmocka_unit_test(bytes_after_the_answer_stay_unused),
        cmocka_unit_test(a_token_has_the_characters_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
