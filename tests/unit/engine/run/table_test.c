/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables: bounds, growth out of the instance's block, the dirty flag.
 */
#include <stdlib.h>

#include "engine/run/table.h"
#include "tests/support/unit.h"

#define COUNT 3u

struct fixture {
    struct table table;
    uint64_t block[COUNT];
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.block = {11, 12, 13}};
    fixture.table =
        (struct table){.entries = fixture.block, .count = COUNT, .capacity = COUNT, .max = 100};
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct table *table = &((struct fixture *)*state)->table;
    if (table->grown)
        free(table->entries);
    return 0;
}

static void get_and_set_stop_at_the_end(void **state)
{
    struct table *table = &((struct fixture *)*state)->table;
    uint64_t value = 0;
    assert_int_equal(table_get(table, 2, &value), TRAP_NONE);
    assert_int_equal(value, 13);
    assert_int_equal(table_get(table, 3, &value), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_int_equal(table_get(table, UINT32_MAX, &value), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_false(table->dirty);
    assert_int_equal(table_set(table, 3, 1), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_int_equal(table_set(table, 0, 99), TRAP_NONE);
    assert_int_equal(table->entries[0], 99);
    assert_true(table->dirty);
}

static void a_table_that_grows_leaves_the_block_and_keeps_its_entries(void **state)
{
    struct fixture *fixture = *state;
    struct table *table = &fixture->table;
    assert_int_equal(table_grow(table, 7, 0), 3);
    assert_false(table->grown);
    assert_int_equal(table_grow(table, 7, 2), 3);
    assert_true(table->grown);
    assert_ptr_not_equal(table->entries, fixture->block);
    static const uint64_t wanted[] = {11, 12, 13, 7, 7};
    assert_memory_equal(table->entries, wanted, sizeof(wanted));
    for (uint32_t i = 5; i < 100; i++)
        assert_int_equal(table_grow(table, i, 1), i);
    assert_int_equal(table->entries[99], 99);
}

static void a_table_does_not_grow_past_its_maximum(void **state)
{
    struct table *table = &((struct fixture *)*state)->table;
    assert_int_equal(table_grow(table, 0, 98), UINT32_MAX);
    assert_int_equal(table_grow(table, 0, UINT32_MAX), UINT32_MAX);
    assert_int_equal(table->count, COUNT);
    assert_false(table->dirty);
    assert_int_equal(table_grow(table, 0, 97), COUNT);
}

static void bulk_operations_change_nothing_unless_all_fits(void **state)
{
    struct table *table = &((struct fixture *)*state)->table;
    assert_int_equal(table_fill(table, 2, 5, 2), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_int_equal(table_copy(table, table, 1, 0, 3), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_int_equal(table_copy(table, table, UINT32_MAX, 0, 2), TRAP_TABLE_OUT_OF_BOUNDS);
    static const uint64_t before[] = {11, 12, 13};
    assert_memory_equal(table->entries, before, sizeof(before));
    assert_int_equal(table_fill(table, 3, 5, 0), TRAP_NONE);
    assert_int_equal(table_copy(table, table, 1, 0, 2), TRAP_NONE);
    static const uint64_t after[] = {11, 11, 12};
    assert_memory_equal(table->entries, after, sizeof(after));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(get_and_set_stop_at_the_end),
        TEST(a_table_that_grows_leaves_the_block_and_keeps_its_entries),
        TEST(a_table_does_not_grow_past_its_maximum),
        TEST(bulk_operations_change_nothing_unless_all_fits),
    };
    return cmocka_run_group_tests_name("engine/table", tests, NULL, NULL);
}
