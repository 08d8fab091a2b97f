/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backtraces: who called whom, by name and by offset in the binary, whatever stopped the guest.
 */
#include "engine/run/frames.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

#define FRAMES_MAX 16

/* ---- every way to trap notes where it was ---------------------------------------------------- */

/* A body, and where in it the instruction is that traps. */
struct trapping {
    const char *what;
    uint8_t code[40];
    uint8_t count;
    uint8_t at;
    enum engine_trap trap;
};

#define I32_0   0x41, 0
#define I64_0   0x42, 0
#define MINUS_1 0x41, 0x7f
#define TRAPPING(what, at, trap, ...)                                                              \
    {                                                                                              \
        (what), {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), (at), (trap)                      \
    }
#define DIVIDES(name, opcode_i32, opcode_i64)                                                      \
    TRAPPING("i32." name, 4, TRAP_INTEGER_DIVIDE_BY_ZERO, I32_0, I32_0, (opcode_i32), 0x1a),       \
        TRAPPING("i64." name, 4, TRAP_INTEGER_DIVIDE_BY_ZERO, I64_0, I64_0, (opcode_i64), 0x1a)
#define NAN32 0x43, 0, 0, 0xc0, 0x7f
#define NAN64 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f
#define TRUNCATES(name, opcode_f32, opcode_f64)                                                    \
    TRAPPING(name "_f32", 5, TRAP_INVALID_CONVERSION, NAN32, (opcode_f32), 0x1a),                  \
        TRAPPING(name "_f64", 9, TRAP_INVALID_CONVERSION, NAN64, (opcode_f64), 0x1a)
#define LOADS(name, opcode)                                                                        \
    TRAPPING(name, 3, TRAP_MEMORY_OUT_OF_BOUNDS, 0x01, MINUS_1, (opcode), 0, 0, 0x1a)
#define STORES(name, opcode, ...)                                                                  \
    TRAPPING(name, 2 + sizeof((uint8_t[]){__VA_ARGS__}), TRAP_MEMORY_OUT_OF_BOUNDS, MINUS_1,       \
             __VA_ARGS__, (opcode), 0, 0)
#define BULK(name, trap, ...) TRAPPING(name, 6, (trap), I32_0, I32_0, MINUS_1, 0xfc, __VA_ARGS__)

static const struct trapping trappings[] = {
    TRAPPING("unreachable", 2, TRAP_UNREACHABLE, 0x01, 0x01, 0x00),
    DIVIDES("div_s", 0x6d, 0x7f),
    DIVIDES("div_u", 0x6e, 0x80),
    DIVIDES("rem_s", 0x6f, 0x81),
    DIVIDES("rem_u", 0x70, 0x82),
    TRUNCATES("i32_s", 0xa8, 0xaa),
    TRUNCATES("i32_u", 0xa9, 0xab),
    TRUNCATES("i64_s", 0xae, 0xb0),
    TRUNCATES("i64_u", 0xaf, 0xb1),
    LOADS("i32.load", 0x28),
    LOADS("i64.load", 0x29),
    LOADS("f32.load", 0x2a),
    LOADS("f64.load", 0x2b),
    LOADS("i32.load8_s", 0x2c),
    LOADS("i64.load32_u", 0x35),
    STORES("i32.store", 0x36, I32_0),
    STORES("i64.store", 0x37, I64_0),
    STORES("f32.store", 0x38, NAN32),
    STORES("f64.store", 0x39, NAN64),
    STORES("i32.store8", 0x3a, I32_0),
    STORES("i64.store32", 0x3e, I64_0),
    /* the address is a sum, fused with the access */
    TRAPPING("load of a sum",
             6,
             TRAP_MEMORY_OUT_OF_BOUNDS,
             0x23,
             0,
             0x23,
             0,
             0x6a,
             0x01,
             0x28,
             0,
             0,
             0x1a),
    TRAPPING(
        "store to a sum", 7, TRAP_MEMORY_OUT_OF_BOUNDS, 0x23, 0, 0x23, 0, 0x6a, I32_0, 0x36, 0, 0),
    BULK("memory.init", TRAP_MEMORY_OUT_OF_BOUNDS, 8, 0, 0),
    BULK("memory.copy", TRAP_MEMORY_OUT_OF_BOUNDS, 10, 0, 0),
    BULK("memory.fill", TRAP_MEMORY_OUT_OF_BOUNDS, 11, 0),
    BULK("table.init", TRAP_TABLE_OUT_OF_BOUNDS, 12, 0, 0),
    BULK("table.copy", TRAP_TABLE_OUT_OF_BOUNDS, 14, 0, 0),
    TRAPPING("table.fill",
             6,
             TRAP_TABLE_OUT_OF_BOUNDS,
             I32_0,
             0xd0,
             ENGINE_FUNCREF,
             MINUS_1,
             0xfc,
             17,
             0),
    TRAPPING("table.get", 2, TRAP_TABLE_OUT_OF_BOUNDS, MINUS_1, 0x25, 0, 0x1a),
    TRAPPING("table.set", 4, TRAP_TABLE_OUT_OF_BOUNDS, MINUS_1, 0xd0, ENGINE_FUNCREF, 0x26, 0),
    TRAPPING("call_indirect", 2, TRAP_UNINITIALIZED_ELEMENT, I32_0, 0x11, 0, 0),
    TRAPPING("return_call_indirect", 2, TRAP_UNDEFINED_ELEMENT, MINUS_1, 0x13, 0, 0),
    /* until the stack ends */
    TRAPPING("call", 1, TRAP_CALL_STACK_EXHAUSTED, 0x01, 0x10, 0),
};

/* One function without name, a page of memory, a table of one null, a global that is -1. */
static struct buffer make_trapping(const struct trapping *row, uint32_t *ret_code_offset)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_TABLE, 1, ENGINE_FUNCREF, 0, 1);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    WASM_SECTION(&wasm, WASM_GLOBAL, 1, ENGINE_I32, 1, MINUS_1, 0x0b);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 2, 'g', 'o', ENGINE_EXTERN_FUNC, 0);
    WASM_SECTION(&wasm, WASM_ELEM, 1, 1, 0, 1, 0);
    WASM_SECTION(&wasm, WASM_DATA_COUNT, 1);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t function = wasm_open_size(&wasm);
    WASM(&wasm, 0);
    *ret_code_offset = (uint32_t)wasm.count;
    wasm_append(&wasm, row->code, row->count);
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, function);
    wasm_close(&wasm, code);
    WASM_SECTION(&wasm, WASM_DATA, 1, 1, 1, 'x');
    return wasm;
}

static void every_trap_is_found_at_its_instruction(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(trappings); i++) {
        const struct trapping *row = &trappings[i];
        uint32_t code_offset;
        struct buffer wasm = make_trapping(row, &code_offset);
        struct guest guest = guest_make(&wasm, NULL);
        struct engine_frame_info frames[FRAMES_MAX];
        if (guest_go(&guest, "go", NULL) != ENGINE_TRAPPED ||
            engine_machine_trap(guest.machine).trap != row->trap)
            fail_msg("%s: %s", row->what, engine_machine_trap(guest.machine).text);
        assert_true(engine_backtrace(guest.machine, frames, FRAMES_MAX) >= 1);
        if (frames[0].offset != code_offset + row->at)
            fail_msg("%s: at 0x%x instead of 0x%x", row->what, frames[0].offset,
                     code_offset + row->at);
        assert_int_equal(frames[0].func_index, 0);
        assert_int_equal(frames[0].func_name.count, 0);
        guest_done(&guest);
    }
}

/* ---- callers, tests/guests/engine_run.wat ---------------------------------------------------- */

struct world {
    struct guest other;
    struct guest run;
    struct buffer wasm; /* of run */
};

static enum engine_outcome waits(struct engine_host_call *call)
{
    (void)call;
    return ENGINE_PENDING;
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    struct world *world = context;
    struct engine_export_desc export;
    *ret_extern = (struct engine_extern){.kind = import->kind, .host = waits};
    if (bytes_equal_text(import->module_name, "host"))
        return true;
    for (uint32_t i = 0; i < engine_module_export_count(world->other.module); i++) {
        export = engine_module_export(world->other.module, i);
        if (export.kind == import->kind && bytes_equal(export.name, import->name)) {
            *ret_extern = (struct engine_extern){
                .kind = import->kind, .instance = world->other.instance, .index = export.index};
            return true;
        }
    }
    return false;
}

static int setup(void **state)
{
    static struct world world;
    struct engine_linker linker = {.resolve = resolve, .context = &world};
    world =
        (struct world){.other = guest_load("engine_other", NULL), .wasm = guest_read("engine_run")};
    world.run = guest_load_beside(&world.other, "engine_run", &linker);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    guest_done(&world->other);
    guest_done_beside(&world->run);
    buffer_done(&world->wasm);
    return 0;
}

/* Where these bytes are in the binary, the only time that they are. */
static uint32_t find(const struct buffer *wasm, const uint8_t *bytes, size_t count)
{
    const uint8_t *found = memmem(wasm->data, wasm->count, bytes, count);
    assert_non_null(found);
    size_t rest = (size_t)(wasm->data + wasm->count - (found + 1));
    assert_null(memmem(found + 1, rest, bytes, count));
    return (uint32_t)(found - wasm->data);
}
#define FIND(wasm, ...)                                                                            \
    find((wasm), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_name(const struct engine_frame_info *frame, const char *name)
{
    if (!bytes_equal_text(frame->func_name, name))
        fail_msg("`%.*s` instead of `%s`", (int)frame->func_name.count,
                 (const char *)frame->func_name.data, name);
}

static uint32_t stop_at(struct world *world,
                        const char *name,
                        uint32_t argument,
                        enum engine_outcome outcome,
                        struct engine_frame_info *ret_frames)
{
    union engine_value arguments[] = {{.i64 = argument}, {.i64 = argument}};
    assert_int_equal(guest_go(&world->run, name, arguments), outcome);
    return engine_backtrace(world->run.machine, ret_frames, FRAMES_MAX);
}

static void callers_are_named_across_instances(void **state)
{
    struct world *world = *state;
    struct engine_frame_info frames[FRAMES_MAX];
    assert_int_equal(stop_at(world, "outer", 1, ENGINE_TRAPPED, frames), 5);
    static const char *const names[] = {"divide", "other_divide", "far_sum", "middle", "outer"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_name(&frames[i], names[i]);
    struct buffer other = guest_read("engine_other");
    assert_int_equal(frames[0].offset, FIND(&other, 0x20, 0, 0x20, 1, 0x6d, 0x0b) + 4);
    buffer_done(&other);
    assert_int_equal(frames[1].offset, 0); /* an import has no code */
    assert_int_equal(frames[1].func_index, 5);
    assert_int_equal(frames[3].offset, FIND(&world->wasm, 0, 0x01, 0x20, 0, 0x10) + 4);
    struct engine_export_desc outer;
    assert_true(engine_module_find_export(world->run.module, "outer", ENGINE_EXTERN_FUNC, &outer));
    assert_int_equal(frames[4].func_index, outer.index);
}

static void a_fault_in_a_loop_is_found_with_pins_in_use(void **state)
{
    struct world *world = *state;
    struct engine_frame_info frames[FRAMES_MAX];
    assert_int_equal(stop_at(world, "trap_in_loop", 5, ENGINE_TRAPPED, frames), 1);
    assert_int_equal(frames[0].offset, FIND(&world->wasm, 0x03, 0x40, 0x20, 0, 0x2d) + 4);
}

static void a_waiting_host_function_is_the_innermost_frame(void **state)
{
    struct world *world = *state;
    struct engine_frame_info frames[FRAMES_MAX];
    assert_int_equal(stop_at(world, "host_many", 5, ENGINE_PENDING, frames), 2);
    assert_name(&frames[0], "host_many");
    assert_int_equal(frames[0].func_index, 9);
    assert_true(frames[1].func_index > 9);
    engine_call_cancel(world->run.machine);
}

static void a_suspended_guest_has_a_backtrace(void **state)
{
    struct world *world = *state;
    struct engine_frame_info frames[FRAMES_MAX];
    union engine_value argument = {.i64 = 1000000};
    guest_begin(&world->run, "cross_triangle", &argument);
    assert_int_equal(engine_run(world->run.machine, 1000), ENGINE_OUT_OF_FUEL);
    assert_int_equal(engine_backtrace(world->run.machine, frames, FRAMES_MAX), 3);
    assert_name(&frames[1], "other_triangle");
    engine_call_cancel(world->run.machine);
}

static void a_backtrace_is_as_long_as_asked_for(void **state)
{
    struct world *world = *state;
    struct engine_frame_info frames[FRAMES_MAX];
    assert_int_equal(stop_at(world, "deep", 100000000, ENGINE_TRAPPED, frames), FRAMES_MAX);
    for (size_t i = 0; i < FRAMES_MAX; i++) {
        assert_name(&frames[i], "deep");
        assert_int_equal(frames[i].offset, frames[0].offset);
    }
    frames[1].func_index = 12345;
    assert_int_equal(engine_backtrace(world->run.machine, frames, 1), 1);
    assert_int_equal(frames[1].func_index, 12345);
    assert_int_equal(engine_backtrace(world->run.machine, frames, 0), 0);
}

/* What a trap's registers or a frame could be if they were not as handlers leave them. */
static void a_frame_that_makes_no_sense_ends_the_backtrace(void **state)
{
    struct world *world = *state;
    struct engine_machine *machine = world->run.machine;
    struct engine_frame_info frames[FRAMES_MAX];
    assert_int_equal(stop_at(world, "outer", 1, ENGINE_TRAPPED, frames), 5);
    const struct machine_registers good = machine->registers;
    uint64_t *end = machine->stack + machine->stack_mapped_bytes / sizeof(uint64_t);
    uint64_t *const wrong_fps[] = {NULL, machine->stack - 1, end,
                                   (uint64_t *)((uintptr_t)good.fp + 4)};
    for (size_t i = 0; i < COUNT_OF(wrong_fps); i++) {
        machine->registers.fp = wrong_fps[i];
        assert_int_equal(engine_backtrace(machine, frames, FRAMES_MAX), 0);
    }
    machine->registers = good;
    machine->registers.instance = NULL;
    assert_int_equal(engine_backtrace(machine, frames, FRAMES_MAX), 0);
    machine->registers = good;
    machine->registers.pc = good.instance->code + good.instance->image->code.count;
    assert_int_equal(engine_backtrace(machine, frames, FRAMES_MAX), 0);
    /* A function at the very end, whose link is not on the stack any more. */
    machine->registers = good;
    machine->registers.fp = end - 1;
    assert_int_equal(engine_backtrace(machine, frames, FRAMES_MAX), 1);
    /* A crossing that is not on the stack as a whole. */
    machine->registers.pc = (const uint8_t *)&machine->cells.cross_return;
    machine->registers.fp = end - CROSS_FRAME_SLOTS + 1;
    assert_int_equal(engine_backtrace(machine, frames, FRAMES_MAX), 0);
    machine->registers = good;
    assert_int_equal(engine_backtrace(machine, frames, FRAMES_MAX), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trap_is_found_at_its_instruction),
        TEST(callers_are_named_across_instances),
        TEST(a_fault_in_a_loop_is_found_with_pins_in_use),
        TEST(a_waiting_host_function_is_the_innermost_frame),
        TEST(a_suspended_guest_has_a_backtrace),
        TEST(a_backtrace_is_as_long_as_asked_for),
        TEST(a_frame_that_makes_no_sense_ends_the_backtrace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
