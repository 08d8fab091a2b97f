/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opcodes.def as an enum and a table. Decoder, validator, translator and disassembler
 * switch on its columns, not on opcodes, wherever the instruction is not special.
 */
#ifndef SKERRY_ENGINE_READ_OPCODES_H
#define SKERRY_ENGINE_READ_OPCODES_H

#include <stdbool.h>
#include <stdint.h>

enum opcode {
#define OPCODE(code, name, text, immediate, signature) OPCODE_##name = (code),
#include "engine/read/opcodes.def"
};

/*
 * Bytes that are followed by a number; the code is opcode_first of the byte + number. Vectors have
 * more than 256, so their codes reach into what would be those of 0xfe: these begin behind.
 */
enum {
    OPCODE_PREFIX_GC = 0xfb,
    OPCODE_PREFIX_MISC = 0xfc,
    OPCODE_PREFIX_SIMD = 0xfd,
    OPCODE_PREFIX_ATOMIC = 0xfe,
    OPCODE_MISC_FIRST = OPCODE_PREFIX_MISC << 8,
    OPCODE_SIMD_FIRST = OPCODE_PREFIX_SIMD << 8,
    OPCODE_ATOMIC_FIRST = 0xff00,
};

static inline bool opcode_is_prefix(uint32_t byte)
{
    return byte >= OPCODE_PREFIX_GC && byte <= OPCODE_PREFIX_ATOMIC;
}

/* The code of number 0 behind `prefix`. */
static inline uint32_t opcode_first(uint32_t prefix)
{
    return prefix == OPCODE_PREFIX_ATOMIC ? OPCODE_ATOMIC_FIRST : prefix << 8;
}

/* Rows of a table by opcode: plain ones, then as many for each prefix as there may be. */
#define OPCODE_ROWS_GC     32u
#define OPCODE_ROWS_MISC   32u
#define OPCODE_ROWS_SIMD   288u
#define OPCODE_ROWS_ATOMIC 80u
#define OPCODE_ROWS_COUNT                                                                          \
    (256u + OPCODE_ROWS_GC + OPCODE_ROWS_MISC + OPCODE_ROWS_SIMD + OPCODE_ROWS_ATOMIC)
/* OPCODE_ROWS_COUNT for codes that are outside of it. */
#define OPCODE_ROW_OF(code)                                                                        \
    ((code) < 0x100u                     ? (code)                                                  \
     : (code)-0xfb00u < OPCODE_ROWS_GC   ? (code)-0xfb00u + 256u                                   \
     : (code)-0xfc00u < OPCODE_ROWS_MISC ? (code)-0xfc00u + 256u + OPCODE_ROWS_GC                  \
     : (code)-0xfd00u < OPCODE_ROWS_SIMD                                                           \
         ? (code)-0xfd00u + 256u + OPCODE_ROWS_GC + OPCODE_ROWS_MISC                               \
     : (code)-0xff00u < OPCODE_ROWS_ATOMIC                                                         \
         ? (code)-0xff00u + 256u + OPCODE_ROWS_GC + OPCODE_ROWS_MISC + OPCODE_ROWS_SIMD            \
         : OPCODE_ROWS_COUNT)

enum immediate_kind {
    IMMEDIATE_NONE,
    IMMEDIATE_BLOCK,      /* block type: s33 */
    IMMEDIATE_TRY,        /* block type, vec(struct decode_clause) */
    IMMEDIATE_TAG,        /* u32 */
    IMMEDIATE_LABEL,      /* u32 depth */
    IMMEDIATE_LABELS,     /* vec(u32) u32 */
    IMMEDIATE_FUNC,       /* u32 */
    IMMEDIATE_TYPE,       /* u32 */
    IMMEDIATE_TYPE_OTHER, /* u32 type; u32 field, count, segment or type */
    IMMEDIATE_TYPE_TABLE, /* u32 u32 */
    IMMEDIATE_TYPES,      /* vec(value type) */
    IMMEDIATE_LOCAL,      /* u32 */
    IMMEDIATE_GLOBAL,     /* u32 */
    IMMEDIATE_TABLE,      /* u32 */
    IMMEDIATE_MEMARG0,    /* struct decode_memarg; natural alignment 1 byte */
    IMMEDIATE_MEMARG1,
    IMMEDIATE_MEMARG2,
    IMMEDIATE_MEMARG3,
    IMMEDIATE_MEMARG4,
    IMMEDIATE_MEMARG0_LANE, /* as MEMARG0; then the number of one of 16 lanes, a byte */
    IMMEDIATE_MEMARG1_LANE, /* of 8 */
    IMMEDIATE_MEMARG2_LANE,
    IMMEDIATE_MEMARG3_LANE,
    IMMEDIATE_MEMORY,  /* u32 */
    IMMEDIATE_I32,     /* s32 */
    IMMEDIATE_I64,     /* s64 */
    IMMEDIATE_F32,     /* 4 bytes */
    IMMEDIATE_F64,     /* 8 bytes */
    IMMEDIATE_V128,    /* 16 bytes */
    IMMEDIATE_SHUFFLE, /* 16 bytes below 32 */
    IMMEDIATE_LANE2,   /* a byte below 2 */
    IMMEDIATE_LANE4,
    IMMEDIATE_LANE8,
    IMMEDIATE_LANE16,
    IMMEDIATE_HEAPTYPE,      /* s33 */
    IMMEDIATE_CAST,          /* flags, u32 depth, heap type from, heap type to */
    IMMEDIATE_DATA_MEMORY,   /* u32 data, u32 memory */
    IMMEDIATE_DATA,          /* u32 */
    IMMEDIATE_MEMORY_MEMORY, /* u32 destination, u32 source */
    IMMEDIATE_ELEM_TABLE,    /* u32 elem, u32 table */
    IMMEDIATE_ELEM,          /* u32 */
    IMMEDIATE_TABLE_TABLE,   /* u32 destination, u32 source */
    IMMEDIATE_ATOMIC0,       /* as MEMARG0, but the alignment must be the natural one */
    IMMEDIATE_ATOMIC1,
    IMMEDIATE_ATOMIC2,
    IMMEDIATE_ATOMIC3,
    IMMEDIATE_FENCE, /* a byte 0 */
    IMMEDIATE_COUNT
};

struct opcode_row {
    const char *text; /* NULL: no such opcode */
    const char *signature;
    uint8_t immediate; /* enum immediate_kind */
};

/* NULL if there is no such opcode (prefixed ones as prefix << 8 | sub). */
const struct opcode_row *opcode_row(uint32_t code);

#endif
