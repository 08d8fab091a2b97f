/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions in one operation: the results and the instructions counted are those
 * of the instructions (guests in engine_fuse.wat), in slices of any size; and they are
 * fused, which the disassembly shows.
 */
#include <stdio.h>

#include "engine/inspect.h"
#include "tests/support/unit.h"
#include "tests/unit/engine/guest.h"

static int setup(void **state)
{
    static struct guest guest;
    guest = guest_load("engine_fuse", NULL);
    *state = &guest;
    return 0;
}

static int teardown(void **state)
{
    guest_done(*state);
    return 0;
}

/* Does the code of this export have the operation? */
static bool has(struct guest *guest, const char *name, const char *operation)
{
    struct engine_export_desc export;
    assert_true(engine_module_find_export(guest->module, name, ENGINE_EXTERN_FUNC, &export));
    struct buffer text;
    buffer_init(&text, (size_t)1 << 16);
    assert_int_equal(engine_disassemble(guest->module, export.index, &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    char word[40];
    (void)snprintf(word, sizeof(word), "  %s ", operation);
    bool found = strstr((const char *)text.data, word) != NULL;
    buffer_done(&text);
    return found;
}

static void shifts_and_products_become_part_of_sums_and_masks(void **state)
{
    static const struct guest_row rows[] = {
        {"shl_add", {I32(5), I32(7)}, I32(61), 5},
        {"shl_add_first", {I32(5), I32(0x10000001)}, I32(21), 5},
        {"shl_add_constant", {I32(3)}, I32(-1), 5},
        {"shl_add_shl", {I32(2), I32(3)}, I32(560), 7},
        {"shl_variable", {I32(3), I32(2)}, I32(14), 5},
        {"mul_add", {I32(5), I32(7)}, I32(285), 5},
        {"mul_add", {I32(-1), I32(0x10000000)}, I32(0x7fffffff), 5},
        {"shr_and", {I32(0x12345678)}, I32(0x67), 5},
        {"shr_and_branch", {I32(8)}, I32(10), 7},
        {"shr_and_branch", {I32(7)}, I32(20), 7},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "shl_add", "i32_mul_add"));
    assert_true(has(*state, "shl_add_first", "i32_mul_add"));
    assert_true(has(*state, "shl_add_constant", "i32_mul_add"));
    assert_true(has(*state, "shl_add_shl", "i32_mul_add"));
    assert_true(has(*state, "mul_add", "i32_mul_add"));
    assert_false(has(*state, "shl_variable", "i32_mul_add"));
    assert_true(has(*state, "shr_and", "i32_shr_and"));
}

static void a_test_of_bits_is_a_branch(void **state)
{
    static const struct guest_row rows[] = {
        {"and_branch", {I32(6), I32(2)}, I32(1), 6},
        {"and_branch", {I32(-8), I32(7)}, I32(2), 11},
        {"and_branch", {I32(8), I32(7)}, I32(3), 10},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "and_branch", "br_not_i32_and"));
    assert_false(has(*state, "and_branch", "i32_eqz") || has(*state, "and_branch", "i32_and"));
}

static void a_global_goes_down_and_up_in_one_operation(void **state)
{
    static const struct guest_row rows[] = {
        {"frame", {I32(3)}, I32(984 + 3 + 1000), 22},
        {"frame_of_another", {I32(3)}, I32(4), 12},
        {"frame_of_a_local", {I32(7)}, I32(1008), 13},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "frame", "global_add"));
    assert_true(has(*state, "frame", "global_set_sum"));
    assert_false(has(*state, "frame_of_another", "global_add"));
    assert_false(has(*state, "frame_of_a_local", "global_add"));
}

static void a_table_takes_the_constant_off_its_index(void **state)
{
    static const struct guest_row rows[] = {
        {"table", {I32(7)}, I32(70), 6},        {"table", {I32(8)}, I32(80), 6},
        {"table", {I32(9)}, I32(90), 5},        {"table", {I32(6)}, I32(90), 5},
        {"table_sum", {I32(-3)}, I32(0), 7},    {"table_sum", {I32(-2)}, I32(81), 9},
        {"table_sum", {I32(100)}, I32(103), 6},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_false(has(*state, "table", "i32_sub"));
}

static void an_increment_jumps(void **state)
{
    static const struct guest_row rows[] = {
        {"count", {I32(10)}, I32(0 + 3 + 6 + 9), 4 * 13 + 5},
        {"count_apart", {I32(10)}, I32(15), GUEST_UNCOUNTED},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "count", "add_jump"));
    assert_false(has(*state, "count_apart", "add_jump"));
}

static void arguments_move_several_at_once(void **state)
{
    static const struct guest_row rows[] = {
        {"move_locals", {I32(1), I32(2), I32(3)}, I32(213123), GUEST_UNCOUNTED},
        {"move_mixed", {I32(7), I32(8)}, I32(432781), GUEST_UNCOUNTED},
        {"move_constants", {I32(0)}, I32(594321), GUEST_UNCOUNTED},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "move_locals", "move_sss"));
    assert_true(has(*state, "move_mixed", "move_ks"));
    assert_true(has(*state, "move_mixed", "move_sk"));
    assert_true(has(*state, "move_constants", "move_kk"));
}

#define HIGH_AND(low) I64(0x500000000 + (low))

static void the_low_half_of_a_local_is_read_where_it_is(void **state)
{
    static const struct guest_row rows[] = {
        {"low_sum", {HIGH_AND(9), HIGH_AND(2)}, I32(7), 5},
        {"low_widened", {HIGH_AND(9)}, I64(9), 3},
        {"low_in_local", {HIGH_AND(9)}, I64(9), 5},
        {"low_over_label", {HIGH_AND(9), I32(1)}, I64(9), 5},
        {"low_over_label", {HIGH_AND(9), I32(0)}, I64(9), 8},
        {"low_selected", {HIGH_AND(9), I32(1)}, I64(9), 6},
        {"low_selected", {HIGH_AND(9), I32(0)}, I64(7), 6},
        {"low_argument", {HIGH_AND(9)}, I64(9), 5},
        {"low_result", {HIGH_AND(9)}, I64(9), 5},
        {"low_in_global", {HIGH_AND(9)}, I64(9), 5},
        {"low_before", {HIGH_AND(9)}, I64(10), 7},
        {"low_constant", {I32(0)}, I64(2), 3},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_false(has(*state, "low_sum", "i32_wrap_i64"));
}

static void operations_hold_constants_of_64_bits(void **state)
{
    static const struct guest_row rows[] = {
        {"wide_constant", {I64(0xfffffff8ffffffff)}, I64(0x7ff8ffffffff), 8},
        {"wide_constant", {I64(0xfffffff900000000)}, I64(0xfffffffa00000000), 7},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_false(has(*state, "wide_constant", "i64_mov"));
}

static void a_move_jumps(void **state)
{
    static const struct guest_row rows[] = {
        {"arm", {I32(1), I32(5)}, I32(5), 3},   {"arm", {I32(0), I32(5)}, I32(7), 3},
        {"arm_constant", {I32(1)}, I32(-1), 3}, {"arm_constant", {I32(0)}, I32(7), 3},
        {"arm_of_low", {I64(0)}, I64(7), 5},    {"arm_of_low", {HIGH_AND(3)}, I64(3), 9},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "arm", "mov_jump"));
    assert_true(has(*state, "arm_constant", "mov_jump"));
}

static void a_load_stores(void **state)
{
    static const struct guest_row rows[] = {
        {"copy_8", {I32(100), I32(16)}, I32(0x8100), 6},
        {"copy_16", {I32(100), I32(16)}, I32(0x828100), 6},
        {"copy_32", {I32(200), I32(16)}, I64(0x8483828100), 6},
        {"copy_64", {I32(100), I32(16)}, I64(0xfff6f58483828180), 6},
        {"copy_f64", {I32(100), I32(16)}, I64(0xfff6f58483828180), 6},
        {"copy_sum", {I32(100), I32(16)}, I32(0x80), 8},
        {"copy_sum_32", {I32(100), I32(16)}, I32(0x83828180), 8},
        {"copy_sum_64", {I32(100), I32(16)}, I64(0xfff6f58483828180), 8},
        {"copy_narrow", {I32(100), I32(16)}, I32(0xff80), 6},
        /* over itself */
        {"copy_64", {I32(16), I32(16)}, I64(0xfff6f58483828180), 6},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        guest_check_rows(*state, &rows[i], 1);
    assert_true(has(*state, "copy_8", "copy_8"));
    assert_true(has(*state, "copy_16", "copy_16"));
    assert_true(has(*state, "copy_32", "copy_32"));
    assert_true(has(*state, "copy_64", "copy_64"));
    assert_true(has(*state, "copy_f64", "copy_64"));
    assert_true(has(*state, "copy_sum", "copyx_8"));
    assert_true(has(*state, "copy_sum_32", "copyx_32"));
    assert_true(has(*state, "copy_sum_64", "copyx_64"));
    assert_false(has(*state, "copy_narrow", "copy_16"));
    assert_true(has(*state, "copy_from_outside", "copy_32"));
    assert_true(has(*state, "copy_to_outside", "copy_32"));
    assert_int_equal(guest_trap(*state, "copy_from_outside").trap, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(guest_trap(*state, "copy_to_outside").trap, TRAP_MEMORY_OUT_OF_BOUNDS);
}

static void a_call_saves_and_its_result_loads_pins(void **state)
{
    static const struct guest_row rows[] = {
        {"calls", {I32(4)}, I32(92), 4 * 22 + 1},
        {"calls_indirect", {I32(4)}, I32(92), 4 * 23 + 1},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "calls", "zero_2_load_2"));
    assert_true(has(*state, "calls", "call_save_2"));
    assert_true(has(*state, "calls", "load_pins_2_mov"));
    assert_true(has(*state, "calls_indirect", "call_indirect_save_2"));
}

static void a_return_sets_the_global(void **state)
{
    static const struct guest_row rows[] = {
        {"framed_all", {HIGH_AND(9)}, I64(9 - 5 + 3), GUEST_UNCOUNTED},
        {"framed_i32", {I32(3)}, I32(3), 13},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "framed", "set_sum_return_none"));
    assert_true(has(*state, "framed_i32", "set_sum_return_i32"));
    assert_true(has(*state, "framed_i64", "set_sum_return_i64"));
    assert_true(has(*state, "framed_low", "set_sum_return_i32"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(shifts_and_products_become_part_of_sums_and_masks),
        TEST(a_test_of_bits_is_a_branch),
        TEST(a_global_goes_down_and_up_in_one_operation),
        TEST(a_table_takes_the_constant_off_its_index),
        TEST(an_increment_jumps),
        TEST(arguments_move_several_at_once),
        TEST(the_low_half_of_a_local_is_read_where_it_is),
        TEST(operations_hold_constants_of_64_bits),
        TEST(a_move_jumps),
        TEST(a_load_stores),
        TEST(a_call_saves_and_its_result_loads_pins),
        TEST(a_return_sets_the_global),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
