/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of atomic instructions, of which there is nothing atomic: no memory is shared, so nobody
 * sees what lies between a load and the store behind it.
 *
 *   cell: | first slot | memory | offset, 64 bits |
 *
 * Operands are in consecutive slots from the first, where the result goes too, as in
 * ops_checked.c: an i32 is zero-extended, so i32 and i64 of the same width are one handler. What is
 * left of the threads proposal is that addresses must be aligned.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/memory.h"

#define ATOMIC_MEMORY IN->memories[FIELD16(HEAD + 2)]
enum {
    ATOMIC_OFFSET = HEAD + 4,
    ATOMIC_END = HEAD + 12,
};

/* Declares `slot`, `memory` and `at`, or traps. */
#define ATOMIC_AT(ctype)                                                                           \
    uint64_t *slot = &SLOT(HEAD);                                                                  \
    UNUSED struct memory *memory = ATOMIC_MEMORY;                                                  \
    uint8_t *at = memory_at(memory, slot[0], FIELD64(ATOMIC_OFFSET), sizeof(ctype));               \
    if (UNLIKELY(at == NULL))                                                                      \
        RAISE(TRAP_MEMORY_OUT_OF_BOUNDS);                                                          \
    if (UNLIKELY((uint64_t)(at - memory->base) % sizeof(ctype) != 0))                              \
    RAISE(TRAP_UNALIGNED_ATOMIC)

#define ATOMIC_LOAD(bits)                                                                          \
    HANDLER(atomic_load_##bits##_)                                                                 \
    {                                                                                              \
        ATOMIC_AT(uint##bits##_t);                                                                 \
        uint##bits##_t value;                                                                      \
        memcpy(&value, at, sizeof(value));                                                         \
        slot[0] = value;                                                                           \
        NEXT(CELL(ATOMIC_END));                                                                    \
    }                                                                                              \
    const dispatch_handler ops_atomic_load_##bits[] = {atomic_load_##bits##_};

#define ATOMIC_STORE(bits)                                                                         \
    HANDLER(atomic_store_##bits##_)                                                                \
    {                                                                                              \
        ATOMIC_AT(uint##bits##_t);                                                                 \
        uint##bits##_t value = (uint##bits##_t)slot[1];                                            \
        memcpy(at, &value, sizeof(value));                                                         \
        memory_mark_few(memory, at, sizeof(value));                                                \
        NEXT(CELL(ATOMIC_END));                                                                    \
    }                                                                                              \
    const dispatch_handler ops_atomic_store_##bits[] = {atomic_store_##bits##_};

/* Stores `result`, made of `x`, which is there, and `y`; gives x. */
#define ATOMIC_MODIFY(name, bits, result)                                                          \
    HANDLER(atomic_##name##_##bits##_)                                                             \
    {                                                                                              \
        ATOMIC_AT(uint##bits##_t);                                                                 \
        uint##bits##_t value;                                                                      \
        memcpy(&value, at, sizeof(value));                                                         \
        UNUSED uint64_t x = value;                                                                 \
        uint64_t y = slot[1];                                                                      \
        slot[0] = value;                                                                           \
        value = (uint##bits##_t)(result);                                                          \
        memcpy(at, &value, sizeof(value));                                                         \
        memory_mark_few(memory, at, sizeof(value));                                                \
        NEXT(CELL(ATOMIC_END));                                                                    \
    }                                                                                              \
    const dispatch_handler ops_atomic_##name##_##bits[] = {atomic_##name##_##bits##_};

/* Stores the third operand if the second is there; both in the memory's width. */
#define ATOMIC_EXCHANGE_IF(bits)                                                                   \
    HANDLER(atomic_cmpxchg_##bits##_)                                                              \
    {                                                                                              \
        ATOMIC_AT(uint##bits##_t);                                                                 \
        uint##bits##_t value;                                                                      \
        uint##bits##_t replacement = (uint##bits##_t)slot[2];                                      \
        memcpy(&value, at, sizeof(value));                                                         \
        if ((uint##bits##_t)slot[1] == value) {                                                    \
            memcpy(at, &replacement, sizeof(replacement));                                         \
            memory_mark_few(memory, at, sizeof(replacement));                                      \
        }                                                                                          \
        slot[0] = value;                                                                           \
        NEXT(CELL(ATOMIC_END));                                                                    \
    }                                                                                              \
    const dispatch_handler ops_atomic_cmpxchg_##bits[] = {atomic_cmpxchg_##bits##_};

#define ATOMIC_WIDTH(bits)                                                                         \
    ATOMIC_LOAD(bits)                                                                              \
    ATOMIC_STORE(bits)                                                                             \
    ATOMIC_MODIFY(add, bits, x + y)                                                                \
    ATOMIC_MODIFY(sub, bits, x - y)                                                                \
    ATOMIC_MODIFY(and, bits, x &y)                                                                 \
    ATOMIC_MODIFY(or, bits, x | y)                                                                 \
    ATOMIC_MODIFY(xor, bits, x ^ y)                                                                \
    ATOMIC_MODIFY(xchg, bits, y)                                                                   \
    ATOMIC_EXCHANGE_IF(bits)
ATOMIC_WIDTH(8)
ATOMIC_WIDTH(16)
ATOMIC_WIDTH(32)
ATOMIC_WIDTH(64)

/* Nobody waits where waiting is a trap. */
HANDLER(atomic_notify_)
{
    ATOMIC_AT(uint32_t);
    slot[0] = 0;
    NEXT(CELL(ATOMIC_END));
}
const dispatch_handler ops_atomic_notify[] = {atomic_notify_};

#define ATOMIC_WAIT(bits)                                                                          \
    HANDLER(atomic_wait_##bits##_)                                                                 \
    {                                                                                              \
        ATOMIC_AT(uint##bits##_t);                                                                 \
        RAISE(TRAP_EXPECTED_SHARED_MEMORY);                                                        \
    }                                                                                              \
    const dispatch_handler ops_atomic_wait_##bits[] = {atomic_wait_##bits##_};
ATOMIC_WAIT(32)
ATOMIC_WAIT(64)
