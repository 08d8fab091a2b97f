/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator's outer loops: functions of a module, stubs of its imports, instructions
 * of a function.
 *
 *   code of one function:  | locals u32 | zero locals | load pins | body ... |
 *                                       ^ entry
 */
#include "engine/translate/translate.h"

#include <stdlib.h>

#define TRANSLATE_CELLS_MAX ((size_t)1 << 30) /* distances between cells are 32 bits */

/* A straight run of so many instructions charges and tests fuel on its way: it bounds how
 * long a slice can overrun. */
#define TRANSLATE_LONG_RUN 4096

/* ---- reading validated code ------------------------------------------------------------------ */

uint32_t translate_read_prefixed(struct reader *reader, uint32_t prefix)
{
    return (prefix << 8) + reader_u32(reader);
}

/* ---- locals ---------------------------------------------------------------------------------- */

static bool translate_reserve_locals(struct translator *t, uint32_t count)
{
    if (count <= t->locals_capacity)
        return true;
    uint8_t *types = realloc(t->local_types, count);
    if (types != NULL)
        t->local_types = types;
    uint8_t *places = realloc(t->local_places, count);
    if (places != NULL)
        t->local_places = places;
    bool *zero = realloc(t->local_zero, count * sizeof(*zero));
    if (zero != NULL)
        t->local_zero = zero;
    uint32_t *refs = realloc(t->local_refs, count * sizeof(*refs));
    if (refs != NULL)
        t->local_refs = refs;
    uint32_t *slots = realloc(t->local_slots, count * sizeof(*slots));
    if (slots != NULL)
        t->local_slots = slots;
    if (types == NULL || places == NULL || zero == NULL || refs == NULL || slots == NULL) {
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
        return false;
    }
    t->locals_capacity = count;
    return true;
}

/* The types of the locals, so far by index, come to their slots. */
static bool translate_spread_vectors(struct translator *t, uint32_t count)
{
    uint32_t slots = count;
    for (uint32_t i = 0; i < count; i++)
        slots += t->local_types[i] == ENGINE_V128;
    if (slots + 2 >= MODULE_MAX_FRAME_SLOTS) {
        emit_fail(t, STATUS_LIMIT, "locals need more slots than a frame has");
        return false;
    }
    if (!translate_reserve_locals(t, slots))
        return false;
    t->local_count = slots;
    /* From the end: no local moves down. */
    for (uint32_t i = count; i-- > 0;) {
        uint8_t type = t->local_types[i];
        if (type == ENGINE_V128)
            t->local_types[--slots] = TYPE_UPPER_HALF;
        t->local_types[--slots] = type;
        t->local_slots[i] = slots;
    }
    return true;
}

/* Reads the declarations; two passes, the first only counts. */
static bool translate_read_locals(struct translator *t)
{
    struct reader counting = t->reader;
    uint32_t runs = reader_u32(&counting);
    uint32_t count = t->type->param_count;
    for (uint32_t i = 0; i < runs; i++) {
        count += reader_u32(&counting);
        (void)decode_value_type(&counting, t->module);
    }
    t->locals_total += count;
    if (t->locals_total > MODULE_MAX_LOCALS_TOTAL) {
        emit_fail(t, STATUS_LIMIT, "more than 10,000,000 locals in all functions together");
        return false;
    }
    if (!translate_reserve_locals(t, count))
        return false;
    t->local_count = count;
    t->has_vectors = false;
    for (uint32_t i = 0; i < t->type->param_count; i++) {
        t->local_types[i] = type_class(t->type->params[i]);
        t->has_vectors |= t->local_types[i] == ENGINE_V128;
    }
    uint32_t next = t->type->param_count;
    (void)reader_u32(&t->reader);
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t length = reader_u32(&t->reader);
        uint8_t type = type_class(decode_value_type(&t->reader, t->module));
        if (length > 0)
            memset(t->local_types + next, type, length);
        t->has_vectors |= type == ENGINE_V128;
        next += length;
    }
    if (t->has_vectors && !translate_spread_vectors(t, count))
        return false;
    if (count > 0) {
        memset(t->local_places, PLACE_S, t->local_count);
        memset(t->local_zero, 0, t->local_count * sizeof(*t->local_zero));
        memset(t->local_refs, 0, t->local_count * sizeof(*t->local_refs));
    }
    return true;
}

/* Runs of locals to be zeroed are one run if no more others than this are between them. */
#define TRANSLATE_ZERO_GAP 8

static void translate_zero_run(struct translator *t, uint32_t first, uint32_t count)
{
    static const enum operation by_count[] = {OP_zero_1, OP_zero_2, OP_zero_3, OP_zero_4};
    struct instruction zero = {.operation = OP_zero_many, .fields = {first, count}};
    if (count <= COUNT_OF(by_count))
        zero.operation = by_count[count - 1];
    (void)emit_cell(t, &zero);
}

static bool translate_needs_zero(const struct translator *t, uint32_t slot)
{
    return t->local_zero[slot - (t->local_types[slot] == TYPE_UPPER_HALF)];
}

static void translate_zero_locals(struct translator *t)
{
    uint32_t first = 0;
    uint32_t end = 0; /* of the run; 0: none yet */
    uint32_t params = engine_slot_count(t->type->params, t->type->param_count);
    for (uint32_t slot = params; slot < t->local_count; slot++) {
        if (!translate_needs_zero(t, slot))
            continue;
        if (end != 0 && slot - end > TRANSLATE_ZERO_GAP) {
            translate_zero_run(t, first, end - first);
            end = 0;
        }
        if (end == 0)
            first = slot;
        end = slot + 1;
    }
    if (end != 0)
        translate_zero_run(t, first, end - first);
}

/* ---- functions ------------------------------------------------------------------------------- */

/* The header and, behind it, the entry. */
static void translate_begin_code(struct translator *t)
{
    uint32_t header = emit_words(t, 1);
    if (t->status != STATUS_OK)
        return;
    memcpy(t->code->cells.data + header, &t->local_count, sizeof(t->local_count));
    t->code->entries[t->func_index] = emit_here(t);
    t->executed = 0;
    t->has_pending = false;
    t->has_last = false;
}

static void translate_instruction(struct translator *t)
{
    t->opcode_offset = reader_offset(&t->reader);
    uint32_t opcode = translate_read_opcode(&t->reader);
    if (UNLIKELY(t->dead)) {
        control_translate(t, opcode);
        return;
    }
    if (!translate_is_free(opcode)) {
        if (UNLIKELY(t->executed >= TRANSLATE_LONG_RUN))
            emit_charge(t);
        t->executed++;
    }
    if (opcode == OPCODE_LOCAL_GET) { /* a third of all instructions */
        uint32_t local = local_slot(t, reader_u32(&t->reader));
        value_push_whole(
            t, (struct value){.kind = VALUE_LOCAL, .type = t->local_types[local], .local = local});
    } else if (!simple_translate(t, opcode)) {
        control_translate(t, opcode);
    }
}

static void translate_body(struct translator *t)
{
    const struct module_func *func = &t->module->funcs[t->func_index];
    const uint8_t *wasm = t->module->wasm.data;
    t->reader = reader_make(wasm, wasm + func->body_offset,
                            wasm + func->body_offset + func->body_bytes, t->report);
    if (!translate_read_locals(t))
        return;
    pins_choose(t);
    translate_begin_code(t);
    translate_zero_locals(t);
    call_load_pins(t);
    t->has_last = false;
    t->height = 0;
    t->height_limit = 0;
    t->settled = 0;
    t->fixup_count = 0;
    t->region = CODE_NO_REGION;
    t->control_count = 0;
    t->dead = false;
    control_begin_function(t);
    while (t->control_count > 0 && t->status == STATUS_OK) {
        translate_instruction(t);
        if (reader_failed(&t->reader))
            t->status = t->reader.status;
    }
    emit_flush(t);
}

/* A stub: call the import, bring its results where a caller looks for them, return. */
static void translate_stub(struct translator *t)
{
    uint32_t params = engine_slot_count(t->type->params, t->type->param_count);
    uint32_t results = t->result_slots;
    t->local_count = MAX(params, results);
    translate_begin_code(t);
    enum control_result class = control_result_of(*t->type);
    struct instruction call = {.operation = OP_import_call,
                               .fields = {class, t->local_count, params, t->func_index}};
    (void)emit_cell(t, &call);
    bool many = class == CONTROL_RESULT_MANY;
    struct instruction copy = {.operation = OP_import_return,
                               .fields = {t->local_count, many ? results : 0}};
    (void)emit_cell(t, &copy);
    struct instruction leave = {.operation = OP_return_none, .fields = {t->local_count, 0}};
    if (many) {
        leave = (struct instruction){.operation = OP_return_many,
                                     .fields = {0, results, t->local_count}};
    } else if (class != CONTROL_RESULT_NONE) {
        bool is_float = class == CONTROL_RESULT_FLOAT;
        leave.operation = is_float ? OP_return_f64 : OP_return_i64; /* from the accumulator */
    }
    (void)emit_cell(t, &leave);
}

static void translate_done(struct translator *t)
{
    free(t->local_types);
    free(t->local_refs);
    free(t->local_slots);
    free(t->local_places);
    free(t->local_zero);
    free(t->values);
    free(t->controls);
    free(t->fixups);
    free(t->calls);
}

/*
 * Room for what a module usually becomes, at once: growing would copy it over and over, and
 * pages that are never written cost nothing.
 */
static enum status translate_reserve_code(const struct module *module, struct code *code)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < module->func_count; i++)
        bytes += module->funcs[i].body_bytes;
    buffer_init(&code->cells, TRANSLATE_CELLS_MAX);
    buffer_init(&code->marks, TRANSLATE_CELLS_MAX);
    buffer_init(&code->regions, TRANSLATE_CELLS_MAX);
    buffer_init(&code->clauses, TRANSLATE_CELLS_MAX);
    enum status status = buffer_reserve(&code->cells, MIN(bytes * 3, TRANSLATE_CELLS_MAX));
    if (status == STATUS_OK)
        status = buffer_reserve(&code->marks, MIN(bytes, TRANSLATE_CELLS_MAX));
    return status;
}

enum status translate_module(struct module *module,
                             const struct engine_options *options,
                             struct report *report,
                             struct code *ret_code)
{
    struct translator t = {
        .module = module, .report = report, .options = options, .code = ret_code};
    t.pending = &t.instructions[0];
    t.spare = &t.instructions[1];
    enum status status = translate_reserve_code(module, ret_code);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "no memory for the threaded code of this module");
    ret_code->entries = ARENA_ARRAY(&module->arena, uint32_t, MAX(module->func_count, 1u));
    if (ret_code->entries == NULL)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "too many functions for the memory allowed");
    for (uint32_t i = 0; i < module->func_count && t.status == STATUS_OK; i++) {
        t.func_index = i;
        t.type = module_func_type(module, i);
        t.result_slots = engine_slot_count(t.type->results, t.type->result_count);
        if (i < module->imported_func_count)
            translate_stub(&t);
        else
            translate_body(&t);
    }
    emit_resolve_calls(&t);
    translate_done(&t);
    return t.status;
}

void code_done(struct code *code)
{
    buffer_done(&code->cells);
    buffer_done(&code->marks);
    buffer_done(&code->regions);
    buffer_done(&code->clauses);
}
