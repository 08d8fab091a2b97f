/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a worker counts as standing still: by ticks, not by any clock.
 */
#include "engine/base/macros.h"
#include "server/control/pulse.h"
#include "tests/support/unit.h"

/* True if its state changed in the last of these ticks. */
static bool quiet(struct pulse *pulse, uint32_t ticks, bool serves)
{
    bool changed = false;
    for (uint32_t i = 0; i < ticks; i++)
        changed = pulse_tick(pulse, serves, false, pulse->beats, 0);
    return changed;
}

static void who_beats_is_well_for_ever(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    for (uint64_t i = 1; i < 1000; i++)
        assert_false(pulse_tick(&pulse, true, false, i, 0));
    assert_int_equal(pulse.state, PULSE_WELL);
}

static void standing_still_stalls_and_then_hangs(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    assert_false(quiet(&pulse, PULSE_STALLED_TICKS - 1, true));
    assert_int_equal(pulse.state, PULSE_WELL);
    assert_true(quiet(&pulse, 1, true));
    assert_int_equal(pulse.state, PULSE_STALLED);
    assert_false(quiet(&pulse, PULSE_HUNG_TICKS - PULSE_STALLED_TICKS - 1, true));
    assert_true(quiet(&pulse, 1, true));
    assert_int_equal(pulse.state, PULSE_HUNG);
    assert_false(quiet(&pulse, 1000, true));
}

static void one_beat_makes_up_for_everything(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    assert_true(quiet(&pulse, PULSE_STALLED_TICKS, true));
    assert_true(pulse_tick(&pulse, true, false, 7, 0));
    assert_int_equal(pulse.state, PULSE_WELL);
    assert_false(quiet(&pulse, PULSE_STALLED_TICKS - 1, true));
}

static void who_only_starts_stalls_and_never_hangs(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    assert_true(quiet(&pulse, PULSE_STALLED_TICKS, false));
    assert_int_equal(pulse.state, PULSE_STALLED);
    assert_false(quiet(&pulse, 10 * PULSE_HUNG_TICKS, false));
    assert_int_equal(pulse.state, PULSE_STALLED);
    /* Beats of one that has not said that it is ready are not heard. */
    assert_false(pulse_tick(&pulse, false, false, 9, 0));
    assert_true(pulse_tick(&pulse, true, false, 10, 0));
    assert_int_equal(pulse.state, PULSE_WELL);
}

static void one_that_all_wait_for_is_given_up_sooner(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    assert_true(quiet(&pulse, PULSE_STALLED_TICKS, true));
    for (uint32_t i = PULSE_STALLED_TICKS + 1; i < PULSE_ALONE_TICKS; i++)
        assert_false(pulse_tick(&pulse, true, true, pulse.beats, 0));
    assert_true(pulse_tick(&pulse, true, true, pulse.beats, 0));
    assert_int_equal(pulse.state, PULSE_HUNG);
    /* Somebody is there again, but it was killed. */
    assert_false(pulse_tick(&pulse, true, false, pulse.beats, 0));
    assert_int_equal(pulse.state, PULSE_HUNG);
    assert_true(pulse_tick(&pulse, false, false, pulse.beats, 0));
    assert_int_equal(pulse.state, PULSE_STALLED);
}

static void waiting_for_a_processor_stalls_and_hardly_hangs(void **state)
{
    (void)state;
    const uint64_t tick_ns = UINT64_C(1000000) * PULSE_TICK_MS;
    struct pulse pulse = {0};
    uint64_t waited_ns = 0;
    for (uint32_t i = 1; i < 10 * PULSE_HUNG_TICKS; i++)
        (void)pulse_tick(&pulse, true, false, 0, waited_ns += tick_ns);
    assert_int_equal(pulse.state, PULSE_STALLED);
    assert_true(pulse_tick(&pulse, true, false, 0, waited_ns += tick_ns));
    assert_int_equal(pulse.state, PULSE_HUNG);
}

static void half_a_processor_is_half_the_time(void **state)
{
    (void)state;
    const uint64_t tick_ns = UINT64_C(1000000) * PULSE_TICK_MS;
    struct pulse pulse = {0};
    uint64_t waited_ns = 0;
    for (uint32_t i = 1; i < 2 * PULSE_HUNG_TICKS; i++)
        (void)pulse_tick(&pulse, true, false, 0, waited_ns += tick_ns / 2);
    assert_int_equal(pulse.state, PULSE_STALLED);
    /* A kernel that does not say it any more: nothing was waited for. */
    assert_true(pulse_tick(&pulse, true, false, 0, 0));
    assert_int_equal(pulse.state, PULSE_HUNG);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_beats_is_well_for_ever),
        cmocka_unit_test(standing_still_stalls_and_then_hangs),
        cmocka_unit_test(waiting_for_a_processor_stalls_and_hardly_hangs),
        cmocka_unit_test(half_a_processor_is_half_the_time),
        cmocka_unit_test(one_that_all_wait_for_is_given_up_sooner),
        cmocka_unit_test(one_beat_makes_up_for_everything),
        cmocka_unit_test(who_only_starts_stalls_and_never_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
