/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls, from the arguments in their slots to the results on the operand stack; and calls that
 * take the place of the function they are in.
 *
 * A callee may use all registers: what is pinned goes to its locals' slots before a call and
 * comes back behind it. Arguments are in the first slots of the callee's frame already, because
 * they are the last operands, so a call moves nothing.
 */
#include "engine/translate/call.h"

#include "engine/emit/emit.h"
#include "engine/emit/fuse_cell.h"
#include "engine/emit/value.h"

static void call_float_pins(struct translator *t, enum operation first)
{
    if (t->pins.float_count == 0)
        return;
    struct instruction pins = {.operation =
                                   (enum operation)(first + 2 * (t->pins.float_count - 1))};
    for (uint32_t i = 0; i < t->pins.float_count; i++)
        pins.fields[i] = t->pins.float_locals[i];
    (void)emit_cell(t, &pins);
}

static struct instruction call_pins(const struct translator *t, enum operation first)
{
    struct instruction pins = {.operation = (enum operation)(first + 2 * (t->pins.count - 1))};
    for (uint32_t i = 0; i < t->pins.count; i++)
        pins.fields[i] = t->pins.locals[i];
    return pins;
}

_Static_assert(OP_save_pins_2 == OP_save_pins_1 + 2 && OP_load_pins_2 == OP_load_pins_1 + 2 &&
                   OP_save_float_pins_2 == OP_save_float_pins_1 + 2,
               "save and load rows alternate in ops.def");
_Static_assert(OP_call_save_3 == OP_call + MACHINE_INT_PINS &&
                   OP_call_indirect_save_3 == OP_call_indirect + MACHINE_INT_PINS,
               "calls are followed by those that save pins");

void call_save_pins(struct translator *t)
{
    call_float_pins(t, OP_save_float_pins_1);
    if (t->pins.count == 0)
        return;
    struct instruction save = call_pins(t, OP_save_pins_1);
    (void)emit_cell(t, &save);
}

/* Writes a call's cell, whose operation is followed by those that save pins too. `fields`: how
 * many it has so far. */
static void call_with_pins(struct translator *t, struct instruction *call, uint32_t fields)
{
    call_float_pins(t, OP_save_float_pins_1);
    call->operation = (enum operation)(call->operation + t->pins.count);
    for (uint32_t i = 0; i < t->pins.count; i++)
        call->fields[fields + i] = t->pins.locals[i];
    (void)emit_cell(t, call);
}

void call_load_pins(struct translator *t)
{
    if (t->pins.count > 0) {
        struct instruction load = call_pins(t, OP_load_pins_1);
        fuse_zero_load(t, &load);
        (void)emit_cell(t, &load);
    }
    call_float_pins(t, OP_load_float_pins_1);
}

/* After the call's cell: pins back, results onto the stack. */
static void call_finish(struct translator *t, const struct engine_functype *type)
{
    t->output.has_last = false;
    t->executed = 0;
    value_drop_to(t, t->stack.height - engine_slot_count(type->params, type->param_count));
    call_load_pins(t);
    if (type->result_count == 1 && type->results[0] != ENGINE_V128) {
        /* The result is in the accumulator: a move to its home slot that may be redirected. */
        uint32_t result = type->results[0];
        struct operand home = {.place = PLACE_S, .slot = slot_of_height(t, t->stack.height)};
        struct instruction move = value_move(t, result, (struct operand){.place = PLACE_A}, home);
        move.result_height = t->stack.height;
        hold_instruction(t, &move);
    }
    value_push_temps(t, type->results, type->result_count);
}

static void call_direct(struct translator *t, uint32_t func)
{
    const struct engine_functype *type = module_func_type(t->module, func);
    uint32_t base = t->stack.height - engine_slot_count(type->params, type->param_count);
    value_settle(t, base);
    /* Locals of the callee and its entry are filled in when all functions are translated. */
    struct instruction call = {.operation = OP_call,
                               .fields = {slot_of_height(t, base), 0, (uint64_t)t->executed, func},
                               .wasm_offset = t->opcode_offset};
    call_with_pins(t, &call, 4);
    emit_note_call(t);
    call_finish(t, type);
}

/* Takes what names the callee off the stack, a table index or a reference, and makes it an
 * operand that the operation allows. */
static struct operand call_callee(struct translator *t, enum operation operation)
{
    uint32_t height = t->stack.height - 1;
    struct value value = value_pop(t);
    struct instruction probe = {.operation = operation};
    if (t->status == STATUS_OK)
        value_take(t, &probe, value, height);
    return probe.operands[0];
}

static struct operand
call_table_index(struct translator *t, enum operation operation, uint32_t table)
{
    if (t->module->tables[table].is_64)
        value_apply(t, OP_i32_clamp_i64, 1, ENGINE_I32, 0); /* no table has so many entries */
    return call_callee(t, operation);
}

static void call_indirect(struct translator *t)
{
    uint32_t type_index = reader_u32(&t->reader);
    uint32_t table = reader_u32(&t->reader);
    const struct engine_functype *type = &t->module->types[type_index].func;
    struct operand index = call_table_index(t, OP_call_indirect, table);
    if (t->status != STATUS_OK)
        return;
    uint32_t base = t->stack.height - engine_slot_count(type->params, type->param_count);
    value_settle(t, base);
    struct instruction call = {.operation = OP_call_indirect,
                               .operands = {index},
                               .fields = {slot_of_height(t, base), table, (uint64_t)t->executed,
                                          t->module->types[type_index].canonical},
                               .wasm_offset = t->opcode_offset};
    call_with_pins(t, &call, 4);
    call_finish(t, type);
}

static void call_ref(struct translator *t)
{
    const struct engine_functype *type = &t->module->types[reader_u32(&t->reader)].func;
    struct operand callee = call_callee(t, OP_call_ref);
    if (t->status != STATUS_OK)
        return;
    uint32_t base = t->stack.height - engine_slot_count(type->params, type->param_count);
    value_settle(t, base);
    call_save_pins(t);
    struct instruction call = {.operation = OP_call_ref,
                               .operands = {callee},
                               .fields = {slot_of_height(t, base), (uint64_t)t->executed},
                               .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &call);
    call_finish(t, type);
}

static void call_return(struct translator *t, uint32_t func)
{
    const struct engine_functype *type = module_func_type(t->module, func);
    uint32_t count = engine_slot_count(type->params, type->param_count);
    value_settle(t, t->stack.height - count);
    struct instruction call = {.operation = OP_return_call,
                               .fields = {slot_of_height(t, t->stack.height - count), count,
                                          t->locals.count, (uint64_t)t->executed, func},
                               .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &call);
    emit_note_call(t);
    t->dead = true;
}

static void call_return_indirect(struct translator *t)
{
    uint32_t type_index = reader_u32(&t->reader);
    uint32_t table = reader_u32(&t->reader);
    const struct engine_functype *type = &t->module->types[type_index].func;
    uint32_t count = engine_slot_count(type->params, type->param_count);
    struct operand index = call_table_index(t, OP_return_call_indirect, table);
    if (t->status != STATUS_OK)
        return;
    value_settle(t, t->stack.height - count);
    struct instruction call = {.operation = OP_return_call_indirect,
                               .operands = {index},
                               .fields = {slot_of_height(t, t->stack.height - count), count,
                                          t->locals.count, table, (uint64_t)t->executed,
                                          t->module->types[type_index].canonical},
                               .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &call);
    t->dead = true;
}

static void call_return_ref(struct translator *t)
{
    const struct engine_functype *type = &t->module->types[reader_u32(&t->reader)].func;
    uint32_t count = engine_slot_count(type->params, type->param_count);
    struct operand callee = call_callee(t, OP_return_call_ref);
    if (t->status != STATUS_OK)
        return;
    value_settle(t, t->stack.height - count);
    struct instruction call = {.operation = OP_return_call_ref,
                               .operands = {callee},
                               .fields = {slot_of_height(t, t->stack.height - count), count,
                                          t->locals.count, (uint64_t)t->executed},
                               .wasm_offset = t->opcode_offset};
    (void)emit_cell(t, &call);
    t->dead = true;
}

void call_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_CALL:
        call_direct(t, reader_u32(&t->reader));
        return;
    case OPCODE_CALL_INDIRECT:
        call_indirect(t);
        return;
    case OPCODE_CALL_REF:
        call_ref(t);
        return;
    case OPCODE_RETURN_CALL:
        call_return(t, reader_u32(&t->reader));
        return;
    case OPCODE_RETURN_CALL_INDIRECT:
        call_return_indirect(t);
        return;
    default:
        ASSERT(opcode == OPCODE_RETURN_CALL_REF);
        call_return_ref(t);
    }
}
