/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant expressions [Wasm core 3.4.12]: constants, global.get of immutable globals,
 * null and function references, integer add, subtract, multiply, and new objects.
 *
 * At most MODULE_MAX_CONST_STACK values wait at once, so that whoever evaluates the
 * expression needs no more than a small array.
 */
#include "engine/validate/constant.h"

#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"

struct const_stack {
    uint32_t types[MODULE_MAX_CONST_STACK];
    uint32_t count;
};

static void const_push(struct reader *reader, struct const_stack *stack, uint32_t type)
{
    if (stack->count < MODULE_MAX_CONST_STACK)
        stack->types[stack->count++] = type;
    else
        reader_fail(reader, STATUS_LIMIT, "constant expression with more than %u values at once",
                    MODULE_MAX_CONST_STACK);
}

static void const_pop(const struct module *module,
                      struct reader *reader,
                      struct const_stack *stack,
                      uint32_t type)
{
    if (stack->count > 0 && types_match(module, stack->types[stack->count - 1], type))
        stack->count--;
    else
        reader_fail(reader, STATUS_INVALID, "type mismatch: %s expected in constant expression",
                    engine_type_text(type).text);
}

static void const_binary(struct reader *reader, struct const_stack *stack, uint32_t type)
{
    if (stack->count >= 2 && stack->types[stack->count - 1] == type &&
        stack->types[stack->count - 2] == type)
        stack->count--;
    else
        reader_fail(reader, STATUS_INVALID, "type mismatch: %s operands expected",
                    engine_type_text(type).text);
}

static uint32_t
const_global(const struct module *module, struct reader *reader, uint32_t global_count)
{
    const uint8_t *at = reader->at;
    uint32_t index = reader_u32(reader);
    if (reader_failed(reader))
        return 0;
    if (index < global_count && !module->globals[index].is_mutable)
        return module->globals[index].type;
    reader->at = at;
    if (index >= global_count)
        reader_fail(reader, STATUS_INVALID, "unknown global %u: %u are defined before it", index,
                    global_count);
    else
        reader_fail(reader, STATUS_INVALID, "constant expression required: global %u is mutable",
                    index);
    return 0;
}

static uint32_t const_func(struct module *module, struct reader *reader)
{
    const uint8_t *at = reader->at;
    uint32_t index = reader_u32(reader);
    if (index < module->func_count) {
        module->funcs[index].declared = true;
        return module_func_reference(module, index);
    }
    reader->at = at;
    reader_fail(reader, STATUS_INVALID, "unknown function %u: there are %u", index,
                module->func_count);
    return 0;
}

/* Takes `count` values of these types; field n's type is that of an array's items for all n. */
static void const_pop_fields(const struct module *module,
                             struct reader *reader,
                             struct const_stack *stack,
                             const struct module_type *type,
                             uint32_t count)
{
    for (uint32_t i = count; i-- > 0 && !reader_failed(reader);) {
        const struct module_field *field = &type->fields[type->kind == TYPES_ARRAY ? 0 : i];
        const_pop(module, reader, stack, types_unpacked(field->type));
    }
}

static void const_new(const struct module *module,
                      struct reader *reader,
                      struct const_stack *stack,
                      uint32_t opcode)
{
    bool is_struct = opcode == OPCODE_STRUCT_NEW || opcode == OPCODE_STRUCT_NEW_DEFAULT;
    bool is_default = opcode == OPCODE_STRUCT_NEW_DEFAULT || opcode == OPCODE_ARRAY_NEW_DEFAULT;
    uint32_t index = decode_type_index(reader, module, is_struct ? TYPES_STRUCT : TYPES_ARRAY);
    if (reader_failed(reader))
        return;
    const struct module_type *type = &module->types[index];
    uint32_t count = is_struct ? type->field_count : 1;
    if (opcode == OPCODE_ARRAY_NEW_FIXED)
        count = reader_u32(reader);
    else if (!is_struct)
        const_pop(module, reader, stack, ENGINE_I32);
    if (!is_default)
        const_pop_fields(module, reader, stack, type, count);
    else if (!type->is_defaultable)
        reader_fail(reader, STATUS_INVALID, "type mismatch: type %u has fields that need a value",
                    index);
    const_push(reader, stack, ENGINE_TYPE_NON_NULL | ENGINE_TYPE_CONCRETE | type->canonical);
}

/* The other conversions of references. */
static void const_convert(const struct module *module,
                          struct reader *reader,
                          struct const_stack *stack,
                          uint32_t from,
                          uint32_t to)
{
    uint32_t type = stack->count > 0 ? stack->types[stack->count - 1] : 0;
    const_pop(module, reader, stack, from);
    const_push(reader, stack, to | (type & ENGINE_TYPE_NON_NULL));
}

static void const_object(const struct module *module,
                         struct reader *reader,
                         struct const_stack *stack,
                         const uint8_t *at,
                         uint32_t code)
{
    switch (code) {
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_FIXED:
        return const_new(module, reader, stack, code);
    case OPCODE_REF_I31:
        const_pop(module, reader, stack, ENGINE_I32);
        return const_push(reader, stack, ENGINE_TYPE_NON_NULL | ENGINE_I31REF);
    case OPCODE_ANY_CONVERT_EXTERN:
        return const_convert(module, reader, stack, ENGINE_EXTERNREF, ENGINE_ANYREF);
    case OPCODE_EXTERN_CONVERT_ANY:
        return const_convert(module, reader, stack, ENGINE_ANYREF, ENGINE_EXTERNREF);
    default:
        reader->at = at;
        reader_fail(reader, STATUS_INVALID, "constant expression required: opcode %02x is not",
                    code);
    }
}

static void const_step(struct module *module,
                       struct reader *reader,
                       uint32_t global_count,
                       struct const_stack *stack)
{
    const uint8_t *at = reader->at;
    uint32_t opcode = reader_u8(reader);
    if (opcode_is_prefix(opcode))
        opcode = decode_prefixed_opcode(reader, opcode);
    switch (opcode) {
    case OPCODE_I32_CONST:
        (void)reader_s32(reader);
        return const_push(reader, stack, ENGINE_I32);
    case OPCODE_I64_CONST:
        (void)reader_s64(reader);
        return const_push(reader, stack, ENGINE_I64);
    case OPCODE_F32_CONST:
        (void)reader_fixed32(reader);
        return const_push(reader, stack, ENGINE_F32);
    case OPCODE_F64_CONST:
        (void)reader_fixed64(reader);
        return const_push(reader, stack, ENGINE_F64);
    case OPCODE_V128_CONST:
        (void)reader_take(reader, 16);
        return const_push(reader, stack, ENGINE_V128);
    case OPCODE_REF_NULL:
        return const_push(reader, stack, decode_heap_type(reader, module));
    case OPCODE_REF_FUNC:
        return const_push(reader, stack, const_func(module, reader));
    case OPCODE_GLOBAL_GET:
        return const_push(reader, stack, const_global(module, reader, global_count));
    case OPCODE_I32_ADD:
    case OPCODE_I32_SUB:
    case OPCODE_I32_MUL:
        return const_binary(reader, stack, ENGINE_I32);
    case OPCODE_I64_ADD:
    case OPCODE_I64_SUB:
    case OPCODE_I64_MUL:
        return const_binary(reader, stack, ENGINE_I64);
    default:
        return const_object(module, reader, stack, at, opcode);
    }
}

void validate_const(struct module *module,
                    struct reader *reader,
                    uint32_t type,
                    uint32_t global_count)
{
    struct const_stack stack;
    stack.count = 0;
    while (reader_left(reader) > 0 && *reader->at != OPCODE_END)
        const_step(module, reader, global_count, &stack);
    (void)reader_u8(reader); /* the `end`: decode_expression saw it */
    if (reader_failed(reader) || (stack.count == 1 && types_match(module, stack.types[0], type)))
        return;
    reader->at--;
    if (stack.count == 1)
        reader_fail(reader, STATUS_INVALID, "type mismatch: constant %s expected, found %s",
                    engine_type_text(type).text, engine_type_text(stack.types[0]).text);
    else
        reader_fail(reader, STATUS_INVALID,
                    "type mismatch: one constant %s expected, found %u values",
                    engine_type_text(type).text, stack.count);
}
