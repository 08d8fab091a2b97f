/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles of the native API, in a world whose operations the test completes.
 */
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

#define MS      UINT64_C(1000000)
#define TICKETS (HOSTAPI_OPERATIONS_MAX + 2)
#define FOREVER UINT64_MAX
#define HANDLES 64 /* where they lie */

static enum hostapi_look looks[TICKETS];
static uint32_t ends[TICKETS];

static enum hostapi_look look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    assert_ptr_equal(owner, looks);
    *ret_result = 0;
    return looks[ticket];
}

static void end(void *owner, uint64_t ticket)
{
    assert_ptr_equal(owner, looks);
    ends[ticket]++;
}

static int setup(void **state)
{
    static const struct hostapi_operations operations = {.look = look, .end = end};
    static const struct hostapi_world world = {.operations = &operations};
    memset(looks, 0, sizeof(looks));
    memset(ends, 0, sizeof(ends));
    assert_int_equal(calls_setup(state), 0);
    fixture.exchange.world = &world;
    fixture.exchange.owner = looks;
    return 0;
}

static uint32_t open_handle(uint64_t ticket)
{
    int32_t number = skerry_handle_open(fixture.host, SKERRY_HANDLE_KV, ticket);
    assert_true(number >= 0);
    return (uint32_t)number;
}

static int32_t close_handle(uint32_t number)
{
    assert_int_equal(call(skerry_handle_close, number, 0, 0, 0), ENGINE_DONE);
    return (int32_t)slots[0].i32;
}

/* Handles that were put; the answer is slots[0]. */
static enum engine_outcome wait_for(uint32_t count, uint64_t timeout_ms)
{
    return call(skerry_wait, HANDLES, count, timeout_ms, 0);
}

static void put(uint32_t at, uint32_t number)
{
    guest_mem_store_u32(memory(HANDLES + 4 * at), number);
}

static void expect_wait(uint32_t count, uint64_t timeout_ms, int32_t answer)
{
    assert_int_equal(wait_for(count, timeout_ms), ENGINE_DONE);
    assert_int_equal((int32_t)slots[0].i32, answer);
}

static void a_handle_is_closed_once_and_its_operation_ended(void **state)
{
    (void)state;
    assert_int_equal(close_handle(0), SKERRY_INVALID);
    uint32_t first = open_handle(1);
    uint32_t second = open_handle(2);
    assert_int_not_equal(first, second);
    assert_int_equal(close_handle(first), 0);
    assert_int_equal(ends[1], 1);
    assert_int_equal(close_handle(first), SKERRY_INVALID);
    /* The next one in its row has another number. */
    uint32_t third = open_handle(3);
    assert_int_not_equal(third, first);
    assert_int_equal(close_handle(first), SKERRY_INVALID);
    assert_int_equal(ends[3], 0);
    assert_non_null(skerry_handle_find(fixture.host, SKERRY_HANDLE_KV, third));
    assert_null(skerry_handle_find(fixture.host, SKERRY_HANDLE_FETCH, third));
    assert_int_equal(close_handle(UINT32_MAX), SKERRY_INVALID);
}

static void a_request_has_so_many_handles_and_no_more(void **state)
{
    (void)state;
    uint32_t last = 0;
    for (uint32_t i = 0; i < HOSTAPI_OPERATIONS_MAX; i++)
        last = open_handle(i);
    assert_int_equal(skerry_handle_open(fixture.host, SKERRY_HANDLE_KV, HOSTAPI_OPERATIONS_MAX),
                     SKERRY_LIMIT);
    assert_int_equal(ends[HOSTAPI_OPERATIONS_MAX], 1);
    assert_int_equal(close_handle(last), 0);
    open_handle(HOSTAPI_OPERATIONS_MAX + 1);
}

static void waiting_answers_with_the_first_that_is_ready(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        put(i, open_handle(i));
    expect_wait(3, 0, SKERRY_TIMEOUT);
    looks[2] = HOSTAPI_READY;
    expect_wait(3, FOREVER, 2);
    looks[1] = HOSTAPI_OVER; /* so there is nothing to wait for */
    expect_wait(3, 5, 1);
}

static void waiting_parks_until_an_event_or_the_time_is_over(void **state)
{
    (void)state;
    put(0, open_handle(0));
    assert_int_equal(wait_for(1, 5), ENGINE_PENDING);
    const struct hostapi_waits *waits = hostapi_waits(fixture.host);
    assert_true(hostapi_waits_for(waits, HOSTAPI_WAIT_EVENT));
    uint64_t tick_ns = fixture.limits.clock_resolution * 1000;
    uint64_t until_ns = (FIXTURE_MONOTONIC_NS + 5 * MS + tick_ns - 1) / tick_ns * tick_ns;
    assert_int_equal(hostapi_waits_until_ns(waits), until_ns);
    /* Woken by something else: the time is still counted from the first call. */
    fixture.now_ns = 2 * MS;
    assert_int_equal(wait_for(1, 5), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), until_ns);
    fixture.now_ns = until_ns - FIXTURE_MONOTONIC_NS;
    expect_wait(1, 5, SKERRY_TIMEOUT);
    assert_int_equal(wait_for(1, FOREVER), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), UINT64_MAX);
    looks[0] = HOSTAPI_READY;
    expect_wait(1, FOREVER, 0);
}

static void waiting_for_nothing_is_sleeping(void **state)
{
    (void)state;
    assert_int_equal(wait_for(0, 1), ENGINE_PENDING);
    assert_false(hostapi_waits_for(hostapi_waits(fixture.host), HOSTAPI_WAIT_EVENT));
    fixture.now_ns = 3 * MS;
    expect_wait(0, 1, SKERRY_TIMEOUT);
    expect_wait(0, FOREVER, SKERRY_INVALID);
    assert_int_equal(wait_for(0, INT64_MAX), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), UINT64_MAX);
}

static void handles_that_are_none_are_refused_before_any_wait(void **state)
{
    (void)state;
    put(0, 77);
    expect_wait(1, FOREVER, SKERRY_INVALID);
    put(0, open_handle(0));
    put(1, 77);
    looks[0] = HOSTAPI_READY;
    expect_wait(2, FOREVER, SKERRY_INVALID);
    expect_wait(HOSTAPI_OPERATIONS_MAX + 1, FOREVER, SKERRY_INVALID);
    expect_wait(UINT32_MAX, FOREVER, SKERRY_INVALID);
    assert_int_equal(call(skerry_wait, PAGE_BYTES - 4, 2, 0, 0), ENGINE_TRAPPED);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_handle_is_closed_once_and_its_operation_ended),
        IN_WORLD(a_request_has_so_many_handles_and_no_more),
        IN_WORLD(waiting_answers_with_the_first_that_is_ready),
        IN_WORLD(waiting_parks_until_an_event_or_the_time_is_over),
        IN_WORLD(waiting_for_nothing_is_sleeping),
        IN_WORLD(handles_that_are_none_are_refused_before_any_wait),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
