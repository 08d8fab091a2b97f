/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host functions that call the guest back, engine_host_call_guest in ops_host.c; and that
 * every way to begin a frame respects the end of the stack.
 */
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

struct world {
    struct guest guest;
    int pending; /* times that the last step of host.back still waits */
    uint32_t steps;
};

static enum engine_outcome call_guest(struct engine_host_call *call,
                                      const char *name,
                                      union engine_value argument,
                                      uint32_t step)
{
    struct world *world = call->context;
    struct engine_export_desc export;
    assert_true(engine_module_find_export(world->guest.module, name, ENGINE_EXTERN_FUNC, &export));
    return engine_host_call_guest(call, export.index, &argument, 1, step);
}

/* Asks three functions with results of all classes; the arguments stay what they were. */
static enum engine_outcome host_back(struct engine_host_call *call)
{
    struct world *world = call->context;
    const union engine_value *results = call->results;
    assert_int_equal(call->slots[0].i32, 40);
    assert_int_equal(call->slots[1].i64, 1000);
    world->steps++;
    switch (call->step) {
    case 0:
        assert_null(results);
        return call_guest(call, "increment", call->slots[0], 1);
    case 1:
        assert_int_equal(results[0].i64, 41);
        return call_guest(call, "double", (union engine_value)F64(2.25), 2);
    case 2:
        assert_true(results[0].f64 == 4.5);
        return call_guest(call, "many", (union engine_value)I32(7), 3);
    default:
        assert_int_equal(results[0].i32, 7);
        assert_int_equal(results[1].i64, UINT64_MAX);
        assert_true(results[2].f64 == 0.5);
        if (world->pending > 0) {
            world->pending--;
            return ENGINE_PENDING;
        }
        call->slots[0].i64 = call->slots[1].i64 + 7;
        return ENGINE_DONE;
    }
}

/* The guest's "again" calls this function, so that both go down together. */
static enum engine_outcome host_down(struct engine_host_call *call)
{
    if (call->step == 0 && call->slots[0].i32 > 0)
        return call_guest(call, "again", (union engine_value)I32(call->slots[0].i32 - 1), 1);
    call->slots[0].i32 = call->step == 0 ? 0 : call->results[0].i32 + 1;
    return ENGINE_DONE;
}

static enum engine_outcome host_fail(struct engine_host_call *call)
{
    if (call->step == 0)
        return call_guest(call, "increment", (union engine_value)I32(0), 1);
    if (call->step == 1)
        return call_guest(call, "divide", (union engine_value)I32(0), 2);
    fail_msg("a trap does not come back to the host");
    return ENGINE_DONE;
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    *ret_extern = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .host_context = context};
    if (bytes_equal_text(import->name, "back"))
        ret_extern->host = host_back;
    else
        ret_extern->host = bytes_equal_text(import->name, "down") ? host_down : host_fail;
    return true;
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){0};
    world.guest =
        guest_load("engine_back", &(struct engine_linker){.resolve = resolve, .context = &world});
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    guest_done(&((struct world *)*state)->guest);
    return 0;
}

static const union engine_value back_arguments[] = {I32(40), I64(1000)};

static void a_host_function_asks_guest_functions_of_every_class(void **state)
{
    struct world *world = *state;
    assert_int_equal(guest_go(&world->guest, "back", back_arguments), ENGINE_DONE);
    assert_int_equal(engine_call_results(world->guest.machine)->i64, 3 * 1007 + 3);
    assert_int_equal(world->steps, 3 * 4);
}

static void callbacks_cost_the_same_in_slices_of_any_size(void **state)
{
    struct world *world = *state;
    struct engine_machine *machine = world->guest.machine;
    uint64_t fuel = 0;
    for (int64_t slice = 1; slice < 100000; slice *= 3) {
        uint64_t before = engine_machine_fuel_used(machine);
        guest_begin(&world->guest, "back", back_arguments);
        assert_int_equal(guest_run(&world->guest, slice), ENGINE_DONE);
        assert_int_equal(engine_call_results(machine)->i64, 3 * 1007 + 3);
        uint64_t used = engine_machine_fuel_used(machine) - before;
        assert_true(fuel == 0 || used == fuel);
        fuel = used;
    }
    assert_true(fuel > 0);
}

static void a_host_function_may_wait_after_a_callback(void **state)
{
    struct world *world = *state;
    struct engine_machine *machine = world->guest.machine;
    world->pending = 2;
    guest_begin(&world->guest, "back", back_arguments);
    assert_int_equal(guest_run(&world->guest, 1), ENGINE_PENDING);
    assert_int_equal(guest_run(&world->guest, 1), ENGINE_PENDING);
    assert_int_equal(guest_run(&world->guest, 1), ENGINE_DONE);
    assert_int_equal(engine_call_results(machine)->i64, 3 * 1007 + 3);
}

static void guest_and_host_call_each_other_as_deep_as_the_stack(void **state)
{
    struct world *world = *state;
    assert_int_equal(guest_call(&world->guest, "again", 1000), 1000);
    union engine_value deep = I32(100000000);
    assert_int_equal(guest_go(&world->guest, "again", &deep), ENGINE_TRAPPED);
    assert_int_equal(engine_machine_trap(world->guest.machine).trap, TRAP_CALL_STACK_EXHAUSTED);
    engine_call_cancel(world->guest.machine);
    assert_int_equal(guest_call(&world->guest, "again", 3), 3);
}

static void a_trap_in_a_callback_ends_the_call_and_shows_both_sides(void **state)
{
    struct world *world = *state;
    struct engine_machine *machine = world->guest.machine;
    assert_int_equal(guest_go(&world->guest, "fail", NULL), ENGINE_TRAPPED);
    assert_int_equal(engine_machine_trap(machine).trap, TRAP_INTEGER_DIVIDE_BY_ZERO);
    /* divide's helper, divide, the stub of host.fail, fail */
    static const uint32_t funcs[] = {3, 7, 2, 10};
    struct engine_frame_info frames[8];
    assert_int_equal(engine_backtrace(machine, frames, COUNT_OF(frames)), COUNT_OF(funcs));
    for (size_t i = 0; i < COUNT_OF(funcs); i++)
        assert_int_equal(frames[i].func_index, funcs[i]);
    engine_call_cancel(machine);
    assert_int_equal(guest_call(&world->guest, "increment", 1), 2);
}

/* ---- the end of the stack -------------------------------------------------------------------- */

enum { LEAF, HOST, PONG, OWN }; /* functions of `user` */
enum { PARAMS = 100 };

/* Types 0 []->[] and 1 [i32 * PARAMS]->[], and begins more. */
static void two_types(struct buffer *wasm, uint8_t count)
{
    WASM(wasm, count, 0x60, 0, 0, 0x60, PARAMS);
    wasm_fill(wasm, ENGINE_I32, PARAMS);
    WASM(wasm, 0);
}

/* A table whose entry 0 tail calls what entry 1 holds, and a function that only returns. */
static struct buffer provider(void)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    two_types(&wasm, 2);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_FUNC, 2, 1, 0);
    WASM_SECTION(&wasm, WASM_TABLE, 1, ENGINE_FUNCREF, 0, 2);
    WASM_SECTION(&wasm, WASM_ELEM, 1, 0, 0x41, 0, 0x0b, 1, 1);
    WASM_SECTION(&wasm, WASM_CODE, 2, 2, 0, 0x0b, 7, 0, 0x41, 1, 0x13, 0, 0, 0x0b);
    return wasm;
}

/*
 * Imports that table and function, and a host function. Entry 1 of the table is "bounce", which
 * tail calls entry 0. "to_leaf", "to_host" and "to_own" call themselves as often as they are
 * told, and then a function with PARAMS parameters: an imported one or one that returns at once.
 */
static struct buffer user(void)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    two_types(&wasm, 3);
    WASM(&wasm, 0x60, 1, ENGINE_I32, 0);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_IMPORT, 3, 1, 'p', 4, 'l', 'e', 'a', 'f', 0, 1, 1, 'h', 4, 'h', 'o',
                 's', 't', 0, 1, 1, 'p', 5, 't', 'a', 'b', 'l', 'e', 1, ENGINE_FUNCREF, 0, 2);
    WASM_SECTION(&wasm, WASM_FUNC, 5, 0, 1, 2, 2, 2);
    static const struct {
        const char *name;
        uint8_t calls;
    } rows[] = {{"to_leaf", LEAF}, {"to_host", HOST}, {"to_own", OWN}};
    section = wasm_open(&wasm, WASM_EXPORT);
    WASM(&wasm, 4, 6, 'b', 'o', 'u', 'n', 'c', 'e', 0, PONG);
    for (uint8_t i = 0; i < COUNT_OF(rows); i++) {
        wasm_name(&wasm, rows[i].name);
        WASM(&wasm, 0, OWN + 1 + i);
    }
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_ELEM, 1, 0, 0x41, 1, 0x0b, 1, PONG);
    section = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 5, 7, 0, 0x41, 0, 0x13, 0, 0, 0x0b, 2, 0, 0x0b);
    for (uint8_t i = 0; i < COUNT_OF(rows); i++) {
        size_t body = wasm_open_size(&wasm);
        WASM(&wasm, 0, 0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x10, OWN + 1 + i, 0x05);
        for (int k = 0; k < PARAMS; k++)
            WASM(&wasm, 0x41, 0);
        WASM(&wasm, 0x10, rows[i].calls, 0x0b, 0x0b);
        wasm_close(&wasm, body);
    }
    wasm_close(&wasm, section);
    return wasm;
}

/* Asks the guest's own function. */
static enum engine_outcome host_asks(struct engine_host_call *call)
{
    static const union engine_value arguments[PARAMS];
    return call->step == 0 ? engine_host_call_guest(call, OWN, arguments, PARAMS, 1) : ENGINE_DONE;
}

static bool resolve_user(void *context,
                         const struct engine_import_desc *import,
                         struct engine_extern *ret_extern)
{
    struct guest *from = context;
    *ret_extern = (struct engine_extern){.kind = import->kind, .instance = from->instance};
    if (bytes_equal_text(import->name, "host"))
        *ret_extern = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .host = host_asks};
    return true;
}

static int setup_two(void **state)
{
    static struct guest two[2];
    struct report report = REPORT_INIT;
    struct buffer first = provider();
    struct buffer second = user();
    two[1] = guest_make(&first, NULL);
    two[0] = (struct guest){.machine = two[1].machine};
    two[0].module = guest_open(&second, &two[0].image);
    const struct engine_linker linker = {.resolve = resolve_user, .context = &two[1]};
    assert_int_equal(
        engine_instantiate(two[0].machine, two[0].module, &linker, &report, &two[0].instance),
        STATUS_OK);
    *state = two;
    return 0;
}

static int teardown_two(void **state)
{
    struct guest *two = *state;
    engine_machine_free(two[1].machine); /* before the images of its instances */
    two[1].machine = NULL;
    guest_done_beside(&two[0]);
    guest_done(&two[1]);
    return 0;
}

/* Does the call return? If not, it is for lack of stack. */
static bool fits(struct guest *guest, const char *name, uint32_t depth)
{
    union engine_value argument = I32(depth);
    if (guest_go(guest, name, &argument) == ENGINE_DONE)
        return true;
    assert_int_equal(engine_machine_trap(guest->machine).trap, TRAP_CALL_STACK_EXHAUSTED);
    engine_call_cancel(guest->machine);
    return false;
}

/*
 * The deepest frame of PARAMS that may still begin is nearer to the end than PARAMS: as a stub it
 * begins there too, and what it calls in turn may not.
 */
static void calls_to_instances_and_from_hosts_end_where_the_stack_does(void **state)
{
    struct guest *guest = *state;
    uint32_t least = 0;
    uint32_t most = 10000000;
    assert_true(fits(guest, "to_own", least));
    assert_false(fits(guest, "to_own", most));
    while (most - least > 1) {
        uint32_t middle = least + (most - least) / 2;
        *(fits(guest, "to_own", middle) ? &least : &most) = middle;
    }
    assert_false(fits(guest, "to_leaf", least));
    assert_false(fits(guest, "to_host", least));
    assert_true(fits(guest, "to_leaf", 10));
    assert_true(fits(guest, "to_host", 10));
}

static void tail_calls_between_instances_end_where_the_stack_does(void **state)
{
    struct guest *guest = *state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(guest_go(guest, "bounce", NULL), ENGINE_TRAPPED);
        assert_int_equal(engine_machine_trap(guest->machine).trap, TRAP_CALL_STACK_EXHAUSTED);
        engine_call_cancel(guest->machine);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- several results of a host function ------------------------------------------------------ */

/* Writes the low halves of what its arguments left in the slots. */
static enum engine_outcome host_several(struct engine_host_call *call)
{
    call->slots[0].i32 = 5;
    call->slots[1].i64 = UINT64_C(7) << 32;
    call->slots[2].f32 = 2;
    call->slots[3].i32 = 11;
    return ENGINE_DONE;
}

static bool resolve_several(void *context,
                            const struct engine_import_desc *import,
                            struct engine_extern *ret_extern)
{
    (void)context;
    (void)import;
    *ret_extern = (struct engine_extern){.kind = ENGINE_EXTERN_FUNC, .host = host_several};
    return true;
}

/* "sum": the i32 results as unsigned numbers, and the others, of arguments with all bits set;
 * "all": the results as they are. */
static struct guest make_several(void)
{
    enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d };
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, 0x60, 4, I64, I64, I64, I64, 4, I32, I64, F32, I32, 0x60, 0,
                 1, I64, 0x60, 0, 4, I32, I64, F32, I32);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 1, 'h', 1, 'h', 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 2, 1, 2);
    WASM_SECTION(&wasm, WASM_EXPORT, 2, 3, 's', 'u', 'm', 0, 1, 3, 'a', 'l', 'l', 0, 2);
    size_t section = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 2);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, 3, 1, I32, 1, F32, 1, I64);
    WASM(&wasm, 0x42, 0x7f, 0x42, 0x7f, 0x42, 0x7f, 0x42, 0x7f, 0x10, 0);
    WASM(&wasm, 0x21, 0, 0x21, 1, 0x21, 2, 0xad, 0x20, 2, 0x7c, 0x20, 1, 0xaf, 0x7c);
    WASM(&wasm, 0x20, 0, 0xad, 0x7c, 0x0b);
    wasm_close(&wasm, body);
    body = wasm_open_size(&wasm);
    WASM(&wasm, 0, 0x42, 0x7f, 0x42, 0x7f, 0x42, 0x7f, 0x42, 0x7f, 0x10, 0, 0x0b);
    wasm_close(&wasm, body);
    wasm_close(&wasm, section);
    return guest_make(&wasm, &(struct engine_linker){.resolve = resolve_several});
}

static void what_a_host_leaves_above_narrow_results_is_not_theirs(void **state)
{
    (void)state;
    struct guest guest = make_several();
    assert_int_equal(guest_call(&guest, "sum", 0), 5 + (UINT64_C(7) << 32) + 2 + 11);
    assert_int_equal(guest_call(&guest, "all", 0), 5);
    const union engine_value *results = engine_call_results(guest.machine);
    const union engine_value two = {.f32 = 2};
    assert_int_equal(results[1].bits, UINT64_C(7) << 32);
    assert_int_equal(results[2].bits, two.i32);
    assert_int_equal(results[3].bits, 11);
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_function_asks_guest_functions_of_every_class),
        TEST(callbacks_cost_the_same_in_slices_of_any_size),
        TEST(a_host_function_may_wait_after_a_callback),
        TEST(guest_and_host_call_each_other_as_deep_as_the_stack),
        TEST(a_trap_in_a_callback_ends_the_call_and_shows_both_sides),
        cmocka_unit_test_setup_teardown(calls_to_instances_and_from_hosts_end_where_the_stack_does,
                                        setup_two, teardown_two),
        cmocka_unit_test_setup_teardown(tail_calls_between_instances_end_where_the_stack_does,
                                        setup_two, teardown_two),
        cmocka_unit_test(what_a_host_leaves_above_narrow_results_is_not_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
