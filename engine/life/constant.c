/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant expressions: initialisers of globals, offsets of segments. [Wasm core 3.4.10]
 *
 * They were validated when the module was compiled; here they are only evaluated, on a
 * small stack of their own. What real modules have is one or three instructions.
 */
#include "engine/life/constant.h"

#include "engine/heap/heap.h"
#include "engine/image/image.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/module.h"
#include "engine/read/opcodes.h"
#include "engine/run/collect.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"
#include "engine/run/object.h"

struct constant {
    const struct engine_instance *instance;
    bool is_full; /* an object did not fit on the heap */
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

/* ---- objects --------------------------------------------------------------------------------- */

/* One instruction that makes an object, with its operands: the last on the stack. */
struct making {
    uint32_t opcode;
    uint32_t type;   /* canonical index */
    uint32_t length; /* of an array */
    uint32_t operand_slots;
    const uint64_t *operands;
};

static uint64_t make(const struct engine_instance *instance, const struct making *making)
{
    switch (making->opcode) {
    case OPCODE_STRUCT_NEW:
        return object_new_struct(instance, making->type, making->operands);
    case OPCODE_ARRAY_NEW_FIXED:
        return object_new_fixed(instance, making->type, making->operands, making->operand_slots);
    default:
        return object_new(instance, making->type, making->length);
    }
}

/* The slots on the stack that an instruction's operands take. */
static uint32_t operand_slots(const struct engine_instance *instance, const struct making *making)
{
    const struct image_type *type = object_type(instance, making->type);
    const struct image_field *fields = image_at(instance->image, type->fields);
    uint32_t slots = 0;
    switch (making->opcode) {
    case OPCODE_STRUCT_NEW:
        for (uint32_t i = 0; i < type->fields.count; i++)
            slots += object_slots(fields[i].bytes);
        return slots;
    case OPCODE_ARRAY_NEW_FIXED:
        return making->length * object_slots(fields[0].bytes);
    case OPCODE_ARRAY_NEW:
        return object_slots(fields[0].bytes);
    default:
        return 0;
    }
}

static void step_new(struct constant *constant, uint32_t opcode)
{
    const struct engine_instance *instance = constant->instance;
    uint32_t index = reader_u32(&constant->reader);
    struct making making = {.opcode = opcode, .type = object_type(instance, index)->canonical};
    if (opcode == OPCODE_ARRAY_NEW_FIXED)
        making.length = reader_u32(&constant->reader);
    else if (opcode == OPCODE_ARRAY_NEW || opcode == OPCODE_ARRAY_NEW_DEFAULT)
        making.length = (uint32_t)constant->stack[--constant->depth];
    making.operand_slots = operand_slots(instance, &making);
    ASSERT(making.operand_slots <= constant->depth);
    making.operands = &constant->stack[constant->depth - making.operand_slots];
    uint64_t reference = make(instance, &making);
    if (reference == HEAP_NONE) {
        collect_all(instance->machine, constant->stack, constant->depth);
        reference = make(instance, &making);
    }
    if (reference == HEAP_NONE) {
        constant->is_full = true;
    } else if (opcode == OPCODE_ARRAY_NEW) {
        const struct image_field *item =
            image_at(instance->image, object_type(instance, making.type)->fields);
        object_fill(heap_payload(&instance->machine->heap, reference), making.operands,
                    making.length, item->bytes);
    }
    constant->depth -= making.operand_slots;
    push(constant, reference);
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
    case OPCODE_ANY_CONVERT_EXTERN:
    case OPCODE_EXTERN_CONVERT_ANY:
        break;
    case OPCODE_REF_I31:
        ASSERT(constant->depth > 0);
        constant->stack[constant->depth - 1] =
            object_i31((uint32_t)constant->stack[constant->depth - 1]);
        break;
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_FIXED:
        step_new(constant, opcode);
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
    constant.is_full = false;
    constant.reader = reader_make(bytes.data, bytes.data, bytes.data + bytes.count, report);
    while (!constant.is_full) {
        uint32_t opcode = reader_u8(&constant.reader);
        if (opcode == OPCODE_END || reader_failed(&constant.reader))
            break;
        if (opcode_is_prefix(opcode))
            opcode = decode_prefixed_opcode(&constant.reader, opcode);
        step(&constant, opcode);
    }
    if (reader_failed(&constant.reader))
        return constant.reader.status;
    if (constant.is_full) {
        instance->machine->trap = TRAP_HEAP_EXHAUSTED;
        instance->machine->trap_reason = NULL;
        return report_fail(report, STATUS_TRAPPED, REPORT_OFFSET_NONE, "%s",
                           engine_trap_text(TRAP_HEAP_EXHAUSTED));
    }
    ASSERT(constant.depth == 1 || constant.depth == 2);
    memcpy(ret_value, constant.stack, constant.depth * sizeof(*ret_value));
    return STATUS_OK;
}
