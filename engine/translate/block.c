/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: where they open, change from one arm to the other, and end.
 *
 * Code after an unconditional transfer is skipped, not translated, until the end of its block.
 */
#include "engine/translate/block.h"

#include "engine/emit/emit.h"
#include "engine/emit/label.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/translate/control.h"
#include "engine/translate/region.h"

/* Block type [Wasm core 5.4.1]: empty, one value type, or a type index. */
static void block_read_type(struct translator *t, struct control *control)
{
    struct reader ahead = t->reader;
    int64_t code = reader_s33(&ahead);
    if (code >= 0) {
        t->reader = ahead;
        const struct engine_functype *type = &t->module->types[code].func;
        control->params = type->params;
        control->param_count = type->param_count;
        control->param_slots = t->dead ? 0 : engine_slot_count(type->params, type->param_count);
        control->results = type->results;
        control->result_count = type->result_count;
        control->result_slots = t->dead ? 0 : engine_slot_count(type->results, type->result_count);
    } else if (code == -64) {
        t->reader = ahead;
    } else {
        control->single = decode_value_type(&t->reader, t->module);
        control->result_count = 1;
        control->result_slots = engine_slot_count(&control->single, 1);
    }
}

struct control *block_open(struct translator *t, uint8_t opcode)
{
    struct control *control = control_push(t, opcode);
    if (control == NULL)
        return NULL;
    block_read_type(t, control);
    if (t->dead)
        return control;
    value_settle(t, 0);
    control->height = t->stack.height - control->param_slots;
    if (opcode == OPCODE_LOOP) {
        t->output.has_last = false;
        t->output.wants_enter = t->output.has_native;
        control->loop_target = emit_here(t);
        control->loop_executed = t->executed;
    }
    return control;
}

static void block_if(struct translator *t)
{
    struct control *control = control_push(t, OPCODE_IF);
    if (control == NULL)
        return;
    block_read_type(t, control);
    if (t->dead)
        return;
    struct value condition = value_pop(t);
    if (t->status != STATUS_OK)
        return;
    struct instruction branch = control_condition(t, condition, t->stack.height, true);
    ASSERT(!t->hold.has_pending);
    value_settle(t, 0);
    control->height = t->stack.height - control->param_slots;
    uint32_t field = emit_cell(t, &branch);
    uint32_t cell = emit_last(t);
    t->output.has_last = false;
    /* The branch over the first arm has a fixup list of its own. */
    uint32_t fixups = control->fixups;
    control->fixups = NO_INDEX;
    label_branch(t, control, cell, field);
    control->else_fixup = control->fixups;
    control->fixups = fixups;
    control->else_executed = t->executed;
}

void block_end_arm(struct translator *t, struct control *control)
{
    if (t->dead)
        return;
    control_carry(t, control->height, control->result_slots);
    control_jump(t, control);
}

void block_begin_arm(struct translator *t, struct control *control)
{
    hold_flush(t);
    value_drop_to(t, control->height);
    t->dead = false;
    t->output.has_last = false;
}

static void block_else(struct translator *t)
{
    struct control *control = control_at_depth(t, 0);
    if (control->dead_entry)
        return;
    block_end_arm(t, control);
    block_begin_arm(t, control);
    t->executed = control->else_executed;
    label_bind(t, control->else_fixup);
    control->else_fixup = NO_INDEX;
    value_push_temps(t, control->params, control->param_count);
}

/* Clauses whose label is the function: what was caught is returned, by code of its own. */
static void block_return_caught(struct translator *t, struct control *control)
{
    hold_flush(t);
    t->dead = false;
    t->output.has_last = false;
    t->executed = 0;
    value_drop_to(t, 0);
    region_bind(t, control);
    value_push_temps(t, control->results, control->result_count);
    control_return(t);
}

void block_end(struct translator *t)
{
    struct control *control = control_at_depth(t, 0);
    t->blocks.count--;
    if (control->dead_entry)
        return;
    if (control->opcode == OPCODE_END) {
        if (!t->dead)
            control_return(t);
        if (control->clauses != NO_INDEX)
            block_return_caught(t, control);
        return;
    }
    if (!t->dead)
        control_carry(t, control->height, control->result_slots);
    else if (control->else_fixup != NO_INDEX)
        t->executed = control->else_executed;
    if (control->has_region)
        region_end(t);
    t->dead = false;
    label_bind(t, control->else_fixup);
    label_bind(t, control->fixups);
    region_bind(t, control);
    value_drop_to(t, control->height);
    if (control->results != NULL)
        value_push_temps(t, control->results, control->result_count);
    else if (control->result_count > 0)
        value_push_temp(t, control->single);
}

void block_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
        (void)block_open(t, (uint8_t)opcode);
        return;
    case OPCODE_IF:
        block_if(t);
        return;
    case OPCODE_ELSE:
        block_else(t);
        return;
    default:
        ASSERT(opcode == OPCODE_END);
        block_end(t);
    }
}
