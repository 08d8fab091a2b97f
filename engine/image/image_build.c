/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lays out an image (image.h has the drawing).
 *
 * Invariant: the layout is one function run twice, first measuring, then writing, so that
 * what was measured is what is written. Everything an instance needs is copied in: after
 * image_build neither the binary nor the arena is needed.
 */
#include "engine/image/image_build.h"

#include "engine/read/decode_immediate.h"

/* Into the pool: not aligned. */
static struct image_span put_bytes(struct image_writer *writer, struct bytes bytes)
{
    struct image_span span = {.offset = (uint32_t)writer->count, .count = (uint32_t)bytes.count};
    image_write(writer, writer->count, bytes.data, bytes.count);
    writer->count += bytes.count;
    return span;
}

static struct image_span
put_funcs(struct image_writer *writer, const struct module *module, const struct code *code)
{
    struct image_span span = image_reserve(writer, module->func_count, sizeof(struct image_func));
    for (uint32_t i = 0; i < module->func_count; i++) {
        struct image_func row = {.entry = code->entries[i],
                                 .type = module->types[module->funcs[i].type].canonical};
        if (code->native_entries != NULL)
            row.native = code->native_entries[i];
        memcpy(&row.locals, code->cells.data + row.entry - CODE_LOCALS_BYTES, CODE_LOCALS_BYTES);
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_fields(struct image_writer *writer, const struct module_type *type)
{
    struct image_span span = image_reserve(writer, type->field_count, sizeof(struct image_field));
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct module_field *field = &type->fields[i];
        struct image_field row = {.type = field->type,
                                  .offset = field->offset,
                                  .bytes = field->bytes,
                                  .is_mutable = field->is_mutable};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span
put_supers(struct image_writer *writer, const struct module *module, const struct module_type *type)
{
    struct image_span span = image_reserve(writer, type->depth, sizeof(uint32_t));
    uint32_t super = type->super;
    for (uint32_t i = type->depth; i-- > 0; super = module->types[super].super)
        image_set(writer, span, i, &super, sizeof(super));
    return span;
}

/* The row of a canonical type. */
static struct image_type
put_type(struct image_writer *writer, const struct module *module, const struct module_type *type)
{
    const struct engine_functype *func = &type->func;
    return (struct image_type){
        .params = image_put(writer, func->params, func->param_count, sizeof(uint32_t)),
        .results = image_put(writer, func->results, func->result_count, sizeof(uint32_t)),
        .fields = put_fields(writer, type),
        .supers = put_supers(writer, module, type),
        .canonical = type->canonical,
        .group_first = type->group_first,
        .group_count = type->group_count,
        .bytes = type->bytes,
        .kind = type->kind,
        .is_final = type->is_final,
    };
}

static struct image_span put_types(struct image_writer *writer, const struct module *module)
{
    struct image_span span = image_reserve(writer, module->type_count, sizeof(struct image_type));
    for (uint32_t i = 0; i < module->type_count; i++) {
        const struct module_type *type = &module->types[i];
        struct image_type row = {.canonical = type->canonical};
        if (type->canonical == i)
            row = put_type(writer, module, type);
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_imports(struct image_writer *writer, const struct module *module)
{
    struct image_span span =
        image_reserve(writer, module->import_count, sizeof(struct image_import));
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct module_import *import = &module->imports[i];
        struct image_import row = {.module_name = put_bytes(writer, import->module_name),
                                   .name = put_bytes(writer, import->name),
                                   .kind = import->kind,
                                   .index = import->index};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_exports(struct image_writer *writer, const struct module *module)
{
    struct image_span span =
        image_reserve(writer, module->export_count, sizeof(struct image_export));
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct module_export *export = &module->exports[i];
        struct image_export row = {
            .name = put_bytes(writer, export->name), .kind = export->kind, .index = export->index};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

/* ---- items of element segments ----------------------------------------------------------------
 */

/* The function, global or null that a validated constant expression is, if it is one of these
 * and nothing more; the reader is then behind it. */
static bool read_plain_item(struct reader *reader, uint32_t *ret_item)
{
    struct reader ahead = *reader;
    uint32_t item = IMAGE_ITEM_NULL;
    switch (reader_u8(&ahead)) {
    case OPCODE_REF_NULL:
        (void)reader_s33(&ahead);
        break;
    case OPCODE_REF_FUNC:
        item = reader_u32(&ahead);
        break;
    case OPCODE_GLOBAL_GET:
        item = reader_u32(&ahead) | IMAGE_ITEM_GLOBAL;
        break;
    default:
        return false;
    }
    if (reader_u8(&ahead) != OPCODE_END)
        return false;
    *reader = ahead;
    *ret_item = item;
    return true;
}

static struct reader elem_reader(const struct module *module, const struct module_elem *elem)
{
    const uint8_t *at = elem->expressions.data;
    if (at == NULL) /* function indices only: nothing to read */
        at = module->wasm.data;
    return reader_make(module->wasm.data, at, at + elem->expressions.count, NULL);
}

/*
 * An item that is more than a function, a global or null is computed once, when the instance
 * is made, and kept in a hidden global behind those of the module: so it is a root, and
 * part of a snapshot, without being a case of its own. Without `writer` they are only counted.
 */
static uint32_t
put_hidden_globals(struct image_writer *writer, const struct module *module, struct image_span span)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct module_elem *elem = &module->elems[i];
        struct reader reader = elem_reader(module, elem);
        for (uint32_t n = 0; elem->funcs == NULL && n < elem->count; n++) {
            uint32_t item;
            if (read_plain_item(&reader, &item))
                continue;
            struct bytes init = decode_expression(&reader);
            if (writer != NULL) {
                struct image_global row = {.init = put_bytes(writer, init),
                                           .type = elem->type,
                                           .slot = module->global_slots + count};
                image_set(writer, span, module->global_count + count, &row, sizeof(row));
            }
            count++;
        }
    }
    return count;
}

static struct image_span
put_globals(struct image_writer *writer, const struct module *module, uint32_t *ret_slots)
{
    uint32_t hidden = put_hidden_globals(NULL, module, (struct image_span){0});
    *ret_slots = module->global_slots + hidden;
    struct image_span span =
        image_reserve(writer, (uint64_t)module->global_count + hidden, sizeof(struct image_global));
    (void)put_hidden_globals(writer, module, span);
    for (uint32_t i = 0; i < module->global_count; i++) {
        const struct module_global *global = &module->globals[i];
        struct image_global row = {.init = put_bytes(writer, global->init),
                                   .type = global->type,
                                   .slot = global->slot,
                                   .is_mutable = global->is_mutable};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_tags(struct image_writer *writer, const struct module *module)
{
    struct image_span span = image_reserve(writer, module->tag_count, sizeof(uint32_t));
    for (uint32_t i = 0; i < module->tag_count; i++) {
        uint32_t type = module->types[module->tags[i].type].canonical;
        image_set(writer, span, i, &type, sizeof(type));
    }
    return span;
}

static struct image_span put_tables(struct image_writer *writer, const struct module *module)
{
    struct image_span span = image_reserve(writer, module->table_count, sizeof(struct image_table));
    for (uint32_t i = 0; i < module->table_count; i++) {
        const struct module_table *table = &module->tables[i];
        struct image_table row = {.init = put_bytes(writer, table->init),
                                  .minimum = table->limits.minimum,
                                  .maximum = table->limits.maximum,
                                  .type = table->type,
                                  .is_64 = table->is_64};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_memories(struct image_writer *writer, const struct module *module)
{
    struct image_span span =
        image_reserve(writer, module->memory_count, sizeof(struct image_memory));
    for (uint32_t i = 0; i < module->memory_count; i++) {
        const struct module_memory *memory = &module->memories[i];
        struct image_memory row = {.minimum = memory->limits.minimum,
                                   .maximum = memory->limits.maximum,
                                   .is_64 = memory->is_64,
                                   .page_shift = memory->page_shift};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static void put_elem(struct image_writer *writer,
                     const struct module *module,
                     const struct module_elem *elem,
                     uint32_t *next_hidden,
                     struct image_elem *row)
{
    row->offset = put_bytes(writer, elem->offset);
    row->table = elem->table;
    row->mode = elem->mode;
    row->type = elem->type;
    if (elem->funcs != NULL || elem->count == 0) {
        row->items = image_put(writer, elem->funcs, elem->count, sizeof(uint32_t));
        return;
    }
    row->items = image_reserve(writer, elem->count, sizeof(uint32_t));
    struct reader reader = elem_reader(module, elem);
    for (uint32_t i = 0; i < elem->count; i++) {
        uint32_t item;
        if (!read_plain_item(&reader, &item)) {
            (void)decode_expression(&reader);
            item = IMAGE_ITEM_GLOBAL | (*next_hidden)++;
        }
        image_set(writer, row->items, i, &item, sizeof(item));
    }
}

static struct image_span put_elems(struct image_writer *writer, const struct module *module)
{
    struct image_span span = image_reserve(writer, module->elem_count, sizeof(struct image_elem));
    uint32_t next_hidden = module->global_count;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        struct image_elem row = {0};
        put_elem(writer, module, &module->elems[i], &next_hidden, &row);
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_datas(struct image_writer *writer, const struct module *module)
{
    struct image_span span = image_reserve(writer, module->data_count, sizeof(struct image_data));
    for (uint32_t i = 0; i < module->data_count; i++) {
        const struct module_data *data = &module->datas[i];
        struct image_data row = {.offset = put_bytes(writer, data->offset),
                                 .content = put_bytes(writer, data->content),
                                 .memory = data->memory,
                                 .mode = data->mode};
        image_set(writer, span, i, &row, sizeof(row));
    }
    return span;
}

static struct image_span put_func_names(struct image_writer *writer, const struct module *module)
{
    if (module->func_names == NULL)
        return (struct image_span){0};
    struct image_span span = image_reserve(writer, module->func_count, sizeof(struct image_span));
    for (uint32_t i = 0; i < module->func_count; i++) {
        struct image_span name = put_bytes(writer, module->func_names[i]);
        image_set(writer, span, i, &name, sizeof(name));
    }
    return span;
}

/* Native code, if there is any: last of the module, on pages of its own. */
static void put_native(struct image_writer *writer,
                       const struct module *module,
                       const struct code *code,
                       struct image_header *header)
{
    if (code->native.count == 0)
        return;
    header->native_rows = image_put(writer, code->native_rows, (uint64_t)module->func_count + 1,
                                    sizeof(*code->native_rows));
    header->faults = image_put(writer, code->faults.data, code->faults.count, 1);
    writer->count = ALIGN_UP(writer->count, (uint64_t)IMAGE_PAGE_BYTES);
    header->native = image_put(writer, code->native.data, code->native.count, 1);
    writer->count = ALIGN_UP(writer->count, (uint64_t)IMAGE_PAGE_BYTES);
    header->native.count = (uint32_t)(writer->count - header->native.offset);
}

static void lay_out(struct image_writer *writer,
                    const struct module *module,
                    const struct code *code,
                    const uint8_t *build_id)
{
    struct image_header header = {
        .magic = IMAGE_MAGIC,
        .header_bytes = sizeof(header),
        .imported_func_count = module->imported_func_count,
        .imported_table_count = module->imported_table_count,
        .imported_memory_count = module->imported_memory_count,
        .imported_global_count = module->imported_global_count,
        .imported_tag_count = module->imported_tag_count,
        .has_start = module->has_start,
        .start = module->start,
        .frame_slots_max = code->frame_slots,
    };
    memcpy(header.build_id, build_id, ENGINE_BUILD_ID_BYTES);
    (void)image_reserve(writer, 1, sizeof(header));
    header.code = image_put(writer, code->cells.data, code->cells.count, 1);
    header.funcs = put_funcs(writer, module, code);
    header.types = put_types(writer, module);
    header.layouts = image_put_layouts(writer, module, &header.layout_maps);
    header.imports = put_imports(writer, module);
    header.exports = put_exports(writer, module);
    header.globals = put_globals(writer, module, &header.global_slots);
    header.tags = put_tags(writer, module);
    header.tables = put_tables(writer, module);
    header.memories = put_memories(writer, module);
    header.elems = put_elems(writer, module);
    header.datas = put_datas(writer, module);
    header.func_names = put_func_names(writer, module);
    header.marks = image_put(writer, code->marks.data, code->marks.count / sizeof(struct code_mark),
                             sizeof(struct code_mark));
    header.regions =
        image_put(writer, code->regions.data, code->regions.count / sizeof(struct code_region),
                  sizeof(struct code_region));
    header.clauses =
        image_put(writer, code->clauses.data, code->clauses.count / sizeof(struct code_clause),
                  sizeof(struct code_clause));
    put_native(writer, module, code, &header);
    writer->count = ALIGN_UP(writer->count, (uint64_t)8);
    header.module_bytes = writer->count;
    header.total_bytes = writer->count;
    image_write(writer, 0, &header, sizeof(header));
}

enum status image_build(const struct module *module,
                        const struct code *code,
                        const uint8_t *build_id,
                        struct report *report,
                        struct engine_image *ret_image)
{
    struct image_writer writer = {0};
    lay_out(&writer, module, code, build_id);
    if (writer.count > UINT32_MAX)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "the translated module takes %llu bytes, more than 4 GiB",
                           (unsigned long long)writer.count);
    struct engine_image image;
    enum status status = image_allocate(writer.count, report, &image);
    if (status != STATUS_OK)
        return status;
    writer = (struct image_writer){.data = image.data};
    lay_out(&writer, module, code, build_id);
    ASSERT(writer.count == image.count);
    image_seal(&image);
    *ret_image = image;
    return STATUS_OK;
}
