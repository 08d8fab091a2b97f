/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers for the memories that have no guard pages behind every address: with 64-bit
 * addresses, with pages that are not 64 KiB, or with another index than 0.
 *
 *   cell: | first slot | memory | offset, 64 bits |
 *
 * Operands are in consecutive slots from the first, where the result goes too, so that one
 * handler serves 32-bit addresses (zero-extended, like every i32), 64-bit ones, and floats,
 * which are bits in a slot. Each access is checked against the present size; each store
 * marks the pages that it touches.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/memory.h"

#define CHECKED_MEMORY(at) IN->memories[FIELD16(at)]
enum {
    CHECKED_AT = HEAD + 2,
    CHECKED_OFFSET = HEAD + 4,
    CHECKED_END = HEAD + 12,
};

#define CHECKED_LOAD(name, ctype, extended)                                                        \
    HANDLER(checked_load_##name##_)                                                                \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        const struct memory *memory = CHECKED_MEMORY(CHECKED_AT);                                  \
        ctype value;                                                                               \
        const uint8_t *from = memory_at(memory, slot[0], FIELD64(CHECKED_OFFSET), sizeof(value));  \
        if (UNLIKELY(from == NULL))                                                                \
            RAISE(TRAP_MEMORY_OUT_OF_BOUNDS);                                                      \
        memcpy(&value, from, sizeof(value));                                                       \
        slot[0] = (extended)value;                                                                 \
        NEXT(CELL(CHECKED_END));                                                                   \
    }                                                                                              \
    const dispatch_handler ops_checked_load_##name[] = {checked_load_##name##_};

CHECKED_LOAD(u8, uint8_t, uint64_t)
CHECKED_LOAD(u16, uint16_t, uint64_t)
CHECKED_LOAD(u32, uint32_t, uint64_t)
CHECKED_LOAD(u64, uint64_t, uint64_t)
CHECKED_LOAD(s8_i32, int8_t, uint32_t)
CHECKED_LOAD(s16_i32, int16_t, uint32_t)
CHECKED_LOAD(s8_i64, int8_t, uint64_t)
CHECKED_LOAD(s16_i64, int16_t, uint64_t)
CHECKED_LOAD(s32_i64, int32_t, uint64_t)

#define CHECKED_STORE(name, ctype)                                                                 \
    HANDLER(checked_store_##name##_)                                                               \
    {                                                                                              \
        const uint64_t *slot = &SLOT(HEAD);                                                        \
        struct memory *memory = CHECKED_MEMORY(CHECKED_AT);                                        \
        ctype value = (ctype)slot[1];                                                              \
        uint8_t *to = memory_at(memory, slot[0], FIELD64(CHECKED_OFFSET), sizeof(value));          \
        if (UNLIKELY(to == NULL))                                                                  \
            RAISE(TRAP_MEMORY_OUT_OF_BOUNDS);                                                      \
        memcpy(to, &value, sizeof(value));                                                         \
        memory_mark_few(memory, to, sizeof(value));                                                \
        NEXT(CELL(CHECKED_END));                                                                   \
    }                                                                                              \
    const dispatch_handler ops_checked_store_##name[] = {checked_store_##name##_};

CHECKED_STORE(8, uint8_t)
CHECKED_STORE(16, uint16_t)
CHECKED_STORE(32, uint32_t)
CHECKED_STORE(64, uint64_t)

HANDLER(checked_memory_size_)
{
    SLOT(HEAD) = memory_pages(CHECKED_MEMORY(CHECKED_AT));
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_checked_memory_size[] = {checked_memory_size_};

HANDLER(checked_memory_grow_)
{
    uint64_t *slot = &SLOT(HEAD);
    slot[0] = memory_grow(CHECKED_MEMORY(CHECKED_AT), slot[0]);
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_checked_memory_grow[] = {checked_memory_grow_};
