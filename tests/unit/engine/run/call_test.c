/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning calls: what a host may give, and that a call that makes no sense goes no further than
 * its door.
 */
#include "engine/image/image.h"
#include "engine/run/call.h"
#include "engine/run/frames.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "tests/support/aborts.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

/* Types of functions 0 to 5: (i32 i64) -> i32, () -> (), () -> i64, () -> f32, () -> v128,
 * (anyref) -> (i32 i32). */
static struct buffer callable(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 6, 0x60, 2, ENGINE_I32, ENGINE_I64, 1, ENGINE_I32, 0x60, 0, 0,
                 0x60, 0, 1, ENGINE_I64, 0x60, 0, 1, ENGINE_F32, 0x60, 0, 1, ENGINE_V128, 0x60, 1,
                 ENGINE_ANYREF, 2, ENGINE_I32, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 6, 0, 1, 2, 3, 4, 5);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 6);
    for (int i = 0; i < 6; i++)
        WASM(&wasm, 3, 0, 0x00, 0x0b); /* unreachable */
    wasm_close(&wasm, code);
    return wasm;
}

static struct guest make(void)
{
    struct buffer wasm = callable();
    return guest_make(&wasm, NULL);
}

static void results_travel_by_their_type(void **state)
{
    (void)state;
    struct guest guest = make();
    static const enum call_result wanted[] = {
        CALL_RESULT_I32,   CALL_RESULT_NONE, CALL_RESULT_BITS,
        CALL_RESULT_FLOAT, CALL_RESULT_MANY, CALL_RESULT_MANY,
    };
    const struct image_header *image = guest.instance->image;
    for (uint32_t i = 0; i < COUNT_OF(wanted); i++)
        assert_int_equal(call_result_of(image_func_type(image, i)), wanted[i]);
    guest_done(&guest);
}

static void the_first_frame_returns_to_the_machine_and_an_i32_has_no_upper_half(void **state)
{
    (void)state;
    struct guest guest = make();
    struct engine_machine *machine = guest.machine;
    const union engine_value arguments[] = {{.i64 = UINT64_MAX}, {.i64 = UINT64_MAX}};
    engine_call_begin(machine, guest.instance, 0, arguments, 2);
    assert_int_equal(machine->stack[0], UINT32_MAX);
    assert_true(machine->stack[1] == UINT64_MAX);
    const struct frame_link *link = frame_link_of(machine->stack, machine->registers.pc);
    assert_ptr_equal(link->return_pc, &machine->cells.exit_int);
    assert_ptr_equal(link->caller_fp, machine->stack);
    engine_call_cancel(machine);
    guest_done(&guest);
}

static void nothing_is_left_of_the_call_before(void **state)
{
    (void)state;
    struct guest guest = make();
    engine_call_begin(guest.machine, guest.instance, 1, NULL, 0);
    assert_int_equal(guest_run(&guest, 100), ENGINE_TRAPPED);
    guest.machine->trap_reason = "stale";
    guest.machine->memory_refused = true;
    guest.machine->registers.accumulator = 7;
    engine_call_cancel(guest.machine);
    engine_call_begin(guest.machine, guest.instance, 1, NULL, 0);
    assert_int_equal(guest.machine->trap, TRAP_NONE);
    assert_null(guest.machine->trap_reason);
    assert_false(engine_memory_refused(guest.instance));
    assert_int_equal(guest.machine->registers.accumulator, 0);
    engine_call_cancel(guest.machine);
    guest_done(&guest);
}

static void begin_again(void *context)
{
    struct guest *guest = context;
    engine_call_begin(guest->machine, guest->instance, 1, NULL, 0);
    engine_call_begin(guest->machine, guest->instance, 1, NULL, 0);
}

static void begin_past_the_last(void *context)
{
    struct guest *guest = context;
    engine_call_begin(guest->machine, guest->instance, 6, NULL, 0);
}

static void begin_with_too_few(void *context)
{
    struct guest *guest = context;
    const union engine_value arguments[] = {{.i32 = 1}};
    engine_call_begin(guest->machine, guest->instance, 0, arguments, 1);
}

static void begin_with_an_object_that_is_none(void *context)
{
    struct guest *guest = context;
    const union engine_value argument = {.ref = ENGINE_REFERENCE_OBJECT | 4096};
    engine_call_begin(guest->machine, guest->instance, 5, &argument, 1);
}

static void run_nothing(void *context)
{
    struct guest *guest = context;
    (void)!engine_run(guest->machine, 100);
}

static void run_without_fuel(void *context)
{
    struct guest *guest = context;
    engine_call_begin(guest->machine, guest->instance, 1, NULL, 0);
    (void)!engine_run(guest->machine, 0);
}

static void a_call_that_makes_no_sense_is_refused_at_the_door(void **state)
{
    (void)state;
    struct guest guest = make();
    static void (*const acts[])(void *) = {
        begin_again, begin_past_the_last, begin_with_too_few, begin_with_an_object_that_is_none,
        run_nothing, run_without_fuel,
    };
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        if (!aborts(acts[i], &guest))
            fail_msg("act %zu went on", i);
    }
    guest_done(&guest);
}

/* A branch over 40 instructions gives them back; what takes them again is not reached. */
static void a_call_that_is_abandoned_executed_nothing_or_more(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, 0, 0x02, 0x40, 0x20, 0, 0x0d, 0); /* block, local.get, br_if */
    wasm_fill(&wasm, 0x01, 40);
    WASM(&wasm, 0x0b, 0x41, 0, 0x41, 0, 0x41, 0xe0, 0xd4, 3, 0xfc, 0x0b, 0, 0x0b); /* a fill */
    wasm_close(&wasm, body);
    wasm_close(&wasm, code);
    struct guest guest = guest_make(&wasm, NULL);
    for (int64_t fuel = 1; fuel < 100; fuel++) {
        uint64_t before = engine_machine_instructions(guest.machine);
        const union engine_value argument = {.i32 = 1};
        engine_call_begin(guest.machine, guest.instance, 0, &argument, 1);
        assert_int_equal(engine_run(guest.machine, fuel), ENGINE_OUT_OF_FUEL);
        engine_call_cancel(guest.machine);
        assert_in_range(engine_machine_instructions(guest.machine), before, before + 100);
        assert_true(engine_machine_fuel_used(guest.machine) >=
                    engine_machine_instructions(guest.machine));
    }
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_travel_by_their_type),
        cmocka_unit_test(the_first_frame_returns_to_the_machine_and_an_i32_has_no_upper_half),
        cmocka_unit_test(nothing_is_left_of_the_call_before),
        cmocka_unit_test(a_call_that_makes_no_sense_is_refused_at_the_door),
        cmocka_unit_test(a_call_that_is_abandoned_executed_nothing_or_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
