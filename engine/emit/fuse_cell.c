/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that become part of the one behind them: the pending one, or the cell encoded last.
 * Those that look at the operand stack: fuse.c.
 *
 * Each function changes nothing unless it fuses.
 */
#include "engine/emit/fuse_cell.h"

#include "engine/emit/emit.h"

bool fuse_is_sum(const struct translator *t, uint32_t *ret_constant)
{
    const struct instruction *sum = t->hold.pending;
    if (!t->hold.has_pending || (sum->operation != OP_i32_add && sum->operation != OP_i32_sub) ||
        sum->operands[1].place != PLACE_K)
        return false;
    uint32_t constant = (uint32_t)sum->operands[1].bits;
    *ret_constant = sum->operation == OP_i32_sub ? 0 - constant : constant;
    return true;
}

/* ---- branches -------------------------------------------------------------------------------- */

bool fuse_is_increment(const struct translator *t, struct operand *ret_x, uint32_t *ret_constant)
{
    const struct instruction *sum = &t->output.last;
    if (!t->output.has_last || (sum->operation != OP_i32_add && sum->operation != OP_i32_sub))
        return false;
    const struct operand *x = &sum->operands[0];
    const struct operand *to = &sum->operands[2];
    if (sum->operands[1].place != PLACE_K || x->place == PLACE_A || x->place != to->place ||
        (x->place == PLACE_S && x->slot != to->slot))
        return false;
    uint32_t constant = (uint32_t)sum->operands[1].bits;
    *ret_constant = sum->operation == OP_i32_sub ? 0 - constant : constant;
    *ret_x = *x;
    return true;
}

static bool fuse_move_jump(struct translator *t, struct instruction *ret_jump)
{
    const struct instruction *move = &t->output.last;
    if (!t->output.has_last || (move->operation != OP_i32_mov && move->operation != OP_i64_mov) ||
        !operation_allows(OP_mov_jump, 1, move->operands[1].place))
        return false;
    /* Of a low half 32 bits are moved. */
    if (move->operation == OP_i32_mov && move->operands[0].place != PLACE_K)
        return false;
    ret_jump->operation = OP_mov_jump;
    ret_jump->operands[0] = move->operands[0];
    ret_jump->operands[1] = move->operands[1];
    emit_take_back(t);
    return true;
}

bool fuse_jump(struct translator *t, struct instruction *ret_jump)
{
    struct operand x;
    uint32_t constant;
    if (fuse_move_jump(t, ret_jump))
        return true;
    if (!fuse_is_increment(t, &x, &constant))
        return false;
    ret_jump->operation = OP_add_jump;
    ret_jump->operands[0] = x;
    ret_jump->fields[0] = constant;
    emit_take_back(t);
    return true;
}

bool fuse_and_branch(struct translator *t, struct instruction *branch, bool negated)
{
    const struct instruction *bits = &t->output.last;
    if (t->hold.pending->operands[0].place != PLACE_A || !t->output.has_last ||
        bits->operation != OP_i32_and || bits->operands[2].place != PLACE_A)
        return false;
    branch->operation = negated ? OP_br_not_i32_and : OP_br_i32_and;
    branch->operands[0] = bits->operands[0];
    branch->operands[1] = bits->operands[1];
    t->hold.has_pending = false;
    emit_take_back(t);
    return true;
}

/* ---- calls and returns ----------------------------------------------------------------------- */

_Static_assert(OP_zero_4 == OP_zero_1 + 3 && OP_zero_4_load_3 == OP_zero_1_load_1 + 11 &&
                   OP_load_pins_2 == OP_load_pins_1 + 2 &&
                   OP_load_pins_3_mov == OP_load_pins_1_mov + 2,
               "rows of ops.def in order of their numbers");

void fuse_zero_load(struct translator *t, struct instruction *load)
{
    const struct instruction *zero = &t->output.last;
    if (!t->output.has_last || zero->operation < OP_zero_1 || zero->operation > OP_zero_4)
        return;
    uint32_t pins = t->pins.count;
    load->operation =
        (enum operation)(OP_zero_1_load_1 + 3 * (zero->operation - OP_zero_1) + pins - 1);
    memmove(load->fields + 1, load->fields, pins * sizeof(load->fields[0]));
    load->fields[0] = zero->fields[0];
    emit_take_back(t);
}

void fuse_load_move(struct translator *t)
{
    static const enum operation loads[] = {OP_load_pins_1, OP_load_pins_2, OP_load_pins_3};
    struct instruction *move = t->hold.pending;
    uint32_t pins = t->pins.count;
    if (move->operation != OP_i64_mov || move->operands[0].place != PLACE_A || pins == 0 ||
        t->output.last.operation != loads[pins - 1] ||
        !operation_allows(OP_load_pins_1_mov, 0, move->operands[1].place))
        return;
    move->operation = (enum operation)(OP_load_pins_1_mov + pins - 1);
    move->operands[0] = move->operands[1];
    memcpy(move->fields, t->output.last.fields, pins * sizeof(move->fields[0]));
    emit_take_back(t);
}

void fuse_set_return(struct translator *t, struct instruction *leave)
{
    static const struct {
        enum operation leave, fused;
    } rows[] = {
        {OP_return_none, OP_set_sum_return_none},
        {OP_return_i32, OP_set_sum_return_i32},
        {OP_return_i64, OP_set_sum_return_i64},
    };
    const struct instruction *set = &t->output.last;
    if (!t->output.has_last || set->operation != OP_global_set_sum)
        return;
    uint32_t row = 0;
    while (row < COUNT_OF(rows) && rows[row].leave != leave->operation)
        row++;
    if (row == COUNT_OF(rows) || !operation_allows(rows[row].fused, 0, set->operands[0].place) ||
        (row != 0 && !operation_allows(rows[row].fused, 1, leave->operands[0].place)))
        return;
    leave->operation = rows[row].fused;
    leave->operands[1] = leave->operands[0];
    leave->operands[0] = set->operands[0];
    memmove(leave->fields + 2, leave->fields, 2 * sizeof(leave->fields[0]));
    memcpy(leave->fields, set->fields, 2 * sizeof(leave->fields[0]));
    emit_take_back(t);
}
