/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: try_table and throw; and, of the form before WebAssembly 3.0, try with its
 * catches, delegate and rethrow.
 *
 * Entering a try_table or a try leaves no cell, leaving a try a jump over its catches: clauses go
 * into a table of regions of code, which is read only when something is thrown. A clause leads
 * straight to its label, as a branch would: the unwinder puts what is caught into the label's home
 * slots.
 *
 * A catch is a clause that leads to the code behind it, another arm of its block. There the
 * exception itself lies below the values, for rethrow:
 *
 *   | operands below the try | exception | values of the tag | operands of the catch ...
 *
 * What such an arm leaves is moved down by one at its end, as by any branch. `delegate` makes the
 * search go on from the region that is innermost at its label.
 *
 * Invariant: wherever an exception may come from (calls and throws), pinned locals are in
 * their slots and everything executed has been charged. So a clause charges 0 - `executed`
 * at its label, which makes the sum exact.
 */
#include "engine/translate/try.h"

#include "engine/emit/emit.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/translate/block.h"
#include "engine/translate/call.h"
#include "engine/translate/control.h"
#include "engine/translate/region.h"

/* ---- try_table ------------------------------------------------------------------------------- */

static void try_add_clause(struct translator *t, const struct decode_clause *read, bool is_last)
{
    /* Labels count from outside of the try_table. */
    struct control *target = control_at_depth(t, read->label + 1);
    uint32_t tag = read->is_all ? CODE_NO_TAG : read->tag;
    struct code_clause clause = region_clause_to(t, tag, target->height);
    if (read->with_reference)
        clause.reference_slot = (uint16_t)(clause.slot + clause.value_count);
    if (!is_last)
        clause.next = region_clause_count(t) + 1;
    if (target->opcode == OPCODE_LOOP) {
        clause.target = target->loop_target;
        clause.fuel = (int32_t)-target->loop_executed;
    } else {
        clause.target = target->clauses;
        target->clauses = region_clause_count(t);
    }
    region_add_clause(t, &clause);
}

static void try_begin_table(struct translator *t)
{
    struct control *control = block_open(t, OPCODE_TRY_TABLE);
    if (control == NULL)
        return;
    uint32_t count = reader_u32(&t->reader);
    uint32_t first = region_clause_count(t);
    for (uint32_t i = 0; i < count && t->status == STATUS_OK; i++) {
        struct decode_clause clause = decode_clause(&t->reader);
        if (!t->dead)
            try_add_clause(t, &clause, i + 1 == count);
    }
    if (!t->dead && count > 0)
        region_open(t, control, first);
}

/* ---- try ------------------------------------------------------------------------------------- */

static void try_begin(struct translator *t)
{
    struct control *control = block_open(t, OPCODE_TRY);
    if (control != NULL && !t->dead)
        region_open(t, control, CODE_NO_CLAUSE);
}

/* The clause that leads to the code behind it. */
static void try_add_catch(struct translator *t, struct control *control, uint32_t tag)
{
    if (t->status != STATUS_OK)
        return;
    uint32_t index = region_clause_count(t);
    struct code_clause clause = region_clause_to(t, tag, control->height + 1);
    clause.reference_slot = slot_of_height(t, control->height);
    clause.target = emit_here(t);
    if (control->opcode == OPCODE_TRY)
        region_at(t, control->region)->first_clause = index;
    else
        region_clause_at(t, control->last_clause)->next = index;
    control->opcode = OPCODE_CATCH;
    control->last_clause = index;
    region_add_clause(t, &clause);
}

static void try_catch(struct translator *t, uint32_t opcode)
{
    uint32_t tag = opcode == OPCODE_CATCH ? reader_u32(&t->reader) : CODE_NO_TAG;
    struct control *control = control_at_depth(t, 0);
    if (control->dead_entry)
        return;
    block_end_arm(t, control);
    if (control->has_region)
        region_end(t);
    control->has_region = false;
    block_begin_arm(t, control);
    t->executed = 0;
    try_add_catch(t, control, tag);
    value_push_temp(t, ENGINE_EXNREF);
    if (tag == CODE_NO_TAG)
        return;
    const struct engine_functype *type = module_tag_type(t->module, tag);
    value_push_temps(t, type->params, type->param_count);
}

static void try_delegate(struct translator *t)
{
    uint32_t depth = reader_u32(&t->reader);
    if (!control_at_depth(t, 0)->dead_entry && t->status == STATUS_OK) {
        /* Labels count from outside of the try. */
        const struct control *target = control_at_depth(t, depth + 1);
        uint32_t region = target->region;
        if (target->opcode == OPCODE_CATCH)
            region = region_at(t, region)->parent;
        region_at(t, t->blocks.region)->next = region;
    }
    block_end(t);
}

/* ---- throw ----------------------------------------------------------------------------------- */

static void try_leave(struct translator *t, const struct instruction *leave)
{
    if (t->blocks.region != CODE_NO_REGION)
        call_save_pins(t);
    (void)emit_cell(t, leave);
    t->output.has_last = false;
    t->dead = true;
}

static void try_throw(struct translator *t)
{
    uint32_t tag = reader_u32(&t->reader);
    uint32_t first = t->stack.height - region_value_count(t, tag);
    value_settle(t, first);
    struct instruction leave = {
        .operation = OP_throw,
        .fields = {slot_of_height(t, first), t->stack.height - first, tag, (uint64_t)t->executed},
        .wasm_offset = t->opcode_offset};
    try_leave(t, &leave);
}

/* The exception is at home at `height`. */
static void try_throw_from(struct translator *t, uint32_t height)
{
    struct instruction leave = {.operation = OP_throw_ref,
                                .fields = {slot_of_height(t, height), (uint64_t)t->executed},
                                .wasm_offset = t->opcode_offset};
    try_leave(t, &leave);
}

void try_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_TRY_TABLE:
        try_begin_table(t);
        return;
    case OPCODE_TRY:
        try_begin(t);
        return;
    case OPCODE_CATCH:
    case OPCODE_CATCH_ALL:
        try_catch(t, opcode);
        return;
    case OPCODE_DELEGATE:
        try_delegate(t);
        return;
    case OPCODE_THROW:
        try_throw(t);
        return;
    case OPCODE_RETHROW:
        hold_flush(t);
        try_throw_from(t, control_at_depth(t, reader_u32(&t->reader))->height);
        return;
    default:
        ASSERT(opcode == OPCODE_THROW_REF);
        value_settle(t, t->stack.height - 1);
        try_throw_from(t, t->stack.height - 1);
    }
}
