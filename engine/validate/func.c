/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function bodies, one pass each, no recursion; instructions whose types depend on their immediate
 * or on the stack, unless they are of control or on objects.
 */
#include "engine/validate/func.h"

#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/validate/control.h"
#include "engine/validate/immediate.h"
#include "engine/validate/locals.h"
#include "engine/validate/name.h"
#include "engine/validate/object.h"
#include "engine/validate/stack.h"

/* Comparisons of types that are not equal: vectors of a thousand references, compared at each
 * branch, could cost far more than the bytes that ask for it. */
#define MATCHES_MIN      100000u
#define MATCHES_PER_BYTE 16u

/* ---- locals, globals, tables, references ----------------------------------------------------- */

static void check_global(struct validator *v, bool is_set)
{
    uint32_t index = validate_check_index(v, v->module->global_count, "global");
    if (reader_failed(&v->reader))
        return;
    const struct module_global *global = &v->module->globals[index];
    if (!is_set)
        return validate_push(v, global->type);
    if (!global->is_mutable)
        validate_fail(v, STATUS_INVALID, "immutable global: %u cannot be set", index);
    validate_pop(v, global->type);
}

static void check_select(struct validator *v)
{
    validate_pop(v, ENGINE_I32);
    uint32_t second = validate_pop_any(v);
    uint32_t first = validate_pop_any(v);
    if (engine_type_is_reference(first) || engine_type_is_reference(second))
        validate_fail_mismatch(v, "numbers if it names no type",
                               engine_type_is_reference(first) ? first : second);
    if (first != second && first != VALIDATE_UNKNOWN && second != VALIDATE_UNKNOWN)
        validate_fail_mismatch(v, engine_type_text(first).text, second);
    validate_push(v, first == VALIDATE_UNKNOWN ? second : first);
}

static void check_select_typed(struct validator *v)
{
    uint32_t count = reader_u32(&v->reader);
    if (count != 1 && !reader_failed(&v->reader))
        return validate_fail(v, STATUS_INVALID, "invalid result arity: select with %u types",
                             count);
    uint32_t type = decode_value_type(&v->reader, v->module);
    validate_pop(v, ENGINE_I32);
    validate_pop(v, type);
    validate_pop(v, type);
    validate_push(v, type);
}

static void check_ref_func(struct validator *v)
{
    uint32_t index = validate_check_index(v, v->module->func_count, "function");
    if (!reader_failed(&v->reader) && !v->module->funcs[index].declared)
        validate_fail(v, STATUS_INVALID,
                      "undeclared function reference: %u is in no element segment, "
                      "global or export",
                      index);
    validate_push(v, reader_failed(&v->reader) ? TYPES_BOTTOM_REF
                                               : module_func_reference(v->module, index));
}

static void check_ref_is_null(struct validator *v)
{
    (void)validate_pop_reference(v);
    validate_push(v, ENGINE_I32);
}

static void check_table_get(struct validator *v)
{
    const struct module_table *table = validate_read_table(v);
    validate_pop(v, validate_address_type(table->is_64));
    validate_push(v, table->type);
}

static void check_table_set(struct validator *v)
{
    const struct module_table *table = validate_read_table(v);
    validate_pop(v, table->type);
    validate_pop(v, validate_address_type(table->is_64));
}

static void check_table_grow(struct validator *v)
{
    const struct module_table *table = validate_read_table(v);
    validate_pop(v, validate_address_type(table->is_64));
    validate_pop(v, table->type);
    validate_push(v, validate_address_type(table->is_64));
}

static void check_table_fill(struct validator *v)
{
    const struct module_table *table = validate_read_table(v);
    validate_pop(v, validate_address_type(table->is_64));
    validate_pop(v, table->type);
    validate_pop(v, validate_address_type(table->is_64));
}

/* A count is as wide as the smaller of two address types. */
static void check_copy(struct validator *v, bool to_is_64, bool from_is_64)
{
    validate_pop(v, validate_address_type(to_is_64 && from_is_64));
    validate_pop(v, validate_address_type(from_is_64));
    validate_pop(v, validate_address_type(to_is_64));
}

static void check_table_copy(struct validator *v)
{
    const struct module_table *to = validate_read_table(v);
    const struct module_table *from = validate_read_table(v);
    if (!reader_failed(&v->reader) && !validate_matches(v, from->type, to->type))
        validate_fail_mismatch(v, engine_type_text(to->type).text, from->type);
    check_copy(v, to->is_64, from->is_64);
}

static void check_memory_copy(struct validator *v)
{
    bool to_is_64 = validate_read_memory(v);
    bool from_is_64 = validate_read_memory(v);
    check_copy(v, to_is_64, from_is_64);
}

/* Wide arithmetic: the only instructions with two results. */
static void check_wide(struct validator *v, unsigned operands)
{
    for (unsigned i = 0; i < operands; i++)
        validate_pop(v, ENGINE_I64);
    validate_push(v, ENGINE_I64);
    validate_push(v, ENGINE_I64);
}

/* Instructions whose types depend on their immediate or on the stack. */
static void check_special(struct validator *v, uint32_t code)
{
    uint32_t type;
    switch ((enum opcode)code) {
    case OPCODE_LOCAL_GET:
        return validate_push(v, validate_read_local(v));
    case OPCODE_LOCAL_SET:
        return validate_pop(v, validate_set_local(v));
    case OPCODE_LOCAL_TEE:
        type = validate_set_local(v);
        validate_pop(v, type);
        return validate_push(v, type);
    case OPCODE_DROP:
        (void)validate_pop_any(v);
        return;
    case OPCODE_SELECT:
        return check_select(v);
    case OPCODE_SELECT_T:
        return check_select_typed(v);
    case OPCODE_GLOBAL_GET:
    case OPCODE_GLOBAL_SET:
        return check_global(v, code == OPCODE_GLOBAL_SET);
    case OPCODE_TABLE_GET:
        return check_table_get(v);
    case OPCODE_TABLE_SET:
        return check_table_set(v);
    case OPCODE_TABLE_GROW:
        return check_table_grow(v);
    case OPCODE_TABLE_FILL:
        return check_table_fill(v);
    case OPCODE_TABLE_COPY:
        return check_table_copy(v);
    case OPCODE_MEMORY_COPY:
        return check_memory_copy(v);
    case OPCODE_I64_ADD128:
    case OPCODE_I64_SUB128:
        return check_wide(v, 4);
    case OPCODE_I64_MUL_WIDE_S:
    case OPCODE_I64_MUL_WIDE_U:
        return check_wide(v, 2);
    case OPCODE_REF_NULL:
        return validate_push(v, decode_heap_type(&v->reader, v->module));
    case OPCODE_REF_IS_NULL:
        return check_ref_is_null(v);
    case OPCODE_REF_FUNC:
        return check_ref_func(v);
    case OPCODE_REF_AS_NON_NULL:
        return validate_push(v, validate_pop_reference(v) | ENGINE_TYPE_NON_NULL);
    default:
        if (code == OPCODE_REF_EQ || (code >= OPCODE_STRUCT_NEW && code <= OPCODE_I31_GET_U))
            return validate_check_object(v, code);
        return validate_check_control(v, code);
    }
}

/* ---- the body -------------------------------------------------------------------------------- */

static void check_prefixed(struct validator *v, uint32_t prefix)
{
    uint32_t code = decode_prefixed_opcode(&v->reader, prefix);
    if (reader_failed(&v->reader))
        return;
    if (opcode_row(code) == NULL) {
        v->reader.at = v->instruction;
        return decode_refuse_opcode(&v->reader, code);
    }
    const struct validate_rule *rule = &v->rules.rows[OPCODE_ROW_OF(code)];
    if (rule->action == VALIDATE_SPECIAL)
        return check_special(v, code);
    if (rule->action != IMMEDIATE_NONE && validate_check_immediate(v, rule->action))
        validate_apply_wide(v, rule);
    else
        validate_apply(v, rule);
}

static void check_code(struct validator *v)
{
    while (v->reader.at < v->reader.end) {
        v->instruction = v->reader.at;
        uint8_t code = *v->reader.at++;
        const struct validate_rule *rule = &v->rules.rows[code];
        /* A third of all instructions. */
        if (code == OPCODE_LOCAL_GET) {
            validate_push(v, validate_read_local(v));
            continue;
        }
        switch (rule->action) {
        case IMMEDIATE_NONE:
            break;
        case IMMEDIATE_I32:
            (void)reader_s32(&v->reader);
            break;
        case VALIDATE_SPECIAL:
            check_special(v, code);
            continue;
        case IMMEDIATE_MEMARG0:
        case IMMEDIATE_MEMARG1:
        case IMMEDIATE_MEMARG2:
        case IMMEDIATE_MEMARG3:
            if (LIKELY(!validate_check_memarg(v, rule->action - IMMEDIATE_MEMARG0)))
                break;
            validate_apply_wide(v, rule);
            continue;
        case VALIDATE_PREFIX:
            check_prefixed(v, code);
            continue;
        case VALIDATE_ILLEGAL:
            v->reader.at = v->instruction;
            decode_refuse_opcode(&v->reader, code);
            continue;
        default:
            if (!validate_check_immediate(v, rule->action))
                break;
            validate_apply_wide(v, rule);
            continue;
        }
        validate_apply(v, rule);
    }
}

static void check_body(struct validator *v)
{
    v->instruction = v->reader.at;
    validate_read_locals(v);
    if (reader_failed(&v->reader))
        return;
    validate_expand_locals(v);
    v->matches_left = MATCHES_MIN + MATCHES_PER_BYTE * reader_left(&v->reader);
    v->top = v->values;
    v->limit = v->values + (MODULE_MAX_FRAME_SLOTS - v->local_count);
    v->frame_count = 0;
    /* The parameters are locals: the function's frame begins empty. */
    struct validate_block body = {.results = v->type->results,
                                  .result_count = v->type->result_count};
    validate_push_frame(v, OPCODE_BLOCK, &body);
    check_code(v);
    if (!reader_failed(&v->reader) && v->frame_count > 0)
        reader_fail(&v->reader, STATUS_MALFORMED, "END opcode expected");
}

/* ---- all bodies ------------------------------------------------------------------------------ */

static enum status fail_in_func(const struct validator *v, uint32_t index, struct report *report)
{
    const struct report *inner = v->reader.report;
    struct bytes name = {0};
    if (v->module->func_names != NULL)
        name = v->module->func_names[index];
    if (name.count == 0)
        return report_fail(report, inner->status, inner->offset, "%.300s, in function %u",
                           inner->text, index);
    return report_fail(report, inner->status, inner->offset, "%.300s, in function %u (%s)",
                       inner->text, index, validate_name_text(name).text);
}

static bool validator_init(struct validator *v, const struct module *module)
{
    v->module = module;
    v->memory_is_32 = module->memory_count > 0 && !module->memories[0].is_64;
    size_t value_bytes = (VALIDATE_WINDOW + MODULE_MAX_FRAME_SLOTS + 1) * sizeof(uint32_t);
    buffer_init(&v->value_bytes, value_bytes);
    buffer_init(&v->frame_bytes, (MODULE_MAX_NESTING + 1) * sizeof(struct validate_frame));
    validate_init_locals(v);
    validate_rules_init(&v->rules);
    if (buffer_reserve(&v->value_bytes, value_bytes) != STATUS_OK)
        return false;
    v->values = (uint32_t *)(void *)v->value_bytes.data + VALIDATE_WINDOW;
    for (int i = 1; i <= VALIDATE_WINDOW; i++)
        v->values[-i] = VALIDATE_UNKNOWN;
    return true;
}

static void validator_done(struct validator *v)
{
    buffer_done(&v->value_bytes);
    buffer_done(&v->frame_bytes);
    buffer_done(&v->local_runs);
    buffer_done(&v->expanded);
    buffer_done(&v->set_locals);
}

enum status
validate_funcs(const struct module *module, struct module_range range, struct report *report)
{
    uint32_t first = MAX(range.first, module->imported_func_count);
    if (first >= range.end)
        return STATUS_OK;
    struct validator v = {0};
    struct report inner = REPORT_INIT;
    enum status status = STATUS_OK;
    if (!validator_init(&v, module))
        status = report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    for (uint32_t i = first; i < range.end && status == STATUS_OK; i++) {
        const uint8_t *body = module->wasm.data + module->funcs[i].body_offset;
        v.reader = reader_make(module->wasm.data, body, body + module->funcs[i].body_bytes, &inner);
        v.type = module_func_type(module, i);
        check_body(&v);
        if (reader_failed(&v.reader))
            status = fail_in_func(&v, i, report);
    }
    validator_done(&v);
    return status;
}
