/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: what reaches a clause, exact fuel on the way, garbage, host functions in between,
 * snapshots. The module is made byte by byte: assemblers here do not know try_table.
 */
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

enum {
    I32 = 0x7f,
    EXNREF = 0x69,
    BLOCK = 0x02,
    LOOP = 0x03,
    IF = 0x04,
    THROW = 0x08,
    THROW_REF = 0x0a,
    END = 0x0b,
    BR = 0x0c,
    BR_IF = 0x0d,
    CALL = 0x10,
    DROP = 0x1a,
    TRY_TABLE = 0x1f,
    GET = 0x20,
    SET = 0x21,
    TEE = 0x22,
    GLOBAL_GET = 0x23,
    GLOBAL_SET = 0x24,
    CONST = 0x41,
    EQZ = 0x45,
    ADD = 0x6a,
    SUB = 0x6b,
    REF_NULL = 0xd0,
    EMPTY = 0x40,
};

/* Functions by index; 0 is imported. */
enum { HOST, DEEP, CATCH, COUNT, LOST, KEEP, AGAIN, VIA_HOST, NULL_REF, WHOLE };

static void body(struct buffer *wasm, const uint8_t *bytes, size_t count)
{
    size_t start = wasm_open_size(wasm);
    wasm_append(wasm, bytes, count);
    wasm_close(wasm, start);
}
#define BODY(...)                                                                                  \
    body(&wasm, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void export(struct buffer *wasm, const char *name, uint8_t kind, uint8_t index)
{
    wasm_name(wasm, name);
    WASM(wasm, kind, index);
}

static struct buffer module(void)
{
    struct buffer wasm = wasm_begin();
    /* 0: i32 -> i32, 1: i32 ->, 2: -> i32, 3: -> i32 exnref */
    WASM_SECTION(&wasm, WASM_TYPE, 4, 0x60, 1, I32, 1, I32, 0x60, 1, I32, 0, 0x60, 0, 1, I32, 0x60,
                 0, 2, I32, EXNREF);
    size_t section = wasm_open(&wasm, WASM_IMPORT);
    WASM(&wasm, 1, 4, 'h', 'o', 's', 't', 4, 'c', 'a', 'l', 'l', 0, 0);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_FUNC, 9, 0, 0, 0, 1, 0, 2, 0, 2, 0);
    WASM_SECTION(&wasm, 13, 1, 0, 1);
    WASM_SECTION(&wasm, WASM_GLOBAL, 1, EXNREF, 1, REF_NULL, EXNREF, END);
    section = wasm_open(&wasm, WASM_EXPORT);
    WASM(&wasm, 10);
    export(&wasm, "deep", 0, DEEP);
    export(&wasm, "catch", 0, CATCH);
    export(&wasm, "count", 0, COUNT);
    export(&wasm, "lost", 0, LOST);
    export(&wasm, "keep", 0, KEEP);
    export(&wasm, "again", 0, AGAIN);
    export(&wasm, "via_host", 0, VIA_HOST);
    export(&wasm, "null", 0, NULL_REF);
    export(&wasm, "whole", 0, WHOLE);
    export(&wasm, "fault", 4, 0);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 9);
    /* deep(n): if n == 0 throw 7, else deep(n - 1) + 1 */
    BODY(0, GET, 0, EQZ, IF, EMPTY, CONST, 7, THROW, 0, END, GET, 0, CONST, 1, SUB, CALL, DEEP,
         CONST, 1, ADD, END);
    /* catch(n): what deep(n) throws, + 100, or 0 */
    BODY(0, BLOCK, I32, TRY_TABLE, EMPTY, 1, 0, 0, 0, GET, 0, CALL, DEEP, DROP, END, CONST, 0, END,
         CONST, 0xe4, 0, ADD, END);
    /* count(n): n times throws i and adds it; the sum, in pinned locals */
    BODY(1, 2, I32, LOOP, EMPTY, BLOCK, I32, TRY_TABLE, EMPTY, 2, 0, 0, 0, 2, 1, GET, 0, THROW, 0,
         END, CONST, 0, END, GET, 1, ADD, SET, 1, GET, 0, CONST, 1, SUB, TEE, 0, BR_IF, 0, END, GET,
         1, END);
    /* lost(n): throws n, caught by nobody */
    BODY(0, GET, 0, THROW, 0, END);
    /* keep(n): the exception goes into the global */
    BODY(0, BLOCK, 3, TRY_TABLE, EMPTY, 1, 1, 0, 0, GET, 0, CALL, LOST, END, CONST, 0, REF_NULL,
         EXNREF, END, GLOBAL_SET, 0, END);
    /* again(): throws what is kept, gives its value */
    BODY(0, TRY_TABLE, EMPTY, 1, 0, 0, 0, GLOBAL_GET, 0, THROW_REF, END, CONST, 0, END);
    /* via_host(n): catch(n) through a host function that calls deep */
    BODY(0, TRY_TABLE, EMPTY, 1, 0, 0, 0, GET, 0, CALL, HOST, DROP, END, CONST, 0, END);
    /* null(): throw_ref of null */
    BODY(0, REF_NULL, EXNREF, THROW_REF, END);
    /* whole(n): deep(n)'s exception is returned by a clause of the function's own label, with
     * values of the caller's on the stack below */
    BODY(0, CONST, 1, GET, 0, TRY_TABLE, 0, 1, 0, 0, 0, CALL, DEEP, END, ADD, END);
    wasm_close(&wasm, section);
    return wasm;
}

struct world {
    struct guest guest;
    uint32_t calls;
};

static enum engine_outcome host_call(struct engine_host_call *call)
{
    struct world *world = call->context;
    world->calls++;
    assert_int_equal(call->step, 0); /* never called again: the guest threw */
    return engine_host_call_guest(call, DEEP, call->slots, 1, 1);
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    *ret_extern =
        (struct engine_extern){.kind = import->kind, .host = host_call, .host_context = context};
    return true;
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){0};
    struct buffer wasm = module();
    world.guest = guest_make(&wasm, &(struct engine_linker){.resolve = resolve, .context = &world});
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    guest_done(&((struct world *)*state)->guest);
    return 0;
}

static void clauses_get_the_values_and_fuel_stays_exact(void **state)
{
    struct world *world = *state;
    static const struct guest_row rows[] = {
        /* get call (get eqz if const throw) const add */
        {.name = "catch", .arguments = {{.i64 = 0}}, .result = {.i64 = 107}, .instructions = 9},
        /* deep(1) is get eqz if get const sub call more */
        {.name = "catch", .arguments = {{.i64 = 1}}, .result = {.i64 = 107}, .instructions = 16},
        {.name = "catch",
         .arguments = {{.i64 = 1000}},
         .result = {.i64 = 107},
         .instructions = 9 + 7 * 1000},
        /* a turn: get throw, get add set, get const sub tee br_if; at last a get */
        {.name = "count", .arguments = {{.i64 = 1}}, .result = {.i64 = 1}, .instructions = 11},
        {.name = "count", .arguments = {{.i64 = 20}}, .result = {.i64 = 210}, .instructions = 201},
        {.name = "whole", .arguments = {{.i64 = 0}}, .result = {.i64 = 7}, .instructions = 8},
        {.name = "via_host",
         .arguments = {{.i64 = 3}},
         .result = {.i64 = 7},
         .instructions = GUEST_UNCOUNTED},
    };
    guest_check_rows(&world->guest, rows, COUNT_OF(rows));
    assert_true(world->calls >= 1);
}

static void an_uncaught_exception_is_a_trap_with_its_tag_and_backtrace(void **state)
{
    struct world *world = *state;
    guest_begin(&world->guest, "deep", &(union engine_value){.i64 = 200});
    assert_int_equal(guest_run(&world->guest, 1), ENGINE_TRAPPED);
    struct engine_trap_info trap = engine_machine_trap(world->guest.machine);
    assert_int_equal(trap.trap, TRAP_UNCAUGHT_EXCEPTION);
    assert_string_equal(trap.text, "uncaught exception: tag 0 fault");
    struct engine_frame_info frames[300];
    assert_int_equal(engine_backtrace(world->guest.machine, frames, 300), 201);
    for (int i = 0; i < 201; i++)
        assert_int_equal(frames[i].func_index, DEEP);
    assert_int_not_equal(frames[0].offset, frames[1].offset);
    engine_call_cancel(world->guest.machine);
    assert_int_equal(guest_trap(&world->guest, "null").trap, TRAP_NULL_REFERENCE);
}

static void unwinding_is_paid_for_and_can_be_suspended(void **state)
{
    struct world *world = *state;
    guest_begin(&world->guest, "catch", &(union engine_value){.i64 = 5000});
    assert_int_equal(guest_run(&world->guest, 1000000), ENGINE_DONE);
    uint64_t fuel = engine_machine_fuel_used(world->guest.machine);
    uint64_t price = fuel - engine_machine_instructions(world->guest.machine);
    assert_in_range(price, 5000 * 4, 5000 * 8);
}

static void exceptions_that_nobody_holds_are_collected(void **state)
{
    struct world *world = *state;
    guest_begin(&world->guest, "count", &(union engine_value){.i64 = 1000000});
    assert_int_equal(guest_run(&world->guest, 997), ENGINE_DONE);
    assert_int_equal(engine_call_results(world->guest.machine)[0].i32,
                     (uint32_t)(1000000ull * 1000001 / 2));
    assert_in_range(engine_machine_heap_bytes(world->guest.machine), 1, 2 << 20);
}

static void an_exception_in_a_global_survives_a_snapshot_and_a_rewind(void **state)
{
    struct world *world = *state;
    (void)guest_call(&world->guest, "count", 5000);
    guest_begin(&world->guest, "keep", &(union engine_value){.i64 = 4711});
    assert_int_equal(guest_run(&world->guest, 10), ENGINE_DONE);
    assert_int_equal(guest_call(&world->guest, "again", 0), 4711);
    struct report report = REPORT_INIT;
    struct engine_image image;
    assert_int_equal(engine_snapshot(world->guest.instance, &report, &image), STATUS_OK);
    struct guest other = {.image = image};
    assert_int_equal(
        engine_module_open(bytes_make(image.data, image.count), true, &report, &other.module),
        STATUS_OK);
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &other.machine),
                     STATUS_OK);
    struct engine_linker linker = {.resolve = resolve, .context = world};
    assert_int_equal(
        engine_restore(other.machine, other.module, &linker, false, &report, &other.instance),
        STATUS_OK);
    uint64_t kept = engine_global_get(other.instance, 0)->ref;
    uint64_t fuel = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(guest_call(&other, "again", 0), 4711);
        (void)guest_call(&other, "count", 100000);
        guest_begin(&other, "keep", &(union engine_value){.i64 = 3});
        assert_int_equal(guest_run(&other, 10), ENGINE_DONE);
        fuel = i == 0 ? engine_machine_fuel_used(other.machine) : fuel;
        assert_int_equal(engine_machine_fuel_used(other.machine), fuel);
        assert_true(engine_rewind(other.instance, 64));
        assert_int_equal(engine_global_get(other.instance, 0)->ref, kept);
    }
    guest_done(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(clauses_get_the_values_and_fuel_stays_exact),
        TEST(an_uncaught_exception_is_a_trap_with_its_tag_and_backtrace),
        TEST(unwinding_is_paid_for_and_can_be_suspended),
        TEST(exceptions_that_nobody_holds_are_collected),
        TEST(an_exception_in_a_global_survives_a_snapshot_and_a_rewind),
    };
    return cmocka_run_group_tests_name("engine/unwind", tests, NULL, NULL);
}
