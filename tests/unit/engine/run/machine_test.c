/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines: their stack, how a run ended, and what host functions may charge.
 */
#include <string.h>

#include "engine/read/module.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "tests/support/aborts.h"

struct fixture {
    struct engine_machine *machine;
    struct engine_host_call call;
    struct engine_instance instance; /* last: its globals have no size */
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct report report = REPORT_INIT;
    struct engine_limits limits = engine_limits_default;
    limits.stack_bytes = 5000; /* not a whole page */
    fixture = (struct fixture){0};
    if (engine_machine_create(&limits, &report, &fixture.machine) != STATUS_OK)
        return 1;
    fixture.instance.machine = fixture.machine;
    fixture.call.instance = &fixture.instance;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    engine_machine_free(((struct fixture *)*state)->machine);
    return 0;
}

static void a_frame_that_begins_at_the_limit_fits_on_the_stack(void **state)
{
    const struct engine_machine *machine = ((struct fixture *)*state)->machine;
    assert_int_equal((machine->stack_limit - machine->stack) * sizeof(uint64_t), 8192);
    for (uint32_t slot = 0; slot < MODULE_MAX_FRAME_SLOTS; slot += 256)
        machine->stack_limit[slot] = 1;
    machine->stack_limit[MODULE_MAX_FRAME_SLOTS - 1] = 1;
    assert_true((uintptr_t)(machine->stack_limit + MODULE_MAX_FRAME_SLOTS) <=
                (uintptr_t)machine->stack + machine->stack_mapped_bytes - 4096);
}

static void a_vacated_stack_is_zero_and_as_large_as_before(void **state)
{
    struct engine_machine *machine = ((struct fixture *)*state)->machine;
    machine->stack[0] = 1;
    machine->stack_limit[0] = 1;
    assert_true(machine_vacate_stack(machine));
    assert_int_equal(machine->stack[0] | machine->stack_limit[0], 0);
    machine->stack_limit[0] = 1;
}

static void a_trap_has_the_hosts_words_cut_or_its_own(void **state)
{
    struct fixture *fixture = *state;
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(engine_host_trap(&fixture->call, text), ENGINE_TRAPPED);
    struct engine_trap_info info = engine_machine_trap(fixture->machine);
    assert_int_equal(info.trap, TRAP_HOST);
    assert_int_equal(strlen(info.text), 255);
    assert_int_equal(info.exit_code, 0);
    assert_int_equal(engine_host_exit(&fixture->call, 3), ENGINE_TRAPPED);
    info = engine_machine_trap(fixture->machine);
    assert_int_equal(info.trap, TRAP_EXIT);
    assert_int_equal(info.exit_code, 3);
    assert_string_equal(info.text, engine_trap_text(TRAP_EXIT));
}

static void what_a_host_charges_adds_up_and_never_wraps(void **state)
{
    struct fixture *fixture = *state;
    engine_host_charge(&fixture->call, 5);
    engine_host_charge(&fixture->call, 6);
    assert_int_equal(fixture->machine->fuel_host, 11);
    for (int i = 0; i < 20; i++)
        engine_host_charge(&fixture->call, UINT64_MAX);
    assert_true((int64_t)fixture->machine->fuel_host > 0);
    assert_true(fixture->machine->fuel_host <= (uint64_t)1 << 60);
}

/* Some pages of two frames may have been left out. Short frames are read, long ones asked for. */
static void what_was_touched_of_the_stack_is_found_within_two_frames(void **state)
{
    struct engine_machine *machine = ((struct fixture *)*state)->machine;
    for (uint32_t pages = 1; pages <= 16; pages *= 16) {
        uint8_t *stack = (uint8_t *)machine->stack;
        machine->frame_bytes_max = pages * 4096;
        assert_int_equal(engine_machine_stack_bytes(machine), 0);
        stack[2 * 4096] = 1;
        assert_int_equal(engine_machine_stack_bytes(machine), 3 * 4096);
        stack[5 * 4096 + 4095] = 1;
        stack[8 * 4096] = 1;
        assert_int_equal(engine_machine_stack_bytes(machine), 9 * 4096);
        assert_true(machine_vacate_stack(machine));
    }
}

static void follow_a_reference_to_nobody(void *context)
{
    struct fixture *fixture = context;
    (void)reference_instance(fixture->machine, (uint64_t)1 << 32 | 1);
}

static void adopt_without_room(void *context)
{
    struct fixture *fixture = context;
    machine_adopt(fixture->machine, &fixture->instance);
}

static void name_a_trap_that_is_none(void *context)
{
    (void)context;
    (void)engine_trap_text(TRAP_COUNT);
}

static void what_makes_no_sense_is_refused_at_the_door(void **state)
{
    assert_true(aborts(follow_a_reference_to_nobody, *state));
    assert_true(aborts(adopt_without_room, *state));
    assert_true(aborts(name_a_trap_that_is_none, *state));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_that_begins_at_the_limit_fits_on_the_stack),
        TEST(a_vacated_stack_is_zero_and_as_large_as_before),
        TEST(what_was_touched_of_the_stack_is_found_within_two_frames),
        TEST(a_trap_has_the_hosts_words_cut_or_its_own),
        TEST(what_a_host_charges_adds_up_and_never_wraps),
        TEST(what_makes_no_sense_is_refused_at_the_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
