/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element and data segments [Wasm core 5.5.12, 5.5.14]: the eight and three forms.
 *
 * An element segment's flags: bit 0 not active; bit 1 explicit table (active) or
 * declarative (not active), and in both an explicit type; bit 2 expressions.
 */
#include "engine/read/decode.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"

enum {
    ELEM_NOT_ACTIVE = 1,
    ELEM_EXPLICIT = 2,
    ELEM_EXPRESSIONS = 4,
    ELEM_FORMS = 8,
};

enum {
    DATA_ACTIVE = 0,
    DATA_PASSIVE = 1,
    DATA_ACTIVE_EXPLICIT = 2,
};

/* Functions by index are never null. */
#define ELEM_FUNCS (ENGINE_TYPE_NON_NULL | ENGINE_FUNCREF)

static uint32_t decode_elem_kind(struct reader *reader)
{
    uint8_t kind = reader_u8(reader);
    if (kind != 0) {
        reader->at--;
        reader_fail(reader, STATUS_MALFORMED, "malformed element kind 0x%02x", kind);
    }
    return ELEM_FUNCS;
}

static void decode_elem_items(struct decode *decode, uint32_t flags, struct module_elem *elem)
{
    struct reader *reader = &decode->reader;
    elem->count = reader_count(reader, 1, "elements");
    if ((flags & ELEM_EXPRESSIONS) != 0) {
        const uint8_t *start = reader->at;
        for (uint32_t i = 0; i < elem->count && !reader_failed(reader); i++)
            (void)decode_expression(reader);
        elem->expressions = bytes_make(start, (size_t)(reader->at - start));
        return;
    }
    uint32_t *funcs = decode_array(decode, elem->count, sizeof(*funcs));
    if (funcs == NULL)
        return;
    for (uint32_t i = 0; i < elem->count && !reader_failed(reader); i++)
        funcs[i] = decode_index(decode, decode->module->func_count, "function");
    elem->funcs = funcs;
}

static void decode_elem(struct decode *decode, struct module_elem *elem)
{
    struct reader *reader = &decode->reader;
    uint32_t tables = decode->module->table_count;
    uint32_t flags = reader_u32(reader);
    if (flags >= ELEM_FORMS) {
        reader_fail(reader, STATUS_MALFORMED, "malformed elements segment kind %u", flags);
        return;
    }
    elem->mode = MODULE_SEGMENT_ACTIVE;
    if ((flags & ELEM_NOT_ACTIVE) != 0)
        elem->mode =
            (flags & ELEM_EXPLICIT) != 0 ? MODULE_SEGMENT_DECLARATIVE : MODULE_SEGMENT_PASSIVE;
    else if ((flags & ELEM_EXPLICIT) != 0)
        elem->table = decode_index(decode, tables, "table");
    else if (tables == 0)
        reader_fail(reader, STATUS_INVALID, "unknown table 0: there are none");
    if (elem->mode == MODULE_SEGMENT_ACTIVE)
        elem->offset = decode_expression(reader);
    elem->type = (flags & ELEM_EXPRESSIONS) != 0 ? ENGINE_FUNCREF : ELEM_FUNCS;
    bool has_type = (flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) != 0;
    if (has_type && (flags & ELEM_EXPRESSIONS) != 0)
        elem->type = decode_reference_type(reader, decode->module);
    else if (has_type)
        elem->type = decode_elem_kind(reader);
    decode_elem_items(decode, flags, elem);
}

void decode_elem_section(struct decode *decode)
{
    struct module *module = decode->module;
    uint32_t count = decode_count(decode, 2, MODULE_MAX_SEGMENTS, "element segments");
    module->elems = decode_array(decode, count, sizeof(*module->elems));
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
        decode->item = i;
        decode_elem(decode, &module->elems[i]);
    }
    module->elem_count = count;
}

static void decode_data(struct decode *decode, struct module_data *data)
{
    struct reader *reader = &decode->reader;
    uint32_t memories = decode->module->memory_count;
    uint32_t flags = reader_u32(reader);
    if (flags > DATA_ACTIVE_EXPLICIT) {
        reader_fail(reader, STATUS_MALFORMED, "malformed data segment kind %u", flags);
        return;
    }
    data->mode = flags == DATA_PASSIVE ? MODULE_SEGMENT_PASSIVE : MODULE_SEGMENT_ACTIVE;
    if (flags == DATA_ACTIVE_EXPLICIT)
        data->memory = decode_index(decode, memories, "memory");
    else if (flags == DATA_ACTIVE && memories == 0)
        reader_fail(reader, STATUS_INVALID, "unknown memory 0: there are none");
    if (data->mode == MODULE_SEGMENT_ACTIVE)
        data->offset = decode_expression(reader);
    data->content = reader_take(reader, reader_u32(reader));
}

void decode_data_section(struct decode *decode)
{
    struct module *module = decode->module;
    uint32_t count = decode_count(decode, 2, MODULE_MAX_SEGMENTS, "data segments");
    module->datas = decode_array(decode, count, sizeof(*module->datas));
    for (uint32_t i = 0; i < count && !reader_failed(&decode->reader); i++) {
        decode->item = i;
        decode_data(decode, &module->datas[i]);
    }
    module->data_count = count;
}
