/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value types in the binary: what is accepted and what is malformed.
 */
#include "engine/read/decode_types.h"

#include <inttypes.h>

/* Reports the byte just read, which is no type of ours. */
static void decode_refuse_type(struct reader *reader, uint8_t byte, const char *what)
{
    if (reader_failed(reader))
        return;
    reader->at--;
    reader_fail(reader, STATUS_MALFORMED, "malformed %s type 0x%02x", what, byte);
}

static bool is_abstract(uint8_t byte)
{
    return byte >= ENGINE_EXNREF && byte <= ENGINE_NULLEXNREF;
}

uint32_t decode_heap_type(struct reader *reader, const struct module *module)
{
    const uint8_t *at = reader->at;
    if (reader_left(reader) > 0 && is_abstract(*at)) {
        reader->at++;
        return *at;
    }
    int64_t index = reader_s33(reader);
    if (reader_failed(reader))
        return 0;
    if (index >= 0 && index < module->type_count)
        return ENGINE_TYPE_CONCRETE | module->types[index].canonical;
    if (index >= 0 && index - module->type_count < module->open_group_count)
        return ENGINE_TYPE_CONCRETE | TYPES_RELATIVE | (uint32_t)(index - module->type_count);
    reader->at = at;
    if (index < 0)
        reader_fail(reader, STATUS_MALFORMED, "malformed heap type 0x%02x", *at);
    else
        reader_fail(reader, STATUS_INVALID, "unknown type %" PRId64 ": there are %u", index,
                    module->type_count + module->open_group_count);
    return 0;
}

uint32_t decode_value_type(struct reader *reader, const struct module *module)
{
    uint8_t byte = reader_u8(reader);
    if (LIKELY(byte >= ENGINE_V128 && byte <= ENGINE_I32) || is_abstract(byte))
        return byte;
    if (byte == DECODE_REF_NULL)
        return decode_heap_type(reader, module);
    if (byte == DECODE_REF)
        return ENGINE_TYPE_NON_NULL | decode_heap_type(reader, module);
    decode_refuse_type(reader, byte, "value");
    return 0;
}

uint32_t decode_reference_type(struct reader *reader, const struct module *module)
{
    uint32_t type = decode_value_type(reader, module);
    if (engine_type_is_reference(type) || reader_failed(reader))
        return type;
    decode_refuse_type(reader, (uint8_t)type, "reference");
    return 0;
}

uint32_t decode_type_index(struct reader *reader, const struct module *module, enum types_kind kind)
{
    static const char *const names[] = {"function", "structure", "array"};
    const uint8_t *at = reader->at;
    uint32_t index = reader_u32(reader);
    if (reader_failed(reader))
        return 0;
    if (LIKELY(index < module->type_count && module->types[index].kind == kind))
        return index;
    reader->at = at;
    if (index >= module->type_count)
        reader_fail(reader, STATUS_INVALID, "unknown type %u: there are %u", index,
                    module->type_count);
    else
        reader_fail(reader, STATUS_INVALID, "type mismatch: type %u is no %s type", index,
                    names[kind]);
    return 0;
}
