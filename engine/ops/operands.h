/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an operation's operands are: each operation comes in variants, one for each
 * combination of places, so that a handler reads its values from where they already are.
 *
 *   A   the accumulator: the result of the operation just before (FACC for floats)
 *   S   a slot of the frame: 16-bit slot number in the cell
 *   P0  P1 P2  a local pinned in a machine register (FPIN0.. for floats)
 *   K   a constant in the cell, in its whole width
 * A v128 is in two consecutive slots, the first named by the cell, or K; never elsewhere.
 *
 * READ_<type>_<place>(at), WRITE_<type>_<place>(at, value), SIZE_<type>_<place>: `at` is the
 * field's offset in the cell. i32 values are kept zero-extended to 64 bits wherever they are.
 * EACH_* lists say which places an operand may take; enum operand_set in ops.h mirrors them.
 */
#ifndef SKERRY_ENGINE_OPS_OPERANDS_H
#define SKERRY_ENGINE_OPS_OPERANDS_H

#include "engine/ops/numeric_simd.h"

/* Include last: defines short upper-case names. */
#include "engine/ops/dispatch.h"
#include "engine/run/collect.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"

typedef uint32_t ctype_i32;
typedef uint64_t ctype_i64;
typedef float ctype_f32;
typedef double ctype_f64;
typedef numeric_v128 ctype_v128;

/* An f32 in a float register is its low half. */
typedef float operands_float_pair __attribute__((vector_size(8)));
union operands_float {
    double wide;
    operands_float_pair pair;
};

/* Two slots, or sixteen bytes of a cell. */
static inline numeric_v128 operands_vector(const void *at)
{
    numeric_v128 value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline void operands_write_vector(uint64_t *slot, numeric_v128 value)
{
    memcpy(slot, &value, sizeof(value));
}

static inline float operands_low_float(double wide)
{
    union operands_float u = {.wide = wide};
    return u.pair[0];
}

static inline double operands_wide_float(float low)
{
    union operands_float u = {.pair = {low, 0}};
    return u.wide;
}

#define READ_i32_A(at)          ((uint32_t)ACC)
#define READ_i32_S(at)          ((uint32_t)SLOT(at))
#define READ_i32_P0(at)         ((uint32_t)PIN0)
#define READ_i32_P1(at)         ((uint32_t)PIN1)
#define READ_i32_P2(at)         ((uint32_t)PIN2)
#define READ_i32_K(at)          FIELD32(at)

#define READ_i64_A(at)          ACC
#define READ_i64_S(at)          SLOT(at)
#define READ_i64_P0(at)         PIN0
#define READ_i64_P1(at)         PIN1
#define READ_i64_P2(at)         PIN2
#define READ_i64_K(at)          FIELD64(at)

#define READ_f32_A(at)          operands_low_float(FACC)
#define READ_f32_S(at)          numeric_f32_bits((uint32_t)SLOT(at))
#define READ_f32_P0(at)         operands_low_float(FPIN0)
#define READ_f32_P1(at)         operands_low_float(FPIN1)
#define READ_f32_P2(at)         operands_low_float(FPIN2)
#define READ_f32_K(at)          numeric_f32_bits(FIELD32(at))

#define READ_f64_A(at)          FACC
#define READ_f64_S(at)          numeric_f64_bits(SLOT(at))
#define READ_f64_P0(at)         FPIN0
#define READ_f64_P1(at)         FPIN1
#define READ_f64_P2(at)         FPIN2
#define READ_f64_K(at)          numeric_f64_bits(FIELD64(at))

#define READ_v128_S(at)         operands_vector(&SLOT(at))
#define READ_v128_K(at)         operands_vector(PC + (at))

#define WRITE_i32_A(at, value)  (ACC = (uint32_t)(value))
#define WRITE_i32_S(at, value)  (SLOT(at) = (uint32_t)(value))
#define WRITE_i32_P0(at, value) (PIN0 = (uint32_t)(value))
#define WRITE_i32_P1(at, value) (PIN1 = (uint32_t)(value))
#define WRITE_i32_P2(at, value) (PIN2 = (uint32_t)(value))

#define WRITE_i64_A(at, value)  (ACC = (value))
#define WRITE_i64_S(at, value)  (SLOT(at) = (value))
#define WRITE_i64_P0(at, value) (PIN0 = (value))
#define WRITE_i64_P1(at, value) (PIN1 = (value))
#define WRITE_i64_P2(at, value) (PIN2 = (value))

#define WRITE_f32_A(at, value)  (FACC = operands_wide_float(value))
#define WRITE_f32_S(at, value)  (SLOT(at) = numeric_bits_f32(value))
#define WRITE_f32_P0(at, value) (FPIN0 = operands_wide_float(value))
#define WRITE_f32_P1(at, value) (FPIN1 = operands_wide_float(value))
#define WRITE_f32_P2(at, value) (FPIN2 = operands_wide_float(value))

#define WRITE_f64_A(at, value)  (FACC = (value))
#define WRITE_f64_S(at, value)  (SLOT(at) = numeric_bits_f64(value))
#define WRITE_f64_P0(at, value) (FPIN0 = (value))
#define WRITE_f64_P1(at, value) (FPIN1 = (value))
#define WRITE_f64_P2(at, value) (FPIN2 = (value))

#define WRITE_v128_S(at, value) operands_write_vector(&SLOT(at), (value))

#define SIZE_A                  0
#define SIZE_S                  2
#define SIZE_P0                 0
#define SIZE_P1                 0
#define SIZE_P2                 0
#define SIZE_i32_K              4
#define SIZE_i64_K              8
#define SIZE_f32_K              4
#define SIZE_f64_K              8
#define SIZE_v128_S             SIZE_S
#define SIZE_v128_K             16

/* Constants are only ever last among the sources' places, so most sizes need no type. */
#define SIZE_i32_A                    SIZE_A
#define SIZE_i32_S                    SIZE_S
#define SIZE_i32_P0                   SIZE_P0
#define SIZE_i32_P1                   SIZE_P1
#define SIZE_i32_P2                   SIZE_P2
#define SIZE_i64_A                    SIZE_A
#define SIZE_i64_S                    SIZE_S
#define SIZE_i64_P0                   SIZE_P0
#define SIZE_i64_P1                   SIZE_P1
#define SIZE_i64_P2                   SIZE_P2
#define SIZE_f32_A                    SIZE_A
#define SIZE_f32_S                    SIZE_S
#define SIZE_f32_P0                   SIZE_P0
#define SIZE_f32_P1                   SIZE_P1
#define SIZE_f32_P2                   SIZE_P2
#define SIZE_f64_A                    SIZE_A
#define SIZE_f64_S                    SIZE_S
#define SIZE_f64_P0                   SIZE_P0
#define SIZE_f64_P1                   SIZE_P1
#define SIZE_f64_P2                   SIZE_P2

#define READ(type, place, at)         READ_##type##_##place(at)
#define WRITE(type, place, at, value) WRITE_##type##_##place(at, value)
#define SIZE(type, place)             SIZE_##type##_##place

#define HEAD                          4 /* bytes of a cell's handler offset */
#define CELL(bytes)                   ALIGN_UP((bytes), DISPATCH_CELL_ALIGN)

/* Lists of places; the order is that of enum operand_place in ops.h. Each list has its own
 * name because a macro does not expand inside itself. A source that may be a constant of 64 bits
 * is last, or a select's: stencils for wide ones (stencil.h) are made of those alone. */
#define EACH_X(M, ...)                                                                             \
    M(A, __VA_ARGS__) M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__)
#define EACH_Y(M, ...)                                                                             \
    UNLESS_WIDE(M(A, __VA_ARGS__) M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__)          \
                    M(P2, __VA_ARGS__))                                                            \
    M(K, __VA_ARGS__)
#define EACH_D(M, ...)                                                                             \
    M(A, __VA_ARGS__) M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__)
/* without the accumulator */
#define EACH_XN(M, ...) M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__)
#define EACH_YN(M, ...)                                                                            \
    M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__) M(K, __VA_ARGS__)
#define EACH_YN_AGAIN(M, ...)                                                                      \
    M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__) M(K, __VA_ARGS__)
#define EACH_XN_AGAIN(M, ...)                                                                      \
    M(S, __VA_ARGS__) M(P0, __VA_ARGS__) M(P1, __VA_ARGS__) M(P2, __VA_ARGS__)
/* for operations too rare to deserve pins */
#define EACH_XL(M, ...) M(A, __VA_ARGS__) M(S, __VA_ARGS__)
#define EACH_YL(M, ...) UNLESS_WIDE(M(S, __VA_ARGS__)) M(K, __VA_ARGS__)
#define EACH_DL(M, ...) M(A, __VA_ARGS__) M(S, __VA_ARGS__)

/*
 * Families. FAMILY(shape, DEFINE, name, ...) is all variants of an operation and the table of
 * them that ops.c indexes by places. It expands DEFINE(handler, places..., ...) for each
 * combination that the shape (ops.h) allows; a combination grows to the left, so the last
 * operand's place comes first: DEFINE(handler, d, y, x, ...). Operands that are always in
 * slots (vectors) are no part of it. A new shape is a row in ops.h and a VARIANTS_ line here.
 */
#define FAMILY(shape, DEFINE, name, ...)                                                           \
    _Static_assert((int)OPERATION_SHAPE_##name == (int)SHAPE_##shape, "not the shape of ops.def"); \
    VARIANTS_##shape(DEFINE, name##_, __VA_ARGS__)                                                 \
        const dispatch_handler ops_##name[] = {VARIANTS_##shape(TABLE_ENTRY, name##_, )};
#define TABLE_ENTRY(handler, ...) handler,

#define VARIANTS_X(...)           UNLESS_WIDE(EACH_X(THEN, __VA_ARGS__))
#define VARIANTS_XN(...)          UNLESS_WIDE(EACH_XN(THEN, __VA_ARGS__))
#define VARIANTS_Y(...)           EACH_Y(THEN, __VA_ARGS__)
#define VARIANTS_D(...)           UNLESS_WIDE(EACH_D(THEN, __VA_ARGS__))
#define VARIANTS_X_LEAN(...)      UNLESS_WIDE(EACH_XL(THEN, __VA_ARGS__))
#define VARIANTS_XD(...)          UNLESS_WIDE(EACH_X(THEN_D, __VA_ARGS__))
#define VARIANTS_AD(...)          UNLESS_WIDE(THEN_D(A, __VA_ARGS__))
#define VARIANTS_YD(...)          EACH_Y(THEN_D, __VA_ARGS__)
#define VARIANTS_XD_LEAN(...)     UNLESS_WIDE(EACH_XL(THEN_DL, __VA_ARGS__))
#define VARIANTS_XY(...)          EACH_X(THEN_Y, __VA_ARGS__)
#define VARIANTS_XXN(...)         UNLESS_WIDE(EACH_X(THEN_XN, __VA_ARGS__))
#define VARIANTS_YXN(...)         EACH_Y(THEN_XN, __VA_ARGS__)
#define VARIANTS_XNYN(...)        EACH_XN(THEN_YN, __VA_ARGS__)
#define VARIANTS_XYD(...)         EACH_X(THEN_Y_D, __VA_ARGS__)
#define VARIANTS_XYD_LEAN(...)    EACH_XL(THEN_YL_DL, __VA_ARGS__)
#define VARIANTS_XYD_COMPARE(...) EACH_X(THEN_Y_DL, __VA_ARGS__)
#define VARIANTS_XYND(...)        UNLESS_WIDE(EACH_X(THEN_YN_D, __VA_ARGS__))
#define VARIANTS_XYND_LEAN(...)   UNLESS_WIDE(EACH_X(THEN_YN_DL, __VA_ARGS__))
#define VARIANTS_XNYNY(...)       EACH_XN(THEN_YN_Y, __VA_ARGS__)
#define VARIANTS_XNYNXN(...)      UNLESS_WIDE(EACH_XN(THEN_YN_XN, __VA_ARGS__))
#define VARIANTS_XNYNX_LEAN(...)  UNLESS_WIDE(EACH_XN(THEN_YN_XL, __VA_ARGS__))
#define VARIANTS_SELECT(...)      EACH_YN(THEN_YN_XL_DL, __VA_ARGS__)
#define VARIANTS_W_V(...)         UNLESS_WIDE(EACH_YL(THEN, __VA_ARGS__))
#define VARIANTS_VW_V(...)        UNLESS_WIDE(EACH_YL(THEN, __VA_ARGS__))
#define VARIANTS_V_D(...)         UNLESS_WIDE(EACH_D(THEN, __VA_ARGS__))
#define VARIANTS_V_D_LEAN(...)    UNLESS_WIDE(EACH_DL(THEN, __VA_ARGS__))
#define VARIANTS_X_V(...)         UNLESS_WIDE(EACH_X(THEN, __VA_ARGS__))
#define VARIANTS_VX_V(...)        UNLESS_WIDE(EACH_X(THEN, __VA_ARGS__))
#define VARIANTS_XV_V(...)        UNLESS_WIDE(EACH_X(THEN, __VA_ARGS__))
#define VARIANTS_VVX_V(...)       UNLESS_WIDE(EACH_XL(THEN, __VA_ARGS__))
#define VARIANTS_XYN_V(...)       UNLESS_WIDE(EACH_X(THEN_YN, __VA_ARGS__))
#define VARIANTS_XNYN_V(...)      UNLESS_WIDE(EACH_XN(THEN_YN, __VA_ARGS__))

/* THEN_<places>: this operand's place is chosen, on with the next operand's. */
#define THEN(place, M, so_far, ...)       M(so_far##place, place, __VA_ARGS__)
#define THEN_XL(place, M, so_far, ...)    EACH_XL(THEN, M, so_far##place, place, __VA_ARGS__)
#define THEN_XN(place, M, so_far, ...)    EACH_XN_AGAIN(THEN, M, so_far##place, place, __VA_ARGS__)
#define THEN_Y(place, M, so_far, ...)     EACH_Y(THEN, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN(place, M, so_far, ...)    EACH_YN(THEN, M, so_far##place, place, __VA_ARGS__)
#define THEN_D(place, M, so_far, ...)     EACH_D(THEN, M, so_far##place, place, __VA_ARGS__)
#define THEN_DL(place, M, so_far, ...)    EACH_DL(THEN, M, so_far##place, place, __VA_ARGS__)
#define THEN_Y_D(place, M, so_far, ...)   EACH_Y(THEN_D, M, so_far##place, place, __VA_ARGS__)
#define THEN_Y_DL(place, M, so_far, ...)  EACH_Y(THEN_DL, M, so_far##place, place, __VA_ARGS__)
#define THEN_YL_DL(place, M, so_far, ...) EACH_YL(THEN_DL, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN_D(place, M, so_far, ...)  EACH_YN(THEN_D, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN_DL(place, M, so_far, ...) EACH_YN(THEN_DL, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN_Y(place, M, so_far, ...)  EACH_YN(THEN_Y, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN_XN(place, M, so_far, ...) EACH_YN(THEN_XN, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN_XL(place, M, so_far, ...) EACH_YN(THEN_XL, M, so_far##place, place, __VA_ARGS__)
#define THEN_XL_DL(place, M, so_far, ...) EACH_XL(THEN_DL, M, so_far##place, place, __VA_ARGS__)
#define THEN_YN_XL_DL(place, M, so_far, ...)                                                       \
    EACH_YN_AGAIN(THEN_XL_DL, M, so_far##place, place, __VA_ARGS__)

/* Two handlers that most families need: the result of a pure function, numeric.h's mostly. */
#define COMPUTE_XD(handler, d, x, from, to, function)                                              \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        WRITE(to, d, D, function(READ(from, x, HEAD)));                                            \
        NEXT(CELL(END));                                                                           \
    }
#define COMPUTE_XYD(handler, d, y, x, from, to, function)                                          \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(from, x), D = Y + SIZE(from, y), END = D + SIZE(to, d) };           \
        WRITE(to, d, D, function(READ(from, x, HEAD), READ(from, y, Y)));                          \
        NEXT(CELL(END));                                                                           \
    }
#define MOVED(value) (value)
#define MOVE_YD(handler, d, y, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(type, y), END = D + SIZE(type, d) };                                \
        WRITE(i64, d, D, MOVE_##y(type, HEAD));                                                    \
        NEXT(CELL(END));                                                                           \
    }
#define MOVE_A(type, at)  READ(type, A, at)
#define MOVE_S(type, at)  READ(type, S, at)
#define MOVE_P0(type, at) READ(type, P0, at)
#define MOVE_P1(type, at) READ(type, P1, at)
#define MOVE_P2(type, at) READ(type, P2, at)
#define MOVE_K(type, at)  CONSTANT_##type(at)
/* The same of integers, or of a comparison: numeric_<type>_<name> of x and y. */
#define OPERATE_XYD(handler, d, y, x, type, name)                                                  \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), D = Y + SIZE(type, y), END = D + SIZE(type, d) };         \
        WRITE(i64, d, D, OPERATE(type, name, x, y, Y));                                            \
        NEXT(CELL(END));                                                                           \
    }
#define OPERATE(type, name, x, y, at)      OPERATE_##y(type, name, x, at)
#define OPERATE_A(type, name, x, at)       OPERATE_BY(type, name, x, READ(type, A, at))
#define OPERATE_S(type, name, x, at)       OPERATE_BY(type, name, x, READ(type, S, at))
#define OPERATE_P0(type, name, x, at)      OPERATE_BY(type, name, x, READ(type, P0, at))
#define OPERATE_P1(type, name, x, at)      OPERATE_BY(type, name, x, READ(type, P1, at))
#define OPERATE_P2(type, name, x, at)      OPERATE_BY(type, name, x, READ(type, P2, at))
#define OPERATE_K(type, name, x, at)       OPERATE_K_##type(name, x, at)
#define OPERATE_K_i32(name, x, at)         WITH_CONSTANT(i32, name, READ(i64, x, HEAD), at)
#define OPERATE_K_i64(name, x, at)         WITH_CONSTANT(i64, name, READ(i64, x, HEAD), at)
#define OPERATE_K_f32(name, x, at)         OPERATE_BY(f32, name, x, READ(f32, K, at))
#define OPERATE_K_f64(name, x, at)         OPERATE_BY(f64, name, x, READ(f64, K, at))
#define OPERATE_BY(type, name, x, y_value) numeric_##type##_##name(READ(type, x, HEAD), y_value)

/* The same of a value that is at hand; of integers. */
#define WITH(type, name, value, y, at)                                                             \
    numeric_##type##_##name((ctype_##type)(value), READ(type, y, at))
#define WITH_S(type, name, value, at)  WITH(type, name, value, S, at)
#define WITH_P0(type, name, value, at) WITH(type, name, value, P0, at)
#define WITH_P1(type, name, value, at) WITH(type, name, value, P1, at)
#define WITH_P2(type, name, value, at) WITH(type, name, value, P2, at)
#define WITH_K(type, name, value, at)  WITH_CONSTANT(type, name, value, at)

/* Of memory 0; the address of a store is relative to it. */
#define LOAD_AT(ctype, address, result)                                                            \
    do {                                                                                           \
        _Static_assert(sizeof(ctype) <= MEMORY_STORE_BYTES_MAX,                                    \
                       "wider than a reservation allows");                                         \
        BEFORE_ACCESS();                                                                           \
        memcpy(&(result), (address), sizeof(ctype));                                               \
        AFTER_ACCESS();                                                                            \
    } while (0)
#define STORE_AT(index, offset, ctype, value_)                                                     \
    do {                                                                                           \
        _Static_assert(sizeof(ctype) <= MEMORY_STORE_BYTES_MAX, "a rewind would miss its end");    \
        uint64_t effective = (uint64_t)(index) + (offset);                                         \
        ctype value = (ctype)(value_);                                                             \
        BEFORE_ACCESS();                                                                           \
        memcpy(MEM + effective, &value, sizeof(value));                                            \
        __asm__ volatile("" : : : "memory");                                                       \
        MEM[(int64_t)(effective >> MEMORY_DIRTY_SHIFT) - (int64_t)MEMORY_DIRTY_BYTES] = 1;         \
        AFTER_ACCESS();                                                                            \
    } while (0)

/* Takes the price of a bulk operation or host call, which is not an instruction count. */
#define CHARGE_PRICE(price)                                                                        \
    do {                                                                                           \
        uint64_t charge_price = (price);                                                           \
        FUEL -= (int64_t)charge_price;                                                             \
        IN->machine->fuel_priced += charge_price;                                                  \
    } while (0)

/*
 * An allocation from the heap came back empty-handed: one step of a collection, then this
 * cell again. What the cell is about to use must still be where it was (operands in slots
 * below `stack_end`, accumulator, pins), and nothing of it done yet.
 */
#define COLLECT_AND_RETRY(stack_end)                                                               \
    do {                                                                                           \
        SAVE_REGISTERS();                                                                          \
        struct collect_step collect = collect_step(IN->machine, (stack_end));                      \
        if (UNLIKELY(collect.trap != TRAP_NONE))                                                   \
            RAISE(collect.trap);                                                                   \
        CHARGE_PRICE(collect.price);                                                               \
        if (UNLIKELY(FUEL < 0))                                                                    \
            SUSPEND(PC);                                                                           \
        JUMP(PC);                                                                                  \
    } while (0)

/* A taken branch. */
#define TAKE_BRANCH(at)                                                                            \
    do {                                                                                           \
        CHARGE(FIELD_SIGNED((at) + 4));                                                            \
        GO_TO_TARGET(at);                                                                          \
    } while (0)

#endif
