/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: try_table and throw; and, of the form before WebAssembly 3.0, try with its
 * catches, delegate and rethrow.
 *
 * Entering a try_table or a try leaves no cell, leaving a try a jump over its catches: clauses go
 * into a table of regions of code, which is read only when something is thrown. A clause leads
 * straight to its label, as a branch would: the unwinder puts what is caught into the label's home
 * slots.
 *
 * A catch is a clause that leads to the code behind it, another arm of its block. There the
 * exception itself lies below the values, for rethrow:
 *
 *   | operands below the try | exception | values of the tag | operands of the catch ...
 *
 * What such an arm leaves is moved down by one at its end, as by any branch. `delegate` makes the
 * search go on from the region that is innermost at its label.
 *
 * Invariant: wherever an exception may come from (calls and throws), pinned locals are in
 * their slots and everything executed has been charged. So a clause charges 0 - `executed`
 * at its label, which makes the sum exact.
 */
#include "engine/translate/translate.h"

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

/* The row of a clause, but for where it leads: values go to `height` and above. */
static struct code_clause try_clause_to(const struct translator *t, uint32_t tag, uint32_t height)
{
    struct code_clause clause = {
        .tag = tag,
        .next = CODE_NO_CLAUSE,
        .slot = slot_of_height(t, height),
        .value_count = tag == CODE_NO_TAG ? 0 : (uint16_t)try_value_count(t, tag),
        .reference_slot = CODE_NO_SLOT,
        .pin_count = (uint8_t)t->pin_count,
        .float_pin_count = (uint8_t)t->float_pin_count,
    };
    for (uint32_t i = 0; i < t->pin_count; i++)
        clause.pins[i] = (uint16_t)t->pins[i];
    for (uint32_t i = 0; i < t->float_pin_count; i++)
        clause.pins[MACHINE_INT_PINS + i] = (uint16_t)t->float_pins[i];
    return clause;
}

/* From here on exceptions are looked for in the region of this block first. */
static void try_open_region(struct translator *t, struct control *control, uint32_t first_clause)
{
    struct code_region region = {.start = emit_here(t),
                                 .parent = t->region,
                                 .next = t->region,
                                 .first_clause = first_clause};
    t->has_last = false;
    t->region = try_region_count(t);
    control->has_region = true;
    control->region = t->region;
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

/* ---- try_table ------------------------------------------------------------------------------- */

static void try_add_clause(struct translator *t, const struct decode_clause *read, bool is_last)
{
    /* Labels count from outside of the try_table. */
    struct control *target = control_at_depth(t, read->label + 1);
    uint32_t tag = read->is_all ? CODE_NO_TAG : read->tag;
    struct code_clause clause = try_clause_to(t, tag, target->height);
    if (read->with_reference)
        clause.reference_slot = (uint16_t)(clause.slot + clause.value_count);
    if (!is_last)
        clause.next = try_clause_count(t) + 1;
    if (target->opcode == OPCODE_LOOP) {
        clause.target = target->loop_target;
        clause.fuel = (int32_t)-target->loop_executed;
    } else {
        clause.target = target->clauses;
        target->clauses = try_clause_count(t);
    }
    try_append(t, &t->code->clauses, &clause, sizeof(clause));
}

static void try_begin_table(struct translator *t)
{
    struct control *control = control_block(t, OPCODE_TRY_TABLE);
    if (control == NULL)
        return;
    uint32_t count = reader_u32(&t->reader);
    uint32_t first = try_clause_count(t);
    for (uint32_t i = 0; i < count && t->status == STATUS_OK; i++) {
        struct decode_clause clause = decode_clause(&t->reader);
        if (!t->dead)
            try_add_clause(t, &clause, i + 1 == count);
    }
    if (!t->dead && count > 0)
        try_open_region(t, control, first);
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

/* ---- try ------------------------------------------------------------------------------------- */

static void try_begin(struct translator *t)
{
    struct control *control = control_block(t, OPCODE_TRY);
    if (control != NULL && !t->dead)
        try_open_region(t, control, CODE_NO_CLAUSE);
}

/* The clause that leads to the code behind it. */
static void try_add_catch(struct translator *t, struct control *control, uint32_t tag)
{
    if (t->status != STATUS_OK)
        return;
    uint32_t index = try_clause_count(t);
    struct code_clause clause = try_clause_to(t, tag, control->height + 1);
    clause.reference_slot = slot_of_height(t, control->height);
    clause.target = emit_here(t);
    if (control->opcode == OPCODE_TRY)
        try_region(t, control->region)->first_clause = index;
    else
        try_clause(t, control->last_clause)->next = index;
    control->opcode = OPCODE_CATCH;
    control->last_clause = index;
    try_append(t, &t->code->clauses, &clause, sizeof(clause));
}

static void try_catch(struct translator *t, uint32_t opcode)
{
    uint32_t tag = opcode == OPCODE_CATCH ? reader_u32(&t->reader) : CODE_NO_TAG;
    struct control *control = control_at_depth(t, 0);
    if (control->dead_entry)
        return;
    control_end_arm(t, control);
    if (control->has_region)
        try_end(t);
    control->has_region = false;
    control_begin_arm(t, control);
    t->executed = 0;
    try_add_catch(t, control, tag);
    value_push_temp(t, ENGINE_EXNREF);
    if (tag == CODE_NO_TAG)
        return;
    const struct engine_functype *type = module_tag_type(t->module, tag);
    control_push_temps(t, type->params, type->param_count);
}

static void try_delegate(struct translator *t)
{
    uint32_t depth = reader_u32(&t->reader);
    if (!control_at_depth(t, 0)->dead_entry && t->status == STATUS_OK) {
        /* Labels count from outside of the try. */
        const struct control *target = control_at_depth(t, depth + 1);
        uint32_t region = target->region;
        if (target->opcode == OPCODE_CATCH)
            region = try_region(t, region)->parent;
        try_region(t, t->region)->next = region;
    }
    control_end(t);
}

/* ---- throw ----------------------------------------------------------------------------------- */

static void try_leave(struct translator *t, const struct instruction *leave)
{
    if (t->region != CODE_NO_REGION)
        call_save_pins(t);
    (void)emit_cell(t, leave);
    t->has_last = false;
    t->dead = true;
}

static void try_throw(struct translator *t)
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

/* The exception is at home at `height`. */
static void try_throw_from(struct translator *t, uint32_t height)
{
    struct instruction leave = {.operation = OP_throw_ref,
                                .fields = {slot_of_height(t, height), (uint64_t)t->executed},
                                .wasm_offset = t->opcode_offset};
    try_leave(t, &leave);
}

void try_translate(struct translator *t, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_TRY_TABLE:
        try_begin_table(t);
        return;
    case OPCODE_TRY:
        try_begin(t);
        return;
    case OPCODE_CATCH:
    case OPCODE_CATCH_ALL:
        try_catch(t, opcode);
        return;
    case OPCODE_DELEGATE:
        try_delegate(t);
        return;
    case OPCODE_THROW:
        try_throw(t);
        return;
    case OPCODE_RETHROW:
        emit_flush(t);
        try_throw_from(t, control_at_depth(t, reader_u32(&t->reader))->height);
        return;
    default:
        ASSERT(opcode == OPCODE_THROW_REF);
        value_settle(t, t->height - 1);
        try_throw_from(t, t->height - 1);
    }
}
