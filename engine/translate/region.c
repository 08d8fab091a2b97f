/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of regions of code in which exceptions are caught, and that of their clauses.
 *
 * Where a clause leads that goes to the end of a block is known when the block ends: until then
 * such clauses are a list, by their targets.
 */
#include "engine/translate/region.h"

#include "engine/emit/emit.h"
#include "engine/emit/hold.h"
#include "engine/emit/value.h"

struct code_region *region_at(const struct translator *t, uint32_t index)
{
    return &((struct code_region *)(void *)t->output.code->regions.data)[index];
}

struct code_clause *region_clause_at(const struct translator *t, uint32_t index)
{
    return &((struct code_clause *)(void *)t->output.code->clauses.data)[index];
}

static uint32_t region_count(const struct translator *t)
{
    return (uint32_t)(t->output.code->regions.count / sizeof(struct code_region));
}

uint32_t region_clause_count(const struct translator *t)
{
    return (uint32_t)(t->output.code->clauses.count / sizeof(struct code_clause));
}

static void
region_append(struct translator *t, struct buffer *buffer, const void *row, size_t bytes)
{
    if (t->status != STATUS_OK)
        return;
    enum status status = buffer_append(buffer, row, bytes);
    if (status != STATUS_OK)
        emit_fail(t, status, "too many catch clauses");
}

uint32_t region_value_count(const struct translator *t, uint32_t tag)
{
    const struct engine_functype *type = module_tag_type(t->module, tag);
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->param_count; i++)
        count += type->params[i] == ENGINE_V128 ? 2 : 1;
    return count;
}

struct code_clause region_clause_to(const struct translator *t, uint32_t tag, uint32_t height)
{
    struct code_clause clause = {
        .tag = tag,
        .next = CODE_NO_CLAUSE,
        .slot = slot_of_height(t, height),
        .value_count = tag == CODE_NO_TAG ? 0 : (uint16_t)region_value_count(t, tag),
        .reference_slot = CODE_NO_SLOT,
        .pin_count = (uint8_t)t->pins.count,
        .float_pin_count = (uint8_t)t->pins.float_count,
    };
    for (uint32_t i = 0; i < t->pins.count; i++)
        clause.pins[i] = (uint16_t)t->pins.locals[i];
    for (uint32_t i = 0; i < t->pins.float_count; i++)
        clause.pins[MACHINE_INT_PINS + i] = (uint16_t)t->pins.float_locals[i];
    return clause;
}

void region_add_clause(struct translator *t, const struct code_clause *clause)
{
    region_append(t, &t->output.code->clauses, clause, sizeof(*clause));
}

void region_open(struct translator *t, struct control *control, uint32_t first_clause)
{
    struct code_region region = {.start = emit_here(t),
                                 .parent = t->blocks.region,
                                 .next = t->blocks.region,
                                 .first_clause = first_clause};
    t->output.has_last = false;
    t->blocks.region = region_count(t);
    control->has_region = true;
    control->region = t->blocks.region;
    region_append(t, &t->output.code->regions, &region, sizeof(region));
}

void region_end(struct translator *t)
{
    hold_flush(t);
    if (t->status != STATUS_OK)
        return;
    struct code_region *region = region_at(t, t->blocks.region);
    region->end = emit_here(t);
    t->blocks.region = region->parent;
}

void region_bind(struct translator *t, struct control *control)
{
    if (t->status != STATUS_OK)
        return;
    for (uint32_t i = control->clauses; i != NO_INDEX;) {
        struct code_clause *clause = region_clause_at(t, i);
        i = clause->target;
        clause->target = emit_here(t);
        clause->fuel = (int32_t)-t->executed;
    }
}
