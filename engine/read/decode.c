/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a binary module [Wasm core 5.5]: header, sections in their order, each
 * exactly filled, and the counts that must agree among them.
 *
 *   "\0asm" 1 | (id size contents)*      contents are read by decode_<name>_section
 *
 * Judged here: grammar, limits, and the ranges of indices and sizes, because only here
 * their offsets are known. Types, constant expressions and code are for the validator,
 * which may rely on every index in struct module.
 */
#include "engine/read/decode.h"

#include <inttypes.h>

#define DECODE_MAGIC           0x6d736100u
#define DECODE_VERSION         1u
#define DECODE_LAYER_COMPONENT 1 /* the version's high half, in every preview of components */

enum {
    SECTION_CUSTOM = 0,
    SECTION_TAG = 13,
    SECTION_COUNT = 14,
};

struct section {
    const char *name;
    void (*read)(struct decode *decode);
    uint8_t rank; /* sections come in ascending rank */
};

static const struct section sections[SECTION_COUNT] = {
    [SECTION_CUSTOM] = {"custom", NULL, 0},
    [1] = {"type", decode_type_section, 1},
    [2] = {"import", decode_import_section, 2},
    [3] = {"function", decode_func_section, 3},
    [4] = {"table", decode_table_section, 4},
    [5] = {"memory", decode_memory_section, 5},
    [SECTION_TAG] = {"tag", decode_tag_section, 6},
    [6] = {"global", decode_global_section, 7},
    [7] = {"export", decode_export_section, 8},
    [8] = {"start", decode_start_section, 9},
    [9] = {"element", decode_elem_section, 10},
    [12] = {"data count", decode_data_count_section, 11},
    [10] = {"code", decode_code_section, 12},
    [11] = {"data", decode_data_section, 13},
};

void *decode_array(struct decode *decode, size_t count, size_t size)
{
    struct arena *arena = &decode->module->arena;
    void *array = arena_alloc(arena, count, size);
    if (array != NULL)
        return array;
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes) &&
        bytes <= arena->max_bytes - arena->used_bytes)
        reader_fail(&decode->reader, STATUS_NO_MEMORY, "out of memory");
    else
        reader_fail(&decode->reader, STATUS_LIMIT, "module needs more than %zu bytes to load",
                    arena->max_bytes);
    return NULL;
}

uint32_t decode_count(struct decode *decode, size_t item_bytes, uint32_t max, const char *what)
{
    uint32_t count = reader_count(&decode->reader, item_bytes, what);
    if (count <= max)
        return count;
    reader_fail(&decode->reader, STATUS_LIMIT, "too many %s: %u, the limit is %u", what, count,
                max);
    return 0;
}

uint32_t decode_extend(struct decode *decode, struct decode_items *items, size_t entry_bytes)
{
    uint32_t extra = decode_count(decode, entry_bytes, items->max, items->what);
    if (extra > items->max - items->count) {
        reader_fail(&decode->reader, STATUS_LIMIT, "too many %s: %" PRIu64 ", the limit is %u",
                    items->what, (uint64_t)items->count + extra, items->max);
        return 0;
    }
    if (extra == 0)
        return 0;
    uint8_t *longer = decode_array(decode, items->count + extra, items->item_bytes);
    if (longer == NULL)
        return 0;
    if (items->count > 0)
        memcpy(longer, items->items, items->count * items->item_bytes);
    items->items = longer;
    items->count += extra;
    return extra;
}

uint32_t decode_index(struct decode *decode, uint32_t count, const char *what)
{
    struct reader *reader = &decode->reader;
    const uint8_t *start = reader->at;
    uint32_t index = reader_u32(reader);
    if (LIKELY(index < count) || reader_failed(reader))
        return index;
    reader->at = start;
    reader_fail(reader, STATUS_INVALID, "unknown %s %u: there are %u", what, index, count);
    return 0;
}

static void decode_header(struct reader *reader)
{
    const uint8_t *start = reader->at;
    if (reader_left(reader) < 4) {
        reader_fail(reader, STATUS_MALFORMED, "unexpected end: a module has at least 8 bytes");
        return;
    }
    if (reader_fixed32(reader) != DECODE_MAGIC) {
        reader->at = start;
        reader_fail(reader, STATUS_MALFORMED, "magic header not detected: not a Wasm module");
        return;
    }
    if (reader_left(reader) < 4) {
        reader_fail(reader, STATUS_MALFORMED, "unexpected end: a module has at least 8 bytes");
        return;
    }
    uint32_t version = reader_fixed32(reader);
    if (version == DECODE_VERSION)
        return;
    reader->at = start + 4;
    bool is_component = version >> 16 == DECODE_LAYER_COMPONENT;
    reader_fail(reader, STATUS_MALFORMED, "unknown binary version 0x%08x%s", version,
                is_component ? ": a component; only core modules are accepted, such as those "
                               "built for wasm32-wasip1"
                             : "");
}

/* Reads one section's frame; the contents are left in decode->reader. */
static uint8_t decode_frame(struct decode *decode, struct reader *all)
{
    const uint8_t *start = all->at;
    uint8_t id = reader_u8(all);
    if (id >= SECTION_COUNT) {
        all->at = start;
        reader_fail(all, STATUS_MALFORMED, "malformed section id %u", id);
        return 0;
    }
    uint32_t size = reader_u32(all);
    if (size > reader_left(all)) {
        reader_fail(all, STATUS_MALFORMED, "length out of bounds: %s section of %u bytes, %zu left",
                    sections[id].name, size, reader_left(all));
        return 0;
    }
    struct bytes contents = reader_take(all, size);
    decode->reader = reader_make(all->base, contents.data, contents.data + size, all->report);
    return id;
}

static void decode_custom_section(struct decode *decode)
{
    struct bytes name = reader_name(&decode->reader);
    struct bytes contents = reader_take(&decode->reader, reader_left(&decode->reader));
    if (bytes_equal_text(name, "name"))
        decode->names = contents;
}

static void decode_section(struct decode *decode, uint8_t id)
{
    if (id == SECTION_CUSTOM)
        decode_custom_section(decode);
    else
        sections[id].read(decode);
    if (!reader_failed(&decode->reader) && reader_left(&decode->reader) > 0) {
        decode->item = DECODE_NO_ITEM;
        reader_fail(&decode->reader, STATUS_MALFORMED, "section size mismatch: %zu bytes too many",
                    reader_left(&decode->reader));
    }
}

/* Names the place in the report of a section's contents. */
static enum status decode_fail_in(const struct decode *decode,
                                  uint8_t id,
                                  const struct report *inner,
                                  struct report *report)
{
    if (decode->item == DECODE_NO_ITEM)
        return report_fail(report, inner->status, inner->offset, "%.400s, in %s section",
                           inner->text, sections[id].name);
    return report_fail(report, inner->status, inner->offset, "%.400s, in %s section, entry %u",
                       inner->text, sections[id].name, decode->item);
}

static enum status decode_sections(struct decode *decode, struct reader *all, struct report *report)
{
    struct report inner = REPORT_INIT;
    uint8_t rank = 0;
    while (!reader_failed(all) && reader_left(all) > 0) {
        const uint8_t *start = all->at;
        decode->item = DECODE_NO_ITEM;
        uint8_t id = decode_frame(decode, all);
        if (reader_failed(all))
            break;
        if (id != SECTION_CUSTOM && sections[id].rank <= rank) {
            all->at = start;
            reader_fail(all, STATUS_MALFORMED,
                        "unexpected content after last section: %s section out of order",
                        sections[id].name);
            break;
        }
        if (id != SECTION_CUSTOM)
            rank = sections[id].rank;
        decode->reader.report = &inner;
        decode_section(decode, id);
        if (reader_failed(&decode->reader))
            return decode_fail_in(decode, id, &inner, report);
    }
    return all->status;
}

static enum status decode_agree(const struct decode *decode, struct reader *all)
{
    const struct module *module = decode->module;
    uint32_t own = module->func_count - module->imported_func_count;
    if (own != decode->body_count)
        reader_fail(all, STATUS_MALFORMED,
                    "function and code section have inconsistent lengths: %u and %u", own,
                    decode->body_count);
    else if (module->has_data_count && module->data_count != decode->counted_datas)
        reader_fail(all, STATUS_MALFORMED,
                    "data count and data section have inconsistent lengths: %u and %u",
                    decode->counted_datas, module->data_count);
    return all->status;
}

static void decode_place_globals(struct module *module)
{
    for (uint32_t i = module->imported_global_count; i < module->global_count; i++) {
        module->globals[i].slot = module->global_slots;
        module->global_slots += engine_slot_count(&module->globals[i].type, 1);
    }
}

enum status decode_module(struct bytes wasm,
                          const struct engine_limits *limits,
                          struct report *report,
                          struct module *module)
{
    module->wasm = wasm;
    module->limits = limits;
    arena_init(&module->arena, limits->arena_bytes);
    if (wasm.count > limits->module_bytes || wasm.count > UINT32_MAX)
        return report_fail(report, STATUS_LIMIT, 0, "module of %zu bytes, the limit is %" PRIu64,
                           wasm.count, MIN(limits->module_bytes, (uint64_t)UINT32_MAX));
    static const uint8_t nothing;
    if (wasm.count == 0)
        wasm.data = &nothing;
    struct reader all = reader_make(wasm.data, wasm.data, wasm.data + wasm.count, report);
    decode_header(&all);
    if (reader_failed(&all))
        return all.status;
    struct decode decode = {.module = module, .item = DECODE_NO_ITEM};
    enum status status = decode_sections(&decode, &all, report);
    if (status == STATUS_OK)
        status = decode_agree(&decode, &all);
    if (status != STATUS_OK)
        return status;
    decode_place_globals(module);
    decode_names(&decode);
    return STATUS_OK;
}

void module_done(struct module *module)
{
    arena_done(&module->arena);
    *module = (struct module){0};
}
