/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant expressions: initialisers of globals, offsets of segments. [Wasm core 3.4.10]
 *
 * They were validated when the module was compiled; here they are only evaluated, on a
 * small stack of their own. What real modules have is one or three instructions.
 */
#include "engine/decode.h"
#include "engine/instance.h"
#include "engine/opcodes.h"

struct constant {
    const struct engine_instance *instance;
    struct reader reader;
    uint32_t depth;
    uint64_t stack[2 * MODULE_MAX_CONST_STACK]; /* slots */
};

/* The validator let no expression through that needs more. */
static void push(struct constant *constant, uint64_t bits)
{
    ASSERT(constant->depth < COUNT_OF(constant->stack));
    constant->stack[constant->depth++] = bits;
}

static void push_global(struct constant *constant, uint32_t index)
{
    const struct image_global *rows =
        image_at(constant->instance->image, constant->instance->image->globals);
    const union engine_value *value = instance_global(constant->instance, index);
    for (uint32_t i = 0; i < engine_slot_count(&rows[index].type, 1); i++)
        push(constant, value[i].bits);
}

static uint64_t compute(uint32_t opcode, uint64_t a, uint64_t b)
{
    switch (opcode) {
    case OPCODE_I32_ADD:
        return (uint32_t)(a + b);
    case OPCODE_I32_SUB:
        return (uint32_t)(a - b);
    case OPCODE_I32_MUL:
        return (uint32_t)(a * b);
    case OPCODE_I64_ADD:
        return a + b;
    case OPCODE_I64_SUB:
        return a - b;
    default:
        ASSERT(opcode == OPCODE_I64_MUL);
        return a * b;
    }
}

static void step(struct constant *constant, uint32_t opcode)
{
    struct reader *reader = &constant->reader;
    switch (opcode) {
    case OPCODE_I32_CONST:
        push(constant, (uint32_t)reader_s32(reader));
        break;
    case OPCODE_I64_CONST:
        push(constant, (uint64_t)reader_s64(reader));
        break;
    case OPCODE_F32_CONST:
        push(constant, reader_fixed32(reader));
        break;
    case OPCODE_F64_CONST:
        push(constant, reader_fixed64(reader));
        break;
    case OPCODE_V128_CONST:
        push(constant, reader_fixed64(reader));
        push(constant, reader_fixed64(reader));
        break;
    case OPCODE_REF_NULL:
        (void)reader_s33(reader);
        push(constant, 0);
        break;
    case OPCODE_REF_FUNC:
        push(constant, instance_func_reference(constant->instance, reader_u32(reader)));
        break;
    case OPCODE_GLOBAL_GET:
        push_global(constant, reader_u32(reader));
        break;
    default:
        ASSERT(constant->depth >= 2);
        constant->depth--;
        constant->stack[constant->depth - 1] =
            compute(opcode, constant->stack[constant->depth - 1], constant->stack[constant->depth]);
        break;
    }
}

enum status constant_evaluate(const struct engine_instance *instance,
                              struct image_span expression,
                              struct report *report,
                              union engine_value *ret_value)
{
    struct bytes bytes = image_text(instance->image, expression);
    struct constant constant;
    constant.instance = instance;
    constant.depth = 0;
    constant.reader = reader_make(bytes.data, bytes.data, bytes.data + bytes.count, report);
    for (;;) {
        uint32_t opcode = reader_u8(&constant.reader);
        if (opcode == OPCODE_END || reader_failed(&constant.reader))
            break;
        if (opcode_is_prefix(opcode))
            opcode = decode_prefixed_opcode(&constant.reader, opcode);
        step(&constant, opcode);
    }
    if (reader_failed(&constant.reader))
        return constant.reader.status;
    ASSERT(constant.depth == 1 || constant.depth == 2);
    memcpy(ret_value, constant.stack, constant.depth * sizeof(*ret_value));
    return STATUS_OK;
}
