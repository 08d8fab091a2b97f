/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who called whom: walks the frames of a suspended or trapped guest.
 *
 * Everything read here was written by handlers, not by the guest; still every pointer is
 * held against its range before it is followed, because a trap's registers come from a
 * signal context and a wrong backtrace must not become a crash.
 */
#include "engine/run/backtrace.h"

#include "engine/image/code.h"
#include "engine/image/image.h"
#include "engine/image/names.h"
#include "engine/run/frames.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

/* Are `bytes` from `at` on the guest stack? */
static bool backtrace_on_stack(const struct engine_machine *machine, const void *at, size_t bytes)
{
    uintptr_t offset = (uintptr_t)at - (uintptr_t)machine->stack;
    return offset % sizeof(uint64_t) == 0 && bytes <= machine->stack_mapped_bytes &&
           offset <= machine->stack_mapped_bytes - bytes;
}

uint32_t backtrace_func(const struct image_header *header, uint32_t offset)
{
    const struct image_func *funcs = image_at(header, header->funcs);
    uint32_t low = 0;
    for (uint32_t high = header->funcs.count; high - low > 1;) {
        uint32_t middle = low + (high - low) / 2;
        if (funcs[middle].entry <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The place in the binary noted last at or before `offset`, if it is in this function. */
static uint32_t
backtrace_wasm_offset(const struct image_header *header, uint32_t func, uint32_t offset)
{
    const struct code_mark *marks = image_at(header, header->marks);
    const struct image_func *funcs = image_at(header, header->funcs);
    uint32_t low = 0;
    for (uint32_t high = header->marks.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (marks[middle].cell_offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || marks[low - 1].cell_offset < funcs[func].entry)
        return 0;
    return marks[low - 1].wasm_offset;
}

static struct engine_frame_info
backtrace_info(const struct image_header *header, uint32_t func, uint32_t offset)
{
    return (struct engine_frame_info){
        .func_index = func,
        .offset = backtrace_wasm_offset(header, func, offset),
        .func_name = names_func(header, func),
    };
}

static bool backtrace_in_code(const struct frame_place *at)
{
    const struct engine_instance *instance = at->instance;
    return at->pc >= instance->code && at->pc < instance->code + instance->image->code.count;
}

/* Leaves a cross frame or a host's frame: back in the instance that called. */
static bool backtrace_leave_cross(const struct engine_machine *machine, struct frame_place *at)
{
    const uintptr_t pc = (uintptr_t)at->pc;
    if ((pc != (uintptr_t)&machine->cells.cross_return &&
         pc != (uintptr_t)&machine->cells.host_return) ||
        !backtrace_on_stack(machine, at->fp, sizeof(struct cross_frame)))
        return false;
    const struct frame_crossing *back = &frame_cross_at(at->fp)->back;
    *at = (struct frame_place){.pc = back->return_pc, .fp = back->fp, .instance = back->instance};
    return true;
}

bool backtrace_in_func(const struct engine_machine *machine, struct frame_place *at)
{
    while (at->instance != NULL && backtrace_leave_cross(machine, at))
        continue;
    return at->instance != NULL && backtrace_in_code(at) &&
           backtrace_on_stack(machine, at->fp, sizeof(uint64_t));
}

bool backtrace_leave(const struct engine_machine *machine, struct frame_place *at, uint32_t func)
{
    const uint8_t *entry = at->instance->code + at->instance->funcs[func].entry;
    const struct frame_link *link = frame_link_of(at->fp, entry);
    if (!backtrace_on_stack(machine, link, sizeof(*link)))
        return false;
    at->pc = link->return_pc;
    at->fp = link->caller_fp;
    return true;
}

uint32_t engine_backtrace(const struct engine_machine *machine,
                          struct engine_frame_info *ret_frames,
                          uint32_t max)
{
    struct frame_place at = {
        .pc = machine->registers.pc,
        .fp = machine->registers.fp,
        .instance = machine->registers.instance,
    };
    /* Between the steps of a throw: where it was thrown. */
    if ((uintptr_t)at.pc == (uintptr_t)&machine->cells.unwind)
        at.pc = machine->unwind.thrown;
    uint32_t count = 0;
    while (count < max && backtrace_in_func(machine, &at)) {
        const struct image_header *header = at.instance->image;
        /* A return address is behind its call: look just before it. */
        uint32_t offset = (uint32_t)(at.pc - at.instance->code) - (count > 0 ? 1 : 0);
        uint32_t func = backtrace_func(header, offset);
        ret_frames[count++] = backtrace_info(header, func, offset);
        if (!backtrace_leave(machine, &at, func))
            break;
    }
    return count;
}
