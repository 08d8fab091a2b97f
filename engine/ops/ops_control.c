/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of control: branches, calls, returns, imports, and the traffic between frames
 * and pinned registers.
 *
 * Fuel: the fields hold what was executed since the last place that charged. Calls, taken
 * branches and `charge` also test it; on suspension the state is that of the cell to be
 * executed next, so nothing is done twice.
 *
 * A cross frame carries a call into another instance of the machine and back:
 *
 *     frame -> | return pc | caller's instance | caller's fp | result slots | callee's frame ...
 */
#include "engine/image/image.h"
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/read/types.h"
#include "engine/run/call.h"
#include "engine/run/frames.h"
#include "engine/run/identity.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/object.h"
#include "engine/run/table.h"

static inline uint32_t control_local_count(const uint8_t *entry)
{
    return dispatch_field32(entry - 4);
}

/* ---- branches -------------------------------------------------------------------------------- */

HANDLER(jump_)
{
    TAKE_BRANCH(HEAD);
}
const dispatch_handler ops_jump[] = {jump_};

/* fields: what to add to x, branch */
#define ADD_JUMP_X(handler, x, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { ADD = HEAD + SIZE(type, x), TARGET = ADD + 4 };                                     \
        WRITE(type, x, HEAD, READ(type, x, HEAD) + FIELD32(ADD));                                  \
        TAKE_BRANCH(TARGET);                                                                       \
    }
FAMILY(XN, ADD_JUMP_X, add_jump, i32)

#define MOV_JUMP_YD(handler, d, y, type)                                                           \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(type, y), TARGET = D + SIZE(type, d) };                             \
        WRITE(type, d, D, READ(type, y, HEAD));                                                    \
        TAKE_BRANCH(TARGET);                                                                       \
    }
FAMILY(YXN, MOV_JUMP_YD, mov_jump, i64)

HANDLER(charge_)
{
    CHARGE(FIELD32(HEAD));
    if (CHARGE_LEAVES_NONE())
        SUSPEND(PC + CELL(HEAD + 4));
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_charge[] = {charge_};

HANDLER(unreachable_)
{
    RAISE(TRAP_UNREACHABLE);
}
const dispatch_handler ops_unreachable[] = {unreachable_};

/* fields: what to take off the index, entries. The last entry is the default; the count does
 * not include it. */
#define BR_TABLE_X(handler, x, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { BIAS = HEAD + SIZE(type, x), COUNT = BIAS + 4, ENTRIES = CELL(COUNT + 4) };         \
        uint32_t index = READ(type, x, HEAD) - FIELD32(BIAS);                                      \
        uint32_t count = FIELD32(COUNT);                                                           \
        index = index < count ? index : count;                                                     \
        TAKE_BRANCH(ENTRIES + (size_t)index * BRANCH_BYTES);                                       \
    }
FAMILY(X, BR_TABLE_X, br_table, i32)

/* ---- slots ----------------------------------------------------------------------------------- */

HANDLER(copy_slots_)
{
    memmove(&SLOT(HEAD + 2), &SLOT(HEAD), FIELD16(HEAD + 4) * sizeof(*FP));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_copy_slots[] = {copy_slots_};

/* fields: sources, first target; values are whole slots, constants unsigned 32 bits. The targets
 * are above all sources. */
#define MOVE(name, target, end, first, second)                                                     \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *to = &SLOT(target);                                                              \
        to[0] = (first);                                                                           \
        to[1] = (second);                                                                          \
        NEXT(CELL(end));                                                                           \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
MOVE(move_ss, HEAD + 4, HEAD + 6, SLOT(HEAD), SLOT(HEAD + 2))
MOVE(move_sk, HEAD + 2, HEAD + 8, SLOT(HEAD), FIELD32(HEAD + 4))
MOVE(move_ks, HEAD + 2, HEAD + 8, FIELD32(HEAD + 4), SLOT(HEAD))
MOVE(move_kk, HEAD, HEAD + 10, FIELD32(HEAD + 2), FIELD32(HEAD + 6))

HANDLER(move_sss_)
{
    uint64_t *to = &SLOT(HEAD + 6);
    to[0] = SLOT(HEAD);
    to[1] = SLOT(HEAD + 2);
    to[2] = SLOT(HEAD + 4);
    NEXT(CELL(HEAD + 8));
}
const dispatch_handler ops_move_sss[] = {move_sss_};

#define ZERO(n)                                                                                    \
    HANDLER(zero_##n##_)                                                                           \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        for (int i = 0; i < (n); i++)                                                              \
            slot[i] = 0;                                                                           \
        NEXT(CELL(HEAD + 2));                                                                      \
    }                                                                                              \
    const dispatch_handler ops_zero_##n[] = {zero_##n##_};
ZERO(1)
ZERO(2)
ZERO(3)
ZERO(4)

/* Locals have a price of their own, or a call could clear 400 KB for one unit of fuel. */
#define LOCALS_PER_FUEL 8

HANDLER(zero_many_)
{
    memset(&SLOT(HEAD), 0, FIELD16(HEAD + 2) * sizeof(*FP));
    CHARGE_PRICE(FIELD16(HEAD + 2) / LOCALS_PER_FUEL);
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_zero_many[] = {zero_many_};

/* Pins to and from their locals' home slots, around calls. PINS_n(M, at) applies M(pin, field),
 * the fields from `at` on. */
#define PINS_0(M, at, ...)
#define PINS_1(M, at, ...)      M(0, at, __VA_ARGS__)
#define PINS_2(M, at, ...)      PINS_1(M, at, __VA_ARGS__) M(1, (at) + 2, __VA_ARGS__)
#define PINS_3(M, at, ...)      PINS_2(M, at, __VA_ARGS__) M(2, (at) + 4, __VA_ARGS__)
#define SAVE_PIN(pin, at, type) WRITE(type, S, at, READ(type, P##pin, 0));
#define LOAD_PIN(pin, at, type) WRITE(type, P##pin, 0, READ(type, S, at));
#define PINS(n, type, save_name, load_name)                                                        \
    HANDLER(save_name##_##n##_)                                                                    \
    {                                                                                              \
        PINS_##n(SAVE_PIN, HEAD, type) NEXT(CELL(HEAD + 2 * (n)));                                 \
    }                                                                                              \
    const dispatch_handler ops_##save_name##_##n[] = {save_name##_##n##_};                         \
    HANDLER(load_name##_##n##_)                                                                    \
    {                                                                                              \
        PINS_##n(LOAD_PIN, HEAD, type) NEXT(CELL(HEAD + 2 * (n)));                                 \
    }                                                                                              \
    const dispatch_handler ops_##load_name##_##n[] = {load_name##_##n##_};
PINS(1, i64, save_pins, load_pins)
PINS(2, i64, save_pins, load_pins)
PINS(3, i64, save_pins, load_pins)
PINS(1, f64, save_float_pins, load_float_pins)
PINS(2, f64, save_float_pins, load_float_pins)
PINS(3, f64, save_float_pins, load_float_pins)

/* The beginning of a function. */
#define ZERO_LOAD(zeros, n)                                                                        \
    HANDLER(zero_##zeros##_load_##n##_)                                                            \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        for (int i = 0; i < (zeros); i++)                                                          \
            slot[i] = 0;                                                                           \
        PINS_##n(LOAD_PIN, HEAD + 2, i64) NEXT(CELL(HEAD + 2 + 2 * (n)));                          \
    }                                                                                              \
    const dispatch_handler ops_zero_##zeros##_load_##n[] = {zero_##zeros##_load_##n##_};
#define ZERO_LOADS(zeros) ZERO_LOAD(zeros, 1) ZERO_LOAD(zeros, 2) ZERO_LOAD(zeros, 3)
ZERO_LOADS(1)
ZERO_LOADS(2)
ZERO_LOADS(3)
ZERO_LOADS(4)

/* After a call. The result's local may be one of the pins. */
#define LOAD_MOV_D(handler, d, n)                                                                  \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { PINS = HEAD + SIZE(i64, d) };                                                       \
        PINS_##n(LOAD_PIN, PINS, i64) WRITE(i64, d, HEAD, ACC);                                    \
        NEXT(CELL(PINS + 2 * (n)));                                                                \
    }
FAMILY(XN, LOAD_MOV_D, load_pins_1_mov, 1)
FAMILY(XN, LOAD_MOV_D, load_pins_2_mov, 2)
FAMILY(XN, LOAD_MOV_D, load_pins_3_mov, 3)

/* ---- calls ----------------------------------------------------------------------------------- */

/* Charges and enters a function whose frame and link are made. */
#define ENTER(target, cost)                                                                        \
    do {                                                                                           \
        CHARGE(cost);                                                                              \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(target);                                                                       \
        JUMP(target);                                                                              \
    } while (0)

/* fields: frame, callee's locals, fuel, target, pins to save */
#define CALL(name, saved)                                                                          \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            FRAME = HEAD,                                                                          \
            LOCALS = FRAME + 2,                                                                    \
            COST = LOCALS + 2,                                                                     \
            TARGET = COST + 4,                                                                     \
            SAVED = TARGET + 4,                                                                    \
            END = SAVED + 2 * (saved)                                                              \
        };                                                                                         \
        uint64_t *frame = &SLOT(FRAME);                                                            \
        if (UNLIKELY(frame > IN->stack_limit))                                                     \
            RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                      \
        const uint8_t *target = PC + (int32_t)FIELD32(TARGET);                                     \
        uint32_t cost = FIELD32(COST);                                                             \
        PINS_##saved(SAVE_PIN, SAVED, i64) uint64_t *link = frame + FIELD16(LOCALS);               \
        link[0] = (uintptr_t)(PC + CELL(END));                                                     \
        link[1] = (uintptr_t)FP;                                                                   \
        FP = frame;                                                                                \
        ENTER(target, cost);                                                                       \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
CALL(call, 0)
CALL(call_save_1, 1)
CALL(call_save_2, 2)
CALL(call_save_3, 3)

/* A function found through a table. */
struct control_callee {
    enum engine_trap trap;
    uint32_t func;
    struct engine_instance *instance;
};

/* The way of a function that is not exactly of the type, or of another instance. */
static __attribute__((noinline)) struct control_callee
control_resolve_slow(const struct engine_instance *caller, uint64_t reference, uint32_t type)
{
    struct control_callee callee = {
        .instance = reference_instance(caller->machine, reference),
        .func = reference_func(reference),
    };
    uint32_t callee_type = callee.instance->funcs[callee.func].type;
    if (!identity_is_below(caller->machine, identity_of(callee.instance, callee_type),
                           identity_of(caller, type)))
        callee.trap = TRAP_INDIRECT_CALL_TYPE_MISMATCH;
    return callee;
}

/* [Wasm core 4.4.8 call_indirect]: bounds, null, type. */
static inline struct control_callee
control_resolve(struct engine_instance *caller, uint32_t table, uint32_t index, uint32_t type)
{
    struct control_callee callee = {.instance = caller};
    const struct table *entries = caller->tables[table];
    if (UNLIKELY(index >= entries->count)) {
        callee.trap = TRAP_UNDEFINED_ELEMENT;
        return callee;
    }
    uint64_t reference = entries->entries[index];
    if (UNLIKELY(reference == 0)) {
        callee.trap = TRAP_UNINITIALIZED_ELEMENT;
        return callee;
    }
    callee.func = reference_func(reference);
    if (UNLIKELY(reference >> 32 != caller->id || caller->funcs[callee.func].type != type))
        return control_resolve_slow(caller, reference, type);
    return callee;
}

/* The function that a reference names; its type was proven. */
static inline struct control_callee control_callee_of(struct engine_instance *caller,
                                                      uint64_t reference)
{
    struct control_callee callee = {.instance = caller, .func = reference_func(reference)};
    if (UNLIKELY(reference == 0))
        callee.trap = TRAP_NULL_FUNCTION;
    else if (UNLIKELY(reference >> 32 != caller->id))
        callee.instance = reference_instance(caller->machine, reference);
    return callee;
}

/*
 * Builds a cross frame at `frame` and the callee's frame behind it, with arguments from
 * `arguments` (which may overlap). Returns the callee's frame; the caller of this function
 * switches instance, sets FP and enters the target.
 */
static __attribute__((noinline)) uint64_t *control_cross(uint64_t *frame,
                                                         uint64_t return_pc,
                                                         uint64_t caller_fp,
                                                         const uint64_t *arguments,
                                                         struct engine_instance *caller,
                                                         struct control_callee callee)
{
    const struct image_func *func = &callee.instance->funcs[callee.func];
    struct engine_functype type = image_functype(callee.instance->image, func->type);
    uint64_t *inner = frame + CROSS_FRAME_SLOTS;
    memmove(inner, arguments, engine_slot_count(type.params, type.param_count) * sizeof(*inner));
    frame[0] = return_pc;
    frame[1] = (uintptr_t)caller;
    frame[2] = caller_fp;
    frame[3] = engine_slot_count(type.results, type.result_count);
    uint64_t *link = inner + control_local_count(callee.instance->code + func->entry);
    link[0] = (uintptr_t)&caller->machine->cells.cross_return;
    link[1] = (uintptr_t)frame;
    return inner;
}

HANDLER(cross_return_)
{
    uint64_t *frame = FP;
    const uint8_t *to = (const uint8_t *)(uintptr_t)frame[0];
    SWITCH_INSTANCE((struct engine_instance *)(uintptr_t)frame[1]);
    FP = (uint64_t *)(uintptr_t)frame[2];
    memmove(frame, frame + CROSS_FRAME_SLOTS, frame[3] * sizeof(*frame));
    JUMP(to);
}

/* Enters a function found at run time, here or in another instance; offsets of the fields. */
#define CALL_FOUND(callee, FRAME, COST, END)                                                       \
    do {                                                                                           \
        if (UNLIKELY((callee).trap != TRAP_NONE))                                                  \
            RAISE((callee).trap);                                                                  \
        uint64_t *frame = &SLOT(FRAME);                                                            \
        if (UNLIKELY(frame > IN->stack_limit))                                                     \
            RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                      \
        uint32_t cost = FIELD32(COST);                                                             \
        const uint8_t *target =                                                                    \
            (callee).instance->code + (callee).instance->funcs[(callee).func].entry;               \
        if (LIKELY((callee).instance == IN)) {                                                     \
            uint64_t *link = frame + control_local_count(target);                                  \
            link[0] = (uintptr_t)(PC + CELL(END));                                                 \
            link[1] = (uintptr_t)FP;                                                               \
            FP = frame;                                                                            \
        } else {                                                                                   \
            FP = control_cross(frame, (uintptr_t)(PC + CELL(END)), (uintptr_t)FP, frame, IN,       \
                               callee);                                                            \
            SWITCH_INSTANCE((callee).instance);                                                    \
        }                                                                                          \
        ENTER(target, cost);                                                                       \
    } while (0)

/* x: index in the table; fields: frame, table, fuel, type, pins to save */
#define CALL_INDIRECT_X(handler, x, type, saved)                                                   \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum {                                                                                     \
            FRAME = HEAD + SIZE(type, x),                                                          \
            TABLE = FRAME + 2,                                                                     \
            COST = TABLE + 2,                                                                      \
            TYPE = COST + 4,                                                                       \
            SAVED = TYPE + 4,                                                                      \
            END = SAVED + 2 * (saved)                                                              \
        };                                                                                         \
        PINS_##saved(SAVE_PIN, SAVED, i64) struct control_callee callee =                          \
            control_resolve(IN, FIELD16(TABLE), READ(type, x, HEAD), FIELD32(TYPE));               \
        CALL_FOUND(callee, FRAME, COST, END);                                                      \
    }
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect, i32, 0)
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect_save_1, i32, 1)
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect_save_2, i32, 2)
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect_save_3, i32, 3)

/* x: reference; fields: frame, fuel */
#define CALL_REF_X(handler, x, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { FRAME = HEAD + SIZE(type, x), COST = FRAME + 2, END = COST + 4 };                   \
        struct control_callee callee = control_callee_of(IN, READ(type, x, HEAD));                 \
        CALL_FOUND(callee, FRAME, COST, END);                                                      \
    }
FAMILY(X_LEAN, CALL_REF_X, call_ref, i64)

/* fields: first argument, arguments, this function's locals, fuel, target */
HANDLER(return_call_)
{
    enum {
        FIRST = HEAD,
        COUNT = FIRST + 2,
        LOCALS = COUNT + 2,
        COST = LOCALS + 2,
        TARGET = COST + 4,
    };
    const uint8_t *target = PC + (int32_t)FIELD32(TARGET);
    uint32_t cost = FIELD32(COST);
    uint64_t return_pc = SLOT(LOCALS);
    uint64_t caller_fp = (&SLOT(LOCALS))[1];
    memmove(FP, &SLOT(FIRST), FIELD16(COUNT) * sizeof(*FP));
    uint64_t *link = FP + control_local_count(target);
    link[0] = return_pc;
    link[1] = caller_fp;
    ENTER(target, cost);
}
const dispatch_handler ops_return_call[] = {return_call_};

/* The same for a function found at run time. */
#define RETURN_CALL_FOUND(callee, FIRST, COUNT, LOCALS, COST)                                      \
    do {                                                                                           \
        if (UNLIKELY((callee).trap != TRAP_NONE))                                                  \
            RAISE((callee).trap);                                                                  \
        const uint8_t *target =                                                                    \
            (callee).instance->code + (callee).instance->funcs[(callee).func].entry;               \
        uint32_t cost = FIELD32(COST);                                                             \
        uint64_t return_pc = SLOT(LOCALS);                                                         \
        uint64_t caller_fp = (&SLOT(LOCALS))[1];                                                   \
        if (LIKELY((callee).instance == IN)) {                                                     \
            memmove(FP, &SLOT(FIRST), FIELD16(COUNT) * sizeof(*FP));                               \
            uint64_t *link = FP + control_local_count(target);                                     \
            link[0] = return_pc;                                                                   \
            link[1] = caller_fp;                                                                   \
        } else {                                                                                   \
            /* The cross frame stays below the new one, so such calls do need stack. */            \
            if (UNLIKELY(FP > IN->stack_limit))                                                    \
                RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                  \
            FP = control_cross(FP, return_pc, caller_fp, &SLOT(FIRST), IN, callee);                \
            SWITCH_INSTANCE((callee).instance);                                                    \
        }                                                                                          \
        ENTER(target, cost);                                                                       \
    } while (0)

/* index; fields: first argument, arguments, this function's locals, table, fuel, type */
HANDLER(return_call_indirect_)
{
    enum {
        FIRST = HEAD + 2,
        COUNT = FIRST + 2,
        LOCALS = COUNT + 2,
        TABLE = LOCALS + 2,
        COST = TABLE + 2,
        TYPE = COST + 4,
    };
    struct control_callee callee =
        control_resolve(IN, FIELD16(TABLE), (uint32_t)SLOT(HEAD), FIELD32(TYPE));
    RETURN_CALL_FOUND(callee, FIRST, COUNT, LOCALS, COST);
}
const dispatch_handler ops_return_call_indirect[] = {return_call_indirect_};

/* reference; fields: first argument, arguments, this function's locals, fuel */
HANDLER(return_call_ref_)
{
    enum { FIRST = HEAD + 2, COUNT = FIRST + 2, LOCALS = COUNT + 2, COST = LOCALS + 2 };
    struct control_callee callee = control_callee_of(IN, SLOT(HEAD));
    RETURN_CALL_FOUND(callee, FIRST, COUNT, LOCALS, COST);
}
const dispatch_handler ops_return_call_ref[] = {return_call_ref_};

/* ---- returns --------------------------------------------------------------------------------- */

#define LEAVE(link_at)                                                                             \
    do {                                                                                           \
        const uint64_t *link = &SLOT(link_at);                                                     \
        CHARGE(FIELD32((link_at) + 2));                                                            \
        FP = (uint64_t *)(uintptr_t)link[1];                                                       \
        JUMP((const uint8_t *)(uintptr_t)link[0]);                                                 \
    } while (0)

HANDLER(return_none_)
{
    LEAVE(HEAD);
}
const dispatch_handler ops_return_none[] = {return_none_};

#define RETURN_Y(handler, y, type)                                                                 \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { LINK = HEAD + SIZE(type, y) };                                                      \
        WRITE(type, A, 0, READ(type, y, HEAD));                                                    \
        LEAVE(LINK);                                                                               \
    }
FAMILY(Y, RETURN_Y, return_i32, i32)
FAMILY(Y, RETURN_Y, return_i64, i64)
FAMILY(Y, RETURN_Y, return_f32, f32)
FAMILY(Y, RETURN_Y, return_f64, f64)

/* The shadow stack's pointer goes up again: fields: global, constant, link, fuel. */
#define SET_SUM(x, type, index)                                                                    \
    (void)(IN->globals[FIELD32(index)].bits = READ(type, x, HEAD) + FIELD32((index) + 4))
#define SET_SUM_RETURN_X(handler, x, type)                                                         \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { INDEX = HEAD + SIZE(type, x) };                                                     \
        SET_SUM(x, type, INDEX);                                                                   \
        LEAVE(INDEX + 8);                                                                          \
    }
FAMILY(XN, SET_SUM_RETURN_X, set_sum_return_none, i32)
#define SET_SUM_RETURN_XY(handler, y, x, type, result)                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), INDEX = Y + SIZE(result, y) };                            \
        SET_SUM(x, type, INDEX);                                                                   \
        WRITE(result, A, 0, READ(result, y, Y));                                                   \
        LEAVE(INDEX + 8);                                                                          \
    }
FAMILY(XNYN, SET_SUM_RETURN_XY, set_sum_return_i32, i32, i32)
FAMILY(XNYN, SET_SUM_RETURN_XY, set_sum_return_i64, i32, i64)

/* fields: first result, results, link, fuel. The link is read before results may cover it. */
HANDLER(return_many_)
{
    enum { FIRST = HEAD, COUNT = FIRST + 2, LINK = COUNT + 2 };
    uint64_t return_pc = SLOT(LINK);
    uint64_t caller_fp = (&SLOT(LINK))[1];
    CHARGE(FIELD32(LINK + 2));
    memmove(FP, &SLOT(FIRST), FIELD16(COUNT) * sizeof(*FP));
    FP = (uint64_t *)(uintptr_t)caller_fp;
    JUMP((const uint8_t *)(uintptr_t)return_pc);
}
const dispatch_handler ops_return_many[] = {return_many_};

/* ---- imports: the body of a stub ------------------------------------------------------------- */

#define HOST_CALL_FUEL 20

/* fields: result class, locals, parameters, import */
enum {
    IMPORT_RESULT = HEAD,
    IMPORT_LOCALS = IMPORT_RESULT + 2,
    IMPORT_INDEX = IMPORT_LOCALS + 4,
    IMPORT_END = IMPORT_INDEX + 4,
    /* The cell after next: what import_return does is done. */
    IMPORT_AFTER = CELL(IMPORT_END) + CELL(HEAD + 4),
};

/*
 * A guest function that a host function calls back runs above a host frame:
 *
 *   stub's locals | link | PC behind, instance, FP, func << 32 | step | callee's frame ...
 *                        ^ host frame
 */
/* A number that is no reference would later be followed, and what a host left above an i32 is
 * part of the number where it is used as 64 bits. (AFTER_HOST does this for a single i32.) */
static void
control_take_results(const struct engine_instance *instance, uint32_t func, uint64_t *slots)
{
    struct engine_functype type = image_func_type(instance->image, func);
    for (uint32_t i = 0; i < type.result_count; i++) {
        if (types_is_half_slot(type.results[i]))
            *slots = (uint32_t)*slots;
        ASSERT(!engine_type_is_reference(type.results[i]) ||
               object_is_reference(instance->machine, *slots));
        slots += engine_slot_count(&type.results[i], 1);
    }
}

static __attribute__((noinline)) enum engine_outcome control_call_host(
    struct engine_instance *instance, uint64_t *slots, const uint8_t *cell, bool called_back)
{
    const struct import_binding *binding =
        &instance->imports[dispatch_field32(cell + IMPORT_INDEX)];
    struct engine_host_call call = {
        .instance = instance,
        .context = binding->context,
        .slots = (union engine_value *)slots,
        .frame = slots + dispatch_field16(cell + IMPORT_LOCALS) + 2,
    };
    if (called_back) {
        call.step = (uint32_t)call.frame[3];
        call.results = (const union engine_value *)(call.frame + HOST_FRAME_SLOTS);
    }
    enum engine_outcome outcome = binding->host(&call);
    if (UNLIKELY(binding->has_loose_results) && outcome == ENGINE_DONE)
        control_take_results(instance, dispatch_field32(cell + IMPORT_INDEX), slots);
    return outcome;
}

enum engine_outcome engine_host_call_guest(struct engine_host_call *call,
                                           uint32_t func_index,
                                           const union engine_value *arguments,
                                           uint32_t slots,
                                           uint32_t step)
{
    struct engine_instance *instance = call->instance;
    ASSERT(step != 0 && func_index < instance->image->funcs.count);
    struct engine_functype type = image_func_type(instance->image, func_index);
    ASSERT(slots == engine_slot_count(type.params, type.param_count));
    if (call->frame > instance->stack_limit) {
        instance->machine->trap = TRAP_CALL_STACK_EXHAUSTED;
        return ENGINE_TRAPPED;
    }
    call->frame[3] = (uint64_t)func_index << 32 | step;
    call_copy_arguments(instance, func_index, call->frame + HOST_FRAME_SLOTS, arguments);
    return ENGINE_CALLING;
}

/* Completes the host frame and makes the callee's, whose arguments are there; returns it. */
static uint64_t *
control_enter_guest(struct engine_instance *instance, uint64_t *fp, const uint8_t *cell)
{
    uint64_t *frame = fp + dispatch_field16(cell + IMPORT_LOCALS) + 2;
    frame[0] = (uintptr_t)(cell + CELL(IMPORT_END));
    frame[1] = (uintptr_t)instance;
    frame[2] = (uintptr_t)fp;
    uint64_t *inner = frame + HOST_FRAME_SLOTS;
    const uint8_t *target = instance->code + instance->funcs[frame[3] >> 32].entry;
    uint64_t *link = inner + control_local_count(target);
    link[0] = (uintptr_t)&instance->machine->cells.host_return;
    link[1] = (uintptr_t)frame;
    return inner;
}

/* The host function of the stub's `cell`, whose frame is at `fp`, answered: leaves. */
#define AFTER_HOST(cell, fp, outcome)                                                              \
    do {                                                                                           \
        if (UNLIKELY((outcome) == ENGINE_CALLING)) {                                               \
            FP = control_enter_guest(IN, (fp), (cell));                                            \
            CHARGE_PRICE(HOST_CALL_FUEL);                                                          \
            ENTER(IN->code + IN->funcs[FP[-1] >> 32].entry, 0);                                    \
        }                                                                                          \
        if (UNLIKELY((outcome) != ENGINE_DONE))                                                    \
            STOP(PC, (outcome));                                                                   \
        FP = (fp);                                                                                 \
        CHARGE_PRICE(HOST_CALL_FUEL + IN->machine->fuel_host);                                     \
        IN->machine->fuel_host = 0;                                                                \
        uint16_t result = dispatch_field16((cell) + IMPORT_RESULT);                                \
        /* Hosts write the low half; what an argument left above it must not come along. */        \
        if (result == CALL_RESULT_I32)                                                             \
            ACC = (uint32_t)FP[0];                                                                 \
        else if (result == CALL_RESULT_BITS)                                                       \
            ACC = FP[0];                                                                           \
        else if (result == CALL_RESULT_FLOAT)                                                      \
            FACC = numeric_f64_bits(FP[0]);                                                        \
        const uint8_t *after = (cell) + IMPORT_AFTER;                                              \
        if (UNLIKELY(FUEL < 0))                                                                    \
            SUSPEND(after);                                                                        \
        JUMP(after);                                                                               \
    } while (0)

HANDLER(import_call_)
{
    const struct import_binding *binding = &IN->imports[FIELD32(IMPORT_INDEX)];
    if (binding->host == NULL) {
        uint64_t *frame = FP + FIELD16(IMPORT_LOCALS) + 2;
        if (UNLIKELY(frame > IN->stack_limit))
            RAISE(TRAP_CALL_STACK_EXHAUSTED);
        struct control_callee callee = {.instance = binding->instance, .func = binding->func_index};
        const uint8_t *target = callee.instance->code + callee.instance->funcs[callee.func].entry;
        FP =
            control_cross(frame, (uintptr_t)(PC + CELL(IMPORT_END)), (uintptr_t)FP, FP, IN, callee);
        SWITCH_INSTANCE(callee.instance);
        ENTER(target, 0);
    }
    enum engine_outcome outcome = control_call_host(IN, FP, PC, false);
    AFTER_HOST(PC, FP, outcome);
}
const dispatch_handler ops_import_call[] = {import_call_};

/* Handlers may hold no struct: with sanitizers it would lie on a stack frame of their own. */
static __attribute__((noinline)) enum call_result
control_result_of_func(const struct engine_instance *instance, uint32_t func)
{
    return call_result_of(image_func_type(instance->image, func));
}

/* The guest function that a host function called is done: the host function's next step.
 * FP is at the host frame, so that this can be repeated if the host function waits. */
HANDLER(host_return_)
{
    const uint8_t *cell = (const uint8_t *)(uintptr_t)FP[0] - CELL(IMPORT_END);
    uint64_t *fp = (uint64_t *)(uintptr_t)FP[2];
    SWITCH_INSTANCE((struct engine_instance *)(uintptr_t)FP[1]);
    switch (control_result_of_func(IN, (uint32_t)(FP[3] >> 32))) {
    case CALL_RESULT_I32:
    case CALL_RESULT_BITS:
        FP[HOST_FRAME_SLOTS] = ACC;
        break;
    case CALL_RESULT_FLOAT:
        FP[HOST_FRAME_SLOTS] = numeric_bits_f64(FACC);
        break;
    case CALL_RESULT_NONE:
    case CALL_RESULT_MANY:
        break;
    }
    enum engine_outcome outcome = control_call_host(IN, fp, cell, true);
    AFTER_HOST(cell, fp, outcome);
}

/* After a call into another instance; fields: locals, results to copy down. */
HANDLER(import_return_)
{
    memmove(FP, &SLOT(HEAD) + 2, FIELD16(HEAD + 2) * sizeof(*FP));
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_import_return[] = {import_return_};

/* ---- the way out ----------------------------------------------------------------------------- */

HANDLER(exit_int_)
{
    FP[0] = ACC;
    STOP(PC, ENGINE_DONE);
}

HANDLER(exit_float_)
{
    FP[0] = numeric_bits_f64(FACC);
    STOP(PC, ENGINE_DONE);
}

BASE_HANDLER
{
    STOP(PC, ENGINE_DONE);
}

static int32_t control_offset(dispatch_handler handler)
{
    return (int32_t)((intptr_t)handler - (intptr_t)&dispatch_base);
}

void control_make_cells(struct machine_cells *cells)
{
    *cells = (struct machine_cells){
        .exit_none = 0,
        .exit_int = control_offset(exit_int_),
        .exit_float = control_offset(exit_float_),
        .cross_return = control_offset(cross_return_),
        .host_return = control_offset(host_return_),
        .unwind = control_offset(ops_unwind[0]),
    };
}
