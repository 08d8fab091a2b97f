/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memories with checked accesses: values, bounds, growth, bulk operations in slices, and a
 * memory that becomes another instance's unchecked memory 0.
 */
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/unit/engine/guest.h"

static int setup(void **state)
{
    static struct guest guest;
    guest = guest_load("engine_memories", NULL);
    *state = &guest;
    return 0;
}

static int teardown(void **state)
{
    guest_done(*state);
    return 0;
}

static void assert_out_of_bounds(struct guest *guest, const char *name, union engine_value at)
{
    union engine_value arguments[2] = {at};
    if (guest_go(guest, name, arguments) != ENGINE_TRAPPED)
        fail_msg("%s does not trap", name);
    assert_int_equal(engine_machine_trap(guest->machine).trap, TRAP_MEMORY_OUT_OF_BOUNDS);
    engine_call_cancel(guest->machine);
}

static void every_width_is_loaded_and_stored_in_slices_of_any_size(void **state)
{
    static const struct guest_row rows[] = {
        {"s8", {I64(8)}, I32(-1), 2},
        {"u8", {I64(8)}, I32(0xff), 2},
        {"s16", {I64(9)}, I64(-514), 2},
        {"u32", {I64(8)}, I64(0xfcfdfeff), 2},
        {"s32", {I64(8)}, I64((int64_t)(int32_t)0xfcfdfeff), 2},
        {"u64", {I64(8)}, I64(0xf8f9fafbfcfdfeff), 2},
        {"f64", {I64(8)}, I64(0xf8f9fafbfcfdfeff), 2},
        {"of_second", {I32(0)}, I32(0x646e), 2},
        {"store", {I64(65528), I64(-7)}, I64(-7), 5},
        {"store_second", {I32(65532), I32(0x12345678)}, I32(0x5678), 5},
        {"copy", {I32(65528), I64(8)}, I32(0xff), 6},
        {"sum", {I32(100)}, I64(5050), 1801},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
}

static void nothing_outside_is_reached(void **state)
{
    struct guest *guest = *state;
    assert_out_of_bounds(guest, "u8", (union engine_value)I64(65536));
    assert_out_of_bounds(guest, "s16", (union engine_value)I64(65535));
    assert_out_of_bounds(guest, "u64", (union engine_value)I64(65529));
    assert_out_of_bounds(guest, "u64", (union engine_value)I64(UINT64_MAX));
    assert_out_of_bounds(guest, "u64", (union engine_value)I64(UINT64_MAX - 7));
    assert_out_of_bounds(guest, "u8", (union engine_value)I64((uint64_t)1 << 32));
    assert_out_of_bounds(guest, "far", (union engine_value)I64(0));
    /* With its offset of 0xfffffff8 this would come around to 8. */
    assert_out_of_bounds(guest, "far", (union engine_value)I64(UINT64_MAX - 0xfffffff8 + 9));
    assert_out_of_bounds(guest, "store", (union engine_value)I64(65529));
    assert_out_of_bounds(guest, "of_second", (union engine_value)I32(65529));
    assert_out_of_bounds(guest, "of_second", (union engine_value)I32(UINT32_MAX));
    assert_out_of_bounds(guest, "store_second", (union engine_value)I32(65533));
    assert_out_of_bounds(guest, "copy", (union engine_value)I32(65529));
    struct engine_memory_view view = engine_memory_view(guest->instance, 1);
    for (uint64_t page = 0; page < view.bytes / ENGINE_DIRTY_PAGE_BYTES; page++)
        assert_int_equal(guest->instance->memories[1]->dirty[page],
                         page == 0); /* its data segment */
}

static void bulk_operations_reach_from_memory_to_memory_in_slices(void **state)
{
    static const struct guest_row row = {"bulk", {I32(0x2a)}, I32(2 * 0x2a), 23};
    guest_check_rows(*state, &row, 1);
}

static uint64_t grow(struct guest *guest, const char *name, uint64_t pages)
{
    union engine_value argument = {.i64 = pages};
    assert_int_equal(guest_go(guest, name, &argument), ENGINE_DONE);
    return engine_call_results(guest->machine)[0].bits;
}

static void growth_fails_as_wide_as_the_addresses(void **state)
{
    struct guest *guest = *state;
    assert_true(grow(guest, "grow_wide", 4) == UINT64_MAX);
    assert_true(grow(guest, "grow_wide", UINT64_MAX) == UINT64_MAX);
    assert_true(grow(guest, "grow_wide", (uint64_t)1 << 48) == UINT64_MAX);
    assert_true(grow(guest, "grow_second", 4) == UINT32_MAX);
    assert_false(engine_memory_refused(guest->instance));
    assert_int_equal(grow(guest, "grow_wide", 3), 1);
    assert_int_equal(grow(guest, "grow_second", 3), 1);
    assert_int_equal(grow(guest, "size_wide", 0), 4);
}

static void all_memories_together_are_held_against_the_limit(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_limits limits = engine_limits_default;
    struct buffer wasm = guest_read("engine_memories");
    struct guest guest = {0};
    guest.module = guest_open(&wasm, &guest.image);
    limits.memory_pages = 2;
    assert_int_equal(engine_machine_create(&limits, &report, &guest.machine), STATUS_OK);
    assert_int_equal(
        engine_instantiate(guest.machine, guest.module, NULL, &report, &guest.instance),
        STATUS_LIMIT);
    assert_non_null(strstr(report.text, "memory 2 of 1 pages of 65536 bytes"));
    engine_machine_free(guest.machine);
    limits.memory_pages = 5;
    report = (struct report)REPORT_INIT;
    assert_int_equal(engine_machine_create(&limits, &report, &guest.machine), STATUS_OK);
    assert_int_equal(
        engine_instantiate(guest.machine, guest.module, NULL, &report, &guest.instance), STATUS_OK);
    assert_int_equal(grow(&guest, "grow_wide", 1), 1);
    assert_true(grow(&guest, "grow_wide", 2) == UINT64_MAX);
    assert_true(engine_memory_refused(guest.instance));
    assert_int_equal(grow(&guest, "grow_second", 1), 1);
    assert_false(engine_memory_refused(guest.instance));
    assert_int_equal(grow(&guest, "grow_second", 1), UINT32_MAX);
    assert_true(engine_memory_refused(guest.instance));
    guest_done(&guest);
}

static bool resolve_second(void *context,
                           const struct engine_import_desc *import,
                           struct engine_extern *ret_extern)
{
    struct guest *other = context;
    struct engine_export_desc export;
    assert_int_equal(import->kind, ENGINE_EXTERN_MEMORY);
    assert_true(engine_module_find_export(other->module, "second", ENGINE_EXTERN_MEMORY, &export));
    *ret_extern = (struct engine_extern){
        .kind = ENGINE_EXTERN_MEMORY, .instance = other->instance, .index = export.index};
    return true;
}

static void a_memory_is_guarded_when_another_instance_takes_it_as_memory_0(void **state)
{
    struct guest *other = *state;
    assert_false(other->instance->memories[2]->is_guarded);
    assert_int_equal(grow(other, "grow_second", 1), 1);
    union engine_value arguments[] = {I32(131068), I32(77)};
    assert_int_equal(guest_go(other, "store_second", arguments), ENGINE_DONE);
    const struct engine_linker linker = {.resolve = resolve_second, .context = other};
    struct guest user = guest_load_beside(other, "engine_memory_user", &linker);
    assert_true(other->instance->memories[2]->is_guarded);
    assert_int_equal(guest_call(&user, "load", 0), 0x6f636573);
    assert_int_equal(guest_call(&user, "load", 131068), (uint32_t)77 << 16);
    assert_out_of_bounds(&user, "load", (union engine_value)I32(131069));
    assert_out_of_bounds(&user, "load", (union engine_value)I32(UINT32_MAX));
    assert_out_of_bounds(&user, "store", (union engine_value)I32(UINT32_MAX));
    assert_int_equal(other->instance->memories[2]->dirty[131068 / ENGINE_DIRTY_PAGE_BYTES], 1);
    assert_int_equal(grow(other, "grow_second", 1), 2);
    assert_int_equal(guest_call(&user, "load", 131072), 0);
    engine_machine_free(other->machine); /* before the images of its instances */
    other->machine = NULL;
    guest_done_beside(&user);
}

/* A page size of one byte: bounds are exact, what is accessible is not. */
static void a_memory_of_one_byte_pages_ends_at_its_last_byte(void **state)
{
    struct guest *guest = *state;
    struct report report = REPORT_INIT;
    uint64_t left = guest->instance->memory_bytes_left;
    struct memory memory = {
        .bytes = 100, .bytes_max = 70000, .declared_max = 70000, .owner = guest->instance};
    assert_int_equal(memory_create(&memory, &report), STATUS_OK);
    assert_non_null(memory_at(&memory, 99, 0, 1));
    assert_null(memory_at(&memory, 99, 1, 1));
    assert_null(memory_at(&memory, 93, 0, 8));
    assert_int_equal(memory_grow(&memory, 69900), 100);
    assert_int_equal(memory_grow(&memory, 1), UINT32_MAX);
    assert_int_equal(memory_pages(&memory), 70000);
    memset(memory_at(&memory, 0, 0, 70000), 0x5a, 70000);
    assert_int_equal(guest->instance->memory_bytes_left, left - 70000);
    assert_true(memory_shrink(&memory));
    assert_int_equal(memory_pages(&memory), 100);
    assert_int_equal(guest->instance->memory_bytes_left, left - 100);
    memory_free(&memory);
    guest->instance->memory_bytes_left = left;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(every_width_is_loaded_and_stored_in_slices_of_any_size),
        TEST(nothing_outside_is_reached),
        TEST(bulk_operations_reach_from_memory_to_memory_in_slices),
        TEST(growth_fails_as_wide_as_the_addresses),
        cmocka_unit_test(all_memories_together_are_held_against_the_limit),
        TEST(a_memory_is_guarded_when_another_instance_takes_it_as_memory_0),
        TEST(a_memory_of_one_byte_pages_ends_at_its_last_byte),
    };
    return cmocka_run_group_tests_name("engine/ops_checked", tests, NULL, NULL);
}
