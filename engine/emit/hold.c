/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation that is held back until it is known who uses its result, and how it is encoded
 * when that is known.
 */
#include "engine/emit/hold.h"

#include "engine/emit/emit.h"
#include "engine/emit/fuse_cell.h"

enum operation hold_canonical(const struct instruction *raw)
{
    const struct operation_row *row = &operation_rows[raw->operation];
    bool is_short = memcmp(row->name, "f32", 3) == 0; /* what it gives is first in its name */
    if (row->types[0] == 'v')
        return is_short ? OP_f32x4_canonical : OP_f64x2_canonical;
    return is_short ? OP_f32_canonical : OP_f64_canonical;
}

/* The pending operation into the accumulator, and from there, canonical, to where it goes. A
 * vector, which is never in the accumulator, becomes canonical in its slots. */
static void hold_encode_raw(struct translator *t)
{
    struct instruction *raw = t->hold.pending;
    uint32_t result = operation_shape_rows[operation_rows[raw->operation].shape].operand_count - 1u;
    struct operand to = raw->operands[result];
    if (operation_allows(raw->operation, result, PLACE_A))
        raw->operands[result].place = PLACE_A;
    struct instruction canonical = {.operation = hold_canonical(raw),
                                    .operands = {raw->operands[result], to}};
    (void)emit_cell(t, raw);
    (void)emit_cell(t, &canonical);
}

void hold_flush(struct translator *t)
{
    if (!t->hold.has_pending)
        return;
    t->hold.has_pending = false;
    if (t->output.has_last)
        fuse_load_move(t);
    if (UNLIKELY(t->hold.pending->is_raw))
        hold_encode_raw(t);
    else
        (void)emit_cell(t, t->hold.pending);
}

void hold_instruction(struct translator *t, const struct instruction *instruction)
{
    hold_flush(t);
    *t->hold.pending = *instruction;
    t->hold.has_pending = true;
}
