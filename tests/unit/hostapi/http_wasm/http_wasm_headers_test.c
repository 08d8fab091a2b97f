/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header calls of http-wasm: lists, names, values, trailers.
 */
#include <stdio.h>

#include "tests/support/unit.h"
#include "tests/unit/hostapi/http_wasm/letters.h"

static void trailers_are_absent_and_cannot_be_set(void **state)
{
    (void)state;
    finish("/T");
    fault("/t", "trailers are not supported");
    fault("/k", "no such kind");
}

static void a_buffer_that_is_too_small_stays_untouched(void **state)
{
    (void)state;
    finish("/gT"); /* three bytes into two */
}

static void names_come_once_in_lower_case_and_begin_with_host(void **state)
{
    (void)state;
    fixture_next_exchange(&letters_fixture, "GET", "/n");
    fixture_add_header(&letters_fixture, "Accept", "a");
    fixture_add_header(&letters_fixture, "x-B", "b");
    fixture_add_header(&letters_fixture, "ACCEPT", "c");
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FINISHED);
    static const char want[] = "host\0accept\0x-b";
    assert_int_equal(letters_fixture.exchange.response_body.count, sizeof(want));
    assert_memory_equal(letters_fixture.exchange.response_body.data, want, sizeof(want));
}

static void names_of_many_headers_come_once_and_cost_by_their_bytes(void **state)
{
    (void)state;
    fixture_next_exchange(&letters_fixture, "GET", "/n");
    char name[16];
    for (uint32_t i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof(name), i % 2 == 0 ? "name-%u" : "NAME-%u", i % 300);
        fixture_add_header(&letters_fixture, name, "");
    }
    uint64_t before = engine_machine_fuel_used(letters_fixture.machine);
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FINISHED);
    assert_true(engine_machine_fuel_used(letters_fixture.machine) - before < 20000);
    struct bytes body = buffer_bytes(&letters_fixture.exchange.response_body);
    uint32_t count = 0;
    for (size_t i = 0; i < body.count; i++)
        count += body.data[i] == '\0';
    assert_int_equal(count, 301); /* and "host" */
    assert_memory_equal(body.data, "host\0name-0\0name-1\0name-2", 26);
}

static void values_may_be_written_over_the_name_that_asked_for_them(void **state)
{
    (void)state;
    fixture_next_exchange(&letters_fixture, "GET", "/v");
    fixture_add_header(&letters_fixture, "X-Name", "first value");
    fixture_add_header(&letters_fixture, "x-name", "second");
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FINISHED);
    static const char want[] = "first value\0second";
    assert_int_equal(letters_fixture.exchange.response_body.count, sizeof(want));
    assert_memory_equal(letters_fixture.exchange.response_body.data, want, sizeof(want));
}

static void headers_set_before_the_missing_next_handler_stay(void **state)
{
    (void)state;
    finish("/h/");
    assert_int_equal(letters_fixture.exchange.status, 404);
    fixture_assert_header(&letters_fixture, "x-name", "value");
}

static void a_name_is_neither_empty_nor_larger_than_a_head(void **state)
{
    (void)state;
    assert_int_equal(hostapi_begin(letters_fixture.host, letters_fixture.instance,
                                   &letters_fixture.exchange, &letters_fixture.report),
                     HOSTAPI_RUN);
    letters_fixture.limits.headers = 16;
    static http_wasm_handler *const handlers[] = {
        http_wasm_get_header_values, http_wasm_set_header_value, http_wasm_add_header_value,
        http_wasm_remove_header};
    for (size_t i = 0; i < COUNT_OF(handlers); i++) {
        trap(handlers[i], 0, LETTERS_FREE_ADDRESS, 0, "name of 0 bytes is empty");
        trap(handlers[i], 0, LETTERS_FREE_ADDRESS, 17, "name of 17 bytes is empty or larger");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, letters_setup, letters_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_neither_empty_nor_larger_than_a_head),
        TEST(trailers_are_absent_and_cannot_be_set),
        TEST(a_buffer_that_is_too_small_stays_untouched),
        TEST(names_come_once_in_lower_case_and_begin_with_host),
        TEST(names_of_many_headers_come_once_and_cost_by_their_bytes),
        TEST(values_may_be_written_over_the_name_that_asked_for_them),
        TEST(headers_set_before_the_missing_next_handler_stay),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
