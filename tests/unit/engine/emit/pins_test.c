/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locals are zero where the guest can see it and cleared only there (guests in
 * engine_locals.wat). Before each call the stack is filled with ones.
 */
#include <stdio.h>

#include "engine/inspect.h"
#include "engine/run/machine.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

struct row {
    const char *name;
    union engine_value argument;
    uint32_t result;
};

static int setup(void **state)
{
    static struct guest guest;
    guest = guest_load("engine_locals", NULL);
    *state = &guest;
    return 0;
}

static int teardown(void **state)
{
    guest_done(*state);
    return 0;
}

static bool clears(struct guest *guest, const char *name)
{
    struct engine_export_desc export;
    assert_true(engine_module_find_export(guest->module, name, ENGINE_EXTERN_FUNC, &export));
    struct buffer text;
    buffer_init(&text, (size_t)1 << 16);
    assert_int_equal(engine_disassemble(guest->module, export.index, &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    bool found = strstr((const char *)text.data, "  zero_") != NULL;
    buffer_done(&text);
    return found;
}

static void check(struct guest *guest, const struct row *rows, size_t count, bool cleared)
{
    for (size_t i = 0; i < count; i++) {
        memset(guest->machine->stack, 0xff, 4096);
        assert_int_equal(guest_go(guest, rows[i].name, &rows[i].argument), ENGINE_DONE);
        uint64_t result = engine_call_results(guest->machine)->i64;
        if (result != rows[i].result)
            fail_msg("%s(%u) = %llu, not %u", rows[i].name, rows[i].argument.i32,
                     (unsigned long long)result, rows[i].result);
        if (clears(guest, rows[i].name) != cleared)
            fail_msg("%s: %s", rows[i].name, cleared ? "clears nothing" : "clears in vain");
    }
}

static void what_is_set_on_all_paths_is_not_cleared(void **state)
{
    static const struct row rows[] = {
        {"set_straight", I32(0), 9}, {"set_straight", I32(3), 3}, {"set_in_loop", I32(3), 12},
        {"set_in_arms", I32(1), 3},  {"set_in_arms", I32(0), 4},  {"set_around_call", I32(4), 11},
    };
    check(*state, rows, COUNT_OF(rows), false);
}

static void what_may_be_read_unset_is_zero(void **state)
{
    static const struct row rows[] = {
        {"then_only", I32(1), 7},   {"then_only", I32(0), 0},   {"else_reads", I32(1), 7},
        {"else_reads", I32(0), 0},  {"branch_over", I32(0), 7}, {"branch_over", I32(1), 0},
        {"table_over", I32(0), 7},  {"table_over", I32(1), 0},  {"loop_before", I32(3), 10},
        {"loop_before", I32(1), 0}, {"sibling", I32(0), 7},     {"sibling", I32(1), 0},
        {"never", I32(0), 0},       {"far", I32(0), 100},       {"dead_set", I32(0), 0},
    };
    check(*state, rows, COUNT_OF(rows), true);
}

/* (block (result (ref null 33)) nop (return (local.get 1))): 33 would be a local.set. */
static void the_type_of_a_block_is_no_instruction(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    size_t types = wasm_open(&wasm, WASM_TYPE);
    wasm_u32(&wasm, 34);
    for (uint32_t i = 0; i < 34; i++)
        WASM(&wasm, 0x60, 0, 1, ENGINE_I32);
    wasm_close(&wasm, types);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 1, 'f', ENGINE_EXTERN_FUNC, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 13, 1, 2, ENGINE_I32, 0x02, 0x63, 33, 0x01, 0x20, 1, 0x0f,
                 0x0b, 0x00, 0x0b);
    struct guest guest = guest_make(&wasm, NULL);
    static const struct row rows[] = {{"f", I32(0), 0}};
    check(&guest, rows, COUNT_OF(rows), true);
    guest_done(&guest);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_set_on_all_paths_is_not_cleared),
        TEST(what_may_be_read_unset_is_zero),
        cmocka_unit_test(the_type_of_a_block_is_no_instruction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
