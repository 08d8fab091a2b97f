/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table: plain opcodes, then those behind each prefix.
 */
#include "engine/read/opcodes.h"

#include "engine/base/macros.h"

#define ROW(text_, immediate_, signature_)                                                         \
    {                                                                                              \
        .text = (text_), .signature = (signature_), .immediate = IMMEDIATE_##immediate_            \
    }

static const struct opcode_row opcode_rows[OPCODE_ROWS_COUNT] = {
#define OPCODE(code, name, text, immediate, signature)                                             \
    [OPCODE_ROW_OF(code)] = ROW(text, immediate, signature),
#include "engine/read/opcodes.def"
};

const struct opcode_row *opcode_row(uint32_t code)
{
    uint32_t row = OPCODE_ROW_OF(code);
    return row < OPCODE_ROWS_COUNT && opcode_rows[row].text != NULL ? &opcode_rows[row] : NULL;
}
