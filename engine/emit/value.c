/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operand stack at translation time, and who gets the accumulator.
 *
 * An operation's result goes to its home slot unless the next operation uses it: then both
 * meet in the accumulator. Nothing between them may write the accumulator; the moves that
 * are emitted in between only go to slots.
 */
#include "engine/emit/value.h"

#include <stdlib.h>

#include "engine/emit/emit.h"
#include "engine/emit/relation.h"
#include "engine/run/frames.h"

/* ---- the stack ------------------------------------------------------------------------------- */

bool value_make_room(struct translator *t)
{
    if (t->stack.height == t->stack.capacity) {
        uint32_t capacity = MAX(t->stack.capacity * 2, 256u);
        struct value *values = realloc(t->stack.values, capacity * sizeof(*values));
        if (values == NULL) {
            emit_fail(t, STATUS_NO_MEMORY, "out of memory");
            return false;
        }
        t->stack.values = values;
        t->stack.capacity = capacity;
    }
    uint32_t slots = MODULE_MAX_FRAME_SLOTS - (t->locals.count + (uint32_t)FRAME_LINK_SLOTS);
    if (t->stack.height >= slots) {
        emit_fail(t, STATUS_LIMIT, "locals and operand stack need more slots than a frame has");
        return false;
    }
    t->stack.limit = MIN(t->stack.capacity, slots);
    return true;
}

void value_push_temp(struct translator *t, uint32_t type)
{
    value_push_whole(t, (struct value){.kind = VALUE_TEMP, .type = type_class(type)});
}

void value_push_temps(struct translator *t, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        value_push_temp(t, types[i]);
}

void value_drop_to(struct translator *t, uint32_t height)
{
    while (t->stack.height > height && t->status == STATUS_OK)
        (void)value_pop(t);
}

struct operand value_operand(const struct translator *t, struct value value, uint32_t height)
{
    switch (value.kind) {
    case VALUE_LOCAL:
    case VALUE_LOW_HALF:
        return (struct operand){.place = t->locals.places[value.local],
                                .slot = (uint16_t)value.local};
    case VALUE_CONST:
        return (struct operand){.place = PLACE_K, .bits = value.bits};
    default:
        return (struct operand){.place = PLACE_S, .slot = slot_of_height(t, height)};
    }
}

uint8_t value_type_of_letter(char letter)
{
    static const uint8_t types['v' + 1] = {['i'] = ENGINE_I32,
                                           ['l'] = ENGINE_I64,
                                           ['f'] = ENGINE_F32,
                                           ['d'] = ENGINE_F64,
                                           ['v'] = ENGINE_V128};
    return types[(uint8_t)letter];
}

/* ---- moves ----------------------------------------------------------------------------------- */

struct instruction
value_move(const struct translator *t, uint32_t type, struct operand from, struct operand to)
{
    struct instruction move = {.operands = {from, to},
                               .result_height = NO_HEIGHT,
                               .wasm_offset = t->opcode_offset,
                               .has_result = true};
    if (type == ENGINE_V128) {
        move.operation = OP_v128_mov;
        return move;
    }
    /* Slots and constants are bits; only pins and accumulators have a class. */
    bool is_float = types_is_float(type);
    bool bits_only = (from.place == PLACE_S || from.place == PLACE_K) && to.place == PLACE_S;
    if (is_float && !bits_only) {
        move.operation = from.place == PLACE_K && type == ENGINE_F32 ? OP_f32_mov : OP_f64_mov;
        return move;
    }
    bool is_short = from.place == PLACE_K && from.bits <= UINT32_MAX;
    move.operation = is_short ? OP_i32_mov : OP_i64_mov;
    return move;
}

bool value_wrap(struct value *value)
{
    if (value->kind == VALUE_LOCAL)
        value->kind = VALUE_LOW_HALF;
    else if (value->kind == VALUE_CONST)
        value->bits = (uint32_t)value->bits;
    else
        return false;
    value->type = ENGINE_I32;
    return true;
}

struct instruction
value_copy(const struct translator *t, struct value value, uint32_t height, struct operand to)
{
    struct instruction move = value_move(t, value.type, value_operand(t, value, height), to);
    if (value.kind == VALUE_LOW_HALF)
        move.operation = OP_i32_mov;
    return move;
}

/* The entry at `height` was moved to its home slot. */
static void value_arrived(struct translator *t, uint32_t height)
{
    struct value *value = &t->stack.values[height];
    if (value_is_local(value->kind))
        t->locals.refs[value->local]--;
    value->kind = VALUE_TEMP;
}

static void value_settle_one(struct translator *t, uint32_t height)
{
    const struct value *value = &t->stack.values[height];
    if (value->kind == VALUE_TEMP)
        return;
    struct operand home = {.place = PLACE_S, .slot = slot_of_height(t, height)};
    struct instruction move = value_copy(t, *value, height, home);
    (void)emit_cell(t, &move);
    value_arrived(t, height);
}

/* ---- several moves at once ------------------------------------------------------------------- */

#define VALUE_MOVES_MAX 3

/* 's' a local in its slot, 'k' a constant that fits, '-' anything else. */
static char value_move_source(const struct translator *t, uint32_t height, uint64_t *ret_bits)
{
    if (height >= t->stack.height)
        return '-';
    const struct value *value = &t->stack.values[height];
    if (value->type == ENGINE_V128)
        return '-';
    *ret_bits = value->kind == VALUE_LOCAL ? value->local : value->bits;
    if (value->kind == VALUE_LOCAL && t->locals.places[value->local] == PLACE_S)
        return 's';
    return value->kind == VALUE_CONST && value->bits <= UINT32_MAX ? 'k' : '-';
}

/* Moves entries from `height` up to their home slots with one operation; how many. */
static uint32_t value_settle_several(struct translator *t, uint32_t height)
{
    uint64_t bits[VALUE_MOVES_MAX];
    char sources[VALUE_MOVES_MAX];
    for (uint32_t i = 0; i < VALUE_MOVES_MAX; i++)
        sources[i] = value_move_source(t, height + i, &bits[i]);
    if (sources[0] == '-' || sources[1] == '-')
        return 0;
    uint64_t to = slot_of_height(t, height);
    struct instruction move = {.operation = OP_move_kk,
                               .fields = {to, bits[0], bits[1]},
                               .result_height = NO_HEIGHT,
                               .wasm_offset = t->opcode_offset};
    uint32_t count = memcmp(sources, "sss", VALUE_MOVES_MAX) == 0 ? 3 : 2;
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

/* Without flushing: for moves that must come before the pending operation. */
static void value_settle_cells(struct translator *t, uint32_t from)
{
    if (t->status != STATUS_OK)
        return;
    for (uint32_t i = MAX(from, t->stack.settled); i < t->stack.height; i++) {
        uint32_t count = value_settle_several(t, i);
        if (count == 0)
            value_settle_one(t, i);
        else
            i += count - 1;
    }
    if (from <= t->stack.settled)
        t->stack.settled = t->stack.height;
}

void value_settle(struct translator *t, uint32_t from)
{
    hold_flush(t);
    value_settle_cells(t, from);
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Makes the spare instruction the pending one, in place; the one before is encoded. */
static void value_hold_spare(struct translator *t)
{
    struct instruction *held = t->hold.spare;
    t->hold.spare = t->hold.pending;
    t->hold.pending = held;
    t->hold.has_pending = true;
}

static uint32_t value_result_index(const struct instruction *instruction)
{
    return operation_rows[instruction->operation].operand_count - 1u;
}

static bool value_letter_is_float(char letter)
{
    return letter == 'f' || letter == 'd';
}

/* Does it treat all NaNs alike? Arithmetic does, the canonical one comes out; and so does what
 * makes an integer of a float, unless it takes its bits. */
static bool value_is_nan_blind(enum operation operation)
{
    const struct operation_row *row = &operation_rows[operation];
    if (row->faults == OPERATION_NANS)
        return true;
    bool takes_bits = operation == OP_i32_reinterpret_f32 || operation == OP_i64_reinterpret_f64;
    return !takes_bits && value_letter_is_float(row->types[0]) &&
           !value_letter_is_float(row->types[strlen(row->types) - 1]);
}

/* Lets the pending operation hand its result to operand `index` of `instruction` through the
 * accumulator, if both can. */
static void
value_meet_pending(struct translator *t, struct instruction *instruction, uint32_t index)
{
    uint32_t result = value_result_index(t->hold.pending);
    char produced = operation_rows[t->hold.pending->operation].types[result];
    char consumed = operation_rows[instruction->operation].types[index];
    if (value_letter_is_float(produced) != value_letter_is_float(consumed))
        return;
    if (!operation_allows(t->hold.pending->operation, result, PLACE_A) ||
        !operation_allows(instruction->operation, index, PLACE_A))
        return;
    t->hold.pending->operands[result].place = PLACE_A;
    instruction->operands[index].place = PLACE_A;
    if (UNLIKELY(t->hold.pending->is_raw))
        t->hold.pending->is_raw = !value_is_nan_blind(instruction->operation);
}

/* The same, if the pending result is the entry at `height`. */
static inline void
value_meet(struct translator *t, struct instruction *instruction, uint32_t index, uint32_t height)
{
    if (hold_is_result(t, height))
        value_meet_pending(t, instruction, index);
}

static bool value_uses_accumulator(const struct instruction *instruction, uint32_t sources)
{
    for (uint32_t i = 0; i < sources; i++) {
        if (instruction->operands[i].place == PLACE_A)
            return true;
    }
    return false;
}

/* A place that the instruction does not allow is replaced, by a move emitted here: into the
 * accumulator if it is free and will do, else into the value's home slot. */
static void value_legalize_one(struct translator *t,
                               struct instruction *instruction,
                               uint32_t index,
                               uint32_t sources,
                               uint32_t height,
                               uint8_t type)
{
    char letter = operation_rows[instruction->operation].types[index];
    struct operand *operand = &instruction->operands[index];
    struct operand to = {.place = PLACE_S, .slot = slot_of_height(t, height)};
    if (operation_allows(instruction->operation, index, PLACE_A) &&
        value_letter_is_float(letter) == types_is_float(type) &&
        !value_uses_accumulator(instruction, sources))
        to.place = PLACE_A;
    struct instruction move = value_move(t, type, *operand, to);
    (void)emit_cell(t, &move);
    *operand = to;
}

static inline void value_legalize(struct translator *t,
                                  struct instruction *instruction,
                                  uint32_t sources,
                                  const uint32_t *heights,
                                  const uint8_t *types)
{
    for (uint32_t i = 0; i < sources; i++) {
        if (UNLIKELY(!operation_allows(instruction->operation, i, instruction->operands[i].place)))
            value_legalize_one(t, instruction, i, sources, heights[i], types[i]);
    }
}

/* A constant goes last where the order does not matter, the pending result first. */
static enum operation value_order(const struct translator *t,
                                  enum operation operation,
                                  struct value *values,
                                  uint32_t *heights)
{
    bool constant_first = values[0].kind == VALUE_CONST && values[1].kind != VALUE_CONST;
    bool pending_last = hold_is_result(t, heights[1]) && values[1].kind == VALUE_TEMP;
    if (!constant_first && !pending_last)
        return operation;
    enum operation exchanged = relation_mirrored(operation);
    if (relation_commutes(operation))
        exchanged = operation;
    if (exchanged == OP_COUNT)
        return operation;
    struct value value = values[0];
    values[0] = values[1];
    values[1] = value;
    uint32_t height = heights[0];
    heights[0] = heights[1];
    heights[1] = height;
    return exchanged;
}

/* Low halves of which the operation takes all 64 bits become values of their own. */
static inline void value_widen(struct translator *t, enum operation operation, uint32_t sources)
{
    for (uint32_t i = 0; i < sources && t->status == STATUS_OK; i++) {
        uint32_t height = t->stack.height - sources + i;
        if (LIKELY(t->stack.values[height].kind != VALUE_LOW_HALF) ||
            operation_rows[operation].types[i] != 'l')
            continue;
        hold_flush(t);
        value_settle_one(t, height);
    }
}

static inline __attribute__((always_inline)) void value_apply_to(struct translator *t,
                                                                 enum operation operation,
                                                                 uint32_t sources,
                                                                 uint32_t result_type,
                                                                 uint64_t field)
{
    struct value values[OPS_OPERANDS_MAX];
    uint32_t heights[OPS_OPERANDS_MAX];
    uint8_t types[OPS_OPERANDS_MAX];
    ASSERT(sources < OPS_OPERANDS_MAX);
    value_widen(t, operation, sources);
    for (uint32_t i = sources; i-- > 0;) {
        values[i] = value_pop(t);
        heights[i] = t->stack.height;
    }
    if (t->status != STATUS_OK)
        return;
    if (sources == 2)
        operation = value_order(t, operation, values, heights);
    struct instruction *instruction = t->hold.spare;
    instruction->operation = operation;
    instruction->fields[0] = field;
    instruction->wasm_offset = t->opcode_offset;
    instruction->has_result = false;
    instruction->is_raw =
        t->options->deterministic && operation_rows[operation].faults == OPERATION_NANS;
    instruction->result_height = NO_HEIGHT;
    for (uint32_t i = 0; i < sources; i++) {
        types[i] = values[i].type;
        instruction->operands[i] = value_operand(t, values[i], heights[i]);
    }
    for (uint32_t i = 0; i < sources; i++) {
        if (values[i].kind == VALUE_TEMP)
            value_meet(t, instruction, i, heights[i]);
    }
    hold_flush(t);
    value_legalize(t, instruction, sources, heights, types);
    if (result_type != 0) {
        instruction->has_result = true;
        instruction->result_height = t->stack.height;
        instruction->operands[sources] =
            (struct operand){.place = PLACE_S, .slot = slot_of_height(t, t->stack.height)};
    }
    value_hold_spare(t);
    if (result_type != 0)
        value_push_temp(t, result_type);
}

/* Nearly all have one source or two: loops over so many are none. */
void value_apply(struct translator *t,
                 enum operation operation,
                 uint32_t sources,
                 uint32_t result_type,
                 uint64_t field)
{
    if (sources == 2)
        value_apply_to(t, operation, 2, result_type, field);
    else if (sources == 1)
        value_apply_to(t, operation, 1, result_type, field);
    else
        value_apply_to(t, operation, sources, result_type, field);
}

void value_take(struct translator *t,
                struct instruction *instruction,
                struct value value,
                uint32_t height)
{
    instruction->operands[0] = value_operand(t, value, height);
    if (value.kind == VALUE_TEMP)
        value_meet(t, instruction, 0, height);
    hold_flush(t);
    value_legalize(t, instruction, 1, &height, &value.type);
}

void value_apply_in_slots(struct translator *t,
                          enum operation operation,
                          uint32_t sources,
                          uint32_t result_type,
                          uint64_t field,
                          uint64_t second_field)
{
    value_settle(t, t->stack.height - sources);
    for (uint32_t i = 0; i < sources; i++)
        (void)value_pop(t);
    struct instruction instruction = {
        .operation = operation,
        .fields = {slot_of_height(t, t->stack.height), field, second_field},
        .result_height = NO_HEIGHT,
        .wasm_offset = t->opcode_offset,
    };
    (void)emit_cell(t, &instruction);
    if (result_type != 0)
        value_push_temp(t, result_type);
}

/* ---- locals ---------------------------------------------------------------------------------- */

/* Redirects the pending operation's result into a local; false if it cannot go there. */
static bool value_redirect(struct translator *t, uint8_t type, struct operand to)
{
    uint32_t result = value_result_index(t->hold.pending);
    enum operation operation = t->hold.pending->operation;
    char letter = operation_rows[operation].types[result];
    if (to.place != PLACE_S && value_letter_is_float(letter) != types_is_float(type))
        return false;
    bool allowed = t->hold.pending->is_raw
                       ? operation_allows(hold_canonical(t->hold.pending), 1, to.place)
                       : operation_allows(operation, result, to.place);
    if (!allowed)
        return false;
    t->hold.pending->operands[result] = to;
    t->hold.pending->result_height = NO_HEIGHT;
    return true;
}

void value_set_local(struct translator *t, uint32_t local, bool keep)
{
    struct value value = value_pop(t);
    uint32_t height = t->stack.height;
    if (t->status != STATUS_OK)
        return;
    uint8_t type = t->locals.types[local];
    bool pending = value.kind == VALUE_TEMP && hold_is_result(t, height);
    if (!pending)
        hold_flush(t);
    /* Entries that still mean the old value get it now, before the pending operation. */
    if (t->locals.refs[local] > 0)
        value_settle_cells(t, t->stack.settled);
    struct operand to = {.place = t->locals.places[local], .slot = (uint16_t)local};
    if (!pending || !value_redirect(t, type, to)) {
        struct instruction move = value_copy(t, value, height, to);
        if (value.kind == VALUE_TEMP)
            value_meet(t, &move, 0, height);
        hold_instruction(t, &move);
    }
    if (keep)
        value_push_whole(t, (struct value){.kind = VALUE_LOCAL, .type = type, .local = local});
}
