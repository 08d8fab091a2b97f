/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer heap: order, moving, clearing, and what fires while firing.
 */
#include "server/request/turns/timers.h"
#include "tests/support/unit.h"

#define MANY 1000

struct fixture {
    struct timers_timer timers[MANY];
    struct timers heap;
};

static uint64_t fired_at[MANY];
static uint32_t fired_count;

static void record(struct timers_timer *timer)
{
    assert_int_equal(timer->position, 0);
    fired_at[fired_count++] = timer->at_ns;
}

static void setup(struct fixture *fixture, uint32_t count)
{
    *fixture = (struct fixture){0};
    fired_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(timers_reserve(&fixture->heap));
        fixture->timers[i].fire = record;
    }
}

static uint64_t scrambled(uint32_t i)
{
    return (i * 7919u) % 1009u;
}

static void timers_fire_in_order_and_only_when_due(void **state)
{
    (void)state;
    static struct fixture fixture;
    setup(&fixture, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        timers_set(&fixture.heap, &fixture.timers[i], scrambled(i));
    timers_run(&fixture.heap, 499, MANY);
    for (uint32_t i = 0; i < fired_count; i++) {
        assert_true(fired_at[i] <= 499);
        assert_true(i == 0 || fired_at[i - 1] <= fired_at[i]);
    }
    assert_true(timers_next_ns(&fixture.heap) > 499);
    timers_run(&fixture.heap, UINT64_MAX, MANY);
    assert_int_equal(fired_count, MANY);
    assert_true(timers_next_ns(&fixture.heap) == UINT64_MAX);
    timers_done(&fixture.heap);
}

static void a_timer_moves_when_it_is_set_again(void **state)
{
    (void)state;
    static struct fixture fixture;
    setup(&fixture, 3);
    timers_set(&fixture.heap, &fixture.timers[0], 10);
    timers_set(&fixture.heap, &fixture.timers[1], 20);
    timers_set(&fixture.heap, &fixture.timers[2], 30);
    timers_set(&fixture.heap, &fixture.timers[0], 40);
    timers_set(&fixture.heap, &fixture.timers[2], 5);
    timers_run(&fixture.heap, 100, MANY);
    assert_int_equal(fired_count, 3);
    assert_int_equal(fired_at[0], 5);
    assert_int_equal(fired_at[1], 20);
    assert_int_equal(fired_at[2], 40);
    timers_done(&fixture.heap);
}

static void cleared_timers_do_not_fire_and_the_rest_stays_in_order(void **state)
{
    (void)state;
    static struct fixture fixture;
    setup(&fixture, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        timers_set(&fixture.heap, &fixture.timers[i], scrambled(i));
    for (uint32_t i = 0; i < MANY; i += 3) {
        timers_clear(&fixture.heap, &fixture.timers[i]);
        timers_clear(&fixture.heap, &fixture.timers[i]);
    }
    timers_run(&fixture.heap, UINT64_MAX, MANY);
    assert_int_equal(fired_count, MANY - (MANY + 2) / 3);
    for (uint32_t i = 1; i < fired_count; i++)
        assert_true(fired_at[i - 1] <= fired_at[i]);
    timers_done(&fixture.heap);
}

static struct timers *again_heap;

static void set_again(struct timers_timer *timer)
{
    fired_count++;
    timers_set(again_heap, timer, timer->at_ns);
}

static void a_timer_that_sets_itself_cannot_hold_the_loop(void **state)
{
    (void)state;
    static struct fixture fixture;
    setup(&fixture, 1);
    again_heap = &fixture.heap;
    fixture.timers[0].fire = set_again;
    timers_set(&fixture.heap, &fixture.timers[0], 1);
    timers_run(&fixture.heap, 2, 7);
    assert_int_equal(fired_count, 7);
    timers_clear(&fixture.heap, &fixture.timers[0]);
    timers_done(&fixture.heap);
}

static void there_are_no_more_than_a_million(void **state)
{
    (void)state;
    struct timers heap = {0};
    for (uint32_t i = 0; i < 1u << 20; i++)
        assert_true(timers_reserve(&heap));
    assert_false(timers_reserve(&heap));
    timers_release(&heap);
    assert_true(timers_reserve(&heap));
    timers_done(&heap);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_only_when_due),
        cmocka_unit_test(a_timer_moves_when_it_is_set_again),
        cmocka_unit_test(cleared_timers_do_not_fire_and_the_rest_stays_in_order),
        cmocka_unit_test(a_timer_that_sets_itself_cannot_hold_the_loop),
        cmocka_unit_test(there_are_no_more_than_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
