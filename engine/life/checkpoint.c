/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of a call that waits in a host function, as an image has them:
 *
 *   machine's stack:  | values | return address, caller's fp | values | ... |   addresses
 *   frame_slots:      | values | offset in code, slot        | values | ... |   numbers
 *   frame_links:        which slots those are, outermost first
 *
 * Everything else on the stack is numbers already: values, and references, which are no addresses.
 * engine_call_resume (run/call.c) copies the slots and makes each link an address again.
 *
 * Invariant: the call is at the cell that calls the host, which did nothing yet; so it is called
 * again, with the same arguments, by whoever resumes. What lies between frames, a crossing to
 * another instance or back from the host, is not of this instance alone and is refused.
 */
#include "engine/life/checkpoint.h"

#include "engine/read/types.h"
#include "engine/run/backtrace.h"
#include "engine/run/frames.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

_Static_assert(sizeof(struct image_link) == sizeof(struct frame_link), "in each other's place");
_Static_assert(offsetof(struct image_link, caller_fp) == offsetof(struct frame_link, caller_fp),
               "in each other's place");

/* One frame further out; false: `at` is in no func of the instance's own. */
static bool checkpoint_link(const struct engine_instance *instance,
                            const struct frame_place *at,
                            bool is_caller,
                            struct frame_link **ret_link)
{
    if (at->pc < instance->code || at->pc >= instance->code + instance->image->code.count)
        return false;
    uint32_t offset = (uint32_t)(at->pc - instance->code) - is_caller;
    uint32_t func = backtrace_func(instance->image, offset);
    *ret_link = frame_link_of(at->fp, instance->code + instance->funcs[func].entry);
    return true;
}

static struct frame_place checkpoint_innermost(const struct engine_machine *machine)
{
    return (struct frame_place){
        .pc = machine->registers.pc,
        .fp = machine->registers.fp,
        .instance = machine->registers.instance,
    };
}

/* Is the next cell one that calls the host? */
static bool checkpoint_waits_in_host(const struct engine_instance *instance)
{
    const struct machine_registers *registers = &instance->machine->registers;
    const struct image_header *image = instance->image;
    if (registers->instance != instance || registers->pc < instance->code ||
        registers->pc >= instance->code + image->code.count)
        return false;
    uint32_t func = backtrace_func(image, (uint32_t)(registers->pc - instance->code));
    return func < image->imported_func_count &&
           registers->pc == instance->code + instance->funcs[func].entry;
}

/* A value that came from the host through such a type may lie on the stack, where nothing says
 * what a number is. */
static bool checkpoint_may_hold_host(const struct image_header *image)
{
    for (uint32_t i = 0; i < image->funcs.count; i++) {
        struct engine_functype type = image_func_type(image, i);
        for (uint32_t k = 0; k < type.param_count + type.result_count; k++) {
            uint32_t value =
                k < type.param_count ? type.params[k] : type.results[k - type.param_count];
            if (types_admits_host(value))
                return true;
        }
    }
    return false;
}

enum status checkpoint_measure(const struct engine_instance *instance,
                               struct report *report,
                               struct checkpoint_frames *ret_frames)
{
    const struct engine_machine *machine = instance->machine;
    if (!checkpoint_waits_in_host(instance))
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "only a call that waits in a host function can be frozen");
    if (checkpoint_may_hold_host(instance->image))
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "cannot freeze a call of a module whose functions take or return "
                           "external references");
    struct checkpoint_frames frames = {0};
    struct frame_place at = checkpoint_innermost(machine);
    struct frame_link *link;
    while (checkpoint_link(instance, &at, frames.links > 0, &link)) {
        if (frames.links == 0)
            frames.slots = (uint32_t)((uint64_t *)link - machine->stack) + FRAME_LINK_SLOTS;
        frames.links++;
        at.pc = link->return_pc;
        at.fp = link->caller_fp;
    }
    const uintptr_t pc = (uintptr_t)at.pc;
    if (pc < (uintptr_t)&machine->cells || pc >= (uintptr_t)&machine->cells.cross_return)
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "cannot freeze a call that a host function waits for: a function that "
                           "the host called back is on the stack");
    *ret_frames = frames;
    return STATUS_OK;
}

void checkpoint_lay_out(struct image_writer *writer,
                        const struct engine_instance *instance,
                        const struct checkpoint_frames *frames,
                        struct image_header *header)
{
    const struct engine_machine *machine = instance->machine;
    header->frame_slots = image_put(writer, machine->stack, frames->slots, sizeof(uint64_t));
    header->frame_links = image_reserve(writer, frames->links, sizeof(uint32_t));
    header->frame_note = image_put(writer, frames->note.data, frames->note.count, 1);
    header->frame_pc = header->frame_fp = header->frame_func = 0;
    if (frames->links == 0)
        return;
    struct frame_place at = checkpoint_innermost(machine);
    header->frame_pc = (uint32_t)(at.pc - instance->code);
    header->frame_fp = (uint32_t)(at.fp - machine->stack);
    header->frame_func = machine->call_func;
    struct frame_link *link;
    for (uint32_t i = frames->links; i-- > 0;) {
        bool found = checkpoint_link(instance, &at, i + 1 < frames->links, &link);
        ASSERT(found);
        uint32_t slot = (uint32_t)((uint64_t *)link - machine->stack);
        struct image_link row = {0};
        if (i > 0)
            row = (struct image_link){
                .return_pc = (uint64_t)(link->return_pc - instance->code),
                .caller_fp = (uint64_t)(link->caller_fp - machine->stack),
            };
        image_set(writer, header->frame_links, i, &slot, sizeof(slot));
        image_write(writer, header->frame_slots.offset + slot * sizeof(uint64_t), &row,
                    sizeof(row));
        at.pc = link->return_pc;
        at.fp = link->caller_fp;
    }
}
