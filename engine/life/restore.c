/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back to the snapshot: an instance made from it, and one put back to it.
 *
 * Invariant: what both leave is exactly the state engine_snapshot saw. Restoring does no work
 * per function: it is the way of a cold start.
 */
#include <sys/mman.h>

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/life/create.h"
#include "engine/life/pages.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

static void restore_table(const struct engine_instance *instance, uint32_t index)
{
    const struct image_header *image = instance->image;
    const struct image_table_snapshot *rows = image_at(image, image->table_values);
    struct table *table = &instance->own_tables[index];
    table->count = rows[index].entries.count;
    if (table->count > 0)
        memcpy(table->entries, image_at(image, rows[index].entries),
               table->count * sizeof(uint64_t));
    table->dirty = false;
}

static void restore_flags(const struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    if (image->elems.count > 0)
        memcpy(instance->dropped_elems, image_at(image, image->dropped_elems), image->elems.count);
    if (image->datas.count > 0)
        memcpy(instance->dropped_datas, image_at(image, image->dropped_datas), image->datas.count);
}

static void restore_globals(struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    if (image->global_slots > 0)
        memcpy(instance->globals, image_at(image, image->global_values),
               image->global_slots * sizeof(union engine_value));
}

static void restore_memories(const struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    const struct image_memory_snapshot *rows = image_at(image, image->memory_values);
    for (uint32_t i = 0; i < image->memory_values.count; i++)
        pages_copy(instance->own_memory[i].base, instance->module->base + rows[i].offset,
                   rows[i].bytes);
}

/* The heap of the machine that is the instance's alone. */
static enum status restore_heap(struct engine_instance *instance, struct report *report)
{
    const struct image_header *image = instance->image;
    return heap_restore(&instance->machine->heap, image_at(image, image->heap), image->heap.count,
                        report);
}

enum status engine_restore(struct engine_machine *machine,
                           const struct engine_module *module,
                           const struct engine_linker *linker,
                           bool memory_follows,
                           struct report *report,
                           struct engine_instance **ret_instance)
{
    const struct image_header *image = module->header;
    ASSERT(image->has_snapshot);
    ASSERT(machine->instance_count == 0);
    struct engine_instance *instance;
    enum status status = create_instance(machine, module, linker, true, report, &instance);
    if (status != STATUS_OK)
        return status;
    status = restore_heap(instance, report);
    if (status != STATUS_OK) {
        instance_free(instance);
        return status;
    }
    restore_globals(instance);
    restore_flags(instance);
    for (uint32_t i = 0; i < instance_own_tables(instance); i++)
        restore_table(instance, i);
    if (!memory_follows)
        restore_memories(instance);
    machine_adopt(machine, instance);
    *ret_instance = instance;
    return STATUS_OK;
}

/* The stack too: what lies on it can look like a reference, and so decide what a collection
 * finds, and how much fuel that takes. */
static bool rewind_heap(struct engine_instance *instance)
{
    struct engine_machine *machine = instance->machine;
    if (!machine->heap.touched)
        return true;
    return madvise(machine->stack, machine->stack_mapped_bytes, MADV_DONTNEED) == 0 &&
           restore_heap(instance, NULL) == STATUS_OK;
}

bool engine_rewind(struct engine_instance *instance)
{
    struct engine_machine *machine = instance->machine;
    ASSERT(instance->image->has_snapshot);
    engine_call_cancel(machine);
    restore_globals(instance);
    restore_flags(instance);
    for (uint32_t i = 0; i < instance_own_tables(instance); i++) {
        if (instance->own_tables[i].dirty)
            restore_table(instance, i);
    }
    machine->fuel_used = 0;
    machine->fuel_priced = 0;
    machine->fuel_host = 0;
    machine->trap = TRAP_NONE;
    machine->trap_reason = NULL;
    machine->exit_code = 0;
    bool shrunk = rewind_heap(instance);
    for (uint32_t i = 0; i < instance_own_memories(instance); i++)
        shrunk = memory_shrink(&instance->own_memory[i]) && shrunk;
    return shrunk;
}

bool engine_vacate(struct engine_instance *instance)
{
    struct engine_machine *machine = instance->machine;
    ASSERT(!machine->busy && machine->instance_count == 1);
    bool vacated = machine_vacate_stack(machine);
    for (uint32_t i = 0; i < instance_own_memories(instance) && vacated; i++)
        vacated = memory_vacate(&instance->own_memory[i]);
    heap_vacate(&machine->heap);
    return vacated;
}
