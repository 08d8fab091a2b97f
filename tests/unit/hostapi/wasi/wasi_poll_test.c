/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll_oneoff: what is waited for, and what is written when it came.
 */
#include "engine/run/machine.h"
#include "hostapi/hostcalls.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static void put_stream(uint32_t at, uint64_t userdata, uint8_t tag, uint32_t fd)
{
    memset(memory(at), 0, 48);
    guest_mem_store_u64(memory(at), userdata);
    *memory(at + 8) = tag;
    guest_mem_store_u32(memory(at + 16), fd);
}

/* When a clock of microseconds shows that so much time has passed since the test began. */
static uint64_t shown(uint64_t ns)
{
    return (FIXTURE_MONOTONIC_NS + ns + 999) / 1000 * 1000;
}

static int fine_setup(void **state)
{
    int failed = calls_setup(state);
    fixture.limits.clock_resolution = 1;
    return failed;
}

static void poll_waits_until_the_guests_own_clock_shows_it(void **state)
{
    (void)state;
    fixture.limits.clock_resolution = 1000;
    put_clock(0, 1, 1, 1, 0); /* a nanosecond */
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    uint64_t until_ns = hostapi_waits_until_ns(hostapi_waits(fixture.host));
    assert_int_equal(until_ns, FIXTURE_MONOTONIC_NS / 1000000 * 1000000 + 1000000);
    fixture.now_ns = until_ns - FIXTURE_MONOTONIC_NS - 1;
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    fixture.now_ns++;
    expect(wasi_poll_oneoff, 0, 200, 1, 300, WASI_SUCCESS);
    put_clock(0, 1, 1, 0, 0); /* only to look */
    expect(wasi_poll_oneoff, 0, 200, 1, 300, WASI_SUCCESS);
}

static void poll_waits_for_the_earliest_clock(void **state)
{
    (void)state;
    put_clock(0, 1, 1, 9000, 0);
    put_clock(48, 2, 1, 5000, 0);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), shown(5000));
    assert_int_equal(slots[2].bits, 2); /* arguments untouched: it is called again with them */
    fixture.now_ns = 4999;
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    fixture.now_ns = shown(5000) - FIXTURE_MONOTONIC_NS;
    expect(wasi_poll_oneoff, 0, 200, 2, 300, WASI_SUCCESS);
    assert_int_equal(u32(300), 1);
    assert_int_equal(u64(200), 2);
    assert_int_equal(u64(208), 0);
    /* the next poll counts anew */
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), shown(5000) + 5000);
}

static void poll_understands_absolute_times(void **state)
{
    (void)state;
    put_clock(0, 1, 0, FIXTURE_REALTIME_NS + 7544, 1);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    uint64_t wait_ns = hostapi_waits_until_ns(hostapi_waits(fixture.host)) - FIXTURE_MONOTONIC_NS;
    assert_true(wait_ns >= 7544 && wait_ns < 9000);
    fixture.now_ns = wait_ns;
    expect(wasi_poll_oneoff, 0, 200, 1, 300, WASI_SUCCESS);
    put_clock(0, 1, 1, 5, 1); /* long ago */
    expect(wasi_poll_oneoff, 0, 200, 1, 300, WASI_SUCCESS);
}

static void poll_never_overflows_into_the_past(void **state)
{
    (void)state;
    put_clock(0, 1, 1, UINT64_MAX, 0);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), UINT64_MAX);
}

static void poll_answers_streams_at_once(void **state)
{
    (void)state;
    fixture.exchange.request_body = bytes_of_text("12345");
    put_clock(0, 1, 1, 1000000, 0);
    put_stream(48, 2, 1, 0);
    put_stream(96, 3, 2, 1);
    put_stream(144, 4, 2, 9);
    put_stream(192, 5, 1, 2);
    put_stream(240, 6, 7, 0);
    expect(wasi_poll_oneoff, 0, 1000, 6, 300, WASI_SUCCESS);
    assert_int_equal(u32(300), 5);
    assert_int_equal(u64(1000), 2);
    assert_int_equal(guest_mem_load_u16(memory(1008)), WASI_SUCCESS);
    assert_int_equal(*memory(1010), 1);
    assert_int_equal(u64(1016), 5);
    assert_int_equal(u64(1032), 3);
    assert_int_equal(guest_mem_load_u16(memory(1064 + 8)), WASI_BADF);
    assert_int_equal(guest_mem_load_u16(memory(1096 + 8)), WASI_BADF);
    assert_int_equal(guest_mem_load_u16(memory(1128 + 8)), WASI_INVAL);
}

static void poll_says_hangup_at_the_bodys_end(void **state)
{
    (void)state;
    put_stream(0, 2, 1, 0);
    expect(wasi_poll_oneoff, 0, 1000, 1, 300, WASI_SUCCESS);
    assert_int_equal(guest_mem_load_u16(memory(1024)), 1);
}

static void poll_of_nothing_or_of_too_much_is_invalid(void **state)
{
    (void)state;
    expect(wasi_poll_oneoff, 0, 200, 0, 300, WASI_INVAL);
    expect(wasi_poll_oneoff, 0, 200, 0xffffffff, 300, WASI_INVAL);
    expect(wasi_poll_oneoff, PAGE_BYTES - 47, 200, 1, 300, WASI_FAULT);
    expect(wasi_poll_oneoff, 0, PAGE_BYTES - 31, 1, 300, WASI_FAULT);
    expect(wasi_poll_oneoff, 0, 200, 1, PAGE_BYTES - 3, WASI_FAULT);
}

static void events_may_lie_over_their_subscriptions(void **state)
{
    (void)state;
    put_stream(0, UINT64_C(0x1122334455667788), 2, 1);
    expect(wasi_poll_oneoff, 0, 4, 1, 300, WASI_SUCCESS);
    assert_int_equal(u64(4), UINT64_C(0x1122334455667788));
    assert_int_equal(u32(12), 2 << 16); /* no error, and the kind */
    assert_int_equal(u32(300), 1);
}

static void each_subscription_costs_once(void **state)
{
    (void)state;
    put_clock(0, 1, 1, 9000, 0);
    put_clock(48, 2, 1, 9000, 0);
    uint64_t before = fixture.machine->fuel_host;
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 300), ENGINE_PENDING);
    assert_int_equal(fixture.machine->fuel_host - before, 2 * HOSTCALLS_FUEL_PER_ROW);
}

static void the_old_poll_has_its_fields_later(void **state)
{
    (void)state;
    memset(memory(0), 0, 56);
    guest_mem_store_u64(memory(16), 99); /* repeats the userdata there */
    guest_mem_store_u32(memory(24), 1);
    guest_mem_store_u64(memory(32), 5000);
    assert_int_equal(call(wasi_poll_oneoff_p0, 0, 200, 1, 300), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), shown(5000));
}

static void a_stdin_of_which_more_is_to_come_is_waited_for(void **state)
{
    (void)state;
    struct http_exchange *exchange = &fixture.exchange;
    exchange->request_body_is_coming = true;
    put_clock(0, 7, 1, UINT64_C(1000000000), 0);
    memset(memory(48), 0, 48);
    *memory(48 + 8) = 1; /* fd_read of stdin */
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 2, 400), ENGINE_PENDING);
    const struct hostapi_waits *waits = hostapi_waits(fixture.host);
    assert_int_equal(waits->count, 2);
    assert_true(hostapi_waits_for(waits, HOSTAPI_WAIT_BODY));
    assert_true(hostapi_waits_until_ns(waits) < UINT64_MAX);
    fixture.host->request.resumed = true;
    exchange->request_body = bytes_of_text("0123");
    expect(wasi_poll_oneoff, 0, 200, 2, 400, WASI_SUCCESS);
    assert_int_equal(u32(400), 1);
    assert_int_equal(u64(200 + 16), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fine_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(poll_waits_until_the_guests_own_clock_shows_it),
        TEST(poll_waits_for_the_earliest_clock),
        TEST(poll_understands_absolute_times),
        TEST(poll_never_overflows_into_the_past),
        TEST(poll_answers_streams_at_once),
        TEST(poll_says_hangup_at_the_bodys_end),
        TEST(poll_of_nothing_or_of_too_much_is_invalid),
        TEST(events_may_lie_over_their_subscriptions),
        TEST(each_subscription_costs_once),
        TEST(the_old_poll_has_its_fields_later),
        TEST(a_stdin_of_which_more_is_to_come_is_waited_for),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
