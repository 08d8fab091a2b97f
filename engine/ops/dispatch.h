/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one operation hands over to the next: the only file that knows.
 *
 * Threaded code is a sequence of cells. A cell starts with a 32-bit offset from
 * `dispatch_base` to its handler, then packed operand fields, padded to 2 bytes. Offsets
 * instead of addresses make code position independent, at the price of one addition per
 * operation (2.4 % against absolute addresses; a 16-bit index into a table of addresses
 * cost 14 %; docs/adr/0007).
 *
 * Two ways to run the same handler bodies:
 *   clang   each handler ends in a guaranteed tail call (musttail) with the guest's
 *           registers in machine registers (preserve_none); nothing returns until the
 *           guest stops.
 *   others  a trampoline: each handler returns after setting PC, registers live in
 *           struct machine_registers. Slower, no C stack growth either.
 *
 * Bodies see the registers under upper-case names:
 *   PC   this cell          FP   frame, slots of 8 bytes   MEM  memory 0
 *   FUEL what is left       IN   the instance
 *   ACC    integer accumulator, PIN0..PIN2 pinned integer locals
 *   FACC   float accumulator,   FPIN0..FPIN2 pinned float locals (an f32 is the low half)
 * and leave by NEXT, JUMP, SUSPEND, STOP or RAISE; nothing may follow these. STOP leaves the
 * interpreter; a later run goes on at its cell. All handlers are found at a distance from one
 * of them, dispatch_base.
 */
#ifndef SKERRY_ENGINE_OPS_DISPATCH_H
#define SKERRY_ENGINE_OPS_DISPATCH_H

#include "engine/run/instance.h"
#include "engine/run/machine.h"

/* Cells are read without regard to alignment; more of it makes code a tenth longer. */
#define DISPATCH_CELL_ALIGN 2

static inline uint16_t dispatch_field16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint32_t dispatch_field32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t dispatch_field64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* `index`, or 0 if it is not below `count`, by a dependency that no processor guesses past; whoever
 * calls has checked it already. */
static inline __attribute__((always_inline)) uint32_t dispatch_below(uint32_t index, uint32_t count)
{
#if defined(__x86_64__)
    uint32_t mask;
    __asm__("cmpl %[count], %[index]\n\tsbbl %[mask], %[mask]"
            : [mask] "=r"(mask)
            : [index] "r"(index), [count] "r"(count)
            : "cc");
#else
    __asm__("" : "+r"(index)); /* or the compiler would know the answer */
    uint32_t mask = (uint32_t)(((uint64_t)index - count) >> 32);
#endif
    return index & mask;
}

/* Of handlers' registers and variables: not every member of a family uses all. */
#define UNUSED __attribute__((unused))

#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(preserve_none) && __has_attribute(musttail)
#define DISPATCH_TAIL_CALLS 1
#endif
#endif
#ifndef DISPATCH_TAIL_CALLS
#define DISPATCH_TAIL_CALLS 0
#endif

#define DISPATCH_SANITIZED 0
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#undef DISPATCH_SANITIZED
#define DISPATCH_SANITIZED 1
#endif
#endif

/* Are handlers compiled to be laid end to end, not to be dispatched to (stencil.h)? */
#ifndef DISPATCH_STENCILS
#define DISPATCH_STENCILS 0
#endif

#if DISPATCH_TAIL_CALLS

#define DISPATCH_NAME "clang tail calls"
#if DISPATCH_STENCILS
#define DISPATCH_PLACE CODE
#else
#define DISPATCH_PLACE PC
#endif
#define DISPATCH_PARAMETERS                                                                        \
    UNUSED const uint8_t *DISPATCH_PLACE, UNUSED uint64_t *FP, UNUSED uint8_t *MEM,                \
        UNUSED int64_t FUEL, UNUSED struct engine_instance *IN, UNUSED const uint8_t *BASE,        \
        UNUSED uint64_t ACC, UNUSED uint64_t PIN0, UNUSED uint64_t PIN1, UNUSED uint64_t PIN2,     \
        UNUSED double FACC, UNUSED double FPIN0, UNUSED double FPIN1, UNUSED double FPIN2
#define DISPATCH_REST FP, MEM, FUEL, IN, BASE, ACC, PIN0, PIN1, PIN2, FACC, FPIN0, FPIN1, FPIN2

typedef enum engine_outcome dispatch_function(DISPATCH_PARAMETERS) __attribute__((preserve_none));
typedef dispatch_function *dispatch_handler;

#define HANDLER(name)                                                                              \
    static __attribute__((preserve_none)) enum engine_outcome name(DISPATCH_PARAMETERS)

#define SHARED_HANDLER(name)                                                                       \
    __attribute__((preserve_none)) enum engine_outcome name(DISPATCH_PARAMETERS)
SHARED_HANDLER(dispatch_base);

#define JUMP(to)                                                                                   \
    do {                                                                                           \
        const uint8_t *dispatch_to = (to);                                                         \
        dispatch_handler dispatch_next =                                                           \
            (dispatch_handler)(uintptr_t)(BASE + (int32_t)dispatch_field32(dispatch_to));          \
        __attribute__((musttail)) return dispatch_next(dispatch_to, DISPATCH_REST);                \
    } while (0)

#define DISPATCH_SAVE(at)                                                                          \
    do {                                                                                           \
        struct machine_registers *dispatch_registers = &IN->machine->registers;                    \
        *dispatch_registers = (struct machine_registers){.pc = (at),                               \
                                                         .fp = FP,                                 \
                                                         .instance = IN,                           \
                                                         .fuel = FUEL,                             \
                                                         .accumulator = ACC,                       \
                                                         .pins = {PIN0, PIN1, PIN2},               \
                                                         .float_accumulator = FACC,                \
                                                         .float_pins = {FPIN0, FPIN1, FPIN2}};     \
    } while (0)

/* So that others find the guest's registers in its machine. */
#define SAVE_REGISTERS() DISPATCH_SAVE(PC)

#define STOP(at, outcome)                                                                          \
    do {                                                                                           \
        DISPATCH_SAVE(at);                                                                         \
        return (outcome);                                                                          \
    } while (0)

#define GO_TO(handler, at) __attribute__((musttail)) return handler((at), DISPATCH_REST)

/* How much fuel goes there is what there is on the way in, less what there is on the way out, which
 * thunks of native code take off again (engine/native/ways.c). */
#define GO_TO_NATIVE(address)                                                                      \
    do {                                                                                           \
        IN->machine->fuel_native += (uint64_t)FUEL;                                                \
        dispatch_handler dispatch_native = (dispatch_handler)(uintptr_t)(address);                 \
        GO_TO(dispatch_native, IN->code);                                                          \
    } while (0)

/*
 * A fault in between is the guest's: where it was must be known. Plain builds for x86-64
 * find it in the machine registers (the order of DISPATCH_PARAMETERS in the preserve_none
 * convention), which a signal handler is told; AFTER_ACCESS keeps PC in its own that long.
 * Other builds, and sanitizers, which borrow registers, note it before each access.
 */
#if defined(__x86_64__)
#define DISPATCH_FAULTING(context)                                                                 \
    ((const uint8_t *)(uintptr_t)(context)->uc_mcontext.gregs[REG_RIP])
#define DISPATCH_NOTE_NATIVE_FAULT(registers, context)                                             \
    do {                                                                                           \
        const greg_t *gregs = (context)->uc_mcontext.gregs;                                        \
        (registers)->pc = (const uint8_t *)(uintptr_t)gregs[REG_R12];                              \
        (registers)->fp = (uint64_t *)(uintptr_t)gregs[REG_R13];                                   \
        (registers)->fuel = (int64_t)gregs[REG_R15];                                               \
        (registers)->instance = (struct engine_instance *)(uintptr_t)gregs[REG_RDI];               \
    } while (0)
#else
#define DISPATCH_FAULTING(context)                     ((const uint8_t *)NULL)
#define DISPATCH_NOTE_NATIVE_FAULT(registers, context) ((void)(context))
#endif

#if defined(__x86_64__) && (!DISPATCH_SANITIZED || DISPATCH_STENCILS)
#define BEFORE_ACCESS()                         ((void)0)
#define DISPATCH_NOTE_FAULT(registers, context) DISPATCH_NOTE_NATIVE_FAULT(registers, context)
#else
#define BEFORE_ACCESS()                         DISPATCH_SAVE(PC)
#define DISPATCH_NOTE_FAULT(registers, context) ((void)(context))
#endif
#define AFTER_ACCESS()            __asm__ volatile("" : : "r"(PC))

#define SWITCH_INSTANCE(instance) (IN = (instance), MEM = IN->memory_base)

/* Hands over to the cell at r->pc; comes back when the guest stops. */
static inline enum engine_outcome dispatch_enter(const struct machine_registers *r)
{
    const uint8_t *base = (const uint8_t *)(uintptr_t)&dispatch_base;
    dispatch_handler first = (dispatch_handler)(uintptr_t)(base + (int32_t)dispatch_field32(r->pc));
    return first(r->pc, r->fp, r->instance->memory_base, r->fuel, r->instance, base, r->accumulator,
                 r->pins[0], r->pins[1], r->pins[2], r->float_accumulator, r->float_pins[0],
                 r->float_pins[1], r->float_pins[2]);
}

#else /* trampoline */

#define DISPATCH_NAME        "trampoline"
#define DISPATCH_CONTINUE    0x100

typedef int dispatch_function(struct machine_registers *registers);
typedef dispatch_function *dispatch_handler;

#define HANDLER(name)        static int name(UNUSED struct machine_registers *registers)
#define SHARED_HANDLER(name) int name(UNUSED struct machine_registers *registers)
SHARED_HANDLER(dispatch_base);

#define PC                   registers->pc
#define FP                   registers->fp
#define FUEL                 registers->fuel
#define IN                   registers->instance
#define MEM                  registers->instance->memory_base
#define ACC                  registers->accumulator
#define PIN0                 registers->pins[0]
#define PIN1                 registers->pins[1]
#define PIN2                 registers->pins[2]
#define FACC                 registers->float_accumulator
#define FPIN0                registers->float_pins[0]
#define FPIN1                registers->float_pins[1]
#define FPIN2                registers->float_pins[2]

#define JUMP(to)                                                                                   \
    do {                                                                                           \
        PC = (to);                                                                                 \
        return DISPATCH_CONTINUE;                                                                  \
    } while (0)

#define STOP(at, outcome)                                                                          \
    do {                                                                                           \
        PC = (at);                                                                                 \
        return (int)(outcome);                                                                     \
    } while (0)

#define GO_TO(handler, at)                                                                         \
    do {                                                                                           \
        PC = (at);                                                                                 \
        return handler(registers);                                                                 \
    } while (0)

/* No image has native code in a build that dispatches so. */
#define GO_TO_NATIVE(address)                          ((void)(address))

#define SAVE_REGISTERS()                               ((void)0)

#define DISPATCH_FAULTING(context)                     ((const uint8_t *)NULL)
#define DISPATCH_NOTE_NATIVE_FAULT(registers, context) ((void)(context))
#define DISPATCH_NOTE_FAULT(registers, context)        ((void)(context))
#define BEFORE_ACCESS()                                ((void)0)
#define AFTER_ACCESS()                                 ((void)0)
#define SWITCH_INSTANCE(instance)                      (IN = (instance))

/* Runs cells from r->pc on until the guest stops. */
static inline enum engine_outcome dispatch_enter(struct machine_registers *r)
{
    const uint8_t *base = (const uint8_t *)(uintptr_t)&dispatch_base;
    int outcome = DISPATCH_CONTINUE;
    while (outcome == DISPATCH_CONTINUE) {
        dispatch_handler next =
            (dispatch_handler)(uintptr_t)(base + (int32_t)dispatch_field32(r->pc));
        outcome = next(r);
    }
    return (enum engine_outcome)outcome;
}

#endif

/* Takes the count of what was executed: nothing in a build that measures what metering costs. */
#ifndef ENGINE_UNMETERED
#define ENGINE_UNMETERED 0
#endif
#if ENGINE_UNMETERED
#define CHARGE(count) ((void)(count))
#else
#define CHARGE(count) ((void)(FUEL -= (int64_t)(count)))
#endif
#define CHARGE_LEAVES_NONE() (!ENGINE_UNMETERED && UNLIKELY(FUEL < 0))

/*
 * The ways out that handlers have in common (ops_control.c), and GO_TO: saving all registers
 * takes more code than most handlers, and is rare.
 */
SHARED_HANDLER(dispatch_suspend);
SHARED_HANDLER(dispatch_trap);

/* Out of fuel: go on later at `at`, which must be a cell not yet begun. */
#if DISPATCH_STENCILS
#define SUSPEND(at) GO_TO(native_suspend, at)
#else
#define SUSPEND(at) GO_TO(dispatch_suspend, at)
#endif

/* A field that is a branch: target, as signed bytes from this cell; fuel, which may be negative. */
#define BRANCH_BYTES 8

#if DISPATCH_STENCILS
#include "engine/ops/stencil.h"
#else

/* A cell's fields, by their offsets in it. */
#define FIELD16(at)        dispatch_field16(PC + (at))
#define FIELD32(at)        dispatch_field32(PC + (at))
#define FIELD_WIDE(at)     ((uint64_t)FIELD32(at))
#define FIELD_SIGNED(at)   ((int64_t)(int32_t)FIELD32(at))
#define FIELD64(at)        dispatch_field64(PC + (at))
#define SLOT_OF(frame, at) ((frame)[FIELD16(at)])
#define SLOT(at)           SLOT_OF(FP, at)
#define GLOBAL(at)         IN->globals[FIELD32(at)]
#define TABLE_OF(at)       IN->tables[FIELD16(at)]

#define NEXT(bytes)        JUMP(PC + (bytes))

#define RAISE(code)                                                                                \
    do {                                                                                           \
        IN->machine->trap = (code);                                                                \
        GO_TO(dispatch_trap, PC);                                                                  \
    } while (0)

/* On at a cell that is named by the field at `at`, or is the next; unless what was just charged
 * leaves no fuel. */
#define GO_TO_TARGET(at)                                                                           \
    do {                                                                                           \
        const uint8_t *dispatch_target = PC + FIELD_SIGNED(at);                                    \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(dispatch_target);                                                              \
        JUMP(dispatch_target);                                                                     \
    } while (0)
#define GO_TO_NEXT(bytes)                                                                          \
    do {                                                                                           \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(PC + (bytes));                                                                 \
        NEXT(bytes);                                                                               \
    } while (0)
/* Calls and returns: to a function whose frame is made, at the field at `slot`, which the field at
 * `target` or its row names, for the fuel in the field at `fuel`; the same in tail position; back
 * from one, whose link is in the field at `slot`, with the fuel in the one behind it. */
#define ENTER_CALLEE(frame, slot, fuel, target)                                                    \
    do {                                                                                           \
        FP = (frame);                                                                              \
        CHARGE(FIELD_SIGNED(fuel));                                                                \
        GO_TO_TARGET(target);                                                                      \
    } while (0)
#define ENTER_FUNC(frame, slot, fuel, row)                                                         \
    do {                                                                                           \
        FP = (frame);                                                                              \
        CHARGE(FIELD_SIGNED(fuel));                                                                \
        JUMP_TO_FUNC(row);                                                                         \
    } while (0)
#define JUMP_TO_FUNC(row)                                                                          \
    do {                                                                                           \
        const uint8_t *dispatch_target = IN->code + (row)->entry;                                  \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(dispatch_target);                                                              \
        JUMP(dispatch_target);                                                                     \
    } while (0)
#define LEAVE_FUNC(slot)                                                                           \
    do {                                                                                           \
        const struct frame_link *dispatch_link = frame_link_at(&SLOT(slot));                       \
        CHARGE(FIELD_SIGNED((slot) + 2));                                                          \
        FP = dispatch_link->caller_fp;                                                             \
        JUMP(dispatch_link->return_pc);                                                            \
    } while (0)
/* The field is one of many, index * 8 further on. */
#define GO_TO_ENTRY(at, index)                                                                     \
    do {                                                                                           \
        const uint8_t *dispatch_entry = PC + (at) + (size_t)(index)*BRANCH_BYTES;                  \
        const uint8_t *dispatch_target = PC + (int32_t)dispatch_field32(dispatch_entry);           \
        CHARGE((int32_t)dispatch_field32(dispatch_entry + sizeof(uint32_t)));                      \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(dispatch_target);                                                              \
        JUMP(dispatch_target);                                                                     \
    } while (0)

/* numeric.h's function of a value and the constant in the field at `at`, of integers; and that
 * constant alone, as 64 bits. */
#define WITH_CONSTANT(type, name, value, at)                                                       \
    numeric_##type##_##name((ctype_##type)(value), READ(type, K, at))
#define CONSTANT_i32(at) FIELD_WIDE(at)
#define CONSTANT_i64(at) FIELD64(at)

/* For members of families that have no constant of 64 bits. */
#define UNLESS_WIDE(...) __VA_ARGS__

/* Leaves what is rare to a handler that begins the same cell anew. */
#define DEFER(handler)   GO_TO(handler, PC)
/* Has an address in a register from here on; what is added to it is a displacement. */
#define SETTLE(address)  ((void)0)

#endif

#endif
