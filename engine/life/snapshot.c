/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing an initialised instance into an image; restore.c is the way back.
 *
 *   | module part, as compiled | globals | table rows | entries | dropped | memory rows |
 *   | heap | frames of a call | page.. | memory 0 | memory 1 ... |
 *
 * Of an instance whose module is a base the image names that and leaves out what it has: the module
 * part, tables as they are there, and pages (difference.c).
 *
 * Invariant: what engine_restore makes, and what engine_rewind returns to, is exactly the
 * state engine_snapshot saw. Zero pages are never written, so that the image stays sparse.
 */
#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/image/image_writer.h"
#include "engine/life/checkpoint.h"
#include "engine/life/difference.h"
#include "engine/life/pages.h"
#include "engine/read/module.h"
#include "engine/read/types.h"
#include "engine/run/collect.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/object.h"
#include "engine/run/table.h"

/* Nothing of the host and of other instances may be in it. */
static enum status check_freezable(const struct engine_instance *instance, struct report *report)
{
    const struct image_header *image = instance->image;
    if (instance->machine->instance_count != 1)
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "only an instance that is alone on its machine can be frozen");
    if (image->imported_table_count > 0 || image->imported_memory_count > 0 ||
        image->imported_global_count > 0 || image->imported_tag_count > 0)
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "an instance that imports more than functions cannot be frozen");
    return STATUS_OK;
}

/* Where the type allows one: is it something of the host's? */
static bool is_of_host(uint32_t type, uint64_t value)
{
    return types_admits_host(type) && value != 0 && (value & ENGINE_REFERENCE_TAG) == 0;
}

/* An exception: its tag, then values in slots. */
static bool exception_has_host(const struct engine_functype *type, const uint64_t *payload)
{
    const uint64_t *value = payload + 1;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (is_of_host(type->params[i], *value))
            return true;
        value += engine_slot_count(&type->params[i], 1);
    }
    return false;
}

static bool object_has_host(const struct engine_instance *instance, uint64_t reference)
{
    const struct heap *heap = &instance->machine->heap;
    const struct heap_object *object = heap_object(heap, reference);
    const struct image_type *type = object_type(instance, object->layout);
    const uint64_t *payload = (const void *)heap_payload(heap, reference);
    if (type->kind == TYPES_FUNC) {
        struct engine_functype values = image_functype(instance->image, object->layout);
        return exception_has_host(&values, payload);
    }
    const struct image_field *field = image_at(instance->image, type->fields);
    bool is_array = type->kind == TYPES_ARRAY;
    if (is_array && !engine_type_is_reference(field->type))
        return false;
    uint32_t count = is_array ? object->length : type->fields.count;
    for (uint32_t i = 0; i < count; i++, field += !is_array) {
        if (engine_type_is_reference(field->type) &&
            is_of_host(field->type, payload[is_array ? i : field->offset / sizeof(*payload)]))
            return true;
    }
    return false;
}

/* References of the host's mean nothing to the process that restores. */
static bool has_host(const struct engine_instance *instance)
{
    const struct image_header *image = instance->image;
    const struct image_global *globals = image_at(image, image->globals);
    for (uint32_t i = 0; i < image->globals.count; i++) {
        if (is_of_host(globals[i].type, instance_global(instance, i)->ref))
            return true;
    }
    for (uint32_t i = 0; i < image->tables.count; i++) {
        const struct table *table = instance->tables[i];
        for (uint64_t k = 0; k < table->count; k++) {
            if (is_of_host(table->type, table->entries[k]))
                return true;
        }
    }
    const struct heap *heap = &instance->machine->heap;
    struct heap_cursor cursor = {0};
    uint64_t reference;
    while ((reference = heap_next(heap, &cursor)) != HEAP_NONE) {
        if (object_has_host(instance, reference))
            return true;
    }
    return false;
}

static uint64_t used_memory_bytes(const struct memory *memory)
{
    uint64_t bytes = ALIGN_UP(memory->bytes, (uint64_t)IMAGE_PAGE_BYTES);
    while (bytes > 0 && pages_are_zero(memory->base + bytes - IMAGE_PAGE_BYTES, IMAGE_PAGE_BYTES))
        bytes -= IMAGE_PAGE_BYTES;
    return bytes;
}

/* What is to be frozen. */
struct freezing {
    const struct engine_instance *instance;
    const struct checkpoint_frames *frames;
    const struct engine_module *base; /* NULL: the image has none */
    struct difference difference;     /* of memories, to its base's */
};

/* Is it as the base has it, or, where the image has no base, never? */
static bool table_is_base(const struct freezing *freezing, uint32_t index)
{
    if (freezing->base == NULL)
        return false;
    const struct table *table = freezing->instance->tables[index];
    const struct image_header *base = freezing->base->state;
    const struct image_table_snapshot *row =
        (const struct image_table_snapshot *)image_at(base, base->table_values) + index;
    return row->entries.count == table->count &&
           (table->count == 0 || memcmp(image_at(base, row->entries), table->entries,
                                        table->count * sizeof(uint64_t)) == 0);
}

static void lay_out_tables(struct image_writer *writer,
                           const struct freezing *freezing,
                           struct image_header *header)
{
    uint32_t count = freezing->instance->image->tables.count;
    header->table_values = image_reserve(writer, count, sizeof(struct image_table_snapshot));
    for (uint32_t i = 0; i < count; i++) {
        const struct table *table = freezing->instance->tables[i];
        struct image_table_snapshot row = {.is_base = table_is_base(freezing, i),
                                           .entries.count = table->count};
        if (!row.is_base)
            row.entries = image_put(writer, table->entries, table->count, sizeof(uint64_t));
        image_set(writer, header->table_values, i, &row, sizeof(row));
    }
}

/* Room for the runs of each memory; place_memories says where they lie. */
static void lay_out_memories(struct image_writer *writer,
                             const struct freezing *freezing,
                             struct image_header *header,
                             struct image_memory_snapshot *rows)
{
    uint32_t count = freezing->instance->image->memories.count;
    header->memory_values = image_reserve(writer, count, sizeof(struct image_memory_snapshot));
    for (uint32_t i = 0; i < count && freezing->base != NULL; i++)
        rows[i].runs =
            image_reserve(writer, freezing->difference.counts[i], sizeof(struct image_run));
}

/* Everything before the memories; also run to measure. */
static void lay_out_state(struct image_writer *writer,
                          const struct freezing *freezing,
                          struct image_header *header,
                          struct image_memory_snapshot *rows)
{
    const struct engine_instance *instance = freezing->instance;
    const struct image_header *image = instance->image;
    if (freezing->base != NULL)
        (void)image_reserve(writer, 1, sizeof(*header));
    else
        (void)image_put(writer, image, image->module_bytes, 1);
    header->has_snapshot = 1;
    header->global_values =
        image_put(writer, instance->globals, image->global_slots, sizeof(uint64_t));
    lay_out_tables(writer, freezing, header);
    header->dropped_elems = image_put(writer, instance->dropped_elems, image->elems.count, 1);
    header->dropped_datas = image_put(writer, instance->dropped_datas, image->datas.count, 1);
    lay_out_memories(writer, freezing, header, rows);
    const struct heap *heap = &instance->machine->heap;
    header->heap = image_reserve(writer, heap_image_bytes(heap), 1);
    if (writer->data != NULL)
        heap_image_write(heap, writer->data + header->heap.offset);
    checkpoint_lay_out(writer, instance, freezing->frames, header);
    writer->count = ALIGN_UP(writer->count, (uint64_t)8);
}

/* Where the contents of each memory come; the size of the whole image. */
static uint64_t
place_memories(const struct freezing *freezing, uint64_t end, struct image_memory_snapshot *rows)
{
    const struct engine_instance *instance = freezing->instance;
    struct image_run *run = difference_runs(&freezing->difference);
    for (uint32_t i = 0; i < instance->image->memories.count; i++) {
        const struct memory *memory = instance->memories[i];
        rows[i].pages = memory_pages(memory);
        end = ALIGN_UP(end, (uint64_t)IMAGE_PAGE_BYTES);
        for (uint32_t k = 0; k < rows[i].runs.count; k++, run++) {
            run->offset = end;
            end += run->page_count * IMAGE_PAGE_BYTES;
        }
        if (freezing->base != NULL)
            continue;
        rows[i].offset = end;
        rows[i].bytes = used_memory_bytes(memory);
        end += rows[i].bytes;
    }
    return end;
}

static void write_memories(struct image_writer *writer,
                           const struct freezing *freezing,
                           const struct image_header *header,
                           const struct image_memory_snapshot *rows)
{
    const struct image_run *run = difference_runs(&freezing->difference);
    for (uint32_t i = 0; i < header->memory_values.count; i++) {
        const uint8_t *from = freezing->instance->memories[i]->base;
        image_set(writer, header->memory_values, i, &rows[i], sizeof(rows[i]));
        pages_copy(writer->data + rows[i].offset, from, rows[i].bytes);
        for (uint32_t k = 0; k < rows[i].runs.count; k++, run++) {
            image_set(writer, rows[i].runs, k, run, sizeof(*run));
            pages_copy(writer->data + run->offset, from + run->page * IMAGE_PAGE_BYTES,
                       run->page_count * IMAGE_PAGE_BYTES);
        }
    }
}

/* Of an image with a base only what it has itself. */
static struct image_header make_header(const struct freezing *freezing)
{
    const struct engine_module *base = freezing->base;
    if (base == NULL)
        return *freezing->instance->image;
    struct image_header header = {.magic = IMAGE_MAGIC,
                                  .header_bytes = sizeof(header),
                                  .module_bytes = sizeof(header),
                                  .base_bytes = base->state->total_bytes,
                                  .base_checksum = base->state->checksum};
    memcpy(header.build_id, base->header->build_id, sizeof(header.build_id));
    memcpy(header.base_name, base->name, sizeof(header.base_name));
    return header;
}

static enum status
write_image(const struct freezing *freezing, struct report *report, struct engine_image *ret_image)
{
    struct image_header header = make_header(freezing);
    struct image_memory_snapshot memories[MODULE_MAX_MEMORIES] = {0};
    struct image_writer writer = {0};
    lay_out_state(&writer, freezing, &header, memories);
    if (writer.count > UINT32_MAX)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "code and tables of the snapshot take more than 4 GiB");
    header.total_bytes = place_memories(freezing, writer.count, memories);
    struct engine_image image;
    enum status status = image_allocate(header.total_bytes, report, &image);
    if (status != STATUS_OK)
        return status;
    writer = (struct image_writer){.data = image.data};
    lay_out_state(&writer, freezing, &header, memories);
    memcpy(image.data, &header, sizeof(header));
    write_memories(&writer, freezing, &header, memories);
    image_seal(&image);
    *ret_image = image;
    return STATUS_OK;
}

static enum status freeze(const struct engine_instance *instance,
                          const struct checkpoint_frames *frames,
                          struct report *report,
                          struct engine_image *ret_image)
{
    enum status status = check_freezable(instance, report);
    if (status != STATUS_OK)
        return status;
    collect_all(instance->machine, instance->machine->stack, frames->slots);
    heap_collect_cancel(&instance->machine->heap);
    if (has_host(instance))
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "cannot freeze an external reference of the host into a snapshot");
    struct freezing freezing = {.instance = instance,
                                .frames = frames,
                                .base = instance->module->is_base ? instance->module : NULL};
    if (freezing.base != NULL)
        status = difference_find(instance, report, &freezing.difference);
    if (status != STATUS_OK)
        return status;
    status = write_image(&freezing, report, ret_image);
    difference_done(&freezing.difference);
    return status;
}

enum status engine_snapshot(const struct engine_instance *instance,
                            struct report *report,
                            struct engine_image *ret_image)
{
    if (instance->machine->busy)
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "only an idle instance can be frozen, or one at a checkpoint");
    const struct checkpoint_frames none = {.slots = 0};
    return freeze(instance, &none, report, ret_image);
}

enum status engine_checkpoint(const struct engine_instance *instance,
                              struct bytes note,
                              struct report *report,
                              struct engine_image *ret_image)
{
    ASSERT(instance->machine->busy);
    struct checkpoint_frames frames;
    enum status status = checkpoint_measure(instance, report, &frames);
    if (status != STATUS_OK)
        return status;
    frames.note = note;
    return freeze(instance, &frames, report, ret_image);
}
