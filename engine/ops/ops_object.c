/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of structures, arrays, i31 and casts.
 *
 * Fields and items are at known places of an object, so an access is a null check (and a
 * bounds check) and a load or store. What makes an object may find no room: then it does one
 * step of a collection and runs again, with its operands still in their slots. Loops over
 * items go in chunks, like those over memory.
 */
#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/object.h"

/* Prices: what zeroing, filling and copying take beyond one instruction. */
#define OBJECT_BYTES_PER_FUEL 64u
#define ITEMS_BYTES_PER_FUEL  16u

#define PAYLOAD(reference)    heap_payload(&IN->machine->heap, (reference))

/* ---- fields ---------------------------------------------------------------------------------- */

#define STRUCT_GET_XD(handler, d, x, type, ctype, convert)                                         \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(i64, x), OFFSET = D + SIZE(type, d), END = OFFSET + 4 };            \
        uint64_t reference = READ(i64, x, HEAD);                                                   \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_STRUCTURE);                                                            \
        ctype value;                                                                               \
        memcpy(&value, PAYLOAD(reference) + FIELD_WIDE(OFFSET), sizeof(value));                    \
        WRITE(type, d, D, convert value);                                                          \
        NEXT(CELL(END));                                                                           \
    }

/* The index is a second source. */
#define ARRAY_GET_XYD(handler, d, y, x, type, ctype, convert)                                      \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i64, x), D = Y + SIZE(i32, y), END = D + SIZE(type, d) };           \
        uint64_t reference = READ(i64, x, HEAD);                                                   \
        uint32_t index = READ(i32, y, Y);                                                          \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_ARRAY);                                                                \
        const struct heap_object *array = heap_object(&IN->machine->heap, reference);              \
        if (UNLIKELY(index >= array->length))                                                      \
            RAISE(TRAP_ARRAY_OUT_OF_BOUNDS);                                                       \
        ctype value;                                                                               \
        memcpy(&value, PAYLOAD(reference) + (size_t)index * sizeof(value), sizeof(value));         \
        WRITE(type, d, D, convert value);                                                          \
        NEXT(CELL(END));                                                                           \
    }

#define GET(type, name, ctype, convert)                                                            \
    FAMILY(XD, STRUCT_GET_XD, struct_get_##name, type, ctype, convert)                             \
    FAMILY(XYND_LEAN, ARRAY_GET_XYD, array_get_##name, type, ctype, convert)

GET(i32, u8, uint8_t, )
GET(i32, s8, int8_t, (uint32_t)(int32_t))
GET(i32, u16, uint16_t, )
GET(i32, s16, int16_t, (uint32_t)(int32_t))
GET(i32, u32, uint32_t, )
GET(i64, u64, uint64_t, )
GET(f32, f32, float, )
GET(f64, f64, double, )

#define STRUCT_SET_XV(handler, v, x, type, ctype)                                                  \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { V = HEAD + SIZE(i64, x), OFFSET = V + SIZE(type, v), END = OFFSET + 4 };            \
        uint64_t reference = READ(i64, x, HEAD);                                                   \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_STRUCTURE);                                                            \
        ctype value = (ctype)READ(type, v, V);                                                     \
        memcpy(PAYLOAD(reference) + FIELD_WIDE(OFFSET), &value, sizeof(value));                    \
        heap_touch(&IN->machine->heap);                                                            \
        NEXT(CELL(END));                                                                           \
    }

#define ARRAY_SET_XYV(handler, v, y, x, type, ctype)                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(i64, x), V = Y + SIZE(i32, y), END = V + SIZE(type, v) };           \
        uint64_t reference = READ(i64, x, HEAD);                                                   \
        uint32_t index = READ(i32, y, Y);                                                          \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_ARRAY);                                                                \
        const struct heap_object *array = heap_object(&IN->machine->heap, reference);              \
        if (UNLIKELY(index >= array->length))                                                      \
            RAISE(TRAP_ARRAY_OUT_OF_BOUNDS);                                                       \
        ctype value = (ctype)READ(type, v, V);                                                     \
        memcpy(PAYLOAD(reference) + (size_t)index * sizeof(value), &value, sizeof(value));         \
        heap_touch(&IN->machine->heap);                                                            \
        NEXT(CELL(END));                                                                           \
    }

#define SET(type, name, ctype)                                                                     \
    FAMILY(XY, STRUCT_SET_XV, struct_set_##name, type, ctype)                                      \
    FAMILY(XNYNX_LEAN, ARRAY_SET_XYV, array_set_##name, type, ctype)

SET(i32, 8, uint8_t)
SET(i32, 16, uint16_t)
SET(i32, 32, uint32_t)
SET(i64, 64, uint64_t)
SET(f32, f32, float)
SET(f64, f64, double)

/* A vector comes from slots and goes to slots. */
#define STRUCT_GET_XS(handler, x, ...)    STRUCT_GET_XD(handler, S, x, __VA_ARGS__)
#define STRUCT_SET_XS(handler, x, ...)    STRUCT_SET_XV(handler, S, x, __VA_ARGS__)
#define ARRAY_GET_XYS(handler, y, x, ...) ARRAY_GET_XYD(handler, S, y, x, __VA_ARGS__)
#define ARRAY_SET_XYS(handler, y, x, ...) ARRAY_SET_XYV(handler, S, y, x, __VA_ARGS__)
FAMILY(X_V, STRUCT_GET_XS, struct_get_v128, v128, numeric_v128, )
FAMILY(X_V, STRUCT_SET_XS, struct_set_v128, v128, numeric_v128)
FAMILY(XYN_V, ARRAY_GET_XYS, array_get_v128, v128, numeric_v128, )
FAMILY(XNYN_V, ARRAY_SET_XYS, array_set_v128, v128, numeric_v128)

/* ---- one reference in, one value out --------------------------------------------------------- */

#define ARRAY_LEN_XD(handler, d, x, from, to)                                                      \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        uint64_t reference = READ(from, x, HEAD);                                                  \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_ARRAY);                                                                \
        WRITE(to, d, D, heap_object(&IN->machine->heap, reference)->length);                       \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD, ARRAY_LEN_XD, array_len, i64, i32)

#define I31_NEW_XD(handler, d, x, from, to)                                                        \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        WRITE(to, d, D, object_i31(READ(from, x, HEAD)));                                          \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD_LEAN, I31_NEW_XD, i31_new, i32, i64)

#define I31_GET_XD(handler, d, x, from, to, number)                                                \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), END = D + SIZE(to, d) };                                  \
        uint64_t reference = READ(from, x, HEAD);                                                  \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_I31);                                                                  \
        WRITE(to, d, D, number(reference));                                                        \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD_LEAN, I31_GET_XD, i31_get_s, i64, i32, object_i31_signed)
FAMILY(XD_LEAN, I31_GET_XD, i31_get_u, i64, i32, (uint32_t))

#define REF_TEST_XD(handler, d, x, from, to)                                                       \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), WANTED = D + SIZE(to, d), END = WANTED + 4 };             \
        WRITE(to, d, D, object_matches(IN, READ(from, x, HEAD), FIELD32(WANTED)));                 \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD_LEAN, REF_TEST_XD, ref_test, i64, i32)

#define REF_CAST_XD(handler, d, x, from, to)                                                       \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(from, x), WANTED = D + SIZE(to, d), END = WANTED + 4 };             \
        uint64_t reference = READ(from, x, HEAD);                                                  \
        if (UNLIKELY(!object_matches(IN, reference, FIELD32(WANTED))))                             \
            RAISE(TRAP_CAST_FAILURE);                                                              \
        WRITE(to, d, D, reference);                                                                \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD_LEAN, REF_CAST_XD, ref_cast, i64, i64)

/* ---- new objects ----------------------------------------------------------------------------- */

/* Leaves after making an object of `bytes` bytes. */
#define OBJECT_MADE(bytes, end)                                                                    \
    do {                                                                                           \
        CHARGE_PRICE((uint64_t)(bytes) / OBJECT_BYTES_PER_FUEL);                                   \
        if (UNLIKELY(FUEL < 0))                                                                    \
            SUSPEND(PC + CELL(end));                                                               \
        NEXT(CELL(end));                                                                           \
    } while (0)

/* fields: first field's value and result, slots, type */
HANDLER(struct_new_)
{
    enum { COUNT = HEAD + 2, TYPE = COUNT + 2, END = TYPE + 4 };
    uint64_t *slot = &SLOT(HEAD);
    uint64_t reference = object_new_struct(IN, FIELD32(TYPE), slot);
    if (UNLIKELY(reference == HEAP_NONE))
        COLLECT_AND_RETRY(slot + FIELD16(COUNT));
    slot[0] = reference;
    OBJECT_MADE(FIELD16(COUNT) * sizeof(*slot), END);
}
const dispatch_handler ops_struct_new[] = {struct_new_};

/* fields: the length of an array and the result, 1 for an array and 0 for a structure, type */
HANDLER(object_new_default_)
{
    enum { COUNT = HEAD + 2, TYPE = COUNT + 2, END = TYPE + 4 };
    uint64_t *slot = &SLOT(HEAD);
    uint32_t length = FIELD16(COUNT) == 0 ? 0 : (uint32_t)slot[0];
    uint64_t reference = object_new(IN, FIELD32(TYPE), length);
    if (UNLIKELY(reference == HEAP_NONE))
        COLLECT_AND_RETRY(slot + FIELD16(COUNT));
    slot[0] = reference;
    OBJECT_MADE(heap_object_bytes(&IN->machine->heap, identity_of(IN, FIELD32(TYPE)), length), END);
}
const dispatch_handler ops_object_new_default[] = {object_new_default_};

/* fields: first item and result, slots, type */
HANDLER(array_new_fixed_)
{
    enum { COUNT = HEAD + 2, TYPE = COUNT + 2, END = TYPE + 4 };
    uint64_t *slot = &SLOT(HEAD);
    uint64_t reference = object_new_fixed(IN, FIELD32(TYPE), slot, FIELD16(COUNT));
    if (UNLIKELY(reference == HEAP_NONE))
        COLLECT_AND_RETRY(slot + FIELD16(COUNT));
    slot[0] = reference;
    OBJECT_MADE(FIELD16(COUNT) * sizeof(*slot), END);
}
const dispatch_handler ops_array_new_fixed[] = {array_new_fixed_};

/*
 * The others make the array only: the cell behind them, array_fill or array_init_*, finds its
 * operands in the slots from the reference on, and leaves that one there. `operands` is what is
 * in front of the count: a value, which may be a vector, or the first in a segment.
 *
 *     | operands .. | count |      becomes      | reference | first item: 0 | operands .. | count |
 */
#define ARRAY_NEW(type, operands, end)                                                             \
    do {                                                                                           \
        uint32_t count_at = (operands);                                                            \
        uint64_t reference = object_new(IN, (type), (uint32_t)slot[count_at]);                     \
        if (UNLIKELY(reference == HEAP_NONE))                                                      \
            COLLECT_AND_RETRY(slot + count_at + 1);                                                \
        for (uint32_t i = count_at + 1; i-- > 0;)                                                  \
            slot[i + 2] = slot[i];                                                                 \
        slot[1] = 0;                                                                               \
        slot[0] = reference;                                                                       \
        OBJECT_MADE(0, end);                                                                       \
    } while (0)

/* fields: value and length, result; the value's slots; type */
HANDLER(array_new_)
{
    enum { VALUE = HEAD + 2, TYPE = VALUE + 2, END = TYPE + 4 };
    uint64_t *slot = &SLOT(HEAD);
    ARRAY_NEW(FIELD32(TYPE), FIELD16(VALUE), END);
}
const dispatch_handler ops_array_new[] = {array_new_};

/* fields: first byte and length, result; type, segment */
HANDLER(array_new_data_)
{
    enum { TYPE = HEAD + 2, DATA = TYPE + 4, END = DATA + 4 };
    uint64_t *slot = &SLOT(HEAD);
    const struct image_field *item = image_at(IN->image, object_type(IN, FIELD32(TYPE))->fields);
    enum engine_trap trap = object_check_data(IN, FIELD32(DATA), (uint32_t)slot[0],
                                              (uint64_t)(uint32_t)slot[1] * item->bytes);
    if (UNLIKELY(trap != TRAP_NONE))
        RAISE(trap);
    ARRAY_NEW(FIELD32(TYPE), 1, END);
}
const dispatch_handler ops_array_new_data[] = {array_new_data_};

/* fields: first item and length, result; type, segment */
HANDLER(array_new_elem_)
{
    enum { TYPE = HEAD + 2, ELEM = TYPE + 4, END = ELEM + 4 };
    uint64_t *slot = &SLOT(HEAD);
    enum engine_trap trap =
        object_check_elem(IN, FIELD32(ELEM), (uint32_t)slot[0], (uint32_t)slot[1]);
    if (UNLIKELY(trap != TRAP_NONE))
        RAISE(trap);
    ARRAY_NEW(FIELD32(TYPE), 1, END);
}
const dispatch_handler ops_array_new_elem[] = {array_new_elem_};

/* ---- many items ------------------------------------------------------------------------------ */

/* `left` items are still to do: the same cell again, or on; after charging for a chunk. */
#define ITEMS_DONE(left, bytes, end)                                                               \
    do {                                                                                           \
        const uint8_t *target = (left) != 0 ? PC : PC + CELL(end);                                 \
        CHARGE_PRICE((uint64_t)(bytes) / ITEMS_BYTES_PER_FUEL);                                    \
        if (UNLIKELY(FUEL < 0))                                                                    \
            SUSPEND(target);                                                                       \
        JUMP(target);                                                                              \
    } while (0)

#define ITEMS(name, counted, end, call)                                                            \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        struct object_chunk chunk = (call);                                                        \
        if (UNLIKELY(chunk.trap != TRAP_NONE))                                                     \
            RAISE(chunk.trap);                                                                     \
        ITEMS_DONE(slot[counted], chunk.bytes, end);                                               \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};

ITEMS(array_fill,
      2 + object_slots(FIELD16(HEAD + 2)),
      HEAD + 4,
      object_array_fill(IN, slot, FIELD16(HEAD + 2)))
ITEMS(array_init_data,
      3,
      HEAD + 8,
      object_array_init_data(IN, slot, FIELD16(HEAD + 2), FIELD32(HEAD + 4)))
ITEMS(array_init_elem, 3, HEAD + 6, object_array_init_elem(IN, slot, FIELD32(HEAD + 2)))
ITEMS(array_copy, 4, HEAD + 4, object_array_copy(IN, slot, FIELD16(HEAD + 2)))
