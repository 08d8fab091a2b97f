/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic instructions where nothing is shared: what they leave in memory, what traps, what is
 * marked dirty, what they cost. Each width of each is in the official suite's
 * (tests/spec/atomic.py).
 */
#include "engine/run/instance.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/unit/engine/guest.h"

static int setup(void **state)
{
    static struct guest guest;
    guest = guest_load("engine_atomic", NULL);
    *state = &guest;
    return 0;
}

static int teardown(void **state)
{
    guest_done(*state);
    return 0;
}

static uint64_t call(struct guest *guest, const char *name, const union engine_value *arguments)
{
    assert_int_equal(guest_go(guest, name, arguments), ENGINE_DONE);
    return engine_call_results(guest->machine)[0].bits;
}

static void assert_trap(struct guest *guest, const char *name, uint32_t at, enum engine_trap trap)
{
    union engine_value arguments[GUEST_ROW_ARGUMENTS] = {I32(at)};
    if (guest_go(guest, name, arguments) != ENGINE_TRAPPED)
        fail_msg("%s does not trap", name);
    assert_int_equal(engine_machine_trap(guest->machine).trap, trap);
    engine_call_cancel(guest->machine);
}

static void what_was_there_comes_back_and_the_result_is_stored(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(call(guest, "add", (const union engine_value[]){I32(0), I32(-1)}), 0);
    assert_int_equal(call(guest, "add", (const union engine_value[]){I32(0), I32(2)}), UINT32_MAX);
    assert_int_equal(call(guest, "load", (const union engine_value[]){I32(0)}), 1);
    assert_int_equal(call(guest, "add16", (const union engine_value[]){I32(0), I64(-2)}), 0);
    assert_int_equal(call(guest, "add16", (const union engine_value[]){I32(0), I64(3)}), 0xfffe);
    assert_int_equal(call(guest, "load", (const union engine_value[]){I32(0)}), 0x10001);
    assert_int_equal(call(guest, "swap_if", (const union engine_value[]){I32(3), I32(1), I32(9)}),
                     0);
    assert_int_equal(call(guest, "load", (const union engine_value[]){I32(0)}), 0x10001);
    /* Of what is expected only the memory's width counts. */
    assert_int_equal(
        call(guest, "swap_if", (const union engine_value[]){I32(2), I32(0x701), I32(0x1ff)}), 1);
    assert_int_equal(call(guest, "load", (const union engine_value[]){I32(0)}), 0xff0001);
    assert_int_equal(call(guest, "other", (const union engine_value[]){I64(65528), I64(7)}), 0);
    assert_int_equal(call(guest, "other", (const union engine_value[]){I64(65528), I64(8)}), 7);
}

static void addresses_must_be_inside_and_aligned(void **state)
{
    struct guest *guest = *state;
    static const char *const names[] = {"add", "add16", "store", "load", "wait", "notify"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_trap(guest, names[i], 1, TRAP_UNALIGNED_ATOMIC);
        assert_trap(guest, names[i], 65536, TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(guest, names[i], UINT32_MAX, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    assert_trap(guest, "load", 65532, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_trap(guest, "swap_if", 65536, TRAP_MEMORY_OUT_OF_BOUNDS);
    union engine_value wide[] = {I64(UINT64_MAX - 7), I64(0)};
    assert_int_equal(guest_go(guest, "other", wide), ENGINE_TRAPPED);
    assert_int_equal(engine_machine_trap(guest->machine).trap, TRAP_MEMORY_OUT_OF_BOUNDS);
    engine_call_cancel(guest->machine);
}

static void waiting_traps_and_nobody_is_notified(void **state)
{
    struct guest *guest = *state;
    assert_trap(guest, "wait", 8, TRAP_EXPECTED_SHARED_MEMORY);
    assert_int_equal(call(guest, "notify", (const union engine_value[]){I32(8)}), 0);
}

static void only_what_is_stored_is_marked(void **state)
{
    struct guest *guest = *state;
    const uint8_t *dirty = guest->instance->memories[0]->dirty;
    uint32_t page = 3 * ENGINE_DIRTY_PAGE_BYTES;
    (void)call(guest, "load", (const union engine_value[]){I32(page)});
    (void)call(guest, "swap_if", (const union engine_value[]){I32(page), I32(1), I32(2)});
    assert_int_equal(dirty[3], 0);
    (void)call(guest, "swap_if", (const union engine_value[]){I32(page), I32(0), I32(2)});
    assert_int_equal(dirty[3], 1);
    (void)call(guest, "add", (const union engine_value[]){I32(2 * page), I32(0)});
    assert_int_equal(dirty[6], 1);
    (void)call(guest, "store", (const union engine_value[]){I32(3 * page), I64(0)});
    assert_int_equal(dirty[9], 1);
}

static void each_is_one_instruction_in_slices_of_any_size(void **state)
{
    static const struct guest_row rows[] = {
        {"fence", {I32(77)}, I32(77), 6},
        {"notify", {I32(0)}, I32(0), 3},
        {"locked_sum", {I32(1)}, I64(0), 3 + 19 + 1},
        {"locked_sum", {I32(5)}, I64(30), 3 + 5 * 19 + 1},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_there_comes_back_and_the_result_is_stored),
        TEST(addresses_must_be_inside_and_aligned),
        TEST(waiting_traps_and_nobody_is_notified),
        TEST(only_what_is_stored_is_marked),
        TEST(each_is_one_instruction_in_slices_of_any_size),
    };
    return cmocka_run_group_tests_name("engine/ops_atomic", tests, NULL, NULL);
}
