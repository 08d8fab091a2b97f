/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of 128-bit vectors: arithmetic, lanes, memory 0, moves. What simd.def lists is made
 * from its rows.
 *
 * Vectors are in slots or, the second source, in the cell: one handler for most. Scalars that
 * go in or out may be where scalars are. A handler reads all of its sources before it writes,
 * because source and result may overlap by a slot.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/memory.h"

/* ---- what simd.def lists --------------------------------------------------------------------- */

#define SIMD_UNARY(code, shape, name)                                                              \
    HANDLER(shape##_##name##_)                                                                     \
    {                                                                                              \
        WRITE(v128, S, HEAD + 2, numeric_##shape##_##name(READ(v128, S, HEAD)));                   \
        NEXT(CELL(HEAD + 4));                                                                      \
    }                                                                                              \
    const dispatch_handler ops_##shape##_##name[] = {shape##_##name##_};

#define SIMD_TERNARY(code, shape, name)                                                            \
    HANDLER(shape##_##name##_)                                                                     \
    {                                                                                              \
        WRITE(v128, S, HEAD + 6,                                                                   \
              numeric_##shape##_##name(READ(v128, S, HEAD), READ(v128, S, HEAD + 2),               \
                                       READ(v128, S, HEAD + 4)));                                  \
        NEXT(CELL(HEAD + 8));                                                                      \
    }                                                                                              \
    const dispatch_handler ops_##shape##_##name[] = {shape##_##name##_};

#define SIMD_TWO_Y(handler, y, type, function)                                                     \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + 2, D = Y + SIZE(type, y), END = D + 2 };                                 \
        WRITE(v128, S, D, function(READ(v128, S, HEAD), READ(type, y, Y)));                        \
        NEXT(CELL(END));                                                                           \
    }
#define SIMD_TWO(type, name)           FAMILY(VW_V, SIMD_TWO_Y, name, type, numeric_##name)
#define SIMD_BINARY(code, shape, name) SIMD_TWO(v128, shape##_##name)
#define SIMD_SHIFT(code, shape, name)  SIMD_TWO(i32, shape##_##name)

#define SIMD_TEST_D(handler, d, type, function)                                                    \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        WRITE(type, d, HEAD + 2, function(READ(v128, S, HEAD)));                                   \
        NEXT(CELL(HEAD + 2 + SIZE(type, d)));                                                      \
    }
#define SIMD_TEST(code, shape, name)                                                               \
    FAMILY(V_D_LEAN, SIMD_TEST_D, shape##_##name, i32, numeric_##shape##_##name)

/* No instruction of a module. */
SIMD_UNARY(0, f32x4, canonical)
SIMD_UNARY(0, f64x2, canonical)

#include "engine/read/simd.def"

/* ---- moves and choices ----------------------------------------------------------------------- */

#define V128_MOV_Y(handler, y, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        WRITE(type, S, HEAD + SIZE(type, y), READ(type, y, HEAD));                                 \
        NEXT(CELL(HEAD + SIZE(type, y) + 2));                                                      \
    }
FAMILY(W_V, V128_MOV_Y, v128_mov, v128)

/* condition c: x if it is not zero, else y */
#define SELECT_V128_C(handler, c, type)                                                            \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { C = HEAD + 4, D = C + SIZE(type, c), END = D + 2 };                                 \
        uint64_t chosen = READ(type, c, C) != 0 ? FIELD16(HEAD) : FIELD16(HEAD + 2);               \
        WRITE(v128, S, D, operands_vector(&FP[chosen]));                                           \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(VVX_V, SELECT_V128_C, select_v128, i32)

HANDLER(global_get_v128_)
{
    WRITE(v128, S, HEAD, operands_vector(&GLOBAL(HEAD + 2)));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_global_get_v128[] = {global_get_v128_};

HANDLER(global_set_v128_)
{
    operands_write_vector(&GLOBAL(HEAD + 2).bits, READ(v128, S, HEAD));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_global_set_v128[] = {global_set_v128_};

HANDLER(imported_global_get_v128_)
{
    WRITE(v128, S, HEAD, operands_vector(IN->imported_globals[FIELD32(HEAD + 2)]));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_imported_global_get_v128[] = {imported_global_get_v128_};

HANDLER(imported_global_set_v128_)
{
    operands_write_vector(&IN->imported_globals[FIELD32(HEAD + 2)]->bits, READ(v128, S, HEAD));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_imported_global_set_v128[] = {imported_global_set_v128_};

/* ---- lanes ----------------------------------------------------------------------------------- */

HANDLER(i8x16_shuffle_)
{
    enum { LANES = HEAD + 6, END = LANES + 16 };
    numeric_v128 lanes = operands_vector(PC + LANES);
    WRITE(v128, S, HEAD + 4,
          numeric_i8x16_shuffle(READ(v128, S, HEAD), READ(v128, S, HEAD + 2), lanes));
    NEXT(CELL(END));
}
const dispatch_handler ops_i8x16_shuffle[] = {i8x16_shuffle_};

#define SPLAT_X(handler, x, type, function)                                                        \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        WRITE(v128, S, HEAD + SIZE(type, x), function(READ(type, x, HEAD)));                       \
        NEXT(CELL(HEAD + SIZE(type, x) + 2));                                                      \
    }
#define SPLAT(type, name) FAMILY(X_V, SPLAT_X, name, type, numeric_##name)
SPLAT(i32, i8x16_splat)
SPLAT(i32, i16x8_splat)
SPLAT(i32, i32x4_splat)
SPLAT(i64, i64x2_splat)
SPLAT(f32, f32x4_splat)
SPLAT(f64, f64x2_splat)

/* The lane is read from where the vector lies. fields: lane */
#define EXTRACT_D(handler, d, type, lane)                                                          \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { LANE = HEAD + 2 + SIZE(type, d), END = LANE + 2 };                                  \
        lane value;                                                                                \
        memcpy(&value, (const uint8_t *)&SLOT(HEAD) + FIELD16(LANE) * sizeof(lane), sizeof(lane)); \
        WRITE(type, d, HEAD + 2, (ctype_##type)value);                                             \
        NEXT(CELL(END));                                                                           \
    }
#define EXTRACT(type, name, lane) FAMILY(V_D, EXTRACT_D, name, type, lane)
EXTRACT(i32, i8x16_extract_lane_s, int8_t)
EXTRACT(i32, i8x16_extract_lane_u, uint8_t)
EXTRACT(i32, i16x8_extract_lane_s, int16_t)
EXTRACT(i32, i16x8_extract_lane_u, uint16_t)
EXTRACT(i32, i32x4_extract_lane, uint32_t)
EXTRACT(i64, i64x2_extract_lane, uint64_t)
EXTRACT(f32, f32x4_extract_lane, float)
EXTRACT(f64, f64x2_extract_lane, double)

/* fields: lane */
#define REPLACE_X(handler, x, type, function)                                                      \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { X = HEAD + 2, D = X + SIZE(type, x), LANE = D + 2, END = LANE + 2 };                \
        WRITE(v128, S, D, function(READ(v128, S, HEAD), FIELD16(LANE), READ(type, x, X)));         \
        NEXT(CELL(END));                                                                           \
    }
#define REPLACE(type, name) FAMILY(VX_V, REPLACE_X, name, type, numeric_##name)
REPLACE(i32, i8x16_replace_lane)
REPLACE(i32, i16x8_replace_lane)
REPLACE(i32, i32x4_replace_lane)
REPLACE(i64, i64x2_replace_lane)
REPLACE(f32, f32x4_replace_lane)
REPLACE(f64, f64x2_replace_lane)

/* ---- memory 0 of 32-bit addresses ------------------------------------------------------------ */

/* What a load makes of the bytes it read. */
#define WHOLE(value)        (value)
#define LOW(value)          ((numeric_v128){(value), 0})
#define EXTEND(name, value) numeric_##name(LOW(value))
#define EXTEND_8_S(value)   EXTEND(i16x8_extend_low_i8x16_s, value)
#define EXTEND_8_U(value)   EXTEND(i16x8_extend_low_i8x16_u, value)
#define EXTEND_16_S(value)  EXTEND(i32x4_extend_low_i16x8_s, value)
#define EXTEND_16_U(value)  EXTEND(i32x4_extend_low_i16x8_u, value)
#define EXTEND_32_S(value)  EXTEND(i64x2_extend_low_i32x4_s, value)
#define EXTEND_32_U(value)  EXTEND(i64x2_extend_low_i32x4_u, value)

/* LOAD_KIND(operation's suffix, bytes read, what is made of them) */
#define EACH_LOAD(LOAD_KIND)                                                                       \
    LOAD_KIND(v128, numeric_v128, WHOLE)                                                           \
    LOAD_KIND(8x8_s, uint64_t, EXTEND_8_S)                                                         \
    LOAD_KIND(8x8_u, uint64_t, EXTEND_8_U)                                                         \
    LOAD_KIND(16x4_s, uint64_t, EXTEND_16_S)                                                       \
    LOAD_KIND(16x4_u, uint64_t, EXTEND_16_U)                                                       \
    LOAD_KIND(32x2_s, uint64_t, EXTEND_32_S)                                                       \
    LOAD_KIND(32x2_u, uint64_t, EXTEND_32_U)                                                       \
    LOAD_KIND(8_splat, uint8_t, numeric_i8x16_splat)                                               \
    LOAD_KIND(16_splat, uint16_t, numeric_i16x8_splat)                                             \
    LOAD_KIND(32_splat, uint32_t, numeric_i32x4_splat)                                             \
    LOAD_KIND(64_splat, uint64_t, numeric_i64x2_splat)                                             \
    LOAD_KIND(32_zero, uint32_t, LOW)                                                              \
    LOAD_KIND(64_zero, uint64_t, LOW)

#define LOAD_X(handler, x, ctype, make)                                                            \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(i32, x), OFFSET = D + 2, END = OFFSET + 4 };                        \
        const uint8_t *address = MEM + (uint64_t)READ(i32, x, HEAD) + FIELD_WIDE(OFFSET);          \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(v128, S, D, make(value));                                                            \
        NEXT(CELL(END));                                                                           \
    }
#define LOADX_XY(handler, y, x, ctype, make)                                                       \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i32, x), D = Y + SIZE(i32, y), OFFSET = D + 2, END = OFFSET + 4 };  \
        uint32_t index = READ(i32, x, HEAD) + READ(i32, y, Y);                                     \
        const uint8_t *address = MEM + (uint64_t)index + FIELD_WIDE(OFFSET);                       \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(v128, S, D, make(value));                                                            \
        NEXT(CELL(END));                                                                           \
    }
#define LOAD_KIND(name, ctype, make)                                                               \
    FAMILY(X_V, LOAD_X, load_##name, ctype, make)                                                  \
    FAMILY(XYN_V, LOADX_XY, loadx_##name, ctype, make)
EACH_LOAD(LOAD_KIND)

#define STORE_X(handler, x, type)                                                                  \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { V = HEAD + SIZE(i32, x), OFFSET = V + 2, END = OFFSET + 4 };                        \
        STORE_AT(READ(i32, x, HEAD), FIELD_WIDE(OFFSET), ctype_##type, READ(type, S, V));          \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(X_V, STORE_X, store_v128, v128)

#define STOREX_XY(handler, y, x, type)                                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i32, x), V = Y + SIZE(i32, y), OFFSET = V + 2, END = OFFSET + 4 };  \
        uint32_t index = READ(i32, x, HEAD) + READ(i32, y, Y);                                     \
        STORE_AT(index, FIELD_WIDE(OFFSET), ctype_##type, READ(type, S, V));                       \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XNYN_V, STOREX_XY, storex_v128, v128)

/* One lane to and from memory; fields: offset, lane */
#define LOAD_LANE_X(handler, x, ctype, replace)                                                    \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            V = HEAD + SIZE(i32, x),                                                               \
            D = V + 2,                                                                             \
            OFFSET = D + 2,                                                                        \
            LANE = OFFSET + 4,                                                                     \
            END = LANE + 2                                                                         \
        };                                                                                         \
        const uint8_t *address = MEM + (uint64_t)READ(i32, x, HEAD) + FIELD_WIDE(OFFSET);          \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(v128, S, D, replace(READ(v128, S, V), FIELD16(LANE), value));                        \
        NEXT(CELL(END));                                                                           \
    }
#define LOAD_LANE(name, ctype, replace) FAMILY(XV_V, LOAD_LANE_X, name, ctype, replace)
LOAD_LANE(load_8_lane, uint8_t, numeric_i8x16_replace_lane)
LOAD_LANE(load_16_lane, uint16_t, numeric_i16x8_replace_lane)
LOAD_LANE(load_32_lane, uint32_t, numeric_i32x4_replace_lane)
LOAD_LANE(load_64_lane, uint64_t, numeric_i64x2_replace_lane)

#define STORE_LANE_X(handler, x, ctype)                                                            \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { V = HEAD + SIZE(i32, x), OFFSET = V + 2, LANE = OFFSET + 4, END = LANE + 2 };       \
        ctype lane;                                                                                \
        memcpy(&lane, (const uint8_t *)&SLOT(V) + FIELD16(LANE) * sizeof(lane), sizeof(lane));     \
        STORE_AT(READ(i32, x, HEAD), FIELD_WIDE(OFFSET), ctype, lane);                             \
        NEXT(CELL(END));                                                                           \
    }
#define STORE_LANE(name, ctype) FAMILY(X_V, STORE_LANE_X, name, ctype)
STORE_LANE(store_8_lane, uint8_t)
STORE_LANE(store_16_lane, uint16_t)
STORE_LANE(store_32_lane, uint32_t)
STORE_LANE(store_64_lane, uint64_t)

/* ---- other memories -------------------------------------------------------------------------- */

/* As in ops_checked.c: the address is in the first slot, a vector in the next two; the result
 * goes to the first. fields: first slot, memory, offset, lane */
#define CHECKED_MEMORY(at) IN->memories[FIELD16(at)]
enum {
    CHECKED_AT = HEAD + 2,
    CHECKED_OFFSET = HEAD + 4,
    CHECKED_LANE = HEAD + 12,
    CHECKED_END = HEAD + 12,
    CHECKED_LANE_END = HEAD + 14,
};

#define CHECKED_LOAD_OF(name, ctype, end, result)                                                  \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        const struct memory *memory = CHECKED_MEMORY(CHECKED_AT);                                  \
        ctype value;                                                                               \
        const uint8_t *from = memory_at(memory, slot[0], FIELD64(CHECKED_OFFSET), sizeof(value));  \
        if (UNLIKELY(from == NULL))                                                                \
            RAISE(TRAP_MEMORY_OUT_OF_BOUNDS);                                                      \
        memcpy(&value, from, sizeof(value));                                                       \
        operands_write_vector(slot, (result));                                                     \
        NEXT(CELL(end));                                                                           \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
#define CHECKED_LOAD_KIND(name, ctype, make)                                                       \
    CHECKED_LOAD_OF(checked_load_##name, ctype, CHECKED_END, make(value))
EACH_LOAD(CHECKED_LOAD_KIND)
#define CHECKED_LOAD_LANE(name, ctype, replace)                                                    \
    CHECKED_LOAD_OF(name, ctype, CHECKED_LANE_END,                                                 \
                    replace(operands_vector(slot + 1), FIELD16(CHECKED_LANE), value))
CHECKED_LOAD_LANE(checked_load_8_lane, uint8_t, numeric_i8x16_replace_lane)
CHECKED_LOAD_LANE(checked_load_16_lane, uint16_t, numeric_i16x8_replace_lane)
CHECKED_LOAD_LANE(checked_load_32_lane, uint32_t, numeric_i32x4_replace_lane)
CHECKED_LOAD_LANE(checked_load_64_lane, uint64_t, numeric_i64x2_replace_lane)

#define CHECKED_STORE_OF(name, ctype, end, lane)                                                   \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        const uint64_t *slot = &SLOT(HEAD);                                                        \
        struct memory *memory = CHECKED_MEMORY(CHECKED_AT);                                        \
        uint8_t *to = memory_at(memory, slot[0], FIELD64(CHECKED_OFFSET), sizeof(ctype));          \
        if (UNLIKELY(to == NULL))                                                                  \
            RAISE(TRAP_MEMORY_OUT_OF_BOUNDS);                                                      \
        memcpy(to, (const uint8_t *)(slot + 1) + (lane) * sizeof(ctype), sizeof(ctype));           \
        memory_mark_few(memory, to, sizeof(ctype));                                                \
        NEXT(CELL(end));                                                                           \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
CHECKED_STORE_OF(checked_store_v128, numeric_v128, CHECKED_END, 0)
CHECKED_STORE_OF(checked_store_8_lane, uint8_t, CHECKED_LANE_END, FIELD16(CHECKED_LANE))
CHECKED_STORE_OF(checked_store_16_lane, uint16_t, CHECKED_LANE_END, FIELD16(CHECKED_LANE))
CHECKED_STORE_OF(checked_store_32_lane, uint32_t, CHECKED_LANE_END, FIELD16(CHECKED_LANE))
CHECKED_STORE_OF(checked_store_64_lane, uint64_t, CHECKED_LANE_END, FIELD16(CHECKED_LANE))
