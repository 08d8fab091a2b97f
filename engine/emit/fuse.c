/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions that become one operation, beside the comparisons with their branches
 * (control.c) and the sums that are addresses (access.c). Which ones was
 * found by counting the pairs of operations that Lua, SQLite and QuickJS execute.
 *
 * Each function changes nothing unless it fuses. What it fuses is the pending operation, and
 * before it at most the cell encoded last.
 */
#include "engine/emit/fuse.h"

#include "engine/emit/emit.h"
#include "engine/emit/fuse_cell.h"
#include "engine/emit/value.h"

/* Is the entry at `height` the pending result of `operation` with a constant? */
static bool fuse_is_pending(const struct translator *t, uint32_t height, enum operation operation)
{
    return t->stack.values[height].kind == VALUE_TEMP && hold_is_result(t, height) &&
           t->hold.pending->operation == operation && t->hold.pending->operands[1].place == PLACE_K;
}

static bool fuse_is_product(const struct translator *t, uint32_t height)
{
    return fuse_is_pending(t, height, OP_i32_shl) || fuse_is_pending(t, height, OP_i32_mul);
}

bool fuse_mul_add(struct translator *t)
{
    uint32_t base = t->stack.height - 2;
    uint32_t product = fuse_is_product(t, base) ? base : base + 1;
    uint32_t other = base + (product == base);
    if (!fuse_is_product(t, product))
        return false;
    struct operand y = value_operand(t, t->stack.values[other], other);
    if (!operation_allows(OP_i32_mul_add, 1, y.place))
        return false;
    (void)value_pop(t);
    (void)value_pop(t);
    struct instruction *sum = t->hold.pending;
    bool shifts = sum->operation == OP_i32_shl;
    sum->operation = OP_i32_mul_add;
    sum->fields[0] = shifts ? 1u << (sum->operands[1].bits & 31) : sum->operands[1].bits;
    sum->operands[1] = y;
    sum->operands[2] = (struct operand){.place = PLACE_S, .slot = slot_of_height(t, base)};
    sum->result_height = base;
    value_push_temp(t, ENGINE_I32);
    return true;
}

bool fuse_shr_and(struct translator *t)
{
    uint32_t base = t->stack.height - 2;
    if (!fuse_is_pending(t, base, OP_i32_shr_u) || t->stack.values[base + 1].kind != VALUE_CONST)
        return false;
    uint64_t mask = value_pop(t).bits;
    struct instruction *bits = t->hold.pending;
    bits->operation = OP_i32_shr_and;
    bits->fields[0] = bits->operands[1].bits & 31;
    bits->fields[1] = mask;
    bits->operands[1] = (struct operand){.place = PLACE_S, .slot = slot_of_height(t, base)};
    return true;
}

/* ---- the shadow stack's pointer -------------------------------------------------------------- */

static void fuse_become(struct instruction *instruction,
                        enum operation operation,
                        uint32_t global,
                        uint32_t constant)
{
    instruction->operation = operation;
    instruction->fields[0] = global;
    instruction->fields[1] = constant;
    instruction->result_height = NO_HEIGHT;
}

/* global.get g, constant, add, local.tee, global.set g: the local gets what the global gets. */
static bool fuse_global_add(struct translator *t, uint32_t global, uint32_t constant)
{
    const struct value *value = &t->stack.values[t->stack.height - 1];
    const struct instruction *get = &t->output.last;
    struct instruction *sum = t->hold.pending;
    const struct operand *to = &sum->operands[2];
    if (value->kind != VALUE_LOCAL || sum->operands[0].place != PLACE_A || !t->output.has_last ||
        get->operation != OP_global_get || get->operands[0].place != PLACE_A ||
        get->fields[0] != global || to->place != t->locals.places[value->local] ||
        to->slot != value->local)
        return false;
    struct operand local = *to;
    (void)value_pop(t);
    emit_take_back(t);
    fuse_become(sum, OP_global_add, global, constant);
    sum->operands[0] = local;
    return true;
}

bool fuse_global_set(struct translator *t, uint32_t global)
{
    uint32_t constant;
    if (!fuse_is_sum(t, &constant))
        return false;
    if (fuse_global_add(t, global, constant))
        return true;
    uint32_t height = t->stack.height - 1;
    if (t->stack.values[height].kind != VALUE_TEMP || !hold_is_result(t, height))
        return false;
    (void)value_pop(t);
    fuse_become(t->hold.pending, OP_global_set_sum, global, constant);
    t->hold.pending->has_result = false;
    return true;
}

/* ---- indices --------------------------------------------------------------------------------- */

bool fuse_table_index(struct translator *t, struct instruction *table, uint32_t height)
{
    uint32_t constant;
    if (!hold_is_result(t, height) || !fuse_is_sum(t, &constant))
        return false;
    table->operands[0] = t->hold.pending->operands[0];
    table->fields[0] = 0 - constant;
    t->hold.has_pending = false;
    return true;
}

/* ---- memory ---------------------------------------------------------------------------------- */

bool fuse_copy(struct translator *t, enum operation operation, uint32_t offset)
{
    /* A trap of the load is shown as one of the store. */
    static const struct {
        enum operation store, load, loadx, copy, copyx;
    } rows[] = {
        {OP_store_8, OP_load_u8, OP_loadx_u8, OP_copy_8, OP_copyx_8},
        {OP_store_16, OP_load_u16, OP_COUNT, OP_copy_16, OP_COUNT},
        {OP_store_32, OP_load_u32, OP_loadx_u32, OP_copy_32, OP_copyx_32},
        {OP_store_f32, OP_load_f32, OP_loadx_f32, OP_copy_32, OP_copyx_32},
        {OP_store_64, OP_load_u64, OP_loadx_u64, OP_copy_64, OP_copyx_64},
        {OP_store_f64, OP_load_f64, OP_loadx_f64, OP_copy_64, OP_copyx_64},
    };
    uint32_t height = t->stack.height - 2;
    if (!hold_is_result(t, height + 1))
        return false;
    struct instruction *load = t->hold.pending;
    uint32_t row = 0;
    while (row < COUNT_OF(rows) && rows[row].store != operation)
        row++;
    if (row == COUNT_OF(rows))
        return false;
    bool indexed = load->operation == rows[row].loadx;
    struct operand to = value_operand(t, t->stack.values[height], height);
    if ((!indexed && load->operation != rows[row].load) ||
        !operation_allows(OP_copy_8, 1, to.place) ||
        (indexed && !operation_allows(OP_copyx_8, 0, load->operands[0].place)))
        return false;
    (void)value_pop(t);
    (void)value_pop(t);
    load->operation = indexed ? rows[row].copyx : rows[row].copy;
    load->operands[indexed ? 2 : 1] = to;
    load->fields[1] = offset;
    load->result_height = NO_HEIGHT;
    load->has_result = false;
    load->wasm_offset = t->opcode_offset;
    return true;
}
