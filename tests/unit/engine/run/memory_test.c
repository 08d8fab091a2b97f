/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear memory: what is accessible, what is marked, how it grows and shrinks.
 */
#include "engine/image/image.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"

/* A memory inside the least of an instance that memory.c looks at. */
struct fixture {
    struct memory memory;
    struct memory *memories[1];
    struct engine_instance *instance;
};

static int setup(void **state)
{
    static struct fixture fixture;
    static struct engine_instance instance;
    struct report report = REPORT_INIT;
    static struct engine_machine machine;
    static const struct image_header image = {.memories = {.count = 1}};
    instance = (struct engine_instance){.memories = fixture.memories,
                                        .memory_bytes_left = 4 * WASM_PAGE_BYTES,
                                        .machine = &machine,
                                        .image = &image};
    fixture = (struct fixture){.memories = {&fixture.memory}, .instance = &instance};
    fixture.memory = (struct memory){.bytes = WASM_PAGE_BYTES,
                                     .bytes_max = 3 * WASM_PAGE_BYTES,
                                     .declared_max = 4,
                                     .page_shift = MODULE_PAGE_SHIFT,
                                     .is_guarded = true,
                                     .owner = &instance};
    assert_int_equal(memory_create(&fixture.memory, &report), STATUS_OK);
    instance.memory_base = fixture.memory.base;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    memory_free(&fixture->memory);
    return 0;
}

static void a_new_memory_is_zero_and_clean(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < WASM_PAGE_BYTES; i++)
        assert_int_equal(fixture->memory.base[i], 0);
    struct engine_memory_view view = engine_memory_view(fixture->instance, 0);
    for (uint64_t i = 0; i < view.bytes / ENGINE_DIRTY_PAGE_BYTES; i++)
        assert_int_equal(fixture->memory.dirty[i], 0);
    assert_int_equal(view.bytes, WASM_PAGE_BYTES);
    assert_int_equal(view.initial_bytes, WASM_PAGE_BYTES);
}

static void memory_grows_to_its_maximum_and_no_further(void **state)
{
    struct memory *memory = &((struct fixture *)*state)->memory;
    assert_int_equal(memory_grow(memory, 1), 1);
    memory->base[2 * WASM_PAGE_BYTES - 1] = 1;
    assert_int_equal(memory_grow(memory, 2), UINT32_MAX);
    assert_int_equal(memory_grow(memory, UINT32_MAX), UINT32_MAX);
    assert_int_equal(memory_grow(memory, 0), 2);
    assert_int_equal(memory_grow(memory, 1), 2);
    assert_int_equal(memory_pages(memory), 3);
}

static void memory_knows_its_reserved_range(void **state)
{
    struct memory *memory = &((struct fixture *)*state)->memory;
    assert_true(memory_guards(memory, memory->base));
    assert_true(memory_guards(memory, memory->base + MEMORY_GUARDED_BYTES - 1));
    assert_false(memory_guards(memory, memory->base + MEMORY_GUARDED_BYTES));
    assert_false(memory_guards(memory, memory->base - 1));
    assert_false(memory_guards(&(struct memory){0}, NULL));
}

static void mark_marks_every_page_that_a_range_touches(void **state)
{
    struct memory *memory = &((struct fixture *)*state)->memory;
    const uint8_t *dirty = memory->dirty;
    memory_mark(memory, 4095, 4098);
    memory_mark(memory, 5 * 4096, 0);
    memory_mark(memory, 7 * 4096, 1);
    static const uint8_t wanted[9] = {1, 1, 1, 0, 0, 0, 0, 1, 0};
    assert_memory_equal(dirty, wanted, sizeof(wanted));
}

static void bulk_operations_write_nothing_unless_all_fits(void **state)
{
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->memory;
    uint8_t *base = memory->base;
    assert_int_equal(memory_fill(memory, WASM_PAGE_BYTES - 1, 7, 2), TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(memory_fill(memory, UINT32_MAX, 7, UINT32_MAX), TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(base[WASM_PAGE_BYTES - 1], 0);
    assert_int_equal(memory_fill(memory, WASM_PAGE_BYTES, 7, 0), TRAP_NONE);
    assert_int_equal(memory_fill(memory, 10, 0x1ff, 3), TRAP_NONE);
    assert_int_equal(base[12], 0xff);
    assert_int_equal(memory_copy(memory, memory, 11, 10, 3), TRAP_NONE);
    assert_int_equal(base[13], 0xff);
    assert_int_equal(memory_copy(memory, memory, WASM_PAGE_BYTES - 2, 10, 3),
                     TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(base[WASM_PAGE_BYTES - 2], 0);
}

static void the_hosts_door_checks_ranges_and_marks_writes(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t *read;
    uint8_t *written;
    assert_true(engine_memory_read(fixture->instance, WASM_PAGE_BYTES, 0, &read));
    assert_false(engine_memory_read(fixture->instance, WASM_PAGE_BYTES + 1, 0, &read));
    assert_false(engine_memory_read(fixture->instance, 1, WASM_PAGE_BYTES, &read));
    assert_false(engine_memory_read(fixture->instance, UINT64_MAX, 2, &read));
    assert_false(engine_memory_write(fixture->instance, 2, UINT64_MAX, &written));
    assert_true(engine_memory_read(fixture->instance, 0, WASM_PAGE_BYTES, &read));
    assert_ptr_equal(read, fixture->memory.base);
    assert_int_equal(fixture->memory.dirty[0], 0);
    assert_true(engine_memory_write(fixture->instance, 4095, 2, &written));
    assert_int_equal(fixture->memory.dirty[0] + fixture->memory.dirty[1], 2);
    assert_int_equal(fixture->memory.dirty[2], 0);
}

static void pages_that_were_grown_and_taken_back_are_zero_when_grown_again(void **state)
{
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->memory;
    assert_int_equal(memory_grow(memory, 2), 1);
    memset(memory->base + WASM_PAGE_BYTES, 0xaa, 2 * WASM_PAGE_BYTES);
    memory_mark(memory, WASM_PAGE_BYTES, 2 * WASM_PAGE_BYTES);
    assert_true(memory_shrink(memory));
    assert_int_equal(memory_pages(memory), 1);
    assert_int_equal(memory_grow(memory, 2), 1);
    for (uint32_t i = 0; i < 2 * WASM_PAGE_BYTES; i++)
        assert_int_equal(memory->base[WASM_PAGE_BYTES + i], 0);
    assert_int_equal(memory->dirty[WASM_PAGE_BYTES >> MEMORY_DIRTY_SHIFT], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_memory_is_zero_and_clean),
        TEST(memory_grows_to_its_maximum_and_no_further),
        TEST(memory_knows_its_reserved_range),
        TEST(mark_marks_every_page_that_a_range_touches),
        TEST(bulk_operations_write_nothing_unless_all_fits),
        TEST(the_hosts_door_checks_ranges_and_marks_writes),
        TEST(pages_that_were_grown_and_taken_back_are_zero_when_grown_again),
    };
    return cmocka_run_group_tests_name("engine/memory", tests, NULL, NULL);
}
