/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control stack, branches and returns.
 *
 * Values that cross a label are in the home slots of the label's height, so a branch first
 * moves what it carries there.
 */
#include "engine/translate/control.h"

#include <stdlib.h>

#include "engine/emit/emit.h"
#include "engine/emit/fuse.h"
#include "engine/emit/fuse_cell.h"
#include "engine/emit/label.h"
#include "engine/emit/relation.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"

/* ---- the control stack ----------------------------------------------------------------------- */

struct control *control_at_depth(struct translator *t, uint32_t depth)
{
    ASSERT(depth < t->blocks.count);
    return &t->blocks.frames[t->blocks.count - 1 - depth];
}

struct control *control_push(struct translator *t, uint8_t opcode)
{
    if (t->blocks.count == t->blocks.capacity) {
        uint32_t capacity = MAX(t->blocks.capacity * 2, 64u);
        struct control *controls = realloc(t->blocks.frames, capacity * sizeof(*controls));
        if (controls == NULL) {
            emit_fail(t, STATUS_NO_MEMORY, "out of memory");
            return NULL;
        }
        t->blocks.frames = controls;
        t->blocks.capacity = capacity;
    }
    struct control *control = &t->blocks.frames[t->blocks.count++];
    *control = (struct control){.opcode = opcode,
                                .dead_entry = t->dead,
                                .height = t->stack.height,
                                .fixups = NO_INDEX,
                                .else_fixup = NO_INDEX,
                                .clauses = NO_INDEX,
                                .region = t->blocks.region,
                                .stub_table = NO_INDEX};
    return control;
}

void control_begin_function(struct translator *t)
{
    struct control *control = control_push(t, OPCODE_END);
    if (control == NULL)
        return;
    control->results = t->func.type->results;
    control->result_count = t->func.type->result_count;
    control->result_slots = t->func.result_slots;
}

/* How many slots a branch to this frame carries. */
static uint32_t control_arity(const struct control *control)
{
    return control->opcode == OPCODE_LOOP ? control->param_slots : control->result_slots;
}

/* ---- branches -------------------------------------------------------------------------------- */

/* Are the `count` topmost entries already where a label at `height` wants them? */
static bool control_in_place(const struct translator *t, uint32_t height, uint32_t count)
{
    if (count == 0)
        return true;
    return t->stack.height - count == height && t->stack.settled == t->stack.height;
}

void control_carry(struct translator *t, uint32_t height, uint32_t count)
{
    if (count == 0)
        return;
    uint32_t from = t->stack.height - count;
    const struct value *value = &t->stack.values[from];
    if (from != height && (count == 1 || (count == 2 && value->type == ENGINE_V128))) {
        struct operand to = {.place = PLACE_S, .slot = slot_of_height(t, height)};
        if (value->kind == VALUE_TEMP && hold_is_result(t, from) && t->hold.pending->has_result) {
            uint32_t result = operation_shape_rows[operation_rows[t->hold.pending->operation].shape]
                                  .operand_count -
                              1u;
            t->hold.pending->operands[result] = to;
            t->hold.pending->result_height = NO_HEIGHT;
            hold_flush(t);
            return;
        }
        hold_flush(t);
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

void control_jump(struct translator *t, struct control *target)
{
    hold_flush(t);
    struct instruction jump = {.operation = OP_jump, .wasm_offset = t->opcode_offset};
    (void)fuse_jump(t, &jump);
    uint32_t field = emit_cell(t, &jump);
    label_branch(t, target, emit_last(t), field);
    t->output.has_last = false;
}

/* Fuses `x += constant` just encoded with the comparison of x that follows it; false and
 * unchanged if they do not fit. */
static bool control_fuse_add(struct translator *t, struct instruction *branch)
{
    enum operation fused = relation_add_branch(branch->operation);
    /* Entries not settled yet may mean the local after the addition: they are moved before
     * the branch, so the addition must stay before them. */
    if (fused == OP_COUNT || t->stack.settled != t->stack.height)
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

struct instruction
control_condition(struct translator *t, struct value condition, uint32_t height, bool negated)
{
    struct instruction branch = {.operation = negated ? OP_br_z : OP_br_nz,
                                 .result_height = NO_HEIGHT,
                                 .wasm_offset = t->opcode_offset};
    if (condition.kind == VALUE_TEMP && hold_is_result(t, height)) {
        enum operation fused = relation_branch(t->hold.pending->operation, negated);
        if (fused != OP_COUNT) {
            branch = *t->hold.pending;
            branch.operation = fused;
            branch.has_result = false;
            branch.result_height = NO_HEIGHT;
            t->hold.has_pending = false;
            (void)control_fuse_add(t, &branch);
            return branch;
        }
        if (t->hold.pending->operation == OP_i32_eqz) {
            if (fuse_and_branch(t, &branch, !negated))
                return branch;
            branch.operation = negated ? OP_br_nz : OP_br_z;
            branch.operands[0] = t->hold.pending->operands[0];
            t->hold.has_pending = false;
            return branch;
        }
        if (t->hold.pending->operation == OP_i64_eqz &&
            t->hold.pending->operands[0].place != PLACE_K) {
            branch.operation = negated ? OP_br_i64_ne : OP_br_i64_eq;
            branch.operands[0] = t->hold.pending->operands[0];
            branch.operands[1] = (struct operand){.place = PLACE_K};
            t->hold.has_pending = false;
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
    ASSERT(!t->hold.has_pending);
    uint32_t field = emit_cell(t, branch);
    label_branch(t, target, emit_last(t), field);
    t->output.has_last = false;
}

void control_return(struct translator *t)
{
    uint32_t count = t->func.result_slots;
    struct instruction leave = {.operation = OP_return_none,
                                .fields = {t->locals.count, (uint64_t)t->executed},
                                .result_height = NO_HEIGHT,
                                .wasm_offset = t->opcode_offset};
    if (count == 1) {
        static const enum operation by_type[] = {OP_return_i32, OP_return_i64, OP_return_f32,
                                                 OP_return_f64};
        uint32_t type = t->func.type->results[0];
        uint32_t index =
            type >= ENGINE_F64 && type <= ENGINE_I32 ? (uint32_t)(ENGINE_I32 - type) : 1;
        value_apply(t, by_type[index], 1, 0, 0);
        t->hold.pending->fields[0] = t->locals.count;
        t->hold.pending->fields[1] = (uint64_t)t->executed;
        fuse_set_return(t, t->hold.pending);
        hold_flush(t);
        return;
    }
    if (count > 1) {
        value_settle(t, t->stack.height - count);
        leave.operation = OP_return_many;
        leave.fields[0] = slot_of_height(t, t->stack.height - count);
        leave.fields[1] = count;
        leave.fields[2] = t->locals.count;
        leave.fields[3] = (uint64_t)t->executed;
    }
    hold_flush(t);
    fuse_set_return(t, &leave);
    (void)emit_cell(t, &leave);
    t->output.has_last = false;
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
    ASSERT(!t->hold.has_pending);
    uint32_t arity = control_arity(target);
    uint32_t field = emit_cell(t, branch);
    uint32_t cell = emit_last(t);
    t->output.has_last = false;
    int64_t executed = t->executed;
    /* On the taken path only: the entries stay as they are for the other one. */
    struct value *saved = NULL;
    if (arity > 0) {
        saved = malloc(arity * sizeof(*saved));
        if (saved == NULL) {
            emit_fail(t, STATUS_NO_MEMORY, "out of memory");
            return;
        }
        memcpy(saved, &t->stack.values[t->stack.height - arity], arity * sizeof(*saved));
    }
    uint32_t from = t->stack.height - arity;
    if (target->opcode == OPCODE_END) {
        control_return(t);
    } else {
        control_carry(t, target->height, arity);
        control_jump(t, target);
    }
    /* Put the stack back as it was at the branch. */
    value_drop_to(t, from);
    for (uint32_t i = 0; i < arity; i++)
        value_push(t, saved[i]);
    t->executed = executed;
    free(saved);
    hold_flush(t);
    emit_patch(t, cell, field, emit_here(t), 0);
}

static void control_br_if(struct translator *t, uint32_t depth)
{
    struct value condition = value_pop(t);
    if (t->status != STATUS_OK)
        return;
    struct control *target = control_at_depth(t, depth);
    bool direct = control_is_direct(t, target);
    struct instruction branch = control_condition(t, condition, t->stack.height, !direct);
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
        uint32_t height = t->stack.height;
        control_return(t);
        /* the return consumed its entry: it is still in its slot for the next stub */
        if (t->stack.height < height && arity == 1)
            value_push_temp(t, t->func.type->results[0]);
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
    uint32_t height = t->stack.height;
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
    value_settle(t, t->stack.height - arity);
    (void)emit_cell(t, &table);
    uint32_t cell = emit_last(t);
    t->output.has_last = false;
    uint32_t entries = emit_words(t, 2 * (count + 1));
    for (uint32_t i = 0; i <= count && t->status == STATUS_OK; i++) {
        uint32_t depth = i < count ? reader_u32(&labels) : default_depth;
        struct control *target = control_at_depth(t, depth);
        uint32_t field = entries + i * EMIT_BRANCH_BYTES;
        if (target->opcode != OPCODE_END && control_in_place(t, target->height, arity)) {
            label_branch(t, target, cell, field);
            continue;
        }
        control_table_stub(t, target, cell, arity);
        emit_patch(t, cell, field, target->stub, 0);
    }
    t->dead = true;
}

/* ---- branches that look at a reference ------------------------------------------------------- */

/* The reference is first brought into its slot, so that it is there whichever way the guest goes
 * on: the test reads it from the slot, and what is left of it on the operand stack is an entry in
 * place. */

/* The reference on top, in its slot. */
static struct operand control_settle_reference(struct translator *t)
{
    value_settle(t, t->stack.height - 1);
    return (struct operand){.place = PLACE_S, .slot = slot_of_height(t, t->stack.height - 1)};
}

/* Branches to `target` if `reference` is null (or is not), carrying what is on the stack. */
static void control_branch_on_reference(struct translator *t,
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

static void control_br_on_null(struct translator *t)
{
    struct control *target = control_at_depth(t, reader_u32(&t->reader));
    struct operand reference = control_settle_reference(t);
    uint8_t type = value_pop(t).type;
    if (t->status != STATUS_OK)
        return;
    control_branch_on_reference(t, reference, true, target);
    value_push_temp(t, type);
}

static void control_br_on_non_null(struct translator *t)
{
    struct control *target = control_at_depth(t, reader_u32(&t->reader));
    struct operand reference = control_settle_reference(t);
    if (t->status != STATUS_OK)
        return;
    control_branch_on_reference(t, reference, false, target);
    (void)value_pop(t);
}

static void control_br_on_cast(struct translator *t, bool branches_on_failure)
{
    uint8_t flags = reader_u8(&t->reader);
    struct control *target = control_at_depth(t, reader_u32(&t->reader));
    (void)decode_heap_type(&t->reader, t->module);
    uint32_t to = decode_heap_type(&t->reader, t->module);
    to |= (flags & DECODE_CAST_TO_NULL) != 0 ? 0 : ENGINE_TYPE_NON_NULL;
    struct operand reference = control_settle_reference(t);
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

/* ---- all of them -------------------------------------------------------------------------------
 */

static void control_unreachable(struct translator *t)
{
    hold_flush(t);
    struct instruction trap = {.operation = OP_unreachable, .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &trap);
    t->output.has_last = false;
    t->dead = true;
}

void control_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_UNREACHABLE:
        control_unreachable(t);
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
    case OPCODE_BR_ON_NULL:
        control_br_on_null(t);
        return;
    case OPCODE_BR_ON_NON_NULL:
        control_br_on_non_null(t);
        return;
    default:
        ASSERT(opcode == OPCODE_BR_ON_CAST || opcode == OPCODE_BR_ON_CAST_FAIL);
        control_br_on_cast(t, opcode == OPCODE_BR_ON_CAST_FAIL);
    }
}
