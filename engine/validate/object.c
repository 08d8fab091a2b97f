/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions on structures, arrays and i31, casts and conversions [Wasm core 3.4.3-3.4.6].
 */
#include "engine/validate/object.h"

#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/validate/control.h"
#include "engine/validate/immediate.h"
#include "engine/validate/stack.h"

/* The type named next; NULL after a failure. */
static const struct module_type *read_type(struct validator *v, enum types_kind kind)
{
    uint32_t index = decode_type_index(&v->reader, v->module, kind);
    return reader_failed(&v->reader) ? NULL : &v->module->types[index];
}

static uint32_t reference_to(const struct module_type *type)
{
    return ENGINE_TYPE_CONCRETE | type->canonical;
}

static void push_new(struct validator *v, const struct module_type *type)
{
    validate_push(v, ENGINE_TYPE_NON_NULL | reference_to(type));
}

/* Pops `count` values, the n-th of them for field n; in unreachable code those that are there. */
static void pop_fields(struct validator *v, const struct module_type *type, uint32_t count)
{
    size_t have = (size_t)(v->top - v->floor);
    uint32_t least = v->frame->unreachable && have < count ? count - (uint32_t)have : 0;
    for (uint32_t i = count; i > least && !reader_failed(&v->reader); i--) {
        const struct module_field *field = &type->fields[type->kind == TYPES_ARRAY ? 0 : i - 1];
        validate_pop(v, types_unpacked(field->type));
    }
}

static void check_defaultable(struct validator *v, const struct module_type *type)
{
    if (!type->is_defaultable)
        validate_fail(v, STATUS_INVALID,
                      "type mismatch: %s of a type with fields that need a value",
                      validate_instruction_text(v));
}

static void check_mutable(struct validator *v, const struct module_type *type, uint32_t field)
{
    if (!type->fields[field].is_mutable)
        validate_fail(v, STATUS_INVALID, "immutable %s: %s cannot change it",
                      type->kind == TYPES_ARRAY ? "array" : "field", validate_instruction_text(v));
}

/* Does the instruction say how a packed field becomes a number, exactly if it must? */
static void check_packed(struct validator *v, const struct module_field *field, bool has_sign)
{
    if (types_is_packed(field->type) != has_sign)
        validate_fail(v, STATUS_INVALID, "type mismatch: %s of a field that is %spacked",
                      validate_instruction_text(v), has_sign ? "not " : "");
}

/* ---- structures ------------------------------------------------------------------------------ */

static void check_struct_new(struct validator *v, bool is_default)
{
    const struct module_type *type = read_type(v, TYPES_STRUCT);
    if (type == NULL)
        return;
    if (is_default)
        check_defaultable(v, type);
    else
        pop_fields(v, type, type->field_count);
    push_new(v, type);
}

/* The field named next of a structure; NULL after a failure. */
static const struct module_field *read_field(struct validator *v, const struct module_type *type)
{
    uint32_t index = validate_check_index(v, type->field_count, "field");
    return reader_failed(&v->reader) ? NULL : &type->fields[index];
}

static void check_struct_get(struct validator *v, bool has_sign)
{
    const struct module_type *type = read_type(v, TYPES_STRUCT);
    const struct module_field *field = type == NULL ? NULL : read_field(v, type);
    if (field == NULL)
        return;
    check_packed(v, field, has_sign);
    validate_pop(v, reference_to(type));
    validate_push(v, types_unpacked(field->type));
}

static void check_struct_set(struct validator *v)
{
    const struct module_type *type = read_type(v, TYPES_STRUCT);
    const struct module_field *field = type == NULL ? NULL : read_field(v, type);
    if (field == NULL)
        return;
    check_mutable(v, type, (uint32_t)(field - type->fields));
    validate_pop(v, types_unpacked(field->type));
    validate_pop(v, reference_to(type));
}

/* ---- arrays ---------------------------------------------------------------------------------- */

static void check_array_new(struct validator *v, bool is_default)
{
    const struct module_type *type = read_type(v, TYPES_ARRAY);
    if (type == NULL)
        return;
    validate_pop(v, ENGINE_I32);
    if (is_default)
        check_defaultable(v, type);
    else
        pop_fields(v, type, 1);
    push_new(v, type);
}

static void check_array_new_fixed(struct validator *v)
{
    const struct module_type *type = read_type(v, TYPES_ARRAY);
    uint32_t count = reader_u32(&v->reader);
    if (type == NULL || reader_failed(&v->reader))
        return;
    if (count > MODULE_MAX_ARRAY_FIXED)
        validate_fail(v, STATUS_LIMIT, "array.new_fixed with %u operands, the limit is %u", count,
                      MODULE_MAX_ARRAY_FIXED);
    pop_fields(v, type, count);
    push_new(v, type);
}

/* The segment named next, whose contents can be items of the array. */
static void check_segment(struct validator *v, const struct module_type *array, bool is_elem)
{
    uint32_t index = reader_u32(&v->reader);
    if (array == NULL || reader_failed(&v->reader))
        return;
    uint32_t item = array->fields[0].type;
    if (is_elem) {
        validate_check_elem(v, index);
        if (!reader_failed(&v->reader) && !validate_matches(v, v->module->elems[index].type, item))
            validate_fail_mismatch(v, engine_type_text(item).text, v->module->elems[index].type);
        return;
    }
    validate_check_data(v, index);
    if (engine_type_is_reference(item))
        validate_fail(v, STATUS_INVALID, "array type is not numeric or vector: %s of references",
                      validate_instruction_text(v));
}

static void check_array_new_segment(struct validator *v, bool is_elem)
{
    const struct module_type *type = read_type(v, TYPES_ARRAY);
    check_segment(v, type, is_elem);
    if (type == NULL)
        return;
    validate_pop(v, ENGINE_I32);
    validate_pop(v, ENGINE_I32);
    push_new(v, type);
}

static void check_array_init_segment(struct validator *v, bool is_elem)
{
    const struct module_type *type = read_type(v, TYPES_ARRAY);
    check_segment(v, type, is_elem);
    if (type == NULL)
        return;
    check_mutable(v, type, 0);
    for (int i = 0; i < 3; i++)
        validate_pop(v, ENGINE_I32);
    validate_pop(v, reference_to(type));
}

static void check_array_get(struct validator *v, bool has_sign)
{
    const struct module_type *type = read_type(v, TYPES_ARRAY);
    if (type == NULL)
        return;
    check_packed(v, type->fields, has_sign);
    validate_pop(v, ENGINE_I32);
    validate_pop(v, reference_to(type));
    validate_push(v, types_unpacked(type->fields->type));
}

static void check_array_set(struct validator *v, bool is_fill)
{
    const struct module_type *type = read_type(v, TYPES_ARRAY);
    if (type == NULL)
        return;
    check_mutable(v, type, 0);
    if (is_fill)
        validate_pop(v, ENGINE_I32);
    validate_pop(v, types_unpacked(type->fields->type));
    validate_pop(v, ENGINE_I32);
    validate_pop(v, reference_to(type));
}

static void check_array_copy(struct validator *v)
{
    const struct module_type *to = read_type(v, TYPES_ARRAY);
    const struct module_type *from = read_type(v, TYPES_ARRAY);
    if (to == NULL || from == NULL)
        return;
    check_mutable(v, to, 0);
    if (!validate_matches(v, from->fields->type, to->fields->type))
        validate_fail(v, STATUS_INVALID, "array types do not match: array.copy of %s to %s",
                      engine_type_text(from->fields->type).text,
                      engine_type_text(to->fields->type).text);
    validate_pop(v, ENGINE_I32);
    validate_pop(v, ENGINE_I32);
    validate_pop(v, reference_to(from));
    validate_pop(v, ENGINE_I32);
    validate_pop(v, reference_to(to));
}

/* ---- casts ----------------------------------------------------------------------------------- */

static void check_cast(struct validator *v, bool is_nullable, bool is_test)
{
    uint32_t to = decode_heap_type(&v->reader, v->module);
    if (reader_failed(&v->reader))
        return;
    validate_pop(v, types_heap_top(v->module, to));
    validate_push(v,
                  is_test ? (uint32_t)ENGINE_I32 : to | (is_nullable ? 0 : ENGINE_TYPE_NON_NULL));
}

static void check_br_on_cast(struct validator *v, bool branches_on_failure)
{
    struct reader *reader = &v->reader;
    uint8_t flags = reader_u8(reader);
    if (flags > DECODE_CAST_FLAGS)
        validate_fail(v, STATUS_MALFORMED, "malformed cast flags 0x%02x", flags);
    struct validate_label label = validate_read_label(v);
    uint32_t from = decode_heap_type(reader, v->module);
    uint32_t to = decode_heap_type(reader, v->module);
    if (reader_failed(reader))
        return;
    from |= (flags & DECODE_CAST_FROM_NULL) != 0 ? 0 : ENGINE_TYPE_NON_NULL;
    to |= (flags & DECODE_CAST_TO_NULL) != 0 ? 0 : ENGINE_TYPE_NON_NULL;
    if (!validate_matches(v, to, from))
        validate_fail_mismatch(v, engine_type_text(from).text, to);
    /* What failed to be `to` is not null if null would not have failed. */
    uint32_t rest = types_is_nullable(to) ? from | ENGINE_TYPE_NON_NULL : from;
    if (label.count == 0)
        return validate_fail(v, STATUS_INVALID, "type mismatch: %s to a label without values",
                             validate_instruction_text(v));
    validate_pop(v, from);
    validate_push(v, branches_on_failure ? rest : to);
    validate_pop_types(v, label.types, label.count);
    validate_push_types(v, label.types, label.count - 1);
    validate_push(v, branches_on_failure ? to : rest);
}

static void check_convert(struct validator *v, uint32_t from, uint32_t to)
{
    uint32_t type = validate_pop_reference(v);
    if (!validate_matches(v, type, from))
        validate_fail_mismatch(v, engine_type_text(from).text, type);
    validate_push(v, to | (type & ENGINE_TYPE_NON_NULL));
}

static void check_unary(struct validator *v, uint32_t operand, uint32_t result)
{
    validate_pop(v, operand);
    validate_push(v, result);
}

void validate_check_object(struct validator *v, uint32_t code)
{
    switch ((enum opcode)code) {
    case OPCODE_REF_EQ:
        validate_pop(v, ENGINE_EQREF);
        return check_unary(v, ENGINE_EQREF, ENGINE_I32);
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
        return check_struct_new(v, code == OPCODE_STRUCT_NEW_DEFAULT);
    case OPCODE_STRUCT_GET:
    case OPCODE_STRUCT_GET_S:
    case OPCODE_STRUCT_GET_U:
        return check_struct_get(v, code != OPCODE_STRUCT_GET);
    case OPCODE_STRUCT_SET:
        return check_struct_set(v);
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
        return check_array_new(v, code == OPCODE_ARRAY_NEW_DEFAULT);
    case OPCODE_ARRAY_NEW_FIXED:
        return check_array_new_fixed(v);
    case OPCODE_ARRAY_NEW_DATA:
    case OPCODE_ARRAY_NEW_ELEM:
        return check_array_new_segment(v, code == OPCODE_ARRAY_NEW_ELEM);
    case OPCODE_ARRAY_INIT_DATA:
    case OPCODE_ARRAY_INIT_ELEM:
        return check_array_init_segment(v, code == OPCODE_ARRAY_INIT_ELEM);
    case OPCODE_ARRAY_GET:
    case OPCODE_ARRAY_GET_S:
    case OPCODE_ARRAY_GET_U:
        return check_array_get(v, code != OPCODE_ARRAY_GET);
    case OPCODE_ARRAY_SET:
    case OPCODE_ARRAY_FILL:
        return check_array_set(v, code == OPCODE_ARRAY_FILL);
    case OPCODE_ARRAY_LEN:
        return check_unary(v, ENGINE_ARRAYREF, ENGINE_I32);
    case OPCODE_ARRAY_COPY:
        return check_array_copy(v);
    case OPCODE_REF_TEST:
    case OPCODE_REF_TEST_NULL:
        return check_cast(v, code == OPCODE_REF_TEST_NULL, true);
    case OPCODE_REF_CAST:
    case OPCODE_REF_CAST_NULL:
        return check_cast(v, code == OPCODE_REF_CAST_NULL, false);
    case OPCODE_BR_ON_CAST:
    case OPCODE_BR_ON_CAST_FAIL:
        return check_br_on_cast(v, code == OPCODE_BR_ON_CAST_FAIL);
    case OPCODE_ANY_CONVERT_EXTERN:
        return check_convert(v, ENGINE_EXTERNREF, ENGINE_ANYREF);
    case OPCODE_EXTERN_CONVERT_ANY:
        return check_convert(v, ENGINE_ANYREF, ENGINE_EXTERNREF);
    case OPCODE_REF_I31:
        return check_unary(v, ENGINE_I32, ENGINE_TYPE_NON_NULL | ENGINE_I31REF);
    default:
        ASSERT(code == OPCODE_I31_GET_S || code == OPCODE_I31_GET_U);
        return check_unary(v, ENGINE_I31REF, ENGINE_I32);
    }
}
