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
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
