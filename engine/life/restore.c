/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance made from a snapshot; rewind.c puts one back to it.
 *
 * Invariant: what both leave is exactly the state engine_snapshot saw. Restoring does no work
 * per function: it is the way of a cold start.
 */
#include "engine/life/restore.h"

#include "engine/heap/heap.h"
#include "engine/image/contents.h"
#include "engine/image/image.h"
#include "engine/life/create.h"
#include "engine/life/pages.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

struct snapshot_table {
    const uint64_t *entries;
    uint32_t count;
};

static struct snapshot_table snapshot_table(const struct engine_module *module, uint32_t index)
{
    const struct image_header *state = module->state;
    const struct image_table_snapshot *rows = image_at(state, state->table_values);
    if (rows[index].is_base) {
        state = module->base->state;
        rows = image_at(state, state->table_values);
    }
    return (struct snapshot_table){.entries = image_at(state, rows[index].entries),
                                   .count = rows[index].entries.count};
}

void restore_table(const struct engine_instance *instance, uint32_t index)
{
    const struct engine_module *module = instance->module;
    struct snapshot_table from = snapshot_table(module, index);
    struct table *table = &instance->own_tables[index];
    table->count = from.count;
    if (table->count > 0)
        memcpy(table->entries, from.entries, table->count * sizeof(uint64_t));
    table->dirty = false;
}

void restore_flags(const struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    const struct image_header *state = instance->state;
    if (image->elems.count > 0)
        memcpy(instance->dropped_elems, image_at(state, state->dropped_elems), image->elems.count);
    if (image->datas.count > 0)
        memcpy(instance->dropped_datas, image_at(state, state->dropped_datas), image->datas.count);
}

void restore_globals(struct engine_instance *instance)
{
    const struct image_header *state = instance->state;
    if (state->global_values.count > 0)
        memcpy(instance->globals, image_at(state, state->global_values),
               state->global_values.count * sizeof(union engine_value));
}

static void restore_run(const struct memory *memory,
                        const struct contents *contents,
                        const struct image_run *run)
{
    memcpy(memory->base + run->page * IMAGE_PAGE_BYTES, contents->image + run->offset,
           run->page_count * IMAGE_PAGE_BYTES);
}

void restore_memory(const struct engine_instance *instance, uint32_t index)
{
    const struct contents contents = contents_of(instance->module, index);
    const struct memory *memory = &instance->own_memory[index];
    pages_copy(memory->base, contents.first, contents.bytes);
    for (uint32_t i = 0; i < contents.run_count; i++)
        restore_run(memory, &contents, &contents.runs[i]);
}

uint64_t restore_copied_runs(const struct engine_instance *instance, uint32_t index)
{
    const struct contents contents = contents_of(instance->module, index);
    const struct memory *memory = &instance->own_memory[index];
    uint64_t pages = 0;
    for (uint32_t i = 0; i < contents.run_count; i++) {
        const struct image_run *run = &contents.runs[i];
        if (run->is_mapped)
            continue;
        restore_run(memory, &contents, run);
        memset(memory->dirty + run->page, MEMORY_PAGE_OWN, run->page_count);
        pages += run->page_count;
    }
    return pages;
}

void engine_fill(struct engine_instance *instance)
{
    ASSERT(instance->is_memory_mapped);
    for (uint32_t i = 0; i < instance_own_memories(instance); i++)
        (void)restore_copied_runs(instance, i);
}

enum status restore_heap(struct engine_instance *instance, struct report *report)
{
    const struct image_header *state = instance->state;
    return heap_restore(&instance->machine->heap, image_at(state, state->heap), state->heap.count,
                        report);
}

enum status engine_restore(struct engine_machine *machine,
                           const struct engine_module *module,
                           const struct engine_linker *linker,
                           bool memory_follows,
                           struct report *report,
                           struct engine_instance **ret_instance)
{
    const struct image_header *state = module->state;
    ASSERT(state->has_snapshot);
    ASSERT(machine->instance_count == 0);
    struct engine_instance *instance;
    if (!machine_stack_holds(machine, state->frame_fp, state->frame_slots.count))
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "the checkpoint's frames take %zu bytes of stack, and there are %u",
                           state->frame_slots.count * sizeof(uint64_t),
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
    for (uint32_t i = 0; i < instance_own_memories(instance) && !memory_follows; i++)
        restore_memory(instance, i);
    machine_adopt(machine, instance);
    *ret_instance = instance;
    return STATUS_OK;
}
