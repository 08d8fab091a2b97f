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
        changed = pulse_tick(pulse, serves, false, pulse->beats);
    return changed;
}

static void who_beats_is_well_for_ever(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    for (uint64_t i = 1; i < 1000; i++)
        assert_false(pulse_tick(&pulse, true, false, i));
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
    assert_true(pulse_tick(&pulse, true, false, 7));
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
    assert_false(pulse_tick(&pulse, false, false, 9));
    assert_true(pulse_tick(&pulse, true, false, 10));
    assert_int_equal(pulse.state, PULSE_WELL);
}

static void one_that_all_wait_for_is_given_up_sooner(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    assert_true(quiet(&pulse, PULSE_STALLED_TICKS, true));
    for (uint32_t i = PULSE_STALLED_TICKS + 1; i < PULSE_ALONE_TICKS; i++)
        assert_false(pulse_tick(&pulse, true, true, pulse.beats));
    assert_true(pulse_tick(&pulse, true, true, pulse.beats));
    assert_int_equal(pulse.state, PULSE_HUNG);
    /* Somebody is there again, but it was killed. */
    assert_false(pulse_tick(&pulse, true, false, pulse.beats));
    assert_int_equal(pulse.state, PULSE_HUNG);
    assert_true(pulse_tick(&pulse, false, false, pulse.beats));
    assert_int_equal(pulse.state, PULSE_STALLED);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_beats_is_well_for_ever),
        cmocka_unit_test(standing_still_stalls_and_then_hangs),
        cmocka_unit_test(one_that_all_wait_for_is_given_up_sooner),
        cmocka_unit_test(one_beat_makes_up_for_everything),
        cmocka_unit_test(who_only_starts_stalls_and_never_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
