/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from outside: engine_call_begin makes the first frame, from where engine_run goes on.
 *
 * Invariant: nothing is left of the call before. What a host gives is held against the types
 * here, once, and never looked at again.
 */
#include "engine/run/call.h"

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/read/types.h"
#include "engine/run/frames.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/object.h"

enum call_result call_result_of(struct engine_functype type)
{
    uint32_t slots = engine_slot_count(type.results, type.result_count);
    if (slots != 1)
        return slots == 0 ? CALL_RESULT_NONE : CALL_RESULT_MANY;
    if (types_is_float(type.results[0]))
        return CALL_RESULT_FLOAT;
    return type.results[0] == ENGINE_I32 ? CALL_RESULT_I32 : CALL_RESULT_BITS;
}

void call_copy_arguments(const struct engine_instance *instance,
                         uint32_t func_index,
                         uint64_t *frame,
                         const union engine_value *arguments)
{
    struct engine_functype type = image_func_type(instance->image, func_index);
    if (type.param_count == 0)
        return;
    uint32_t slots = engine_slot_count(type.params, type.param_count);
    memmove(frame, arguments, slots * sizeof(*frame));
    /* The host fills the low half of an i32, the guest relies on what is above being zero. */
    for (uint32_t i = 0; i < type.param_count; i++) {
        if (type.params[i] == ENGINE_I32)
            *frame = (uint32_t)*frame;
        ASSERT(!engine_type_is_reference(type.params[i]) ||
               object_is_reference(instance->machine, *frame));
        frame += engine_slot_count(&type.params[i], 1);
    }
}

/* Where the first frame returns to. */
static const uint8_t *call_exit_cell(const struct machine_cells *cells, enum call_result result)
{
    switch (result) {
    case CALL_RESULT_I32:
    case CALL_RESULT_BITS:
        return (const uint8_t *)&cells->exit_int;
    case CALL_RESULT_FLOAT:
        return (const uint8_t *)&cells->exit_float;
    case CALL_RESULT_NONE:
    case CALL_RESULT_MANY:
        break;
    }
    return (const uint8_t *)&cells->exit_none;
}

/* Of a call whose frames are there: nothing is left of the one before. */
static void call_start(struct engine_machine *machine,
                       struct engine_instance *instance,
                       uint32_t func_index,
                       const uint8_t *pc,
                       uint64_t *fp)
{
    int64_t owed = machine->registers.fuel;
    machine->registers =
        (struct machine_registers){.pc = pc, .fp = fp, .instance = instance, .fuel = owed};
    machine->memory_refused = false;
    machine->call_instance = instance;
    machine->call_func = func_index;
    machine->trap = TRAP_NONE;
    machine->trap_reason = NULL;
    machine->fuel_host = 0;
    machine->fuel_before = engine_machine_instructions(machine);
    heap_collect_cancel(&machine->heap);
    machine->busy = true;
}

static struct frame_link call_outermost(struct engine_machine *machine, struct engine_functype type)
{
    return (struct frame_link){
        .return_pc = call_exit_cell(&machine->cells, call_result_of(type)),
        .caller_fp = machine->stack,
    };
}

void engine_call_begin(struct engine_machine *machine,
                       struct engine_instance *instance,
                       uint32_t func_index,
                       const union engine_value *arguments,
                       uint32_t slots)
{
    ASSERT(!machine->busy);
    const struct image_header *image = instance->image;
    ASSERT(func_index < image->funcs.count);
    const struct image_func *func = &instance->funcs[func_index];
    struct engine_functype type = image_functype(image, func->type);
    ASSERT(slots == engine_slot_count(type.params, type.param_count));

    const uint8_t *entry = instance->code + func->entry;
    uint64_t *frame = machine->stack;
    call_copy_arguments(instance, func_index, frame, arguments);
    *frame_link_of(frame, entry) = call_outermost(machine, type);
    call_start(machine, instance, func_index, entry, frame);
}

/* image_link says what is in the slots. */
void engine_call_resume(struct engine_machine *machine, struct engine_instance *instance)
{
    ASSERT(!machine->busy && machine->instance_count == 1);
    const struct image_header *state = instance->state;
    const uint32_t *links = image_at(state, state->frame_links);
    ASSERT(state->frame_links.count > 0);
    uint64_t *stack = machine->stack;
    memcpy(stack, image_at(state, state->frame_slots), state->frame_slots.count * sizeof(*stack));
    *frame_link_at(stack + links[0]) =
        call_outermost(machine, image_func_type(instance->image, state->frame_func));
    for (uint32_t i = 1; i < state->frame_links.count; i++) {
        struct image_link from;
        memcpy(&from, stack + links[i], sizeof(from));
        *frame_link_at(stack + links[i]) = (struct frame_link){
            .return_pc = instance->code + from.return_pc,
            .caller_fp = stack + from.caller_fp,
        };
    }
    call_start(machine, instance, state->frame_func, instance->code + state->frame_pc,
               stack + state->frame_fp);
}

bool engine_instance_begin_start(struct engine_instance *instance)
{
    if (!instance->image->has_start)
        return false;
    engine_call_begin(instance->machine, instance, instance->image->start, NULL, 0);
    return true;
}

const union engine_value *engine_call_results(const struct engine_machine *machine)
{
    return (const union engine_value *)machine->stack;
}

void call_settle_fuel(struct engine_machine *machine)
{
    int64_t executed = (int64_t)(engine_machine_instructions(machine) - machine->fuel_before);
    if (executed < 0)
        machine->fuel_used -= (uint64_t)executed;
}

void engine_call_cancel(struct engine_machine *machine)
{
    if (machine->busy)
        call_settle_fuel(machine);
    machine->busy = false;
    machine->registers.fuel = 0;
}
