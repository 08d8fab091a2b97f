/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of integer arithmetic: families by macro, one member per combination of places.
 * A family's table is indexed by the places of its operands in order, most significant
 * first (ops.c does it for all shapes alike).
 */
#include "engine/operands.h"
#include "engine/ops.h"

/* ---- x, y -> d ------------------------------------------------------------------------------- */

#define BINARY_XYD(d, y, x, type, name)                                                            \
    HANDLER(name##_##x##y##d)                                                                      \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(type, d) };         \
        ctype_##type x_ = READ(type, x, HEAD);                                                     \
        ctype_##type y_ = READ(type, y, Y);                                                        \
        WRITE(type, d, D, numeric_##name(x_, y_));                                                 \
        NEXT(CELL(END));                                                                           \
    }
#define BINARY_XY(y, x, type, name) EACH_D(BINARY_XYD, y, x, type, name)
#define BINARY_X(x, type, name)     EACH_Y(BINARY_XY, x, type, name)
#define ENTRY_XYD(d, y, x, name)    name##_##x##y##d,
#define ENTRY_XY(y, x, name)        EACH_D(ENTRY_XYD, y, x, name)
#define ENTRY_X(x, name)            EACH_Y(ENTRY_XY, x, name)

#define BINARY(type, name)                                                                         \
    EACH_X(BINARY_X, type, name)                                                                   \
    const dispatch_handler ops_##name[] = {EACH_X(ENTRY_X, name)};

#define BINARIES(type)                                                                             \
    BINARY(type, type##_add)                                                                       \
    BINARY(type, type##_sub)                                                                       \
    BINARY(type, type##_mul)                                                                       \
    BINARY(type, type##_and)                                                                       \
    BINARY(type, type##_or)                                                                        \
    BINARY(type, type##_xor)                                                                       \
    BINARY(type, type##_shl)                                                                       \
    BINARY(type, type##_shr_s)                                                                     \
    BINARY(type, type##_shr_u)                                                                     \
    BINARY(type, type##_rotl)

BINARIES(i32)
BINARIES(i64)

/* ---- rare or trapping: few places ------------------------------------------------------------ */

#define LEAN_XYD(d, y, x, type, name)                                                              \
    HANDLER(name##_##x##y##d)                                                                      \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(type, d) };         \
        ctype_##type result;                                                                       \
        enum engine_trap trap = numeric_##name(READ(type, x, HEAD), READ(type, y, Y), &result);    \
        if (UNLIKELY(trap != TRAP_NONE))                                                           \
            RAISE(trap);                                                                           \
        WRITE(type, d, D, result);                                                                 \
        NEXT(CELL(END));                                                                           \
    }
#define LEAN_XY(y, x, type, name)     EACH_DL(LEAN_XYD, y, x, type, name)
#define LEAN_X(x, type, name)         EACH_YL(LEAN_XY, x, type, name)
#define LEAN_ENTRY_XYD(d, y, x, name) name##_##x##y##d,
#define LEAN_ENTRY_XY(y, x, name)     EACH_DL(LEAN_ENTRY_XYD, y, x, name)
#define LEAN_ENTRY_X(x, name)         EACH_YL(LEAN_ENTRY_XY, x, name)

#define DIVISION(type, name)                                                                       \
    EACH_XL(LEAN_X, type, name)                                                                    \
    const dispatch_handler ops_##name[] = {EACH_XL(LEAN_ENTRY_X, name)};

#define DIVISIONS(type)                                                                            \
    DIVISION(type, type##_div_s)                                                                   \
    DIVISION(type, type##_div_u)                                                                   \
    DIVISION(type, type##_rem_s)                                                                   \
    DIVISION(type, type##_rem_u)

DIVISIONS(i32)
DIVISIONS(i64)

#define ROTR_XYD(d, y, x, type, name)                                                              \
    HANDLER(name##_##x##y##d)                                                                      \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(type, d) };         \
        WRITE(type, d, D, numeric_##name(READ(type, x, HEAD), READ(type, y, Y)));                  \
        NEXT(CELL(END));                                                                           \
    }
#define ROTR_XY(y, x, type, name) EACH_DL(ROTR_XYD, y, x, type, name)
#define ROTR_X(x, type, name)     EACH_YL(ROTR_XY, x, type, name)
#define ROTR(type, name)                                                                           \
    EACH_XL(ROTR_X, type, name)                                                                    \
    const dispatch_handler ops_##name[] = {EACH_XL(LEAN_ENTRY_X, name)};

ROTR(i32, i32_rotr)
ROTR(i64, i64_rotr)

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

UNARY(i32, i32, i32_eqz)
UNARY(i64, i32, i64_eqz)
UNARY(i32, i32, i32_clz)
UNARY(i32, i32, i32_ctz)
UNARY(i32, i32, i32_popcnt)
UNARY(i64, i64, i64_clz)
UNARY(i64, i64, i64_ctz)
UNARY(i64, i64, i64_popcnt)
UNARY(i64, i32, i32_wrap_i64)
UNARY(i64, i32, i32_clamp_i64)
UNARY(i32, i64, i64_extend_i32_s)
UNARY(i32, i64, i64_extend_i32_u)
UNARY(i32, i32, i32_extend8_s)
UNARY(i32, i32, i32_extend16_s)
UNARY(i64, i64, i64_extend8_s)
UNARY(i64, i64, i64_extend16_s)
UNARY(i64, i64, i64_extend32_s)

/* ---- two in one ------------------------------------------------------------------------------ */

/* fields: bits to shift by */
#define SHL_ADD_XYD(d, y, x, name)                                                                 \
    HANDLER(name##_##x##y##d)                                                                      \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i32, x), D = Y + SIZE(i32, y), SHIFT = D + SIZE(i32, d) };          \
        WRITE(i32, d, D, (READ(i32, x, HEAD) << FIELD32(SHIFT)) + READ(i32, y, Y));                \
        NEXT(CELL(SHIFT + 4));                                                                     \
    }
#define SHL_ADD_XY(y, x, name)           EACH_D(SHL_ADD_XYD, y, x, name)
#define SHL_ADD_X(x, name)               EACH_YN(SHL_ADD_XY, x, name)
#define SHL_ADD_ENTRY_XYD(d, y, x, name) name##_##x##y##d,
#define SHL_ADD_ENTRY_XY(y, x, name)     EACH_D(SHL_ADD_ENTRY_XYD, y, x, name)
#define SHL_ADD_ENTRY_X(x, name)         EACH_YN(SHL_ADD_ENTRY_XY, x, name)
EACH_X(SHL_ADD_X, i32_shl_add)
const dispatch_handler ops_i32_shl_add[] = {EACH_X(SHL_ADD_ENTRY_X, i32_shl_add)};

/* fields: bits to shift by, mask */
#define SHR_AND_XD(d, x, name)                                                                     \
    HANDLER(name##_##x##d)                                                                         \
    {                                                                                              \
        enum { D = HEAD + SIZE(i32, x), SHIFT = D + SIZE(i32, d), MASK = SHIFT + 4 };              \
        WRITE(i32, d, D, READ(i32, x, HEAD) >> FIELD32(SHIFT) & FIELD32(MASK));                    \
        NEXT(CELL(MASK + 4));                                                                      \
    }
#define SHR_AND_X(x, name) EACH_D(SHR_AND_XD, x, name)
EACH_X(SHR_AND_X, i32_shr_and)
const dispatch_handler ops_i32_shr_and[] = {EACH_X(UNARY_ENTRY_X, i32_shr_and)};

/* ---- wide arithmetic: operands in slots, the result in the first two ------------------------- */

#define WIDE(name, result)                                                                         \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        numeric_u128 wide = (result);                                                              \
        slot[0] = (uint64_t)wide;                                                                  \
        slot[1] = (uint64_t)(wide >> 64);                                                          \
        NEXT(CELL(HEAD + 2));                                                                      \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
#define WIDE_X numeric_u128_of(slot[0], slot[1])
#define WIDE_Y numeric_u128_of(slot[2], slot[3])

WIDE(i64_add128, WIDE_X + WIDE_Y)
WIDE(i64_sub128, WIDE_X - WIDE_Y)
WIDE(i64_mul_wide_s, numeric_i64_mul_wide_s(slot[0], slot[1]))
WIDE(i64_mul_wide_u, numeric_i64_mul_wide_u(slot[0], slot[1]))

/* ---- moves ----------------------------------------------------------------------------------- */

#define numeric_i32_mov(x)    (x)
#define numeric_i64_mov(x)    (x)
#define MOVE_Y(y, type, name) EACH_D(UNARY_XD, y, type, type, name)
#define MOVE_ENTRY_Y(y, name) EACH_D(UNARY_ENTRY_XD, y, name)
#define MOVE(type, name)                                                                           \
    EACH_Y(MOVE_Y, type, name)                                                                     \
    const dispatch_handler ops_##name[] = {EACH_Y(MOVE_ENTRY_Y, name)};

MOVE(i32, i32_mov)
MOVE(i64, i64_mov)

/* A constant of 64 bits, for what K cannot hold. */
#define CONST64_D(d, name)                                                                         \
    HANDLER(name##_##d)                                                                            \
    {                                                                                              \
        WRITE(i64, d, HEAD, FIELD64(HEAD + SIZE(i64, d)));                                         \
        NEXT(CELL(HEAD + 8 + SIZE(i64, d)));                                                       \
    }
#define CONST64_ENTRY_D(d, name) name##_##d,
EACH_D(CONST64_D, i64_const)
const dispatch_handler ops_i64_const[] = {EACH_D(CONST64_ENTRY_D, i64_const)};
