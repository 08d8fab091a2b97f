/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches that look at a reference.
 *
 * The reference is first brought into its slot, so that it is there whichever way the guest
 * goes on: the test reads it from the slot, and what is left of it on the operand stack is an
 * entry in place.
 */
#include "engine/translate/translate.h"

/* The reference on top, in its slot. */
static struct operand reference_settled(struct translator *t)
{
    value_settle(t, t->height - 1);
    return (struct operand){.place = PLACE_S, .slot = slot_of_height(t, t->height - 1)};
}

/* Branches to `target` if `reference` is null (or is not), carrying what is on the stack. */
static void reference_branch(struct translator *t,
                             struct operand reference,
                             bool if_null,
                             struct control *target)
{
    bool direct = control_is_direct(t, target);
    struct instruction branch = {.operation = if_null == direct ? OP_br_i64_eq : OP_br_i64_ne,
                                 .operands = {reference, {.place = PLACE_K}},
                                 .result_height = NO_HEIGHT,
                                 .wasm_offset = t->opcode_offset};
    if (direct)
        control_branch_if(t, &branch, target);
    else
        control_branch_over(t, &branch, target);
}

static void reference_br_on_null(struct translator *t)
{
    struct control *target = control_at_depth(t, reader_u32(&t->reader));
    struct operand reference = reference_settled(t);
    uint8_t type = value_pop(t).type;
    if (t->status != STATUS_OK)
        return;
    reference_branch(t, reference, true, target);
    value_push_temp(t, type);
}

static void reference_br_on_non_null(struct translator *t)
{
    struct control *target = control_at_depth(t, reader_u32(&t->reader));
    struct operand reference = reference_settled(t);
    if (t->status != STATUS_OK)
        return;
    reference_branch(t, reference, false, target);
    (void)value_pop(t);
}

static void reference_br_on_cast(struct translator *t, bool branches_on_failure)
{
    uint8_t flags = reader_u8(&t->reader);
    struct control *target = control_at_depth(t, reader_u32(&t->reader));
    (void)decode_heap_type(&t->reader, t->module);
    uint32_t to = decode_heap_type(&t->reader, t->module);
    to |= (flags & DECODE_CAST_TO_NULL) != 0 ? 0 : ENGINE_TYPE_NON_NULL;
    struct operand reference = reference_settled(t);
    if (t->status != STATUS_OK)
        return;
    struct instruction test = {.operation = OP_ref_test,
                               .operands = {reference, {.place = PLACE_A}},
                               .fields = {to},
                               .result_height = NO_HEIGHT,
                               .wasm_offset = t->opcode_offset,
                               .has_result = true};
    (void)emit_cell(t, &test);
    bool direct = control_is_direct(t, target);
    struct instruction branch = {.operation = direct != branches_on_failure ? OP_br_nz : OP_br_z,
                                 .operands = {{.place = PLACE_A}},
                                 .result_height = NO_HEIGHT,
                                 .wasm_offset = t->opcode_offset};
    if (direct)
        control_branch_if(t, &branch, target);
    else
        control_branch_over(t, &branch, target);
}

void reference_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_BR_ON_NULL:
        reference_br_on_null(t);
        return;
    case OPCODE_BR_ON_NON_NULL:
        reference_br_on_non_null(t);
        return;
    default:
        ASSERT(opcode == OPCODE_BR_ON_CAST || opcode == OPCODE_BR_ON_CAST_FAIL);
        reference_br_on_cast(t, opcode == OPCODE_BR_ON_CAST_FAIL);
    }
}
