/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call of rate limits, before counters that the test is.
 */
#include "hostapi/rate.h"
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static struct {
    uint32_t limit;
    uint64_t window_ms;
    int64_t left;
    uint32_t calls;
} counters;

static int64_t counters_take(
    void *owner, struct bytes tenant, struct bytes key, uint32_t limit, uint64_t window_ms)
{
    assert_ptr_equal(owner, &counters);
    assert_true(bytes_equal_text(tenant, "acme"));
    assert_int_equal(key.count, 4);
    counters.limit = limit;
    counters.window_ms = window_ms;
    counters.calls++;
    return counters.left;
}

static int setup(void **state)
{
    static const struct hostapi_rates rates = {.take = counters_take};
    static const struct hostapi_world world = {.rates = &rates};
    memset(&counters, 0, sizeof(counters));
    assert_int_equal(calls_setup(state), 0);
    fixture.exchange.world = &world;
    fixture.exchange.owner = &counters;
    fixture.exchange.tenant = bytes_of_text("acme");
    return 0;
}

static void
expect_answer(uint64_t at, uint64_t count, uint64_t limit, uint64_t window_ms, int answer)
{
    assert_int_equal(call(skerry_rate_limit, at, count, limit, window_ms), ENGINE_DONE);
    assert_int_equal((int32_t)slots[0].i32, answer);
}

static void what_is_left_is_answered_or_that_it_is_over(void **state)
{
    (void)state;
    counters.left = 7;
    expect_answer(0, 4, 8, 1000, 7);
    assert_int_equal(counters.limit, 8);
    assert_int_equal(counters.window_ms, 1000);
    counters.left = -1;
    expect_answer(0, 4, 8, 1000, SKERRY_LIMIT);
    fixture.exchange.world = NULL;
    expect_answer(0, 4, 8, 1000, SKERRY_UNAVAILABLE);
}

static void arguments_out_of_bounds_count_nothing(void **state)
{
    (void)state;
    expect_answer(0, 0, 8, 1000, SKERRY_INVALID);
    expect_answer(0, 257, 8, 1000, SKERRY_INVALID);
    expect_answer(0, 4, 0, 1000, SKERRY_INVALID);
    expect_answer(0, 4, UINT32_MAX, 1000, SKERRY_INVALID);
    expect_answer(0, 4, 8, 99, SKERRY_INVALID);
    expect_answer(0, 4, 8, 86400001, SKERRY_INVALID);
    expect_answer(0, 4, 8, UINT64_MAX, SKERRY_INVALID);
    assert_int_equal(call(skerry_rate_limit, PAGE_BYTES - 3, 4, 8, 1000), ENGINE_TRAPPED);
    assert_int_equal(counters.calls, 0);
}

UNIT
{
#define COUNTED(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)
    const struct CMUnitTest tests[] = {
        COUNTED(what_is_left_is_answered_or_that_it_is_over),
        COUNTED(arguments_out_of_bounds_count_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
