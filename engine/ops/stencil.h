/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers as stencils: what dispatch.h's short names mean when handlers are compiled a second
 * time, not to be run where they lie but to be copied, one behind another, into the native code of
 * a module (engine/native; docs/native.md has a worked example).
 *
 * What a handler reads from its cell is here the address of a symbol that nobody defines, with a
 * number added: `stencil_slot + (6 << 16)`. The compiler makes it an immediate or a displacement
 * and leaves a relocation; stencils.py turns relocations into holes, and whoever copies the
 * stencil fills them in from the cell, whose bytes 6 and 7 are the slot here. The low half of what
 * is added is the compiler's own: `slot[1]` is 8 further on.
 *
 *   symbol         the hole gets, from the cell at that offset
 *   stencil_slot   16 bits, times 8: a slot's distance from FP
 *   stencil_half   16 bits
 *   stencil_word   32 bits; stencil_signed: with their sign; stencil_eights: times 8
 *   stencil_quad   64 bits
 *   stencil_here   the cell's offset in the code; stencil_table: see GO_TO_ENTRY
 *
 * The ways out are jumps to symbols as well: the next cell (nothing at all, at a stencil's end),
 * the cell's target, where to wait for fuel on the way there, and `defer`: everything rare is left
 * to the handler of the very cell, which starts it anew. So before that nothing may be changed that
 * the handler would change again.
 *
 * The first register is CODE, where the instance's cells begin, in place of PC: it never changes,
 * and a cell's address is a constant from it. MEM, FP, FUEL, IN and BASE are as in handlers.
 */
#ifndef SKERRY_ENGINE_OPS_STENCIL_H
#define SKERRY_ENGINE_OPS_STENCIL_H

/* Weak, or the compiler would know that none of them is zero. */
#define STENCIL_HOLE extern const char __attribute__((weak, visibility("hidden")))
STENCIL_HOLE stencil_slot[];
STENCIL_HOLE stencil_half[];
STENCIL_HOLE stencil_word[];
STENCIL_HOLE stencil_signed[];
STENCIL_HOLE stencil_eights[];
STENCIL_HOLE stencil_quad[];
STENCIL_HOLE stencil_here[];
STENCIL_HOLE stencil_table[];
STENCIL_HOLE stencil_enter[];

#define STENCIL_EXIT __attribute__((visibility("hidden")))
STENCIL_EXIT dispatch_function native_next;
STENCIL_EXIT dispatch_function native_target;
STENCIL_EXIT dispatch_function native_target_wait;
STENCIL_EXIT dispatch_function native_next_wait;
STENCIL_EXIT dispatch_function native_defer;
STENCIL_EXIT dispatch_function native_suspend;

#define STENCIL_FIELD(hole, at) ((uintptr_t)(hole) + ((uintptr_t)(at) << 16))
#define FIELD16(at)             ((uint32_t)STENCIL_FIELD(stencil_half, at))
#define FIELD32(at)             ((uint32_t)STENCIL_FIELD(stencil_word, at))
#define FIELD_WIDE(at)          ((uint64_t)STENCIL_FIELD(stencil_word, at))
#define FIELD_SIGNED(at)        ((int64_t)STENCIL_FIELD(stencil_signed, at))
#define FIELD64(at)                                                                                \
    ({                                                                                             \
        uint64_t stencil_value = STENCIL_FIELD(stencil_quad, at);                                  \
        if (STENCIL_QUADS)                                                                         \
            __asm__("movabsq $stencil_quad+%c1, %0" : "=r"(stencil_value) : "i"((at) << 16));      \
        stencil_value;                                                                             \
    })
#define SLOT_OF(frame, at)                                                                         \
    (*(uint64_t *)(void *)((uint8_t *)(frame) + STENCIL_FIELD(stencil_slot, at)))
#define SLOT(at) SLOT_OF(FP, at)
#define GLOBAL(at)                                                                                 \
    (*(union engine_value *)(void *)((uint8_t *)IN->globals + STENCIL_FIELD(stencil_eights, at)))

#define PC                (CODE + (uintptr_t)stencil_here)

#define STENCIL_LEAVE(by) __attribute__((musttail)) return by(CODE, DISPATCH_REST)
#define NEXT(bytes)       STENCIL_LEAVE(native_next)
#define RAISE(code)                                                                                \
    do {                                                                                           \
        (void)(code);                                                                              \
        STENCIL_LEAVE(native_defer);                                                               \
    } while (0)
#define GO_TO_TARGET(at)                                                                           \
    do {                                                                                           \
        if (CHARGE_LEAVES_NONE())                                                                  \
            STENCIL_LEAVE(native_target_wait);                                                     \
        STENCIL_LEAVE(native_target);                                                              \
    } while (0)
#define GO_TO_NEXT(bytes)                                                                          \
    do {                                                                                           \
        if (CHARGE_LEAVES_NONE())                                                                  \
            STENCIL_LEAVE(native_next_wait);                                                       \
        STENCIL_LEAVE(native_next);                                                                \
    } while (0)

/* To a cell of this instance that is known only now. If it enters native code, so do we. */
#define GO_TO_CELL(to)                                                                             \
    do {                                                                                           \
        const uint8_t *stencil_to = (to);                                                          \
        if (LIKELY(dispatch_field32(stencil_to) == (uint32_t)(uintptr_t)stencil_enter)) {          \
            dispatch_handler stencil_entry =                                                       \
                (dispatch_handler)(uintptr_t)(IN->native +                                         \
                                              dispatch_field32(stencil_to + sizeof(uint32_t)));    \
            STENCIL_LEAVE(stencil_entry);                                                          \
        }                                                                                          \
        JUMP(stencil_to);                                                                          \
    } while (0)

/* By a table in the native code, of 32 bits an entry, which begins where the hole says. */
#define GO_TO_ENTRY(at, index)                                                                     \
    do {                                                                                           \
        size_t stencil_index = (index);                                                            \
        const uint8_t *stencil_entry = PC + (at) + stencil_index * BRANCH_BYTES;                   \
        CHARGE((int32_t)dispatch_field32(stencil_entry + sizeof(uint32_t)));                       \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(PC + (int32_t)dispatch_field32(stencil_entry));                                \
        const uint8_t *stencil_row =                                                               \
            IN->native + (uintptr_t)stencil_table + stencil_index * sizeof(uint32_t);              \
        dispatch_handler stencil_to =                                                              \
            (dispatch_handler)(uintptr_t)(IN->native + dispatch_field32(stencil_row));             \
        STENCIL_LEAVE(stencil_to);                                                                 \
    } while (0)

#define DISPATCH_DEFERS 1

#undef AFTER_ACCESS
#define AFTER_ACCESS() __asm__ volatile("" : : "r"(CODE))

#endif
