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
 *   stencil_back   the handler of a cell that calls come back to: what LEAVE_FUNC looks for
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

#include <stddef.h>

#include "engine/ops/stencils.h"

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

#define STENCIL_EXIT __attribute__((visibility("hidden")))
STENCIL_EXIT dispatch_function native_next;
STENCIL_EXIT dispatch_function native_target;
STENCIL_EXIT dispatch_function native_target_wait;
STENCIL_EXIT dispatch_function native_next_wait;
STENCIL_EXIT dispatch_function native_defer;
STENCIL_EXIT dispatch_function native_suspend;
STENCIL_EXIT dispatch_function native_func;
STENCIL_EXIT dispatch_function native_func_wait;

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

#define TABLE_OF(at)                                                                               \
    (*(struct table **)(void *)((uint8_t *)IN->tables + STENCIL_FIELD(stencil_slot, at)))

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

/*
 * Calls and returns. A processor guesses where a return goes from the calls it saw; where another
 * jump goes it has to learn. So they are call and return instructions here, though the machine's
 * stack is nobody's: a callee's first instruction takes the address off it again, a return puts
 * there what the frame says. Behind a call instruction FP becomes the caller's by what the call
 * added to it, STENCIL_BACK_BYTES long; who comes back from threaded code has it already and comes
 * in behind that. What a compiler would not lay out so is written out, with what handlers have in
 * registers in its place; pins hold nothing in a callee, nor behind a call before they are loaded,
 * so theirs are free.
 */
#define STENCIL_END(text, ...)                                                                     \
    do {                                                                                           \
        register const uint8_t *stencil_code __asm__("r12") = CODE;                                \
        register uint64_t *stencil_fp __asm__("r13") = FP;                                         \
        register uint8_t *stencil_mem __asm__("r14") = MEM;                                        \
        register int64_t stencil_fuel __asm__("r15") = FUEL;                                       \
        register struct engine_instance *stencil_in __asm__("rdi") = IN;                           \
        register const uint8_t *stencil_base __asm__("rsi") = BASE;                                \
        register uint64_t stencil_acc __asm__("rdx") = ACC;                                        \
        register double stencil_facc __asm__("xmm0") = FACC;                                       \
        __asm__ volatile(                                                                          \
            text                                                                                   \
            :                                                                                      \
            : "r"(stencil_code), "r"(stencil_fp), "r"(stencil_mem), "r"(stencil_fuel),             \
              "r"(stencil_in), "r"(stencil_base), "r"(stencil_acc),                                \
              "x"(stencil_facc), [native] "i"(offsetof(struct engine_instance, native)),           \
              __VA_ARGS__                                                                          \
            : "cc", "memory");                                                                     \
        __builtin_unreachable();                                                                   \
    } while (0)
#define STENCIL_NUMBER(hole, at) "i"(STENCIL_FIELD(hole, at))
#define STENCIL_METERED_0(text)  text
#define STENCIL_METERED_1(text)
#define STENCIL_METERED_(unmetered, text) STENCIL_METERED_##unmetered(text)
#define STENCIL_METERED(unmetered, text)  STENCIL_METERED_(unmetered, text)
#define STENCIL_CHARGE                    STENCIL_METERED(ENGINE_UNMETERED, "subq %[cost], %%r15\n\t")
#define STENCIL_WAIT(by)                  STENCIL_METERED(ENGINE_UNMETERED, "js " by "\n\t")
/* The field at `slot` is the frame. */
#define ENTER_CALLEE(frame, slot, fuel, target)                                                    \
    STENCIL_END("movq %[to], %%r13\n\t" STENCIL_CHARGE STENCIL_WAIT(                               \
                    "native_target_wait") "call native_callee\n\t"                                 \
                                          "subq %[back], %%r13",                                   \
                [to] "r"(frame), [back] STENCIL_NUMBER(stencil_slot, slot),                        \
                [cost] STENCIL_NUMBER(stencil_signed, fuel))
#define ENTER_FUNC(frame, slot, fuel, row)                                                         \
    do {                                                                                           \
        register const struct image_func *stencil_row __asm__("r9") = (row);                       \
        STENCIL_END("movq %[to], %%r13\n\t" STENCIL_CHARGE STENCIL_WAIT(                           \
                        "native_func_wait") "movl %c[entry](%%r9), %%eax\n\t"                      \
                                            "testl %%eax, %%eax\n\t"                               \
                                            "jz native_func\n\t"                                   \
                                            "addq %c[native](%%rdi), %%rax\n\t"                    \
                                            "call *%%rax\n\t"                                      \
                                            "subq %[back], %%r13",                                 \
                    [to] "r"(frame),                                                               \
                    "r"(stencil_row), [entry] "i"(offsetof(struct image_func, native)),            \
                    [back] STENCIL_NUMBER(stencil_slot, slot),                                     \
                    [cost] STENCIL_NUMBER(stencil_signed, fuel));                                  \
    } while (0)
/* The field at `slot` is the link, followed by the fuel. */
#define LEAVE_FUNC(slot)                                                                           \
    STENCIL_END(STENCIL_CHARGE "movq %c[link](%%r13), %%r9\n\t"                                    \
                               "cmpl $stencil_back, (%%r9)\n\t"                                    \
                               "jne 1f\n\t"                                                        \
                               "movl 4(%%r9), %%eax\n\t"                                           \
                               "addq %c[native](%%rdi), %%rax\n\t"                                 \
                               "pushq %%rax\n\t"                                                   \
                               "ret\n"                                                             \
                               "1:\n\t"                                                            \
                               "movq %c[link]+%c[caller](%%r13), %%r13\n\t"                        \
                               "jmp native_return_cell",                                           \
                [link] STENCIL_NUMBER(stencil_slot, slot),                                         \
                [caller] "i"(offsetof(struct frame_link, caller_fp)),                              \
                [cost] STENCIL_NUMBER(stencil_signed, (slot) + 2))
/* In tail position, where a function that was called before returns. */
#define JUMP_TO_FUNC(row)                                                                          \
    do {                                                                                           \
        PIN2 = (uintptr_t)(row);                                                                   \
        if (CHARGE_LEAVES_NONE())                                                                  \
            STENCIL_LEAVE(native_func_wait);                                                       \
        if ((row)->native == 0)                                                                    \
            STENCIL_LEAVE(native_func);                                                            \
        dispatch_handler stencil_to =                                                              \
            (dispatch_handler)(uintptr_t)(IN->native + (row)->native + STENCIL_POP_BYTES);         \
        STENCIL_LEAVE(stencil_to);                                                                 \
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

/* Wide stencils are made beside narrow ones only where they differ. */
#define STENCIL_WIDE_0(...) __VA_ARGS__
#define STENCIL_WIDE_1(...)
#define STENCIL_WIDE_(quads, ...) STENCIL_WIDE_##quads(__VA_ARGS__)
#define STENCIL_WIDE(quads, ...)  STENCIL_WIDE_(quads, __VA_ARGS__)
#define UNLESS_WIDE(...)          STENCIL_WIDE(STENCIL_QUADS, __VA_ARGS__)

/*
 * Constants in instructions: a compiler knows too little of a symbol's address to put its low half
 * there, and less of a count to shift by. i32 are zero-extended by each of these. What does not fit
 * 32 bits with their sign is for wide stencils, as are moves of a constant to a slot.
 */
#define STENCIL_SUFFIX_i32       "l"
#define STENCIL_SUFFIX_i64       "q"
#define STENCIL_REGISTER_i32     "k"
#define STENCIL_REGISTER_i64     "q"
#define STENCIL_CONSTANT_i32     "$stencil_word+"
#define STENCIL_CONSTANT_i64     "$stencil_quad+"
#define STENCIL_DISPLACEMENT_i32 "stencil_signed+"
#define STENCIL_DISPLACEMENT_i64 "stencil_quad+"
#define STENCIL_OPERAND(type, n) "%" STENCIL_REGISTER_##type n
#define STENCIL_BY(type, text, value, at)                                                          \
    ({                                                                                             \
        uint64_t stencil_value = (value);                                                          \
        __asm__(text STENCIL_SUFFIX_##type " " STENCIL_CONSTANT_##type                             \
                "%c1, " STENCIL_OPERAND(type, "0")                                                 \
                : "+r"(stencil_value)                                                              \
                : "i"((at) << 16)                                                                  \
                : "cc");                                                                           \
        stencil_value;                                                                             \
    })
#define STENCIL_IF(type, condition, value, at)                                                     \
    ({                                                                                             \
        uint32_t stencil_flag;                                                                     \
        __asm__("cmp" STENCIL_SUFFIX_##type " " STENCIL_CONSTANT_##type                            \
                "%c2, " STENCIL_OPERAND(type, "1")                                                 \
                : "=@cc" condition(stencil_flag)                                                   \
                : "r"((uint64_t)(value)), "i"((at) << 16));                                        \
        stencil_flag;                                                                              \
    })
/* Leaves the flags and takes any two registers. */
#define STENCIL_add(type, value, at)                                                               \
    ({                                                                                             \
        uint64_t stencil_sum;                                                                      \
        __asm__("lea" STENCIL_SUFFIX_##type " " STENCIL_DISPLACEMENT_##type                        \
                "%c2(%1), " STENCIL_OPERAND(type, "0")                                             \
                : "=r"(stencil_sum)                                                                \
                : "r"((uint64_t)(value)), "i"((at) << 16));                                        \
        stencil_sum;                                                                               \
    })
#define STENCIL_sub(type, value, at)   STENCIL_BY(type, "sub", value, at)
#define STENCIL_and(type, value, at)   STENCIL_BY(type, "and", value, at)
#define STENCIL_or(type, value, at)    STENCIL_BY(type, "or", value, at)
#define STENCIL_xor(type, value, at)   STENCIL_BY(type, "xor", value, at)
#define STENCIL_shl(type, value, at)   STENCIL_BY(type, "shl", value, at)
#define STENCIL_shr_s(type, value, at) STENCIL_BY(type, "sar", value, at)
#define STENCIL_shr_u(type, value, at) STENCIL_BY(type, "shr", value, at)
#define STENCIL_rotl(type, value, at)  STENCIL_BY(type, "rol", value, at)
#define STENCIL_rotr(type, value, at)  STENCIL_BY(type, "ror", value, at)
#define STENCIL_mul(type, value, at)                                                               \
    ({                                                                                             \
        uint64_t stencil_product;                                                                  \
        __asm__("imul" STENCIL_SUFFIX_##type " " STENCIL_CONSTANT_##type                           \
                "%c2, " STENCIL_OPERAND(type, "1") ", " STENCIL_OPERAND(type, "0")                 \
                : "=r"(stencil_product)                                                            \
                : "r"((uint64_t)(value)), "i"((at) << 16)                                          \
                : "cc");                                                                           \
        stencil_product;                                                                           \
    })
#define STENCIL_eq(type, value, at)          STENCIL_IF(type, "e", value, at)
#define STENCIL_ne(type, value, at)          STENCIL_IF(type, "ne", value, at)
#define STENCIL_lt_s(type, value, at)        STENCIL_IF(type, "l", value, at)
#define STENCIL_lt_u(type, value, at)        STENCIL_IF(type, "b", value, at)
#define STENCIL_gt_s(type, value, at)        STENCIL_IF(type, "g", value, at)
#define STENCIL_gt_u(type, value, at)        STENCIL_IF(type, "a", value, at)
#define STENCIL_le_s(type, value, at)        STENCIL_IF(type, "le", value, at)
#define STENCIL_le_u(type, value, at)        STENCIL_IF(type, "be", value, at)
#define STENCIL_ge_s(type, value, at)        STENCIL_IF(type, "ge", value, at)
#define STENCIL_ge_u(type, value, at)        STENCIL_IF(type, "ae", value, at)
#define STENCIL_WITH_i32(name, value, at)    STENCIL_##name(i32, value, at)
#define STENCIL_WITH_i64(name, value, at)    STENCIL_WITH_QUAD(STENCIL_QUADS, name, value, at)
#define STENCIL_WITH_QUAD(quads, ...)        STENCIL_WITH_QUAD_(quads, __VA_ARGS__)
#define STENCIL_WITH_QUAD_(quads, ...)       STENCIL_WITH_QUAD_##quads(__VA_ARGS__)
#define STENCIL_WITH_QUAD_0(name, value, at) STENCIL_##name(i64, value, at)
#define STENCIL_WITH_QUAD_1(name, value, at) numeric_i64_##name(value, FIELD64(at))
#define WITH_CONSTANT(type, name, value, at) STENCIL_WITH_##type(name, value, at)
#define CONSTANT_i32(at)                     (STENCIL_QUADS ? (uint64_t)FIELD32(at) : FIELD_WIDE(at))
#define CONSTANT_i64(at)                     FIELD64(at)

#define DEFER(handler)                       STENCIL_LEAVE(native_defer)
#define SETTLE(address)                      __asm__("" : "+r"(address))

#undef AFTER_ACCESS
#define AFTER_ACCESS() __asm__ volatile("" : : "r"(CODE))

#endif
