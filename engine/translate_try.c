/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try_table and throw.
 *
 * Entering a try_table and leaving it cost nothing: its clauses go into a table of regions of
 * code, which is read only when something is thrown. A clause leads straight to its label,
 * as a branch would: the unwinder puts what is caught into the label's home slots.
 *
 * Invariant: wherever an exception may come from (calls and throws), pinned locals are in
 * their slots and everything executed has been charged. So a clause charges 0 - `executed`
 * at its label, which makes the sum exact.
 */
#include "engine/translate.h"

static struct code_region *try_region(const struct translator *t, uint32_t index)
{
    return &((struct code_region *)(void *)t->code->regions.data)[index];
}

static struct code_clause *try_clause(const struct translator *t, uint32_t index)
{
    return &((struct code_clause *)(void *)t->code->clauses.data)[index];
}

static uint32_t try_region_count(const struct translator *t)
{
    return (uint32_t)(t->code->regions.count / sizeof(struct code_region));
}

static uint32_t try_clause_count(const struct translator *t)
{
    return (uint32_t)(t->code->clauses.count / sizeof(struct code_clause));
}

static void try_append(struct translator *t, struct buffer *buffer, const void *row, size_t bytes)
{
    if (t->status != STATUS_OK)
        return;
    enum status status = buffer_append(buffer, row, bytes);
    if (status != STATUS_OK)
        emit_fail(t, status, "too many catch clauses");
}

/* Slots that the values of a tag take. */
static uint32_t try_value_count(const struct translator *t, uint32_t tag)
{
    const struct engine_functype *type = module_tag_type(t->module, tag);
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->param_count; i++)
        count += type->params[i] == ENGINE_V128 ? 2 : 1;
    return count;
}

static void try_add_clause(struct translator *t, const struct decode_clause *read)
{
    /* Labels count from outside of the try_table. */
    struct control *target = control_at_depth(t, read->label + 1);
    struct code_clause clause = {
        .tag = read->is_all ? CODE_NO_TAG : read->tag,
        .slot = slot_of_height(t, target->height),
        .value_count = read->is_all ? 0 : (uint16_t)try_value_count(t, read->tag),
        .with_reference = read->with_reference,
        .pin_count = (uint8_t)t->pin_count,
        .float_pin_count = (uint8_t)t->float_pin_count,
    };
    for (uint32_t i = 0; i < t->pin_count; i++)
        clause.pins[i] = (uint16_t)t->pins[i];
    for (uint32_t i = 0; i < t->float_pin_count; i++)
        clause.pins[MACHINE_INT_PINS + i] = (uint16_t)t->float_pins[i];
    if (target->opcode == OPCODE_LOOP) {
        clause.target = target->loop_target;
        clause.fuel = (int32_t)-target->loop_executed;
    } else {
        clause.target = target->clauses;
        target->clauses = try_clause_count(t);
    }
    try_append(t, &t->code->clauses, &clause, sizeof(clause));
}

void try_begin(struct translator *t)
{
    struct control *control = control_block(t, OPCODE_TRY_TABLE);
    if (control == NULL)
        return;
    uint32_t count = reader_u32(&t->reader);
    struct code_region region = {.start = emit_here(t),
                                 .parent = t->region,
                                 .first_clause = try_clause_count(t),
                                 .clause_count = count};
    for (uint32_t i = 0; i < count && t->status == STATUS_OK; i++) {
        struct decode_clause clause = decode_clause(&t->reader);
        if (!t->dead)
            try_add_clause(t, &clause);
    }
    if (t->dead || count == 0)
        return;
    t->has_last = false;
    control->has_region = true;
    t->region = try_region_count(t);
    try_append(t, &t->code->regions, &region, sizeof(region));
}

void try_end(struct translator *t)
{
    emit_flush(t);
    if (t->status != STATUS_OK)
        return;
    struct code_region *region = try_region(t, t->region);
    region->end = emit_here(t);
    t->region = region->parent;
}

void try_bind(struct translator *t, struct control *control)
{
    if (t->status != STATUS_OK)
        return;
    for (uint32_t i = control->clauses; i != NO_INDEX;) {
        struct code_clause *clause = try_clause(t, i);
        i = clause->target;
        clause->target = emit_here(t);
        clause->fuel = (int32_t)-t->executed;
    }
}

static void try_leave(struct translator *t, const struct instruction *leave)
{
    if (t->region != CODE_NO_REGION)
        control_save_pins(t);
    (void)emit_cell(t, leave);
    t->has_last = false;
    t->dead = true;
}

void try_throw(struct translator *t)
{
    uint32_t tag = reader_u32(&t->reader);
    uint32_t first = t->height - try_value_count(t, tag);
    value_settle(t, first);
    struct instruction leave = {
        .operation = OP_throw,
        .fields = {slot_of_height(t, first), t->height - first, tag, (uint64_t)t->executed},
        .wasm_offset = t->opcode_offset};
    try_leave(t, &leave);
}

void try_throw_ref(struct translator *t)
{
    value_settle(t, t->height - 1);
    struct instruction leave = {.operation = OP_throw_ref,
                                .fields = {slot_of_height(t, t->height - 1), (uint64_t)t->executed},
                                .wasm_offset = t->opcode_offset};
    try_leave(t, &leave);
}
