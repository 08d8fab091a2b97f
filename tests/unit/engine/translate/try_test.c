/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of the form before WebAssembly 3.0 (guests in engine_try.wat): what reaches which
 * catch, what leaves it, rethrow and delegate; with the instructions counted by hand, in slices of
 * any size. What is the same for both forms is in unwind_test.c.
 */
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

static int setup(void **state)
{
    static struct guest guest;
    guest = guest_load("engine_try", NULL);
    *state = &guest;
    return 0;
}

static int teardown(void **state)
{
    guest_done(*state);
    return 0;
}

/* raise(0 .. 4) is 4, 3, 4, 5 and 5 instructions. */

static void the_first_catch_that_fits_gets_the_values(void **state)
{
    static const struct guest_row rows[] = {
        {"catch", {I32(0)}, I32(5), 6},          {"catch", {I32(1)}, I32(1), 6},
        {"catch", {I32(2)}, I32(142), 8},        {"catch", {I32(3)}, I32(1002), 11},
        {"catch", {I32(4)}, I32(13), 8},         {"catch_below", {I32(0)}, I32(9990), 10},
        {"catch_below", {I32(2)}, I32(9958), 9}, {"catch_below", {I32(4)}, I32(9980), 17},
        {"catch_here", {I32(0)}, I32(-1), 3},    {"catch_here", {I32(2)}, I32(3), 6},
        {"catch_params", {I32(0)}, I32(13), 8},  {"catch_params", {I32(4)}, I32(4), 9},
        {"throw_in_catch", {}, I32(66), 5},      {"no_catch", {I32(0)}, I32(5), 6},
        {"no_catch", {I32(3)}, I32(77), 8},      {"unreached", {}, I32(3), 3},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

static void a_catch_is_left_with_its_values_in_every_way(void **state)
{
    static const struct guest_row rows[] = {
        {"leave", {I32(0)}, I32(100), 8},
        {"leave", {I32(1)}, I32(1101), 14},
        {"leave", {I32(2)}, I32(2), 18},
        {"leave", {I32(3)}, I32(103), 22},
        {"leave", {I32(4)}, I32(1104), 28},
        /* Before and in raise, behind it, then set extend get const mul add. */
        {"catch_two", {I32(0)}, I64(35), 2 + 2 + 4 + 1 + 6},
        {"catch_two", {I32(3)}, I64(10025), 2 + 2 + 5 + 7 + 6},
        {"catch_two", {I32(1)}, I64(131), 2 + 2 + 3 + 2 + 6},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

static void locals_keep_what_was_set_before_the_throw(void **state)
{
    static const struct guest_row rows[] = {
        {"sum", {I32(1)}, I32(2), 18},
        {"sum", {I32(20)}, I32(230), 284},
        {"loop_in_catch", {I32(4)}, I32(10), 40},
        {"locals", {I32(0)}, I32(34), 2 + 2 + 4 + 3 + 3},
        {"locals", {I32(2)}, I32(30), 2 + 2 + 4 + 3},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

static void rethrow_throws_what_its_catch_caught(void **state)
{
    static const struct guest_row rows[] = {
        {"rethrow", {I32(0)}, I32(5), 8},        {"rethrow", {I32(2)}, I32(43), 15},
        {"rethrow", {I32(1)}, I32(-1), 15},      {"rethrow_outer", {}, I32(1), 7},
        {"rethrow_inside", {}, I32(92), 9},      {"through", {I32(0)}, I32(4), 17},
        {"through", {I32(100)}, I32(104), 1317}, {"keep", {I32(100)}, I32(4711), 803},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

static void an_exception_lives_as_long_as_its_catch(void **state)
{
    struct guest *guest = *state;
    guest_begin(guest, "keep", &(union engine_value){.i64 = 300000});
    assert_int_equal(guest_run(guest, 1009), ENGINE_DONE);
    assert_int_equal(engine_call_results(guest->machine)[0].i32, 4711);
    assert_in_range(engine_machine_heap_bytes(guest->machine), 1, 2 << 20); /* some were freed */
}

static void what_is_thrown_again_and_not_caught_is_a_trap(void **state)
{
    struct guest *guest = *state;
    struct engine_trap_info trap = guest_trap(guest, "lost");
    assert_int_equal(trap.trap, TRAP_UNCAUGHT_EXCEPTION);
    assert_string_equal(trap.text, "uncaught exception: tag 1 value");
}

static void delegate_goes_on_where_its_label_is(void **state)
{
    static const struct guest_row rows[] = {
        {"delegate", {I32(0)}, I32(5), 6},      {"delegate", {I32(2)}, I32(43), 8},
        {"delegate", {I32(3)}, I32(2000), 8},   {"behind_delegate", {}, I32(1042), 15},
        {"delegate_to_caller", {}, I32(43), 9}, {"delegate_to_block", {}, I32(44), 8},
        {"delegate_to_catch", {}, I32(45), 9},  {"delegate_twice", {}, I32(46), 9},
        {"delegate_around", {}, I32(47), 8},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

/* Frames with so many catches, none of which fits, that a search of all in one step would be
 * long. */
#define CATCHES 1000
#define FRAMES  50

static void a_long_search_pays_on_its_way(void **state)
{
    (void)state;
    enum {
        THROW = 0x08,
        TRY = 0x06,
        CATCH = 0x07,
        IF = 0x04,
        ELSE = 0x05,
        END = 0x0b,
        EMPTY = 0x40
    };
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 1, 0x7f, 0, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, 13, 2, 0, 1, 0, 1);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 1, 'f', 0, 0);
    size_t section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, 1);
    size_t start = wasm_open_size(&wasm);
    WASM(&wasm, 0, TRY, EMPTY, 0x20, 0, 0x45, IF, EMPTY, THROW, 0, ELSE);
    WASM(&wasm, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, END);
    for (int i = 0; i < CATCHES; i++)
        WASM(&wasm, CATCH, 1);
    WASM(&wasm, END, END);
    wasm_close(&wasm, start);
    wasm_close(&wasm, section);
    struct guest guest = guest_make(&wasm, NULL);
    guest_begin(&guest, "f", &(union engine_value){.i64 = FRAMES - 1});
    enum engine_outcome outcome = ENGINE_OUT_OF_FUEL;
    uint64_t used = 0;
    while (outcome == ENGINE_OUT_OF_FUEL) {
        outcome = engine_run(guest.machine, 1);
        assert_in_range(engine_machine_fuel_used(guest.machine) - used, 0, 6 * CATCHES);
        used = engine_machine_fuel_used(guest.machine);
    }
    assert_int_equal(outcome, ENGINE_TRAPPED);
    /* The throw costs 12; a frame 4, as does what is below the first; the region 1, and each
     * clause. */
    assert_int_equal(used - engine_machine_instructions(guest.machine),
                     12 + FRAMES * (4 + 1 + CATCHES) + 4);
    engine_call_cancel(guest.machine);
    guest_done(&guest);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_catch_that_fits_gets_the_values),
        TEST(a_catch_is_left_with_its_values_in_every_way),
        TEST(locals_keep_what_was_set_before_the_throw),
        TEST(rethrow_throws_what_its_catch_caught),
        TEST(an_exception_lives_as_long_as_its_catch),
        TEST(what_is_thrown_again_and_not_caught_is_a_trap),
        TEST(delegate_goes_on_where_its_label_is),
        cmocka_unit_test(a_long_search_pays_on_its_way),
    };
    return cmocka_run_group_tests_name("engine/try", tests, NULL, NULL);
}
