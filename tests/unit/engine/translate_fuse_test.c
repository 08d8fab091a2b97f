/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions in one operation: the results and the instructions counted are those
 * of the instructions (guests in engine_fuse.wat), in slices of any size; and they are
 * fused, which the disassembly shows.
 */
#include <stdio.h>

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

static void shifts_become_part_of_sums_and_masks(void **state)
{
    static const struct guest_row rows[] = {
        {"shl_add", {I32(5), I32(7)}, I32(61), 5},
        {"shl_add_first", {I32(5), I32(0x10000001)}, I32(21), 5},
        {"shl_add_constant", {I32(3)}, I32(-1), 5},
        {"shl_add_shl", {I32(2), I32(3)}, I32(560), 7},
        {"shl_variable", {I32(3), I32(2)}, I32(14), 5},
        {"shr_and", {I32(0x12345678)}, I32(0x67), 5},
        {"shr_and_branch", {I32(8)}, I32(10), 7},
        {"shr_and_branch", {I32(7)}, I32(20), 7},
    };
    guest_check_rows(*state, rows, COUNT_OF(rows));
    assert_true(has(*state, "shl_add", "i32_shl_add"));
    assert_true(has(*state, "shl_add_first", "i32_shl_add"));
    assert_true(has(*state, "shl_add_constant", "i32_shl_add"));
    assert_true(has(*state, "shl_add_shl", "i32_shl_add"));
    assert_false(has(*state, "shl_variable", "i32_shl_add"));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shifts_become_part_of_sums_and_masks),
        TEST(a_test_of_bits_is_a_branch),
        TEST(a_global_goes_down_and_up_in_one_operation),
        TEST(a_table_takes_the_constant_off_its_index),
        TEST(an_increment_jumps),
        TEST(arguments_move_several_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
