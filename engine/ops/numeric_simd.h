/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of vectors [Wasm core 4.3.5] as pure functions on 128 bits, exact in every
 * bit the specification fixes; relaxed operations as its deterministic profile has them.
 *
 * numeric_<shape>_<operation>: names as in simd.def. A v128 is passed as two 64-bit lanes, low
 * half first, which is also how it lies in slots and memory; functions look at it in lanes of
 * the shape they need. Written in vectors of GNU C, from which compilers make what the machine
 * has; loops over lanes are short enough to disappear.
 */
#ifndef SKERRY_ENGINE_OPS_NUMERIC_SIMD_H
#define SKERRY_ENGINE_OPS_NUMERIC_SIMD_H

#include "engine/ops/numeric.h"

#define NUMERIC_VECTOR(name, lane, bytes)                                                          \
    typedef lane numeric_##name __attribute__((vector_size(bytes)))
NUMERIC_VECTOR(v128, uint64_t, 16);
NUMERIC_VECTOR(u8x16, uint8_t, 16);
NUMERIC_VECTOR(s8x16, int8_t, 16);
NUMERIC_VECTOR(u16x8, uint16_t, 16);
NUMERIC_VECTOR(s16x8, int16_t, 16);
NUMERIC_VECTOR(u32x4, uint32_t, 16);
NUMERIC_VECTOR(s32x4, int32_t, 16);
NUMERIC_VECTOR(u64x2, uint64_t, 16);
NUMERIC_VECTOR(s64x2, int64_t, 16);
NUMERIC_VECTOR(f32x4, float, 16);
NUMERIC_VECTOR(f64x2, double, 16);
/* halves, before or after a change of width */
NUMERIC_VECTOR(u8x8, uint8_t, 8);
NUMERIC_VECTOR(s8x8, int8_t, 8);
NUMERIC_VECTOR(u16x4, uint16_t, 8);
NUMERIC_VECTOR(s16x4, int16_t, 8);
NUMERIC_VECTOR(u32x2, uint32_t, 8);
NUMERIC_VECTOR(s32x2, int32_t, 8);
NUMERIC_VECTOR(f32x2, float, 8);
/* twice as wide, between a change of width and the way back */
NUMERIC_VECTOR(s16x16, int16_t, 32);
NUMERIC_VECTOR(s32x8, int32_t, 32);

#define NUMERIC_WIDE(vector, to) __builtin_convertvector(vector, numeric_##to)

/* Operands as lanes of `type`; an expression of x (and y) of any vector type. */
#define NUMERIC_UNARY_LANES(name, type, expression)                                                \
    static inline numeric_v128 numeric_##name(numeric_v128 x_)                                     \
    {                                                                                              \
        numeric_##type x = (numeric_##type)x_;                                                     \
        return (numeric_v128)(expression);                                                         \
    }
#define NUMERIC_BINARY_LANES(name, type, expression)                                               \
    static inline numeric_v128 numeric_##name(numeric_v128 x_, numeric_v128 y_)                    \
    {                                                                                              \
        numeric_##type x = (numeric_##type)x_;                                                     \
        numeric_##type y = (numeric_##type)y_;                                                     \
        return (numeric_v128)(expression);                                                         \
    }
/* Lane by lane: an expression of x[i]. */
#define NUMERIC_LANE_COUNT(vector) (sizeof(vector) / sizeof((vector)[0]))
#define NUMERIC_UNARY_EACH(name, type, expression)                                                 \
    static inline numeric_v128 numeric_##name(numeric_v128 x_)                                     \
    {                                                                                              \
        numeric_##type x = (numeric_##type)x_;                                                     \
        for (unsigned i = 0; i < NUMERIC_LANE_COUNT(x); i++)                                       \
            x[i] = (__typeof__(x[0]))(expression);                                                 \
        return (numeric_v128)x;                                                                    \
    }
/* ---- bits ------------------------------------------------------------------------------------ */

/* Where the mask has a bit set, that of x, else of y. */
static inline numeric_v128 numeric_choose(numeric_v128 mask, numeric_v128 x, numeric_v128 y)
{
    return (x & mask) | (y & ~mask);
}

NUMERIC_UNARY_LANES(v128_not, u64x2, ~x)
NUMERIC_BINARY_LANES(v128_and, u64x2, x &y)
NUMERIC_BINARY_LANES(v128_andnot, u64x2, x & ~y)
NUMERIC_BINARY_LANES(v128_or, u64x2, x | y)
NUMERIC_BINARY_LANES(v128_xor, u64x2, x ^ y)

static inline numeric_v128 numeric_v128_bitselect(numeric_v128 x, numeric_v128 y, numeric_v128 mask)
{
    return numeric_choose(mask, x, y);
}

static inline uint32_t numeric_v128_any_true(numeric_v128 x)
{
    return (x[0] | x[1]) != 0;
}

/* Which lanes are negative: the sign bits of 64 bits gathered by a multiplication in which no two
 * of them meet before they arrive at the top. */
static inline uint32_t numeric_gather(uint64_t half, uint64_t signs, uint64_t multiplier, int count)
{
    return (uint32_t)(((half & signs) * multiplier) >> (64 - count));
}

static inline uint32_t numeric_i8x16_bitmask(numeric_v128 x)
{
    const uint64_t signs = 0x8080808080808080, multiplier = 0x0002040810204081;
    return numeric_gather(x[0], signs, multiplier, 8) | numeric_gather(x[1], signs, multiplier, 8)
                                                            << 8;
}

static inline uint32_t numeric_i16x8_bitmask(numeric_v128 x)
{
    const uint64_t signs = 0x8000800080008000, multiplier = 0x0000200040008001;
    return numeric_gather(x[0], signs, multiplier, 4) | numeric_gather(x[1], signs, multiplier, 4)
                                                            << 4;
}

static inline uint32_t numeric_i32x4_bitmask(numeric_v128 x)
{
    const uint64_t signs = 0x8000000080000000, multiplier = 0x0000000080000001;
    return numeric_gather(x[0], signs, multiplier, 2) | numeric_gather(x[1], signs, multiplier, 2)
                                                            << 2;
}

static inline uint32_t numeric_i64x2_bitmask(numeric_v128 x)
{
    return (uint32_t)(x[0] >> 63 | x[1] >> 63 << 1);
}

/* ---- bytes picked by number: one instruction that GNU C cannot express ----------------------- */

#ifdef __SSSE3__
#include <tmmintrin.h>
/* Byte i is byte from[i] of x; zero if the top bit of from[i] is set. */
static inline numeric_v128 numeric_pick(numeric_v128 x, numeric_u8x16 from)
{
    return (numeric_v128)_mm_shuffle_epi8((__m128i)x, (__m128i)from);
}
#else
static inline numeric_v128 numeric_pick(numeric_v128 x, numeric_u8x16 from)
{
    numeric_u8x16 bytes = (numeric_u8x16)x;
    numeric_u8x16 picked;
    for (unsigned i = 0; i < 16; i++)
        picked[i] = from[i] & 0x80 ? 0 : bytes[from[i] & 15];
    return (numeric_v128)picked;
}
#endif

static inline numeric_v128 numeric_i8x16_swizzle(numeric_v128 x, numeric_v128 y)
{
    numeric_u8x16 from = (numeric_u8x16)y;
    return numeric_pick(x, from | (numeric_u8x16)(from > 15));
}

/* `lanes` are below 32: from 16 on they are y's. */
static inline numeric_v128 numeric_i8x16_shuffle(numeric_v128 x, numeric_v128 y, numeric_v128 lanes)
{
    numeric_u8x16 from = (numeric_u8x16)lanes;
    return numeric_pick(x, from + 0x70) | numeric_pick(y, from - 16);
}

/* ---- integers -------------------------------------------------------------------------------- */

#define NUMERIC_CHOOSE(test, x, y)                                                                 \
    numeric_choose((numeric_v128)(test), (numeric_v128)(x), (numeric_v128)(y))

#define NUMERIC_NEGATIVE(s, u, x) ((numeric_##u)((numeric_##s)(x) < 0))

#define NUMERIC_INTEGER_LANES(shape, u, s, lane, bits)                                             \
    NUMERIC_BINARY_LANES(shape##_eq, s, x == y)                                                    \
    NUMERIC_BINARY_LANES(shape##_ne, s, x != y)                                                    \
    NUMERIC_BINARY_LANES(shape##_lt_s, s, x < y)                                                   \
    NUMERIC_BINARY_LANES(shape##_lt_u, u, x < y)                                                   \
    NUMERIC_BINARY_LANES(shape##_gt_s, s, x > y)                                                   \
    NUMERIC_BINARY_LANES(shape##_gt_u, u, x > y)                                                   \
    NUMERIC_BINARY_LANES(shape##_le_s, s, x <= y)                                                  \
    NUMERIC_BINARY_LANES(shape##_le_u, u, x <= y)                                                  \
    NUMERIC_BINARY_LANES(shape##_ge_s, s, x >= y)                                                  \
    NUMERIC_BINARY_LANES(shape##_ge_u, u, x >= y)                                                  \
    NUMERIC_BINARY_LANES(shape##_add, u, x + y)                                                    \
    NUMERIC_BINARY_LANES(shape##_sub, u, x - y)                                                    \
    NUMERIC_BINARY_LANES(shape##_mul, u, x *y)                                                     \
    NUMERIC_BINARY_LANES(shape##_min_s, s, NUMERIC_CHOOSE(x < y, x, y))                            \
    NUMERIC_BINARY_LANES(shape##_min_u, u, NUMERIC_CHOOSE(x < y, x, y))                            \
    NUMERIC_BINARY_LANES(shape##_max_s, s, NUMERIC_CHOOSE(x > y, x, y))                            \
    NUMERIC_BINARY_LANES(shape##_max_u, u, NUMERIC_CHOOSE(x > y, x, y))                            \
    NUMERIC_UNARY_LANES(shape##_neg, u, 0 - x)                                                     \
    NUMERIC_UNARY_LANES(shape##_abs, u,                                                            \
                        (x ^ NUMERIC_NEGATIVE(s, u, x)) - NUMERIC_NEGATIVE(s, u, x))               \
    static inline numeric_v128 numeric_##shape##_shl(numeric_v128 x, uint32_t count)               \
    {                                                                                              \
        return (numeric_v128)((numeric_##u)x << (lane)(count & (bits - 1)));                       \
    }                                                                                              \
    static inline numeric_v128 numeric_##shape##_shr_s(numeric_v128 x, uint32_t count)             \
    {                                                                                              \
        return (numeric_v128)((numeric_##s)x >> (lane)(count & (bits - 1)));                       \
    }                                                                                              \
    static inline numeric_v128 numeric_##shape##_shr_u(numeric_v128 x, uint32_t count)             \
    {                                                                                              \
        return (numeric_v128)((numeric_##u)x >> (lane)(count & (bits - 1)));                       \
    }                                                                                              \
    static inline uint32_t numeric_##shape##_all_true(numeric_v128 x)                              \
    {                                                                                              \
        return !numeric_v128_any_true((numeric_v128)((numeric_##u)x == 0));                        \
    }

NUMERIC_INTEGER_LANES(i8x16, u8x16, s8x16, int8_t, 8)
NUMERIC_INTEGER_LANES(i16x8, u16x8, s16x8, int16_t, 16)
NUMERIC_INTEGER_LANES(i32x4, u32x4, s32x4, int32_t, 32)
NUMERIC_INTEGER_LANES(i64x2, u64x2, s64x2, int64_t, 64)

/* x + y or x - y in lanes twice as wide, clamped to what fits. */
#define NUMERIC_SATURATED(name, s, wide, operation, low, high)                                     \
    static inline numeric_v128 numeric_##name(numeric_v128 x_, numeric_v128 y_)                    \
    {                                                                                              \
        numeric_##s x = (numeric_##s)x_;                                                           \
        numeric_##s y = (numeric_##s)y_;                                                           \
        numeric_##wide result = NUMERIC_WIDE(x, wide) operation NUMERIC_WIDE(y, wide);             \
        numeric_##wide below = result < (low);                                                     \
        result = (result & ~below) | (below & (low));                                              \
        numeric_##wide above = result > (high);                                                    \
        result = (result & ~above) | (above & (high));                                             \
        return (numeric_v128)NUMERIC_WIDE(result, s);                                              \
    }
#define NUMERIC_NARROW_LANES(shape, u, s, wide, minimum, maximum)                                  \
    NUMERIC_SATURATED(shape##_add_sat_s, s, wide, +, minimum, maximum)                             \
    NUMERIC_SATURATED(shape##_sub_sat_s, s, wide, -, minimum, maximum)                             \
    NUMERIC_BINARY_LANES(shape##_add_sat_u, u, (x + y) | (numeric_##u)(x + y < x))                 \
    NUMERIC_BINARY_LANES(shape##_sub_sat_u, u, (x - y) & (numeric_##u)(x > y))                     \
    NUMERIC_BINARY_LANES(                                                                          \
        shape##_avgr_u, u,                                                                         \
        NUMERIC_WIDE((NUMERIC_WIDE(x, wide) + NUMERIC_WIDE(y, wide) + 1) >> 1, u))

NUMERIC_NARROW_LANES(i8x16, u8x16, s8x16, s16x16, INT8_MIN, INT8_MAX)
NUMERIC_NARROW_LANES(i16x8, u16x8, s16x8, s32x8, INT16_MIN, INT16_MAX)

static inline numeric_v128 numeric_i8x16_popcnt(numeric_v128 x_)
{
    numeric_u8x16 x = (numeric_u8x16)x_;
    x = x - ((x >> 1) & 0x55);
    x = (x & 0x33) + ((x >> 2) & 0x33);
    return (numeric_v128)((x + (x >> 4)) & 0x0f);
}

/* Only -1 times -1 is too large: it comes out as -1, all bits of which are wrong. */
static inline numeric_v128 numeric_i16x8_q15mulr_sat_s(numeric_v128 x_, numeric_v128 y_)
{
    numeric_s16x8 x = (numeric_s16x8)x_;
    numeric_s16x8 y = (numeric_s16x8)y_;
    numeric_s32x8 product = NUMERIC_WIDE(x, s32x8) * NUMERIC_WIDE(y, s32x8);
    numeric_s16x8 rounded = NUMERIC_WIDE(((product >> 14) + 1) >> 1, s16x8);
    return (numeric_v128)(rounded ^ (rounded == INT16_MIN));
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* A replaced lane is chosen by comparing numbers of lanes: stored over the vector in memory, it
 * would hold up the next load of the whole. */
#define NUMERIC_LANES_OF(shape, vector, mask, lane, from, ...)                                     \
    static inline numeric_v128 numeric_##shape##_splat(from value)                                 \
    {                                                                                              \
        lane one = (lane)value;                                                                    \
        numeric_##vector splat;                                                                    \
        for (unsigned i = 0; i < NUMERIC_LANE_COUNT(splat); i++)                                   \
            splat[i] = one;                                                                        \
        return (numeric_v128)splat;                                                                \
    }                                                                                              \
    static inline numeric_v128 numeric_##shape##_replace_lane(numeric_v128 x, unsigned number,     \
                                                              from value)                          \
    {                                                                                              \
        const numeric_##mask numbers = {__VA_ARGS__};                                              \
        return NUMERIC_CHOOSE(numbers == (__typeof__(numbers[0]))number,                           \
                              numeric_##shape##_splat(value), x);                                  \
    }
NUMERIC_LANES_OF(
    i8x16, u8x16, u8x16, uint8_t, uint32_t, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
NUMERIC_LANES_OF(i16x8, u16x8, u16x8, uint16_t, uint32_t, 0, 1, 2, 3, 4, 5, 6, 7)
NUMERIC_LANES_OF(i32x4, u32x4, u32x4, uint32_t, uint32_t, 0, 1, 2, 3)
NUMERIC_LANES_OF(i64x2, u64x2, u64x2, uint64_t, uint64_t, 0, 1)
NUMERIC_LANES_OF(f32x4, f32x4, u32x4, float, float, 0, 1, 2, 3)
NUMERIC_LANES_OF(f64x2, f64x2, u64x2, double, double, 0, 1)

/* ---- integers of another width --------------------------------------------------------------- */

/* Two vectors of wider lanes into one, each lane clamped. */
#define NUMERIC_NARROW(name, from, to, low, high)                                                  \
    static inline numeric_v128 numeric_##name(numeric_v128 x_, numeric_v128 y_)                    \
    {                                                                                              \
        numeric_##from x = (numeric_##from)x_;                                                     \
        numeric_##from y = (numeric_##from)y_;                                                     \
        numeric_##to narrow;                                                                       \
        enum { HALF = NUMERIC_LANE_COUNT(x) };                                                     \
        for (unsigned i = 0; i < HALF; i++)                                                        \
            narrow[i] = (__typeof__(narrow[0]))MIN(MAX(x[i], (low)), (high));                      \
        for (unsigned i = 0; i < HALF; i++)                                                        \
            narrow[HALF + i] = (__typeof__(narrow[0]))MIN(MAX(y[i], (low)), (high));               \
        return (numeric_v128)narrow;                                                               \
    }
NUMERIC_NARROW(i8x16_narrow_i16x8_s, s16x8, s8x16, INT8_MIN, INT8_MAX)
NUMERIC_NARROW(i8x16_narrow_i16x8_u, s16x8, u8x16, 0, UINT8_MAX)
NUMERIC_NARROW(i16x8_narrow_i32x4_s, s32x4, s16x8, INT16_MIN, INT16_MAX)
NUMERIC_NARROW(i16x8_narrow_i32x4_u, s32x4, u16x8, 0, UINT16_MAX)

/* One half with wider lanes, and the product of two such. */
#define NUMERIC_LOW_8(v)  __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
#define NUMERIC_HIGH_8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)
#define NUMERIC_LOW_4(v)  __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define NUMERIC_HIGH_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)
#define NUMERIC_LOW_2(v)  __builtin_shufflevector(v, v, 0, 1)
#define NUMERIC_HIGH_2(v) __builtin_shufflevector(v, v, 2, 3)
#define NUMERIC_EXTEND(shape, to, part, half, from_shape, from, sign)                              \
    NUMERIC_UNARY_LANES(shape##_extend_##part##_##from_shape##_##sign, from,                       \
                        NUMERIC_WIDE(half(x), to))                                                 \
    static inline numeric_v128 numeric_##shape##_extmul_##part##_##from_shape##_##sign(            \
        numeric_v128 x, numeric_v128 y)                                                            \
    {                                                                                              \
        return numeric_##shape##_mul(numeric_##shape##_extend_##part##_##from_shape##_##sign(x),   \
                                     numeric_##shape##_extend_##part##_##from_shape##_##sign(y));  \
    }
#define NUMERIC_EXTENDS(shape, s_to, u_to, lanes, from_shape, s_from, u_from)                      \
    NUMERIC_EXTEND(shape, s_to, low, NUMERIC_LOW_##lanes, from_shape, s_from, s)                   \
    NUMERIC_EXTEND(shape, s_to, high, NUMERIC_HIGH_##lanes, from_shape, s_from, s)                 \
    NUMERIC_EXTEND(shape, u_to, low, NUMERIC_LOW_##lanes, from_shape, u_from, u)                   \
    NUMERIC_EXTEND(shape, u_to, high, NUMERIC_HIGH_##lanes, from_shape, u_from, u)

NUMERIC_EXTENDS(i16x8, s16x8, u16x8, 8, i8x16, s8x16, u8x16)
NUMERIC_EXTENDS(i32x4, s32x4, u32x4, 4, i16x8, s16x8, u16x8)
NUMERIC_EXTENDS(i64x2, s64x2, u64x2, 2, i32x4, s32x4, u32x4)

/* Neighbours, even and odd, as wider lanes. */
#define NUMERIC_EVEN(s, u, bits, x) ((numeric_##s)((numeric_##u)(x) << (bits)) >> (bits))
#define NUMERIC_ODD(s, bits, x)     ((numeric_##s)(x) >> (bits))

NUMERIC_UNARY_LANES(i16x8_extadd_pairwise_i8x16_s,
                    s16x8,
                    NUMERIC_EVEN(s16x8, u16x8, 8, x) + NUMERIC_ODD(s16x8, 8, x))
NUMERIC_UNARY_LANES(i16x8_extadd_pairwise_i8x16_u, u16x8, (x & 0xff) + (x >> 8))
NUMERIC_UNARY_LANES(i32x4_extadd_pairwise_i16x8_s,
                    s32x4,
                    NUMERIC_EVEN(s32x4, u32x4, 16, x) + NUMERIC_ODD(s32x4, 16, x))
NUMERIC_UNARY_LANES(i32x4_extadd_pairwise_i16x8_u, u32x4, (x & 0xffff) + (x >> 16))

static inline numeric_v128 numeric_i32x4_dot_i16x8_s(numeric_v128 x_, numeric_v128 y_)
{
    numeric_s16x8 x = (numeric_s16x8)x_;
    numeric_s16x8 y = (numeric_s16x8)y_;
    numeric_u32x4 sums;
    for (unsigned i = 0; i < 4; i++)
        sums[i] = (uint32_t)(x[2 * i] * y[2 * i]) + (uint32_t)(x[2 * i + 1] * y[2 * i + 1]);
    return (numeric_v128)sums;
}

/* Only -128 * -128 twice does not fit 16 bits. */
static inline numeric_v128 numeric_i16x8_relaxed_dot_i8x16_i7x16_s(numeric_v128 x, numeric_v128 y)
{
    numeric_s16x8 even = NUMERIC_EVEN(s16x8, u16x8, 8, x) * NUMERIC_EVEN(s16x8, u16x8, 8, y);
    numeric_s16x8 odd = NUMERIC_ODD(s16x8, 8, x) * NUMERIC_ODD(s16x8, 8, y);
    return numeric_i16x8_add_sat_s((numeric_v128)even, (numeric_v128)odd);
}

static inline numeric_v128
numeric_i32x4_relaxed_dot_i8x16_i7x16_add_s(numeric_v128 x, numeric_v128 y, numeric_v128 z)
{
    numeric_v128 dot = numeric_i16x8_relaxed_dot_i8x16_i7x16_s(x, y);
    return numeric_i32x4_add(numeric_i32x4_extadd_pairwise_i16x8_s(dot), z);
}

/* ---- floats ---------------------------------------------------------------------------------- */

/* min and max: a NaN wins (made quiet by the addition), and -0 is less than +0. */
#define NUMERIC_FLOAT_LANES(shape, bits, type)                                                     \
    NUMERIC_BINARY_LANES(shape##_eq, shape, x == y)                                                \
    NUMERIC_BINARY_LANES(shape##_ne, shape, x != y)                                                \
    NUMERIC_BINARY_LANES(shape##_lt, shape, x < y)                                                 \
    NUMERIC_BINARY_LANES(shape##_gt, shape, x > y)                                                 \
    NUMERIC_BINARY_LANES(shape##_le, shape, x <= y)                                                \
    NUMERIC_BINARY_LANES(shape##_ge, shape, x >= y)                                                \
    NUMERIC_BINARY_LANES(shape##_add, shape, x + y)                                                \
    NUMERIC_BINARY_LANES(shape##_sub, shape, x - y)                                                \
    NUMERIC_BINARY_LANES(shape##_mul, shape, x *y)                                                 \
    NUMERIC_BINARY_LANES(shape##_div, shape, x / y)                                                \
    NUMERIC_BINARY_LANES(shape##_pmin, shape, NUMERIC_CHOOSE(y < x, y, x))                         \
    NUMERIC_BINARY_LANES(shape##_pmax, shape, NUMERIC_CHOOSE(x < y, y, x))                         \
    NUMERIC_BINARY_LANES(                                                                          \
        shape##_min, shape,                                                                        \
        NUMERIC_CHOOSE(x < y, x,                                                                   \
                       NUMERIC_CHOOSE(y < x, y, NUMERIC_CHOOSE(x == y, x_ | y_, x + y))))          \
    NUMERIC_BINARY_LANES(                                                                          \
        shape##_max, shape,                                                                        \
        NUMERIC_CHOOSE(x > y, x,                                                                   \
                       NUMERIC_CHOOSE(y > x, y, NUMERIC_CHOOSE(x == y, x_ & y_, x + y))))          \
    NUMERIC_UNARY_LANES(shape##_abs, bits, x &((bits##_sign) - 1))                                 \
    NUMERIC_UNARY_LANES(shape##_neg, bits, x ^ (bits##_sign))                                      \
    NUMERIC_UNARY_EACH(shape##_sqrt, shape, numeric_##type##_sqrt(x[i]))                           \
    NUMERIC_UNARY_EACH(shape##_ceil, shape, numeric_##type##_ceil(x[i]))                           \
    NUMERIC_UNARY_EACH(shape##_floor, shape, numeric_##type##_floor(x[i]))                         \
    NUMERIC_UNARY_EACH(shape##_trunc, shape, numeric_##type##_trunc(x[i]))                         \
    NUMERIC_UNARY_EACH(shape##_nearest, shape, numeric_##type##_nearest(x[i]))                     \
    static inline numeric_v128 numeric_##shape##_relaxed_madd(numeric_v128 x, numeric_v128 y,      \
                                                              numeric_v128 z)                      \
    {                                                                                              \
        return numeric_##shape##_add(numeric_##shape##_mul(x, y), z);                              \
    }                                                                                              \
    static inline numeric_v128 numeric_##shape##_relaxed_nmadd(numeric_v128 x, numeric_v128 y,     \
                                                               numeric_v128 z)                     \
    {                                                                                              \
        return numeric_##shape##_relaxed_madd(numeric_##shape##_neg(x), y, z);                     \
    }
#define u32x4_sign UINT32_C(0x80000000)
#define u64x2_sign UINT64_C(0x8000000000000000)

NUMERIC_FLOAT_LANES(f32x4, u32x4, f32)
NUMERIC_FLOAT_LANES(f64x2, u64x2, f64)

#define NUMERIC_CANONICAL(type, bits, nan)                                                         \
    NUMERIC_UNARY_LANES(type##_canonical, type,                                                    \
                        ((numeric_##bits)x & (numeric_##bits)(x == x)) |                           \
                            ((nan) & (numeric_##bits)(x != x)))
NUMERIC_CANONICAL(f32x4, u32x4, NUMERIC_NAN_f32)
NUMERIC_CANONICAL(f64x2, u64x2, NUMERIC_NAN_f64)

/* ---- conversions ----------------------------------------------------------------------------- */

NUMERIC_UNARY_LANES(f32x4_convert_i32x4_s, s32x4, NUMERIC_WIDE(x, f32x4))
NUMERIC_UNARY_LANES(f32x4_convert_i32x4_u, u32x4, NUMERIC_WIDE(x, f32x4))
NUMERIC_UNARY_LANES(f64x2_convert_low_i32x4_s, s32x4, NUMERIC_WIDE(NUMERIC_LOW_2(x), f64x2))
NUMERIC_UNARY_LANES(f64x2_convert_low_i32x4_u, u32x4, NUMERIC_WIDE(NUMERIC_LOW_2(x), f64x2))
NUMERIC_UNARY_LANES(f64x2_promote_low_f32x4, f32x4, NUMERIC_WIDE(NUMERIC_LOW_2(x), f64x2))

/* Half a vector, and zeros above it. */
#define NUMERIC_ZERO_ABOVE(half) ((numeric_v128){(uint64_t)(half), 0})

NUMERIC_UNARY_LANES(f32x4_demote_f64x2_zero, f64x2, NUMERIC_ZERO_ABOVE(NUMERIC_WIDE(x, f32x2)))

/*
 * Float to integer, saturating: NaN to zero, then into the range [low, high] of floats that
 * convert, then what was above it to the maximum.
 */
#define NUMERIC_FLOAT_CLAMP(floats, x, low, high)                                                  \
    numeric_##floats##_pmin(                                                                       \
        numeric_##floats##_pmax((numeric_v128)(x) & (numeric_v128)((x) == (x)),                    \
                                (numeric_v128)((numeric_##floats){} + (low))),                     \
        (numeric_v128)((numeric_##floats){} + (high)))
#define NUMERIC_SATURATE(name, ints, low, high, above, maximum)                                    \
    static inline numeric_v128 numeric_##name(numeric_v128 x_)                                     \
    {                                                                                              \
        numeric_f32x4 x = (numeric_f32x4)x_;                                                       \
        numeric_f32x4 inside = (numeric_f32x4)NUMERIC_FLOAT_CLAMP(f32x4, x, low, high);            \
        return NUMERIC_CHOOSE(x >= above, (numeric_##ints){} + maximum,                            \
                              NUMERIC_WIDE(inside, ints));                                         \
    }
NUMERIC_SATURATE(i32x4_trunc_sat_f32x4_s, s32x4, -0x1p31f, 0x1.fffffep30f, 0x1p31f, INT32_MAX)
NUMERIC_SATURATE(i32x4_trunc_sat_f32x4_u, u32x4, 0.0f, 0x1.fffffep31f, 0x1p32f, UINT32_MAX)

/* All of the range is exact in f64. */
#define NUMERIC_SATURATE_LOW(name, ints, low, high)                                                \
    static inline numeric_v128 numeric_##name(numeric_v128 x_)                                     \
    {                                                                                              \
        numeric_f64x2 x = (numeric_f64x2)x_;                                                       \
        numeric_f64x2 inside = (numeric_f64x2)NUMERIC_FLOAT_CLAMP(f64x2, x, low, high);            \
        return NUMERIC_ZERO_ABOVE(NUMERIC_WIDE(inside, ints));                                     \
    }
NUMERIC_SATURATE_LOW(i32x4_trunc_sat_f64x2_s_zero, s32x2, -0x1p31, 0x1.fffffffcp30)
NUMERIC_SATURATE_LOW(i32x4_trunc_sat_f64x2_u_zero, u32x2, 0.0, 0x1.fffffffep31)

#endif
