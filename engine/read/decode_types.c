/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value types and opcodes: what is accepted, what is malformed, and what belongs to a
 * part of WebAssembly that the engine does not have yet and is refused by its name.
 *
 * Adding a proposal begins by deleting its rows here.
 */
#include <inttypes.h>

#include "engine/read/decode.h"

struct refusal {
    uint8_t first; /* bytes first..last */
    uint8_t last;
    const char *reason;
};

#define REFUSE_THREADS "threads are not supported"

static const struct refusal refused_opcodes[] = {
    {0xfe, 0xfe, REFUSE_THREADS},
};

static const char *decode_refusal(const struct refusal *rows, size_t count, uint8_t byte)
{
    for (size_t i = 0; i < count; i++) {
        if (byte >= rows[i].first && byte <= rows[i].last)
            return rows[i].reason;
    }
    return NULL;
}

/* Reports the byte just read, which is no type of ours. */
static void decode_refuse_type(struct reader *reader, uint8_t byte, const char *what)
{
    if (reader_failed(reader))
        return;
    reader->at--;
    reader_fail(reader, STATUS_MALFORMED, "malformed %s type 0x%02x", what, byte);
}

/* First byte of a reference that names its heap type: nullable, or not. */
#define REF_NULL 0x63
#define REF      0x64

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
    if (byte == REF_NULL)
        return decode_heap_type(reader, module);
    if (byte == REF)
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

uint32_t decode_prefixed_opcode(struct reader *reader, uint32_t prefix)
{
    uint32_t sub = reader_u32(reader);
    uint32_t last = prefix == OPCODE_PREFIX_SIMD ? OPCODE_ROWS_SIMD - 1 : 0xff;
    return sub <= last ? (prefix << 8) + sub : UINT32_MAX;
}

void decode_refuse_opcode(struct reader *reader, uint32_t code)
{
    uint8_t byte = reader_left(reader) > 0 ? *reader->at : 0;
    const char *reason = decode_refusal(refused_opcodes, COUNT_OF(refused_opcodes), byte);
    if (reason != NULL)
        reader_fail(reader, STATUS_UNSUPPORTED, "opcode %02x: %s", byte, reason);
    else if (code == UINT32_MAX)
        reader_fail(reader, STATUS_MALFORMED, "illegal opcode %02x with too large a number", byte);
    else
        reader_fail(reader, STATUS_MALFORMED, "illegal opcode %02x", code);
}

static void decode_skip_vector(struct reader *reader, const char *what)
{
    uint32_t count = reader_count(reader, 1, what);
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++)
        (void)reader_u32(reader);
}

/* A value type or a block type: numbers, the one of types negative, and one more after REF. */
static void decode_skip_type(struct reader *reader)
{
    if (reader_left(reader) > 0 && (*reader->at == REF_NULL || *reader->at == REF))
        reader->at++;
    (void)reader_s33(reader);
}

static void decode_skip_types(struct reader *reader)
{
    uint32_t count = reader_count(reader, 1, "types");
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++)
        decode_skip_type(reader);
}

static void decode_skip_clauses(struct reader *reader)
{
    uint32_t count = reader_count(reader, 2, "catch clauses");
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++)
        (void)decode_clause(reader);
}

static void decode_skip_cast(struct reader *reader)
{
    (void)reader_u8(reader);
    (void)reader_u32(reader);
    decode_skip_type(reader);
    decode_skip_type(reader);
}

/* Those of vector instructions. */
static void decode_skip_vector_immediate(struct reader *reader, enum immediate_kind kind)
{
    switch (kind) {
    case IMMEDIATE_MEMARG0_LANE:
    case IMMEDIATE_MEMARG1_LANE:
    case IMMEDIATE_MEMARG2_LANE:
    case IMMEDIATE_MEMARG3_LANE:
        (void)decode_memarg(reader);
        (void)reader_u8(reader);
        break;
    case IMMEDIATE_LANE2:
    case IMMEDIATE_LANE4:
    case IMMEDIATE_LANE8:
    case IMMEDIATE_LANE16:
        (void)reader_u8(reader);
        break;
    case IMMEDIATE_V128:
    case IMMEDIATE_SHUFFLE:
        (void)reader_take(reader, 16);
        break;
    default:
        ASSERT(false && "an immediate without a length");
    }
}

void decode_skip_immediate(struct reader *reader, enum immediate_kind kind)
{
    switch (kind) {
    case IMMEDIATE_NONE:
        break;
    case IMMEDIATE_BLOCK:
    case IMMEDIATE_HEAPTYPE:
        decode_skip_type(reader);
        break;
    case IMMEDIATE_TRY:
        decode_skip_type(reader);
        decode_skip_clauses(reader);
        break;
    case IMMEDIATE_LABELS:
        decode_skip_vector(reader, "labels");
        (void)reader_u32(reader);
        break;
    case IMMEDIATE_TYPES:
        decode_skip_types(reader);
        break;
    case IMMEDIATE_CAST:
        decode_skip_cast(reader);
        break;
    case IMMEDIATE_MEMARG0:
    case IMMEDIATE_MEMARG1:
    case IMMEDIATE_MEMARG2:
    case IMMEDIATE_MEMARG3:
    case IMMEDIATE_MEMARG4:
        (void)decode_memarg(reader);
        break;
    case IMMEDIATE_I32:
        (void)reader_s32(reader);
        break;
    case IMMEDIATE_I64:
        (void)reader_s64(reader);
        break;
    case IMMEDIATE_F32:
        (void)reader_take(reader, 4);
        break;
    case IMMEDIATE_F64:
        (void)reader_take(reader, 8);
        break;
    case IMMEDIATE_TYPE_OTHER:
    case IMMEDIATE_TYPE_TABLE:
    case IMMEDIATE_DATA_MEMORY:
    case IMMEDIATE_MEMORY_MEMORY:
    case IMMEDIATE_ELEM_TABLE:
    case IMMEDIATE_TABLE_TABLE:
        (void)reader_u32(reader);
        (void)reader_u32(reader);
        break;
    case IMMEDIATE_LABEL:
    case IMMEDIATE_TAG:
    case IMMEDIATE_FUNC:
    case IMMEDIATE_TYPE:
    case IMMEDIATE_LOCAL:
    case IMMEDIATE_GLOBAL:
    case IMMEDIATE_TABLE:
    case IMMEDIATE_MEMORY:
    case IMMEDIATE_DATA:
    case IMMEDIATE_ELEM:
        (void)reader_u32(reader);
        break;
    default:
        decode_skip_vector_immediate(reader, kind);
    }
}

struct decode_clause decode_clause(struct reader *reader)
{
    struct decode_clause clause = {0};
    const uint8_t *at = reader->at;
    uint8_t kind = reader_u8(reader);
    if (kind > (DECODE_CATCH_ALL | DECODE_CATCH_REF)) {
        reader->at = at;
        reader_fail(reader, STATUS_MALFORMED, "malformed catch clause 0x%02x", kind);
    }
    clause.is_all = (kind & DECODE_CATCH_ALL) != 0;
    clause.with_reference = (kind & DECODE_CATCH_REF) != 0;
    if (!clause.is_all)
        clause.tag = reader_u32(reader);
    clause.label = reader_u32(reader);
    return clause;
}

struct bytes decode_expression(struct reader *reader)
{
    const uint8_t *start = reader->at;
    uint32_t depth = 1;
    while (depth > 0 && !reader_failed(reader)) {
        const uint8_t *opcode_at = reader->at;
        uint32_t code = reader_u8(reader);
        if (opcode_is_prefix(code))
            code = decode_prefixed_opcode(reader, code);
        if (reader_failed(reader))
            break;
        const struct opcode_row *row = opcode_row(code);
        if (row == NULL) {
            reader->at = opcode_at;
            decode_refuse_opcode(reader, code);
            break;
        }
        depth += row->immediate == IMMEDIATE_BLOCK || row->immediate == IMMEDIATE_TRY;
        depth -= code == OPCODE_END || code == OPCODE_DELEGATE;
        decode_skip_immediate(reader, row->immediate);
    }
    return bytes_make(start, reader_failed(reader) ? 0 : (size_t)(reader->at - start));
}
