/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: what one is made of, and the search for the clause that takes it.
 *
 *   exception, an object of the heap: | tag's identity | values in slots ... |
 *
 * The search goes frame by frame, up from the throw, through calls between instances and
 * through host functions that called the guest back (these are not called again). In each
 * frame the image's regions say which try blocks the place lies in: the last region that
 * starts before it, or one of those around. Nothing is changed before a clause is found, so
 * an uncaught exception leaves the stack as it was thrown, for the backtrace.
 *
 * A step looks at a bounded number of frames and has a price, because the guest decides how
 * many there are, of rows too.
 */
#include "engine/run/unwind.h"

#include <stdio.h>

#include "engine/heap/heap.h"
#include "engine/image/code.h"
#include "engine/image/image.h"
#include "engine/run/backtrace.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

#define UNWIND_FRAMES         64u
#define UNWIND_FUEL_PER_FRAME 4u
#define UNWIND_FUEL_PER_ROW   1u
/* A step ends when it cost so much: a function may have many rows. */
#define UNWIND_FUEL_PER_STEP 4096u
/* Of an exported tag, in the text of the trap. */
#define UNWIND_NAME_BYTES_MAX 64u

uint64_t
unwind_make(struct engine_instance *instance, uint32_t tag, const uint64_t *values, uint32_t count)
{
    const uint32_t *tags = image_at(instance->image, instance->image->tags);
    struct heap *heap = &instance->machine->heap;
    uint64_t exception = heap_allocate(heap, identity_of(instance, tags[tag]), 0);
    if (UNLIKELY(exception == HEAP_NONE))
        return HEAP_NONE;
    uint64_t *payload = (uint64_t *)(void *)heap_payload(heap, exception);
    payload[0] = instance->tags[tag];
    if (count > 0)
        memcpy(payload + 1, values, count * sizeof(*values));
    return exception;
}

static const uint64_t *unwind_payload(const struct engine_machine *machine)
{
    return (const uint64_t *)(const void *)heap_payload(&machine->heap, machine->unwind.exception);
}

/* The region that starts last at or before `offset`; CODE_NO_REGION if none does. */
static uint32_t unwind_last_region(const struct image_header *image, uint32_t offset)
{
    const struct code_region *regions = image_at(image, image->regions);
    uint32_t low = 0;
    for (uint32_t high = image->regions.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (regions[middle].start <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : CODE_NO_REGION;
}

/* The clause for the exception at `offset` in the code, innermost region first. */
static const struct code_clause *unwind_find(struct engine_machine *machine, uint32_t offset)
{
    const struct engine_instance *instance = machine->unwind.at.instance;
    const struct image_header *image = instance->image;
    const struct code_region *regions = image_at(image, image->regions);
    const struct code_clause *clauses = image_at(image, image->clauses);
    uint64_t tag = unwind_payload(machine)[0];
    uint32_t index = unwind_last_region(image, offset);
    while (index != CODE_NO_REGION) {
        const struct code_region *region = &regions[index];
        machine->unwind.price += UNWIND_FUEL_PER_ROW;
        if (offset >= region->end) {
            index = region->parent;
            continue;
        }
        for (uint32_t row = region->first_clause; row != CODE_NO_CLAUSE; row = clauses[row].next) {
            machine->unwind.price += UNWIND_FUEL_PER_ROW;
            if (clauses[row].tag == CODE_NO_TAG || instance->tags[clauses[row].tag] == tag)
                return &clauses[row];
        }
        index = region->next;
    }
    return NULL;
}

static void unwind_deliver(const struct engine_machine *machine, const struct code_clause *clause)
{
    uint64_t *fp = machine->unwind.at.fp;
    if (clause->value_count > 0)
        memcpy(fp + clause->slot, unwind_payload(machine) + 1, clause->value_count * sizeof(*fp));
    if (clause->reference_slot != CODE_NO_SLOT)
        fp[clause->reference_slot] = machine->unwind.exception;
}

/* Says which tag it was; those of other instances are theirs. */
static void unwind_uncaught(struct engine_machine *machine)
{
    uint64_t tag = unwind_payload(machine)[0];
    const struct engine_instance *instance = machine->instances[tag >> 32];
    struct bytes name = {0};
    for (uint32_t i = 0; i < engine_module_export_count(instance->module); i++) {
        struct engine_export_desc desc = engine_module_export(instance->module, i);
        if (desc.kind == ENGINE_EXTERN_TAG && desc.index == (uint32_t)tag)
            name = desc.name;
    }
    int count = snprintf(machine->trap_text, sizeof(machine->trap_text), "%s: tag %u%s%.*s",
                         engine_trap_text(TRAP_UNCAUGHT_EXCEPTION), (uint32_t)tag,
                         name.count > 0 ? " " : "", (int)MIN(name.count, UNWIND_NAME_BYTES_MAX),
                         (const char *)name.data);
    for (int i = 0; i < count; i++) {
        if ((uint8_t)machine->trap_text[i] < 0x20 || machine->trap_text[i] == 0x7f)
            machine->trap_text[i] = '?';
    }
    machine->trap_reason = machine->trap_text;
    machine->trap = TRAP_UNCAUGHT_EXCEPTION;
}

void unwind_begin(struct engine_instance *instance,
                  uint64_t exception,
                  const uint8_t *pc,
                  uint64_t *fp)
{
    instance->machine->unwind = (struct machine_unwind){
        .exception = exception,
        .thrown = pc,
        .at = {.pc = pc, .fp = fp, .instance = instance},
    };
}

enum unwind_result unwind_step(struct engine_machine *machine)
{
    struct machine_unwind *unwind = &machine->unwind;
    struct frame_place *at = &unwind->at;
    unwind->price = 0;
    for (uint32_t i = 0; i < UNWIND_FRAMES && unwind->price < UNWIND_FUEL_PER_STEP; i++) {
        unwind->price += UNWIND_FUEL_PER_FRAME;
        if (backtrace_in_func(machine, at)) {
            uint32_t offset = (uint32_t)(at->pc - at->instance->code) - unwind->is_caller;
            unwind->clause = unwind_find(machine, offset);
            if (unwind->clause != NULL) {
                unwind_deliver(machine, unwind->clause);
                return UNWIND_CAUGHT;
            }
            uint32_t func = backtrace_func(at->instance->image, offset);
            unwind->is_caller = true;
            if (backtrace_leave(machine, at, func))
                continue;
        }
        unwind_uncaught(machine);
        return UNWIND_UNCAUGHT;
    }
    return UNWIND_MORE;
}
