/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that was made in parts becomes one.
 *
 * Cells count from themselves, so they stay as they are wherever they come; what is beside them
 * counts from the beginning of its part, and moves. A call has its callee's index until now.
 */
#include "engine/native/native.h"
#include "engine/ops/ops.h"
#include "engine/run/frames.h"
#include "engine/translate/translate.h"

/* Where `call` and `return_call` keep their target; `call` keeps the callee's locals too. */
#define JOIN_CALL_LOCALS        6
#define JOIN_CALL_TARGET        12
#define JOIN_RETURN_CALL_TARGET 14

static void join_move(uint32_t *index, uint32_t none, size_t by)
{
    if (*index != none)
        *index += (uint32_t)by;
}

static void join_move_marks(struct buffer *marks, uint32_t cells)
{
    struct code_mark *mark = (void *)marks->data;
    for (size_t i = 0; i < marks->count / sizeof(*mark); i++)
        mark[i].cell_offset += cells;
}

static void
join_move_regions(struct buffer *regions, uint32_t cells, size_t regions_before, size_t clauses)
{
    struct code_region *region = (void *)regions->data;
    for (size_t i = 0; i < regions->count / sizeof(*region); i++) {
        region[i].start += cells;
        region[i].end += cells;
        join_move(&region[i].parent, CODE_NO_REGION, regions_before);
        join_move(&region[i].next, CODE_NO_REGION, regions_before);
        join_move(&region[i].first_clause, CODE_NO_CLAUSE, clauses);
    }
}

static void join_move_clauses(struct buffer *clauses, uint32_t cells, size_t clauses_before)
{
    struct code_clause *clause = (void *)clauses->data;
    for (size_t i = 0; i < clauses->count / sizeof(*clause); i++) {
        clause[i].target += cells;
        join_move(&clause[i].next, CODE_NO_CLAUSE, clauses_before);
    }
}

static void join_move_calls(struct buffer *calls, uint32_t cells)
{
    uint32_t *cell = (void *)calls->data;
    for (size_t i = 0; i < calls->count / sizeof(*cell); i++)
        cell[i] += cells;
}

static enum status join_append(struct code *whole, const struct code *part)
{
    struct buffer *const to[] = {&whole->cells,   &whole->marks, &whole->regions,
                                 &whole->clauses, &whole->calls, &whole->handlers};
    const struct buffer *const from[COUNT_OF(to)] = {&part->cells,   &part->marks, &part->regions,
                                                     &part->clauses, &part->calls, &part->handlers};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(to) && status == STATUS_OK; i++)
        status = buffer_append(to[i], from[i]->data, from[i]->count);
    return status;
}

static enum status join_part(struct code *whole, struct module_range range, struct code *part)
{
    uint32_t cells = (uint32_t)whole->cells.count;
    size_t regions = whole->regions.count / sizeof(struct code_region);
    size_t clauses = whole->clauses.count / sizeof(struct code_clause);
    for (uint32_t i = range.first; i < range.end; i++)
        whole->entries[i] += cells;
    join_move_marks(&part->marks, cells);
    join_move_regions(&part->regions, cells, regions, clauses);
    join_move_clauses(&part->clauses, cells, clauses);
    join_move_calls(&part->calls, cells);
    whole->frame_slots = MAX(whole->frame_slots, part->frame_slots);
    whole->local_count += part->local_count;
    enum status status = join_append(whole, part);
    code_done(part);
    return status;
}

static void join_resolve_calls(struct code *code)
{
    static const uint8_t no_places[OPS_OPERANDS_MAX];
    int32_t return_call = operation_handler(OP_return_call, no_places);
    const uint32_t *calls = (const void *)code->calls.data;
    for (size_t i = 0; i < code->calls.count / sizeof(*calls); i++) {
        uint8_t *cell = code->cells.data + calls[i];
        bool is_call = (int32_t)dispatch_field32(cell) != return_call;
        uint8_t *target = cell + (is_call ? JOIN_CALL_TARGET : JOIN_RETURN_CALL_TARGET);
        uint32_t entry = code->entries[dispatch_field32(target)];
        uint32_t distance = entry - calls[i];
        memcpy(target, &distance, sizeof(distance));
        uint16_t locals = (uint16_t)dispatch_field32(code->cells.data + entry - CODE_LOCALS_BYTES);
        if (is_call)
            memcpy(cell + JOIN_CALL_LOCALS, &locals, sizeof(locals));
    }
}

/* What a host function is called with from outside lies on the stack without a frame of ours. */
static void join_count_imports(const struct module *module, struct code *code)
{
    for (uint32_t i = 0; i < module->imported_func_count; i++) {
        const struct engine_functype *type = module_func_type(module, i);
        uint32_t params = engine_slot_count(type->params, type->param_count);
        uint32_t results = engine_slot_count(type->results, type->result_count);
        code->frame_slots = MAX(code->frame_slots, MAX(params, results));
    }
}

enum status translate_join(struct module *module,
                           const struct module_range *ranges,
                           struct code *parts,
                           uint32_t count,
                           const struct engine_options *options,
                           struct report *report)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 1; i < count && status == STATUS_OK; i++)
        status = join_part(&parts[0], ranges[i], &parts[i]);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "threaded code too large");
    if (parts[0].local_count > MODULE_MAX_LOCALS_TOTAL)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE, TRANSLATE_TOO_MANY_LOCALS);
    join_count_imports(module, &parts[0]);
    join_resolve_calls(&parts[0]);
    if (options->native != ENGINE_NATIVE_OFF && native_is_built())
        native_emit(module, options, &parts[0]);
    return STATUS_OK;
}
