/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation of what concerns the module as a whole [Wasm core 3.4]: tables, globals,
 * segments, export names; then the bodies (func.c). Types were judged when decoded.
 *
 * Equal names are found by hashing, with a seed that the module's author cannot know, so that
 * a hundred thousand of them cost no more than their bytes.
 */
#include "engine/validate/validate.h"

#include <sys/auxv.h>
#include <xxhash.h>

#include "engine/validate/constant.h"
#include "engine/validate/func.h"
#include "engine/validate/name.h"
#include "engine/validate/rules.h"

/* A set of indices into some array; open addressing, never more than half full. */
struct index_set {
    uint32_t *slots; /* index + 1; 0: free */
    uint32_t mask;
    uint64_t seed;
    const struct module *module;
    bool (*equal)(const struct module *module, uint32_t a, uint32_t b);
};

static bool index_set_init(struct index_set *set, struct module *module, uint32_t count)
{
    uint32_t size = 2;
    while (size / 2 < count)
        size *= 2;
    set->module = module;
    set->mask = size - 1;
    set->slots = ARENA_ARRAY(&module->arena, uint32_t, size);
    /* Sixteen random bytes that the kernel gave this process. */
    const void *random = (const void *)getauxval(AT_RANDOM);
    if (random != NULL)
        memcpy(&set->seed, random, sizeof(set->seed));
    return set->slots != NULL;
}

/* The equal index that is in the set already; else `index`, which is in it now. */
static uint32_t index_set_add(struct index_set *set, uint64_t hash, uint32_t index)
{
    uint32_t slot = (uint32_t)hash & set->mask;
    while (set->slots[slot] != 0) {
        uint32_t other = set->slots[slot] - 1;
        if (set->equal(set->module, other, index))
            return other;
        slot = (slot + 1) & set->mask;
    }
    set->slots[slot] = index + 1;
    return index;
}

static enum status validate_no_memory(const struct module *module, struct report *report)
{
    return report_fail(report, STATUS_LIMIT, 0, "module needs more than %zu bytes to load",
                       module->arena.max_bytes);
}

static bool exports_equal(const struct module *module, uint32_t a, uint32_t b)
{
    return bytes_equal(module->exports[a].name, module->exports[b].name);
}

static enum status validate_exports(struct module *module, struct report *report)
{
    struct index_set set = {.equal = exports_equal};
    if (!index_set_init(&set, module, module->export_count))
        return validate_no_memory(module, report);
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct module_export *export = &module->exports[i];
        if (export->kind == ENGINE_EXTERN_FUNC)
            module->funcs[export->index].declared = true;
        uint64_t hash = XXH3_64bits_withSeed(export->name.data, export->name.count, set.seed);
        if (index_set_add(&set, hash, i) != i)
            return report_fail(report, STATUS_INVALID,
                               (uint64_t)(export->name.data - module->wasm.data),
                               "duplicate export name \"%s\", in export section, entry %u",
                               validate_name_text(export->name).text, i);
    }
    return STATUS_OK;
}

/* One constant expression, or `count` of them one after another. */
struct expressions {
    struct bytes bytes;
    uint32_t count;
    uint32_t type;
    uint32_t global_count; /* those that it may name */
    const char *section;
    uint32_t entry;
};

static enum status validate_expressions(struct module *module,
                                        const struct expressions *expressions,
                                        struct report *report)
{
    if (expressions->count == 0)
        return STATUS_OK;
    struct report inner = REPORT_INIT;
    struct reader reader = reader_make(module->wasm.data, expressions->bytes.data,
                                       expressions->bytes.data + expressions->bytes.count, &inner);
    for (uint32_t i = 0; i < expressions->count && !reader_failed(&reader); i++)
        validate_const(module, &reader, expressions->type, expressions->global_count);
    if (!reader_failed(&reader))
        return STATUS_OK;
    return report_fail(report, inner.status, inner.offset, "%.400s, in %s section, entry %u",
                       inner.text, expressions->section, expressions->entry);
}

static enum status validate_tables(struct module *module, struct report *report)
{
    enum status status = STATUS_OK;
    uint32_t imported = module->imported_table_count;
    for (uint32_t i = imported; i < module->table_count && status == STATUS_OK; i++) {
        struct expressions init = {.bytes = module->tables[i].init,
                                   .count = module->tables[i].init.count > 0,
                                   .type = module->tables[i].type,
                                   .global_count = module->imported_global_count,
                                   .section = "table",
                                   .entry = i - imported};
        status = validate_expressions(module, &init, report);
    }
    return status;
}

static enum status validate_globals(struct module *module, struct report *report)
{
    enum status status = STATUS_OK;
    uint32_t imported = module->imported_global_count;
    for (uint32_t i = imported; i < module->global_count && status == STATUS_OK; i++) {
        struct expressions init = {.bytes = module->globals[i].init,
                                   .count = 1,
                                   .type = module->globals[i].type,
                                   .global_count = i,
                                   .section = "global",
                                   .entry = i - imported};
        status = validate_expressions(module, &init, report);
    }
    return status;
}

static enum status validate_offset(struct module *module,
                                   struct bytes offset,
                                   bool is_64,
                                   const char *section,
                                   uint32_t entry,
                                   struct report *report)
{
    struct expressions expressions = {.bytes = offset,
                                      .count = 1,
                                      .type = validate_address_type(is_64),
                                      .global_count = module->global_count,
                                      .section = section,
                                      .entry = entry};
    return validate_expressions(module, &expressions, report);
}

static enum status validate_elem(struct module *module, uint32_t index, struct report *report)
{
    const struct module_elem *elem = &module->elems[index];
    if (elem->mode == MODULE_SEGMENT_ACTIVE) {
        enum status status = validate_offset(
            module, elem->offset, module->tables[elem->table].is_64, "element", index, report);
        if (status != STATUS_OK)
            return status;
        uint32_t wanted = module->tables[elem->table].type;
        if (!types_match(module, elem->type, wanted))
            return report_fail(report, STATUS_INVALID,
                               (uint64_t)(elem->offset.data - module->wasm.data),
                               "type mismatch: table %u has %s, the segment %s, in element "
                               "section, entry %u",
                               elem->table, engine_type_text(wanted).text,
                               engine_type_text(elem->type).text, index);
    }
    for (uint32_t i = 0; elem->funcs != NULL && i < elem->count; i++)
        module->funcs[elem->funcs[i]].declared = true;
    struct expressions items = {.bytes = elem->expressions,
                                .count = elem->funcs == NULL ? elem->count : 0,
                                .type = elem->type,
                                .global_count = module->global_count,
                                .section = "element",
                                .entry = index};
    return validate_expressions(module, &items, report);
}

static enum status validate_segments(struct module *module, struct report *report)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < module->elem_count && status == STATUS_OK; i++)
        status = validate_elem(module, i, report);
    for (uint32_t i = 0; i < module->data_count && status == STATUS_OK; i++) {
        const struct module_data *data = &module->datas[i];
        if (data->mode == MODULE_SEGMENT_ACTIVE)
            status = validate_offset(module, data->offset, module->memories[data->memory].is_64,
                                     "data", i, report);
    }
    return status;
}

enum status validate_declarations(struct module *module, struct report *report)
{
    enum status status = validate_tables(module, report);
    if (status == STATUS_OK)
        status = validate_globals(module, report);
    if (status == STATUS_OK)
        status = validate_exports(module, report);
    if (status == STATUS_OK)
        status = validate_segments(module, report);
    return status;
}

enum status validate_module(struct module *module, struct report *report)
{
    const struct module_range all = {.end = module->func_count};
    enum status status = validate_declarations(module, report);
    if (status == STATUS_OK)
        status = validate_funcs(module, all, report);
    return status;
}

enum status
engine_validate(struct bytes wasm, const struct engine_limits *limits, struct report *report)
{
    struct module module = {0};
    enum status status = decode_module(wasm, limits, report, &module);
    if (status == STATUS_OK)
        status = validate_module(&module, report);
    module_done(&module);
    return status;
}
