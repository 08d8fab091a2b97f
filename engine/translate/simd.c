/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of vectors: each is one operation, most of the same name, and what its
 * immediate says is in fields of the cell.
 *
 * A v128 takes two entries of the operand stack, because it takes two slots: the value, then
 * TYPE_UPPER_HALF, which nobody reads.
 */
#include "engine/translate/simd.h"

#include "engine/emit/emit.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/translate/access.h"

#define SIMD_SUB(opcode)      (OPCODE_##opcode - OPCODE_SIMD_FIRST)
#define SIMD_SAME(opcode, op) [SIMD_SUB(opcode)] = OP_##op

static const uint16_t simd_operations[OPCODE_ROWS_SIMD] = {
#define SIMD_UNARY(code, shape, name)          [code] = OP_##shape##_##name,
#define SIMD_BINARY(code, shape, name)         [code] = OP_##shape##_##name,
#define SIMD_TERNARY(code, shape, name)        [code] = OP_##shape##_##name,
#define SIMD_SHIFT(code, shape, name)          [code] = OP_##shape##_##name,
#define SIMD_TEST(code, shape, name)           [code] = OP_##shape##_##name,
#define SIMD_UNARY_AS(code, shape, name, as)   [code] = OP_##as,
#define SIMD_BINARY_AS(code, shape, name, as)  [code] = OP_##as,
#define SIMD_TERNARY_AS(code, shape, name, as) [code] = OP_##as,
#include "engine/read/simd.def"
    SIMD_SAME(I8X16_SHUFFLE, i8x16_shuffle),
    SIMD_SAME(I8X16_SPLAT, i8x16_splat),
    SIMD_SAME(I16X8_SPLAT, i16x8_splat),
    SIMD_SAME(I32X4_SPLAT, i32x4_splat),
    SIMD_SAME(I64X2_SPLAT, i64x2_splat),
    SIMD_SAME(F32X4_SPLAT, f32x4_splat),
    SIMD_SAME(F64X2_SPLAT, f64x2_splat),
    SIMD_SAME(I8X16_EXTRACT_LANE_S, i8x16_extract_lane_s),
    SIMD_SAME(I8X16_EXTRACT_LANE_U, i8x16_extract_lane_u),
    SIMD_SAME(I8X16_REPLACE_LANE, i8x16_replace_lane),
    SIMD_SAME(I16X8_EXTRACT_LANE_S, i16x8_extract_lane_s),
    SIMD_SAME(I16X8_EXTRACT_LANE_U, i16x8_extract_lane_u),
    SIMD_SAME(I16X8_REPLACE_LANE, i16x8_replace_lane),
    SIMD_SAME(I32X4_EXTRACT_LANE, i32x4_extract_lane),
    SIMD_SAME(I32X4_REPLACE_LANE, i32x4_replace_lane),
    SIMD_SAME(I64X2_EXTRACT_LANE, i64x2_extract_lane),
    SIMD_SAME(I64X2_REPLACE_LANE, i64x2_replace_lane),
    SIMD_SAME(F32X4_EXTRACT_LANE, f32x4_extract_lane),
    SIMD_SAME(F32X4_REPLACE_LANE, f32x4_replace_lane),
    SIMD_SAME(F64X2_EXTRACT_LANE, f64x2_extract_lane),
    SIMD_SAME(F64X2_REPLACE_LANE, f64x2_replace_lane),
    SIMD_SAME(V128_LOAD, load_v128),
    SIMD_SAME(V128_LOAD8X8_S, load_8x8_s),
    SIMD_SAME(V128_LOAD8X8_U, load_8x8_u),
    SIMD_SAME(V128_LOAD16X4_S, load_16x4_s),
    SIMD_SAME(V128_LOAD16X4_U, load_16x4_u),
    SIMD_SAME(V128_LOAD32X2_S, load_32x2_s),
    SIMD_SAME(V128_LOAD32X2_U, load_32x2_u),
    SIMD_SAME(V128_LOAD8_SPLAT, load_8_splat),
    SIMD_SAME(V128_LOAD16_SPLAT, load_16_splat),
    SIMD_SAME(V128_LOAD32_SPLAT, load_32_splat),
    SIMD_SAME(V128_LOAD64_SPLAT, load_64_splat),
    SIMD_SAME(V128_LOAD32_ZERO, load_32_zero),
    SIMD_SAME(V128_LOAD64_ZERO, load_64_zero),
    SIMD_SAME(V128_STORE, store_v128),
    SIMD_SAME(V128_LOAD8_LANE, load_8_lane),
    SIMD_SAME(V128_LOAD16_LANE, load_16_lane),
    SIMD_SAME(V128_LOAD32_LANE, load_32_lane),
    SIMD_SAME(V128_LOAD64_LANE, load_64_lane),
    SIMD_SAME(V128_STORE8_LANE, store_8_lane),
    SIMD_SAME(V128_STORE16_LANE, store_16_lane),
    SIMD_SAME(V128_STORE32_LANE, store_32_lane),
    SIMD_SAME(V128_STORE64_LANE, store_64_lane),
};

/* From a load or store to that whose address is a sum. */
#define SIMD_INDEXED ((int)OP_loadx_v128 - (int)OP_load_v128)
/* To that of another memory. */
#define SIMD_CHECKED      ((int)OP_checked_load_v128 - (int)OP_load_v128)
#define SIMD_CHECKED_LANE ((int)OP_checked_load_8_lane - (int)OP_load_8_lane)
_Static_assert(OP_loadx_64_zero - OP_load_64_zero == SIMD_INDEXED &&
                   OP_checked_load_64_zero - OP_load_64_zero == SIMD_CHECKED &&
                   OP_checked_store_64_lane - OP_store_64_lane == SIMD_CHECKED_LANE,
               "loads and stores of vectors are in the same order for all kinds of address");

/* The operation on the operands of the instruction's signature. */
static void simd_apply(struct translator *t, uint32_t opcode, uint64_t first, uint64_t second)
{
    const char *signature = opcode_row(opcode)->signature;
    uint32_t sources = (uint32_t)(strchr(signature, ':') - signature);
    char result = signature[sources + 1];
    value_apply(t, simd_operations[opcode - OPCODE_SIMD_FIRST], sources,
                result == '\0' ? 0 : value_type_of_letter(result), first);
    if (t->status == STATUS_OK)
        t->hold.pending->fields[1] = second;
}

/* Operands in consecutive slots, the result in the first. */
static void
simd_checked(struct translator *t, uint32_t opcode, struct decode_memarg memarg, bool has_lane)
{
    int operation = simd_operations[opcode - OPCODE_SIMD_FIRST];
    operation += has_lane ? SIMD_CHECKED_LANE : SIMD_CHECKED;
    if (opcode == OPCODE_V128_STORE)
        operation = OP_checked_store_v128;
    const char *signature = opcode_row(opcode)->signature;
    bool has_vector = signature[1] == 'v';
    value_settle(t, t->stack.height - (has_vector ? 3 : 1));
    if (has_vector)
        (void)value_pop(t);
    (void)value_pop(t);
    struct instruction access = {
        .operation = (enum operation)operation,
        .fields = {slot_of_height(t, t->stack.height), memarg.memory, memarg.offset,
                   has_lane ? reader_u8(&t->reader) : 0},
        .result_height = NO_HEIGHT,
        .wasm_offset = t->opcode_offset,
    };
    (void)emit_cell(t, &access);
    if (signature[strlen(signature) - 1] == 'v')
        value_push_temp(t, ENGINE_V128);
}

static void simd_memory(struct translator *t, uint32_t opcode, bool has_lane)
{
    struct decode_memarg memarg = decode_memarg(&t->reader); /* the alignment is a hint */
    uint32_t offset = (uint32_t)memarg.offset;
    struct access access = {.operation = simd_operations[opcode - OPCODE_SIMD_FIRST],
                            .type = ENGINE_V128};
    if (!module_memory_is_plain(t->module, memarg.memory)) {
        simd_checked(t, opcode, memarg, has_lane);
    } else if (has_lane) {
        simd_apply(t, opcode, offset, reader_u8(&t->reader));
    } else if (opcode == OPCODE_V128_STORE) {
        access.indexed = OP_storex_v128;
        access_store(t, access, offset);
    } else {
        access.indexed = (enum operation)((int)access.operation + SIMD_INDEXED);
        access_load(t, access, offset);
    }
}

void simd_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode_row(opcode)->immediate) {
    case IMMEDIATE_NONE:
        simd_apply(t, opcode, 0, 0);
        return;
    case IMMEDIATE_V128:
        value_push_whole(t, (struct value){.kind = VALUE_CONST,
                                           .type = ENGINE_V128,
                                           .bits = reader_offset(&t->reader)});
        (void)reader_take(&t->reader, 16);
        return;
    case IMMEDIATE_SHUFFLE: {
        uint64_t low = reader_fixed64(&t->reader);
        simd_apply(t, opcode, low, reader_fixed64(&t->reader));
        return;
    }
    case IMMEDIATE_LANE2:
    case IMMEDIATE_LANE4:
    case IMMEDIATE_LANE8:
    case IMMEDIATE_LANE16:
        simd_apply(t, opcode, reader_u8(&t->reader), 0);
        return;
    case IMMEDIATE_MEMARG0:
    case IMMEDIATE_MEMARG1:
    case IMMEDIATE_MEMARG2:
    case IMMEDIATE_MEMARG3:
    case IMMEDIATE_MEMARG4:
        simd_memory(t, opcode, false);
        return;
    default:
        simd_memory(t, opcode, true);
    }
}
