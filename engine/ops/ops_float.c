/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of float arithmetic and of conversions between integers and floats.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"

/* ---- pure functions -------------------------------------------------------------------------- */

#define BINARY(type, name)    FAMILY(XYD, COMPUTE_XYD, name, type, type, numeric_##name)
#define LEAN(type, name)      FAMILY(XYD_LEAN, COMPUTE_XYD, name, type, type, numeric_##name)
#define UNARY(from, to, name) FAMILY(XD, COMPUTE_XD, name, from, to, numeric_##name)

#define FLOATS(type)                                                                               \
    BINARY(type, type##_add)                                                                       \
    BINARY(type, type##_sub)                                                                       \
    BINARY(type, type##_mul)                                                                       \
    BINARY(type, type##_div)                                                                       \
    LEAN(type, type##_min)                                                                         \
    LEAN(type, type##_max)                                                                         \
    LEAN(type, type##_copysign)                                                                    \
    UNARY(type, type, type##_abs)                                                                  \
    UNARY(type, type, type##_neg)                                                                  \
    UNARY(type, type, type##_ceil)                                                                 \
    UNARY(type, type, type##_floor)                                                                \
    UNARY(type, type, type##_trunc)                                                                \
    UNARY(type, type, type##_nearest)                                                              \
    UNARY(type, type, type##_sqrt)

FLOATS(f32)
FLOATS(f64)

UNARY(i32, f32, f32_convert_i32_s)
UNARY(i32, f32, f32_convert_i32_u)
UNARY(i64, f32, f32_convert_i64_s)
UNARY(i64, f32, f32_convert_i64_u)
UNARY(f64, f32, f32_demote_f64)
UNARY(i32, f64, f64_convert_i32_s)
UNARY(i32, f64, f64_convert_i32_u)
UNARY(i64, f64, f64_convert_i64_s)
UNARY(i64, f64, f64_convert_i64_u)
UNARY(f32, f64, f64_promote_f32)
UNARY(f32, i32, i32_reinterpret_f32)
UNARY(f64, i64, i64_reinterpret_f64)
UNARY(i32, f32, f32_reinterpret_i32)
UNARY(i64, f64, f64_reinterpret_i64)

/* Behind an operation that can make a NaN, whose result it takes from the accumulator. */
FAMILY(AD, COMPUTE_XD, f32_canonical, f32, f32, numeric_f32_canonical)
FAMILY(AD, COMPUTE_XD, f64_canonical, f64, f64, numeric_f64_canonical)

/* ---- float to integer: trapping and saturating ----------------------------------------------- */

#define TRUNCATE_XD(handler, d, x, from, to, function)                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        ctype_##to result;                                                                         \
        enum engine_trap trap = function(READ(from, x, HEAD), &result);                            \
        if (UNLIKELY(trap != TRAP_NONE))                                                           \
            RAISE(trap);                                                                           \
        WRITE(to, d, D, result);                                                                   \
        NEXT(CELL(END));                                                                           \
    }
#define TRUNCATE(from, to, sign)                                                                   \
    FAMILY(XD, TRUNCATE_XD, to##_trunc_##from##_##sign, from, to,                                  \
           numeric_##to##_trunc_##from##_##sign)                                                   \
    UNARY(from, to, to##_trunc_sat_##from##_##sign)

TRUNCATE(f32, i32, s)
TRUNCATE(f32, i32, u)
TRUNCATE(f64, i32, s)
TRUNCATE(f64, i32, u)
TRUNCATE(f32, i64, s)
TRUNCATE(f32, i64, u)
TRUNCATE(f64, i64, s)
TRUNCATE(f64, i64, u)

/* ---- moves and selection: f64 carries an f32's bits too -------------------------------------- */

FAMILY(YD, COMPUTE_XD, f32_mov, f32, f32, MOVED)
FAMILY(YD, COMPUTE_XD, f64_mov, f64, f64, MOVED)

/* condition c: x if it is not zero, else y */
#define SELECT_XYCD(handler, d, c, y, x, type)                                                     \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            Y = HEAD + SIZE(type, x),                                                              \
            C = Y + SIZE(type, y),                                                                 \
            D = C + SIZE(i32, c),                                                                  \
            END = D + SIZE(type, d)                                                                \
        };                                                                                         \
        ctype_##type x_ = READ(type, x, HEAD);                                                     \
        ctype_##type y_ = READ(type, y, Y);                                                        \
        WRITE(type, d, D, READ(i32, c, C) != 0 ? x_ : y_);                                         \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(SELECT, SELECT_XYCD, select_i64, i64)
FAMILY(SELECT, SELECT_XYCD, select_f64, f64)
