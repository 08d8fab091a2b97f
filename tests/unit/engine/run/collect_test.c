/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting in steps: what is a root, what a step costs, and when to give up.
 */
#include "engine/run/collect.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/object.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_objects.h"
#include "tests/unit/engine/guest.h"

#define TEXT       1 /* type of an array of bytes */
#define TEXT_BYTES 1000
/* What one step looks at, and its price; a larger one would hold up a worker. */
#define STEP_FUEL_MAX 4096

static struct guest make(void)
{
    struct buffer wasm = wasm_objects();
    return guest_make(&wasm, NULL);
}

/* Steps until the heap is idle; how many. */
static uint32_t collect(struct guest *guest, const uint64_t *stack_end)
{
    uint32_t steps = 0;
    do {
        struct collect_step step = collect_step(guest->machine, stack_end);
        assert_int_equal(step.trap, TRAP_NONE);
        assert_in_range(step.price, 1, STEP_FUEL_MAX);
        steps++;
    } while (heap_phase(&guest->machine->heap) != HEAP_IDLE);
    return steps;
}

static bool is_alive(const struct guest *guest, uint64_t reference)
{
    return heap_has(&guest->machine->heap, reference);
}

static uint64_t new_text(const struct guest *guest)
{
    uint64_t reference = object_new(guest->instance, TEXT, TEXT_BYTES);
    assert_int_not_equal(reference, HEAP_NONE);
    return reference;
}

static void registers_and_the_stack_below_its_end_keep_what_they_name(void **state)
{
    (void)state;
    struct guest guest = make();
    struct engine_machine *machine = guest.machine;
    uint64_t in_accumulator = new_text(&guest);
    uint64_t in_pin = new_text(&guest);
    uint64_t on_stack = new_text(&guest);
    uint64_t above = new_text(&guest);
    uint64_t nowhere = new_text(&guest);
    machine->registers.accumulator = in_accumulator;
    machine->registers.pins[MACHINE_INT_PINS - 1] = in_pin;
    machine->stack[9] = on_stack;
    machine->stack[10] = above;
    (void)collect(&guest, machine->stack + 10);
    assert_true(is_alive(&guest, in_accumulator));
    assert_true(is_alive(&guest, in_pin));
    assert_true(is_alive(&guest, on_stack));
    assert_false(is_alive(&guest, above));
    assert_false(is_alive(&guest, nowhere));
    guest_done(&guest);
}

static void globals_and_tables_keep_what_they_name(void **state)
{
    (void)state;
    struct guest guest = make();
    (void)guest_call(&guest, "keep", 3000);
    (void)guest_call(&guest, "store", TEXT_BYTES);
    uint64_t garbage = new_text(&guest);
    (void)collect(&guest, guest.machine->stack);
    assert_false(is_alive(&guest, garbage));
    assert_int_equal(guest_call(&guest, "sum", 0), 3000 * 3001 / 2);
    assert_true(is_alive(&guest, engine_global_get(guest.instance, 1)->ref));
    guest_done(&guest);
}

static void more_objects_take_more_steps_and_none_is_long(void **state)
{
    (void)state;
    struct guest guest = make();
    (void)new_text(&guest);
    uint32_t few = collect(&guest, guest.machine->stack);
    (void)guest_call(&guest, "keep", 100000);
    assert_in_range(collect(&guest, guest.machine->stack), 10 * few, 1000000);
    guest_done(&guest);
}

static void a_second_collection_for_the_same_allocation_is_a_trap(void **state)
{
    (void)state;
    struct guest guest = make();
    (void)guest_call(&guest, "keep", 10);
    (void)collect(&guest, guest.machine->stack);
    assert_int_equal(collect_step(guest.machine, guest.machine->stack).trap, TRAP_HEAP_EXHAUSTED);
    (void)new_text(&guest); /* it did help */
    (void)collect(&guest, guest.machine->stack);
    guest_done(&guest);
}

static void a_whole_collection_keeps_what_it_is_told_to_and_begins_anew(void **state)
{
    (void)state;
    struct guest guest = make();
    uint64_t kept = new_text(&guest);
    uint64_t garbage = new_text(&guest);
    guest.machine->registers.accumulator = garbage; /* of a call that is over */
    (void)collect_step(guest.machine, guest.machine->stack);
    collect_all(guest.machine, &kept, 1);
    assert_true(is_alive(&guest, kept));
    assert_false(is_alive(&guest, garbage));
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_and_the_stack_below_its_end_keep_what_they_name),
        cmocka_unit_test(globals_and_tables_keep_what_they_name),
        cmocka_unit_test(more_objects_take_more_steps_and_none_is_long),
        cmocka_unit_test(a_second_collection_for_the_same_allocation_is_a_trap),
        cmocka_unit_test(a_whole_collection_keeps_what_it_is_told_to_and_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
