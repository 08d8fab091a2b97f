/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores, and what asks for or changes the size of a memory.
 *
 * An address that is a sum just made is added by the access itself. Memories that need checks have
 * operations of their own, with operands in consecutive slots.
 */
#include "engine/translate/access.h"

#include "engine/emit/fuse.h"
#include "engine/emit/value.h"
#include "engine/read/decode_immediate.h"
#include "engine/run/memory.h"

/* Is the entry at `height` the pending sum of two 32-bit values that `indexed` can add? */
static bool access_is_sum(const struct translator *t, enum operation indexed, uint32_t height)
{
    return hold_is_result(t, height) && t->hold.pending->operation == OP_i32_add &&
           operation_allows(indexed, 0, t->hold.pending->operands[0].place) &&
           operation_allows(indexed, 1, t->hold.pending->operands[1].place);
}

/* Has the entry at `height` an address that is known, with the offset, and has it operations? */
static bool access_is_fixed(const struct translator *t,
                            struct access access,
                            uint32_t height,
                            uint32_t offset,
                            uint32_t *ret_address)
{
    const struct value *value = &t->stack.values[height];
    uint64_t address = (uint64_t)(uint32_t)value->bits + offset;
    if (access.fixed == 0 || value->kind != VALUE_CONST || address > INT32_MAX)
        return false;
    *ret_address = (uint32_t)address;
    return true;
}

void access_load(struct translator *t, struct access access, uint32_t offset)
{
    uint32_t height = t->stack.height - 1;
    uint32_t address;
    if (access_is_fixed(t, access, height, offset, &address)) {
        (void)value_pop(t);
        value_apply(t, access.fixed, 0, access.type, address);
        return;
    }
    if (t->stack.values[height].kind != VALUE_TEMP || !access_is_sum(t, access.indexed, height)) {
        value_apply(t, access.operation, 1, access.type, offset);
        return;
    }
    (void)value_pop(t);
    struct instruction *load = t->hold.pending; /* becomes it in place */
    load->operation = access.indexed;
    load->operands[2] = (struct operand){.place = PLACE_S, .slot = slot_of_height(t, height)};
    load->fields[0] = offset;
    load->wasm_offset = t->opcode_offset;
    value_push_temp(t, access.type);
}

void access_store(struct translator *t, struct access access, uint32_t offset)
{
    uint32_t height = t->stack.height - (access.type == ENGINE_V128 ? 3 : 2);
    const struct value *value = &t->stack.values[height + 1];
    if (value->kind == VALUE_TEMP && fuse_copy(t, access.operation, offset))
        return;
    uint32_t address;
    if (access_is_fixed(t, access, height, offset, &address)) {
        value_apply(t, access.fixed, 1, 0, address);
        (void)value_pop(t);
        if (t->status == STATUS_OK)
            t->hold.pending->fields[1] =
                (address >> MEMORY_DIRTY_SHIFT) - (uint32_t)MEMORY_DIRTY_BYTES;
        return;
    }
    bool sum = t->stack.values[height].kind == VALUE_TEMP && value->kind != VALUE_TEMP &&
               access_is_sum(t, access.indexed, height);
    struct operand source = value_operand(t, *value, height + 1);
    if (sum)
        sum = operation_allows(access.indexed, 2, source.place);
    if (!sum) {
        value_apply(t, access.operation, 2, 0, offset);
        return;
    }
    (void)value_pop(t);
    (void)value_pop(t);
    struct instruction *store = t->hold.pending; /* becomes it in place */
    store->operation = access.indexed;
    store->operands[2] = source;
    store->fields[0] = offset;
    store->result_height = NO_HEIGHT;
    store->has_result = false;
    store->wasm_offset = t->opcode_offset;
}

void access_translate(struct translator *t, struct access access, bool is_load)
{
    struct decode_memarg memarg = decode_memarg(&t->reader); /* the alignment is a hint */
    if (!module_memory_is_plain(t->module, memarg.memory))
        value_apply_in_slots(t, access.checked, is_load ? 1 : 2, is_load ? access.type : 0,
                             memarg.memory, memarg.offset);
    else if (is_load)
        access_load(t, access, (uint32_t)memarg.offset);
    else
        access_store(t, access, (uint32_t)memarg.offset);
}

void access_size(struct translator *t, bool grow)
{
    uint32_t memory = reader_u32(&t->reader);
    uint32_t type = t->module->memories[memory].is_64 ? ENGINE_I64 : ENGINE_I32;
    if (module_memory_is_plain(t->module, memory))
        value_apply(t, grow ? OP_memory_grow : OP_memory_size, grow, type, 0);
    else
        value_apply_in_slots(t, grow ? OP_checked_memory_grow : OP_checked_memory_size, grow, type,
                             memory, 0);
}

/* ---- atomic ones ----------------------------------------------------------------------------- */

/* Seven instructions for each thing to do, of which some have the same width: four operations. */
#define ACCESS_ATOMIC_INSTRUCTIONS 7
#define ACCESS_ATOMIC_WIDTHS       4
_Static_assert(OPCODE_I32_ATOMIC_RMW_CMPXCHG - OPCODE_I32_ATOMIC_LOAD ==
                       8 * ACCESS_ATOMIC_INSTRUCTIONS &&
                   OP_atomic_cmpxchg_8 - OP_atomic_load_8 == 8 * ACCESS_ATOMIC_WIDTHS &&
                   OP_atomic_cmpxchg_64 - OP_atomic_cmpxchg_8 == ACCESS_ATOMIC_WIDTHS - 1,
               "atomic operations are in the order of their instructions, widths ascending");

static enum operation access_atomic_operation(uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_MEMORY_ATOMIC_NOTIFY:
        return OP_atomic_notify;
    case OPCODE_MEMORY_ATOMIC_WAIT32:
        return OP_atomic_wait_32;
    case OPCODE_MEMORY_ATOMIC_WAIT64:
        return OP_atomic_wait_64;
    default: {
        uint32_t what = (opcode - OPCODE_I32_ATOMIC_LOAD) / ACCESS_ATOMIC_INSTRUCTIONS;
        uint32_t width = opcode_row(opcode)->immediate - IMMEDIATE_ATOMIC0;
        return (enum operation)(OP_atomic_load_8 + what * ACCESS_ATOMIC_WIDTHS + width);
    }
    }
}

void access_atomic(struct translator *t, uint32_t opcode)
{
    if (opcode == OPCODE_ATOMIC_FENCE) {
        (void)reader_u8(&t->reader); /* nobody else looks at the memory */
        return;
    }
    struct decode_memarg memarg = decode_memarg(&t->reader);
    const char *signature = opcode_row(opcode)->signature;
    uint32_t sources = (uint32_t)(strchr(signature, ':') - signature);
    char result = signature[sources + 1];
    value_apply_in_slots(t, access_atomic_operation(opcode), sources,
                         result == '\0' ? 0 : value_type_of_letter(result), memarg.memory,
                         memarg.offset);
}
