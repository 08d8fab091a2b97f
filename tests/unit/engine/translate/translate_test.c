/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator: what is executed is counted exactly, values are where they are needed, and
 * the limits hold at L and are refused at L+1.
 *
 * Each row is one call, run in slices of 1, 2, 3, 7, 1000 and very many units of fuel: result,
 * instructions and fuel must not depend on it.
 */
#include "engine/run/machine.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

static void check(const char *file, const struct guest_row *rows, size_t count)
{
    struct guest guest = guest_load(file, NULL);
    guest_check_rows(&guest, rows, count);
    guest_done(&guest);
}

/* ---- fuel: instructions counted by hand, tests/guests/engine_fuel.wat ----------------------- */

#define FUEL(...)                                                                                  \
    do {                                                                                           \
        static const struct guest_row rows[] = {__VA_ARGS__};                                      \
        check("engine_fuel", rows, COUNT_OF(rows));                                                \
    } while (0)

static void straight_code_costs_its_instructions(void **state)
{
    (void)state;
    FUEL({"straight", {I32(4)}, I32(20), 5}, {"nothing", {}, {}, 0});
}

static void branches_cost_the_same_per_instruction_taken_or_not(void **state)
{
    (void)state;
    FUEL({"branch", {I32(0)}, I32(10), 4}, {"branch", {I32(1)}, I32(20), 3},
         {"branch_away", {I32(1)}, I32(5), 6}, {"branch_away", {I32(0)}, I32(6), 5},
         {"br_out", {I32(1)}, I32(3), 3}, {"br_out", {I32(0)}, I32(99), 5});
}

static void an_if_costs_the_arm_that_ran(void **state)
{
    (void)state;
    FUEL({"if_else", {I32(1)}, I32(1), 3}, {"if_else", {I32(0)}, I32(5), 5},
         {"if_only", {I32(1)}, I32(7), 5}, {"if_only", {I32(0)}, I32(7), 3});
}

static void early_returns_cost_what_ran_before_them(void **state)
{
    (void)state;
    FUEL({"if_return", {I32(1)}, I32(1), 4}, {"if_return", {I32(0)}, I32(2), 5},
         {"if_leaves", {I32(1)}, I32(1), 5}, {"if_leaves", {I32(0)}, I32(2), 5},
         {"return_in_loop", {I32(100)}, I32(100), 6}, {"return_in_loop", {I32(80)}, I32(107), 33});
}

static void loops_cost_every_turn(void **state)
{
    (void)state;
    FUEL({"sum", {I32(1)}, I32(1), 10}, {"sum", {I32(10)}, I32(55), 91},
         {"sum", {I32(1000)}, I32(500500), 9001}, {"nested", {I32(3), I32(4)}, I32(12), 130},
         {"nested", {I32(1), I32(1)}, I32(1), 17});
}

static void fused_instructions_are_still_counted_one_by_one(void **state)
{
    (void)state;
    FUEL({"fused", {I32(10)}, I32(12), 37}, {"fused", {I32(1)}, I32(3), 10});
}

static void a_branch_table_costs_the_same_through_each_entry(void **state)
{
    (void)state;
    FUEL({"table", {I32(0)}, I32(1), 4}, {"table", {I32(1)}, I32(2), 5},
         {"table", {I32(2)}, I32(3), 5}, {"table", {I32(UINT32_MAX)}, I32(3), 5},
         {"table_loop", {I32(1)}, I32(1), 10}, {"table_loop", {I32(3)}, I32(2), 19},
         {"table_loop", {I32(5)}, I32(4), 37}, {"table_return", {I32(0)}, I32(8), 3},
         {"table_return", {I32(1)}, I32(8), 3});
}

static void calls_cost_one_beside_what_the_callee_executes(void **state)
{
    (void)state;
    FUEL({"calls", {I32(5)}, I32(21), 11}, {"calls_indirect", {I32(5)}, I32(10), 6},
         {"recursion", {I32(0)}, I32(1), 4}, {"recursion", {I32(5)}, I32(120), 49});
}

static void tail_calls_cost_one_beside_what_the_callee_executes(void **state)
{
    (void)state;
    FUEL({"tail", {I32(0)}, I32(0), 8}, {"tail", {I32(5)}, I32(10), 58},
         {"tail_indirect", {I32(0)}, I32(77), 5}, {"tail_indirect", {I32(4)}, I32(77), 33});
}

static void code_that_never_runs_costs_nothing(void **state)
{
    (void)state;
    FUEL({"dead_code", {I32(0)}, I32(6), 4});
}

/* A function "go" (i32) -> i32 whose body is made by `body`, exported. */
static struct buffer single(void (*body)(struct buffer *wasm, uint32_t size), uint32_t size)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, ENGINE_I32, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 2, 'g', 'o', ENGINE_EXTERN_FUNC, 0);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t function = wasm_open_size(&wasm);
    body(&wasm, size);
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, function);
    wasm_close(&wasm, code);
    return wasm;
}

/* loop; block; nops, a way out in the middle; more nops; end; --local 0; br_if 0; end; 9 */
static void long_loop(struct buffer *wasm, uint32_t size)
{
    WASM(wasm, 0, 0x03, 0x40, 0x02, 0x40);
    wasm_fill(wasm, 0x01, size);
    WASM(wasm, 0x20, 0, 0x41, 1, 0x71, 0x0d, 0); /* odd: leave the block */
    wasm_fill(wasm, 0x01, size);
    WASM(wasm, 0x0b, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x41, 9);
}

/* Long runs are charged on their way; branches over such places are still exact. */
static void long_runs_are_counted_exactly_around_branches(void **state)
{
    (void)state;
    struct buffer wasm = single(long_loop, 10000);
    struct guest guest = guest_make(&wasm, NULL);
    static const struct guest_row rows[] = {
        {"go", {I32(1)}, I32(9), 10000 + 4 + 5 + 1},
        {"go", {I32(4)}, I32(9), 4 * (10000 + 4 + 5) + 2 * 10000 + 1},
    };
    guest_check_rows(&guest, rows, COUNT_OF(rows));
    guest_done(&guest);
}

/* However long the run, a slice ends within it. */
static void a_long_run_does_not_overrun_its_slice_by_much(void **state)
{
    (void)state;
    struct buffer wasm = single(long_loop, 100000);
    struct guest guest = guest_make(&wasm, NULL);
    union engine_value argument = I32(2);
    guest_begin(&guest, "go", &argument);
    assert_int_equal(engine_run(guest.machine, 1), ENGINE_OUT_OF_FUEL);
    assert_true(engine_machine_fuel_used(guest.machine) < 10000);
    assert_int_equal(guest_run(&guest, 1000), ENGINE_DONE);
    guest_done(&guest);
}

/* ---- values: tests/guests/engine_values.wat ------------------------------------------------- */

#define VALUES(...)                                                                                \
    do {                                                                                           \
        static const struct guest_row rows[] = {__VA_ARGS__};                                      \
        check("engine_values", rows, COUNT_OF(rows));                                              \
    } while (0)
#define ROW(name, result, ...)                                                                     \
    {                                                                                              \
        (name), {__VA_ARGS__}, result, GUEST_UNCOUNTED                                             \
    }

static void a_local_set_does_not_change_what_was_read_before(void **state)
{
    (void)state;
    VALUES(ROW("old_read", I32(7), I32(12)), ROW("old_reads", I32(19), I32(4)),
           ROW("old_read_by_operation", I32(-9), I32(3)), ROW("old_read_pinned", I32(43), I32(3)),
           ROW("exchange", I32(201), I32(1), I32(2), I32(3)),
           ROW("exchange", I32(102), I32(1), I32(2), I32(2)), ROW("fibonacci", I64(55), I32(10)),
           ROW("fibonacci", I64(2880067194370816120), I32(90)),
           ROW("fibonacci_float", F64(55), I32(10)));
}

static void values_survive_calls(void **state)
{
    (void)state;
    VALUES(ROW("old_read_over_call", I32(11), I32(60)), ROW("float_over_call", F32(14), F32(8)),
           ROW("many_results", F64(20), I32(4)), ROW("many_results_used", F64(1006.5), I32(4)));
}

static void a_dropped_result_is_gone(void **state)
{
    (void)state;
    VALUES(ROW("dropped", I32(42), I32(2)));
}

static void a_tee_leaves_its_value_in_the_local_and_on_the_stack(void **state)
{
    (void)state;
    VALUES(ROW("tee_chain", I32(15), I32(4)), ROW("tee_self", I32(45), I32(4)),
           ROW("tee_then_set", I32(13), I32(5)), ROW("tee_of_tee_pinned", F64(12), F64(1.75)));
}

static void a_conditional_branch_carries_values(void **state)
{
    (void)state;
    VALUES(ROW("br_if_value", I32(1012), I32(6)), ROW("br_if_value", I32(1013), I32(5)),
           ROW("br_if_value_higher", I32(7), I32(7)), ROW("br_if_value_higher", I32(50), I32(0)),
           ROW("br_if_local", I32(5), I32(5)), ROW("br_if_local", I32(13), I32(4)),
           ROW("br_if_two", I32(-2), I32(1)), ROW("br_if_two", I32(6), I32(0)),
           ROW("br_if_constant_return", I64(0x123456789abcdef0), I32(1)),
           ROW("br_if_constant_return", I64(-2), I32(0)));
}

static void a_branch_table_carries_values_to_labels_of_other_heights(void **state)
{
    (void)state;
    VALUES(ROW("br_table_values", I32(1123), I32(0)), ROW("br_table_values", I32(1112), I32(1)),
           ROW("br_table_values", I32(1010), I32(2)), ROW("br_table_values", I32(7), I32(3)),
           ROW("br_table_pairs", I32(85), I32(0)), ROW("br_table_pairs", I32(60), I32(1)));
}

static void loops_and_ifs_take_parameters(void **state)
{
    (void)state;
    VALUES(ROW("loop_parameter", I32(120), I32(5)), ROW("if_parameter", I32(6), I32(1)),
           ROW("if_parameter", I32(2), I32(3)));
}

static void a_fused_addition_is_seen_by_all_who_read_the_local(void **state)
{
    (void)state;
    VALUES(ROW("count_up", I32(5), I32(5)), ROW("count_down", I32(10), I32(5)),
           ROW("stale_after", I32(4), I32(3)), ROW("stale_after", I32(1021), I32(20)),
           ROW("stale_before", I32(3), I32(3)), ROW("stale_before", I32(1009), I32(9)),
           ROW("stale_before_if", I32(12), I32(3)), ROW("stale_before_if", I32(19), I32(9)),
           ROW("stale_after_if", I32(8), I32(5)), ROW("stale_after_if", I32(39), I32(20)),
           ROW("fused_with_itself", I32(4), I32(3)));
}

static void eqz_turns_comparisons_round(void **state)
{
    (void)state;
    VALUES(ROW("eqz_of_compare", I32(1), I32(1), I32(2)),
           ROW("eqz_of_compare", I32(2), I32(2), I32(1)), ROW("eqz_of_eqz", I32(0), I32(0)),
           ROW("eqz_of_eqz", I32(1), I32(5)), ROW("eqz_if", I32(1), I32(0)),
           ROW("eqz_if", I32(2), I32(3)), ROW("eqz_wide_if", I32(1), I64(0)),
           ROW("eqz_wide_if", I32(2), I64(1ull << 32)), ROW("eqz_wide_br", I32(1), I64(0)),
           ROW("eqz_wide_br", I32(2), I64(1ull << 32)));
}

static void eqz_of_a_float_comparison_holds_for_nan(void **state)
{
    (void)state;
    VALUES(ROW("eqz_of_float_compare", I32(1), F64(__builtin_nan("")), F64(1)),
           ROW("eqz_of_float_compare", I32(0), F64(1), F64(2)),
           ROW("eqz_of_float_compare", I32(1), F64(2), F64(1)),
           ROW("float_compare_if", I32(2), F64(__builtin_nan("")), F64(1)),
           ROW("float_compare_if", I32(1), F64(1), F64(2)),
           ROW("float_compare_eqz_if", I32(1), F64(__builtin_nan("")), F64(1)),
           ROW("float_compare_eqz_if", I32(2), F64(2), F64(1)),
           ROW("float_compare_eqz_if", I32(1), F64(1), F64(2)));
}

static void constants_wider_than_a_cell_keep_all_their_bits(void **state)
{
    (void)state;
    VALUES(ROW("wide_add", I64(0x100000001), I64(1)), ROW("wide_from", I64(0x7fffffff), I64(1)),
           ROW("wide_compare", I32(1), I64(0x7fffffff)),
           ROW("wide_compare", I32(2), I64(0x80000000)), ROW("wide_store", I64(0x123456700000000)),
           ROW("wide_local", I64(0xffffffff)), ROW("wide_global", I64(0x80000000)),
           ROW("wide_select", I64(0x80000000), I32(1)), ROW("wide_select", I64(-1), I32(0)),
           ROW("high_select", I64(0x80000000), I32(1)),
           ROW("high_select", I64(0xffffffff), I32(0)));
}

static void an_i32_is_zero_extended_wherever_it_comes_from(void **state)
{
    (void)state;
    VALUES(ROW("extend_local", I64(0xfffffffe), I32(-2)),
           ROW("extend_sum", I64(0xffffffff), I32(0)), ROW("extend_constant", I64(0xfffffffb)),
           ROW("extend_load", I64(0xfffffff8)), ROW("extend_load_signed", I64(0xffffff80)),
           ROW("extend_wrapped", I64(0x80000001), I64(0x1234567880000001)),
           ROW("extend_global", I64(0xfffffff9)));
}

static void addresses_may_be_sums_that_wrap(void **state)
{
    (void)state;
    VALUES(ROW("sum_wraps", I32(0xf8), I32(-8)), ROW("sum_store", I32(2), I32(40), I32(2)),
           ROW("sum_store_computed", I32(120), I32(40), I32(3)),
           ROW("store_parts", I64(0xee55667788778888)), ROW("floats_in_memory", F64(7), F64(2)));
}

/* ---- limits --------------------------------------------------------------------------------- */

static enum status compile(struct buffer *wasm, struct report *report)
{
    struct engine_image image;
    *report = (struct report)REPORT_INIT;
    enum status status = engine_compile(buffer_bytes(wasm), &engine_limits_default,
                                        &engine_options_default, report, NULL, &image);
    if (status == STATUS_OK)
        engine_image_free(&image);
    buffer_done(wasm);
    return status;
}

/* `slots` frame slots: the parameter and locals, two for the link, the rest operands. */
#define FULL_LOCALS 49998u
static void full_frame(struct buffer *wasm, uint32_t slots)
{
    uint32_t operands = slots - FULL_LOCALS - 2;
    WASM(wasm, 1);
    wasm_u32(wasm, FULL_LOCALS - 1);
    WASM(wasm, ENGINE_I32);
    for (uint32_t i = 0; i < operands; i++)
        WASM(wasm, 0x20, 0);
    wasm_fill(wasm, 0x6a, operands - 1);
}

static void a_frame_may_have_as_many_slots_as_an_operand_can_name(void **state)
{
    (void)state;
    struct buffer wasm = single(full_frame, MODULE_MAX_FRAME_SLOTS);
    struct guest guest = guest_make(&wasm, NULL);
    uint64_t operands = MODULE_MAX_FRAME_SLOTS - FULL_LOCALS - 2;
    assert_int_equal(guest_call(&guest, "go", 3), 3 * operands);
    guest_done(&guest);
    struct report report;
    wasm = single(full_frame, MODULE_MAX_FRAME_SLOTS + 1);
    assert_int_equal(compile(&wasm, &report), STATUS_LIMIT);
    assert_non_null(strstr(report.text, "more slots than a frame has"));
    assert_non_null(strstr(report.text, "function 0"));
}

/* Sets the last of its locals, adds the first, a middle one and the last to the parameter. */
static void many_locals(struct buffer *wasm, uint32_t locals)
{
    WASM(wasm, 1);
    wasm_u32(wasm, locals - 1);
    WASM(wasm, ENGINE_I32, 0x41, 5, 0x21);
    wasm_u32(wasm, locals - 1);
    WASM(wasm, 0x20, 0, 0x20, 1, 0x6a, 0x20);
    wasm_u32(wasm, locals / 2);
    WASM(wasm, 0x6a, 0x20);
    wasm_u32(wasm, locals - 1);
    WASM(wasm, 0x6a);
}

static void a_function_with_50000_locals_starts_with_zeros(void **state)
{
    (void)state;
    struct buffer wasm = single(many_locals, MODULE_MAX_LOCALS);
    struct guest guest = guest_make(&wasm, NULL);
    static const struct guest_row rows[] = {{"go", {I32(37)}, I32(42), 9}};
    /* What an earlier call left on the stack must not show. */
    memset(guest.machine->stack, 0xff, (size_t)MODULE_MAX_LOCALS * 8);
    guest_check_rows(&guest, rows, COUNT_OF(rows));
    guest_done(&guest);
}

/* Functions without code, all but the last with as many locals as one may have. */
static struct buffer locals_in_all(uint32_t total)
{
    uint32_t full = total / MODULE_MAX_LOCALS;
    uint32_t rest = total % MODULE_MAX_LOCALS;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, full + 1);
    wasm_fill(&wasm, 0, full + 1);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, full + 1);
    for (uint32_t i = 0; i <= full; i++) {
        size_t function = wasm_open_size(&wasm);
        WASM(&wasm, 1);
        wasm_u32(&wasm, i < full ? MODULE_MAX_LOCALS : rest);
        WASM(&wasm, ENGINE_I64, 0x0b);
        wasm_close(&wasm, function);
    }
    wasm_close(&wasm, section);
    return wasm;
}

static void all_functions_together_may_have_ten_million_locals(void **state)
{
    (void)state;
    struct report report;
    struct buffer wasm = locals_in_all(MODULE_MAX_LOCALS_TOTAL);
    assert_int_equal(compile(&wasm, &report), STATUS_OK);
    wasm = locals_in_all(MODULE_MAX_LOCALS_TOTAL + 1);
    assert_int_equal(compile(&wasm, &report), STATUS_LIMIT);
    assert_non_null(strstr(report.text, "10,000,000 locals"));
}

/* The format reads a memory offset as 64 bits wide: six bytes may spell a small one. */
static void a_padded_memory_offset_is_the_same_offset(void **state)
{
    (void)state;
    static const uint8_t wasm[] = {
        0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60,
        0x00, 0x01, 0x7f, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01,
        0x07, 0x05, 0x01, 0x01, 'f',  0x00, 0x00, 0x0a, 0x0e, 0x01, 0x0c, 0x00,
        0x41, 0x00, 0x28, 0x02, 0x84, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0b, /* data: 7 at 4 */ 0x0b,
        0x07, 0x01, 0x00, 0x41, 0x04, 0x0b, 0x01, 0x07,
    };
    struct buffer copy;
    buffer_init(&copy, sizeof(wasm));
    assert_int_equal(buffer_append(&copy, wasm, sizeof(wasm)), STATUS_OK);
    struct guest guest = guest_make(&copy, NULL);
    assert_int_equal(guest_call(&guest, "f", 0), 7);
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_padded_memory_offset_is_the_same_offset),
        cmocka_unit_test(straight_code_costs_its_instructions),
        cmocka_unit_test(branches_cost_the_same_per_instruction_taken_or_not),
        cmocka_unit_test(an_if_costs_the_arm_that_ran),
        cmocka_unit_test(early_returns_cost_what_ran_before_them),
        cmocka_unit_test(loops_cost_every_turn),
        cmocka_unit_test(fused_instructions_are_still_counted_one_by_one),
        cmocka_unit_test(a_branch_table_costs_the_same_through_each_entry),
        cmocka_unit_test(calls_cost_one_beside_what_the_callee_executes),
        cmocka_unit_test(tail_calls_cost_one_beside_what_the_callee_executes),
        cmocka_unit_test(code_that_never_runs_costs_nothing),
        cmocka_unit_test(long_runs_are_counted_exactly_around_branches),
        cmocka_unit_test(a_long_run_does_not_overrun_its_slice_by_much),
        cmocka_unit_test(a_local_set_does_not_change_what_was_read_before),
        cmocka_unit_test(values_survive_calls),
        cmocka_unit_test(a_dropped_result_is_gone),
        cmocka_unit_test(a_tee_leaves_its_value_in_the_local_and_on_the_stack),
        cmocka_unit_test(a_conditional_branch_carries_values),
        cmocka_unit_test(a_branch_table_carries_values_to_labels_of_other_heights),
        cmocka_unit_test(loops_and_ifs_take_parameters),
        cmocka_unit_test(a_fused_addition_is_seen_by_all_who_read_the_local),
        cmocka_unit_test(eqz_turns_comparisons_round),
        cmocka_unit_test(eqz_of_a_float_comparison_holds_for_nan),
        cmocka_unit_test(constants_wider_than_a_cell_keep_all_their_bits),
        cmocka_unit_test(an_i32_is_zero_extended_wherever_it_comes_from),
        cmocka_unit_test(addresses_may_be_sums_that_wrap),
        cmocka_unit_test(a_frame_may_have_as_many_slots_as_an_operand_can_name),
        cmocka_unit_test(a_function_with_50000_locals_starts_with_zeros),
        cmocka_unit_test(all_functions_together_may_have_ten_million_locals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
