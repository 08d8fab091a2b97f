/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as text, as `skerry run` prints and reads them.
 */
#include "server/cli/values.h"
#include "tests/support/unit.h"

static void check(uint32_t type, uint64_t bits, const char *wanted)
{
    char text[VALUES_TEXT_BYTES];
    values_print(text, type, &(union engine_value){.bits = bits});
    assert_string_equal(text, wanted);
}

static void integers_print_signed(void **state)
{
    (void)state;
    check(ENGINE_I32, 3, "i32:3");
    check(ENGINE_I32, UINT32_MAX, "i32:-1");
    check(ENGINE_I64, (uint64_t)1 << 63, "i64:-9223372036854775808");
}

static void floats_print_as_the_shortest_number_that_reads_back(void **state)
{
    (void)state;
    check(ENGINE_F32, 0x3dcccccd, "f32:0.1");
    check(ENGINE_F32, 0x80000000, "f32:-0");
    check(ENGINE_F32, 0x7f7fffff, "f32:3.4028235e+38");
    check(ENGINE_F32, 0x00000001, "f32:1e-45");
    check(ENGINE_F64, 0x3fb999999999999a, "f64:0.1");
    check(ENGINE_F64, 0x3fd5555555555555, "f64:0.3333333333333333");
    check(ENGINE_F64, 0xfff0000000000000, "f64:-inf");
}

static void a_nan_prints_as_its_bits(void **state)
{
    (void)state;
    check(ENGINE_F32, 0x7fc00001, "f32:nan:0x7fc00001");
    check(ENGINE_F64, 0x7ff4000000000000, "f64:nan:0x7ff4000000000000");
}

static void null_references_say_so(void **state)
{
    (void)state;
    check(ENGINE_FUNCREF, 0, "funcref:null");
    check(ENGINE_EXTERNREF, 0, "externref:null");
    check(ENGINE_EXTERNREF, 0x2a, "externref:0x2a");
}

static void arguments_are_read_in_decimal_and_hexadecimal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t type;
        uint64_t bits;
    } good[] = {
        {"-1", ENGINE_I32, 0xffffffff},
        {"4294967295", ENGINE_I32, 0xffffffff},
        {"-2147483648", ENGINE_I32, 0x80000000},
        {"0x10", ENGINE_I32, 16},
        {"010", ENGINE_I32, 10},
        {"-0x10", ENGINE_I64, (uint64_t)-16},
        {"18446744073709551615", ENGINE_I64, UINT64_MAX},
        {"-9223372036854775808", ENGINE_I64, (uint64_t)1 << 63},
        {"1.5", ENGINE_F32, 0x3fc00000},
        {"-inf", ENGINE_F64, 0xfff0000000000000},
        {"null", ENGINE_EXTERNREF, 0},
        {"nan:0x7fa00001", ENGINE_F32, 0x7fa00001},
        {"nan:0xfff8000000000001", ENGINE_F64, 0xfff8000000000001},
        {"3.4028235e+38", ENGINE_F32, 0x7f7fffff},
        {"1e-46", ENGINE_F32, 0},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        union engine_value value;
        assert_true(values_parse(good[i].text, good[i].type, &value));
        assert_int_equal(value.bits, good[i].bits);
    }
}

static void what_is_not_of_the_type_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t type;
    } bad[] = {
        {"4294967296", ENGINE_I32},
        {"-2147483649", ENGINE_I32},
        {"18446744073709551616", ENGINE_I64},
        {"1.5", ENGINE_I32},
        {"", ENGINE_I64},
        {"0x", ENGINE_I32},
        {"12z", ENGINE_I64},
        {"", ENGINE_F64},
        {"1.5x", ENGINE_F32},
        {"1e39", ENGINE_F32},
        {"-1e309", ENGINE_F64},
        {" 1", ENGINE_F32},
        {" 1", ENGINE_I32},
        {"nan:0x7f800000", ENGINE_F32}, /* infinity's bits */
        {"nan:0x1ffffffff", ENGINE_F32},
        {"nan:0x", ENGINE_F64},
        {"nan:0x-1", ENGINE_F64},
        {"1", ENGINE_FUNCREF},
        {"1", ENGINE_V128},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        union engine_value value = {.bits = 77};
        assert_false(values_parse(bad[i].text, bad[i].type, &value));
        assert_int_equal(value.bits, 77);
    }
}

static void vectors_are_read_in_any_shape_and_print_as_i32x4(void **state)
{
    (void)state;
    static const char *const same[] = {
        "i32x4:1,-2,3,4",
        "i8x16:1,0,0,0,254,255,255,-1,3,0,0,0,4,0,0,0",
        "i16x8:1,0,-2,65535,3,0,4,0",
        "i64x2:0xfffffffe00000001,0x400000003",
    };
    char text[VALUES_TEXT_BYTES];
    union engine_value slots[2];
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        assert_true(values_parse(same[i], ENGINE_V128, slots));
        values_print(text, ENGINE_V128, slots);
        assert_string_equal(text, same[0]);
    }
    assert_true(values_parse("f64x2:1,-0.5", ENGINE_V128, slots));
    assert_true(slots[0].f64 == 1 && slots[1].f64 == -0.5);
    static const char *const bad[] = {"i32x4:1,2,3", "i32x4:1,2,3,4,5",
                                      "i8x16:1",     "i64x2:1,",
                                      "i3x4:1",      "i8x16:256,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(values_parse(bad[i], ENGINE_V128, slots));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_print_signed),
        cmocka_unit_test(floats_print_as_the_shortest_number_that_reads_back),
        cmocka_unit_test(a_nan_prints_as_its_bits),
        cmocka_unit_test(null_references_say_so),
        cmocka_unit_test(vectors_are_read_in_any_shape_and_print_as_i32x4),
        cmocka_unit_test(arguments_are_read_in_decimal_and_hexadecimal),
        cmocka_unit_test(what_is_not_of_the_type_is_refused),
    };
    return cmocka_run_group_tests_name("server/values", tests, NULL, NULL);
}
