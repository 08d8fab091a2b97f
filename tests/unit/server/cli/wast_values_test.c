/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values and patterns of values in scripts: numbers, classes of NaN, references, vectors.
 */
#include "server/cli/wast.h"
#include "tests/support/unit.h"

static bool matches(const char *json, uint32_t type, uint64_t bits)
{
    json_error_t error;
    json_t *root = json_loads(json, 0, &error);
    assert_non_null(root);
    struct wast_pattern pattern = wast_pattern_read(root);
    bool result = wast_pattern_matches(&pattern, type, &(union engine_value){.bits = bits});
    json_decref(root);
    return result;
}

static bool vector_matches(const char *json, uint64_t low, uint64_t high)
{
    json_t *root = json_loads(json, 0, NULL);
    assert_non_null(root);
    struct wast_pattern pattern = wast_pattern_read(root);
    bool result = wast_pattern_matches(&pattern, ENGINE_V128,
                                       (const union engine_value[]){{.bits = low}, {.bits = high}});
    json_decref(root);
    return result;
}

static void numbers_match_bit_for_bit(void **state)
{
    (void)state;
    assert_true(matches("{\"type\":\"i32\",\"value\":\"-1\"}", ENGINE_I32, 0xffffffff));
    assert_false(matches("{\"type\":\"i32\",\"value\":\"-1\"}", ENGINE_I32, 0xfffffffe));
    assert_false(matches("{\"type\":\"i32\",\"value\":\"1\"}", ENGINE_I64, 1));
    assert_true(matches("{\"type\":\"f32\",\"value\":\"2147483648\"}", ENGINE_F32, 0x80000000));
    assert_false(matches("{\"type\":\"f32\",\"value\":\"2147483648\"}", ENGINE_F32, 0));
}

static void nan_classes_are_told_apart(void **state)
{
    (void)state;
    static const char canonical[] = "{\"type\":\"f32\",\"value\":\"nan:canonical\"}";
    static const char arithmetic[] = "{\"type\":\"f64\",\"value\":\"nan:arithmetic\"}";
    assert_true(matches(canonical, ENGINE_F32, 0xffc00000));
    assert_false(matches(canonical, ENGINE_F32, 0x7fc00001));
    assert_false(matches(canonical, ENGINE_F32, 0x7f800000));
    /* An f32 leaves the rest of its slot zero. */
    assert_false(matches(canonical, ENGINE_F32, 0x17fc00000));
    assert_true(matches(arithmetic, ENGINE_F64, 0x7ff8000000000001));
    assert_false(matches(arithmetic, ENGINE_F64, 0x7ff4000000000000));
}

static void references_match_by_null_and_number(void **state)
{
    (void)state;
    static const char host[] = "{\"type\":\"externref\",\"value\":\"0\"}";
    assert_true(matches(host, ENGINE_EXTERNREF, 1)); /* the host's 0 is not null */
    assert_false(matches(host, ENGINE_EXTERNREF, 0));
    assert_true(matches("{\"type\":\"refnull\"}", ENGINE_FUNCREF, 0));
    assert_false(matches("{\"type\":\"refnull\"}", ENGINE_FUNCREF, 1));
    assert_false(matches("{\"type\":\"funcref\"}", ENGINE_FUNCREF, 0));
    assert_true(matches("{\"type\":\"funcref\"}", ENGINE_FUNCREF, 5));
    assert_false(matches("{\"type\":\"v128\",\"value\":[\"0\"]}", ENGINE_I64, 0));
}

static void a_vector_matches_lane_by_lane(void **state)
{
    (void)state;
    static const char words[] =
        "{\"type\":\"v128\",\"lane_type\":\"i32\",\"value\":[\"1\",\"2\",\"3\",\"-1\"]}";
    static const char floats[] = "{\"type\":\"v128\",\"lane_type\":\"f32\",\"value\":"
                                 "[\"nan:canonical\",\"0\",\"nan:arithmetic\",\"2147483648\"]}";
    static const char doubles[] =
        "{\"type\":\"v128\",\"lane_type\":\"f64\",\"value\":[\"nan:canonical\",\"1\"]}";
    assert_true(vector_matches(words, 0x0000000200000001, 0xffffffff00000003));
    assert_false(vector_matches(words, 0x0000000200000001, 0xffffffff00000004));
    assert_true(vector_matches(floats, 0x000000007fc00000, 0x80000000ffc00001));
    assert_false(vector_matches(floats, 0x000000007fc00001, 0x80000000ffc00001));
    assert_false(vector_matches(floats, 0x000000007fc00000, 0x00000000ffc00001));
    assert_true(vector_matches(doubles, 0xfff8000000000000, 1));
    assert_false(vector_matches(doubles, 0xfff8000000000000, 2));
}

static void a_list_that_is_no_vector_matches_nothing(void **state)
{
    (void)state;
    static const char eight_floats[] = "{\"type\":\"v128\",\"lane_type\":\"f32\",\"value\":"
                                       "[\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\"]}";
    static const char *const lists[] = {
        "{\"type\":\"v128\",\"lane_type\":\"i32\",\"value\":[\"0\"]}",
        "{\"type\":\"v128\",\"lane_type\":\"i32\",\"value\":[\"0\",\"0\",\"0\"]}",
        "{\"type\":\"v128\",\"lane_type\":\"i64\",\"value\":[\"0\",0]}",
        eight_floats,
        "{\"type\":\"v256\",\"value\":\"0\"}",
    };
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        assert_false(vector_matches(lists[i], 0, 0));
}

static void a_reference_is_of_the_kind_that_is_named(void **state)
{
    (void)state;
    static const char null_of_any[] = "{\"type\":\"nullref\"}";
    assert_true(matches(null_of_any, ENGINE_ANYREF, 0));
    assert_false(matches(null_of_any, ENGINE_ANYREF, 5));
    assert_false(matches(null_of_any, ENGINE_I32, 0));
    assert_false(matches("{\"type\":\"i31ref\"}", ENGINE_ANYREF, 0));
}

static void messages_say_what_was_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"{\"type\":\"i32\",\"value\":\"7\"}", "i32:7"},
        {"{\"type\":\"f32\",\"value\":\"nan:canonical\"}", "f32:nan:canonical"},
        {"{\"type\":\"f64\",\"value\":\"nan:arithmetic\"}", "f64:nan:arithmetic"},
        {"{\"type\":\"funcref\",\"value\":\"3\"}", "funcref, not null"},
        {"{\"type\":\"v256\",\"value\":\"3\"}", "v256, which is not supported"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[128];
        json_t *root = json_loads(rows[i].json, 0, NULL);
        struct wast_pattern pattern = wast_pattern_read(root);
        wast_pattern_print(&pattern, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
        json_decref(root);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_match_bit_for_bit),
        cmocka_unit_test(nan_classes_are_told_apart),
        cmocka_unit_test(references_match_by_null_and_number),
        cmocka_unit_test(a_vector_matches_lane_by_lane),
        cmocka_unit_test(a_list_that_is_no_vector_matches_nothing),
        cmocka_unit_test(a_reference_is_of_the_kind_that_is_named),
        cmocka_unit_test(messages_say_what_was_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
