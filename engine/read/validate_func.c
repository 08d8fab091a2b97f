/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function bodies, one pass each, no recursion; instructions that touch locals, globals,
 * tables, memory and references. The rest: validate_stack.c, validate_control.c.
 *
 * Locals are expanded into an array only as far as the body is long: runs of a few bytes
 * may declare 50,000 of them, in each of a million functions.
 */
#include <inttypes.h>

#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/read/validate_body.h"

/* Locals that are looked up by index instead of by search: some, and 8 per body byte. */
#define EXPANDED_LOCALS_MIN      256u
#define EXPANDED_LOCALS_PER_BYTE 8u

/* Comparisons of types that are not equal: vectors of a thousand references, compared at each
 * branch, could cost far more than the bytes that ask for it. */
#define MATCHES_MIN      100000u
#define MATCHES_PER_BYTE 16u

/* Locals up to `end` and not in an earlier run. */
struct local_run {
    uint32_t end;
    uint32_t type;
};

/* ---- locals, globals, tables, references ----------------------------------------------------- */

static uint32_t local_type_slow(struct validator *v, uint32_t index)
{
    if (index >= v->local_count) {
        validate_fail(v, STATUS_INVALID, "unknown local %u: there are %u", index, v->local_count);
        return VALIDATE_UNKNOWN;
    }
    const struct local_run *runs = (const void *)v->local_runs.data;
    size_t low = 0;
    size_t high = v->local_runs.count / sizeof(*runs) - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (index < runs[middle].end)
            high = middle;
        else
            low = middle + 1;
    }
    return runs[low].type;
}

static uint32_t read_local_slow(struct validator *v, uint32_t index)
{
    uint32_t type = index < v->expanded_count ? v->locals[index] : local_type_slow(v, index);
    if ((type & VALIDATE_UNSET) != 0)
        validate_fail(v, STATUS_INVALID, "uninitialized local: %u has no value yet", index);
    return type & ~VALIDATE_UNSET;
}

/* Type of the local named next, which must have a value. */
static inline uint32_t read_local(struct validator *v)
{
    uint32_t index = reader_u32(&v->reader);
    if (LIKELY(index < v->expanded_count && (v->locals[index] & VALIDATE_UNSET) == 0))
        return v->locals[index];
    return read_local_slow(v, index);
}

static uint32_t set_local_slow(struct validator *v, uint32_t index)
{
    if (index >= v->expanded_count)
        return local_type_slow(v, index);
    if (buffer_append(&v->set_locals, &index, sizeof(index)) != STATUS_OK)
        validate_fail(v, STATUS_NO_MEMORY, "out of memory");
    v->locals[index] &= ~VALIDATE_UNSET;
    return v->locals[index];
}

/* Type of the local named next, which has a value from now on. */
static inline uint32_t read_local_to_set(struct validator *v)
{
    uint32_t index = reader_u32(&v->reader);
    if (LIKELY(index < v->expanded_count && (v->locals[index] & VALIDATE_UNSET) == 0))
        return v->locals[index];
    return set_local_slow(v, index);
}

void validate_unset_locals(struct validator *v, uint32_t count)
{
    const uint32_t *set = (const uint32_t *)(const void *)v->set_locals.data;
    for (size_t i = count; i < v->set_locals.count / sizeof(*set); i++)
        v->locals[set[i]] |= VALIDATE_UNSET;
    v->set_locals.count = count * sizeof(*set);
}

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

/* The table named next; one of VALIDATE_UNKNOWN after a failure. */
static const struct module_table *read_table(struct validator *v)
{
    static const struct module_table unknown = {.type = VALIDATE_UNKNOWN};
    uint32_t index = validate_check_index(v, v->module->table_count, "table");
    return reader_failed(&v->reader) ? &unknown : &v->module->tables[index];
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
    const struct module_table *table = read_table(v);
    validate_pop(v, validate_address_type(table->is_64));
    validate_push(v, table->type);
}

static void check_table_set(struct validator *v)
{
    const struct module_table *table = read_table(v);
    validate_pop(v, table->type);
    validate_pop(v, validate_address_type(table->is_64));
}

static void check_table_grow(struct validator *v)
{
    const struct module_table *table = read_table(v);
    validate_pop(v, validate_address_type(table->is_64));
    validate_pop(v, table->type);
    validate_push(v, validate_address_type(table->is_64));
}

static void check_table_fill(struct validator *v)
{
    const struct module_table *table = read_table(v);
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
    const struct module_table *to = read_table(v);
    const struct module_table *from = read_table(v);
    if (!reader_failed(&v->reader) && !validate_matches(v, from->type, to->type))
        validate_fail_mismatch(v, engine_type_text(to->type).text, from->type);
    check_copy(v, to->is_64, from->is_64);
}

/* Does the memory named next have 64-bit addresses? */
static bool read_memory(struct validator *v)
{
    uint32_t index = validate_check_index(v, v->module->memory_count, "memory");
    return !reader_failed(&v->reader) && v->module->memories[index].is_64;
}

static void check_memory_copy(struct validator *v)
{
    bool to_is_64 = read_memory(v);
    bool from_is_64 = read_memory(v);
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
        return validate_push(v, read_local(v));
    case OPCODE_LOCAL_SET:
        return validate_pop(v, read_local_to_set(v));
    case OPCODE_LOCAL_TEE:
        type = read_local_to_set(v);
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

/* ---- immediates of instructions with a fixed signature --------------------------------------- */

/* These answer: are addresses 64 bits wide? */

static bool check_memarg_slow(struct validator *v, struct decode_memarg memarg, unsigned natural)
{
    if (memarg.alignment >= DECODE_MEMARG_HAS_MEMORY)
        validate_fail(v, STATUS_MALFORMED, "malformed memop flags 0x%x", memarg.alignment);
    else if (memarg.memory >= v->module->memory_count)
        validate_fail(v, STATUS_INVALID, "unknown memory %u: there are %u", memarg.memory,
                      v->module->memory_count);
    else if (memarg.alignment > natural)
        validate_fail(v, STATUS_INVALID, "alignment must not be larger than natural: 2^%u for %s",
                      memarg.alignment, validate_instruction_text(v));
    else if (memarg.offset > UINT32_MAX && !v->module->memories[memarg.memory].is_64)
        validate_fail(v, STATUS_INVALID, "offset out of range: %" PRIu64, memarg.offset);
    return !reader_failed(&v->reader) && v->module->memories[memarg.memory].is_64;
}

static bool check_memarg(struct validator *v, unsigned natural)
{
    struct decode_memarg memarg = decode_memarg(&v->reader);
    if (LIKELY(memarg.alignment <= natural && memarg.offset <= UINT32_MAX && memarg.memory == 0 &&
               v->memory_is_32))
        return false;
    return check_memarg_slow(v, memarg, natural);
}

void validate_check_data(struct validator *v, uint32_t index)
{
    if (index >= v->module->data_count)
        validate_fail(v, STATUS_INVALID, "unknown data segment %u: there are %u", index,
                      v->module->data_count);
    else if (!v->module->has_data_count)
        validate_fail(v, STATUS_MALFORMED, "data count section required by %s",
                      validate_instruction_text(v));
}

static bool check_data_memory(struct validator *v)
{
    uint32_t data = reader_u32(&v->reader);
    bool is_64 = read_memory(v);
    validate_check_data(v, data);
    return is_64;
}

void validate_check_elem(struct validator *v, uint32_t index)
{
    if (index >= v->module->elem_count)
        validate_fail(v, STATUS_INVALID, "unknown elem segment %u: there are %u", index,
                      v->module->elem_count);
}

static bool check_elem_table(struct validator *v)
{
    uint32_t elem = reader_u32(&v->reader);
    const struct module_table *table = read_table(v);
    validate_check_elem(v, elem);
    if (!reader_failed(&v->reader) &&
        !validate_matches(v, v->module->elems[elem].type, table->type))
        validate_fail_mismatch(v, engine_type_text(table->type).text, v->module->elems[elem].type);
    return table->is_64;
}

/* Numbers of lanes, one byte each. */
static void check_lanes(struct validator *v, uint32_t count, uint8_t below)
{
    struct bytes lanes = reader_take(&v->reader, count);
    for (size_t i = 0; i < lanes.count; i++) {
        if (lanes.data[i] >= below)
            return validate_fail(v, STATUS_INVALID, "invalid lane index %u: %s has %u",
                                 lanes.data[i], validate_instruction_text(v), below);
    }
}

/* Of instructions of vectors. */
static bool check_immediate_simd(struct validator *v, uint8_t kind)
{
    bool is_64 = false;
    switch (kind) {
    case IMMEDIATE_MEMARG0:
    case IMMEDIATE_MEMARG1:
    case IMMEDIATE_MEMARG2:
    case IMMEDIATE_MEMARG3:
    case IMMEDIATE_MEMARG4:
        return check_memarg(v, kind - IMMEDIATE_MEMARG0);
    case IMMEDIATE_MEMARG0_LANE:
    case IMMEDIATE_MEMARG1_LANE:
    case IMMEDIATE_MEMARG2_LANE:
    case IMMEDIATE_MEMARG3_LANE:
        is_64 = check_memarg(v, kind - IMMEDIATE_MEMARG0_LANE);
        check_lanes(v, 1, (uint8_t)(16 >> (kind - IMMEDIATE_MEMARG0_LANE)));
        return is_64;
    case IMMEDIATE_LANE2:
    case IMMEDIATE_LANE4:
    case IMMEDIATE_LANE8:
    case IMMEDIATE_LANE16:
        check_lanes(v, 1, (uint8_t)(2 << (kind - IMMEDIATE_LANE2)));
        return false;
    case IMMEDIATE_SHUFFLE:
        check_lanes(v, 16, 32);
        return false;
    default:
        ASSERT(kind == IMMEDIATE_V128);
        (void)reader_take(&v->reader, 16);
        return false;
    }
}

static bool check_immediate(struct validator *v, uint8_t kind)
{
    switch (kind) {
    case IMMEDIATE_MEMORY:
        return read_memory(v);
    case IMMEDIATE_I32:
        (void)reader_s32(&v->reader);
        return false;
    case IMMEDIATE_I64:
        (void)reader_s64(&v->reader);
        return false;
    case IMMEDIATE_F32:
        (void)reader_take(&v->reader, 4);
        return false;
    case IMMEDIATE_F64:
        (void)reader_take(&v->reader, 8);
        return false;
    case IMMEDIATE_DATA:
        validate_check_data(v, reader_u32(&v->reader));
        return false;
    case IMMEDIATE_DATA_MEMORY:
        return check_data_memory(v);
    case IMMEDIATE_ELEM:
        validate_check_elem(v, reader_u32(&v->reader));
        return false;
    case IMMEDIATE_ELEM_TABLE:
        return check_elem_table(v);
    case IMMEDIATE_TABLE:
        return read_table(v)->is_64;
    default:
        return check_immediate_simd(v, kind);
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
    if (rule->action != IMMEDIATE_NONE && check_immediate(v, rule->action))
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
            validate_push(v, read_local(v));
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
            if (LIKELY(!check_memarg(v, rule->action - IMMEDIATE_MEMARG0)))
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
            if (!check_immediate(v, rule->action))
                break;
            validate_apply_wide(v, rule);
            continue;
        }
        validate_apply(v, rule);
    }
}

static void append_run(struct validator *v, uint32_t end, uint32_t type)
{
    struct local_run run = {.end = end, .type = type};
    if (buffer_append(&v->local_runs, &run, sizeof(run)) != STATUS_OK)
        reader_fail(&v->reader, STATUS_NO_MEMORY, "out of memory");
}

/* Reads the runs of locals; the parameters need none. */
static void read_locals(struct validator *v)
{
    struct reader *reader = &v->reader;
    uint64_t total = v->type->param_count;
    v->local_runs.count = 0;
    v->set_locals.count = 0;
    v->has_unset = false;
    uint32_t run_count = reader_count(reader, 2, "runs of locals");
    for (uint32_t i = 0; i < run_count && !reader_failed(reader); i++) {
        uint32_t count = reader_u32(reader);
        uint32_t type = decode_value_type(reader, v->module);
        total += count;
        if (total - v->type->param_count > UINT32_MAX)
            return reader_fail(reader, STATUS_MALFORMED, "too many locals: %" PRIu64, total);
        if (!types_is_defaultable(type)) {
            type |= VALIDATE_UNSET;
            v->has_unset = true;
        }
        if (count > 0 && total <= MODULE_MAX_LOCALS)
            append_run(v, (uint32_t)total, type);
    }
    if (total > MODULE_MAX_LOCALS)
        reader_fail(reader, STATUS_LIMIT, "function with %" PRIu64 " locals, the limit is %u",
                    total, MODULE_MAX_LOCALS);
    v->local_count = (uint32_t)total;
}

static void expand_locals(struct validator *v)
{
    uint32_t done = v->type->param_count;
    size_t most = done + EXPANDED_LOCALS_MIN + EXPANDED_LOCALS_PER_BYTE * reader_left(&v->reader);
    v->expanded_count = (uint32_t)MIN(v->local_count, most);
    /* Whether they have values is known only of expanded ones. */
    if (v->has_unset && v->expanded_count < v->local_count) {
        v->expanded_count = v->local_count;
        v->locals_total += v->local_count;
        if (v->locals_total > MODULE_MAX_LOCALS_TOTAL)
            return reader_fail(&v->reader, STATUS_LIMIT,
                               "more than %u locals in functions with locals that need a value",
                               MODULE_MAX_LOCALS_TOTAL);
    }
    if (buffer_reserve(&v->expanded, v->expanded_count * sizeof(uint32_t)) != STATUS_OK)
        return reader_fail(&v->reader, STATUS_NO_MEMORY, "out of memory");
    v->locals = (uint32_t *)(void *)v->expanded.data;
    if (done > 0)
        memcpy(v->locals, v->type->params, done * sizeof(*v->locals));
    for (const struct local_run *run = (const void *)v->local_runs.data; done < v->expanded_count;
         run++) {
        for (uint32_t end = MIN(run->end, v->expanded_count); done < end; done++)
            v->locals[done] = run->type;
    }
}

static void check_body(struct validator *v)
{
    v->instruction = v->reader.at;
    read_locals(v);
    if (reader_failed(&v->reader))
        return;
    expand_locals(v);
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
    buffer_init(&v->local_runs, MODULE_MAX_LOCALS * sizeof(struct local_run));
    buffer_init(&v->expanded, MODULE_MAX_LOCALS * sizeof(uint32_t));
    buffer_init(&v->set_locals, MODULE_MAX_LOCALS * sizeof(uint32_t));
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

enum status validate_funcs(struct module *module, struct report *report)
{
    if (module->func_count == module->imported_func_count)
        return STATUS_OK;
    struct validator v = {0};
    struct report inner = REPORT_INIT;
    enum status status = STATUS_OK;
    if (!validator_init(&v, module))
        status = report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    for (uint32_t i = module->imported_func_count; i < module->func_count && status == STATUS_OK;
         i++) {
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
