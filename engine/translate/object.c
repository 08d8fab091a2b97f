/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions on structures, arrays and i31, and casts.
 *
 * Reading and writing fields and items is one operation with operands wherever they are. What
 * makes objects, and what goes over many items, has its operands in consecutive slots.
 */
#include "engine/translate/object.h"

#include "engine/emit/emit.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/run/object.h"

static const struct module_type *object_read_type(struct translator *t)
{
    const struct module_type *types = t->module->types;
    return &types[types[reader_u32(&t->reader)].canonical];
}

/* ---- fields and items ------------------------------------------------------------------------ */

/* One operation for each way that a value lies in an object. */
struct object_access {
    enum operation struct_get;
    enum operation struct_set;
    enum operation array_get;
    enum operation array_set;
};

#define ACCESS(get, set)                                                                           \
    (struct object_access)                                                                         \
    {                                                                                              \
        OP_struct_get_##get, OP_struct_set_##set, OP_array_get_##get, OP_array_set_##set           \
    }

static struct object_access object_access(uint32_t storage, bool is_signed)
{
    switch (storage) {
    case TYPES_I8:
        return is_signed ? ACCESS(s8, 8) : ACCESS(u8, 8);
    case TYPES_I16:
        return is_signed ? ACCESS(s16, 16) : ACCESS(u16, 16);
    case ENGINE_I32:
        return ACCESS(u32, 32);
    case ENGINE_F32:
        return ACCESS(f32, f32);
    case ENGINE_F64:
        return ACCESS(f64, f64);
    case ENGINE_V128:
        return ACCESS(v128, v128);
    default:
        return ACCESS(u64, 64);
    }
}

static void object_struct_access(struct translator *t, uint32_t opcode)
{
    const struct module_type *type = object_read_type(t);
    const struct module_field *field = &type->fields[reader_u32(&t->reader)];
    struct object_access access = object_access(field->type, opcode == OPCODE_STRUCT_GET_S);
    if (opcode == OPCODE_STRUCT_SET)
        value_apply(t, access.struct_set, 2, 0, field->offset);
    else
        value_apply(t, access.struct_get, 1, types_unpacked(field->type), field->offset);
}

static void object_array_access(struct translator *t, uint32_t opcode)
{
    const struct module_type *type = object_read_type(t);
    uint32_t storage = type->fields[0].type;
    struct object_access access = object_access(storage, opcode == OPCODE_ARRAY_GET_S);
    if (opcode == OPCODE_ARRAY_SET)
        value_apply(t, access.array_set, 3, 0, 0);
    else
        value_apply(t, access.array_get, 2, types_unpacked(storage), 0);
}

/* ---- operands in consecutive slots ----------------------------------------------------------- */

/* Takes the topmost values, `sources` slots of them, into their slots and encodes an operation
 * on the first, which may use `slots` from there on; it leaves a reference there if `makes`. */
static void object_in_slots(struct translator *t,
                            enum operation operation,
                            uint32_t sources,
                            uint32_t slots,
                            bool makes,
                            const uint64_t fields[2])
{
    uint32_t height = t->stack.height - sources;
    value_settle(t, height);
    while (t->stack.height > height && t->status == STATUS_OK)
        (void)value_pop(t);
    for (uint32_t i = 0; i < slots; i++)
        value_push_temp(t, ENGINE_I64);
    while (t->stack.height > height && t->status == STATUS_OK)
        (void)value_pop(t);
    struct instruction instruction = {
        .operation = operation,
        .fields = {slot_of_height(t, height), fields[0], fields[1]},
        .result_height = NO_HEIGHT,
        .wasm_offset = t->opcode_offset,
    };
    (void)emit_cell(t, &instruction);
    if (makes)
        value_push_temp(t, ENGINE_ANYREF);
}

/* The second cell of array.new and the like: goes over the items of the array just made. */
static void
object_fill_made(struct translator *t, enum operation operation, const uint64_t fields[2])
{
    struct instruction fill = {
        .operation = operation,
        .fields = {slot_of_height(t, t->stack.height - 1), fields[0], fields[1]},
        .result_height = NO_HEIGHT,
        .wasm_offset = t->opcode_offset,
    };
    (void)emit_cell(t, &fill);
}

/* What such an array is made of needs, beside the slots of the instruction's operands (a value or
 * the first in a segment, and the count): reference, first item. */
#define ARRAY_MADE_SLOTS 2

static void object_array_new(struct translator *t)
{
    const struct module_type *type = object_read_type(t);
    uint32_t value = object_slots(type->fields[0].bytes);
    object_in_slots(t, OP_array_new, value + 1, ARRAY_MADE_SLOTS + value + 1, true,
                    (uint64_t[]){value, type->canonical});
    object_fill_made(t, OP_array_fill, (uint64_t[]){type->fields[0].bytes, 0});
}

static void object_array_new_segment(struct translator *t, bool is_elem)
{
    const struct module_type *type = object_read_type(t);
    uint32_t segment = reader_u32(&t->reader);
    object_in_slots(t, is_elem ? OP_array_new_elem : OP_array_new_data, 2, ARRAY_MADE_SLOTS + 2,
                    true, (uint64_t[]){type->canonical, segment});
    if (is_elem)
        object_fill_made(t, OP_array_init_elem, (uint64_t[]){segment, 0});
    else
        object_fill_made(t, OP_array_init_data, (uint64_t[]){type->fields[0].bytes, segment});
}

static void object_array_init_segment(struct translator *t, bool is_elem)
{
    const struct module_type *type = object_read_type(t);
    uint32_t segment = reader_u32(&t->reader);
    if (is_elem)
        object_in_slots(t, OP_array_init_elem, 4, 4, false, (uint64_t[]){segment, 0});
    else
        object_in_slots(t, OP_array_init_data, 4, 4, false,
                        (uint64_t[]){type->fields[0].bytes, segment});
}

/* The slots of values for all fields. */
static uint32_t object_field_slots(const struct module_type *type)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < type->field_count; i++)
        slots += object_slots(type->fields[i].bytes);
    return slots;
}

static void object_make(struct translator *t, uint32_t opcode)
{
    const struct module_type *type = object_read_type(t);
    enum operation operation = OP_object_new_default;
    uint32_t sources = opcode == OPCODE_ARRAY_NEW_DEFAULT;
    if (opcode == OPCODE_STRUCT_NEW) {
        operation = OP_struct_new;
        sources = object_field_slots(type);
    } else if (opcode == OPCODE_ARRAY_NEW_FIXED) {
        operation = OP_array_new_fixed;
        sources = reader_u32(&t->reader) * object_slots(type->fields[0].bytes);
    }
    object_in_slots(t, operation, sources, MAX(sources, 1u), true,
                    (uint64_t[]){sources, type->canonical});
}

static void object_array_bulk(struct translator *t, uint32_t opcode)
{
    const struct module_type *type = object_read_type(t);
    bool is_copy = opcode == OPCODE_ARRAY_COPY;
    uint32_t sources = is_copy ? 5 : 3 + object_slots(type->fields[0].bytes);
    if (is_copy)
        (void)reader_u32(&t->reader);
    object_in_slots(t, is_copy ? OP_array_copy : OP_array_fill, sources, sources, false,
                    (uint64_t[]){type->fields[0].bytes, 0});
}

/* ---- casts ----------------------------------------------------------------------------------- */

static void object_cast(struct translator *t, uint32_t opcode)
{
    bool is_nullable = opcode == OPCODE_REF_TEST_NULL || opcode == OPCODE_REF_CAST_NULL;
    bool is_test = opcode == OPCODE_REF_TEST || opcode == OPCODE_REF_TEST_NULL;
    uint32_t wanted = decode_heap_type(&t->reader, t->module);
    wanted |= is_nullable ? 0 : ENGINE_TYPE_NON_NULL;
    value_apply(t, is_test ? OP_ref_test : OP_ref_cast, 1,
                is_test ? (uint32_t)ENGINE_I32 : (uint32_t)ENGINE_ANYREF, wanted);
}

bool object_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_REF_EQ:
        value_apply(t, OP_i64_eq, 2, ENGINE_I32, 0);
        return true;
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_FIXED:
        object_make(t, opcode);
        return true;
    case OPCODE_STRUCT_GET:
    case OPCODE_STRUCT_GET_S:
    case OPCODE_STRUCT_GET_U:
    case OPCODE_STRUCT_SET:
        object_struct_access(t, opcode);
        return true;
    case OPCODE_ARRAY_NEW:
        object_array_new(t);
        return true;
    case OPCODE_ARRAY_NEW_DATA:
    case OPCODE_ARRAY_NEW_ELEM:
        object_array_new_segment(t, opcode == OPCODE_ARRAY_NEW_ELEM);
        return true;
    case OPCODE_ARRAY_INIT_DATA:
    case OPCODE_ARRAY_INIT_ELEM:
        object_array_init_segment(t, opcode == OPCODE_ARRAY_INIT_ELEM);
        return true;
    case OPCODE_ARRAY_GET:
    case OPCODE_ARRAY_GET_S:
    case OPCODE_ARRAY_GET_U:
    case OPCODE_ARRAY_SET:
        object_array_access(t, opcode);
        return true;
    case OPCODE_ARRAY_LEN:
        value_apply(t, OP_array_len, 1, ENGINE_I32, 0);
        return true;
    case OPCODE_ARRAY_FILL:
    case OPCODE_ARRAY_COPY:
        object_array_bulk(t, opcode);
        return true;
    case OPCODE_REF_TEST:
    case OPCODE_REF_TEST_NULL:
    case OPCODE_REF_CAST:
    case OPCODE_REF_CAST_NULL:
        object_cast(t, opcode);
        return true;
    case OPCODE_ANY_CONVERT_EXTERN:
    case OPCODE_EXTERN_CONVERT_ANY:
        return true; /* the same number in both hierarchies */
    case OPCODE_REF_I31:
        value_apply(t, OP_i31_new, 1, ENGINE_I31REF, 0);
        return true;
    case OPCODE_I31_GET_S:
        value_apply(t, OP_i31_get_s, 1, ENGINE_I32, 0);
        return true;
    case OPCODE_I31_GET_U:
        value_apply(t, OP_i31_get_u, 1, ENGINE_I32, 0);
        return true;
    default:
        return false;
    }
}
