/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions in the binary: opcodes and what follows them.
 */
#include "engine/read/decode_immediate.h"

#include "engine/read/decode_types.h"

uint32_t decode_prefixed_opcode(struct reader *reader, uint32_t prefix)
{
    uint32_t sub = reader_u32(reader);
    uint32_t last = prefix == OPCODE_PREFIX_SIMD ? OPCODE_ROWS_SIMD - 1 : 0xff;
    return sub <= last ? opcode_first(prefix) + sub : UINT32_MAX;
}

void decode_refuse_opcode(struct reader *reader, uint32_t code)
{
    uint8_t byte = reader_left(reader) > 0 ? *reader->at : 0;
    if (code == UINT32_MAX)
        reader_fail(reader, STATUS_MALFORMED, "illegal opcode %02x with too large a number", byte);
    else if (opcode_is_prefix(byte))
        reader_fail(reader, STATUS_MALFORMED, "illegal opcode %02x%02x", byte,
                    code - opcode_first(byte));
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
    if (reader_left(reader) > 0 && (*reader->at == DECODE_REF_NULL || *reader->at == DECODE_REF))
        reader->at++;
    (void)reader_s33(reader);
}

static void decode_skip_types(struct reader *reader)
{
    uint32_t count = reader_count(reader, 1, "types");
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++)
        decode_skip_type(reader);
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

static void decode_skip_clauses(struct reader *reader)
{
    uint32_t count = reader_count(reader, 2, "catch clauses");
    for (uint32_t i = 0; i < count && !reader_failed(reader); i++)
        (void)decode_clause(reader);
}

/*
 * What follows an opcode, a letter each:
 *
 *   1 4 8  so many bytes      u  u32      i  s32      l  s64      m  struct decode_memarg
 *   t  a value, heap or block type        T  a vector of them     U  a vector of u32
 *   c  a vector of struct decode_clause
 */
static const char decode_layouts[IMMEDIATE_COUNT][5] = {
    [IMMEDIATE_NONE] = "",
    [IMMEDIATE_BLOCK] = "t",
    [IMMEDIATE_TRY] = "tc",
    [IMMEDIATE_TAG] = "u",
    [IMMEDIATE_LABEL] = "u",
    [IMMEDIATE_LABELS] = "Uu",
    [IMMEDIATE_FUNC] = "u",
    [IMMEDIATE_TYPE] = "u",
    [IMMEDIATE_TYPE_OTHER] = "uu",
    [IMMEDIATE_TYPE_TABLE] = "uu",
    [IMMEDIATE_TYPES] = "T",
    [IMMEDIATE_LOCAL] = "u",
    [IMMEDIATE_GLOBAL] = "u",
    [IMMEDIATE_TABLE] = "u",
    [IMMEDIATE_MEMARG0] = "m",
    [IMMEDIATE_MEMARG1] = "m",
    [IMMEDIATE_MEMARG2] = "m",
    [IMMEDIATE_MEMARG3] = "m",
    [IMMEDIATE_MEMARG4] = "m",
    [IMMEDIATE_MEMARG0_LANE] = "m1",
    [IMMEDIATE_MEMARG1_LANE] = "m1",
    [IMMEDIATE_MEMARG2_LANE] = "m1",
    [IMMEDIATE_MEMARG3_LANE] = "m1",
    [IMMEDIATE_MEMORY] = "u",
    [IMMEDIATE_I32] = "i",
    [IMMEDIATE_I64] = "l",
    [IMMEDIATE_F32] = "4",
    [IMMEDIATE_F64] = "8",
    [IMMEDIATE_V128] = "88",
    [IMMEDIATE_SHUFFLE] = "88",
    [IMMEDIATE_LANE2] = "1",
    [IMMEDIATE_LANE4] = "1",
    [IMMEDIATE_LANE8] = "1",
    [IMMEDIATE_LANE16] = "1",
    [IMMEDIATE_HEAPTYPE] = "t",
    [IMMEDIATE_CAST] = "1utt",
    [IMMEDIATE_DATA_MEMORY] = "uu",
    [IMMEDIATE_DATA] = "u",
    [IMMEDIATE_MEMORY_MEMORY] = "uu",
    [IMMEDIATE_ELEM_TABLE] = "uu",
    [IMMEDIATE_ELEM] = "u",
    [IMMEDIATE_TABLE_TABLE] = "uu",
    [IMMEDIATE_ATOMIC0] = "m",
    [IMMEDIATE_ATOMIC1] = "m",
    [IMMEDIATE_ATOMIC2] = "m",
    [IMMEDIATE_ATOMIC3] = "m",
    [IMMEDIATE_FENCE] = "1",
};

static void decode_skip_part(struct reader *reader, char layout)
{
    switch (layout) {
    case '1':
    case '4':
    case '8':
        (void)reader_take(reader, (size_t)(layout - '0'));
        break;
    case 'u':
        (void)reader_u32(reader);
        break;
    case 'i':
        (void)reader_s32(reader);
        break;
    case 'l':
        (void)reader_s64(reader);
        break;
    case 'm':
        (void)decode_memarg(reader);
        break;
    case 't':
        decode_skip_type(reader);
        break;
    case 'T':
        decode_skip_types(reader);
        break;
    case 'U':
        decode_skip_vector(reader, "labels");
        break;
    default:
        ASSERT(layout == 'c');
        decode_skip_clauses(reader);
    }
}

void decode_skip_immediate(struct reader *reader, enum immediate_kind kind)
{
    ASSERT(kind == IMMEDIATE_NONE || decode_layouts[kind][0] != '\0');
    for (const char *layout = decode_layouts[kind]; *layout != '\0'; layout++)
        decode_skip_part(reader, *layout);
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
