/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions on tables, segments and stretches of memory, and those with two results: their
 * operands are in consecutive slots, where the results go too.
 */
#include "engine/translate/bulk.h"

#include "engine/emit/emit.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"

bool bulk_wide(struct translator *t, uint32_t opcode)
{
    enum operation operation;
    switch (opcode) {
    case OPCODE_I64_ADD128:
        operation = OP_i64_add128;
        break;
    case OPCODE_I64_SUB128:
        operation = OP_i64_sub128;
        break;
    case OPCODE_I64_MUL_WIDE_S:
        operation = OP_i64_mul_wide_s;
        break;
    case OPCODE_I64_MUL_WIDE_U:
        operation = OP_i64_mul_wide_u;
        break;
    default:
        return false;
    }
    bool multiplies = opcode >= OPCODE_I64_MUL_WIDE_S;
    value_apply_in_slots(t, operation, multiplies ? 2 : 4, ENGINE_I64, 0, 0);
    value_push_temp(t, ENGINE_I64);
    return true;
}

static void bulk_drop_segment(struct translator *t, enum operation operation)
{
    struct instruction drop = {.operation = operation,
                               .fields = {reader_u32(&t->reader)},
                               .result_height = NO_HEIGHT,
                               .wasm_offset = t->opcode_offset};
    hold_flush(t);
    (void)emit_cell(t, &drop);
}

static uint32_t bulk_index_type(const struct translator *t, uint32_t table)
{
    return t->module->tables[table].is_64 ? ENGINE_I64 : ENGINE_I32;
}

void bulk_translate(struct translator *t, uint32_t opcode)
{
    uint32_t first = 0;
    uint32_t second = 0;
    uint32_t kind = opcode_row(opcode)->immediate;
    if (kind == IMMEDIATE_DATA || kind == IMMEDIATE_ELEM) {
        bulk_drop_segment(t, opcode == OPCODE_DATA_DROP ? OP_data_drop : OP_elem_drop);
        return;
    }
    first = reader_u32(&t->reader);
    if (kind == IMMEDIATE_DATA_MEMORY || kind == IMMEDIATE_MEMORY_MEMORY ||
        kind == IMMEDIATE_ELEM_TABLE || kind == IMMEDIATE_TABLE_TABLE)
        second = reader_u32(&t->reader);
    switch (opcode) {
    case OPCODE_MEMORY_INIT:
        value_apply_in_slots(t, OP_memory_init, 3, 0, second, first);
        return;
    case OPCODE_MEMORY_COPY:
        value_apply_in_slots(t, OP_memory_copy, 3, 0, first, second);
        return;
    case OPCODE_MEMORY_FILL:
        value_apply_in_slots(t, OP_memory_fill, 3, 0, first, 0);
        return;
    case OPCODE_TABLE_INIT:
        value_apply_in_slots(t, OP_table_init, 3, 0, first, second);
        return;
    case OPCODE_TABLE_COPY:
        value_apply_in_slots(t, OP_table_copy, 3, 0, first, second);
        return;
    case OPCODE_TABLE_FILL:
        value_apply_in_slots(t, OP_table_fill, 3, 0, first, 0);
        return;
    case OPCODE_TABLE_GROW:
        value_apply_in_slots(t, OP_table_grow, 2, bulk_index_type(t, first), first, 0);
        return;
    case OPCODE_TABLE_SIZE:
        value_apply_in_slots(t, OP_table_size, 0, bulk_index_type(t, first), first, 0);
        return;
    case OPCODE_TABLE_GET:
        value_apply_in_slots(t, OP_table_get, 1, t->module->tables[first].type, first, 0);
        return;
    default:
        ASSERT(opcode == OPCODE_TABLE_SET);
        value_apply_in_slots(t, OP_table_set, 2, 0, first, 0);
    }
}
