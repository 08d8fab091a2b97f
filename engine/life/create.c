/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an instance: a module given memory, tables, globals and imports.
 *
 * Invariant: all of an instance but its linear memory and tables that grew is one block,
 * whose parts are laid out by one function run twice (measure, then carve), so that making
 * an instance is one allocation and freeing it cannot forget anything.
 *
 *   | struct engine_instance | own globals | pointer arrays | imports | own tables |
 *   | own memories | dropped flags | entries of own tables ... |
 */
#include "engine/life/create.h"

#include <stdlib.h>

#include "engine/image/image.h"
#include "engine/life/link.h"
#include "engine/run/identity.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"
#include "engine/run/unwind.h"

struct block {
    uint8_t *base; /* NULL: measuring */
    uint64_t used;
};

static void *carve(struct block *block, uint64_t count, size_t size)
{
    uint64_t offset = ALIGN_UP(block->used, (uint64_t)8);
    block->used = offset + count * size;
    return block->base == NULL ? NULL : block->base + offset;
}

/* Sets the pointers of `parts` into the block behind the struct itself. */
static void carve_instance(struct block *block,
                           const struct image_header *image,
                           bool has_type_ids,
                           struct engine_instance *parts)
{
    (void)carve(block, 1, sizeof(struct engine_instance));
    (void)carve(block, image->global_slots, sizeof(union engine_value));
    parts->tables = carve(block, image->tables.count, sizeof(*parts->tables));
    parts->imported_globals =
        carve(block, image->imported_global_count, sizeof(*parts->imported_globals));
    parts->tags = carve(block, image->tags.count, sizeof(*parts->tags));
    parts->imports = carve(block, image->imported_func_count, sizeof(*parts->imports));
    parts->memories = carve(block, image->memories.count, sizeof(*parts->memories));
    parts->own_tables =
        carve(block, image->tables.count - image->imported_table_count, sizeof(*parts->own_tables));
    parts->own_memory = carve(block, image->memories.count - image->imported_memory_count,
                              sizeof(*parts->own_memory));
    parts->dropped_elems = carve(block, image->elems.count, 1);
    parts->dropped_datas = carve(block, image->datas.count, 1);
    parts->type_ids = carve(block, has_type_ids ? image->types.count : 0, sizeof(uint32_t));
    if (!has_type_ids)
        parts->type_ids = NULL;
}

static uint64_t
table_start_count(const struct engine_module *module, uint32_t own, bool from_snapshot)
{
    const struct image_table_snapshot *values =
        image_at(module->state, module->state->table_values);
    return from_snapshot ? values[own].entries.count
                         : image_own_tables(module->header)[own].minimum;
}

/* Bytes of the entries of all own tables, each held against the limit. */
static enum status tables_bytes(const struct engine_machine *machine,
                                const struct engine_module *module,
                                bool from_snapshot,
                                struct report *report,
                                uint64_t *ret_bytes)
{
    const struct image_header *image = module->header;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < image->tables.count - image->imported_table_count; i++) {
        uint64_t count = table_start_count(module, i, from_snapshot);
        if (count > machine->limits.table_entries)
            return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                               "a table of %llu entries is over the limit of %u",
                               (unsigned long long)count, machine->limits.table_entries);
        bytes += count * sizeof(uint64_t);
    }
    *ret_bytes = bytes;
    return STATUS_OK;
}

static void make_tables(struct engine_instance *instance, uint64_t *entries, bool from_snapshot)
{
    const struct image_header *image = instance->image;
    uint32_t limit = instance->machine->limits.table_entries;
    for (uint32_t i = 0; i < instance_own_tables(instance); i++) {
        const struct image_table *row = &image_own_tables(image)[i];
        uint32_t count = (uint32_t)table_start_count(instance->module, i, from_snapshot);
        instance->own_tables[i] = (struct table){
            .entries = entries,
            .count = count,
            .capacity = count,
            .max = (uint32_t)MIN(row->maximum, (uint64_t)limit),
            .type = row->type,
            .owner = instance,
            .is_64 = row->is_64,
            .declared_max = row->maximum,
        };
        instance->tables[image->imported_table_count + i] = &instance->own_tables[i];
        entries += count;
    }
}

static enum status
make_memories(struct engine_instance *instance, bool from_snapshot, struct report *report)
{
    const struct image_header *image = instance->image;
    const struct image_memory *rows = image_at(image, image->memories);
    const struct image_memory_snapshot *values =
        image_at(instance->state, instance->state->memory_values);
    uint64_t limit = (uint64_t)instance->machine->limits.memory_pages * WASM_PAGE_BYTES;
    instance->memory_bytes_left = limit;
    for (uint32_t i = 0; i < instance_own_memories(instance); i++) {
        uint32_t index = image->imported_memory_count + i;
        const struct image_memory *row = &rows[index];
        uint64_t pages = from_snapshot ? values[i].pages : row->minimum;
        if (pages > instance->memory_bytes_left >> row->page_shift)
            return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                               "memory %u of %llu pages of %u bytes: all memories together are "
                               "over the limit of %llu bytes",
                               index, (unsigned long long)pages, 1u << row->page_shift,
                               (unsigned long long)limit);
        uint64_t largest = row->is_64 ? limit : MIN(limit, (uint64_t)1 << 32);
        uint64_t pages_max = MIN(row->maximum, largest >> row->page_shift);
        struct memory *memory = &instance->own_memory[i];
        *memory = (struct memory){
            .bytes = pages << row->page_shift,
            .bytes_max = pages_max << row->page_shift,
            .declared_max = row->maximum,
            .page_shift = row->page_shift,
            .is_64 = row->is_64,
            .is_guarded = index == 0 && image_memory_is_plain(row),
            .owner = instance,
        };
        enum status status = memory_create(memory, report);
        if (status != STATUS_OK)
            return status;
        instance->memories[index] = memory;
    }
    return STATUS_OK;
}

enum status create_instance(struct engine_machine *machine,
                            const struct engine_module *module,
                            const struct engine_linker *linker,
                            bool from_snapshot,
                            struct report *report,
                            struct engine_instance **ret_instance)
{
    const struct image_header *image = module->header;
    uint64_t entries_bytes = 0;
    enum status status = tables_bytes(machine, module, from_snapshot, report, &entries_bytes);
    if (status != STATUS_OK)
        return status;
    struct engine_instance unused;
    struct block block = {0};
    carve_instance(&block, image, machine->instance_count > 0, &unused);
    uint64_t entries_offset = ALIGN_UP(block.used, (uint64_t)8);
    block.base = calloc(1, entries_offset + entries_bytes);
    if (block.base == NULL || !machine_reserve_instance(machine)) {
        free(block.base);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "no memory for an instance of %llu bytes",
                           (unsigned long long)(entries_offset + entries_bytes));
    }
    block.used = 0;
    struct engine_instance *instance = (struct engine_instance *)(void *)block.base;
    carve_instance(&block, image, machine->instance_count > 0, instance);
    instance->module = module;
    instance->image = image;
    instance->state = module->state;
    instance->machine = machine;
    instance->id = machine->instance_count;
    instance->code = image_at(image, image->code);
    if (!module->is_threaded)
        instance->native = (module->base == NULL ? module : module->base)->native;
    instance->funcs = image_at(image, image->funcs);
    instance->func_count = image->funcs.count;
    instance->first_reference = reference_make(instance, 0);
    instance->stack_limit = machine->stack_limit;
    make_tables(instance, (uint64_t *)(void *)(block.base + entries_offset), from_snapshot);
    for (uint32_t i = image->imported_tag_count; i < image->tags.count; i++)
        instance->tags[i] = unwind_tag(instance->id, i);
    status = identity_assign(instance, report);
    if (status == STATUS_OK)
        status = link_imports(instance, linker, report);
    if (status == STATUS_OK)
        status = make_memories(instance, from_snapshot, report);
    if (status != STATUS_OK) {
        instance_free(instance);
        return status;
    }
    if (image->memories.count > 0)
        instance->memory_base = instance->memories[0]->base;
    *ret_instance = instance;
    return STATUS_OK;
}
