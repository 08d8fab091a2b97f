/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subtyping of abstract types, told apart by the specification's picture, and sets of groups.
 */
#include <string.h>

#include "engine/read/types.h"
#include "tests/support/unit.h"

/* Who is below whom [Wasm core 3.3.3]: a row's types are below those that its text names. */
static const struct {
    uint32_t heap;
    const char *above;
    char letter;
} abstracts[] = {
    {ENGINE_ANYREF, "a", 'a'},     {ENGINE_EQREF, "aq", 'q'},
    {ENGINE_I31REF, "aqi", 'i'},   {ENGINE_STRUCTREF, "aqs", 's'},
    {ENGINE_ARRAYREF, "aqr", 'r'}, {ENGINE_NULLREF, "aqisr0", '0'},
    {ENGINE_FUNCREF, "f", 'f'},    {ENGINE_NULLFUNCREF, "f1", '1'},
    {ENGINE_EXTERNREF, "e", 'e'},  {ENGINE_NULLEXTERNREF, "e2", '2'},
    {ENGINE_EXNREF, "x", 'x'},     {ENGINE_NULLEXNREF, "x3", '3'},
};

static void an_abstract_type_is_below_those_of_the_picture(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(abstracts); i++) {
        for (size_t k = 0; k < COUNT_OF(abstracts); k++)
            assert_int_equal(types_abstract_match(abstracts[i].heap, abstracts[k].heap),
                             strchr(abstracts[i].above, abstracts[k].letter) != NULL);
    }
}

/* A world of structures 0 <- 1 <- 2 and a function 3. */
static uint32_t kind_of(const void *of, uint32_t index)
{
    (void)of;
    return index == 3 ? TYPES_FUNC : TYPES_STRUCT;
}

static bool is_below(const void *of, uint32_t sub, uint32_t super)
{
    (void)of;
    return sub == super || (sub < 3 && super < sub);
}

static void a_value_type_matches_through_null_and_both_kinds_of_heap_types(void **state)
{
    (void)state;
    enum { C = (int)ENGINE_TYPE_CONCRETE };
    const uint32_t non_null = ENGINE_TYPE_NON_NULL;
    static const struct types_world world = {.kind = kind_of, .is_below = is_below};
    const struct {
        uint32_t sub;
        uint32_t super;
        bool matches;
    } rows[] = {
        {ENGINE_I32, ENGINE_I32, true},
        {ENGINE_I32, ENGINE_I64, false},
        {ENGINE_I32, ENGINE_ANYREF, false},
        {0, ENGINE_I32, true},
        {ENGINE_EQREF | non_null, ENGINE_ANYREF, true},
        {ENGINE_EQREF, ENGINE_ANYREF | non_null, false},
        {(uint32_t)C | 2, (uint32_t)C | 0, true},
        {(uint32_t)C | 0, (uint32_t)C | 2, false},
        {(uint32_t)C | 2 | non_null, (uint32_t)C | 1, true},
        {(uint32_t)C | 2, (uint32_t)C | 1 | non_null, false},
        {(uint32_t)C | 1, ENGINE_STRUCTREF, true},
        {(uint32_t)C | 1, ENGINE_ARRAYREF, false},
        {(uint32_t)C | 3, ENGINE_FUNCREF, true},
        {(uint32_t)C | 3, ENGINE_ANYREF, false},
        {ENGINE_NULLREF, (uint32_t)C | 1, true},
        {ENGINE_NULLFUNCREF, (uint32_t)C | 1, false},
        {ENGINE_NULLFUNCREF, (uint32_t)C | 3, true},
        {ENGINE_STRUCTREF, (uint32_t)C | 0, false},
        {TYPES_BOTTOM_REF, (uint32_t)C | 1, true},
        {TYPES_BOTTOM_REF, ENGINE_EXTERNREF | non_null, true},
        {TYPES_BOTTOM_REF, ENGINE_I32, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (types_match_in(&world, rows[i].sub, rows[i].super) != rows[i].matches)
            fail_msg("row %zu: %s, %s", i, engine_type_text(rows[i].sub).text,
                     engine_type_text(rows[i].super).text);
    }
}

static void an_equal_group_has_the_number_of_the_first(void **state)
{
    (void)state;
    enum { GROUPS = 5000 };
    struct types_set set;
    types_set_init(&set, (size_t)1 << 20);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < GROUPS; i++) {
            /* One is the beginning of the next. */
            const uint32_t words[3] = {i / 3, 7, 7};
            uint32_t first = UINT32_MAX;
            assert_int_equal(types_set_add(&set, words, 1 + i % 3, round * GROUPS + i, &first),
                             STATUS_OK);
            assert_int_equal(first, i);
        }
    }
    types_set_done(&set);
}

static void a_set_stays_within_its_bytes(void **state)
{
    (void)state;
    struct types_set set;
    types_set_init(&set, 4096);
    enum status status = STATUS_OK;
    uint32_t count = 0;
    for (; status == STATUS_OK && count < 10000; count++) {
        uint32_t first = UINT32_MAX;
        status = types_set_add(&set, &count, 1, count, &first);
    }
    assert_int_equal(status, STATUS_LIMIT);
    assert_in_range(count, 16, 1024);
    types_set_done(&set);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_abstract_type_is_below_those_of_the_picture),
        cmocka_unit_test(a_value_type_matches_through_null_and_both_kinds_of_heap_types),
        cmocka_unit_test(an_equal_group_has_the_number_of_the_first),
        cmocka_unit_test(a_set_stays_within_its_bytes),
    };
    return cmocka_run_group_tests_name("engine/types", tests, NULL, NULL);
}
