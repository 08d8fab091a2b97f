/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance made from a snapshot; rewind.c puts one back to it.
 *
 * Invariant: what both leave is exactly the state engine_snapshot saw. Restoring does no work
 * per function: it is the way of a cold start.
 */
#include "engine/life/restore.h"

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/life/create.h"
#include "engine/life/pages.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

void restore_table(const struct engine_instance *instance, uint32_t index)
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

void restore_flags(const struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    if (image->elems.count > 0)
        memcpy(instance->dropped_elems, image_at(image, image->dropped_elems), image->elems.count);
    if (image->datas.count > 0)
        memcpy(instance->dropped_datas, image_at(image, image->dropped_datas), image->datas.count);
}

void restore_globals(struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    if (image->global_slots > 0)
        memcpy(instance->globals, image_at(image, image->global_values),
               image->global_slots * sizeof(union engine_value));
}

void restore_memories(const struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    const struct image_memory_snapshot *rows = image_at(image, image->memory_values);
    for (uint32_t i = 0; i < image->memory_values.count; i++)
        pages_copy(instance->own_memory[i].base, instance->module->base + rows[i].offset,
                   rows[i].bytes);
}

enum status restore_heap(struct engine_instance *instance, struct report *report)
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
    if (!machine_stack_holds(machine, image->frame_fp, image->frame_slots.count))
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "the checkpoint's frames take %zu bytes of stack, and there are %u",
                           image->frame_slots.count * sizeof(uint64_t),
                           machine->limits.stack_bytes);
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
    instance->is_memory_mapped = memory_follows;
    if (!memory_follows)
        restore_memories(instance);
    machine_adopt(machine, instance);
    *ret_instance = instance;
    return STATUS_OK;
}
