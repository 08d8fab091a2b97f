/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of integer arithmetic: families by macro, one member per combination of places.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"

/* ---- x, y -> d ------------------------------------------------------------------------------- */

#define BINARY(type, name) FAMILY(XYD, OPERATE_XYD, type##_##name, type, name)

#define BINARIES(type)                                                                             \
    BINARY(type, add)                                                                              \
    BINARY(type, sub)                                                                              \
    BINARY(type, mul)                                                                              \
    BINARY(type, and)                                                                              \
    BINARY(type, or)                                                                               \
    BINARY(type, xor)                                                                              \
    BINARY(type, shl)                                                                              \
    BINARY(type, shr_s)                                                                            \
    BINARY(type, shr_u)                                                                            \
    BINARY(type, rotl)

BINARIES(i32)
BINARIES(i64)

/* ---- rare or trapping: few places ------------------------------------------------------------ */

#define DIVIDE_XYD(handler, d, y, x, type, function)                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(type, d) };         \
        ctype_##type result;                                                                       \
        enum engine_trap trap = function(READ(type, x, HEAD), READ(type, y, Y), &result);          \
        if (UNLIKELY(trap != TRAP_NONE))                                                           \
            RAISE(trap);                                                                           \
        WRITE(type, d, D, result);                                                                 \
        NEXT(CELL(END));                                                                           \
    }
#define DIVISION(type, name) FAMILY(XYD_LEAN, DIVIDE_XYD, name, type, numeric_##name)

#define DIVISIONS(type)                                                                            \
    DIVISION(type, type##_div_s)                                                                   \
    DIVISION(type, type##_div_u)                                                                   \
    DIVISION(type, type##_rem_s)                                                                   \
    DIVISION(type, type##_rem_u)

DIVISIONS(i32)
DIVISIONS(i64)

FAMILY(XYD_LEAN, OPERATE_XYD, i32_rotr, i32, rotr)
FAMILY(XYD_LEAN, OPERATE_XYD, i64_rotr, i64, rotr)

/* ---- x -> d ---------------------------------------------------------------------------------- */

#define UNARY(from, to, name) FAMILY(XD, COMPUTE_XD, name, from, to, numeric_##name)

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

/* fields: what to multiply by */
#define MUL_ADD_XYD(handler, d, y, x, type)                                                        \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), FACTOR = D + SIZE(type, d) };      \
        uint64_t product = WITH_CONSTANT(type, mul, READ(i64, x, HEAD), FACTOR);                   \
        WRITE(i64, d, D, WITH_##y(type, add, product, Y));                                         \
        NEXT(CELL(FACTOR + 4));                                                                    \
    }
FAMILY(XYND, MUL_ADD_XYD, i32_mul_add, i32)

/* fields: bits to shift by, mask */
#define SHR_AND_XD(handler, d, x, type)                                                            \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(type, x), SHIFT = D + SIZE(type, d), MASK = SHIFT + 4 };            \
        uint64_t shifted = WITH_CONSTANT(type, shr_u, READ(i64, x, HEAD), SHIFT);                  \
        WRITE(i64, d, D, WITH_CONSTANT(type, and, shifted, MASK));                                 \
        NEXT(CELL(MASK + 4));                                                                      \
    }
FAMILY(XD, SHR_AND_XD, i32_shr_and, i32)

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

FAMILY(YD, MOVE_YD, i32_mov, i32)
FAMILY(YD, MOVE_YD, i64_mov, i64)
