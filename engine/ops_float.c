/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of float arithmetic and of conversions between integers and floats.
 */
#include "engine/operands.h"
#include "engine/ops.h"

/* ---- x, y -> d ------------------------------------------------------------------------------- */

#define BINARY_XYD(d, y, x, type, name)                                                            \
    HANDLER(name##_##x##y##d)                                                                      \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(type, d) };         \
        WRITE(type, d, D, numeric_##name(READ(type, x, HEAD), READ(type, y, Y)));                  \
        NEXT(CELL(END));                                                                           \
    }
#define ENTRY_XYD(d, y, x, name)    name##_##x##y##d,

#define BINARY_XY(y, x, type, name) EACH_D(BINARY_XYD, y, x, type, name)
#define BINARY_X(x, type, name)     EACH_Y(BINARY_XY, x, type, name)
#define ENTRY_XY(y, x, name)        EACH_D(ENTRY_XYD, y, x, name)
#define ENTRY_X(x, name)            EACH_Y(ENTRY_XY, x, name)
#define BINARY(type, name)                                                                         \
    EACH_X(BINARY_X, type, name)                                                                   \
    const dispatch_handler ops_##name[] = {EACH_X(ENTRY_X, name)};

#define LEAN_XY(y, x, type, name) EACH_DL(BINARY_XYD, y, x, type, name)
#define LEAN_X(x, type, name)     EACH_YL(LEAN_XY, x, type, name)
#define LEAN_ENTRY_XY(y, x, name) EACH_DL(ENTRY_XYD, y, x, name)
#define LEAN_ENTRY_X(x, name)     EACH_YL(LEAN_ENTRY_XY, x, name)
#define LEAN(type, name)                                                                           \
    EACH_XL(LEAN_X, type, name)                                                                    \
    const dispatch_handler ops_##name[] = {EACH_XL(LEAN_ENTRY_X, name)};

/* ---- x -> d ---------------------------------------------------------------------------------- */

#define UNARY_XD(d, x, from, to, name)                                                             \
    HANDLER(name##_##x##d)                                                                         \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        WRITE(to, d, D, numeric_##name(READ(from, x, HEAD)));                                      \
        NEXT(CELL(END));                                                                           \
    }
#define UNARY_X(x, from, to, name) EACH_D(UNARY_XD, x, from, to, name)
#define UNARY_ENTRY_XD(d, x, name) name##_##x##d,
#define UNARY_ENTRY_X(x, name)     EACH_D(UNARY_ENTRY_XD, x, name)
#define UNARY(from, to, name)                                                                      \
    EACH_X(UNARY_X, from, to, name)                                                                \
    const dispatch_handler ops_##name[] = {EACH_X(UNARY_ENTRY_X, name)};

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
#define CANONICAL_D(d, type, name)                                                                 \
    HANDLER(name##_A##d)                                                                           \
    {                                                                                              \
        WRITE(type, d, HEAD, numeric_##name(READ(type, A, HEAD)));                                 \
        NEXT(CELL(HEAD + SIZE(type, d)));                                                          \
    }
#define CANONICAL_ENTRY_D(d, name) name##_A##d,
#define CANONICAL(type, name)                                                                      \
    EACH_D(CANONICAL_D, type, name)                                                                \
    const dispatch_handler ops_##name[] = {EACH_D(CANONICAL_ENTRY_D, name)};

CANONICAL(f32, f32_canonical)
CANONICAL(f64, f64_canonical)

/* ---- float to integer: trapping and saturating ----------------------------------------------- */

#define TRUNCATE_XD(d, x, from, to, name)                                                          \
    HANDLER(name##_##x##d)                                                                         \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        ctype_##to result;                                                                         \
        enum engine_trap trap = numeric_##name(READ(from, x, HEAD), &result);                      \
        if (UNLIKELY(trap != TRAP_NONE))                                                           \
            RAISE(trap);                                                                           \
        WRITE(to, d, D, result);                                                                   \
        NEXT(CELL(END));                                                                           \
    }
#define TRUNCATE_X(x, from, to, name) EACH_D(TRUNCATE_XD, x, from, to, name)
#define TRUNCATE(from, to, sign)                                                                   \
    EACH_X(TRUNCATE_X, from, to, to##_trunc_##from##_##sign)                                       \
    const dispatch_handler ops_##to##_trunc_##from##_##sign[] = {                                  \
        EACH_X(UNARY_ENTRY_X, to##_trunc_##from##_##sign)};                                        \
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

#define numeric_f32_mov(x)    (x)
#define numeric_f64_mov(x)    (x)
#define MOVE_Y(y, type, name) EACH_D(UNARY_XD, y, type, type, name)
#define MOVE_ENTRY_Y(y, name) EACH_D(UNARY_ENTRY_XD, y, name)
#define MOVE(type, name)                                                                           \
    EACH_Y(MOVE_Y, type, name)                                                                     \
    const dispatch_handler ops_##name[] = {EACH_Y(MOVE_ENTRY_Y, name)};

MOVE(f32, f32_mov)
MOVE(f64, f64_mov)

/* condition c: x if it is not zero, else y */
#define SELECT_XYCD(d, c, y, x, type, name)                                                        \
    HANDLER(name##_##x##y##c##d)                                                                   \
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
#define SELECT_XYC(c, y, x, type, name)     EACH_DL(SELECT_XYCD, c, y, x, type, name)
#define SELECT_XY(y, x, type, name)         EACH_XL(SELECT_XYC, y, x, type, name)
#define SELECT_X(x, type, name)             EACH_YN_AGAIN(SELECT_XY, x, type, name)
#define SELECT_ENTRY_XYCD(d, c, y, x, name) name##_##x##y##c##d,
#define SELECT_ENTRY_XYC(c, y, x, name)     EACH_DL(SELECT_ENTRY_XYCD, c, y, x, name)
#define SELECT_ENTRY_XY(y, x, name)         EACH_XL(SELECT_ENTRY_XYC, y, x, name)
#define SELECT_ENTRY_X(x, name)             EACH_YN_AGAIN(SELECT_ENTRY_XY, x, name)
/* EACH_YN under a second name: both x and y run over the same places. */
#define EACH_YN_AGAIN(M, ...)                                                                      \
    M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__) M(K, __VA_ARGS__)

EACH_YN(SELECT_X, i64, select_i64)
const dispatch_handler ops_select_i64[] = {EACH_YN(SELECT_ENTRY_X, select_i64)};
EACH_YN(SELECT_X, f64, select_f64)
const dispatch_handler ops_select_f64[] = {EACH_YN(SELECT_ENTRY_X, select_f64)};
