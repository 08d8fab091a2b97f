/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of imports: the body of the stub that stands for each imported function. It calls
 * the host, or crosses into another instance, and puts the result where a caller looks for it.
 *
 * A host function may call the guest back and is then called again: nothing of it stays on the
 * C stack, what it is in the middle of is a host frame (frames.h).
 */
#include "engine/image/image.h"
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/ops/ops_call.h"
#include "engine/read/types.h"
#include "engine/run/call.h"
#include "engine/run/frames.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/object.h"

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

/* A number that is no reference would later be followed, and what a host left above an i32 is
 * part of the number where it is used as 64 bits. (AFTER_HOST does this for a single i32.) */
static void
host_take_results(const struct engine_instance *instance, uint32_t func, uint64_t *slots)
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

static __attribute__((noinline)) enum engine_outcome host_call_host(
    struct engine_instance *instance, uint64_t *slots, const uint8_t *cell, bool called_back)
{
    const struct import_binding *binding =
        &instance->imports[dispatch_field32(cell + IMPORT_INDEX)];
    struct engine_host_call call = {
        .instance = instance,
        .context = binding->context,
        .slots = (union engine_value *)slots,
        .frame = slots + dispatch_field16(cell + IMPORT_LOCALS) + FRAME_LINK_SLOTS,
    };
    if (called_back) {
        call.step = frame_host_at(call.frame)->step;
        call.results = (const union engine_value *)(call.frame + HOST_FRAME_SLOTS);
    }
    enum engine_outcome outcome = binding->host(&call);
    if (UNLIKELY(binding->has_loose_results) && outcome == ENGINE_DONE)
        host_take_results(instance, dispatch_field32(cell + IMPORT_INDEX), slots);
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
    struct host_frame *frame = frame_host_at(call->frame);
    frame->step = step;
    frame->func = func_index;
    call_copy_arguments(instance, func_index, call->frame + HOST_FRAME_SLOTS, arguments);
    return ENGINE_CALLING;
}

/* Completes the host frame and makes the callee's, whose arguments are there; returns it. */
static uint64_t *
host_enter_guest(struct engine_instance *instance, uint64_t *fp, const uint8_t *cell)
{
    uint64_t *slots = fp + dispatch_field16(cell + IMPORT_LOCALS) + FRAME_LINK_SLOTS;
    struct host_frame *frame = frame_host_at(slots);
    frame->back = (struct frame_crossing){
        .return_pc = cell + CELL(IMPORT_END),
        .instance = instance,
        .fp = fp,
    };
    uint64_t *inner = slots + HOST_FRAME_SLOTS;
    *frame_link_of(inner, instance->code + instance->funcs[frame->func].entry) =
        (struct frame_link){
            .return_pc = (const uint8_t *)&instance->machine->cells.host_return,
            .caller_fp = slots,
        };
    return inner;
}

/* The host function of the stub's `cell`, whose frame is at `fp`, answered: leaves. */
#define AFTER_HOST(cell, fp, outcome)                                                              \
    do {                                                                                           \
        if (UNLIKELY((outcome) == ENGINE_CALLING)) {                                               \
            FP = host_enter_guest(IN, (fp), (cell));                                               \
            CHARGE_PRICE(HOST_CALL_FUEL);                                                          \
            ENTER(IN->code + IN->funcs[frame_host_at(FP)[-1].func].entry, 0);                      \
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
        uint64_t *slots = FP + FIELD16(IMPORT_LOCALS) + FRAME_LINK_SLOTS;
        if (UNLIKELY(slots > IN->stack_limit))
            RAISE(TRAP_CALL_STACK_EXHAUSTED);
        struct callee callee = {.instance = binding->instance, .func = binding->func_index};
        const uint8_t *target = callee.instance->code + callee.instance->funcs[callee.func].entry;
        FP = callee_cross(slots, PC + CELL(IMPORT_END), FP, FP, IN, callee);
        SWITCH_INSTANCE(callee.instance);
        ENTER(target, 0);
    }
    enum engine_outcome outcome = host_call_host(IN, FP, PC, false);
    AFTER_HOST(PC, FP, outcome);
}
const dispatch_handler ops_import_call[] = {import_call_};

/* Handlers may hold no struct: with sanitizers it would lie on a stack frame of their own. */
static __attribute__((noinline)) enum call_result
host_result_of_func(const struct engine_instance *instance, uint32_t func)
{
    return call_result_of(image_func_type(instance->image, func));
}

/* The guest function that a host function called is done: the host function's next step.
 * FP is at the host frame, so that this can be repeated if the host function waits. */
HANDLER(host_return_)
{
    const struct host_frame *frame = frame_host_at(FP);
    const uint8_t *cell = frame->back.return_pc - CELL(IMPORT_END);
    uint64_t *fp = frame->back.fp;
    SWITCH_INSTANCE(frame->back.instance);
    switch (host_result_of_func(IN, frame->func)) {
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
    enum engine_outcome outcome = host_call_host(IN, fp, cell, true);
    AFTER_HOST(cell, fp, outcome);
}
const dispatch_handler host_return = host_return_;

/* After a call into another instance; fields: locals, results to copy down. */
HANDLER(import_return_)
{
    memmove(FP, &SLOT(HEAD) + FRAME_LINK_SLOTS, FIELD16(HEAD + 2) * sizeof(*FP));
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_import_return[] = {import_return_};
