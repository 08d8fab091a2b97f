/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows the opcodes of instructions with a fixed signature.
 */
#include "engine/validate/immediate.h"

#include <inttypes.h>

#include "engine/validate/stack.h"

bool validate_check_memarg_slow(struct validator *v, struct decode_memarg memarg, unsigned natural)
{
    if (memarg.alignment >= DECODE_MEMARG_HAS_MEMORY)
        validate_fail(v, STATUS_MALFORMED, "malformed memop flags 0x%x", memarg.alignment);
    else if (memarg.memory >= v->module->memory_count)
        validate_fail(v, STATUS_INVALID, "unknown memory %u: there are %u", memarg.memory,
                      v->module->memory_count);
    else if (memarg.alignment > natural)
        validate_fail(v, STATUS_INVALID, "alignment must not be larger than natural: 2^%u for %s",
                      memarg.alignment, validate_instruction_text(v));
    else if (memarg.offset > UINT32_MAX && !v->module->memories[memarg.memory].is_64)
        validate_fail(v, STATUS_INVALID, "offset out of range: %" PRIu64, memarg.offset);
    return !reader_failed(&v->reader) && v->module->memories[memarg.memory].is_64;
}

const struct module_table *validate_read_table(struct validator *v)
{
    static const struct module_table unknown = {.type = VALIDATE_UNKNOWN};
    uint32_t index = validate_check_index(v, v->module->table_count, "table");
    return reader_failed(&v->reader) ? &unknown : &v->module->tables[index];
}

bool validate_read_memory(struct validator *v)
{
    uint32_t index = validate_check_index(v, v->module->memory_count, "memory");
    return !reader_failed(&v->reader) && v->module->memories[index].is_64;
}

void validate_check_data(struct validator *v, uint32_t index)
{
    if (index >= v->module->data_count)
        validate_fail(v, STATUS_INVALID, "unknown data segment %u: there are %u", index,
                      v->module->data_count);
    else if (!v->module->has_data_count)
        validate_fail(v, STATUS_MALFORMED, "data count section required by %s",
                      validate_instruction_text(v));
}

static bool check_data_memory(struct validator *v)
{
    uint32_t data = reader_u32(&v->reader);
    bool is_64 = validate_read_memory(v);
    validate_check_data(v, data);
    return is_64;
}

void validate_check_elem(struct validator *v, uint32_t index)
{
    if (index >= v->module->elem_count)
        validate_fail(v, STATUS_INVALID, "unknown elem segment %u: there are %u", index,
                      v->module->elem_count);
}

static bool check_elem_table(struct validator *v)
{
    uint32_t elem = reader_u32(&v->reader);
    const struct module_table *table = validate_read_table(v);
    validate_check_elem(v, elem);
    if (!reader_failed(&v->reader) &&
        !validate_matches(v, v->module->elems[elem].type, table->type))
        validate_fail_mismatch(v, engine_type_text(table->type).text, v->module->elems[elem].type);
    return table->is_64;
}

/* Numbers of lanes, one byte each. */
static void check_lanes(struct validator *v, uint32_t count, uint8_t below)
{
    struct bytes lanes = reader_take(&v->reader, count);
    for (size_t i = 0; i < lanes.count; i++) {
        if (lanes.data[i] >= below)
            return validate_fail(v, STATUS_INVALID, "invalid lane index %u: %s has %u",
                                 lanes.data[i], validate_instruction_text(v), below);
    }
}

/* Of instructions of vectors. */
static bool check_immediate_simd(struct validator *v, uint8_t kind)
{
    bool is_64 = false;
    switch (kind) {
    case IMMEDIATE_MEMARG0:
    case IMMEDIATE_MEMARG1:
    case IMMEDIATE_MEMARG2:
    case IMMEDIATE_MEMARG3:
    case IMMEDIATE_MEMARG4:
        return validate_check_memarg(v, kind - IMMEDIATE_MEMARG0);
    case IMMEDIATE_MEMARG0_LANE:
    case IMMEDIATE_MEMARG1_LANE:
    case IMMEDIATE_MEMARG2_LANE:
    case IMMEDIATE_MEMARG3_LANE:
        is_64 = validate_check_memarg(v, kind - IMMEDIATE_MEMARG0_LANE);
        check_lanes(v, 1, (uint8_t)(16 >> (kind - IMMEDIATE_MEMARG0_LANE)));
        return is_64;
    case IMMEDIATE_LANE2:
    case IMMEDIATE_LANE4:
    case IMMEDIATE_LANE8:
    case IMMEDIATE_LANE16:
        check_lanes(v, 1, (uint8_t)(2 << (kind - IMMEDIATE_LANE2)));
        return false;
    case IMMEDIATE_SHUFFLE:
        check_lanes(v, 16, 32);
        return false;
    default:
        ASSERT(kind == IMMEDIATE_V128);
        (void)reader_take(&v->reader, 16);
        return false;
    }
}

/* Atomic instructions: the alignment says nothing, but must say so. */
static bool check_atomic(struct validator *v, unsigned natural)
{
    struct decode_memarg memarg = decode_memarg(&v->reader);
    bool is_64 = validate_check_memarg_slow(v, memarg, UINT32_MAX);
    if (!reader_failed(&v->reader) && memarg.alignment != natural)
        validate_fail(v, STATUS_INVALID, "atomic alignment must be natural: 2^%u for %s", natural,
                      validate_instruction_text(v));
    return is_64;
}

bool validate_check_immediate(struct validator *v, uint8_t kind)
{
    switch (kind) {
    case IMMEDIATE_MEMORY:
        return validate_read_memory(v);
    case IMMEDIATE_I32:
        (void)reader_s32(&v->reader);
        return false;
    case IMMEDIATE_I64:
        (void)reader_s64(&v->reader);
        return false;
    case IMMEDIATE_F32:
        (void)reader_take(&v->reader, 4);
        return false;
    case IMMEDIATE_F64:
        (void)reader_take(&v->reader, 8);
        return false;
    case IMMEDIATE_DATA:
        validate_check_data(v, reader_u32(&v->reader));
        return false;
    case IMMEDIATE_DATA_MEMORY:
        return check_data_memory(v);
    case IMMEDIATE_ELEM:
        validate_check_elem(v, reader_u32(&v->reader));
        return false;
    case IMMEDIATE_ELEM_TABLE:
        return check_elem_table(v);
    case IMMEDIATE_TABLE:
        return validate_read_table(v)->is_64;
    case IMMEDIATE_ATOMIC0:
    case IMMEDIATE_ATOMIC1:
    case IMMEDIATE_ATOMIC2:
    case IMMEDIATE_ATOMIC3:
        return check_atomic(v, kind - IMMEDIATE_ATOMIC0);
    case IMMEDIATE_FENCE:
        if (reader_u8(&v->reader) != 0)
            validate_fail(v, STATUS_MALFORMED, "zero byte expected");
        return false;
    default:
        return check_immediate_simd(v, kind);
    }
}
