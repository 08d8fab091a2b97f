/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instructions that become one operation, beside the comparisons with their branches
 * (translate_control.c) and the sums that are addresses (translate_simple.c). Which ones was
 * found by counting the pairs of operations that Lua, SQLite and QuickJS execute.
 *
 * Each function changes nothing unless it fuses. What it fuses is the pending operation, and
 * before it at most the cell encoded last.
 */
#include "engine/translate/translate.h"

/* Is the pending operation x + constant, or x - constant? *ret_constant is what is added. */
static bool fuse_is_sum(const struct translator *t, uint32_t *ret_constant)
{
    const struct instruction *sum = t->pending;
    if (!t->has_pending || (sum->operation != OP_i32_add && sum->operation != OP_i32_sub) ||
        sum->operands[1].place != PLACE_K)
        return false;
    uint32_t constant = (uint32_t)sum->operands[1].bits;
    *ret_constant = sum->operation == OP_i32_sub ? 0 - constant : constant;
    return true;
}

/* Is the entry at `height` the pending result of `operation` with a constant? */
static bool fuse_is_pending(const struct translator *t, uint32_t height, enum operation operation)
{
    return t->values[height].kind == VALUE_TEMP && value_is_pending(t, height) &&
           t->pending->operation == operation && t->pending->operands[1].place == PLACE_K;
}

static bool fuse_is_product(const struct translator *t, uint32_t height)
{
    return fuse_is_pending(t, height, OP_i32_shl) || fuse_is_pending(t, height, OP_i32_mul);
}

bool fuse_mul_add(struct translator *t)
{
    uint32_t base = t->height - 2;
    uint32_t product = fuse_is_product(t, base) ? base : base + 1;
    uint32_t other = base + (product == base);
    if (!fuse_is_product(t, product))
        return false;
    struct operand y = value_operand(t, t->values[other], other);
    if (!operation_allows(OP_i32_mul_add, 1, y.place))
        return false;
    (void)value_pop(t);
    (void)value_pop(t);
    struct instruction *sum = t->pending;
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
    uint32_t base = t->height - 2;
    if (!fuse_is_pending(t, base, OP_i32_shr_u) || t->values[base + 1].kind != VALUE_CONST)
        return false;
    uint64_t mask = value_pop(t).bits;
    struct instruction *bits = t->pending;
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
    const struct value *value = &t->values[t->height - 1];
    const struct instruction *get = &t->last;
    struct instruction *sum = t->pending;
    const struct operand *to = &sum->operands[2];
    if (value->kind != VALUE_LOCAL || sum->operands[0].place != PLACE_A || !t->has_last ||
        get->operation != OP_global_get || get->operands[0].place != PLACE_A ||
        get->fields[0] != global || to->place != t->local_places[value->local] ||
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
    uint32_t height = t->height - 1;
    if (t->values[height].kind != VALUE_TEMP || !value_is_pending(t, height))
        return false;
    (void)value_pop(t);
    fuse_become(t->pending, OP_global_set_sum, global, constant);
    t->pending->has_result = false;
    return true;
}

/* ---- branches -------------------------------------------------------------------------------- */

bool fuse_is_increment(const struct translator *t, struct operand *ret_x, uint32_t *ret_constant)
{
    const struct instruction *sum = &t->last;
    if (!t->has_last || (sum->operation != OP_i32_add && sum->operation != OP_i32_sub))
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
    const struct instruction *move = &t->last;
    if (!t->has_last || (move->operation != OP_i32_mov && move->operation != OP_i64_mov) ||
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
    const struct instruction *bits = &t->last;
    if (t->pending->operands[0].place != PLACE_A || !t->has_last || bits->operation != OP_i32_and ||
        bits->operands[2].place != PLACE_A)
        return false;
    branch->operation = negated ? OP_br_not_i32_and : OP_br_i32_and;
    branch->operands[0] = bits->operands[0];
    branch->operands[1] = bits->operands[1];
    t->has_pending = false;
    emit_take_back(t);
    return true;
}

bool fuse_table_index(struct translator *t, struct instruction *table, uint32_t height)
{
    uint32_t constant;
    if (!value_is_pending(t, height) || !fuse_is_sum(t, &constant))
        return false;
    table->operands[0] = t->pending->operands[0];
    table->fields[0] = 0 - constant;
    t->has_pending = false;
    return true;
}

/* ---- calls and returns ----------------------------------------------------------------------- */

_Static_assert(OP_zero_4 == OP_zero_1 + 3 && OP_zero_4_load_3 == OP_zero_1_load_1 + 11 &&
                   OP_load_pins_2 == OP_load_pins_1 + 2 &&
                   OP_load_pins_3_mov == OP_load_pins_1_mov + 2,
               "rows of ops.def in order of their numbers");

void fuse_zero_load(struct translator *t, struct instruction *load)
{
    const struct instruction *zero = &t->last;
    if (!t->has_last || zero->operation < OP_zero_1 || zero->operation > OP_zero_4)
        return;
    uint32_t pins = t->pin_count;
    load->operation =
        (enum operation)(OP_zero_1_load_1 + 3 * (zero->operation - OP_zero_1) + pins - 1);
    memmove(load->fields + 1, load->fields, pins * sizeof(load->fields[0]));
    load->fields[0] = zero->fields[0];
    emit_take_back(t);
}

void fuse_load_move(struct translator *t)
{
    static const enum operation loads[] = {OP_load_pins_1, OP_load_pins_2, OP_load_pins_3};
    struct instruction *move = t->pending;
    uint32_t pins = t->pin_count;
    if (move->operation != OP_i64_mov || move->operands[0].place != PLACE_A || pins == 0 ||
        t->last.operation != loads[pins - 1] ||
        !operation_allows(OP_load_pins_1_mov, 0, move->operands[1].place))
        return;
    move->operation = (enum operation)(OP_load_pins_1_mov + pins - 1);
    move->operands[0] = move->operands[1];
    memcpy(move->fields, t->last.fields, pins * sizeof(move->fields[0]));
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
    const struct instruction *set = &t->last;
    if (!t->has_last || set->operation != OP_global_set_sum)
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
    uint32_t height = t->height - 2;
    if (!value_is_pending(t, height + 1))
        return false;
    struct instruction *load = t->pending;
    uint32_t row = 0;
    while (row < COUNT_OF(rows) && rows[row].store != operation)
        row++;
    if (row == COUNT_OF(rows))
        return false;
    bool indexed = load->operation == rows[row].loadx;
    struct operand to = value_operand(t, t->values[height], height);
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

/* ---- moves ----------------------------------------------------------------------------------- */

#define FUSE_MOVES_MAX 3

/* 's' a local in its slot, 'k' a constant that fits, '-' anything else. */
static char fuse_source(const struct translator *t, uint32_t height, uint64_t *ret_bits)
{
    if (height >= t->height)
        return '-';
    const struct value *value = &t->values[height];
    if (value->type == ENGINE_V128)
        return '-';
    *ret_bits = value->kind == VALUE_LOCAL ? value->local : value->bits;
    if (value->kind == VALUE_LOCAL && t->local_places[value->local] == PLACE_S)
        return 's';
    return value->kind == VALUE_CONST && value->bits <= UINT32_MAX ? 'k' : '-';
}

uint32_t fuse_moves(struct translator *t, uint32_t height)
{
    uint64_t bits[FUSE_MOVES_MAX];
    char sources[FUSE_MOVES_MAX];
    for (uint32_t i = 0; i < FUSE_MOVES_MAX; i++)
        sources[i] = fuse_source(t, height + i, &bits[i]);
    if (sources[0] == '-' || sources[1] == '-')
        return 0;
    uint64_t to = slot_of_height(t, height);
    struct instruction move = {.operation = OP_move_kk,
                               .fields = {to, bits[0], bits[1]},
                               .result_height = NO_HEIGHT,
                               .wasm_offset = t->opcode_offset};
    uint32_t count = memcmp(sources, "sss", FUSE_MOVES_MAX) == 0 ? 3 : 2;
    if (count == 3) {
        move.operation = OP_move_sss;
        memcpy(move.fields, (uint64_t[]){bits[0], bits[1], bits[2], to}, 4 * sizeof(to));
    } else if (sources[0] == 's') {
        move.operation = sources[1] == 's' ? OP_move_ss : OP_move_sk;
        uint64_t second = sources[1] == 's' ? to : bits[1];
        memcpy(move.fields, (uint64_t[]){bits[0], sources[1] == 's' ? bits[1] : to, second},
               3 * sizeof(to));
    } else if (sources[1] == 's') {
        move.operation = OP_move_ks;
        memcpy(move.fields, (uint64_t[]){bits[1], to, bits[0]}, 3 * sizeof(to));
    }
    (void)emit_cell(t, &move);
    for (uint32_t i = 0; i < count; i++)
        value_arrived(t, height + i);
    return count;
}
