/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that is made in parts, cut at any function, is what is made in one go: of guests with calls
 * both ways, returning ones too, and with exceptions.
 */
#include "engine/translate/translate.h"
#include "engine/validate/validate.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

#define PARTS_MAX 3

static struct module prepare(struct buffer *wasm)
{
    struct module module = {0};
    assert_int_equal(decode_module(buffer_bytes(wasm), &engine_limits_default, NULL, &module),
                     STATUS_OK);
    assert_int_equal(validate_module(&module, NULL), STATUS_OK);
    return module;
}

/* Of functions up to the first end, up to the second ... */
static struct code translate_cut(struct module *module, const uint32_t *ends, uint32_t count)
{
    struct code parts[PARTS_MAX] = {0};
    struct module_range ranges[PARTS_MAX] = {{0}};
    uint32_t *entries = ARENA_ARRAY(&module->arena, uint32_t, module->func_count);
    assert_non_null(entries);
    for (uint32_t i = 0; i < count; i++) {
        ranges[i] = (struct module_range){.first = i == 0 ? 0 : ends[i - 1], .end = ends[i]};
        parts[i].entries = entries;
        assert_int_equal(
            translate_funcs(module, ranges[i], &engine_options_default, NULL, &parts[i]),
            STATUS_OK);
    }
    assert_int_equal(translate_join(module, ranges, parts, count, &engine_options_default, NULL),
                     STATUS_OK);
    return parts[0];
}

static void assert_same_bytes(const struct buffer *one, const struct buffer *other)
{
    assert_int_equal(one->count, other->count);
    if (one->count > 0)
        assert_memory_equal(one->data, other->data, one->count);
}

static void
assert_same(const struct module *module, const struct code *one, const struct code *other)
{
    assert_same_bytes(&one->cells, &other->cells);
    assert_same_bytes(&one->marks, &other->marks);
    assert_same_bytes(&one->regions, &other->regions);
    assert_same_bytes(&one->clauses, &other->clauses);
    assert_memory_equal(one->entries, other->entries, module->func_count * sizeof(uint32_t));
    assert_int_equal(one->frame_slots, other->frame_slots);
    assert_int_equal(one->local_count, other->local_count);
}

static void check_every_cut(const char *guest)
{
    struct buffer wasm = guest_read(guest);
    struct module module = prepare(&wasm);
    const uint32_t all[] = {module.func_count};
    struct code whole = translate_cut(&module, all, 1);
    for (uint32_t cut = 0; cut <= module.func_count; cut++) {
        const uint32_t two[] = {cut, module.func_count};
        const uint32_t three[] = {cut / 2, cut, module.func_count};
        struct code of_two = translate_cut(&module, two, 2);
        struct code of_three = translate_cut(&module, three, 3);
        assert_same(&module, &whole, &of_two);
        assert_same(&module, &whole, &of_three);
        code_done(&of_two);
        code_done(&of_three);
    }
    code_done(&whole);
    module_done(&module);
    buffer_done(&wasm);
}

static void parts_are_the_whole_wherever_it_is_cut(void **state)
{
    (void)state;
    static const char *const guests[] = {"engine_run", "engine_try", "engine_values", "engine_fuel",
                                         "engine_back"};
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        check_every_cut(guests[i]);
}

/* 50,000 in each of 201 functions: no part has too many. */
static void locals_are_counted_over_all_parts(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, 201);
    wasm_fill(&wasm, 0, 201);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, 201);
    for (int i = 0; i < 201; i++)
        WASM(&wasm, 6, 1, 0xd0, 0x86, 3, 0x7f, 0x0b); /* 50,000 of i32, end */
    wasm_close(&wasm, section);
    struct module module = prepare(&wasm);
    const struct module_range ranges[] = {{0, 100}, {100, 201}};
    struct code parts[2] = {0};
    struct report report = REPORT_INIT;
    uint32_t *entries = ARENA_ARRAY(&module.arena, uint32_t, module.func_count);
    assert_non_null(entries);
    for (int i = 0; i < 2; i++) {
        parts[i].entries = entries;
        assert_int_equal(
            translate_funcs(&module, ranges[i], &engine_options_default, NULL, &parts[i]),
            STATUS_OK);
    }
    assert_int_equal(translate_join(&module, ranges, parts, 2, &engine_options_default, &report),
                     STATUS_LIMIT);
    assert_string_equal(report.text, TRANSLATE_TOO_MANY_LOCALS);
    code_done(&parts[0]);
    code_done(&parts[1]);
    module_done(&module);
    buffer_done(&wasm);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_the_whole_wherever_it_is_cut),
        cmocka_unit_test(locals_are_counted_over_all_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
