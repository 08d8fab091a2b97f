/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables by code: plain opcodes and those behind the 0xfc prefix.
 */
#include "engine/opcodes.h"

#include "engine/base/macros.h"

#define ROW(text_, immediate_, signature_)                                                         \
    {                                                                                              \
        .text = (text_), .signature = (signature_), .immediate = IMMEDIATE_##immediate_            \
    }

/* A row whose code is outside one table lands in that table's spare last entry. */
#define PLAIN(code) ((code) < 0x100 ? (code) : 0x100)
#define PREFIXED(code)                                                                             \
    ((code) >= OPCODE_PREFIXED_FIRST ? (code)-OPCODE_PREFIXED_FIRST : OPCODE_PREFIXED_COUNT)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct opcode_row opcode_plain[0x101] = {
#define OPCODE(code, name, text, immediate, signature)                                             \
    [PLAIN(code)] = ROW(text, immediate, signature),
#include "engine/opcodes.def"
};

static const struct opcode_row opcode_prefixed[OPCODE_PREFIXED_COUNT + 1] = {
#define OPCODE(code, name, text, immediate, signature)                                             \
    [PREFIXED(code)] = ROW(text, immediate, signature),
#include "engine/opcodes.def"
};
#pragma GCC diagnostic pop

const struct opcode_row *opcode_row(uint32_t code)
{
    const struct opcode_row *row = NULL;
    if (code < 0x100)
        row = &opcode_plain[code];
    else if (code >= OPCODE_PREFIXED_FIRST && code - OPCODE_PREFIXED_FIRST < OPCODE_PREFIXED_COUNT)
        row = &opcode_prefixed[code - OPCODE_PREFIXED_FIRST];
    return row != NULL && row->text != NULL ? row : NULL;
}
