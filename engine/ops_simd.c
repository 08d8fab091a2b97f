/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of 128-bit vectors: arithmetic, lanes, memory 0, moves. What simd.def lists is made
 * from its rows.
 *
 * Vectors are in slots or, the second source, in the cell: one handler for most. Scalars that
 * go in or out may be where scalars are. A handler reads all of its sources before it writes,
 * because source and result may overlap by a slot.
 */
#include "engine/operands.h"
#include "engine/ops.h"

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

#define SIMD_TWO_Y(y, type, shape, name)                                                           \
    HANDLER(shape##_##name##_##y)                                                                  \
    {                                                                                              \
        enum { Y = HEAD + 2, D = Y + SIZE(type, y), END = D + 2 };                                 \
        WRITE(v128, S, D, numeric_##shape##_##name(READ(v128, S, HEAD), READ(type, y, Y)));        \
        NEXT(CELL(END));                                                                           \
    }
#define SIMD_ENTRY_Y(y, shape, name) shape##_##name##_##y,
#define SIMD_TWO(type, shape, name)                                                                \
    EACH_YL(SIMD_TWO_Y, type, shape, name)                                                         \
    const dispatch_handler ops_##shape##_##name[] = {EACH_YL(SIMD_ENTRY_Y, shape, name)};
#define SIMD_BINARY(code, shape, name) SIMD_TWO(v128, shape, name)
#define SIMD_SHIFT(code, shape, name)  SIMD_TWO(i32, shape, name)

#define SIMD_TEST_D(d, shape, name)                                                                \
    HANDLER(shape##_##name##_##d)                                                                  \
    {                                                                                              \
        WRITE(i32, d, HEAD + 2, numeric_##shape##_##name(READ(v128, S, HEAD)));                    \
        NEXT(CELL(HEAD + 2 + SIZE(i32, d)));                                                       \
    }
#define SIMD_TEST(code, shape, name)                                                               \
    EACH_DL(SIMD_TEST_D, shape, name)                                                              \
    const dispatch_handler ops_##shape##_##name[] = {EACH_DL(SIMD_ENTRY_Y, shape, name)};

/* No instruction of a module. */
SIMD_UNARY(0, f32x4, canonical)
SIMD_UNARY(0, f64x2, canonical)

#include "engine/simd.def"

/* ---- moves and choices ----------------------------------------------------------------------- */

#define V128_MOV_Y(y, name)                                                                        \
    HANDLER(name##_##y)                                                                            \
    {                                                                                              \
        WRITE(v128, S, HEAD + SIZE(v128, y), READ(v128, y, HEAD));                                 \
        NEXT(CELL(HEAD + SIZE(v128, y) + 2));                                                      \
    }
#define V128_ENTRY(place, name) name##_##place,
EACH_YL(V128_MOV_Y, v128_mov)
const dispatch_handler ops_v128_mov[] = {EACH_YL(V128_ENTRY, v128_mov)};

/* condition c: x if it is not zero, else y */
#define SELECT_V128_C(c, name)                                                                     \
    HANDLER(name##_##c)                                                                            \
    {                                                                                              \
        enum { C = HEAD + 4, D = C + SIZE(i32, c), END = D + 2 };                                  \
        uint64_t chosen = READ(i32, c, C) != 0 ? FIELD16(HEAD) : FIELD16(HEAD + 2);                \
        WRITE(v128, S, D, operands_vector(&FP[chosen]));                                           \
        NEXT(CELL(END));                                                                           \
    }
EACH_XL(SELECT_V128_C, select_v128)
const dispatch_handler ops_select_v128[] = {EACH_XL(V128_ENTRY, select_v128)};

HANDLER(global_get_v128_)
{
    WRITE(v128, S, HEAD, operands_vector(&IN->globals[FIELD32(HEAD + 2)]));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_global_get_v128[] = {global_get_v128_};

HANDLER(global_set_v128_)
{
    operands_write_vector(&IN->globals[FIELD32(HEAD + 2)].bits, READ(v128, S, HEAD));
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

#define SPLAT_X(x, type, name)                                                                     \
    HANDLER(name##_##x)                                                                            \
    {                                                                                              \
        WRITE(v128, S, HEAD + SIZE(type, x), numeric_##name(READ(type, x, HEAD)));                 \
        NEXT(CELL(HEAD + SIZE(type, x) + 2));                                                      \
    }
#define SPLAT(type, name)                                                                          \
    EACH_X(SPLAT_X, type, name)                                                                    \
    const dispatch_handler ops_##name[] = {EACH_X(V128_ENTRY, name)};
SPLAT(i32, i8x16_splat)
SPLAT(i32, i16x8_splat)
SPLAT(i32, i32x4_splat)
SPLAT(i64, i64x2_splat)
SPLAT(f32, f32x4_splat)
SPLAT(f64, f64x2_splat)

/* The lane is read from where the vector lies. fields: lane */
#define EXTRACT_D(d, type, name, lane)                                                             \
    HANDLER(name##_##d)                                                                            \
    {                                                                                              \
        enum { LANE = HEAD + 2 + SIZE(type, d), END = LANE + 2 };                                  \
        lane value;                                                                                \
        memcpy(&value, (const uint8_t *)&SLOT(HEAD) + FIELD16(LANE) * sizeof(lane), sizeof(lane)); \
        WRITE(type, d, HEAD + 2, (ctype_##type)value);                                             \
        NEXT(CELL(END));                                                                           \
    }
#define EXTRACT(type, name, lane)                                                                  \
    EACH_D(EXTRACT_D, type, name, lane)                                                            \
    const dispatch_handler ops_##name[] = {EACH_D(V128_ENTRY, name)};
EXTRACT(i32, i8x16_extract_lane_s, int8_t)
EXTRACT(i32, i8x16_extract_lane_u, uint8_t)
EXTRACT(i32, i16x8_extract_lane_s, int16_t)
EXTRACT(i32, i16x8_extract_lane_u, uint16_t)
EXTRACT(i32, i32x4_extract_lane, uint32_t)
EXTRACT(i64, i64x2_extract_lane, uint64_t)
EXTRACT(f32, f32x4_extract_lane, float)
EXTRACT(f64, f64x2_extract_lane, double)

/* fields: lane */
#define REPLACE_X(x, type, name)                                                                   \
    HANDLER(name##_##x)                                                                            \
    {                                                                                              \
        enum { X = HEAD + 2, D = X + SIZE(type, x), LANE = D + 2, END = LANE + 2 };                \
        WRITE(v128, S, D, numeric_##name(READ(v128, S, HEAD), FIELD16(LANE), READ(type, x, X)));   \
        NEXT(CELL(END));                                                                           \
    }
#define REPLACE(type, name)                                                                        \
    EACH_X(REPLACE_X, type, name)                                                                  \
    const dispatch_handler ops_##name[] = {EACH_X(V128_ENTRY, name)};
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

#define LOAD_X(x, name, ctype, make)                                                               \
    HANDLER(load_##name##_##x)                                                                     \
    {                                                                                              \
        enum { D = HEAD + SIZE(i32, x), OFFSET = D + 2, END = OFFSET + 4 };                        \
        const uint8_t *address = MEM + (uint64_t)READ(i32, x, HEAD) + FIELD32(OFFSET);             \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(v128, S, D, make(value));                                                            \
        NEXT(CELL(END));                                                                           \
    }
#define LOADX_XY(y, x, name, ctype, make)                                                          \
    HANDLER(loadx_##name##_##x##y)                                                                 \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i32, x), D = Y + SIZE(i32, y), OFFSET = D + 2, END = OFFSET + 4 };  \
        uint32_t index = READ(i32, x, HEAD) + READ(i32, y, Y);                                     \
        const uint8_t *address = MEM + (uint64_t)index + FIELD32(OFFSET);                          \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(v128, S, D, make(value));                                                            \
        NEXT(CELL(END));                                                                           \
    }
#define LOADX_X(x, name, ctype, make) EACH_YN(LOADX_XY, x, name, ctype, make)
#define LOADX_ENTRY_XY(y, x, name)    name##_##x##y,
#define LOADX_ENTRY_X(x, name)        EACH_YN(LOADX_ENTRY_XY, x, name)
#define LOAD_KIND(name, ctype, make)                                                               \
    EACH_X(LOAD_X, name, ctype, make)                                                              \
    const dispatch_handler ops_load_##name[] = {EACH_X(V128_ENTRY, load_##name)};                  \
    EACH_X(LOADX_X, name, ctype, make)                                                             \
    const dispatch_handler ops_loadx_##name[] = {EACH_X(LOADX_ENTRY_X, loadx_##name)};
EACH_LOAD(LOAD_KIND)

#define STORE_X(x, name)                                                                           \
    HANDLER(name##_##x)                                                                            \
    {                                                                                              \
        enum { V = HEAD + SIZE(i32, x), OFFSET = V + 2, END = OFFSET + 4 };                        \
        STORE_AT(READ(i32, x, HEAD), FIELD32(OFFSET), numeric_v128, READ(v128, S, V));             \
        NEXT(CELL(END));                                                                           \
    }
EACH_X(STORE_X, store_v128)
const dispatch_handler ops_store_v128[] = {EACH_X(V128_ENTRY, store_v128)};

#define STOREX_XY(y, x, name)                                                                      \
    HANDLER(name##_##x##y)                                                                         \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i32, x), V = Y + SIZE(i32, y), OFFSET = V + 2, END = OFFSET + 4 };  \
        uint32_t index = READ(i32, x, HEAD) + READ(i32, y, Y);                                     \
        STORE_AT(index, FIELD32(OFFSET), numeric_v128, READ(v128, S, V));                          \
        NEXT(CELL(END));                                                                           \
    }
#define STOREX_X(x, name) EACH_YN(STOREX_XY, x, name)
EACH_XN(STOREX_X, storex_v128)
const dispatch_handler ops_storex_v128[] = {EACH_XN(LOADX_ENTRY_X, storex_v128)};

/* One lane to and from memory; fields: offset, lane */
#define LOAD_LANE_X(x, name, ctype, replace)                                                       \
    HANDLER(name##_##x)                                                                            \
    {                                                                                              \
        enum {                                                                                     \
            V = HEAD + SIZE(i32, x),                                                               \
            D = V + 2,                                                                             \
            OFFSET = D + 2,                                                                        \
            LANE = OFFSET + 4,                                                                     \
            END = LANE + 2                                                                         \
        };                                                                                         \
        const uint8_t *address = MEM + (uint64_t)READ(i32, x, HEAD) + FIELD32(OFFSET);             \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(v128, S, D, replace(READ(v128, S, V), FIELD16(LANE), value));                        \
        NEXT(CELL(END));                                                                           \
    }
#define LOAD_LANE(name, ctype, replace)                                                            \
    EACH_X(LOAD_LANE_X, name, ctype, replace)                                                      \
    const dispatch_handler ops_##name[] = {EACH_X(V128_ENTRY, name)};
LOAD_LANE(load_8_lane, uint8_t, numeric_i8x16_replace_lane)
LOAD_LANE(load_16_lane, uint16_t, numeric_i16x8_replace_lane)
LOAD_LANE(load_32_lane, uint32_t, numeric_i32x4_replace_lane)
LOAD_LANE(load_64_lane, uint64_t, numeric_i64x2_replace_lane)

#define STORE_LANE_X(x, name, ctype)                                                               \
    HANDLER(name##_##x)                                                                            \
    {                                                                                              \
        enum { V = HEAD + SIZE(i32, x), OFFSET = V + 2, LANE = OFFSET + 4, END = LANE + 2 };       \
        ctype lane;                                                                                \
        memcpy(&lane, (const uint8_t *)&SLOT(V) + FIELD16(LANE) * sizeof(lane), sizeof(lane));     \
        STORE_AT(READ(i32, x, HEAD), FIELD32(OFFSET), ctype, lane);                                \
        NEXT(CELL(END));                                                                           \
    }
#define STORE_LANE(name, ctype)                                                                    \
    EACH_X(STORE_LANE_X, name, ctype)                                                              \
    const dispatch_handler ops_##name[] = {EACH_X(V128_ENTRY, name)};
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
