/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers that touch memory 0 of 32-bit addresses, globals and tables; and bulk operations,
 * which are the same for all memories. Other memories: ops_checked.c.
 *
 * Loads and stores make no bounds check: index + offset always lands inside the reserved
 * range, where pages that the guest does not own fault, and the fault is the trap
 * (interp.c). Every store marks its page in the dirty map, which lies at a fixed distance
 * below the memory and covers what can become accessible; the access comes first, so that a
 * faulting store marks nothing.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/instance.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

/* ---- loads ----------------------------------------------------------------------------------- */

#define LOAD_XD(handler, d, x, type, ctype, convert)                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(i32, x), OFFSET = D + SIZE(type, d), END = OFFSET + 4 };            \
        const uint8_t *address = MEM + (uint64_t)READ(i32, x, HEAD) + FIELD_WIDE(OFFSET);          \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(type, d, D, convert value);                                                          \
        NEXT(CELL(END));                                                                           \
    }

#define LOADX_XYD(handler, d, y, x, type, ctype, convert)                                          \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            Y = HEAD + SIZE(i32, x),                                                               \
            D = Y + SIZE(i32, y),                                                                  \
            OFFSET = D + SIZE(type, d),                                                            \
            END = OFFSET + 4                                                                       \
        };                                                                                         \
        uint64_t index = WITH_##y(i32, add, READ(i64, x, HEAD), Y);                                \
        const uint8_t *address = MEM + (uint64_t)index + FIELD_WIDE(OFFSET);                       \
        ctype value;                                                                               \
        LOAD_AT(ctype, address, value);                                                            \
        WRITE(type, d, D, convert value);                                                          \
        NEXT(CELL(END));                                                                           \
    }

#define LOAD_AT_D(handler, d, type, ctype, convert)                                                \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { ADDRESS = HEAD + SIZE(type, d), END = ADDRESS + 4 };                                \
        ctype value;                                                                               \
        LOAD_AT(ctype, MEM + FIELD_WIDE(ADDRESS), value);                                          \
        WRITE(type, d, HEAD, convert value);                                                       \
        NEXT(CELL(END));                                                                           \
    }

#define LOAD(type, name, ctype, convert)                                                           \
    FAMILY(XD, LOAD_XD, load_##name, type, ctype, convert)                                         \
    FAMILY(XYND, LOADX_XYD, loadx_##name, type, ctype, convert)                                    \
    FAMILY(D, LOAD_AT_D, load_at_##name, type, ctype, convert)

LOAD(i32, u8, uint8_t, )
LOAD(i32, u16, uint16_t, )
LOAD(i32, u32, uint32_t, )
LOAD(i64, u64, uint64_t, )
LOAD(i32, s8_i32, int8_t, (uint32_t)(int32_t))
LOAD(i32, s16_i32, int16_t, (uint32_t)(int32_t))
LOAD(i64, s8_i64, int8_t, (uint64_t)(int64_t))
LOAD(i64, s16_i64, int16_t, (uint64_t)(int64_t))
LOAD(i64, s32_i64, int32_t, (uint64_t)(int64_t))
LOAD(f32, f32, float, )
LOAD(f64, f64, double, )

/* ---- stores ---------------------------------------------------------------------------------- */

#define STORE_XV(handler, v, x, type, ctype)                                                       \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { V = HEAD + SIZE(i32, x), OFFSET = V + SIZE(type, v), END = OFFSET + 4 };            \
        STORE_AT(READ(i32, x, HEAD), FIELD_WIDE(OFFSET), ctype, READ(type, v, V));                 \
        NEXT(CELL(END));                                                                           \
    }

#define STOREX_XYV(handler, v, y, x, type, ctype)                                                  \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            Y = HEAD + SIZE(i32, x),                                                               \
            V = Y + SIZE(i32, y),                                                                  \
            OFFSET = V + SIZE(type, v),                                                            \
            END = OFFSET + 4                                                                       \
        };                                                                                         \
        uint64_t index = WITH_##y(i32, add, READ(i64, x, HEAD), Y);                                \
        STORE_AT(index, FIELD_WIDE(OFFSET), ctype, READ(type, v, V));                              \
        NEXT(CELL(END));                                                                           \
    }

#define STORE_AT_V(handler, v, type, ctype)                                                        \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { ADDRESS = HEAD + SIZE(type, v), DIRTY = ADDRESS + 4, END = DIRTY + 4 };             \
        ctype value = (ctype)READ(type, v, HEAD);                                                  \
        BEFORE_ACCESS();                                                                           \
        memcpy(MEM + FIELD_WIDE(ADDRESS), &value, sizeof(value));                                  \
        __asm__ volatile("" : : : "memory");                                                       \
        MEM[FIELD_SIGNED(DIRTY)] = 1;                                                              \
        AFTER_ACCESS();                                                                            \
        NEXT(CELL(END));                                                                           \
    }

#define STORE(type, name, ctype)                                                                   \
    FAMILY(XY, STORE_XV, store_##name, type, ctype)                                                \
    FAMILY(XNYNY, STOREX_XYV, storex_##name, type, ctype)                                          \
    FAMILY(Y, STORE_AT_V, store_at_##name, type, ctype)

STORE(i32, 8, uint8_t)
STORE(i32, 16, uint16_t)
STORE(i32, 32, uint32_t)
STORE(i64, 64, uint64_t)
STORE(f32, f32, float)
STORE(f64, f64, double)

/* ---- a load and its store -------------------------------------------------------------------- */

#define COPY_FROM(index, offset, to, to_offset, ctype)                                             \
    do {                                                                                           \
        const uint8_t *address = MEM + (uint64_t)(index) + FIELD_WIDE(offset);                     \
        ctype loaded;                                                                              \
        LOAD_AT(ctype, address, loaded);                                                           \
        STORE_AT(to, FIELD_WIDE(to_offset), ctype, loaded);                                        \
    } while (0)

#define COPY_XX(handler, to, x, ctype)                                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { TO = HEAD + SIZE(i32, x), OFFSET = TO + SIZE(i32, to), END = OFFSET + 8 };          \
        COPY_FROM(READ(i32, x, HEAD), OFFSET, READ(i32, to, TO), OFFSET + 4, ctype);               \
        NEXT(CELL(END));                                                                           \
    }

#define COPYX_XYX(handler, to, y, x, ctype)                                                        \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            Y = HEAD + SIZE(i32, x),                                                               \
            TO = Y + SIZE(i32, y),                                                                 \
            OFFSET = TO + SIZE(i32, to),                                                           \
            END = OFFSET + 8                                                                       \
        };                                                                                         \
        uint64_t index = WITH_##y(i32, add, READ(i64, x, HEAD), Y);                                \
        COPY_FROM(index, OFFSET, READ(i32, to, TO), OFFSET + 4, ctype);                            \
        NEXT(CELL(END));                                                                           \
    }

FAMILY(XXN, COPY_XX, copy_8, uint8_t)
FAMILY(XXN, COPY_XX, copy_16, uint16_t)
FAMILY(XXN, COPY_XX, copy_32, uint32_t)
FAMILY(XXN, COPY_XX, copy_64, uint64_t)
FAMILY(XNYNXN, COPYX_XYX, copyx_8, uint8_t)
FAMILY(XNYNXN, COPYX_XYX, copyx_32, uint32_t)
FAMILY(XNYNXN, COPYX_XYX, copyx_64, uint64_t)

/* ---- size, growth, bulk ---------------------------------------------------------------------- */

#define MEMORY_SIZE_D(handler, d, type)                                                            \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        WRITE(type, d, HEAD, IN->memories[0]->bytes >> MODULE_PAGE_SHIFT);                         \
        NEXT(CELL(HEAD + SIZE(type, d)));                                                          \
    }
FAMILY(D, MEMORY_SIZE_D, memory_size, i32)

#define MEMORY_GROW_XD(handler, d, x, type)                                                        \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(type, x), END = D + SIZE(type, d) };                                \
        WRITE(type, d, D, memory_grow(IN->memories[0], READ(type, x, HEAD)));                      \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD_LEAN, MEMORY_GROW_XD, memory_grow, i32)

/*
 * Bulk operations have their operands in three consecutive slots, the first named by the
 * cell: destination, source or value, count. A long one is done in chunks, so that it
 * cannot hold the loop: each chunk is charged by its length, then the same cell runs again
 * for the rest, or later if fuel is out. Chunks go from the end to the beginning: the end
 * is what must fit, so the first chunk already traps if the whole would not fit, with
 * nothing written.
 */
#define BULK_BYTES_PER_FUEL   16
#define BULK_BYTES_MAX        65536
#define BULK_ENTRIES_PER_FUEL 2
#define BULK_ENTRIES_MAX      8192

struct memory_chunk {
    uint64_t at; /* offset in the whole */
    uint64_t count;
};

static inline struct memory_chunk
memory_last_chunk(const uint64_t *slot, bool has_source, uint32_t max)
{
    struct memory_chunk chunk = {.count = slot[2]};
    if (LIKELY(chunk.count <= max))
        return chunk;
    uint64_t at = chunk.count - max;
    /* Past 64 bits nothing fits: the operation says so when asked for the whole. */
    if (slot[0] > UINT64_MAX - at || (has_source && slot[1] > UINT64_MAX - at))
        return chunk;
    return (struct memory_chunk){.at = at, .count = max};
}

/* Charges for a chunk; on with the next chunk, or with the cell at `end`. */
#define BULK_CHARGED(chunk_count, per_fuel, end)                                                   \
    do {                                                                                           \
        const uint8_t *target = slot[2] != 0 ? PC : PC + CELL(end);                                \
        CHARGE_PRICE((chunk_count) / (per_fuel));                                                  \
        if (UNLIKELY(FUEL < 0))                                                                    \
            SUSPEND(target);                                                                       \
        JUMP(target);                                                                              \
    } while (0)

#define BULK(name, has_source, max, per_fuel, end, call)                                           \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        struct memory_chunk chunk = memory_last_chunk(slot, has_source, max);                      \
        uint64_t to = slot[0] + chunk.at;                                                          \
        UNUSED uint64_t from = slot[1] + chunk.at;                                                 \
        uint64_t count = chunk.count;                                                              \
        enum engine_trap trap = (call);                                                            \
        if (UNLIKELY(trap != TRAP_NONE))                                                           \
            RAISE(trap);                                                                           \
        slot[2] = chunk.at;                                                                        \
        BULK_CHARGED(count, per_fuel, end);                                                        \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
#define BULK_MEMORY(name, has_source, end, call)                                                   \
    BULK(name, has_source, BULK_BYTES_MAX, BULK_BYTES_PER_FUEL, end, call)
#define BULK_TABLE(name, has_source, end, call)                                                    \
    BULK(name, has_source, BULK_ENTRIES_MAX, BULK_ENTRIES_PER_FUEL, end, call)
#define MEMORY_AT(at) IN->memories[FIELD16(at)]
#define TABLE_AT(at)  IN->tables[FIELD32(at)]

BULK_MEMORY(memory_fill,
            false,
            HEAD + 4,
            memory_fill(MEMORY_AT(HEAD + 2), to, (uint32_t)slot[1], count))
BULK_MEMORY(memory_init,
            true,
            HEAD + 8,
            memory_init(IN, FIELD16(HEAD + 2), FIELD32(HEAD + 4), to, from, count))
BULK_TABLE(table_fill, false, HEAD + 6, table_fill(TABLE_AT(HEAD + 2), to, slot[1], count))
BULK_TABLE(table_init,
           true,
           HEAD + 10,
           table_init(IN, FIELD32(HEAD + 6), FIELD32(HEAD + 2), to, from, count))

/*
 * A copy to lower addresses goes from the beginning instead, because source and destination
 * may overlap; then the whole is checked first.
 */
#define BULK_COPY(name, size, max, per_fuel, oob, end, call)                                       \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        uint64_t to = slot[0];                                                                     \
        uint64_t from = slot[1];                                                                   \
        uint64_t total = slot[2];                                                                  \
        uint64_t count = MIN(total, (uint64_t)(max));                                              \
        if (UNLIKELY(total > (max))) {                                                             \
            uint64_t to_size, from_size;                                                           \
            size;                                                                                  \
            if (total > to_size || to > to_size - total || total > from_size ||                    \
                from > from_size - total)                                                          \
                RAISE(oob);                                                                        \
            uint64_t at = to < from ? 0 : total - count;                                           \
            to += at;                                                                              \
            from += at;                                                                            \
        }                                                                                          \
        enum engine_trap trap = (call);                                                            \
        if (UNLIKELY(trap != TRAP_NONE))                                                           \
            RAISE(trap);                                                                           \
        bool ascending = to < from;                                                                \
        slot[0] += ascending ? count : 0;                                                          \
        slot[1] += ascending ? count : 0;                                                          \
        slot[2] = total - count;                                                                   \
        BULK_CHARGED(count, per_fuel, end);                                                        \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};

BULK_COPY(memory_copy,
          (to_size = MEMORY_AT(HEAD + 2)->bytes, from_size = MEMORY_AT(HEAD + 4)->bytes),
          BULK_BYTES_MAX,
          BULK_BYTES_PER_FUEL,
          TRAP_MEMORY_OUT_OF_BOUNDS,
          HEAD + 6,
          memory_copy(MEMORY_AT(HEAD + 2), MEMORY_AT(HEAD + 4), to, from, count))
BULK_COPY(table_copy,
          (to_size = TABLE_AT(HEAD + 2)->count, from_size = TABLE_AT(HEAD + 6)->count),
          BULK_ENTRIES_MAX,
          BULK_ENTRIES_PER_FUEL,
          TRAP_TABLE_OUT_OF_BOUNDS,
          HEAD + 10,
          table_copy(TABLE_AT(HEAD + 2), TABLE_AT(HEAD + 6), to, from, count))

HANDLER(data_drop_)
{
    IN->dropped_datas[FIELD32(HEAD)] = 1;
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_data_drop[] = {data_drop_};

HANDLER(elem_drop_)
{
    IN->dropped_elems[FIELD32(HEAD)] = 1;
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_elem_drop[] = {elem_drop_};

/* ---- tables: operands from the slot on, the result in the same slot -------------------------- */

HANDLER(table_get_)
{
    uint64_t *slot = &SLOT(HEAD);
    enum engine_trap trap = table_get(IN->tables[FIELD32(HEAD + 2)], slot[0], &slot[0]);
    if (UNLIKELY(trap != TRAP_NONE))
        RAISE(trap);
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_table_get[] = {table_get_};

HANDLER(table_set_)
{
    const uint64_t *slot = &SLOT(HEAD);
    enum engine_trap trap = table_set(IN->tables[FIELD32(HEAD + 2)], slot[0], slot[1]);
    if (UNLIKELY(trap != TRAP_NONE))
        RAISE(trap);
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_table_set[] = {table_set_};

HANDLER(table_size_)
{
    SLOT(HEAD) = IN->tables[FIELD32(HEAD + 2)]->count;
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_table_size[] = {table_size_};

HANDLER(table_grow_)
{
    uint64_t *slot = &SLOT(HEAD);
    struct table *table = IN->tables[FIELD32(HEAD + 2)];
    uint32_t before = table->count;
    slot[0] = table_grow(table, slot[0], slot[1]);
    /* What is refused costs nothing, however much it was. */
    CHARGE_PRICE((table->count - before) / BULK_ENTRIES_PER_FUEL);
    if (UNLIKELY(FUEL < 0))
        SUSPEND(PC + CELL(HEAD + 6));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_table_grow[] = {table_grow_};

HANDLER(ref_func_)
{
    SLOT(HEAD) = instance_func_reference(IN, FIELD32(HEAD + 2));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_ref_func[] = {ref_func_};

#define REF_AS_NON_NULL_XD(handler, d, x, type)                                                    \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(type, x), END = D + SIZE(type, d) };                                \
        uint64_t reference = READ(type, x, HEAD);                                                  \
        if (UNLIKELY(reference == 0))                                                              \
            RAISE(TRAP_NULL_REFERENCE);                                                            \
        WRITE(type, d, D, reference);                                                              \
        NEXT(CELL(END));                                                                           \
    }
FAMILY(XD_LEAN, REF_AS_NON_NULL_XD, ref_as_non_null, i64)

/* ---- globals --------------------------------------------------------------------------------- */

#define GLOBAL_GET_D(handler, d, type)                                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { INDEX = HEAD + SIZE(type, d), END = INDEX + 4 };                                    \
        uint64_t bits = GLOBAL(INDEX).bits;                                                        \
        WRITE(type, d, HEAD, from_bits_##type(bits));                                              \
        NEXT(CELL(END));                                                                           \
    }
#define from_bits_i64(bits) (bits)
#define from_bits_f64(bits) numeric_f64_bits(bits)

FAMILY(D, GLOBAL_GET_D, global_get, i64)
FAMILY(D, GLOBAL_GET_D, global_get_float, f64)

#define GLOBAL_SET_X(handler, x, type)                                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { INDEX = HEAD + SIZE(type, x), END = INDEX + 4 };                                    \
        GLOBAL(INDEX).bits = to_bits_##type(READ(type, x, HEAD));                                  \
        NEXT(CELL(END));                                                                           \
    }
#define to_bits_i32(value) (value)
#define to_bits_i64(value) (value)
#define to_bits_f64(value) numeric_bits_f64(value)

FAMILY(Y, GLOBAL_SET_X, global_set_i32, i32)
FAMILY(Y, GLOBAL_SET_X, global_set_i64, i64)
FAMILY(X, GLOBAL_SET_X, global_set_float, f64)

/* fields: global, constant. The shadow stack's pointer goes down and up like this. */
#define GLOBAL_SET_SUM_X(handler, x, type)                                                         \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { INDEX = HEAD + SIZE(type, x), CONSTANT = INDEX + 4 };                               \
        GLOBAL(INDEX).bits = WITH_CONSTANT(type, add, READ(i64, x, HEAD), CONSTANT);               \
        NEXT(CELL(CONSTANT + 4));                                                                  \
    }
FAMILY(X, GLOBAL_SET_SUM_X, global_set_sum, i32)

#define GLOBAL_ADD_D(handler, d, type)                                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { INDEX = HEAD + SIZE(type, d), CONSTANT = INDEX + 4 };                               \
        union engine_value *global = &GLOBAL(INDEX);                                               \
        uint64_t sum = WITH_CONSTANT(type, add, global->bits, CONSTANT);                           \
        global->bits = sum;                                                                        \
        WRITE(i64, d, HEAD, sum);                                                                  \
        NEXT(CELL(CONSTANT + 4));                                                                  \
    }
FAMILY(D, GLOBAL_ADD_D, global_add, i32)

HANDLER(imported_global_get_)
{
    SLOT(HEAD) = IN->imported_globals[FIELD32(HEAD + 2)]->bits;
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_imported_global_get[] = {imported_global_get_};

HANDLER(imported_global_set_)
{
    IN->imported_globals[FIELD32(HEAD + 2)]->bits = SLOT(HEAD);
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_imported_global_set[] = {imported_global_set_};
