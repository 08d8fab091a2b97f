/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks, branches and returns.
 *
 * Values that cross a label are in the home slots of the label's height, so a branch first
 * moves what it carries there. Code after an unconditional transfer is skipped, not
 * translated, until the end of its block.
 */
#include <stdlib.h>

#include "engine/translate/translate.h"

/* ---- the control stack ----------------------------------------------------------------------- */

static struct control *control_top(struct translator *t)
{
    ASSERT(t->control_count > 0);
    return &t->controls[t->control_count - 1];
}

struct control *control_at_depth(struct translator *t, uint32_t depth)
{
    ASSERT(depth < t->control_count);
    return &t->controls[t->control_count - 1 - depth];
}

static struct control *control_push(struct translator *t, uint8_t opcode)
{
    if (t->control_count == t->controls_capacity) {
        uint32_t capacity = MAX(t->controls_capacity * 2, 64u);
        struct control *controls = realloc(t->controls, capacity * sizeof(*controls));
        if (controls == NULL) {
            emit_fail(t, STATUS_NO_MEMORY, "out of memory");
            return NULL;
        }
        t->controls = controls;
        t->controls_capacity = capacity;
    }
    struct control *control = &t->controls[t->control_count++];
    *control = (struct control){.opcode = opcode,
                                .dead_entry = t->dead,
                                .height = t->height,
                                .fixups = NO_INDEX,
                                .else_fixup = NO_INDEX,
                                .clauses = NO_INDEX,
                                .region = t->region,
                                .stub_table = NO_INDEX};
    return control;
}

void control_begin_function(struct translator *t)
{
    struct control *control = control_push(t, OPCODE_END);
    if (control == NULL)
        return;
    control->results = t->type->results;
    control->result_count = t->type->result_count;
    control->result_slots = t->result_slots;
}

/* How many slots a branch to this frame carries. */
static uint32_t control_arity(const struct control *control)
{
    return control->opcode == OPCODE_LOOP ? control->param_slots : control->result_slots;
}

/* Block type [Wasm core 5.4.1]: empty, one value type, or a type index. */
static void control_read_block_type(struct translator *t, struct control *control)
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

void control_push_temps(struct translator *t, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        value_push_temp(t, types[i]);
}

void control_unwind(struct translator *t, uint32_t height)
{
    while (t->height > height && t->status == STATUS_OK)
        (void)value_pop(t);
}

/* ---- branches -------------------------------------------------------------------------------- */

/* Are the `count` topmost entries already where a label at `height` wants them? */
static bool control_in_place(const struct translator *t, uint32_t height, uint32_t count)
{
    if (count == 0)
        return true;
    return t->height - count == height && t->settled == t->height;
}

/* Moves the topmost `count` entries into the home slots from `height` on. */
static void control_carry(struct translator *t, uint32_t height, uint32_t count)
{
    if (count == 0)
        return;
    uint32_t from = t->height - count;
    const struct value *value = &t->values[from];
    if (from != height && (count == 1 || (count == 2 && value->type == ENGINE_V128))) {
        struct operand to = {.place = PLACE_S, .slot = slot_of_height(t, height)};
        if (value->kind == VALUE_TEMP && value_is_pending(t, from) && t->pending->has_result) {
            uint32_t result =
                operation_shape_rows[operation_rows[t->pending->operation].shape].operand_count -
                1u;
            t->pending->operands[result] = to;
            t->pending->result_height = NO_HEIGHT;
            emit_flush(t);
            return;
        }
        emit_flush(t);
        struct instruction move = value_copy(t, *value, from, to);
        (void)emit_cell(t, &move);
        return;
    }
    value_settle(t, from);
    if (from == height)
        return;
    struct instruction copy = {
        .operation = OP_copy_slots,
        .fields = {slot_of_height(t, from), slot_of_height(t, height), count},
        .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &copy);
}

static void control_jump(struct translator *t, struct control *target)
{
    emit_flush(t);
    struct instruction jump = {.operation = OP_jump, .wasm_offset = t->opcode_offset};
    (void)fuse_jump(t, &jump);
    uint32_t cell = emit_here(t);
    emit_branch_to(t, target, cell, emit_cell(t, &jump));
    t->has_last = false;
}

/* Fuses `x += constant` just encoded with the comparison of x that follows it; false and
 * unchanged if they do not fit. */
static bool control_fuse_add(struct translator *t, struct instruction *branch)
{
    enum operation fused = simple_add_branch(branch->operation);
    /* Entries not settled yet may mean the local after the addition: they are moved before
     * the branch, so the addition must stay before them. */
    if (fused == OP_COUNT || t->settled != t->height)
        return false;
    const struct operand *tested = &branch->operands[0];
    struct operand x;
    uint32_t constant;
    if (!fuse_is_increment(t, &x, &constant) || x.place != tested->place ||
        (x.place == PLACE_S && x.slot != tested->slot) ||
        !operation_allows(fused, 1, branch->operands[1].place))
        return false;
    branch->operation = fused;
    branch->fields[0] = constant;
    emit_take_back(t);
    return true;
}

/*
 * The conditional branch on the entry just popped (at `height`), with comparisons fused.
 * Nothing of it is encoded yet.
 */
static struct instruction
control_condition(struct translator *t, struct value condition, uint32_t height, bool negated)
{
    struct instruction branch = {.operation = negated ? OP_br_z : OP_br_nz,
                                 .result_height = NO_HEIGHT,
                                 .wasm_offset = t->opcode_offset};
    if (condition.kind == VALUE_TEMP && value_is_pending(t, height)) {
        enum operation fused = simple_branch(t->pending->operation, negated);
        if (fused != OP_COUNT) {
            branch = *t->pending;
            branch.operation = fused;
            branch.has_result = false;
            branch.result_height = NO_HEIGHT;
            t->has_pending = false;
            (void)control_fuse_add(t, &branch);
            return branch;
        }
        if (t->pending->operation == OP_i32_eqz) {
            if (fuse_and_branch(t, &branch, !negated))
                return branch;
            branch.operation = negated ? OP_br_nz : OP_br_z;
            branch.operands[0] = t->pending->operands[0];
            t->has_pending = false;
            return branch;
        }
        if (t->pending->operation == OP_i64_eqz && t->pending->operands[0].place != PLACE_K) {
            branch.operation = negated ? OP_br_i64_ne : OP_br_i64_eq;
            branch.operands[0] = t->pending->operands[0];
            branch.operands[1] = (struct operand){.place = PLACE_K};
            t->has_pending = false;
            return branch;
        }
    }
    value_take(t, &branch, condition, height);
    /* A local counted down to zero: `x += constant` and the test in one. */
    struct instruction counted = branch;
    counted.operation = negated ? OP_br_i32_eq : OP_br_i32_ne;
    counted.operands[1] = (struct operand){.place = PLACE_K};
    return control_fuse_add(t, &counted) ? counted : branch;
}

void control_branch_if(struct translator *t, struct instruction *branch, struct control *target)
{
    ASSERT(!t->has_pending);
    uint32_t cell = emit_here(t);
    uint32_t field = emit_cell(t, branch);
    emit_branch_to(t, target, cell, field);
    t->has_last = false;
}

static void control_return(struct translator *t)
{
    uint32_t count = t->result_slots;
    struct instruction leave = {.operation = OP_return_none,
                                .fields = {t->local_count, (uint64_t)t->executed},
                                .result_height = NO_HEIGHT,
                                .wasm_offset = t->opcode_offset};
    if (count == 1) {
        static const enum operation by_type[] = {OP_return_i32, OP_return_i64, OP_return_f32,
                                                 OP_return_f64};
        uint32_t type = t->type->results[0];
        uint32_t index =
            type >= ENGINE_F64 && type <= ENGINE_I32 ? (uint32_t)(ENGINE_I32 - type) : 1;
        value_apply(t, by_type[index], 1, 0, 0);
        t->pending->fields[0] = t->local_count;
        t->pending->fields[1] = (uint64_t)t->executed;
        fuse_set_return(t, t->pending);
        emit_flush(t);
        return;
    }
    if (count > 1) {
        value_settle(t, t->height - count);
        leave.operation = OP_return_many;
        leave.fields[0] = slot_of_height(t, t->height - count);
        leave.fields[1] = count;
        leave.fields[2] = t->local_count;
        leave.fields[3] = (uint64_t)t->executed;
    }
    emit_flush(t);
    fuse_set_return(t, &leave);
    (void)emit_cell(t, &leave);
    t->has_last = false;
}

static void control_br(struct translator *t, struct control *target)
{
    if (target->opcode == OPCODE_END) {
        control_return(t);
    } else {
        control_carry(t, target->height, control_arity(target));
        control_jump(t, target);
    }
    t->dead = true;
}

bool control_is_direct(const struct translator *t, const struct control *target)
{
    return target->opcode != OPCODE_END &&
           control_in_place(t, target->height, control_arity(target));
}

void control_branch_over(struct translator *t, struct instruction *branch, struct control *target)
{
    ASSERT(!t->has_pending);
    uint32_t arity = control_arity(target);
    uint32_t cell = emit_here(t);
    uint32_t field = emit_cell(t, branch);
    t->has_last = false;
    int64_t executed = t->executed;
    /* On the taken path only: the entries stay as they are for the other one. */
    struct value *saved = NULL;
    if (arity > 0) {
        saved = malloc(arity * sizeof(*saved));
        if (saved == NULL) {
            emit_fail(t, STATUS_NO_MEMORY, "out of memory");
            return;
        }
        memcpy(saved, &t->values[t->height - arity], arity * sizeof(*saved));
    }
    uint32_t from = t->height - arity;
    if (target->opcode == OPCODE_END) {
        control_return(t);
    } else {
        control_carry(t, target->height, arity);
        control_jump(t, target);
    }
    /* Put the stack back as it was at the branch. */
    control_unwind(t, from);
    for (uint32_t i = 0; i < arity; i++)
        value_push(t, saved[i]);
    t->executed = executed;
    free(saved);
    emit_flush(t);
    emit_patch(t, cell, field, emit_here(t), 0);
}

static void control_br_if(struct translator *t, uint32_t depth)
{
    struct value condition = value_pop(t);
    if (t->status != STATUS_OK)
        return;
    struct control *target = control_at_depth(t, depth);
    bool direct = control_is_direct(t, target);
    struct instruction branch = control_condition(t, condition, t->height, !direct);
    if (direct)
        control_branch_if(t, &branch, target);
    else
        control_branch_over(t, &branch, target);
}

/* ---- br_table -------------------------------------------------------------------------------- */

/* Where a br_table's entry for `target` goes: straight to the label, or to a stub behind the
 * table that moves the values down first, made once per target. */
static void
control_table_stub(struct translator *t, struct control *target, uint32_t table, uint32_t arity)
{
    if (target->stub_table == table)
        return;
    target->stub_table = table;
    target->stub = emit_here(t);
    int64_t executed = t->executed;
    if (target->opcode == OPCODE_END) {
        uint32_t height = t->height;
        control_return(t);
        /* the return consumed its entry: it is still in its slot for the next stub */
        if (t->height < height && arity == 1)
            value_push_temp(t, t->type->results[0]);
    } else {
        control_carry(t, target->height, arity);
        control_jump(t, target);
    }
    t->executed = executed;
}

static void control_br_table(struct translator *t)
{
    struct value index = value_pop(t);
    if (t->status != STATUS_OK)
        return;
    uint32_t height = t->height;
    uint32_t count = reader_u32(&t->reader);
    struct reader labels = t->reader;
    for (uint32_t i = 0; i < count; i++)
        (void)reader_u32(&t->reader);
    uint32_t default_depth = reader_u32(&t->reader);
    uint32_t arity = control_arity(control_at_depth(t, default_depth));

    struct instruction table = {.operation = OP_br_table,
                                .fields = {0, count},
                                .result_height = NO_HEIGHT,
                                .wasm_offset = t->opcode_offset};
    if (index.kind != VALUE_TEMP || !fuse_table_index(t, &table, height))
        value_take(t, &table, index, height);
    value_settle(t, t->height - arity);
    uint32_t cell = emit_here(t);
    (void)emit_cell(t, &table);
    t->has_last = false;
    uint32_t entries = emit_words(t, 2 * (count + 1));
    for (uint32_t i = 0; i <= count && t->status == STATUS_OK; i++) {
        uint32_t depth = i < count ? reader_u32(&labels) : default_depth;
        struct control *target = control_at_depth(t, depth);
        uint32_t field = entries + i * EMIT_BRANCH_BYTES;
        if (target->opcode != OPCODE_END && control_in_place(t, target->height, arity)) {
            emit_branch_to(t, target, cell, field);
            continue;
        }
        control_table_stub(t, target, cell, arity);
        emit_patch(t, cell, field, target->stub, 0);
    }
    t->dead = true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

struct control *control_block(struct translator *t, uint8_t opcode)
{
    struct control *control = control_push(t, opcode);
    if (control == NULL)
        return NULL;
    control_read_block_type(t, control);
    if (t->dead)
        return control;
    value_settle(t, 0);
    control->height = t->height - control->param_slots;
    if (opcode == OPCODE_LOOP) {
        t->has_last = false;
        control->loop_target = emit_here(t);
        control->loop_executed = t->executed;
    }
    return control;
}

static void control_if(struct translator *t)
{
    struct control *control = control_push(t, OPCODE_IF);
    if (control == NULL)
        return;
    control_read_block_type(t, control);
    if (t->dead)
        return;
    struct value condition = value_pop(t);
    if (t->status != STATUS_OK)
        return;
    struct instruction branch = control_condition(t, condition, t->height, true);
    ASSERT(!t->has_pending);
    value_settle(t, 0);
    control->height = t->height - control->param_slots;
    uint32_t cell = emit_here(t);
    uint32_t field = emit_cell(t, &branch);
    t->has_last = false;
    /* The branch over the first arm has a fixup list of its own. */
    uint32_t fixups = control->fixups;
    control->fixups = NO_INDEX;
    emit_branch_to(t, control, cell, field);
    control->else_fixup = control->fixups;
    control->fixups = fixups;
    control->else_executed = t->executed;
}

void control_end_arm(struct translator *t, struct control *control)
{
    if (t->dead)
        return;
    control_carry(t, control->height, control->result_slots);
    control_jump(t, control);
}

void control_begin_arm(struct translator *t, struct control *control)
{
    emit_flush(t);
    control_unwind(t, control->height);
    t->dead = false;
    t->has_last = false;
}

static void control_else(struct translator *t)
{
    struct control *control = control_top(t);
    if (control->dead_entry)
        return;
    control_end_arm(t, control);
    control_begin_arm(t, control);
    t->executed = control->else_executed;
    emit_bind(t, control->else_fixup);
    control->else_fixup = NO_INDEX;
    control_push_temps(t, control->params, control->param_count);
}

/* Clauses whose label is the function: what was caught is returned, by code of its own. */
static void control_return_caught(struct translator *t, struct control *control)
{
    emit_flush(t);
    t->dead = false;
    t->has_last = false;
    t->executed = 0;
    control_unwind(t, 0);
    try_bind(t, control);
    control_push_temps(t, control->results, control->result_count);
    control_return(t);
}

void control_end(struct translator *t)
{
    struct control *control = control_top(t);
    t->control_count--;
    if (control->dead_entry)
        return;
    if (control->opcode == OPCODE_END) {
        if (!t->dead)
            control_return(t);
        if (control->clauses != NO_INDEX)
            control_return_caught(t, control);
        return;
    }
    if (!t->dead)
        control_carry(t, control->height, control->result_slots);
    else if (control->else_fixup != NO_INDEX)
        t->executed = control->else_executed;
    if (control->has_region)
        try_end(t);
    t->dead = false;
    emit_bind(t, control->else_fixup);
    emit_bind(t, control->fixups);
    try_bind(t, control);
    control_unwind(t, control->height);
    if (control->results != NULL)
        control_push_temps(t, control->results, control->result_count);
    else if (control->result_count > 0)
        value_push_temp(t, control->single);
}

static void control_unreachable(struct translator *t)
{
    emit_flush(t);
    struct instruction trap = {.operation = OP_unreachable, .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &trap);
    t->has_last = false;
    t->dead = true;
}

static bool control_is_structure(uint32_t opcode)
{
    return opcode == OPCODE_IF || translate_is_free(opcode);
}

void control_translate(struct translator *t, uint32_t opcode)
{
    /* In dead code only nesting counts. */
    if (t->dead && !control_is_structure(opcode)) {
        decode_skip_immediate(&t->reader, opcode_row(opcode)->immediate);
        return;
    }
    switch (opcode) {
    case OPCODE_UNREACHABLE:
        control_unreachable(t);
        return;
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
        (void)control_block(t, (uint8_t)opcode);
        return;
    case OPCODE_TRY_TABLE:
    case OPCODE_TRY:
    case OPCODE_CATCH:
    case OPCODE_CATCH_ALL:
    case OPCODE_DELEGATE:
    case OPCODE_THROW:
    case OPCODE_RETHROW:
    case OPCODE_THROW_REF:
        try_translate(t, opcode);
        return;
    case OPCODE_IF:
        control_if(t);
        return;
    case OPCODE_ELSE:
        control_else(t);
        return;
    case OPCODE_END:
        control_end(t);
        return;
    case OPCODE_BR:
        control_br(t, control_at_depth(t, reader_u32(&t->reader)));
        return;
    case OPCODE_BR_IF:
        control_br_if(t, reader_u32(&t->reader));
        return;
    case OPCODE_BR_TABLE:
        control_br_table(t);
        return;
    case OPCODE_RETURN:
        control_return(t);
        t->dead = true;
        return;
    case OPCODE_CALL:
    case OPCODE_CALL_INDIRECT:
    case OPCODE_CALL_REF:
    case OPCODE_RETURN_CALL:
    case OPCODE_RETURN_CALL_INDIRECT:
    case OPCODE_RETURN_CALL_REF:
        call_translate(t, opcode);
        return;
    default:
        reference_translate(t, opcode);
    }
}
