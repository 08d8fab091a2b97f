/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic at its edges [Wasm core 4.3]: overflow, zero, NaN, the last value on either side
 * of each range. Floats are compared by their bits.
 */
#include "engine/ops/numeric.h"
#include "tests/support/unit.h"

#define NAN32     0x7fc00000u
#define NAN64     0x7ff8000000000000u
#define SIGN32    0x80000000u
#define SIGN64    0x8000000000000000u

#define f32(bits) numeric_f32_bits(bits)
#define f64(bits) numeric_f64_bits(bits)

#define SAME_F32(actual, expected)                                                                 \
    assert_int_equal(numeric_bits_f32(actual), numeric_bits_f32(expected))
#define SAME_F64(actual, expected)                                                                 \
    assert_int_equal(numeric_bits_f64(actual), numeric_bits_f64(expected))

/* ---- integers -------------------------------------------------------------------------------- */

#define DIVIDES(name, type, x, y, expected)                                                        \
    do {                                                                                           \
        type result = 0;                                                                           \
        assert_int_equal(numeric_##name((x), (y), &result), TRAP_NONE);                            \
        assert_int_equal(result, (type)(expected));                                                \
    } while (0)
/* A trap leaves the result alone. */
#define TRAPS(name, type, x, y, trap)                                                              \
    do {                                                                                           \
        type result = 77;                                                                          \
        assert_int_equal(numeric_##name((x), (y), &result), (trap));                               \
        assert_int_equal(result, 77);                                                              \
    } while (0)

static void division_by_zero_traps(void **state)
{
    (void)state;
    TRAPS(i32_div_s, uint32_t, 1, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i32_div_u, uint32_t, 1, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i32_rem_s, uint32_t, 0, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i32_rem_u, uint32_t, 0, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i64_div_s, uint64_t, 1, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i64_div_u, uint64_t, 1, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i64_rem_s, uint64_t, 0, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
    TRAPS(i64_rem_u, uint64_t, 0, 0, TRAP_INTEGER_DIVIDE_BY_ZERO);
}

static void the_quotient_that_does_not_fit_traps_and_its_remainder_is_zero(void **state)
{
    (void)state;
    TRAPS(i32_div_s, uint32_t, 0x80000000, UINT32_MAX, TRAP_INTEGER_OVERFLOW);
    TRAPS(i64_div_s, uint64_t, SIGN64, UINT64_MAX, TRAP_INTEGER_OVERFLOW);
    DIVIDES(i32_rem_s, uint32_t, 0x80000000, UINT32_MAX, 0);
    DIVIDES(i64_rem_s, uint64_t, SIGN64, UINT64_MAX, 0);
    DIVIDES(i32_div_s, uint32_t, 0x80000001, UINT32_MAX, 0x7fffffff);
    DIVIDES(i32_div_s, uint32_t, 0x80000000, 1, 0x80000000);
    DIVIDES(i32_div_u, uint32_t, 0x80000000, UINT32_MAX, 0);
    DIVIDES(i64_div_u, uint64_t, SIGN64, UINT64_MAX, 0);
}

static void division_rounds_towards_zero(void **state)
{
    (void)state;
    DIVIDES(i32_div_s, uint32_t, (uint32_t)-7, 2, -3);
    DIVIDES(i32_rem_s, uint32_t, (uint32_t)-7, 2, -1);
    DIVIDES(i32_rem_s, uint32_t, 7, (uint32_t)-2, 1);
    DIVIDES(i64_div_s, uint64_t, (uint64_t)-7, 2, -3);
    DIVIDES(i64_rem_s, uint64_t, (uint64_t)-7, 2, -1);
    DIVIDES(i32_div_u, uint32_t, (uint32_t)-7, 2, 0x7ffffffc);
    DIVIDES(i32_rem_u, uint32_t, (uint32_t)-7, 2, 1);
}

static void shift_counts_are_taken_modulo_the_width(void **state)
{
    (void)state;
    assert_int_equal(numeric_i32_shl(1, 32), 1);
    assert_int_equal(numeric_i32_shl(1, 33), 2);
    assert_int_equal(numeric_i32_shr_u(0x80000000, 63), 1);
    assert_int_equal(numeric_i32_shr_s(0x80000000, 31), UINT32_MAX);
    assert_int_equal(numeric_i32_shr_s(0x80000000, 32), 0x80000000);
    assert_int_equal(numeric_i64_shl(1, 64), 1);
    assert_int_equal(numeric_i64_shr_u(SIGN64, 127), 1);
    assert_int_equal(numeric_i64_shr_s(SIGN64, 63), UINT64_MAX);
}

static void rotations_by_nothing_and_by_the_width_change_nothing(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 32, 64};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        assert_int_equal(numeric_i32_rotl(0x80000001, counts[i]), 0x80000001);
        assert_int_equal(numeric_i32_rotr(0x80000001, counts[i]), 0x80000001);
    }
    assert_int_equal(numeric_i64_rotl(0x8000000000000001, 0), 0x8000000000000001);
    assert_int_equal(numeric_i64_rotl(0x8000000000000001, 64), 0x8000000000000001);
    assert_int_equal(numeric_i64_rotr(0x8000000000000001, 0), 0x8000000000000001);
    assert_int_equal(numeric_i64_rotr(0x8000000000000001, 64), 0x8000000000000001);
    assert_int_equal(numeric_i64_rotl(1, 32), 0x100000000);
    assert_int_equal(numeric_i32_rotl(0x80000001, 1), 3);
    assert_int_equal(numeric_i32_rotr(0x80000001, 1), 0xc0000000);
    assert_int_equal(numeric_i32_rotl(0x80000001, 33), 3);
    assert_int_equal(numeric_i64_rotr(1, 1), SIGN64);
}

static void bits_of_zero_are_counted(void **state)
{
    (void)state;
    assert_int_equal(numeric_i32_clz(0), 32);
    assert_int_equal(numeric_i32_ctz(0), 32);
    assert_int_equal(numeric_i64_clz(0), 64);
    assert_int_equal(numeric_i64_ctz(0), 64);
    assert_int_equal(numeric_i32_clz(1), 31);
    assert_int_equal(numeric_i64_ctz(SIGN64), 63);
    assert_int_equal(numeric_i32_popcnt(UINT32_MAX), 32);
    assert_int_equal(numeric_i64_popcnt(UINT64_MAX), 64);
}

static void sign_extension_looks_at_the_low_bits_alone(void **state)
{
    (void)state;
    assert_int_equal(numeric_i32_extend8_s(0x12345680), 0xffffff80);
    assert_int_equal(numeric_i32_extend16_s(0x12347fff), 0x7fff);
    assert_int_equal(numeric_i64_extend8_s(0x17f), 0x7f);
    assert_int_equal(numeric_i64_extend16_s(0x18000), 0xffffffffffff8000);
    assert_int_equal(numeric_i64_extend32_s(0x180000000), 0xffffffff80000000);
    assert_int_equal(numeric_i64_extend_i32_s(0x80000000), 0xffffffff80000000);
    assert_int_equal(numeric_i64_extend_i32_u(0x80000000), 0x80000000);
}

static void comparisons_know_signs(void **state)
{
    (void)state;
    assert_int_equal(numeric_i32_lt_s(UINT32_MAX, 0), 1);
    assert_int_equal(numeric_i32_lt_u(UINT32_MAX, 0), 0);
    assert_int_equal(numeric_i64_gt_s(0, UINT64_MAX), 1);
    assert_int_equal(numeric_i64_ge_u(0, UINT64_MAX), 0);
    assert_int_equal(numeric_i32_le_s(5, 5), 1);
    assert_int_equal(numeric_i64_ne(1, 1ull << 32 | 1), 1);
}

/* ---- floats ---------------------------------------------------------------------------------- */

static void minus_zero_is_less_than_zero(void **state)
{
    (void)state;
    SAME_F32(numeric_f32_min(0.0f, -0.0f), -0.0f);
    SAME_F32(numeric_f32_min(-0.0f, 0.0f), -0.0f);
    SAME_F32(numeric_f32_max(0.0f, -0.0f), 0.0f);
    SAME_F32(numeric_f32_max(-0.0f, 0.0f), 0.0f);
    SAME_F64(numeric_f64_min(0.0, -0.0), -0.0);
    SAME_F64(numeric_f64_min(-0.0, 0.0), -0.0);
    SAME_F64(numeric_f64_max(0.0, -0.0), 0.0);
    SAME_F64(numeric_f64_max(-0.0, 0.0), 0.0);
    SAME_F64(numeric_f64_min(-0.0, -0.0), -0.0);
    SAME_F64(numeric_f64_max(-0.0, -0.0), -0.0);
}

static void min_and_max_of_a_nan_are_a_quiet_nan(void **state)
{
    (void)state;
    float signaling = f32(0x7f800001);
    assert_true(numeric_bits_f32(numeric_f32_min(f32(NAN32), 1.0f)) == NAN32);
    assert_true(numeric_bits_f32(numeric_f32_min(1.0f, f32(NAN32))) == NAN32);
    assert_true(numeric_bits_f32(numeric_f32_max(f32(NAN32), 1.0f)) == NAN32);
    assert_true(numeric_bits_f32(numeric_f32_max(1.0f, f32(NAN32))) == NAN32);
    assert_int_equal(numeric_bits_f32(numeric_f32_min(signaling, 1.0f)) & NAN32, NAN32);
    assert_int_equal(numeric_bits_f32(numeric_f32_max(1.0f, signaling)) & NAN32, NAN32);
    double wide = f64(0x7ff0000000000001);
    assert_int_equal(numeric_bits_f64(numeric_f64_min(wide, -1.0)) & NAN64, NAN64);
    assert_int_equal(numeric_bits_f64(numeric_f64_max(-1.0, f64(NAN64))) & NAN64, NAN64);
}

static void min_and_max_order_infinities(void **state)
{
    (void)state;
    double infinity = __builtin_inf();
    SAME_F64(numeric_f64_min(-infinity, infinity), -infinity);
    SAME_F64(numeric_f64_max(-infinity, infinity), infinity);
    SAME_F64(numeric_f64_min(1.0, infinity), 1.0);
    SAME_F32(numeric_f32_max(-1.0f, (float)-infinity), -1.0f);
}

static void nearest_takes_the_even_neighbour_of_a_tie(void **state)
{
    (void)state;
    SAME_F64(numeric_f64_nearest(0.5), 0.0);
    SAME_F64(numeric_f64_nearest(1.5), 2.0);
    SAME_F64(numeric_f64_nearest(2.5), 2.0);
    SAME_F64(numeric_f64_nearest(-0.5), -0.0);
    SAME_F64(numeric_f64_nearest(-1.5), -2.0);
    SAME_F64(numeric_f64_nearest(-2.5), -2.0);
    SAME_F64(numeric_f64_nearest(0.49999999999999994), 0.0);
    SAME_F64(numeric_f64_nearest(4503599627370497.5), 4503599627370498.0);
    SAME_F64(numeric_f64_nearest(0x1p60), 0x1p60);
    SAME_F32(numeric_f32_nearest(0.5f), 0.0f);
    SAME_F32(numeric_f32_nearest(3.5f), 4.0f);
    SAME_F32(numeric_f32_nearest(-4.5f), -4.0f);
    SAME_F32(numeric_f32_nearest(-0.0f), -0.0f);
}

static void rounding_keeps_the_sign_of_zero(void **state)
{
    (void)state;
    SAME_F64(numeric_f64_ceil(-0.5), -0.0);
    SAME_F64(numeric_f64_trunc(-0.9), -0.0);
    SAME_F64(numeric_f64_floor(-0.0), -0.0);
    SAME_F32(numeric_f32_ceil(-0.9f), -0.0f);
    SAME_F32(numeric_f32_floor(0.9f), 0.0f);
    SAME_F64(numeric_f64_sqrt(-0.0), -0.0);
}

static void signs_are_changed_without_looking_at_the_number(void **state)
{
    (void)state;
    assert_int_equal(numeric_bits_f32(numeric_f32_neg(f32(NAN32))), NAN32 | SIGN32);
    assert_int_equal(numeric_bits_f32(numeric_f32_abs(f32(NAN32 | SIGN32))), NAN32);
    assert_int_equal(numeric_bits_f64(numeric_f64_neg(f64(NAN64 | 5))), NAN64 | 5 | SIGN64);
    assert_int_equal(numeric_bits_f64(numeric_f64_copysign(f64(NAN64), -1.0)), NAN64 | SIGN64);
    assert_int_equal(numeric_bits_f32(numeric_f32_copysign(-2.0f, f32(NAN32))), 0x40000000);
    SAME_F64(numeric_f64_neg(0.0), -0.0);
}

static void comparisons_with_nan_are_false_but_for_ne(void **state)
{
    (void)state;
    double nan = f64(NAN64);
    assert_int_equal(numeric_f64_eq(nan, nan), 0);
    assert_int_equal(numeric_f64_ne(nan, nan), 1);
    assert_int_equal(numeric_f64_lt(nan, 1), 0);
    assert_int_equal(numeric_f64_gt(nan, 1), 0);
    assert_int_equal(numeric_f64_le(1, nan), 0);
    assert_int_equal(numeric_f64_ge(1, nan), 0);
    assert_int_equal(numeric_f32_eq(f32(NAN32), 0), 0);
    assert_int_equal(numeric_f32_ne(0, f32(NAN32)), 1);
    assert_int_equal(numeric_f32_eq(0.0f, -0.0f), 1);
}

static void conversions_round_to_even(void **state)
{
    (void)state;
    SAME_F32(numeric_f32_convert_i32_s(16777217), 16777216.0f);
    SAME_F32(numeric_f32_convert_i32_s(16777219), 16777220.0f);
    SAME_F32(numeric_f32_convert_i32_u(UINT32_MAX), 0x1p32f);
    SAME_F32(numeric_f32_convert_i64_u(UINT64_MAX), 0x1p64f);
    SAME_F32(numeric_f32_convert_i64_s(INT64_MIN), -0x1p63f);
    SAME_F32(numeric_f32_convert_i64_u(0x8000008000000001), 0x1.000002p63f);
    SAME_F64(numeric_f64_convert_i64_u(0x8000000000000400), 0x1p63);
    SAME_F64(numeric_f64_convert_i64_u(0x8000000000000401), 0x1.0000000000001p63);
    SAME_F64(numeric_f64_convert_i64_s(9007199254740993), 9007199254740992.0);
    SAME_F64(numeric_f64_convert_i32_s(0x80000000), -0x1p31);
    SAME_F32(numeric_f32_demote_f64(0x1.ffffffp127), (float)__builtin_inf());
    SAME_F32(numeric_f32_demote_f64(0x1.fffffefffffffp127), 0x1.fffffep127f);
    SAME_F32(numeric_f32_demote_f64(-0x1p-150), -0.0f);
}

/* ---- floats to integers ---------------------------------------------------------------------- */

/* `low` and `high` are the last values inside, the others the first outside. */
#define TRUNCATES(name, from, to, low_outside, low, high, high_outside)                            \
    do {                                                                                           \
        to result = 77;                                                                            \
        assert_int_equal(numeric_##name((low_outside), &result), TRAP_INTEGER_OVERFLOW);           \
        assert_int_equal(numeric_##name((high_outside), &result), TRAP_INTEGER_OVERFLOW);          \
        assert_int_equal(numeric_##name((from)__builtin_inf(), &result), TRAP_INTEGER_OVERFLOW);   \
        assert_int_equal(numeric_##name((from)-__builtin_inf(), &result), TRAP_INTEGER_OVERFLOW);  \
        assert_int_equal(numeric_##name((from)__builtin_nan(""), &result),                         \
                         TRAP_INVALID_CONVERSION);                                                 \
        assert_int_equal(result, 77);                                                              \
        assert_int_equal(numeric_##name((low), &result), TRAP_NONE);                               \
        assert_int_equal(result, (to)(int64_t)(low));                                              \
        assert_int_equal(numeric_##name((high), &result), TRAP_NONE);                              \
        assert_int_equal(result, (to)(high));                                                      \
        assert_int_equal(numeric_##name((from)-0.9, &result), TRAP_NONE);                          \
        assert_int_equal(result, 0);                                                               \
        assert_int_equal(numeric_##name((from)1.9, &result), TRAP_NONE);                           \
        assert_int_equal(result, 1);                                                               \
    } while (0)

static void truncation_traps_one_step_outside_of_the_range(void **state)
{
    (void)state;
    TRUNCATES(i32_trunc_f32_s, float, uint32_t, -0x1.000002p31f, -0x1p31f, 0x1.fffffep30f, 0x1p31f);
    TRUNCATES(i32_trunc_f32_u, float, uint32_t, -1.0f, -0x1.fffffep-1f, 0x1.fffffep31f, 0x1p32f);
    TRUNCATES(i32_trunc_f64_s, double, uint32_t, -2147483649.0, -0x1.00000001fffffp31,
              0x1.fffffffffffffp30, 0x1p31);
    TRUNCATES(i32_trunc_f64_u, double, uint32_t, -1.0, -0x1.fffffffffffffp-1, 0x1.fffffffffffffp31,
              0x1p32);
    TRUNCATES(i64_trunc_f32_s, float, uint64_t, -0x1.000002p63f, -0x1p63f, 0x1.fffffep62f, 0x1p63f);
    TRUNCATES(i64_trunc_f32_u, float, uint64_t, -1.0f, -0x1.fffffep-1f, 0x1.fffffep63f, 0x1p64f);
    TRUNCATES(i64_trunc_f64_s, double, uint64_t, -0x1.0000000000001p63, -0x1p63,
              0x1.fffffffffffffp62, 0x1p63);
    TRUNCATES(i64_trunc_f64_u, double, uint64_t, -1.0, -0x1.fffffffffffffp-1, 0x1.fffffffffffffp63,
              0x1p64);
}

#define SATURATES(name, from, to, minimum, maximum)                                                \
    do {                                                                                           \
        assert_int_equal(numeric_##name((from)-1e30), (to)(minimum));                              \
        assert_int_equal(numeric_##name((from)1e30), (to)(maximum));                               \
        assert_int_equal(numeric_##name((from)-__builtin_inf()), (to)(minimum));                   \
        assert_int_equal(numeric_##name((from)__builtin_inf()), (to)(maximum));                    \
        assert_int_equal(numeric_##name((from)__builtin_nan("")), 0);                              \
        assert_int_equal(numeric_##name((from)-0.9), 0);                                           \
        assert_int_equal(numeric_##name((from)100.9), 100);                                        \
    } while (0)

static void saturation_stops_at_the_ends_of_the_range(void **state)
{
    (void)state;
    SATURATES(i32_trunc_sat_f32_s, float, uint32_t, INT32_MIN, INT32_MAX);
    SATURATES(i32_trunc_sat_f32_u, float, uint32_t, 0, UINT32_MAX);
    SATURATES(i32_trunc_sat_f64_s, double, uint32_t, INT32_MIN, INT32_MAX);
    SATURATES(i32_trunc_sat_f64_u, double, uint32_t, 0, UINT32_MAX);
    SATURATES(i64_trunc_sat_f32_s, float, uint64_t, INT64_MIN, INT64_MAX);
    SATURATES(i64_trunc_sat_f32_u, float, uint64_t, 0, UINT64_MAX);
    SATURATES(i64_trunc_sat_f64_s, double, uint64_t, INT64_MIN, INT64_MAX);
    SATURATES(i64_trunc_sat_f64_u, double, uint64_t, 0, UINT64_MAX);
    assert_int_equal(numeric_i32_trunc_sat_f64_s(2147483647.9), INT32_MAX);
    assert_int_equal(numeric_i32_trunc_sat_f64_s(-2147483648.9), (uint32_t)INT32_MIN);
    assert_int_equal(numeric_i64_trunc_sat_f64_s(-0x1p63), (uint64_t)INT64_MIN);
}

static void reinterpretation_keeps_every_bit(void **state)
{
    (void)state;
    assert_int_equal(numeric_i32_reinterpret_f32(f32(0x7f800001)), 0x7f800001);
    assert_int_equal(numeric_i64_reinterpret_f64(f64(0x7ff0000000000001)), 0x7ff0000000000001);
    assert_int_equal(numeric_bits_f32(numeric_f32_reinterpret_i32(0xffa00000)), 0xffa00000);
    assert_int_equal(numeric_bits_f64(numeric_f64_reinterpret_i64(0xfff4000000000000)),
                     0xfff4000000000000);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(division_by_zero_traps),
        cmocka_unit_test(the_quotient_that_does_not_fit_traps_and_its_remainder_is_zero),
        cmocka_unit_test(division_rounds_towards_zero),
        cmocka_unit_test(shift_counts_are_taken_modulo_the_width),
        cmocka_unit_test(rotations_by_nothing_and_by_the_width_change_nothing),
        cmocka_unit_test(bits_of_zero_are_counted),
        cmocka_unit_test(sign_extension_looks_at_the_low_bits_alone),
        cmocka_unit_test(comparisons_know_signs),
        cmocka_unit_test(minus_zero_is_less_than_zero),
        cmocka_unit_test(min_and_max_of_a_nan_are_a_quiet_nan),
        cmocka_unit_test(min_and_max_order_infinities),
        cmocka_unit_test(nearest_takes_the_even_neighbour_of_a_tie),
        cmocka_unit_test(rounding_keeps_the_sign_of_zero),
        cmocka_unit_test(signs_are_changed_without_looking_at_the_number),
        cmocka_unit_test(comparisons_with_nan_are_false_but_for_ne),
        cmocka_unit_test(conversions_round_to_even),
        cmocka_unit_test(truncation_traps_one_step_outside_of_the_range),
        cmocka_unit_test(saturation_stops_at_the_ends_of_the_range),
        cmocka_unit_test(reinterpretation_keeps_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
