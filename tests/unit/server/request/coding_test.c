/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which answers are encoded, and what their heads say then.
 */
#include <stdio.h>

#include "deploy/deploy.h"
#include "server/request/coding.h"
#include "tests/unit/server/request/stage.h"

#define BODY_BYTES 4096

/* A parked request of a function that compresses, whose answer is still to be written. */
static struct request *parked(struct stage *stage)
{
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = stage->now_ns + CLOCK_NS_PER_MS;
    stage->function.entry.choices = DEPLOY_COMPRESS;
    return stage_begin(stage, 0);
}

static void say(struct request *request, const char *name, const char *value)
{
    assert_int_equal(http_headers_add(&request->http, &request->http.response_headers,
                                      bytes_of_text(name), bytes_of_text(value)),
                     STATUS_OK);
}

static void ask(struct request *request, const char *accepted)
{
    assert_int_equal(http_headers_add(&request->http, &request->http.request_headers,
                                      bytes_of_text("accept-encoding"), bytes_of_text(accepted)),
                     STATUS_OK);
}

static void write_body(struct request *request, size_t count)
{
    static const uint8_t zeros[BODY_BYTES];
    for (size_t at = 0; at < count; at += BODY_BYTES)
        assert_int_equal(
            buffer_append(&request->http.response_body, zeros, MIN(count - at, (size_t)BODY_BYTES)),
            STATUS_OK);
}

static const char *said(struct request *request, const char *name)
{
    static char text[64];
    const struct http_header *header =
        http_headers_find(&request->http.response_headers, bytes_of_text(name));
    if (header == NULL)
        return NULL;
    (void)snprintf(text, sizeof(text), "%.*s", (int)header->value.count,
                   (const char *)header->value.data);
    return text;
}

/* HTML of some length, for a client that takes gzip; then it is encoded, or not. */
static struct request *encode(struct stage *stage, const char *name, const char *value)
{
    struct request *request = parked(stage);
    ask(request, "gzip");
    say(request, "content-type", "text/html");
    if (name != NULL)
        say(request, name, value);
    write_body(request, BODY_BYTES);
    coding_encode_whole(request);
    return request;
}

static void a_type_that_gains_by_it_is_encoded(void **state)
{
    static const char *const types[] = {
        "text/plain",    "TEXT/HTML; charset=utf-8", "application/json", "application/problem+json",
        "image/svg+xml", "application/wasm",
    };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct stage *stage = *state;
        struct request *request = parked(stage);
        ask(request, "br, gzip");
        say(request, "content-type", types[i]);
        write_body(request, BODY_BYTES);
        coding_encode_whole(request);
        assert_true(request->coding.is_on);
        assert_true(request->coding.output.count < 100);
        assert_string_equal(said(request, "content-encoding"), "gzip");
        assert_string_equal(said(request, "vary"), "accept-encoding");
        stage_end(stage, 0);
    }
}

static void other_types_and_events_stay_and_vary_by_nothing(void **state)
{
    static const char *const types[] = {
        "image/png", "text/event-stream", "application/octet-stream", "json", "", "+jsonx",
    };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct stage *stage = *state;
        struct request *request = parked(stage);
        ask(request, "gzip");
        say(request, "content-type", types[i]);
        write_body(request, BODY_BYTES);
        coding_encode_whole(request);
        assert_false(request->coding.is_on);
        assert_null(said(request, "vary"));
        stage_end(stage, 0);
    }
}

static void what_says_that_it_is_something_already_stays(void **state)
{
    static const char *const heads[][2] = {
        {"Content-Encoding", "br"},  {"content-range", "bytes 0-1/2"},
        {"Content-Digest", "x=:y:"}, {"repr-digest", "x=:y:"},
        {"content-md5", "x"},        {"cache-control", "no-store, No-Transform"},
    };
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct stage *stage = *state;
        assert_false(encode(stage, heads[i][0], heads[i][1])->coding.is_on);
        stage_end(stage, 0);
    }
}

static void only_functions_that_say_so_compress(void **state)
{
    struct stage *stage = *state;
    struct request *request = parked(stage);
    stage->function.entry.choices = 0;
    ask(request, "gzip");
    say(request, "content-type", "text/html");
    write_body(request, BODY_BYTES);
    coding_encode_whole(request);
    assert_false(request->coding.is_on);
    assert_null(said(request, "vary"));
}

static void sizes_that_are_not_worth_it_or_too_much_stay(void **state)
{
    static const size_t sizes[] = {255, ((size_t)256 << 10) + 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct stage *stage = *state;
        struct request *request = parked(stage);
        ask(request, "gzip");
        say(request, "content-type", "text/html");
        request->http.response_body.max = SIZE_MAX;
        write_body(request, sizes[i]);
        coding_encode_whole(request);
        assert_false(request->coding.is_on);
        assert_string_equal(said(request, "vary"), "accept-encoding");
        stage_end(stage, 0);
    }
}

static void a_strong_tag_is_weak_behind_it(void **state)
{
    struct stage *stage = *state;
    (void)encode(stage, "etag", "\"a\"");
    assert_string_equal(said(&stage->requests[0], "etag"), "W/\"a\"");
    stage_end(stage, 0);
    (void)encode(stage, "etag", "W/\"a\"");
    assert_string_equal(said(&stage->requests[0], "etag"), "W/\"a\"");
}

static void whoever_takes_both_gets_zstd(void **state)
{
    static const struct {
        const char *accepted;
        const char *coding;
    } cases[] = {
        {"gzip, zstd", "zstd"}, {"zstd;q=0.1, gzip;q=0.2", "gzip"},
        {"*", "zstd"},          {"*;q=0", NULL},
        {"identity", NULL},     {"zstd;q=0, *", "gzip"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stage *stage = *state;
        struct request *request = parked(stage);
        ask(request, cases[i].accepted);
        say(request, "content-type", "text/html");
        write_body(request, BODY_BYTES);
        coding_encode_whole(request);
        const char *coding = said(request, "content-encoding");
        assert_true(coding == cases[i].coding || strcmp(coding, cases[i].coding) == 0);
        stage_end(stage, 0);
    }
}

static void a_stream_has_an_encoder_as_long_as_there_is_one(void **state)
{
    struct stage *stage = *state;
    struct encoders *encoders = &stage->service.encoders;
    struct request *request = parked(stage);
    ask(request, "gzip");
    say(request, "content-type", "text/html");
    encoders->in_use = ENCODERS_MAX;
    coding_begin_stream(request);
    assert_null(request->coding.encoder);
    assert_null(said(request, "content-encoding"));
    encoders->in_use = 0;
    http_headers_remove(&request->http.response_headers, bytes_of_text("vary"));
    coding_begin_stream(request);
    assert_non_null(request->coding.encoder);
    assert_true(request->coding.is_on);
    assert_true(coding_memory_bytes(request) > 100000);
    assert_int_equal(encoders->in_use, 1);
    struct bytes head = coding_encode_piece(request, bytes_make(NULL, 0), false);
    assert_int_equal(head.count, 0); /* the head goes out alone */
    struct bytes piece = coding_encode_piece(request, bytes_of_text("some"), false);
    assert_true(piece.count > 4 && piece.data == request->coding.output.data);
    stage_end(stage, 0);
    assert_int_equal(encoders->in_use, 0);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(a_type_that_gains_by_it_is_encoded),
        STAGED(other_types_and_events_stay_and_vary_by_nothing),
        STAGED(what_says_that_it_is_something_already_stays),
        STAGED(only_functions_that_say_so_compress),
        STAGED(sizes_that_are_not_worth_it_or_too_much_stay),
        STAGED(a_strong_tag_is_weak_behind_it),
        STAGED(whoever_takes_both_gets_zstd),
        STAGED(a_stream_has_an_encoder_as_long_as_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
