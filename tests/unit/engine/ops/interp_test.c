/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running guests: suspension, stack, memory and its dirty map, host functions, tables, calls
 * from one instance into another. The guests are engine_run.wat and, on the same machine,
 * engine_other.wat, which it imports from.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

#define MEMORY_END (2 * WASM_PAGE_BYTES)

/* ---- two instances and a host ---------------------------------------------------------------- */

struct world {
    struct guest other;
    struct guest run;
    int pending; /* times that host.integer still waits */
    int calls;   /* of host functions */
    union engine_value seen[2];
    const volatile uint8_t *poison; /* what host.integer reads from; NULL: nothing */
    bool sends;                     /* host.integer sends this process a SIGSEGV */
};

static enum engine_outcome host_integer(struct engine_host_call *call)
{
    struct world *world = call->context;
    assert_ptr_equal(call->instance, world->run.instance);
    if (world->poison != NULL)
        (void)*world->poison;
    if (world->sends)
        (void)raise(SIGSEGV);
    if (world->calls++ > 0) {
        assert_int_equal(call->slots[0].bits, world->seen[0].bits);
        assert_int_equal(call->slots[1].bits, world->seen[1].bits);
    }
    world->seen[0] = call->slots[0];
    world->seen[1] = call->slots[1];
    if (world->pending > 0) {
        world->pending--;
        return ENGINE_PENDING;
    }
    engine_host_charge(call, 123);
    call->slots[0].i64 = call->slots[0].i32 + call->slots[1].i64;
    return ENGINE_DONE;
}

/* Leaves the upper half of its argument behind its result. */
static enum engine_outcome host_narrow(struct engine_host_call *call)
{
    call->slots[0].i32 = 5;
    return ENGINE_DONE;
}

static enum engine_outcome host_float(struct engine_host_call *call)
{
    call->slots[0] = (union engine_value)F32((float)(call->slots[0].f64 - call->slots[1].f32));
    return ENGINE_DONE;
}

static enum engine_outcome host_many(struct engine_host_call *call)
{
    uint32_t argument = call->slots[0].i32;
    call->slots[0] = (union engine_value)I32(argument + 1);
    call->slots[1] = (union engine_value)F64(0.5);
    call->slots[2] = (union engine_value)I64(-100);
    return ENGINE_DONE;
}

static enum engine_outcome host_nothing(struct engine_host_call *call)
{
    struct world *world = call->context;
    world->calls++;
    if (call->slots[0].i32 == 100)
        return engine_host_trap(call, "a hundred is too much");
    if (call->slots[0].i32 == 200)
        return engine_host_exit(call, 17);
    return ENGINE_DONE;
}

static const struct {
    const char *name;
    engine_host_func func;
} host_funcs[] = {
    {"integer", host_integer}, {"narrow", host_narrow},   {"float", host_float},
    {"many", host_many},       {"nothing", host_nothing},
};

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    struct world *world = context;
    char name[32];
    assert_true(import->name.count < sizeof(name));
    memcpy(name, import->name.data, import->name.count);
    name[import->name.count] = '\0';
    *ret_extern = (struct engine_extern){.kind = import->kind, .host_context = world};
    if (bytes_equal_text(import->module_name, "other")) {
        struct engine_export_desc export;
        ret_extern->instance = world->other.instance;
        if (!engine_module_find_export(world->other.module, name, import->kind, &export))
            return false;
        ret_extern->index = export.index;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(host_funcs); i++) {
        if (strcmp(name, host_funcs[i].name) == 0)
            ret_extern->host = host_funcs[i].func;
    }
    return ret_extern->host != NULL;
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){.other = guest_load("engine_other", NULL)};
    struct engine_linker linker = {.resolve = resolve, .context = &world};
    world.run = guest_load_beside(&world.other, "engine_run", &linker);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    guest_done(&world->other);
    guest_done_beside(&world->run);
    return 0;
}

/* Calls, expects this trap, and that the machine works afterwards. */
static void assert_traps(
    struct guest *run, const char *name, uint64_t first, uint64_t second, enum engine_trap trap)
{
    union engine_value arguments[] = {{.bits = first}, {.bits = second}, {.bits = 0}};
    guest_begin(run, name, arguments);
    assert_int_equal(guest_run(run, 1000), ENGINE_TRAPPED);
    if (engine_machine_trap(run->machine).trap != trap)
        fail_msg("%s(0x%llx, 0x%llx): %s", name, (unsigned long long)first,
                 (unsigned long long)second, engine_machine_trap(run->machine).text);
    assert_string_equal(engine_machine_trap(run->machine).text, engine_trap_text(trap));
    engine_call_cancel(run->machine);
    assert_int_equal(guest_call(run, "increment", 41), 42);
}

static uint64_t go(struct guest *run, const char *name, uint64_t first, uint64_t second)
{
    union engine_value arguments[] = {{.bits = first}, {.bits = second}, {.bits = 0}};
    if (guest_go(run, name, arguments) != ENGINE_DONE)
        fail_msg("%s(0x%llx): %s", name, (unsigned long long)first,
                 engine_machine_trap(run->machine).text);
    return engine_call_results(run->machine)[0].bits;
}

#define CHECK(run, ...)                                                                            \
    do {                                                                                           \
        static const struct guest_row rows[] = {__VA_ARGS__};                                      \
        guest_check_rows((run), rows, COUNT_OF(rows));                                             \
    } while (0)

/* ---- suspension ------------------------------------------------------------------------------ */

/* What "mixed" computes. */
static double mixed(int n)
{
    int64_t a = 0;
    uint32_t b = 0;
    double x = 0;
    float y = 0;
    double z = 1;
    for (int i = 0; i < n; i++) {
        a += (int64_t)i * 3;
        b = (b << 5 | b >> 27) ^ (uint32_t)i;
        x += i * z;
        y += 0.25f;
        z = z * 0.5 + 0.75;
    }
    return (double)a + (double)(int32_t)b + x + (double)y + z;
}

static void suspension_keeps_accumulators_and_pins_of_both_classes(void **state)
{
    struct world *world = *state;
    const struct guest_row rows[] = {
        {"mixed", {I32(1)}, F64(mixed(1)), 2 + 39 + 12},
        {"mixed", {I32(200)}, F64(mixed(200)), 2 + 200 * 39 + 12},
    };
    guest_check_rows(&world->run, rows, COUNT_OF(rows));
}

static void a_suspended_call_may_be_abandoned(void **state)
{
    struct world *world = *state;
    union engine_value argument = I32(1000000);
    guest_begin(&world->run, "mixed", &argument);
    assert_int_equal(engine_run(world->run.machine, 1000), ENGINE_OUT_OF_FUEL);
    engine_call_cancel(world->run.machine);
    assert_int_equal(guest_call(&world->run, "increment", 1), 2);
}

static void a_tail_call_for_ever_needs_fuel_and_no_stack(void **state)
{
    struct world *world = *state;
    union engine_value argument = I32(0);
    guest_begin(&world->run, "spin", &argument);
    for (int i = 0; i < 10; i++)
        assert_int_equal(engine_run(world->run.machine, 1000000), ENGINE_OUT_OF_FUEL);
    engine_call_cancel(world->run.machine);
}

/* ---- the stack ------------------------------------------------------------------------------- */

static void a_call_deeper_than_the_stack_traps(void **state)
{
    struct world *world = *state;
    struct guest *run = &world->run;
    assert_int_equal(guest_call(run, "deep", 1000), 1000);
    assert_traps(run, "deep", 100000000, 0, TRAP_CALL_STACK_EXHAUSTED);
    assert_int_equal(guest_call(run, "deep_indirect", 1000), 1000);
    assert_traps(run, "deep_indirect", 100000000, 0, TRAP_CALL_STACK_EXHAUSTED);
    assert_traps(run, "cross_forever", 1, 2, TRAP_CALL_STACK_EXHAUSTED);
    assert_int_equal(guest_call(run, "deep", 1000), 1000);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t bytes;
} loads[] = {{"load8", 1}, {"load32", 4}, {"load64", 8}, {"load_float", 8}},
  stores[] = {{"store8", 1},  {"store16", 2},     {"store32", 4},
              {"store64", 8}, {"store_float", 4}, {"store_double", 8}};

static void an_access_may_reach_the_last_byte_and_not_one_further(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        (void)go(run, loads[i].name, MEMORY_END - loads[i].bytes, 0);
        for (uint32_t past = 1; past <= loads[i].bytes; past++)
            assert_traps(run, loads[i].name, MEMORY_END - loads[i].bytes + past, 0,
                         TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_traps(run, loads[i].name, UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    for (size_t i = 0; i < COUNT_OF(stores); i++) {
        (void)go(run, stores[i].name, MEMORY_END - stores[i].bytes, 0);
        for (uint32_t past = 1; past <= stores[i].bytes; past++)
            assert_traps(run, stores[i].name, MEMORY_END - stores[i].bytes + past, 0,
                         TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_traps(run, stores[i].name, UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
}

static void a_store_that_traps_writes_and_marks_nothing(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    struct engine_memory_view view = engine_memory_view(run->instance, 0);
    assert_traps(run, "store64", MEMORY_END - 4, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "store16", MEMORY_END - 1, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "fill", MEMORY_END - 10, 11, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "store8", MEMORY_END, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    for (uint32_t i = 1; i <= 16; i++)
        assert_int_equal(view.base[MEMORY_END - i], 0);
    for (uint32_t i = 0; i <= MEMORY_END / ENGINE_DIRTY_PAGE_BYTES; i++)
        assert_int_equal(run->instance->memories[0]->dirty[i], 0);
}

static void an_offset_does_not_wrap_at_4_gib(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    assert_traps(run, "load_far", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "load_far", 1, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "load_far", UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "store_far", 1, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "store_far", UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
}

/* The sum of two i32 wraps; the offset is added to it without wrapping. */
static void an_index_wraps_and_its_offset_does_not(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    (void)go(run, "store_indexed", UINT32_MAX, 9);
    assert_int_equal(go(run, "load32", 12, 0), 0x5a5a5a5a);
    assert_int_equal(go(run, "load_indexed", 10, (uint32_t)-2), 0x5a5a5a5a);
    assert_traps(run, "load_indexed", UINT32_MAX, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "store_indexed", (uint32_t)-2, 1, TRAP_MEMORY_OUT_OF_BOUNDS);
}

static void grown_memory_is_accessible_at_once(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    assert_traps(run, "store8", MEMORY_END, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(go(run, "grow", 1, 0), 2);
    (void)go(run, "store8", MEMORY_END, 0);
    assert_int_equal(go(run, "load8", MEMORY_END, 0), 0x5a);
    assert_traps(run, "load8", MEMORY_END + WASM_PAGE_BYTES, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(go(run, "grow", 1, 0), UINT32_MAX);
}

/* ---- the dirty map --------------------------------------------------------------------------- */

/* Runs the function with a clean map; exactly the pages from `first` to `last` are marked. */
static void assert_marks(struct guest *run,
                         const char *name,
                         const union engine_value *arguments,
                         uint32_t first,
                         uint32_t last)
{
    struct engine_memory_view view = engine_memory_view(run->instance, 0);
    uint32_t pages = (uint32_t)(view.bytes / ENGINE_DIRTY_PAGE_BYTES);
    memset(run->instance->memories[0]->dirty, 0, pages);
    assert_int_equal(guest_go(run, name, arguments), ENGINE_DONE);
    for (uint32_t i = 0; i < pages; i++) {
        if (run->instance->memories[0]->dirty[i] != (i >= first && i <= last))
            fail_msg("%s(0x%x): page %u", name, arguments[0].i32, i);
    }
}

static void a_store_marks_the_page_it_begins_in(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    for (size_t i = 0; i < COUNT_OF(stores); i++) {
        static const uint32_t addresses[] = {
            0,    1,    ENGINE_DIRTY_PAGE_BYTES - 1,          ENGINE_DIRTY_PAGE_BYTES,
            5000, 8191, MEMORY_END - ENGINE_DIRTY_PAGE_BYTES, MEMORY_END - 8,
        };
        for (size_t j = 0; j < COUNT_OF(addresses); j++) {
            union engine_value argument = I32(addresses[j]);
            uint32_t page = addresses[j] / ENGINE_DIRTY_PAGE_BYTES;
            assert_marks(run, stores[i].name, &argument, page, page);
        }
    }
    union engine_value indexed[] = {I32(4000), I32(100)};
    assert_marks(run, "store_indexed", indexed, 1, 1);
}

static void bulk_operations_mark_all_pages_they_write(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    union engine_value one[] = {I32(4096), I32(4096)};
    assert_marks(run, "fill", one, 1, 1);
    union engine_value three[] = {I32(4095), I32(4098)};
    assert_marks(run, "fill", three, 0, 2);
    union engine_value none[] = {I32(4096), I32(0)};
    assert_marks(run, "fill", none, 1, 0);
    union engine_value copy[] = {I32(20000), I32(0), I32(1000)};
    assert_marks(run, "copy", copy, 4, 5);
}

static void loads_mark_nothing(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    union engine_value argument = I32(4090);
    for (size_t i = 0; i < COUNT_OF(loads); i++)
        assert_marks(run, loads[i].name, &argument, 1, 0);
}

/* ---- bulk operations longer than a chunk ----------------------------------------------------- */

/* Copies within a memory whose bytes tell their addresses; compares with memmove. */
static void
assert_copies(struct guest *run, uint32_t to, uint32_t from, uint32_t count, int64_t slice)
{
    struct engine_memory_view view = engine_memory_view(run->instance, 0);
    uint8_t *expected = test_malloc(MEMORY_END);
    for (uint32_t i = 0; i < MEMORY_END; i++)
        view.base[i] = (uint8_t)(i * 7 + (i >> 8));
    memcpy(expected, view.base, MEMORY_END);
    memmove(expected + to, expected + from, count);
    uint64_t before = engine_machine_instructions(run->machine);
    union engine_value arguments[] = {I32(to), I32(from), I32(count)};
    guest_begin(run, "copy", arguments);
    assert_int_equal(guest_run(run, slice), ENGINE_DONE);
    assert_memory_equal(view.base, expected, MEMORY_END);
    assert_int_equal(engine_machine_instructions(run->machine) - before, 4);
    test_free(expected);
}

static void a_long_copy_may_overlap_in_either_direction(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    static const int64_t slices[] = {100000, 1, 1000};
    for (size_t i = 0; i < COUNT_OF(slices); i++) {
        assert_copies(run, 20000, 10, 100000, slices[i]);
        assert_copies(run, 10, 20000, 100000, slices[i]);
        assert_copies(run, 10, 11, MEMORY_END - 11, slices[i]);
        assert_copies(run, 11, 10, MEMORY_END - 11, slices[i]);
        assert_copies(run, 5, 5, 100000, slices[i]);
        assert_copies(run, 0, 70000, 61000, slices[i]);
    }
}

static void a_long_bulk_operation_costs_the_same_in_any_slices(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    CHECK(run, {"fill", {I32(1), I32(MEMORY_END - 1)}, {}, 4},
          {"copy", {I32(0), I32(100), I32(MEMORY_END - 100)}, {}, 4},
          {"copy", {I32(100), I32(0), I32(MEMORY_END - 100)}, {}, 4});
    assert_int_equal(engine_memory_view(run->instance, 0).base[0], 0x5a);
}

static void a_long_bulk_operation_that_does_not_fit_writes_nothing(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    struct engine_memory_view view = engine_memory_view(run->instance, 0);
    view.base[MEMORY_END - 1] = 9;
    assert_traps(run, "fill", 1, MEMORY_END, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_traps(run, "fill", MEMORY_END - 1, UINT32_MAX, TRAP_MEMORY_OUT_OF_BOUNDS);
    static const uint32_t rows[][3] = {{0, 1, MEMORY_END},      {1, 0, MEMORY_END},
                                       {0, UINT32_MAX, 100000}, {UINT32_MAX, 0, 100000},
                                       {0, 1, UINT32_MAX},      {1, 0, UINT32_MAX}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        union engine_value arguments[] = {I32(rows[i][0]), I32(rows[i][1]), I32(rows[i][2])};
        assert_int_equal(guest_go(run, "copy", arguments), ENGINE_TRAPPED);
        assert_int_equal(engine_machine_trap(run->machine).trap, TRAP_MEMORY_OUT_OF_BOUNDS);
        engine_call_cancel(run->machine);
    }
    for (uint32_t i = 0; i < MEMORY_END - 1; i++)
        assert_int_equal(view.base[i], 0);
    for (uint32_t i = 0; i < MEMORY_END / ENGINE_DIRTY_PAGE_BYTES; i++)
        assert_int_equal(run->instance->memories[0]->dirty[i], 0);
}

/* ---- host functions -------------------------------------------------------------------------- */

static void host_functions_return_values_of_every_class(void **state)
{
    struct world *world = *state;
    assert_int_equal(go(&world->run, "host_integer", 3, 1ull << 40), (1ull << 40) + 4);
    union engine_value floats[] = {F64(10.5), F32(0.25f)};
    assert_int_equal(guest_go(&world->run, "host_float", floats), ENGINE_DONE);
    assert_true(engine_call_results(world->run.machine)[0].f32 == 20.5f);
    union engine_value many = I32(4);
    assert_int_equal(guest_go(&world->run, "host_many", &many), ENGINE_DONE);
    assert_true(engine_call_results(world->run.machine)[0].f64 == 5 + 0.5 - 100);
    assert_int_equal(go(&world->run, "host_nothing", 1, 0), 1);
}

static void an_i32_of_the_host_is_zero_extended_whatever_it_left_above(void **state)
{
    struct world *world = *state;
    assert_int_equal(go(&world->run, "host_narrow", 0xfedcba9876543210, 0), 5);
}

static void a_waiting_host_function_is_called_again_with_the_same_arguments(void **state)
{
    struct world *world = *state;
    struct engine_machine *machine = world->run.machine;
    union engine_value arguments[] = {I32(3), I64(0x123456789abcdef)};
    world->pending = 3;
    guest_begin(&world->run, "host_integer", arguments);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(engine_run(machine, 1000), ENGINE_PENDING);
        assert_int_equal(world->calls, i + 1);
        assert_int_equal(engine_machine_instructions(machine), 3);
    }
    assert_int_equal(engine_run(machine, 1000), ENGINE_DONE);
    assert_int_equal(world->calls, 4);
    assert_int_equal(engine_call_results(machine)[0].i64, 0x123456789abcdef + 4);
    assert_int_equal(engine_machine_instructions(machine), 5);
    uint64_t price = engine_machine_fuel_used(machine) - 5;
    assert_true(price > 123);

    /* Without waiting: the same price. */
    world->calls = 0;
    uint64_t before = engine_machine_fuel_used(machine);
    assert_int_equal(guest_go(&world->run, "host_integer", arguments), ENGINE_DONE);
    assert_int_equal(engine_machine_fuel_used(machine) - before, price + 5);
}

/* How a process ends in which a guest calls its host. */
static int end_of_call(struct world *world)
{
    int wait_status;
    union engine_value arguments[] = {I32(3), I64(4)};
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's is there */
        (void)guest_go(&world->run, "host_integer", arguments);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    return wait_status;
}

static bool is_crash(int wait_status)
{
    return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSEGV;
}

static void a_fault_outside_of_a_memory_is_a_crash_and_never_a_trap(void **state)
{
    struct world *world = *state;
    struct engine_machine *machine = world->run.machine;
    const uint8_t *guard = (const uint8_t *)machine->stack + machine->stack_mapped_bytes - 1;
    const void *const places[] = {(const void *)16, guard};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        world->poison = places[i];
        assert_true(is_crash(end_of_call(world)));
    }
    world->poison = (const uint8_t *)world;
    assert_true(WIFEXITED(end_of_call(world)));
    world->poison = NULL;
}

static void a_fault_signal_that_was_sent_ends_the_process_at_once(void **state)
{
    struct world *world = *state;
    world->sends = true;
    assert_true(is_crash(end_of_call(world)));
    world->sends = false;
}

static void a_waiting_call_may_be_abandoned(void **state)
{
    struct world *world = *state;
    union engine_value arguments[] = {I32(3), I64(4)};
    world->pending = 1;
    guest_begin(&world->run, "host_integer", arguments);
    assert_int_equal(engine_run(world->run.machine, 1000), ENGINE_PENDING);
    engine_call_cancel(world->run.machine);
    assert_int_equal(guest_call(&world->run, "increment", 1), 2);
}

static void a_host_call_is_charged_in_slices_of_any_size(void **state)
{
    struct world *world = *state;
    static const struct guest_row row = {"host_nothing", {I32(1)}, I32(1), 5};
    guest_check_rows(&world->run, &row, 1);
    assert_int_equal(world->calls, 6);
}

static void a_host_function_is_reached_by_a_tail_call(void **state)
{
    struct world *world = *state;
    assert_int_equal(go(&world->run, "host_tail", 3, 4), 7);
}

static void a_host_function_traps_with_its_own_words(void **state)
{
    struct world *world = *state;
    union engine_value argument = I32(99);
    assert_int_equal(guest_go(&world->run, "host_nothing", &argument), ENGINE_TRAPPED);
    struct engine_trap_info trap = engine_machine_trap(world->run.machine);
    assert_int_equal(trap.trap, TRAP_HOST);
    assert_string_equal(trap.text, "a hundred is too much");
    engine_call_cancel(world->run.machine);
    argument.i32 = 199;
    assert_int_equal(guest_go(&world->run, "host_nothing", &argument), ENGINE_TRAPPED);
    trap = engine_machine_trap(world->run.machine);
    assert_int_equal(trap.trap, TRAP_EXIT);
    assert_int_equal(trap.exit_code, 17);
    engine_call_cancel(world->run.machine);
    assert_int_equal(go(&world->run, "host_nothing", 1, 0), 1);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* The branch over the `then` gives back its 100 instructions; nothing takes them afterwards. */
static void a_call_that_traps_uses_no_less_than_no_fuel(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 1, 'f', 0, 0);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, 0, 0x20, 0, 0x04, 0x40);
    wasm_fill(&wasm, 0x01, 100);
    WASM(&wasm, 0x0b, 0x00, 0x0b);
    wasm_close(&wasm, body);
    wasm_close(&wasm, code);
    struct guest guest = guest_make(&wasm, NULL);
    static const int64_t slices[] = {1, 50, 1000};
    for (size_t i = 0; i < COUNT_OF(slices); i++) {
        union engine_value argument = {.i32 = 0};
        uint64_t before = engine_machine_fuel_used(guest.machine);
        guest_begin(&guest, "f", &argument);
        assert_int_equal(guest_run(&guest, slices[i]), ENGINE_TRAPPED);
        assert_int_equal(engine_machine_fuel_used(guest.machine), before);
        assert_int_equal(engine_machine_instructions(guest.machine), before);
        engine_call_cancel(guest.machine);
        argument.i32 = 1;
        guest_begin(&guest, "f", &argument);
        assert_int_equal(guest_run(&guest, slices[i]), ENGINE_TRAPPED);
        assert_true(engine_machine_fuel_used(guest.machine) >= before);
        engine_call_cancel(guest.machine);
    }
    guest_done(&guest);
}

static void growing_a_table_costs_what_it_grew(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_TABLE, 1, ENGINE_FUNCREF, 1, 2, 50);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 1, 'f', 0, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 9, 0, 0xd0, ENGINE_FUNCREF, 0x20, 0, 0xfc, 0x0f, 0, 0x0b);
    struct guest guest = guest_make(&wasm, NULL);
    static const struct {
        uint32_t by, before;
        uint64_t price;
    } rows[] = {{UINT32_MAX, UINT32_MAX, 0}, {49, UINT32_MAX, 0}, {40, 2, 20}, {8, 42, 4}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t used = engine_machine_fuel_used(guest.machine);
        assert_int_equal((uint32_t)guest_call(&guest, "f", rows[i].by), rows[i].before);
        assert_int_equal(engine_machine_fuel_used(guest.machine) - used, 3 + rows[i].price);
    }
    guest_done(&guest);
}

static void an_indirect_call_checks_bounds_null_and_type(void **state)
{
    struct guest *run = &((struct world *)*state)->run;
    static const char *const names[] = {"indirect", "indirect_tail"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(go(run, names[i], 1, 41), 42);
        assert_traps(run, names[i], 0, 0, TRAP_UNINITIALIZED_ELEMENT);
        assert_traps(run, names[i], 5, 0, TRAP_UNINITIALIZED_ELEMENT);
        assert_traps(run, names[i], 6, 0, TRAP_UNDEFINED_ELEMENT);
        assert_traps(run, names[i], UINT32_MAX, 0, TRAP_UNDEFINED_ELEMENT);
        assert_traps(run, names[i], 2, 0, TRAP_INDIRECT_CALL_TYPE_MISMATCH);
    }
}

/* ---- another instance ------------------------------------------------------------------------ */

static void calls_into_another_instance_use_its_own_state(void **state)
{
    struct world *world = *state;
    CHECK(&world->run, {"cross", {I32(3), I32(4)}, I32(1007), 5 + 11},
          {"cross_table", {I32(3), I32(4)}, I32(1007), 6 + 11},
          {"cross_float", {F32(3)}, F32(4.5f), 4 + 3},
          {"cross_triangle", {I32(10)}, I64(550), GUEST_UNCOUNTED});
    /* Six slices each; the other's counter and memory, not ours. */
    assert_int_equal(engine_global_get(world->other.instance, 0)->i32, 12);
    assert_int_equal(engine_memory_view(world->other.instance, 0).base[0], 3);
    assert_int_equal(engine_memory_view(world->run.instance, 0).base[0], 0);
}

static void tail_calls_into_another_instance_return_to_the_caller(void **state)
{
    struct world *world = *state;
    CHECK(&world->run, {"cross_tail", {I32(3), I32(4)}, I32(7), 3 + 11},
          {"cross_table_tail", {I32(3), I32(4)}, I32(7), 4 + 11},
          {"cross_bounce", {I32(3), I32(4)}, I32(49), 5 + 4 + 3});
}

static void many_results_come_back_from_another_instance(void **state)
{
    struct world *world = *state;
    CHECK(&world->run, {"cross_many", {I32(5), F32(2.5f)}, F64(111.5), GUEST_UNCOUNTED},
          {"cross_many_table", {I32(5), F32(2.5f)}, I32(10), GUEST_UNCOUNTED});
}

static void a_trap_in_another_instance_ends_the_whole_call(void **state)
{
    struct world *world = *state;
    assert_traps(&world->run, "outer", 1, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(go(&world->run, "cross", 3, 4), 1007);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(suspension_keeps_accumulators_and_pins_of_both_classes),
        TEST(a_suspended_call_may_be_abandoned),
        TEST(a_tail_call_for_ever_needs_fuel_and_no_stack),
        TEST(a_call_deeper_than_the_stack_traps),
        TEST(an_access_may_reach_the_last_byte_and_not_one_further),
        TEST(a_store_that_traps_writes_and_marks_nothing),
        TEST(an_offset_does_not_wrap_at_4_gib),
        TEST(an_index_wraps_and_its_offset_does_not),
        TEST(grown_memory_is_accessible_at_once),
        TEST(a_store_marks_the_page_it_begins_in),
        TEST(bulk_operations_mark_all_pages_they_write),
        TEST(loads_mark_nothing),
        TEST(a_long_copy_may_overlap_in_either_direction),
        TEST(a_long_bulk_operation_costs_the_same_in_any_slices),
        TEST(a_long_bulk_operation_that_does_not_fit_writes_nothing),
        TEST(host_functions_return_values_of_every_class),
        TEST(an_i32_of_the_host_is_zero_extended_whatever_it_left_above),
        TEST(a_waiting_host_function_is_called_again_with_the_same_arguments),
        TEST(a_fault_outside_of_a_memory_is_a_crash_and_never_a_trap),
        TEST(a_fault_signal_that_was_sent_ends_the_process_at_once),
        TEST(a_waiting_call_may_be_abandoned),
        TEST(a_host_call_is_charged_in_slices_of_any_size),
        TEST(a_host_function_is_reached_by_a_tail_call),
        TEST(a_host_function_traps_with_its_own_words),
        TEST(a_call_that_traps_uses_no_less_than_no_fuel),
        TEST(growing_a_table_costs_what_it_grew),
        TEST(an_indirect_call_checks_bounds_null_and_type),
        TEST(calls_into_another_instance_use_its_own_state),
        TEST(tail_calls_into_another_instance_return_to_the_caller),
        TEST(many_results_come_back_from_another_instance),
        TEST(a_trap_in_another_instance_ends_the_whole_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
