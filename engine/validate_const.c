/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant expressions [Wasm core 3.4.12]: constants, global.get of immutable globals,
 * null and function references, and integer add, subtract, multiply.
 *
 * At most MODULE_MAX_CONST_STACK values wait at once, so that whoever evaluates the
 * expression needs no more than a small array.
 */
#include "engine/decode.h"
#include "engine/validate.h"

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
        reader->at = at;
        reader_fail(reader, STATUS_INVALID, "constant expression required: opcode %02x is not",
                    opcode);
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
