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
        SETTLE(frame);                                                                             \
        PINS_##saved(SAVE_PIN, SAVED, i64) struct frame_link *link =                               \
            frame_link_at(&SLOT_OF(frame, LOCALS));                                                \
        link->return_pc = PC + CELL(END);                                                          \
        link->caller_fp = FP;                                                                      \
        ENTER_CALLEE(frame, FRAME, COST, TARGET);                                                  \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
CALL(call, 0)
CALL(call_save_1, 1)
CALL(call_save_2, 2)
CALL(call_save_3, 3)

/* The row of a function of this very instance. False: it is another's, or null. */
static inline __attribute__((always_inline)) bool callee_near(const struct engine_instance *caller,
                                                              uint64_t reference,
                                                              const struct image_func **ret_row)
{
    uint64_t func = reference - caller->first_reference;
    bool is_near = func < caller->func_count;
    if (LIKELY(is_near))
        *ret_row = &caller->funcs[func];
    return is_near;
}

/* That of an entry of a table, if it is exactly of the type. False: it is not, or there is none. An
 * index beyond the table is none even where the processor has not seen yet that it is, since what
 * is found leads to code. */
static inline __attribute__((always_inline)) bool callee_entry(const struct engine_instance *caller,
                                                               const struct table *entries,
                                                               uint32_t index,
                                                               uint32_t type,
                                                               const struct image_func **ret_row)
{
    return LIKELY(index < entries->count) &&
           callee_near(caller, entries->entries[dispatch_below(index, entries->count)], ret_row) &&
           LIKELY((*ret_row)->type == type);
}

/* [Wasm core 4.4.8 call_indirect]: bounds, null, type. */
static UNUSED __attribute__((noinline)) struct callee
callee_resolve(struct engine_instance *caller, uint32_t table, uint32_t index, uint32_t type)
{
    struct callee callee = {.instance = caller};
    const struct table *entries = caller->tables[table];
    if (index >= entries->count) {
        callee.trap = TRAP_UNDEFINED_ELEMENT;
        return callee;
    }
    uint64_t reference = entries->entries[index];
    if (reference == 0) {
        callee.trap = TRAP_UNINITIALIZED_ELEMENT;
        return callee;
    }
    callee.func = reference_func(reference);
    if (reference >> 32 != caller->id)
        callee.instance = reference_instance(caller->machine, reference);
    uint32_t callee_type = callee.instance->funcs[callee.func].type;
    if ((callee.instance != caller || callee_type != type) &&
        !identity_is_below(caller->machine, identity_of(callee.instance, callee_type),
                           identity_of(caller, type)))
        callee.trap = TRAP_INDIRECT_CALL_TYPE_MISMATCH;
    return callee;
}

/* The function that a reference names; its type was proven. */
static UNUSED __attribute__((noinline)) struct callee callee_of(struct engine_instance *caller,
                                                                uint64_t reference)
{
    struct callee callee = {.instance = caller, .func = reference_func(reference)};
    if (reference == 0)
        callee.trap = TRAP_NULL_FUNCTION;
    else if (reference >> 32 != caller->id)
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

/*
 * Calls of a function found at run time: one of this instance, by its row, and, in a handler of its
 * own that begins the cell anew, any other and all traps. FRAME, COST and END are offsets of the
 * cell's fields.
 */
#define CALL_NEAR(row, FRAME, COST, END)                                                           \
    do {                                                                                           \
        uint64_t *frame = &SLOT(FRAME);                                                            \
        if (UNLIKELY(frame > IN->stack_limit))                                                     \
            RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                      \
        struct frame_link *link = frame_link_at(frame + (row)->locals);                            \
        link->return_pc = PC + CELL(END);                                                          \
        link->caller_fp = FP;                                                                      \
        ENTER_FUNC(frame, FRAME, COST, row);                                                       \
    } while (0)
#define CALL_FAR(callee_, FRAME, COST, END)                                                        \
    do {                                                                                           \
        struct callee callee = (callee_);                                                          \
        if (UNLIKELY(callee.trap != TRAP_NONE))                                                    \
            RAISE(callee.trap);                                                                    \
        uint64_t *frame = &SLOT(FRAME);                                                            \
        if (UNLIKELY(frame > IN->stack_limit))                                                     \
            RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                      \
        int64_t cost = FIELD_SIGNED(COST);                                                         \
        const uint8_t *target = callee.instance->code + callee.instance->funcs[callee.func].entry; \
        if (callee.instance == IN) {                                                               \
            struct frame_link *link = frame_link_of(frame, target);                                \
            link->return_pc = PC + CELL(END);                                                      \
            link->caller_fp = FP;                                                                  \
            FP = frame;                                                                            \
        } else {                                                                                   \
            FP = callee_cross(frame, PC + CELL(END), FP, frame, IN, callee);                       \
            SWITCH_INSTANCE(callee.instance);                                                      \
        }                                                                                          \
        ENTER(target, cost);                                                                       \
    } while (0)

/* x: index in the table; fields: frame, table, fuel, type, pins to save */
#define CALL_INDIRECT_FIELDS(type, x, saved)                                                       \
    enum {                                                                                         \
        FRAME = HEAD + SIZE(type, x),                                                              \
        TABLE = FRAME + 2,                                                                         \
        COST = TABLE + 2,                                                                          \
        TYPE = COST + 4,                                                                           \
        SAVED = TYPE + 4,                                                                          \
        END = SAVED + 2 * (saved)                                                                  \
    }
#define CALL_INDIRECT_X(handler, x, type, saved)                                                   \
    UNUSED HANDLER(handler##_far)                                                                  \
    {                                                                                              \
        CALL_INDIRECT_FIELDS(type, x, saved);                                                      \
        CALL_FAR(callee_resolve(IN, FIELD16(TABLE), READ(type, x, HEAD), FIELD32(TYPE)), FRAME,    \
                 COST, END);                                                                       \
    }                                                                                              \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        CALL_INDIRECT_FIELDS(type, x, saved);                                                      \
        PINS_##saved(SAVE_PIN, SAVED, i64) const struct image_func *row;                           \
        if (UNLIKELY(                                                                              \
                !callee_entry(IN, TABLE_OF(TABLE), READ(type, x, HEAD), FIELD32(TYPE), &row)))     \
            DEFER(handler##_far);                                                                  \
        CALL_NEAR(row, FRAME, COST, END);                                                          \
    }
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect, i32, 0)
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect_save_1, i32, 1)
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect_save_2, i32, 2)
FAMILY(X_LEAN, CALL_INDIRECT_X, call_indirect_save_3, i32, 3)

/* x: reference; fields: frame, fuel */
#define CALL_REF_X(handler, x, type)                                                               \
    UNUSED HANDLER(handler##_far)                                                                  \
    {                                                                                              \
        enum { FRAME = HEAD + SIZE(type, x), COST = FRAME + 2, END = COST + 4 };                   \
        CALL_FAR(callee_of(IN, READ(type, x, HEAD)), FRAME, COST, END);                            \
    }                                                                                              \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { FRAME = HEAD + SIZE(type, x), COST = FRAME + 2, END = COST + 4 };                   \
        const struct image_func *row;                                                              \
        if (UNLIKELY(!callee_near(IN, READ(type, x, HEAD), &row)))                                 \
            DEFER(handler##_far);                                                                  \
        CALL_NEAR(row, FRAME, COST, END);                                                          \
    }
FAMILY(X_LEAN, CALL_REF_X, call_ref, i64)

/*
 * In tail position: arguments go down to where this function's are, whose link at `locals` is
 * read before they may cover it; a few slots, not worth a call.
 */
#define TAKE_PLACE(locals, first, count, link_of)                                                  \
    do {                                                                                           \
        const uint8_t *return_pc = frame_link_at(&SLOT(locals))->return_pc;                        \
        uint64_t *caller_fp = frame_link_at(&SLOT(locals))->caller_fp;                             \
        const uint64_t *from = &SLOT(first);                                                       \
        for (uint64_t i = 0, slots = FIELD16(count); i < slots; i++) {                             \
            FP[i] = from[i];                                                                       \
            __asm__ volatile("" : : : "memory");                                                   \
        }                                                                                          \
        struct frame_link *link = (link_of);                                                       \
        link->return_pc = return_pc;                                                               \
        link->caller_fp = caller_fp;                                                               \
    } while (0)

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
    TAKE_PLACE(LOCALS, FIRST, COUNT, frame_link_of(FP, PC + FIELD_SIGNED(TARGET)));
    CHARGE(FIELD_SIGNED(COST));
    GO_TO_TARGET(TARGET);
}
const dispatch_handler ops_return_call[] = {return_call_};

/* The same for a function found at run time. */
#define RETURN_CALL_NEAR(row, FIRST, COUNT, LOCALS, COST)                                          \
    do {                                                                                           \
        TAKE_PLACE(LOCALS, FIRST, COUNT, frame_link_at(FP + (row)->locals));                       \
        CHARGE(FIELD_SIGNED(COST));                                                                \
        JUMP_TO_FUNC(row);                                                                         \
    } while (0)
#define RETURN_CALL_FAR(callee_, FIRST, COUNT, LOCALS, COST)                                       \
    do {                                                                                           \
        struct callee callee = (callee_);                                                          \
        if (UNLIKELY(callee.trap != TRAP_NONE))                                                    \
            RAISE(callee.trap);                                                                    \
        const uint8_t *target = callee.instance->code + callee.instance->funcs[callee.func].entry; \
        int64_t cost = FIELD_SIGNED(COST);                                                         \
        if (callee.instance == IN) {                                                               \
            TAKE_PLACE(LOCALS, FIRST, COUNT, frame_link_of(FP, target));                           \
            ENTER(target, cost);                                                                   \
        }                                                                                          \
        /* The cross frame stays below the new one, so such calls do need stack. */                \
        if (UNLIKELY(FP > IN->stack_limit))                                                        \
            RAISE(TRAP_CALL_STACK_EXHAUSTED);                                                      \
        const uint8_t *return_pc = frame_link_at(&SLOT(LOCALS))->return_pc;                        \
        uint64_t *caller_fp = frame_link_at(&SLOT(LOCALS))->caller_fp;                             \
        FP = callee_cross(FP, return_pc, caller_fp, &SLOT(FIRST), IN, callee);                     \
        SWITCH_INSTANCE(callee.instance);                                                          \
        ENTER(target, cost);                                                                       \
    } while (0)

/* index; fields: first argument, arguments, this function's locals, table, fuel, type */
enum {
    TAIL_INDIRECT_FIRST = HEAD + 2,
    TAIL_INDIRECT_COUNT = TAIL_INDIRECT_FIRST + 2,
    TAIL_INDIRECT_LOCALS = TAIL_INDIRECT_COUNT + 2,
    TAIL_INDIRECT_TABLE = TAIL_INDIRECT_LOCALS + 2,
    TAIL_INDIRECT_COST = TAIL_INDIRECT_TABLE + 2,
    TAIL_INDIRECT_TYPE = TAIL_INDIRECT_COST + 4,
};

UNUSED HANDLER(return_call_indirect_far)
{
    RETURN_CALL_FAR(callee_resolve(IN, FIELD16(TAIL_INDIRECT_TABLE), (uint32_t)SLOT(HEAD),
                                   FIELD32(TAIL_INDIRECT_TYPE)),
                    TAIL_INDIRECT_FIRST, TAIL_INDIRECT_COUNT, TAIL_INDIRECT_LOCALS,
                    TAIL_INDIRECT_COST);
}

HANDLER(return_call_indirect_)
{
    const struct image_func *row;
    if (UNLIKELY(!callee_entry(IN, TABLE_OF(TAIL_INDIRECT_TABLE), (uint32_t)SLOT(HEAD),
                               FIELD32(TAIL_INDIRECT_TYPE), &row)))
        DEFER(return_call_indirect_far);
    RETURN_CALL_NEAR(row, TAIL_INDIRECT_FIRST, TAIL_INDIRECT_COUNT, TAIL_INDIRECT_LOCALS,
                     TAIL_INDIRECT_COST);
}
const dispatch_handler ops_return_call_indirect[] = {return_call_indirect_};

/* reference; fields: first argument, arguments, this function's locals, fuel */
enum {
    TAIL_REF_FIRST = HEAD + 2,
    TAIL_REF_COUNT = TAIL_REF_FIRST + 2,
    TAIL_REF_LOCALS = TAIL_REF_COUNT + 2,
    TAIL_REF_COST = TAIL_REF_LOCALS + 2,
};

UNUSED HANDLER(return_call_ref_far)
{
    RETURN_CALL_FAR(callee_of(IN, SLOT(HEAD)), TAIL_REF_FIRST, TAIL_REF_COUNT, TAIL_REF_LOCALS,
                    TAIL_REF_COST);
}

HANDLER(return_call_ref_)
{
    const struct image_func *row;
    if (UNLIKELY(!callee_near(IN, SLOT(HEAD), &row)))
        DEFER(return_call_ref_far);
    RETURN_CALL_NEAR(row, TAIL_REF_FIRST, TAIL_REF_COUNT, TAIL_REF_LOCALS, TAIL_REF_COST);
}
const dispatch_handler ops_return_call_ref[] = {return_call_ref_};

/* ---- returns --------------------------------------------------------------------------------- */

HANDLER(return_none_)
{
    LEAVE_FUNC(HEAD);
}
const dispatch_handler ops_return_none[] = {return_none_};

#define RETURN_Y(handler, y, type)                                                                 \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { LINK = HEAD + SIZE(type, y) };                                                      \
        WRITE(type, A, 0, READ(type, y, HEAD));                                                    \
        LEAVE_FUNC(LINK);                                                                          \
    }
FAMILY(Y, RETURN_Y, return_i32, i32)
FAMILY(Y, RETURN_Y, return_i64, i64)
FAMILY(Y, RETURN_Y, return_f32, f32)
FAMILY(Y, RETURN_Y, return_f64, f64)

/* The shadow stack's pointer goes up again: fields: global, constant, link, fuel. */
#define SET_SUM(x, type, index)                                                                    \
    (void)(GLOBAL(index).bits = WITH_CONSTANT(type, add, READ(i64, x, HEAD), (index) + 4))
#define SET_SUM_RETURN_X(handler, x, type)                                                         \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { INDEX = HEAD + SIZE(type, x) };                                                     \
        SET_SUM(x, type, INDEX);                                                                   \
        LEAVE_FUNC(INDEX + 8);                                                                     \
    }
FAMILY(XN, SET_SUM_RETURN_X, set_sum_return_none, i32)
#define SET_SUM_RETURN_XY(handler, y, x, type, result)                                             \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { Y = HEAD + SIZE(type, x), INDEX = Y + SIZE(result, y) };                            \
        SET_SUM(x, type, INDEX);                                                                   \
        WRITE(result, A, 0, READ(result, y, Y));                                                   \
        LEAVE_FUNC(INDEX + 8);                                                                     \
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
    JUMP(return_pc);
}
const dispatch_handler ops_return_many[] = {return_many_};
