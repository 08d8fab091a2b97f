/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The questions that the layers above ask an open module.
 */
#include "engine/image/image.h"

struct bytes image_text(const struct image_header *header, struct image_span span)
{
    return bytes_make(image_at(header, span), span.count);
}

struct engine_functype image_functype(const struct image_header *header, uint32_t type)
{
    const struct image_type *row = (const struct image_type *)image_at(header, header->types);
    row += type;
    return (struct engine_functype){.params = image_at(header, row->params),
                                    .results = image_at(header, row->results),
                                    .param_count = row->params.count,
                                    .result_count = row->results.count};
}

struct engine_functype image_tag_type(const struct image_header *header, uint32_t tag)
{
    const uint32_t *tags = image_at(header, header->tags);
    return image_functype(header, tags[tag]);
}

struct engine_functype image_func_type(const struct image_header *header, uint32_t func)
{
    const struct image_func *funcs = image_at(header, header->funcs);
    return image_functype(header, funcs[func].type);
}

uint32_t engine_module_import_count(const struct engine_module *module)
{
    return module->header->imports.count;
}

struct engine_import_desc engine_module_import(const struct engine_module *module, uint32_t i)
{
    const struct image_header *header = module->header;
    ASSERT(i < header->imports.count);
    const struct image_import *row = (const struct image_import *)image_at(header, header->imports);
    row += i;
    struct engine_import_desc desc = {.module_name = image_text(header, row->module_name),
                                      .name = image_text(header, row->name),
                                      .kind = (enum engine_extern_kind)row->kind,
                                      .index = row->index};
    if (desc.kind == ENGINE_EXTERN_FUNC)
        desc.type = image_func_type(header, row->index);
    else if (desc.kind == ENGINE_EXTERN_TAG)
        desc.type = image_tag_type(header, row->index);
    return desc;
}

uint32_t engine_module_export_count(const struct engine_module *module)
{
    return module->header->exports.count;
}

struct engine_export_desc engine_module_export(const struct engine_module *module, uint32_t i)
{
    const struct image_header *header = module->header;
    ASSERT(i < header->exports.count);
    const struct image_export *row = (const struct image_export *)image_at(header, header->exports);
    row += i;
    struct engine_export_desc desc = {.name = image_text(header, row->name),
                                      .kind = (enum engine_extern_kind)row->kind,
                                      .index = row->index};
    if (desc.kind == ENGINE_EXTERN_FUNC)
        desc.type = image_func_type(header, row->index);
    else if (desc.kind == ENGINE_EXTERN_TAG)
        desc.type = image_tag_type(header, row->index);
    return desc;
}

bool engine_module_find_export(const struct engine_module *module,
                               const char *name,
                               enum engine_extern_kind kind,
                               struct engine_export_desc *ret_export)
{
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        struct engine_export_desc desc = engine_module_export(module, i);
        if (desc.kind == kind && bytes_equal_text(desc.name, name)) {
            *ret_export = desc;
            return true;
        }
    }
    return false;
}

uint32_t engine_module_func_count(const struct engine_module *module)
{
    return module->header->funcs.count;
}

uint32_t engine_module_global_type(const struct engine_module *module, uint32_t index)
{
    const struct image_global *rows = image_at(module->header, module->header->globals);
    ASSERT(index < module->header->globals.count);
    return rows[index].type;
}

bool engine_module_has_start(const struct engine_module *module)
{
    return module->header->has_start;
}

bool engine_module_has_snapshot(const struct engine_module *module)
{
    return module->state->has_snapshot;
}

void engine_module_name_base(struct engine_module *module,
                             const uint8_t name[ENGINE_BASE_NAME_BYTES])
{
    ASSERT(module->base == NULL && module->state->has_snapshot);
    memcpy(module->name, name, sizeof(module->name));
    module->is_base = true;
}

bool engine_module_has_checkpoint(const struct engine_module *module)
{
    return module->state->frame_links.count > 0;
}

struct bytes engine_module_checkpoint_note(const struct engine_module *module)
{
    return image_text(module->state, module->state->frame_note);
}

uint32_t engine_module_memory_count(const struct engine_module *module)
{
    return module->header->memories.count;
}

struct engine_memory_desc engine_module_memory(const struct engine_module *module, uint32_t index)
{
    const struct image_memory *rows = image_at(module->header, module->header->memories);
    ASSERT(index < module->header->memories.count);
    return (struct engine_memory_desc){.is_64 = rows[index].is_64,
                                       .page_bytes = 1u << rows[index].page_shift};
}
