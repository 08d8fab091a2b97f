/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of [Wasm core 4.3] as pure functions, exact in every bit the
 * specification fixes. No state, no traps by signal: what can trap returns a trap code and
 * leaves its result through the pointer. Compiled without contraction of floats.
 *
 * numeric_<type>_<operation>: names as in opcodes.def, so that families of handlers can be
 * made from the operation's name alone.
 */
#ifndef SKERRY_ENGINE_OPS_NUMERIC_H
#define SKERRY_ENGINE_OPS_NUMERIC_H

#include <math.h>

#include "engine/engine.h"

#define NUMERIC_BINARY(type, ctype, name, expression)                                              \
    static inline ctype numeric_##type##_##name(ctype x, ctype y)                                  \
    {                                                                                              \
        return (ctype)(expression);                                                                \
    }

#define NUMERIC_UNARY(name, from, to, expression)                                                  \
    static inline to numeric_##name(from x)                                                        \
    {                                                                                              \
        return (to)(expression);                                                                   \
    }

#define NUMERIC_COMPARE(type, ctype, name, expression)                                             \
    static inline uint32_t numeric_##type##_##name(ctype x, ctype y)                               \
    {                                                                                              \
        return (expression) ? 1 : 0;                                                               \
    }

/* ---- integers: unsigned arithmetic throughout, shift counts masked --------------------------- */

#define NUMERIC_INTEGER(type, u, s, bits)                                                          \
    NUMERIC_BINARY(type, u, add, x + y)                                                            \
    NUMERIC_BINARY(type, u, sub, x - y)                                                            \
    NUMERIC_BINARY(type, u, mul, x *y)                                                             \
    NUMERIC_BINARY(type, u, and, x &y)                                                             \
    NUMERIC_BINARY(type, u, or, x | y)                                                             \
    NUMERIC_BINARY(type, u, xor, x ^ y)                                                            \
    NUMERIC_BINARY(type, u, shl, x << (y & (bits - 1)))                                            \
    NUMERIC_BINARY(type, u, shr_s, (s)x >> (y & (bits - 1)))                                       \
    NUMERIC_BINARY(type, u, shr_u, x >> (y & (bits - 1)))                                          \
    NUMERIC_BINARY(type, u, rotl, x << (y & (bits - 1)) | x >> ((0 - y) & (bits - 1)))             \
    NUMERIC_BINARY(type, u, rotr, x >> (y & (bits - 1)) | x << ((0 - y) & (bits - 1)))

#define NUMERIC_INTEGER_RELATIONS(type, u, s)                                                      \
    NUMERIC_COMPARE(type, u, eq, x == y)                                                           \
    NUMERIC_COMPARE(type, u, ne, x != y)                                                           \
    NUMERIC_COMPARE(type, u, lt_s, (s)x < (s)y)                                                    \
    NUMERIC_COMPARE(type, u, lt_u, x < y)                                                          \
    NUMERIC_COMPARE(type, u, gt_s, (s)x > (s)y)                                                    \
    NUMERIC_COMPARE(type, u, gt_u, x > y)                                                          \
    NUMERIC_COMPARE(type, u, le_s, (s)x <= (s)y)                                                   \
    NUMERIC_COMPARE(type, u, le_u, x <= y)                                                         \
    NUMERIC_COMPARE(type, u, ge_s, (s)x >= (s)y)                                                   \
    NUMERIC_COMPARE(type, u, ge_u, x >= y)

#define NUMERIC_INTEGER_DIVISION(type, u, s, bits)                                                 \
    static inline enum engine_trap numeric_##type##_div_s(u x, u y, u *ret)                        \
    {                                                                                              \
        if (y == 0)                                                                                \
            return TRAP_INTEGER_DIVIDE_BY_ZERO;                                                    \
        if (x == (u)1 << (bits - 1) && y == (u)-1)                                                 \
            return TRAP_INTEGER_OVERFLOW;                                                          \
        *ret = (u)((s)x / (s)y);                                                                   \
        return TRAP_NONE;                                                                          \
    }                                                                                              \
    static inline enum engine_trap numeric_##type##_div_u(u x, u y, u *ret)                        \
    {                                                                                              \
        if (y == 0)                                                                                \
            return TRAP_INTEGER_DIVIDE_BY_ZERO;                                                    \
        *ret = x / y;                                                                              \
        return TRAP_NONE;                                                                          \
    }                                                                                              \
    static inline enum engine_trap numeric_##type##_rem_s(u x, u y, u *ret)                        \
    {                                                                                              \
        if (y == 0)                                                                                \
            return TRAP_INTEGER_DIVIDE_BY_ZERO;                                                    \
        *ret = y == (u)-1 ? 0 : (u)((s)x % (s)y);                                                  \
        return TRAP_NONE;                                                                          \
    }                                                                                              \
    static inline enum engine_trap numeric_##type##_rem_u(u x, u y, u *ret)                        \
    {                                                                                              \
        if (y == 0)                                                                                \
            return TRAP_INTEGER_DIVIDE_BY_ZERO;                                                    \
        *ret = x % y;                                                                              \
        return TRAP_NONE;                                                                          \
    }

NUMERIC_INTEGER(i32, uint32_t, int32_t, 32)
NUMERIC_INTEGER(i64, uint64_t, int64_t, 64)
NUMERIC_INTEGER_RELATIONS(i32, uint32_t, int32_t)
NUMERIC_INTEGER_RELATIONS(i64, uint64_t, int64_t)
NUMERIC_INTEGER_DIVISION(i32, uint32_t, int32_t, 32)
NUMERIC_INTEGER_DIVISION(i64, uint64_t, int64_t, 64)

/* 128 bits in two halves, of the wide-arithmetic proposal. */
__extension__ typedef unsigned __int128 numeric_u128;
__extension__ typedef __int128 numeric_s128;

static inline numeric_u128 numeric_u128_of(uint64_t low, uint64_t high)
{
    return (numeric_u128)high << 64 | low;
}

static inline numeric_u128 numeric_i64_mul_wide_s(uint64_t x, uint64_t y)
{
    return (numeric_u128)((numeric_s128)(int64_t)x * (int64_t)y);
}

static inline numeric_u128 numeric_i64_mul_wide_u(uint64_t x, uint64_t y)
{
    return (numeric_u128)x * y;
}

NUMERIC_UNARY(i32_eqz, uint32_t, uint32_t, x == 0)
NUMERIC_UNARY(i64_eqz, uint64_t, uint32_t, x == 0)
NUMERIC_UNARY(i32_clz, uint32_t, uint32_t, x == 0 ? 32 : __builtin_clz(x))
NUMERIC_UNARY(i32_ctz, uint32_t, uint32_t, x == 0 ? 32 : __builtin_ctz(x))
NUMERIC_UNARY(i32_popcnt, uint32_t, uint32_t, __builtin_popcount(x))
NUMERIC_UNARY(i64_clz, uint64_t, uint64_t, x == 0 ? 64 : __builtin_clzll(x))
NUMERIC_UNARY(i64_ctz, uint64_t, uint64_t, x == 0 ? 64 : __builtin_ctzll(x))
NUMERIC_UNARY(i64_popcnt, uint64_t, uint64_t, __builtin_popcountll(x))
NUMERIC_UNARY(i32_wrap_i64, uint64_t, uint32_t, x)
NUMERIC_UNARY(i32_clamp_i64, uint64_t, uint32_t, MIN(x, UINT32_MAX))
NUMERIC_UNARY(i64_extend_i32_s, uint32_t, uint64_t, (int64_t)(int32_t)x)
NUMERIC_UNARY(i64_extend_i32_u, uint32_t, uint64_t, x)
NUMERIC_UNARY(i32_extend8_s, uint32_t, uint32_t, (int32_t)(int8_t)x)
NUMERIC_UNARY(i32_extend16_s, uint32_t, uint32_t, (int32_t)(int16_t)x)
NUMERIC_UNARY(i64_extend8_s, uint64_t, uint64_t, (int64_t)(int8_t)x)
NUMERIC_UNARY(i64_extend16_s, uint64_t, uint64_t, (int64_t)(int16_t)x)
NUMERIC_UNARY(i64_extend32_s, uint64_t, uint64_t, (int64_t)(int32_t)x)

/* ---- floats ---------------------------------------------------------------------------------- */

static inline uint32_t numeric_bits_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline float numeric_f32_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline uint64_t numeric_bits_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline double numeric_f64_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* The NaN of the deterministic profile [Wasm core 4.3.3]. */
#define NUMERIC_NAN_f32 0x7fc00000u
#define NUMERIC_NAN_f64 0x7ff8000000000000u

#define NUMERIC_FLOAT(type, ctype, utype, suffix)                                                  \
    NUMERIC_BINARY(type, ctype, add, x + y)                                                        \
    NUMERIC_BINARY(type, ctype, sub, x - y)                                                        \
    NUMERIC_BINARY(type, ctype, mul, x *y)                                                         \
    NUMERIC_BINARY(type, ctype, div, x / y)                                                        \
    NUMERIC_BINARY(type, ctype, copysign, __builtin_copysign##suffix(x, y))                        \
    NUMERIC_COMPARE(type, ctype, eq, x == y)                                                       \
    NUMERIC_COMPARE(type, ctype, ne, x != y)                                                       \
    NUMERIC_COMPARE(type, ctype, lt, x < y)                                                        \
    NUMERIC_COMPARE(type, ctype, gt, x > y)                                                        \
    NUMERIC_COMPARE(type, ctype, le, x <= y)                                                       \
    NUMERIC_COMPARE(type, ctype, ge, x >= y)                                                       \
    NUMERIC_UNARY(type##_abs, ctype, ctype, __builtin_fabs##suffix(x))                             \
    NUMERIC_UNARY(type##_neg, ctype, ctype, -x)                                                    \
    NUMERIC_UNARY(type##_sqrt, ctype, ctype, __builtin_sqrt##suffix(x))                            \
    NUMERIC_UNARY(type##_ceil, ctype, ctype, __builtin_ceil##suffix(x))                            \
    NUMERIC_UNARY(type##_floor, ctype, ctype, __builtin_floor##suffix(x))                          \
    NUMERIC_UNARY(type##_trunc, ctype, ctype, __builtin_trunc##suffix(x))                          \
    NUMERIC_UNARY(type##_nearest, ctype, ctype, __builtin_rint##suffix(x))                         \
    NUMERIC_UNARY(type##_canonical, ctype, ctype,                                                  \
                  LIKELY(x == x) ? x : numeric_##type##_bits(NUMERIC_NAN_##type))

/* min and max: a NaN wins (made quiet by the addition), and -0 is less than +0. */
#define NUMERIC_FLOAT_EXTREMES(type, ctype)                                                        \
    static inline ctype numeric_##type##_min(ctype x, ctype y)                                     \
    {                                                                                              \
        if (x < y)                                                                                 \
            return x;                                                                              \
        if (y < x)                                                                                 \
            return y;                                                                              \
        if (x == y)                                                                                \
            return numeric_##type##_bits(numeric_bits_##type(x) | numeric_bits_##type(y));         \
        return x + y;                                                                              \
    }                                                                                              \
    static inline ctype numeric_##type##_max(ctype x, ctype y)                                     \
    {                                                                                              \
        if (x > y)                                                                                 \
            return x;                                                                              \
        if (y > x)                                                                                 \
            return y;                                                                              \
        if (x == y)                                                                                \
            return numeric_##type##_bits(numeric_bits_##type(x) & numeric_bits_##type(y));         \
        return x + y;                                                                              \
    }

NUMERIC_FLOAT(f32, float, uint32_t, f)
NUMERIC_FLOAT(f64, double, uint64_t, )
NUMERIC_FLOAT_EXTREMES(f32, float)
NUMERIC_FLOAT_EXTREMES(f64, double)

NUMERIC_UNARY(f32_convert_i32_s, uint32_t, float, (int32_t)x)
NUMERIC_UNARY(f32_convert_i32_u, uint32_t, float, x)
NUMERIC_UNARY(f32_convert_i64_s, uint64_t, float, (int64_t)x)
NUMERIC_UNARY(f32_convert_i64_u, uint64_t, float, x)
NUMERIC_UNARY(f64_convert_i32_s, uint32_t, double, (int32_t)x)
NUMERIC_UNARY(f64_convert_i32_u, uint32_t, double, x)
NUMERIC_UNARY(f64_convert_i64_s, uint64_t, double, (int64_t)x)
NUMERIC_UNARY(f64_convert_i64_u, uint64_t, double, x)
NUMERIC_UNARY(f32_demote_f64, double, float, x)
NUMERIC_UNARY(f64_promote_f32, float, double, x)
NUMERIC_UNARY(i32_reinterpret_f32, float, uint32_t, numeric_bits_f32(x))
NUMERIC_UNARY(i64_reinterpret_f64, double, uint64_t, numeric_bits_f64(x))
NUMERIC_UNARY(f32_reinterpret_i32, uint32_t, float, numeric_f32_bits(x))
NUMERIC_UNARY(f64_reinterpret_i64, uint64_t, double, numeric_f64_bits(x))

/*
 * Float to integer. `low` and `high` are the float values just outside the range: x is
 * convertible iff low < x < high; the comparison is false for NaN. Where low is not
 * representable exactly one below the minimum, the bound is inclusive (`>=`).
 */
#define NUMERIC_TRUNCATE(name, sat_name, from, to, via, low_test, high, minimum, maximum)          \
    static inline enum engine_trap numeric_##name(from x, to *ret)                                 \
    {                                                                                              \
        if (LIKELY(x low_test && x < high)) {                                                      \
            *ret = (to)(via)x;                                                                     \
            return TRAP_NONE;                                                                      \
        }                                                                                          \
        return x != x ? TRAP_INVALID_CONVERSION : TRAP_INTEGER_OVERFLOW;                           \
    }                                                                                              \
    static inline to numeric_##sat_name(from x)                                                    \
    {                                                                                              \
        if (LIKELY(x low_test && x < high))                                                        \
            return (to)(via)x;                                                                     \
        if (x != x)                                                                                \
            return 0;                                                                              \
        return x < 0 ? (to)minimum : (to)maximum;                                                  \
    }

NUMERIC_TRUNCATE(i32_trunc_f32_s,
                 i32_trunc_sat_f32_s,
                 float,
                 uint32_t,
                 int32_t,
                 >= -0x1p31f,
                 0x1p31f,
                 INT32_MIN,
                 INT32_MAX)
NUMERIC_TRUNCATE(i32_trunc_f32_u,
                 i32_trunc_sat_f32_u,
                 float,
                 uint32_t,
                 uint32_t,
                 > -1.0f,
                 0x1p32f,
                 0,
                 UINT32_MAX)
NUMERIC_TRUNCATE(i32_trunc_f64_s,
                 i32_trunc_sat_f64_s,
                 double,
                 uint32_t,
                 int32_t,
                 > -0x1.00000002p31,
                 0x1p31,
                 INT32_MIN,
                 INT32_MAX)
NUMERIC_TRUNCATE(
    i32_trunc_f64_u, i32_trunc_sat_f64_u, double, uint32_t, uint32_t, > -1.0, 0x1p32, 0, UINT32_MAX)
NUMERIC_TRUNCATE(i64_trunc_f32_s,
                 i64_trunc_sat_f32_s,
                 float,
                 uint64_t,
                 int64_t,
                 >= -0x1p63f,
                 0x1p63f,
                 INT64_MIN,
                 INT64_MAX)
NUMERIC_TRUNCATE(i64_trunc_f32_u,
                 i64_trunc_sat_f32_u,
                 float,
                 uint64_t,
                 uint64_t,
                 > -1.0f,
                 0x1p64f,
                 0,
                 UINT64_MAX)
NUMERIC_TRUNCATE(i64_trunc_f64_s,
                 i64_trunc_sat_f64_s,
                 double,
                 uint64_t,
                 int64_t,
                 >= -0x1p63,
                 0x1p63,
                 INT64_MIN,
                 INT64_MAX)
NUMERIC_TRUNCATE(
    i64_trunc_f64_u, i64_trunc_sat_f64_u, double, uint64_t, uint64_t, > -1.0, 0x1p64, 0, UINT64_MAX)

#endif
