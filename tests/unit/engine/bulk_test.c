/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk operations longer than one chunk do the same as short ones, wherever they are
 * suspended, write nothing if the whole does not fit, and cost fuel by length.
 */
#include "engine/engine.h"
#include "tests/support/unit.h"
#include "tests/unit/engine/guest.h"

static int make_guest(void **state)
{
    static struct guest guest;
    guest = guest_load("engine_bulk", NULL);
    *state = &guest;
    return 0;
}

static int free_guest(void **state)
{
    guest_done(*state);
    return 0;
}

static uint32_t result_in_slices(struct guest *guest, const char *name, int64_t fuel)
{
    guest_begin(guest, name, NULL);
    assert_int_equal(guest_run(guest, fuel), ENGINE_DONE);
    return engine_call_results(guest->machine)[0].i32;
}

static void long_copies_over_themselves_keep_every_byte(void **state)
{
    uint32_t down = result_in_slices(*state, "copied_down", 1000000);
    uint32_t up = result_in_slices(*state, "copied_up", 1000000);
    static const int64_t slices[] = {1, 1000, 100000000};
    for (size_t i = 0; i < COUNT_OF(slices); i++) {
        assert_int_equal(result_in_slices(*state, "copy_down", slices[i]), down);
        assert_int_equal(result_in_slices(*state, "copy_up", slices[i]), up);
    }
}

static void a_long_fill_is_suspended_between_chunks(void **state)
{
    struct guest *guest = *state;
    guest_begin(guest, "fill", NULL);
    uint32_t slices = 1;
    enum engine_outcome outcome;
    while ((outcome = engine_run(guest->machine, 1000)) == ENGINE_OUT_OF_FUEL)
        slices++;
    assert_int_equal(outcome, ENGINE_DONE);
    assert_int_equal(engine_call_results(guest->machine)[0].i32, 18);
    /* 4,000,000 bytes in chunks of 64 KiB, each four slices' fuel. */
    assert_true(slices > 60);
}

static void a_fill_costs_fuel_by_its_length(void **state)
{
    struct guest *guest = *state;
    uint64_t fuel = engine_machine_fuel_used(guest->machine);
    uint64_t instructions = engine_machine_instructions(guest->machine);
    assert_int_equal(guest_call(guest, "fill", 0), 18);
    fuel = engine_machine_fuel_used(guest->machine) - fuel;
    instructions = engine_machine_instructions(guest->machine) - instructions;
    assert_int_equal(instructions, 9);
    /* One unit for 16 bytes, each chunk rounded down. */
    assert_int_equal(fuel - instructions, 4000000 / 16);
}

static void what_does_not_fit_as_a_whole_writes_nothing(void **state)
{
    static const char *const too_far[] = {"fill_too_far", "copy_too_far", "copy_from_too_far"};
    uint32_t before = (uint32_t)guest_call(*state, "first", 0);
    for (size_t i = 0; i < COUNT_OF(too_far); i++) {
        assert_int_equal(guest_trap(*state, too_far[i]).trap, TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(guest_call(*state, "first", 0), before);
    }
    assert_int_equal(guest_trap(*state, "table_too_far").trap, TRAP_TABLE_OUT_OF_BOUNDS);
}

static void long_table_operations_reach_both_ends(void **state)
{
    assert_int_equal(result_in_slices(*state, "table_fill", 10), 0);
    assert_int_equal(guest_trap(*state, "table_too_far").trap, TRAP_TABLE_OUT_OF_BOUNDS);
    assert_int_equal(result_in_slices(*state, "table_fill", 1000000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_copies_over_themselves_keep_every_byte, make_guest,
                                        free_guest),
        cmocka_unit_test_setup_teardown(a_long_fill_is_suspended_between_chunks, make_guest,
                                        free_guest),
        cmocka_unit_test_setup_teardown(a_fill_costs_fuel_by_its_length, make_guest, free_guest),
        cmocka_unit_test_setup_teardown(what_does_not_fit_as_a_whole_writes_nothing, make_guest,
                                        free_guest),
        cmocka_unit_test_setup_teardown(long_table_operations_reach_both_ends, make_guest,
                                        free_guest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
