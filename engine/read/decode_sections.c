/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of the sections that define things [Wasm core 5.5.4-5.5.13].
 *
 * Each index space is one array with the imports first: the import section makes it as
 * long as there are imports, the defining section makes it longer.
 */
#include <inttypes.h>

#include "engine/read/decode.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"

/* Flags of limits; what is not named here is of a proposal or malformed. */
enum {
    LIMITS_HAS_MAXIMUM = 1,
    LIMITS_SHARED = 2,
    LIMITS_64_BIT = 4,
    LIMITS_PAGE_SIZE = 8, /* of the custom-page-sizes proposal */
    LIMITS_OF_TABLES = LIMITS_HAS_MAXIMUM | LIMITS_64_BIT,
    LIMITS_OF_MEMORIES = LIMITS_OF_TABLES | LIMITS_SHARED | LIMITS_PAGE_SIZE,
};

/* How many pages or entries an address space has room for. */
static uint64_t decode_range(bool is_64, uint8_t page_shift)
{
    uint64_t all = is_64 ? UINT64_MAX : UINT32_MAX;
    return page_shift == 0 ? all : (all >> page_shift) + 1;
}

/* Sizes against each other and the address space, in pages or entries [Wasm core 3.2.3]. */
static void decode_check_limits(struct reader *reader,
                                const uint8_t *start,
                                const struct module_limits *limits,
                                uint64_t range,
                                const char *what)
{
    if (reader_failed(reader))
        return;
    bool has_maximum = limits->maximum != UINT64_MAX;
    uint64_t largest = has_maximum ? MAX(limits->minimum, limits->maximum) : limits->minimum;
    if (largest <= range && limits->minimum <= limits->maximum)
        return;
    reader->at = start;
    if (largest <= range)
        reader_fail(reader, STATUS_INVALID,
                    "size minimum must not be greater than maximum: %" PRIu64 " and %" PRIu64,
                    limits->minimum, limits->maximum);
    else
        reader_fail(reader, STATUS_INVALID, "%s size must be at most %" PRIu64 " %s", what, range,
                    what[0] == 'm' ? "pages" : "entries");
}

/* Flags and sizes; `known` says which flags may be there. */
static uint8_t decode_limits(struct reader *reader, uint8_t known, struct module_limits *ret_limits)
{
    uint8_t flags = reader_u8(reader);
    if ((flags & ~known) != 0) {
        reader->at--;
        reader_fail(reader, STATUS_MALFORMED, "malformed limits flags 0x%02x", flags);
    } else if ((flags & LIMITS_SHARED) != 0) {
        reader_fail(reader, STATUS_UNSUPPORTED, "shared memory: threads are not supported");
    }
    *ret_limits = (struct module_limits){.minimum = reader_u64(reader), .maximum = UINT64_MAX};
    if ((flags & LIMITS_HAS_MAXIMUM) != 0)
        ret_limits->maximum = reader_u64(reader);
    return flags;
}

static struct module_table decode_table_type(struct reader *reader, const struct module *module)
{
    struct module_table table = {.type = decode_reference_type(reader, module)};
    const uint8_t *start = reader->at;
    uint8_t flags = decode_limits(reader, LIMITS_OF_TABLES, &table.limits);
    table.is_64 = (flags & LIMITS_64_BIT) != 0;
    decode_check_limits(reader, start, &table.limits, decode_range(table.is_64, 0), "table");
    return table;
}

/* The logarithm of the page size: of 1 or 65536 bytes. */
static uint8_t decode_page_shift(struct reader *reader)
{
    const uint8_t *start = reader->at;
    uint32_t shift = reader_u32(reader);
    if (shift == 0 || shift == MODULE_PAGE_SHIFT || reader_failed(reader))
        return (uint8_t)shift;
    reader->at = start;
    reader_fail(reader, shift > 64 ? STATUS_MALFORMED : STATUS_INVALID,
                "invalid custom page size: 2^%u bytes, not 1 or 65536", shift);
    return MODULE_PAGE_SHIFT;
}

static struct module_memory decode_memory_type(struct reader *reader)
{
    struct module_memory memory = {.page_shift = MODULE_PAGE_SHIFT};
    const uint8_t *start = reader->at;
    uint8_t flags = decode_limits(reader, LIMITS_OF_MEMORIES, &memory.limits);
    memory.is_64 = (flags & LIMITS_64_BIT) != 0;
    if ((flags & LIMITS_PAGE_SIZE) != 0)
        memory.page_shift = decode_page_shift(reader);
    decode_check_limits(reader, start, &memory.limits,
                        decode_range(memory.is_64, memory.page_shift), "memory");
    return memory;
}

static struct module_global decode_global_type(struct reader *reader, const struct module *module)
{
    struct module_global global = {.type = decode_value_type(reader, module)};
    uint8_t mutability = reader_u8(reader);
    if (mutability > 1) {
        reader->at--;
        reader_fail(reader, STATUS_MALFORMED, "malformed mutability 0x%02x", mutability);
    }
    global.is_mutable = mutability == 1;
    return global;
}

/* The attribute is 0, "exception", and there is no other. */
static struct module_tag decode_tag_type(struct reader *reader, const struct module *module)
{
    const uint8_t *at = reader->at;
    uint8_t attribute = reader_u8(reader);
    if (attribute != 0) {
        reader->at = at;
        reader_fail(reader, STATUS_MALFORMED, "malformed tag attribute 0x%02x", attribute);
    }
    struct module_tag tag = {.type = decode_type_index(reader, module, TYPES_FUNC)};
    if (!reader_failed(reader) && module->types[tag.type].func.result_count > 0) {
        reader->at = at;
        reader_fail(reader, STATUS_INVALID, "non-empty tag result type: type %u has %u results",
                    tag.type, module->types[tag.type].func.result_count);
    }
    return tag;
}

static void decode_import_item(struct decode *decode, struct module_import *import)
{
    struct module *module = decode->module;
    struct reader *reader = &decode->reader;
    switch ((enum engine_extern_kind)import->kind) {
    case ENGINE_EXTERN_FUNC:
        import->index = module->func_count++;
        module->funcs[import->index].type = decode_type_index(reader, module, TYPES_FUNC);
        break;
    case ENGINE_EXTERN_TABLE:
        import->index = module->table_count++;
        if (import->index < MODULE_MAX_TABLES)
            module->tables[import->index] = decode_table_type(reader, module);
        else
            reader_fail(reader, STATUS_LIMIT, "too many tables: %u, the limit is %u",
                        module->table_count, MODULE_MAX_TABLES);
        break;
    case ENGINE_EXTERN_MEMORY:
        import->index = module->memory_count++;
        if (import->index < MODULE_MAX_MEMORIES)
            module->memories[import->index] = decode_memory_type(reader);
        else
            reader_fail(reader, STATUS_LIMIT, "too many memories: %u, the limit is %u",
                        module->memory_count, MODULE_MAX_MEMORIES);
        break;
    case ENGINE_EXTERN_GLOBAL:
        import->index = module->global_count++;
        module->globals[import->index] = decode_global_type(reader, module);
        break;
    case ENGINE_EXTERN_TAG:
        import->index = module->tag_count++;
        module->tags[import->index] = decode_tag_type(reader, module);
        break;
    }
}

/* The kind of an import or export. */
static uint8_t decode_extern_kind(struct reader *reader, const char *what)
{
    uint8_t kind = reader_u8(reader);
    if (kind <= ENGINE_EXTERN_TAG)
        return kind;
    reader->at--;
    reader_fail(reader, STATUS_MALFORMED, "malformed %s kind 0x%02x", what, kind);
    return 0;
}

void decode_import_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct reader *reader = &decode->reader;
    uint32_t count = decode_count(decode, 3, MODULE_MAX_IMPORTS, "imports");
    /* As if all were of each kind: dear only for a module of 100,000 imports. */
    module->imports = decode_array(decode, count, sizeof(*module->imports));
    module->funcs = decode_array(decode, count, sizeof(*module->funcs));
    module->globals = decode_array(decode, count, sizeof(*module->globals));
    module->tags = decode_array(decode, count, sizeof(*module->tags));
    module->tables =
        decode_array(decode, MIN(count, (uint32_t)MODULE_MAX_TABLES), sizeof(*module->tables));
    module->memories =
        decode_array(decode, MIN(count, (uint32_t)MODULE_MAX_MEMORIES), sizeof(*module->memories));
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++) {
        decode->item = i;
        struct module_import *import = &module->imports[i];
        import->module_name = reader_name(reader);
        import->name = reader_name(reader);
        import->kind = decode_extern_kind(reader, "import");
        if (!reader_failed(reader))
            decode_import_item(decode, import);
    }
    module->import_count = count;
    module->imported_func_count = module->func_count;
    module->imported_table_count = module->table_count;
    module->imported_memory_count = module->memory_count;
    module->imported_global_count = module->global_count;
    module->imported_tag_count = module->tag_count;
}

void decode_func_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct decode_items funcs = {module->funcs, module->func_count, sizeof(*module->funcs),
                                 MODULE_MAX_FUNCS, "functions"};
    uint32_t count = decode_extend(decode, &funcs, 1);
    module->funcs = funcs.items;
    module->func_count = funcs.count;
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
        decode->item = i;
        module->funcs[module->imported_func_count + i].type =
            decode_type_index(&decode->reader, module, TYPES_FUNC);
    }
}

/* Begins a table that has an initial value; a byte 0 follows. */
#define TABLE_WITH_INIT 0x40

void decode_table_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct reader *reader = &decode->reader;
    struct decode_items tables = {module->tables, module->table_count, sizeof(*module->tables),
                                  MODULE_MAX_TABLES, "tables"};
    uint32_t count = decode_extend(decode, &tables, 2);
    module->tables = tables.items;
    module->table_count = tables.count;
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++) {
        decode->item = i;
        struct module_table *table = &module->tables[module->imported_table_count + i];
        bool has_init = reader_left(reader) > 0 && *reader->at == TABLE_WITH_INIT;
        if (has_init && reader_u8(reader) == TABLE_WITH_INIT && reader_u8(reader) != 0)
            reader_fail(reader, STATUS_MALFORMED, "malformed table with an initialiser");
        *table = decode_table_type(reader, module);
        if (has_init)
            table->init = decode_expression(reader);
        else if (!types_is_defaultable(table->type))
            reader_fail(reader, STATUS_INVALID,
                        "type mismatch: a table of %s needs an initial value",
                        engine_type_text(table->type).text);
    }
}

void decode_memory_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct decode_items memories = {module->memories, module->memory_count,
                                    sizeof(*module->memories), MODULE_MAX_MEMORIES, "memories"};
    uint32_t count = decode_extend(decode, &memories, 2);
    module->memories = memories.items;
    module->memory_count = memories.count;
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
        decode->item = i;
        module->memories[module->imported_memory_count + i] = decode_memory_type(&decode->reader);
    }
}

void decode_tag_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct decode_items tags = {module->tags, module->tag_count, sizeof(*module->tags),
                                MODULE_MAX_TAGS, "tags"};
    uint32_t count = decode_extend(decode, &tags, 2);
    module->tags = tags.items;
    module->tag_count = tags.count;
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
        decode->item = i;
        module->tags[module->imported_tag_count + i] = decode_tag_type(&decode->reader, module);
    }
}

void decode_global_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct reader *reader = &decode->reader;
    struct decode_items globals = {module->globals, module->global_count, sizeof(*module->globals),
                                   MODULE_MAX_GLOBALS, "globals"};
    uint32_t count = decode_extend(decode, &globals, 3);
    module->globals = globals.items;
    module->global_count = globals.count;
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++) {
        decode->item = i;
        struct module_global *global = &module->globals[module->imported_global_count + i];
        *global = decode_global_type(reader, module);
        global->init = decode_expression(reader);
    }
}

static uint32_t decode_export_index(struct decode *decode, enum engine_extern_kind kind)
{
    const struct module *module = decode->module;
    switch (kind) {
    case ENGINE_EXTERN_FUNC:
        return decode_index(decode, module->func_count, "function");
    case ENGINE_EXTERN_TABLE:
        return decode_index(decode, module->table_count, "table");
    case ENGINE_EXTERN_MEMORY:
        return decode_index(decode, module->memory_count, "memory");
    case ENGINE_EXTERN_TAG:
        return decode_index(decode, module->tag_count, "tag");
    case ENGINE_EXTERN_GLOBAL:
        break;
    }
    return decode_index(decode, module->global_count, "global");
}

void decode_export_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct reader *reader = &decode->reader;
    uint32_t count = decode_count(decode, 3, MODULE_MAX_EXPORTS, "exports");
    module->exports = decode_array(decode, count, sizeof(*module->exports));
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++) {
        decode->item = i;
        struct module_export *export = &module->exports[i];
        export->name = reader_name(reader);
        export->kind = decode_extern_kind(reader, "export");
        export->index = decode_export_index(decode, export->kind);
    }
    module->export_count = count;
}

void decode_start_section(struct decode *decode)
{
    struct module *module = decode->module;
    const uint8_t *at = decode->reader.at;
    module->has_start = true;
    module->start = decode_index(decode, module->func_count, "function");
    if (reader_failed(&decode->reader))
        return;
    const struct engine_functype *type = module_func_type(module, module->start);
    if (type->param_count == 0 && type->result_count == 0)
        return;
    decode->reader.at = at;
    reader_fail(&decode->reader, STATUS_INVALID,
                "start function %u must have neither parameters nor results", module->start);
}

void decode_code_section(struct decode *decode)
{
    struct module *module = decode->module;
    struct reader *reader = &decode->reader;
    uint32_t count = decode_count(decode, 2, MODULE_MAX_FUNCS, "function bodies");
    uint32_t own = module->func_count - module->imported_func_count;
    decode->body_count = count;
    if (count != own)
        return (void)reader_take(reader, reader_left(reader)); /* decode_agree reports it */
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++) {
        decode->item = i;
        uint32_t size = reader_u32(reader);
        if (size > MODULE_MAX_BODY_BYTES)
            reader_fail(reader, STATUS_LIMIT, "function body of %u bytes, the limit is %u", size,
                        MODULE_MAX_BODY_BYTES);
        struct module_func *func = &module->funcs[module->imported_func_count + i];
        func->body_offset = reader_offset(reader);
        func->body_bytes = (uint32_t)reader_take(reader, size).count;
    }
}

void decode_data_count_section(struct decode *decode)
{
    decode->module->has_data_count = true;
    decode->counted_datas = reader_u32(&decode->reader);
}
