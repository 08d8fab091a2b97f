/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that files answer: small ones at once, larger ones piece by piece, and each end between.
 */
#include <stdio.h>

#include "tests/unit/server/request/stage_site.h"

#define SMALL STAGE_SMALL_BYTES
#define PIECE STAGE_PIECE_BYTES
#define BIG   STAGE_BIG_BYTES

static int setup(void **state)
{
    assert_int_equal(stage_setup(state), 0);
    stage_site_make(*state);
    return 0;
}

static int teardown(void **state)
{
    assert_int_equal(stage_teardown(state), 0);
    stage_site_done();
    return 0;
}

static const char *header(const struct request *request, const char *name)
{
    static char text[128];
    const struct http_header *found =
        http_headers_find(&request->response.guest_headers, bytes_of_text(name));
    if (found == NULL)
        return NULL;
    (void)snprintf(text, sizeof(text), "%.*s", (int)found->value.count,
                   (const char *)found->value.data);
    return text;
}

static struct request *ask(struct stage *stage, const char *path)
{
    stage->path = path;
    return stage_begin(stage, 0);
}

static void a_small_file_is_answered_at_once_and_without_a_guest(void **state)
{
    struct stage *stage = *state;
    struct request *request = ask(stage, "/small");
    assert_int_equal(stage->sent, 1);
    assert_int_equal(stage->checkouts, 0);
    assert_int_equal(stage->metrics.assets, 1);
    assert_int_equal(request->response.status, 200);
    assert_true(bytes_equal_text(request->response.body, "abcdefghij"));
    assert_string_equal(header(request, "content-type"), "application/octet-stream");
    assert_string_equal(header(request, "etag"), "\"ab010000000000000000000000000000\"");
    assert_non_null(header(request, "last-modified"));
    assert_string_equal(header(request, "accept-ranges"), "bytes");
}

static void rules_change_what_the_server_says(void **state)
{
    struct stage *stage = *state;
    struct request *request = ask(stage, "/small");
    assert_null(header(request, "cache-control"));
    assert_string_equal(header(request, "x-a"), "1");
    uint32_t lines = 0;
    for (uint32_t i = 0; i < request->response.guest_headers.count; i++)
        lines +=
            bytes_equal_nocase(request->response.guest_headers.rows[i].name, bytes_of_text("x-a"));
    assert_int_equal(lines, 2);
}

static void a_head_has_the_length_and_no_body(void **state)
{
    struct stage *stage = *state;
    stage->method = "HEAD";
    struct request *request = ask(stage, "/big");
    assert_int_equal(stage->sent, 1);
    assert_int_equal(request->response.body.count, 0);
    assert_int_equal(request->http.head_length, BIG);
}

static void a_large_file_goes_piece_by_piece(void **state)
{
    struct stage *stage = *state;
    struct request *request = ask(stage, "/big");
    assert_int_equal(request->state, REQUEST_READING);
    assert_int_equal(stage->pieces, 1);
    assert_int_equal(stage->piece_bytes, PIECE);
    assert_int_equal(request->http.head_length, BIG);
    stage_take(stage, 0);
    assert_int_equal(request->state, REQUEST_READING);
    stage_take(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_int_equal(stage->piece_bytes, SMALL);
    assert_int_equal(stage->taken_bytes, BIG);
    assert_int_equal(stage->metrics.streams, 1);
    stage_end(stage, 0);
    assert_int_equal(stage->metrics.streams, 0);
    assert_int_equal(stage->cuts, 0);
}

static void a_client_that_takes_nothing_is_cut_off(void **state)
{
    struct stage *stage = *state;
    struct request *request = ask(stage, "/big");
    uint64_t idle_ns = STAGE_IDLE_US * CLOCK_NS_PER_US;
    stage->taken_bytes += 1; /* it takes something, then no more */
    stage_turn(stage, stage->now_ns + idle_ns);
    assert_int_equal(request->state, REQUEST_READING);
    stage_turn(stage, stage->now_ns + idle_ns);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_string_equal(request->code, "stream_idle");
    assert_int_equal(stage->cuts, 1);
}

static void a_client_that_leaves_costs_nothing_more(void **state)
{
    struct stage *stage = *state;
    (void)ask(stage, "/big");
    stage_end(stage, 0);
    assert_int_equal(stage->metrics.client_gone, 1);
    assert_int_equal(stage->sent, 0);
}

static void an_answer_that_takes_too_long_is_cut(void **state)
{
    struct stage *stage = *state;
    struct request *request = ask(stage, "/big");
    stage->now_ns += STAGE_STREAM_US * CLOCK_NS_PER_US + 1;
    stage_take(stage, 0);
    assert_int_equal(request->state, REQUEST_ANSWERED);
    assert_string_equal(request->code, "deadline");
}

static void without_room_for_its_pieces_it_is_refused(void **state)
{
    struct stage *stage = *state;
    stage->is_full = true;
    assert_int_equal(ask(stage, "/big")->response.status, 503);
    assert_int_equal(stage->pieces, 0);
}

static void a_file_that_cannot_be_read_is_no_answer(void **state)
{
    struct stage *stage = *state;
    stage_log_begin();
    assert_int_equal(ask(stage, "/gone")->response.status, 503);
    stage_end(stage, 0);
    assert_int_equal(ask(stage, "/wrong")->response.status, 503);
    assert_int_equal(stage_log_count(stage_log_take(), "asset_failed"), 2);
}

static void what_is_not_there_is_told_by_the_server(void **state)
{
    struct stage *stage = *state;
    assert_string_equal(ask(stage, "/nothing")->code, "no_file");
    stage_end(stage, 0);
    stage->method = "POST";
    struct request *request = ask(stage, "/small");
    assert_int_equal(request->response.status, 405);
    assert_string_equal(header(request, "allow"), "GET, HEAD");
}

static void a_redirect_has_no_body(void **state)
{
    struct stage *stage = *state;
    struct request *request = ask(stage, "/old");
    assert_int_equal(request->response.status, 301);
    assert_string_equal(header(request, "location"), "/small");
    assert_int_equal(request->response.body.count, 0);
}

static void a_tenant_without_memory_is_told_so(void **state)
{
    struct stage *stage = *state;
    stage->must_yield = true;
    assert_string_equal(ask(stage, "/small")->code, "memory_busy");
}

static void a_function_with_a_module_answers_the_rest(void **state)
{
    struct stage *stage = *state;
    stage_site_has_module();
    (void)ask(stage, "/");
    stage_turn(stage, stage->now_ns);
    assert_int_equal(stage->checkouts, 1);
    stage_end(stage, 0);
    (void)ask(stage, "/small");
    assert_int_equal(stage->checkouts, 1);
}

#define ASSETS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        ASSETS_TEST(a_small_file_is_answered_at_once_and_without_a_guest),
        ASSETS_TEST(rules_change_what_the_server_says),
        ASSETS_TEST(a_head_has_the_length_and_no_body),
        ASSETS_TEST(a_large_file_goes_piece_by_piece),
        ASSETS_TEST(a_client_that_takes_nothing_is_cut_off),
        ASSETS_TEST(a_client_that_leaves_costs_nothing_more),
        ASSETS_TEST(an_answer_that_takes_too_long_is_cut),
        ASSETS_TEST(without_room_for_its_pieces_it_is_refused),
        ASSETS_TEST(a_file_that_cannot_be_read_is_no_answer),
        ASSETS_TEST(what_is_not_there_is_told_by_the_server),
        ASSETS_TEST(a_redirect_has_no_body),
        ASSETS_TEST(a_tenant_without_memory_is_told_so),
        ASSETS_TEST(a_function_with_a_module_answers_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
