/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells: encoding of instructions, and what is filled in later.
 *
 *   cell: | handler i32 | operands: S 2 bytes, K 4 or 8 | fields | padding to 2 |
 *   branch field: | target i32, bytes from the cell's start | fuel i32 |
 */
#include "engine/emit/emit.h"

#include <stdlib.h>

#include "engine/native/native.h"

void emit_fail(struct translator *t, enum status status, const char *what)
{
    if (t->status != STATUS_OK)
        return;
    t->status =
        report_fail(t->report, status, t->opcode_offset, "%s in function %u", what, t->func.index);
}

/* Room for the largest cell, so that its parts need no check each. */
#define EMIT_CELL_BYTES_MAX 64

static bool emit_reserve(struct translator *t, size_t count)
{
    if (t->status != STATUS_OK)
        return false;
    struct buffer *cells = &t->output.code->cells;
    if (LIKELY(cells->capacity - cells->count >= count))
        return true;
    enum status status = buffer_reserve(cells, count);
    if (status != STATUS_OK)
        emit_fail(t, status, "threaded code too large");
    return status == STATUS_OK;
}

/* These write at `at` and return where the next goes; the caller has reserved. */
static inline uint8_t *emit32(uint8_t *at, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    memcpy(at, &narrow, sizeof(narrow));
    return at + sizeof(narrow);
}

static inline uint8_t *emit64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static void emit_mark(struct translator *t, uint32_t wasm_offset)
{
    struct code_mark mark = {.cell_offset = emit_here(t), .wasm_offset = wasm_offset};
    struct buffer *marks = &t->output.code->marks;
    if (UNLIKELY(marks->capacity - marks->count < sizeof(mark)) &&
        buffer_reserve(marks, sizeof(mark)) != STATUS_OK)
        return emit_fail(t, STATUS_LIMIT, "too many code marks");
    memcpy(marks->data + marks->count, &mark, sizeof(mark));
    marks->count += sizeof(mark);
}

static bool emit_is_no_move(const struct instruction *instruction)
{
    if (operation_rows[instruction->operation].shape != SHAPE_YD &&
        instruction->operation != OP_v128_mov)
        return false;
    const struct operand *from = &instruction->operands[0];
    const struct operand *to = &instruction->operands[1];
    return from->place == to->place && (from->place != PLACE_S || from->slot == to->slot);
}

/* Each operand and field is written with eight bytes, of which as many stay as it has: the
 * next one overwrites the rest. That costs less than asking, each time, what it is. */
static inline uint8_t *
emit_operand(const struct translator *t, uint8_t *at, const struct operand *operand, char letter)
{
    static const uint8_t sizes[PLACE_COUNT] = {[PLACE_S] = 2};
    bool is_constant = operand->place == PLACE_K;
    (void)emit64(at, is_constant ? operand->bits : operand->slot);
    if (UNLIKELY(is_constant && letter == 'v'))
        memcpy(at, t->module->wasm.data + operand->bits, 16);
    return at + (is_constant ? operand_constant_bytes(letter) : sizes[operand->place]);
}

/* Writes the fields; *ret_branch is where the branch field is, if there is one. */
static inline uint8_t *emit_fields(uint8_t *at,
                                   const struct operation_row *row,
                                   const struct instruction *instruction,
                                   uint8_t **ret_branch)
{
    static const uint8_t sizes['w' + 1] = {['h'] = 2, ['w'] = 4, ['t'] = 4, ['q'] = 8};
    const uint64_t *next = instruction->fields;
    for (const char *field = row->fields; *field != '\0'; field++) {
        if (*field == 'b') {
            *ret_branch = at;
            return emit64(at, 0); /* always last */
        }
        (void)emit64(at, *next++);
        at += sizes[(uint8_t)*field];
    }
    return at;
}

/* What may be taken back to become part of what follows; none of these can trap. */
static bool emit_is_fusible(enum operation operation)
{
    switch (operation) {
    case OP_i32_add:
    case OP_i32_sub:
    case OP_i32_and:
    case OP_i32_mov:
    case OP_i64_mov:
    case OP_global_get:
    case OP_global_set_sum:
    case OP_zero_1:
    case OP_zero_2:
    case OP_zero_3:
    case OP_zero_4:
    case OP_load_pins_1:
    case OP_load_pins_2:
    case OP_load_pins_3:
        return true;
    default:
        return false;
    }
}

/* For the native tier, which cannot tell it from the cell. */
static void emit_note_handler(struct translator *t, enum operation operation, uint32_t variant)
{
    struct code_cell cell = {.operation = (uint16_t)operation, .variant = (uint16_t)variant};
    struct buffer *handlers = &t->output.code->handlers;
    if (UNLIKELY(handlers->capacity - handlers->count < sizeof(cell)) &&
        buffer_reserve(handlers, sizeof(cell)) != STATUS_OK)
        return emit_fail(t, STATUS_LIMIT, "too many cells");
    memcpy(handlers->data + handlers->count, &cell, sizeof(cell));
    handlers->count += sizeof(cell);
}

/*
 * Where threaded code may come to cells that have native code, it finds a cell that leads there: at
 * a function's entry, a loop, behind a call, behind a cell that has none.
 */
static void emit_enter(struct translator *t, enum operation operation, uint32_t variant)
{
    bool has_native = native_has(operation, variant);
    if (has_native && t->output.wants_enter) {
        static const uint8_t no_places[OPS_OPERANDS_MAX];
        struct buffer *cells = &t->output.code->cells;
        uint8_t *end = emit32(cells->data + cells->count,
                              (uint32_t)operation_handler(OP_enter_native, no_places));
        (void)emit32(end, 0);
        cells->count += NATIVE_ENTER_BYTES;
        emit_note_handler(t, OP_enter_native, 0);
    }
    t->output.wants_enter = !has_native || operation_is_call(operation);
    t->output.last_handlers = (uint32_t)t->output.code->handlers.count;
    emit_note_handler(t, operation, variant);
}

uint32_t emit_cell(struct translator *t, const struct instruction *instruction)
{
    if (emit_is_no_move(instruction))
        return 0;
    if (!emit_reserve(t, NATIVE_ENTER_BYTES + EMIT_CELL_BYTES_MAX))
        return 0;
    uint8_t places[OPS_OPERANDS_MAX];
    for (uint32_t i = 0; i < OPS_OPERANDS_MAX; i++)
        places[i] = instruction->operands[i].place;
    uint32_t variant = operation_variant(instruction->operation, places);
    if (t->output.has_native)
        emit_enter(t, instruction->operation, variant);
    t->output.has_last = emit_is_fusible(instruction->operation);
    if (t->output.has_last)
        t->output.last = *instruction;
    t->output.last_start = emit_here(t);
    t->output.last_marks = (uint32_t)t->output.code->marks.count;
    const struct operation_row *row = &operation_rows[instruction->operation];
    if (row->faults == OPERATION_TRAPS ||
        (UNLIKELY(t->options->all_marks) && instruction->wasm_offset != 0))
        emit_mark(t, instruction->wasm_offset);
    struct buffer *cells = &t->output.code->cells;
    uint8_t *branch = cells->data;
    uint8_t *end =
        emit32(cells->data + cells->count, (uint32_t)operation_distance(row->handlers[variant]));
    for (uint32_t i = 0; i < row->operand_count; i++)
        end = emit_operand(t, end, &instruction->operands[i], row->types[i]);
    end = emit_fields(end, row, instruction, &branch);
    (void)emit32(end, 0); /* padding */
    cells->count = ALIGN_UP((size_t)(end - cells->data), (size_t)DISPATCH_CELL_ALIGN);
    return (uint32_t)(branch - cells->data);
}

void emit_take_back(struct translator *t)
{
    ASSERT(t->output.has_last && t->output.last_start <= t->output.code->cells.count);
    t->output.code->cells.count = t->output.last_start;
    t->output.code->marks.count = t->output.last_marks;
    if (t->output.has_native)
        t->output.code->handlers.count = t->output.last_handlers;
    t->output.has_last = false;
}

uint32_t emit_words(struct translator *t, uint32_t count)
{
    uint32_t start = emit_here(t);
    if (emit_reserve(t, (size_t)count * sizeof(uint32_t))) {
        memset(t->output.code->cells.data + start, 0, (size_t)count * sizeof(uint32_t));
        t->output.code->cells.count += (size_t)count * sizeof(uint32_t);
    }
    return start;
}

void emit_patch(struct translator *t, uint32_t cell, uint32_t field, uint32_t target, int64_t fuel)
{
    if (t->status != STATUS_OK)
        return;
    int32_t values[2] = {(int32_t)(target - cell), (int32_t)fuel};
    memcpy(t->output.code->cells.data + field, values, sizeof(values));
}

bool emit_grow(
    struct translator *t, void *array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return true;
    uint32_t wanted = MAX(*capacity * 2, 64u);
    void *old;
    memcpy(&old, array, sizeof(old));
    void *grown = realloc(old, wanted * item_bytes);
    if (grown == NULL) {
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
        return false;
    }
    memcpy(array, &grown, sizeof(grown));
    *capacity = wanted;
    return true;
}

void emit_note_call(struct translator *t)
{
    uint32_t cell = t->output.last_start;
    if (t->status == STATUS_OK &&
        buffer_append(&t->output.code->calls, &cell, sizeof(cell)) != STATUS_OK)
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
}
