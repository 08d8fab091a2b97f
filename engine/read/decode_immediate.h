/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opcodes and what follows them: read by the decoder, the validator, the translator and whoever
 * evaluates constant expressions.
 */
#ifndef SKERRY_ENGINE_READ_DECODE_IMMEDIATE_H
#define SKERRY_ENGINE_READ_DECODE_IMMEDIATE_H

#include "engine/read/opcodes.h"
#include "engine/read/reader.h"

/* A clause of try_table. */
enum {
    DECODE_CATCH_REF = 1,
    DECODE_CATCH_ALL = 2,
};
struct decode_clause {
    bool is_all;
    bool with_reference;
    uint32_t tag; /* unless is_all */
    uint32_t label;
};
struct decode_clause decode_clause(struct reader *reader);
/* The rest of an opcode that begins with this prefix; UINT32_MAX if it is none of ours. */
uint32_t decode_prefixed_opcode(struct reader *reader, uint32_t prefix);
/* The next opcode of validated code, its prefix included. */
static inline uint32_t decode_opcode(struct reader *reader)
{
    uint32_t opcode = reader_u8(reader);
    return UNLIKELY(opcode_is_prefix(opcode)) ? decode_prefixed_opcode(reader, opcode) : opcode;
}
/* Ends the reading: `code` is not in opcodes.def. */
void decode_refuse_opcode(struct reader *reader, uint32_t code);
/* Reads over a constant expression without judging it; a view of it, `end` included. */
struct bytes decode_expression(struct reader *reader);
/* What follows a load or store; a memory of its own is announced by a bit of the alignment. */
#define DECODE_MEMARG_HAS_MEMORY 0x40u
struct decode_memarg {
    uint32_t alignment; /* logarithm; not checked */
    uint32_t memory;
    uint64_t offset;
};

static inline struct decode_memarg decode_memarg(struct reader *reader)
{
    struct decode_memarg memarg = {.alignment = reader_u32(reader)};
    if (UNLIKELY((memarg.alignment & DECODE_MEMARG_HAS_MEMORY) != 0)) {
        memarg.alignment &= ~DECODE_MEMARG_HAS_MEMORY;
        memarg.memory = reader_u32(reader);
    }
    memarg.offset = reader_u64(reader);
    return memarg;
}

/* Moves past what follows an opcode. */
void decode_skip_immediate(struct reader *reader, enum immediate_kind kind);

/* Flags of br_on_cast: which of its types are nullable. */
enum {
    DECODE_CAST_FROM_NULL = 1,
    DECODE_CAST_TO_NULL = 2,
    DECODE_CAST_FLAGS = 3,
};

#endif
