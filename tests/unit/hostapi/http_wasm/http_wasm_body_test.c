/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of http-wasm: read as streams, written by pieces, bounded.
 */
#include "tests/support/unit.h"
#include "tests/unit/hostapi/http_wasm/letters.h"

static void bodies_are_read_as_streams(void **state)
{
    (void)state;
    fixture_next_exchange(&letters_fixture, "POST", "/2q");
    letters_fixture.exchange.request_body = bytes_of_text("0123456");
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FINISHED);
    fixture_assert_body(&letters_fixture, "23456");
    fault("/z", "a buffer of 0 bytes");
}

static void a_request_body_can_be_replaced_and_read_again(void **state)
{
    (void)state;
    fixture_next_exchange(&letters_fixture, "POST", "/2WWq");
    letters_fixture.exchange.request_body = bytes_of_text("0123456");
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FINISHED);
    fixture_assert_body(&letters_fixture, "bodybody");
    hostapi_host_reset(letters_fixture.host);
    assert_int_equal(letters_fixture.exchange.request_body.count, 0);
}

static void writes_of_one_phase_append(void **state)
{
    (void)state;
    finish("/www");
    fixture_assert_body(&letters_fixture, "bodybodybody");
}

static void a_response_over_the_limit_is_at_fault(void **state)
{
    (void)state;
    letters_fixture.limits.response = 1024;
    fixture_next_exchange(&letters_fixture, "GET", "/qw");
    char body[1021];
    memset(body, 'x', sizeof(body));
    letters_fixture.exchange.request_body = bytes_make(body, sizeof(body));
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FAULT);
    assert_non_null(strstr(letters_fixture.report.text, "limits.response (1024)"));
}

static void a_body_written_before_the_missing_next_handler_stays(void **state)
{
    (void)state;
    finish("/w/");
    assert_int_equal(letters_fixture.exchange.status, 404);
    fixture_assert_body(&letters_fixture, "body");
}

static void there_are_two_bodies(void **state)
{
    (void)state;
    assert_int_equal(hostapi_begin(letters_fixture.host, letters_fixture.instance,
                                   &letters_fixture.exchange, &letters_fixture.report),
                     HOSTAPI_RUN);
    static const uint32_t kinds[] = {HTTP_WASM_BODY_KIND_COUNT, 1000, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        trap(http_wasm_read_body, kinds[i], LETTERS_FREE_ADDRESS, 8, "no such kind of body");
        trap(http_wasm_write_body, kinds[i], LETTERS_FREE_ADDRESS, 8, "no such kind of body");
    }
}

/* ---- a response that goes out in pieces ------------------------------------------------------ */

/* Takes pieces whenever the guest waits; what they were comes to `pieces`, each with a bar. */
static enum hostapi_step stream(const char *uri, struct buffer *pieces)
{
    struct http_exchange *exchange = &letters_fixture.exchange;
    fixture_next_exchange(&letters_fixture, "GET", uri);
    letters_fixture.limits.stream_buffer = 3;
    exchange->may_stream = true;
    enum hostapi_step step = hostapi_begin(letters_fixture.host, letters_fixture.instance, exchange,
                                           &letters_fixture.report);
    while (step == HOSTAPI_RUN) {
        enum engine_outcome outcome = engine_run(letters_fixture.machine, 1000000);
        if (outcome == ENGINE_TRAPPED)
            return hostapi_trapped(letters_fixture.host, &letters_fixture.report);
        if (outcome == ENGINE_DONE) {
            step = hostapi_next(letters_fixture.host, &letters_fixture.report);
            continue;
        }
        assert_int_equal(outcome, ENGINE_PENDING);
        assert_true(hostapi_waits_for(hostapi_waits(letters_fixture.host), HOSTAPI_WAIT_ROOM));
        if (!exchange->response_begun)
            assert_true(http_exchange_begin_response(exchange));
        assert_int_equal(
            buffer_append(pieces, exchange->response_body.data, exchange->response_body.count),
            STATUS_OK);
        assert_int_equal(buffer_append(pieces, "|", 1), STATUS_OK);
        exchange->response_sent += exchange->response_body.count;
        exchange->response_body.count = 0;
    }
    return step;
}

static void a_write_waits_until_all_of_it_is_taken(void **state)
{
    (void)state;
    struct buffer pieces;
    buffer_init(&pieces, 1000);
    assert_int_equal(stream("/hww", &pieces), HOSTAPI_FINISHED);
    assert_true(bytes_equal_text(buffer_bytes(&pieces), "bod|ybo|"));
    fixture_assert_body(&letters_fixture, "dy");
    fixture_assert_header(&letters_fixture, "x-name", "value");
    buffer_done(&pieces);
}

static void who_buffers_the_response_does_not_stream_it(void **state)
{
    (void)state;
    struct buffer pieces;
    buffer_init(&pieces, 1000);
    assert_int_equal(stream("/fwwh", &pieces), HOSTAPI_FINISHED);
    assert_int_equal(pieces.count, 0);
    fixture_assert_body(&letters_fixture, "bodybody");
    fixture_assert_header(&letters_fixture, "x-name", "value");
    buffer_done(&pieces);
}

static void a_head_that_is_out_is_closed_to_changes_buffered_or_not(void **state)
{
    (void)state;
    static const char *const uris[] = {"/wfh", "/wfs", "/wfr"};
    for (size_t i = 0; i < COUNT_OF(uris); i++) {
        struct buffer pieces;
        buffer_init(&pieces, 1000);
        assert_int_equal(stream(uris[i], &pieces), HOSTAPI_FAULT);
        assert_non_null(strstr(letters_fixture.report.text, "the response began"));
        buffer_done(&pieces);
    }
}

static void a_read_waits_for_a_body_that_is_coming(void **state)
{
    (void)state;
    struct http_exchange *exchange = &letters_fixture.exchange;
    fixture_next_exchange(&letters_fixture, "POST", "/2q");
    exchange->request_body_is_coming = true;
    exchange->request_body = bytes_of_text("01");
    assert_int_equal(hostapi_begin(letters_fixture.host, letters_fixture.instance, exchange,
                                   &letters_fixture.report),
                     HOSTAPI_RUN);
    assert_int_equal(engine_run(letters_fixture.machine, 1000000), ENGINE_PENDING);
    assert_true(hostapi_waits_for(hostapi_waits(letters_fixture.host), HOSTAPI_WAIT_BODY));
    exchange->request_body = bytes_of_text("0123");
    exchange->request_body_is_coming = false;
    assert_int_equal(engine_run(letters_fixture.machine, 1000000), ENGINE_DONE);
    assert_int_equal(hostapi_next(letters_fixture.host, &letters_fixture.report), HOSTAPI_FINISHED);
    fixture_assert_body(&letters_fixture, "23");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, letters_setup, letters_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(there_are_two_bodies),
        TEST(bodies_are_read_as_streams),
        TEST(a_request_body_can_be_replaced_and_read_again),
        TEST(writes_of_one_phase_append),
        TEST(a_response_over_the_limit_is_at_fault),
        TEST(a_body_written_before_the_missing_next_handler_stays),
        TEST(a_write_waits_until_all_of_it_is_taken),
        TEST(who_buffers_the_response_does_not_stream_it),
        TEST(a_head_that_is_out_is_closed_to_changes_buffered_or_not),
        TEST(a_read_waits_for_a_body_that_is_coming),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
