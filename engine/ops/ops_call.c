/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of calls and returns: within an instance, through tables and references, in tail
 * position, and across instances (frames.h draws what they leave on the stack).
 *
 * A call tests the stack's end and the fuel; on suspension the callee's frame is made and its
 * first cell is next.
 */
#include "engine/ops/ops_call.h"

#include "engine/image/image.h"
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/frames.h"
#include "engine/run/identity.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/table.h"

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
        int64_t cost = FIELD_SIGNED(COST);                                                         \
        PINS_##saved(SAVE_PIN, SAVED, i64) struct frame_link *link =                               \
            frame_link_at(&SLOT_OF(frame, LOCALS));                                                \
        link->return_pc = PC + CELL(END);                                                          \
        link->caller_fp = FP;                                                                      \
        FP = frame;                                                                                \
        CHARGE(cost);                                                                              \
        GO_TO_TARGET(TARGET);                                                                      \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
CALL(call, 0)
CALL(call_save_1, 1)
CALL(call_save_2, 2)
CALL(call_save_3, 3)

/* The way of a function that is not exactly of the type, or of another instance. */
static UNUSED __attribute__((noinline)) struct callee
callee_resolve_slow(const struct engine_instance *caller, uint64_t reference, uint32_t type)
{
    struct callee callee = {
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
static inline struct callee
callee_resolve(struct engine_instance *caller, uint32_t table, uint32_t index, uint32_t type)
{
    struct callee callee = {.instance = caller};
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
    if (UNLIKELY(reference >> 32 != caller->id || caller->funcs[callee.func].type != type)) {
        if (!DISPATCH_DEFERS)
            return callee_resolve_slow(caller, reference, type);
        callee.trap =
            TRAP_INDIRECT_CALL_TYPE_MISMATCH; /* it may be none: to find out is deferred */
    }
    return callee;
}

/* The function that a reference names; its type was proven. */
static inline struct callee callee_of(struct engine_instance *caller, uint64_t reference)
{
    struct callee callee = {.instance = caller, .func = reference_func(reference)};
    if (UNLIKELY(reference == 0))
        callee.trap = TRAP_NULL_FUNCTION;
    else if (UNLIKELY(reference >> 32 != caller->id) && DISPATCH_DEFERS)
        callee.trap = TRAP_NULL_FUNCTION; /* it is none: what to do is deferred */
    else if (UNLIKELY(reference >> 32 != caller->id))
        callee.instance = reference_instance(caller->machine, reference);
    return callee;
}

uint64_t *callee_cross(uint64_t *slots,
                       const uint8_t *return_pc,
                       uint64_t *caller_fp,
                       const uint64_t *arguments,
                       struct engine_instance *caller,
                       struct callee callee)
{
    const struct image_func *func = &callee.instance->funcs[callee.func];
    struct engine_functype type = image_functype(callee.instance->image, func->type);
    uint64_t *inner = slots + CROSS_FRAME_SLOTS;
    memmove(inner, arguments, engine_slot_count(type.params, type.param_count) * sizeof(*inner));
    *frame_cross_at(slots) = (struct cross_frame){
        .back = {.return_pc = return_pc, .instance = caller, .fp = caller_fp},
        .result_slots = engine_slot_count(type.results, type.result_count),
    };
    *frame_link_of(inner, callee.instance->code + func->entry) = (struct frame_link){
        .return_pc = (const uint8_t *)&caller->machine->cells.cross_return,
        .caller_fp = slots,
    };
    return inner;
}

HANDLER(cross_return_)
{
    const struct cross_frame *frame = frame_cross_at(FP);
    const uint8_t *to = frame->back.return_pc;
    uint64_t *slots = FP;
    SWITCH_INSTANCE(frame->back.instance);
    FP = frame->back.fp;
    memmove(slots, slots + CROSS_FRAME_SLOTS, frame->result_slots * sizeof(*slots));
    JUMP(to);
}
const dispatch_handler call_cross_return = cross_return_;

/* Enters a function found at run time, here or in another instance; offsets of the fields. */
#define CALL_FOUND(callee, FRAME, COST, END)                                                       \
    do {                                                                                           \
        if (UNLIKELY((callee).trap != TRAP_NONE))                                                  \
            RAISE((callee).trap);                                                                  \
        uint64_t *frame = &SLOT(FRAME);                                                            \
        if (UNLIKELY(frame > IN->stack_limit))                                                     \
            RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                      \
        int64_t cost = FIELD_SIGNED(COST);                                                         \
        const uint8_t *target =                                                                    \
            (callee).instance->code + (callee).instance->funcs[(callee).func].entry;               \
        if (LIKELY((callee).instance == IN)) {                                                     \
            struct frame_link *link = frame_link_of(frame, target);                                \
            link->return_pc = PC + CELL(END);                                                      \
            link->caller_fp = FP;                                                                  \
            FP = frame;                                                                            \
            CHARGE(cost);                                                                          \
            if (CHARGE_LEAVES_NONE())                                                              \
                SUSPEND(target);                                                                   \
            GO_TO_CELL(target);                                                                    \
        }                                                                                          \
        FP = callee_cross(frame, PC + CELL(END), FP, frame, IN, callee);                           \
        SWITCH_INSTANCE((callee).instance);                                                        \
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
        PINS_##saved(SAVE_PIN, SAVED, i64) struct callee callee =                                  \
            callee_resolve(IN, FIELD16(TABLE), READ(type, x, HEAD), FIELD32(TYPE));                \
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
        struct callee callee = callee_of(IN, READ(type, x, HEAD));                                 \
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
    int64_t cost = FIELD_SIGNED(COST);
    const uint8_t *return_pc = frame_link_at(&SLOT(LOCALS))->return_pc;
    uint64_t *caller_fp = frame_link_at(&SLOT(LOCALS))->caller_fp;
    memmove(FP, &SLOT(FIRST), FIELD16(COUNT) * sizeof(*FP));
    struct frame_link *link = frame_link_of(FP, target);
    link->return_pc = return_pc;
    link->caller_fp = caller_fp;
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
        int64_t cost = FIELD_SIGNED(COST);                                                         \
        const uint8_t *return_pc = frame_link_at(&SLOT(LOCALS))->return_pc;                        \
        uint64_t *caller_fp = frame_link_at(&SLOT(LOCALS))->caller_fp;                             \
        if (LIKELY((callee).instance == IN)) {                                                     \
            memmove(FP, &SLOT(FIRST), FIELD16(COUNT) * sizeof(*FP));                               \
            struct frame_link *link = frame_link_of(FP, target);                                   \
            link->return_pc = return_pc;                                                           \
            link->caller_fp = caller_fp;                                                           \
        } else {                                                                                   \
            /* The cross frame stays below the new one, so such calls do need stack. */            \
            if (UNLIKELY(FP > IN->stack_limit))                                                    \
                RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                  \
            FP = callee_cross(FP, return_pc, caller_fp, &SLOT(FIRST), IN, callee);                 \
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
    struct callee callee = callee_resolve(IN, FIELD16(TABLE), (uint32_t)SLOT(HEAD), FIELD32(TYPE));
    RETURN_CALL_FOUND(callee, FIRST, COUNT, LOCALS, COST);
}
const dispatch_handler ops_return_call_indirect[] = {return_call_indirect_};

/* reference; fields: first argument, arguments, this function's locals, fuel */
HANDLER(return_call_ref_)
{
    enum { FIRST = HEAD + 2, COUNT = FIRST + 2, LOCALS = COUNT + 2, COST = LOCALS + 2 };
    struct callee callee = callee_of(IN, SLOT(HEAD));
    RETURN_CALL_FOUND(callee, FIRST, COUNT, LOCALS, COST);
}
const dispatch_handler ops_return_call_ref[] = {return_call_ref_};

/* ---- returns --------------------------------------------------------------------------------- */

#define LEAVE(link_at)                                                                             \
    do {                                                                                           \
        const struct frame_link *link = frame_link_at(&SLOT(link_at));                             \
        CHARGE(FIELD_SIGNED((link_at) + 2));                                                       \
        FP = link->caller_fp;                                                                      \
        GO_TO_CELL(link->return_pc);                                                               \
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
    (void)(GLOBAL(index).bits = READ(type, x, HEAD) + FIELD32((index) + 4))
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
    const uint8_t *return_pc = frame_link_at(&SLOT(LINK))->return_pc;
    uint64_t *caller_fp = frame_link_at(&SLOT(LINK))->caller_fp;
    CHARGE(FIELD_SIGNED(LINK + 2));
    memmove(FP, &SLOT(FIRST), FIELD16(COUNT) * sizeof(*FP));
    FP = caller_fp;
    GO_TO_CELL(return_pc);
}
const dispatch_handler ops_return_many[] = {return_many_};
