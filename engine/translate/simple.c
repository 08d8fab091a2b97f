/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that are one operation: arithmetic, comparisons, globals, references.
 * The operation of most has the instruction's own name; families below say the rest.
 */
#include "engine/translate/simple.h"

#include "engine/emit/fuse.h"
#include "engine/emit/relation.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/translate/access.h"
#include "engine/translate/bulk.h"
#include "engine/translate/object.h"
#include "engine/translate/simd.h"

/* Instructions whose operation has the same name; SAME(instruction, operation). */
#define SIMPLE_INTEGER(SAME, T, t)                                                                 \
    SAME(T##_EQ, t##_eq)                                                                           \
    SAME(T##_NE, t##_ne)                                                                           \
    SAME(T##_LT_S, t##_lt_s)                                                                       \
    SAME(T##_LT_U, t##_lt_u)                                                                       \
    SAME(T##_GT_S, t##_gt_s)                                                                       \
    SAME(T##_GT_U, t##_gt_u)                                                                       \
    SAME(T##_LE_S, t##_le_s)                                                                       \
    SAME(T##_LE_U, t##_le_u)                                                                       \
    SAME(T##_GE_S, t##_ge_s)                                                                       \
    SAME(T##_GE_U, t##_ge_u)                                                                       \
    SAME(T##_EQZ, t##_eqz)                                                                         \
    SAME(T##_CLZ, t##_clz)                                                                         \
    SAME(T##_CTZ, t##_ctz)                                                                         \
    SAME(T##_POPCNT, t##_popcnt)                                                                   \
    SAME(T##_ADD, t##_add)                                                                         \
    SAME(T##_SUB, t##_sub)                                                                         \
    SAME(T##_MUL, t##_mul)                                                                         \
    SAME(T##_DIV_S, t##_div_s)                                                                     \
    SAME(T##_DIV_U, t##_div_u)                                                                     \
    SAME(T##_REM_S, t##_rem_s)                                                                     \
    SAME(T##_REM_U, t##_rem_u)                                                                     \
    SAME(T##_AND, t##_and)                                                                         \
    SAME(T##_OR, t##_or)                                                                           \
    SAME(T##_XOR, t##_xor)                                                                         \
    SAME(T##_SHL, t##_shl)                                                                         \
    SAME(T##_SHR_S, t##_shr_s)                                                                     \
    SAME(T##_SHR_U, t##_shr_u)                                                                     \
    SAME(T##_ROTL, t##_rotl)                                                                       \
    SAME(T##_ROTR, t##_rotr)                                                                       \
    SAME(T##_EXTEND8_S, t##_extend8_s)                                                             \
    SAME(T##_EXTEND16_S, t##_extend16_s)                                                           \
    SIMPLE_TRUNCATE(SAME, T, t, F32, f32)                                                          \
    SIMPLE_TRUNCATE(SAME, T, t, F64, f64)

#define SIMPLE_TRUNCATE(SAME, T, t, F, f)                                                          \
    SAME(T##_TRUNC_##F##_S, t##_trunc_##f##_s)                                                     \
    SAME(T##_TRUNC_##F##_U, t##_trunc_##f##_u)                                                     \
    SAME(T##_TRUNC_SAT_##F##_S, t##_trunc_sat_##f##_s)                                             \
    SAME(T##_TRUNC_SAT_##F##_U, t##_trunc_sat_##f##_u)

#define SIMPLE_FLOAT(SAME, T, t)                                                                   \
    SAME(T##_EQ, t##_eq)                                                                           \
    SAME(T##_NE, t##_ne)                                                                           \
    SAME(T##_LT, t##_lt)                                                                           \
    SAME(T##_GT, t##_gt)                                                                           \
    SAME(T##_LE, t##_le)                                                                           \
    SAME(T##_GE, t##_ge)                                                                           \
    SAME(T##_ABS, t##_abs)                                                                         \
    SAME(T##_NEG, t##_neg)                                                                         \
    SAME(T##_CEIL, t##_ceil)                                                                       \
    SAME(T##_FLOOR, t##_floor)                                                                     \
    SAME(T##_TRUNC, t##_trunc)                                                                     \
    SAME(T##_NEAREST, t##_nearest)                                                                 \
    SAME(T##_SQRT, t##_sqrt)                                                                       \
    SAME(T##_ADD, t##_add)                                                                         \
    SAME(T##_SUB, t##_sub)                                                                         \
    SAME(T##_MUL, t##_mul)                                                                         \
    SAME(T##_DIV, t##_div)                                                                         \
    SAME(T##_MIN, t##_min)                                                                         \
    SAME(T##_MAX, t##_max)                                                                         \
    SAME(T##_COPYSIGN, t##_copysign)                                                               \
    SAME(T##_CONVERT_I32_S, t##_convert_i32_s)                                                     \
    SAME(T##_CONVERT_I32_U, t##_convert_i32_u)                                                     \
    SAME(T##_CONVERT_I64_S, t##_convert_i64_s)                                                     \
    SAME(T##_CONVERT_I64_U, t##_convert_i64_u)

#define SIMPLE_OTHERS(SAME)                                                                        \
    SAME(I32_WRAP_I64, i32_wrap_i64)                                                               \
    SAME(I64_EXTEND_I32_S, i64_extend_i32_s)                                                       \
    SAME(I64_EXTEND32_S, i64_extend32_s)                                                           \
    SAME(F32_DEMOTE_F64, f32_demote_f64)                                                           \
    SAME(F64_PROMOTE_F32, f64_promote_f32)                                                         \
    SAME(I32_REINTERPRET_F32, i32_reinterpret_f32)                                                 \
    SAME(I64_REINTERPRET_F64, i64_reinterpret_f64)                                                 \
    SAME(F32_REINTERPRET_I32, f32_reinterpret_i32)                                                 \
    SAME(F64_REINTERPRET_I64, f64_reinterpret_i64)

/* ---- by opcode ------------------------------------------------------------------------------- */

enum simple_kind {
    SIMPLE_OTHER, /* rare, or control */
    SIMPLE_NAMED, /* one operation with operands of its types */
    SIMPLE_LOAD,
    SIMPLE_STORE,
    SIMPLE_LOCAL_SET,
    SIMPLE_LOCAL_TEE,
    SIMPLE_GLOBAL_GET,
    SIMPLE_GLOBAL_SET,
    SIMPLE_CONSTANT,
    SIMPLE_DROP,
    SIMPLE_SELECT,
};

struct simple_row {
    struct access access; /* NAMED: its operation */
    uint8_t kind;         /* enum simple_kind */
};

static const struct simple_row simple_rows[OPCODE_ROWS_COUNT] = {
#define SAME(instruction, name)                                                                    \
    [OPCODE_ROW_OF(OPCODE_##instruction)] = {{.operation = OP_##name}, SIMPLE_NAMED},
    SIMPLE_INTEGER(SAME, I32, i32) SIMPLE_INTEGER(SAME, I64, i64) SIMPLE_FLOAT(SAME, F32, f32)
        SIMPLE_FLOAT(SAME, F64, f64) SIMPLE_OTHERS(SAME)
#undef SAME
#define LOAD(instruction, name, type, bits)                                                        \
    [OPCODE_##instruction] = {{OP_load_##name, OP_loadx_##name, OP_load_at_##name,                 \
                               OP_checked_load_##bits, ENGINE_##type},                             \
                              SIMPLE_LOAD}
            LOAD(I32_LOAD, u32, I32, u32),
    LOAD(I64_LOAD, u64, I64, u64),
    LOAD(F32_LOAD, f32, F32, u32),
    LOAD(F64_LOAD, f64, F64, u64),
    LOAD(I32_LOAD8_S, s8_i32, I32, s8_i32),
    LOAD(I32_LOAD8_U, u8, I32, u8),
    LOAD(I32_LOAD16_S, s16_i32, I32, s16_i32),
    LOAD(I32_LOAD16_U, u16, I32, u16),
    LOAD(I64_LOAD8_S, s8_i64, I64, s8_i64),
    LOAD(I64_LOAD8_U, u8, I64, u8),
    LOAD(I64_LOAD16_S, s16_i64, I64, s16_i64),
    LOAD(I64_LOAD16_U, u16, I64, u16),
    LOAD(I64_LOAD32_S, s32_i64, I64, s32_i64),
    LOAD(I64_LOAD32_U, u32, I64, u32),
#undef LOAD
#define STORE(instruction, name, type, bits)                                                       \
    [OPCODE_##instruction] = {{OP_store_##name, OP_storex_##name, OP_store_at_##name,              \
                               OP_checked_store_##bits, ENGINE_##type},                            \
                              SIMPLE_STORE}
    STORE(I32_STORE, 32, I32, 32),
    STORE(I64_STORE, 64, I64, 64),
    STORE(F32_STORE, f32, F32, 32),
    STORE(F64_STORE, f64, F64, 64),
    STORE(I32_STORE8, 8, I32, 8),
    STORE(I32_STORE16, 16, I32, 16),
    STORE(I64_STORE8, 8, I64, 8),
    STORE(I64_STORE16, 16, I64, 16),
    STORE(I64_STORE32, 32, I64, 32),
#undef STORE
    [OPCODE_LOCAL_SET] = {.kind = SIMPLE_LOCAL_SET},
    [OPCODE_LOCAL_TEE] = {.kind = SIMPLE_LOCAL_TEE},
    [OPCODE_GLOBAL_GET] = {.kind = SIMPLE_GLOBAL_GET},
    [OPCODE_GLOBAL_SET] = {.kind = SIMPLE_GLOBAL_SET},
    [OPCODE_I32_CONST] = {.kind = SIMPLE_CONSTANT},
    [OPCODE_I64_CONST] = {.kind = SIMPLE_CONSTANT},
    [OPCODE_F32_CONST] = {.kind = SIMPLE_CONSTANT},
    [OPCODE_F64_CONST] = {.kind = SIMPLE_CONSTANT},
    [OPCODE_DROP] = {.kind = SIMPLE_DROP},
    [OPCODE_SELECT] = {.kind = SIMPLE_SELECT},
};

/* ---- the rest -------------------------------------------------------------------------------- */

static void simple_global(struct translator *t, bool set)
{
    uint32_t index = reader_u32(&t->reader);
    uint32_t type = t->module->globals[index].type;
    uint32_t imported = t->module->imported_global_count;
    if (index < imported) {
        enum operation get = OP_imported_global_get;
        enum operation put = OP_imported_global_set;
        if (type == ENGINE_V128) {
            get = OP_imported_global_get_v128;
            put = OP_imported_global_set_v128;
        }
        value_apply(t, set ? put : get, set ? 1 : 0, set ? 0 : type, index);
        return;
    }
    if (set && type == ENGINE_I32 && fuse_global_set(t, t->module->globals[index].slot))
        return;
    enum operation operation = types_is_float(type) ? OP_global_get_float : OP_global_get;
    if (type == ENGINE_V128)
        operation = set ? OP_global_set_v128 : OP_global_get_v128;
    else if (set && types_is_float(type))
        operation = OP_global_set_float;
    else if (set)
        operation = type == ENGINE_I32 ? OP_global_set_i32 : OP_global_set_i64;
    value_apply(t, operation, set ? 1 : 0, set ? 0 : type, t->module->globals[index].slot);
}

static void simple_select(struct translator *t)
{
    uint8_t type = t->stack.values[t->stack.height - 2].type;
    if (type == TYPE_UPPER_HALF) {
        value_apply(t, OP_select_v128, 3, ENGINE_V128, 0);
        return;
    }
    value_apply(t, types_is_float(type) ? OP_select_f64 : OP_select_i64, 3, type, 0);
}

static void simple_constant(struct translator *t, uint32_t opcode)
{
    struct value value = {.kind = VALUE_CONST};
    switch (opcode) {
    case OPCODE_I32_CONST:
        value.type = ENGINE_I32;
        value.bits = (uint32_t)reader_s32(&t->reader);
        break;
    case OPCODE_I64_CONST:
        value.type = ENGINE_I64;
        value.bits = (uint64_t)reader_s64(&t->reader);
        break;
    case OPCODE_F32_CONST:
        value.type = ENGINE_F32;
        value.bits = reader_fixed32(&t->reader);
        break;
    default:
        ASSERT(opcode == OPCODE_F64_CONST);
        value.type = ENGINE_F64;
        value.bits = reader_fixed64(&t->reader);
    }
    value_push(t, value);
}

/* i32.eqz of a comparison just made is the inverted comparison. */
static bool simple_fold_eqz(struct translator *t)
{
    uint32_t height = t->stack.height - 1;
    if (t->stack.values[height].kind != VALUE_TEMP || !hold_is_result(t, height))
        return false;
    enum operation inverted = relation_inverted(t->hold.pending->operation);
    if (inverted == OP_COUNT)
        return false;
    t->hold.pending->operation = inverted;
    return true;
}

static void simple_by_name(struct translator *t, uint32_t opcode, enum operation operation)
{
    if (opcode == OPCODE_I32_EQZ && simple_fold_eqz(t))
        return;
    if (operation == OP_i32_wrap_i64 && value_wrap(&t->stack.values[t->stack.height - 1]))
        return;
    if (operation == OP_i32_add && fuse_mul_add(t))
        return;
    if (operation == OP_i32_and && fuse_shr_and(t))
        return;
    const struct operation_row *row = &operation_rows[operation];
    uint32_t sources = row->operand_count - 1u;
    value_apply(t, operation, sources, value_type_of_letter(row->types[sources]), 0);
}

static bool simple_reference(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_REF_NULL:
        (void)decode_heap_type(&t->reader, t->module);
        value_push(t, (struct value){.kind = VALUE_CONST, .type = ENGINE_EXTERNREF});
        return true;
    case OPCODE_REF_IS_NULL:
        value_apply(t, OP_i64_eqz, 1, ENGINE_I32, 0);
        return true;
    case OPCODE_REF_FUNC:
        value_apply_in_slots(t, OP_ref_func, 0, ENGINE_FUNCREF, reader_u32(&t->reader), 0);
        return true;
    case OPCODE_REF_AS_NON_NULL:
        value_apply(t, OP_ref_as_non_null, 1, ENGINE_FUNCREF, 0);
        return true;
    default:
        return false;
    }
}

static bool simple_other(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_NOP:
        return true;
    case OPCODE_I64_EXTEND_I32_U:
        /* i32 values are kept zero-extended everywhere. */
        if (t->stack.values[t->stack.height - 1].kind == VALUE_LOW_HALF)
            value_apply(t, OP_i64_extend_i32_u, 1, ENGINE_I64, 0);
        else
            t->stack.values[t->stack.height - 1].type = ENGINE_I64;
        return true;
    case OPCODE_SELECT_T:
        decode_skip_immediate(&t->reader, opcode_row(opcode)->immediate);
        simple_select(t);
        return true;
    case OPCODE_MEMORY_SIZE:
    case OPCODE_MEMORY_GROW:
        access_size(t, opcode == OPCODE_MEMORY_GROW);
        return true;
    default:
        if (opcode < OPCODE_DROP)
            return false; /* control */
        if (opcode >= OPCODE_ATOMIC_FIRST) {
            access_atomic(t, opcode);
            return true;
        }
        if (opcode >= OPCODE_SIMD_FIRST) {
            simd_translate(t, opcode);
            return true;
        }
        if (bulk_wide(t, opcode) || simple_reference(t, opcode) || object_translate(t, opcode))
            return true;
        if (opcode != OPCODE_TABLE_GET && opcode != OPCODE_TABLE_SET && opcode < OPCODE_MISC_FIRST)
            return false;
        bulk_translate(t, opcode);
        return true;
    }
}

enum operation simple_operation(uint32_t opcode)
{
    const struct simple_row *row = &simple_rows[OPCODE_ROW_OF(opcode)];
    return row->kind == SIMPLE_NAMED ? row->access.operation : OP_COUNT;
}

bool simple_translate(struct translator *t, uint32_t opcode)
{
    const struct simple_row *row = &simple_rows[OPCODE_ROW_OF(opcode)];
    switch ((enum simple_kind)row->kind) {
    case SIMPLE_NAMED:
        simple_by_name(t, opcode, row->access.operation);
        return true;
    case SIMPLE_LOAD:
    case SIMPLE_STORE:
        access_translate(t, row->access, row->kind == SIMPLE_LOAD);
        return true;
    case SIMPLE_LOCAL_SET:
    case SIMPLE_LOCAL_TEE:
        value_set_local(t, local_slot(t, reader_u32(&t->reader)), row->kind == SIMPLE_LOCAL_TEE);
        return true;
    case SIMPLE_GLOBAL_GET:
    case SIMPLE_GLOBAL_SET:
        simple_global(t, row->kind == SIMPLE_GLOBAL_SET);
        return true;
    case SIMPLE_CONSTANT:
        simple_constant(t, opcode);
        return true;
    case SIMPLE_DROP:
        (void)value_pop(t);
        return true;
    case SIMPLE_SELECT:
        simple_select(t);
        return true;
    case SIMPLE_OTHER:
        break;
    }
    return simple_other(t, opcode);
}
