/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting a machine's garbage: which values are roots, and how much is done at a time.
 *
 * Roots are offered in portions, one kind after another:
 *
 *   registers -> guest stack -> globals, then tables of each instance
 *
 * Of globals and tables the types are known, of registers and stack not: there every number
 * that is the reference of an object keeps that object, wherever it comes from. No guest runs
 * before the collection is done, so nothing that was offered changes.
 */
#include "engine/run/collect.h"

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/table.h"

/* One step: this many values looked at, or blocks swept (a block is cleared at worst). */
#define COLLECT_VALUES 2048u
#define COLLECT_BLOCKS 32u
/* Prices: about what as many instructions take. */
#define COLLECT_VALUES_PER_FUEL 2u
#define COLLECT_FUEL_PER_BLOCK  64u

enum collect_roots {
    COLLECT_REGISTERS,
    COLLECT_STACK,
    COLLECT_GLOBALS,
    COLLECT_TABLES,
    COLLECT_DONE,
};

static void collect_next(struct collect_cursor *cursor, enum collect_roots roots)
{
    cursor->roots = (uint8_t)roots;
    cursor->part = 0;
    cursor->at = 0;
}

/* Offers values[at..count) as far as the budget goes; true: all of them were. */
static bool collect_values(struct engine_machine *machine,
                           const uint64_t *values,
                           uint64_t count,
                           uint32_t *budget)
{
    struct collect_cursor *cursor = &machine->collect;
    for (; cursor->at<count && * budget> 0; cursor->at++, --*budget)
        heap_mark(&machine->heap, values[cursor->at]);
    return cursor->at >= count;
}

static void collect_registers(struct engine_machine *machine)
{
    const struct machine_registers *registers = &machine->registers;
    heap_mark(&machine->heap, registers->accumulator);
    for (uint32_t i = 0; i < MACHINE_INT_PINS; i++)
        heap_mark(&machine->heap, registers->pins[i]);
    collect_next(&machine->collect, COLLECT_STACK);
}

static void
collect_globals(struct engine_machine *machine, struct engine_instance *instance, uint32_t *budget)
{
    const struct image_header *image = instance->image;
    uint32_t count = image->global_slots;
    if (collect_values(machine, &instance->globals[0].ref, count, budget))
        collect_next(&machine->collect, COLLECT_TABLES);
}

static void
collect_tables(struct engine_machine *machine, struct engine_instance *instance, uint32_t *budget)
{
    struct collect_cursor *cursor = &machine->collect;
    if (cursor->part == instance_own_tables(instance)) {
        collect_next(cursor, COLLECT_GLOBALS);
        cursor->instance++;
        return;
    }
    const struct table *table = &instance->own_tables[cursor->part];
    if (collect_values(machine, table->entries, table->count, budget)) {
        cursor->part++;
        cursor->at = 0;
    }
}

/* Offers some roots; what is left of the budget. */
static uint32_t
collect_roots(struct engine_machine *machine, const uint64_t *stack_end, uint32_t budget)
{
    struct collect_cursor *cursor = &machine->collect;
    while (budget > 0 && cursor->roots != COLLECT_DONE) {
        struct engine_instance *instance = NULL;
        if (cursor->roots > COLLECT_STACK) {
            if (cursor->instance == machine->instance_count) {
                collect_next(cursor, COLLECT_DONE);
                break;
            }
            instance = machine->instances[cursor->instance];
        }
        budget--;
        switch ((enum collect_roots)cursor->roots) {
        case COLLECT_REGISTERS:
            collect_registers(machine);
            break;
        case COLLECT_STACK:
            if (collect_values(machine, machine->stack, (uint64_t)(stack_end - machine->stack),
                               &budget))
                collect_next(cursor, COLLECT_GLOBALS);
            break;
        case COLLECT_GLOBALS:
            collect_globals(machine, instance, &budget);
            break;
        default:
            collect_tables(machine, instance, &budget);
        }
    }
    return budget;
}

static uint32_t collect_mark(struct engine_machine *machine, const uint64_t *stack_end)
{
    uint32_t left = collect_roots(machine, stack_end, COLLECT_VALUES);
    uint32_t used = COLLECT_VALUES - left;
    if (left > 0)
        used += heap_collect_mark(&machine->heap, left);
    if (used < COLLECT_VALUES)
        heap_collect_sweep_begin(&machine->heap);
    return used / COLLECT_VALUES_PER_FUEL + 1;
}

struct collect_step collect_step(struct engine_machine *machine, const uint64_t *stack_end)
{
    struct heap *heap = &machine->heap;
    switch (heap_phase(heap)) {
    case HEAP_IDLE:
        if (heap_was_collected(heap))
            return (struct collect_step){.trap = TRAP_HEAP_EXHAUSTED};
        heap_collect_begin(heap);
        machine->collect = (struct collect_cursor){.roots = COLLECT_REGISTERS};
        return (struct collect_step){.price = 1};
    case HEAP_MARKING:
        return (struct collect_step){.price = collect_mark(machine, stack_end)};
    default:
        return (struct collect_step){
            .price = heap_collect_sweep(heap, COLLECT_BLOCKS) * COLLECT_FUEL_PER_BLOCK + 1};
    }
}

void collect_all(struct engine_machine *machine, const uint64_t *kept, uint32_t kept_count)
{
    struct heap *heap = &machine->heap;
    if (heap->base == NULL)
        return;
    heap_collect_cancel(heap);
    while (heap_phase(heap) == HEAP_SWEEPING)
        (void)heap_collect_sweep(heap, COLLECT_BLOCKS);
    heap_collect_begin(heap);
    for (uint32_t i = 0; i < kept_count; i++)
        heap_mark(heap, kept[i]);
    machine->collect = (struct collect_cursor){.roots = COLLECT_GLOBALS};
    while (heap_phase(heap) == HEAP_MARKING)
        (void)collect_mark(machine, machine->stack);
    while (heap_phase(heap) == HEAP_SWEEPING)
        (void)heap_collect_sweep(heap, COLLECT_BLOCKS);
}
