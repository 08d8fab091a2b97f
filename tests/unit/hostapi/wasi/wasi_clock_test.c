/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks and random bytes: what they show, how finely, and that random bytes take turns.
 */
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static void expect_clock(uint32_t id, uint64_t ns)
{
    expect(wasi_clock_time_get, id, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), ns);
}

static void clocks_go_in_the_steps_that_the_operator_chose(void **state)
{
    (void)state;
    static const uint64_t steps_us[] = {1000, 1, 250000};
    for (size_t i = 0; i < COUNT_OF(steps_us); i++) {
        uint64_t step_ns = steps_us[i] * 1000;
        if (i > 0) /* the first is the default */
            fixture.limits.clock_resolution = steps_us[i];
        hostapi_run_begins(fixture.host);
        expect_clock(0, FIXTURE_REALTIME_NS / step_ns * step_ns);
        expect_clock(1, FIXTURE_MONOTONIC_NS / step_ns * step_ns);
        expect(wasi_clock_res_get, 1, 16, 0, 0, WASI_SUCCESS);
        assert_int_equal(u64(16), step_ns);
    }
}

static void clocks_stand_still_while_a_guest_runs(void **state)
{
    (void)state;
    fixture.limits.clock_resolution = 1;
    hostapi_run_begins(fixture.host);
    uint64_t realtime_ns = FIXTURE_REALTIME_NS / 1000 * 1000;
    uint64_t monotonic_ns = FIXTURE_MONOTONIC_NS / 1000 * 1000;
    expect_clock(0, realtime_ns);
    fixture.now_ns = 5000000;
    expect_clock(0, realtime_ns);
    expect_clock(1, monotonic_ns);
    hostapi_run_begins(fixture.host);
    expect_clock(1, monotonic_ns + 5000000);
    expect_clock(0, realtime_ns + 5000000);
}

static void cpu_clocks_count_fuel(void **state)
{
    (void)state;
    uint64_t used = engine_machine_fuel_used(fixture.machine);
    expect(wasi_clock_time_get, 2, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), used);
    expect(wasi_clock_time_get, 3, 1, 8, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), used);
    expect(wasi_clock_res_get, 2, 8, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(8), 1);
}

static void clocks_that_do_not_exist_are_invalid(void **state)
{
    (void)state;
    expect(wasi_clock_time_get, 4, 1, 8, 0, WASI_INVAL);
    expect(wasi_clock_time_get, 0xffffffff, 1, 8, 0, WASI_INVAL);
    expect(wasi_clock_res_get, 0xffffffff, 8, 0, 0, WASI_INVAL);
    expect(wasi_clock_time_get, 0, 1, PAGE_BYTES - 7, 0, WASI_FAULT);
}

static void random_bytes_fill_the_whole_buffer_and_no_more(void **state)
{
    (void)state;
    memset(memory(0), 0, 4096);
    expect(wasi_random_get, 64, 512, 0, 0, WASI_SUCCESS);
    uint32_t zeros = 0;
    for (uint32_t i = 64; i < 64 + 512; i++)
        zeros += *memory(i) == 0;
    assert_true(zeros < 40); /* 2 are expected */
    assert_int_equal(u64(56), 0);
    assert_int_equal(u64(576), 0);
    expect(wasi_random_get, 1, PAGE_BYTES, 0, 0, WASI_FAULT);
}

static void many_random_bytes_are_made_in_turns_and_paid_for_once(void **state)
{
    (void)state;
    /* A page is a turn: parked bytes are counted from where they stopped. */
    wasi_state(fixture.host)->random_done = 12345; /* of another call: forgotten */
    memset(memory(0), 0, PAGE_BYTES);
    expect(wasi_random_get, 0, PAGE_BYTES, 0, 0, WASI_SUCCESS);
    assert_true(u64(0) != 0 && u64(PAGE_BYTES - 8) != 0);
    assert_int_equal(wasi_state(fixture.host)->random_done, PAGE_BYTES);
    /* The next is a call of its own. */
    expect(wasi_random_get, 0, 16, 0, 0, WASI_SUCCESS);
    assert_int_equal(wasi_state(fixture.host)->random_done, 16);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(clocks_go_in_the_steps_that_the_operator_chose),
        TEST(clocks_stand_still_while_a_guest_runs),
        TEST(cpu_clocks_count_fuel),
        TEST(clocks_that_do_not_exist_are_invalid),
        TEST(random_bytes_fill_the_whole_buffer_and_no_more),
        TEST(many_random_bytes_are_made_in_turns_and_paid_for_once),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
