/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opcodes.def as an enum and a table. Decoder, validator, translator and disassembler
 * switch on its columns, not on opcodes, wherever the instruction is not special.
 */
#ifndef SKERRY_ENGINE_OPCODES_H
#define SKERRY_ENGINE_OPCODES_H

#include <stdint.h>

enum opcode {
#define OPCODE(code, name, text, immediate, signature) OPCODE_##name = (code),
#include "engine/opcodes.def"
};

/* Prefixed instructions: one row each from OPCODE_PREFIXED_FIRST on. */
enum {
    OPCODE_PREFIX = 0xfc,
    OPCODE_PREFIXED_FIRST = OPCODE_PREFIX << 8,
    OPCODE_PREFIXED_COUNT = OPCODE_TABLE_FILL - OPCODE_PREFIXED_FIRST + 1,
};

enum immediate_kind {
    IMMEDIATE_NONE,
    IMMEDIATE_BLOCK,      /* block type: s33 */
    IMMEDIATE_LABEL,      /* u32 depth */
    IMMEDIATE_LABELS,     /* vec(u32) u32 */
    IMMEDIATE_FUNC,       /* u32 */
    IMMEDIATE_TYPE,       /* u32 */
    IMMEDIATE_TYPE_TABLE, /* u32 u32 */
    IMMEDIATE_TYPES,      /* vec(value type) */
    IMMEDIATE_LOCAL,      /* u32 */
    IMMEDIATE_GLOBAL,     /* u32 */
    IMMEDIATE_TABLE,      /* u32 */
    IMMEDIATE_MEMARG0,    /* u32 align, u32 offset; natural alignment 1 byte */
    IMMEDIATE_MEMARG1,
    IMMEDIATE_MEMARG2,
    IMMEDIATE_MEMARG3,
    IMMEDIATE_MEMORY,        /* u32 */
    IMMEDIATE_I32,           /* s32 */
    IMMEDIATE_I64,           /* s64 */
    IMMEDIATE_F32,           /* 4 bytes */
    IMMEDIATE_F64,           /* 8 bytes */
    IMMEDIATE_REFTYPE,       /* heap type */
    IMMEDIATE_DATA_MEMORY,   /* u32 data, u32 memory */
    IMMEDIATE_DATA,          /* u32 */
    IMMEDIATE_MEMORY_MEMORY, /* u32 destination, u32 source */
    IMMEDIATE_ELEM_TABLE,    /* u32 elem, u32 table */
    IMMEDIATE_ELEM,          /* u32 */
    IMMEDIATE_TABLE_TABLE,   /* u32 destination, u32 source */
};

struct opcode_row {
    const char *text; /* NULL: no such opcode */
    const char *signature;
    uint8_t immediate; /* enum immediate_kind */
};

/* NULL if there is no such opcode (prefixed ones as prefix << 8 | sub). */
const struct opcode_row *opcode_row(uint32_t code);

#endif
