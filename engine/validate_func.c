/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function bodies: the validation algorithm of [Wasm core 7.3], one pass, no recursion.
 *
 *   values   one byte a value: its type, or UNKNOWN where code cannot be reached
 *
 *      padding | values of outer frames | values of this frame |
 *                                       ^ floor                ^ top
 *
 *   frames   one for the function and each open block; a pop at the floor is a mismatch,
 *            unless the rest of the frame cannot be reached
 *
 * Each step costs at most in proportion to its bytes, times the longest type (1000), which
 * is compared and copied as bytes. Locals are expanded into an array only as far as the
 * body is long: runs of a few bytes may declare 50,000 of them.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/decode.h"
#include "engine/validate.h"

#define UNKNOWN 0

/* Locals that are looked up by index instead of by search: some, and 8 per body byte. */
#define EXPANDED_LOCALS_MIN      256u
#define EXPANDED_LOCALS_PER_BYTE 8u

struct frame {
    const uint8_t *params;
    const uint8_t *results;
    uint32_t height; /* of the value stack at its floor */
    uint16_t param_count;
    uint16_t result_count;
    uint8_t opcode; /* BLOCK for the function itself */
    bool unreachable;
};

_Static_assert(MODULE_MAX_PARAMS <= UINT16_MAX && MODULE_MAX_RESULTS <= UINT16_MAX,
               "counts of a type fit a frame");

/* Locals up to `end` and not in an earlier run. */
struct local_run {
    uint32_t end;
    uint8_t type;
};

struct validator {
    struct reader reader;
    const uint8_t *instruction; /* for reports */
    uint8_t *top;
    uint8_t *floor;
    uint8_t *limit;      /* top may not pass it; there is room for one value more */
    struct frame *frame; /* innermost */
    uint32_t frame_count;
    uint32_t local_count;
    uint32_t expanded_count; /* of them in `expanded` */
    const struct module *module;
    const struct engine_functype *type; /* of the function */
    uint8_t *values;                    /* first value, after the padding */
    struct buffer value_bytes;
    struct buffer frame_bytes;
    struct buffer local_runs;
    struct buffer expanded;
    struct validate_rules rules;
};

/* ---- reports ------------------------------------------------------------------------- */

static const char *instruction_text(const struct validator *v)
{
    if (v->instruction == NULL)
        return "function";
    struct reader reader = v->reader;
    reader.at = v->instruction;
    reader.status = STATUS_OK;
    reader.report = NULL;
    uint32_t code = reader_u8(&reader);
    if (code == OPCODE_PREFIX)
        code = decode_prefixed_opcode(&reader);
    const struct opcode_row *row = opcode_row(code);
    return row == NULL ? "instruction" : row->text;
}

/* Files a failure at the instruction, not behind its immediates. */
PRINTF_LIKE(3, 4)
static void fail(struct validator *v, enum status status, const char *format, ...)
{
    if (reader_failed(&v->reader))
        return;
    char text[REPORT_TEXT_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    v->reader.at = v->instruction;
    reader_fail(&v->reader, status, "%s", text);
}

static void fail_mismatch(struct validator *v, const char *wanted, uint8_t found)
{
    fail(v, STATUS_INVALID, "type mismatch: %s needs %s, found %s", instruction_text(v), wanted,
         validate_type_name(found));
}

static void fail_missing(struct validator *v, const char *wanted)
{
    fail(v, STATUS_INVALID, "type mismatch: %s needs %s, the stack is empty", instruction_text(v),
         wanted);
}

static void fail_stack_full(struct validator *v)
{
    fail(v, STATUS_LIMIT, "function needs more than %u stack slots", MODULE_MAX_FRAME_SLOTS);
}

static uint32_t check_index(struct validator *v, uint32_t count, const char *what)
{
    uint32_t index = reader_u32(&v->reader);
    if (LIKELY(index < count) || reader_failed(&v->reader))
        return index;
    fail(v, STATUS_INVALID, "unknown %s %u: there are %u", what, index, count);
    return UINT32_MAX;
}

/* ---- values -------------------------------------------------------------------------- */

static inline void push(struct validator *v, uint8_t type)
{
    *v->top++ = type;
    if (UNLIKELY(v->top > v->limit))
        fail_stack_full(v);
}

static uint8_t pop_any_at_floor(struct validator *v)
{
    if (!v->frame->unreachable)
        fail_missing(v, "a value");
    return UNKNOWN;
}

/* The popped type; UNKNOWN where that cannot be known, and after a failure. */
static inline uint8_t pop_any(struct validator *v)
{
    return LIKELY(v->top > v->floor) ? *--v->top : pop_any_at_floor(v);
}

static void pop_slow(struct validator *v, uint8_t type)
{
    if (v->top == v->floor) {
        if (!v->frame->unreachable)
            fail_missing(v, validate_type_name(type));
        return;
    }
    uint8_t found = *--v->top;
    if (found != type && found != UNKNOWN)
        fail_mismatch(v, validate_type_name(type), found);
}

static inline void pop(struct validator *v, uint8_t type)
{
    if (LIKELY(v->top > v->floor && v->top[-1] == type))
        v->top--;
    else
        pop_slow(v, type);
}

/* Compares the whole vectors: no early exit, so that it runs many values at a time. */
static inline bool types_fit(const uint8_t *found, const uint8_t *types, size_t count)
{
    uint8_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong |= found[i] != types[i] && found[i] != UNKNOWN;
    return wrong == 0;
}

static void fail_types(struct validator *v, const uint8_t *types, size_t count)
{
    size_t have = MIN((size_t)(v->top - v->floor), count);
    for (size_t i = 1; i <= have; i++) {
        uint8_t found = v->top[-(ptrdiff_t)i];
        uint8_t type = types[count - i];
        if (found != type && found != UNKNOWN)
            return fail_mismatch(v, validate_type_name(type), found);
    }
    fail_missing(v, validate_type_name(types[count - have - 1]));
}

/* Are the topmost values of these types? How many of them are there, if so. */
static size_t peek_types(struct validator *v, const uint8_t *types, size_t count)
{
    size_t have = MIN((size_t)(v->top - v->floor), count);
    if ((have == count || v->frame->unreachable) &&
        types_fit(v->top - have, types + (count - have), have))
        return have;
    fail_types(v, types, count);
    return 0;
}

static void pop_types(struct validator *v, const uint8_t *types, size_t count)
{
    v->top -= peek_types(v, types, count);
}

static void push_types(struct validator *v, const uint8_t *types, size_t count)
{
    if (count > (size_t)(v->limit - v->top))
        return fail_stack_full(v);
    if (count > 0)
        memcpy(v->top, types, count);
    v->top += count;
}

/* Pops and pushes by the rule: one comparison when all operands are as expected. */
static inline void apply(struct validator *v, const struct validate_rule *rule)
{
    uint32_t window;
    uint32_t mask;
    uint32_t want;
    memcpy(&window, v->top - VALIDATE_WINDOW, sizeof(window));
    memcpy(&mask, rule->mask, sizeof(mask));
    memcpy(&want, rule->want, sizeof(want));
    if (LIKELY((window & mask) == want && v->top - v->floor >= rule->pops)) {
        v->top -= rule->pops;
    } else {
        for (unsigned i = 1; i <= rule->pops; i++)
            pop_slow(v, rule->want[VALIDATE_WINDOW - i]);
    }
    *v->top = rule->result;
    v->top += rule->pushes;
    if (UNLIKELY(v->top > v->limit))
        fail_stack_full(v);
}

/* ---- frames -------------------------------------------------------------------------- */

static void set_unreachable(struct validator *v)
{
    v->top = v->floor;
    v->frame->unreachable = true;
}

/* Opens a frame above the present values. */
static void push_frame(struct validator *v, uint8_t opcode, const struct engine_functype *type)
{
    if (v->frame_count > MODULE_MAX_NESTING)
        return fail(v, STATUS_LIMIT, "blocks nested deeper than %u", MODULE_MAX_NESTING);
    v->frame_bytes.count = v->frame_count * sizeof(struct frame);
    if (buffer_reserve(&v->frame_bytes, sizeof(struct frame)) != STATUS_OK)
        return fail(v, STATUS_NO_MEMORY, "out of memory");
    v->frame = (struct frame *)(void *)v->frame_bytes.data + v->frame_count++;
    *v->frame = (struct frame){.params = type->params,
                               .results = type->results,
                               .height = (uint32_t)(v->top - v->values),
                               .param_count = (uint16_t)type->param_count,
                               .result_count = (uint16_t)type->result_count,
                               .opcode = opcode};
    v->floor = v->top;
}

/* Pops the innermost frame's results; they must be all that is left in it. */
static void finish_frame(struct validator *v)
{
    pop_types(v, v->frame->results, v->frame->result_count);
    if (v->top != v->floor)
        fail(v, STATUS_INVALID, "type mismatch: %td values too many at the end of the block",
             v->top - v->floor);
}

struct label {
    const uint8_t *types;
    size_t count;
};

static struct label frame_label(const struct frame *frame)
{
    if (frame->opcode == OPCODE_LOOP)
        return (struct label){frame->params, frame->param_count};
    return (struct label){frame->results, frame->result_count};
}

/* After a failure the label of the innermost frame, which exists always. */
static struct label read_label(struct validator *v)
{
    uint32_t depth = check_index(v, v->frame_count, "label");
    if (UNLIKELY(depth >= v->frame_count))
        depth = 0;
    return frame_label(v->frame - depth);
}

static const uint8_t one_i32[] = {ENGINE_I32};
static const uint8_t one_i64[] = {ENGINE_I64};
static const uint8_t one_f32[] = {ENGINE_F32};
static const uint8_t one_f64[] = {ENGINE_F64};
static const uint8_t one_funcref[] = {ENGINE_FUNCREF};
static const uint8_t one_externref[] = {ENGINE_EXTERNREF};

static const uint8_t *one_type(uint8_t type)
{
    switch (type) {
    case ENGINE_I32:
        return one_i32;
    case ENGINE_I64:
        return one_i64;
    case ENGINE_F32:
        return one_f32;
    case ENGINE_F64:
        return one_f64;
    case ENGINE_FUNCREF:
        return one_funcref;
    default:
        return one_externref;
    }
}

static struct engine_functype read_block_type(struct validator *v)
{
    static const struct engine_functype none = {.params = one_i32, .results = one_i32};
    struct reader *reader = &v->reader;
    if (reader_left(reader) > 0 && *reader->at == 0x40) {
        reader->at++;
        return none;
    }
    /* Single bytes from 0x40 to 0x7f would be negative numbers: they are value types. */
    if (reader_left(reader) > 0 && *reader->at >= 0x40 && *reader->at < 0x80) {
        uint8_t type = decode_value_type(reader);
        struct engine_functype one = none;
        one.results = one_type(type);
        one.result_count = 1;
        return one;
    }
    int64_t index = reader_s33(reader);
    if (index >= 0 && index < v->module->type_count)
        return v->module->types[index];
    if (index < 0)
        fail(v, STATUS_MALFORMED, "malformed block type");
    else
        fail(v, STATUS_INVALID, "unknown type %" PRId64 ": there are %u", index,
             v->module->type_count);
    return none;
}

static void check_block(struct validator *v, uint8_t opcode)
{
    struct engine_functype type = read_block_type(v);
    if (opcode == OPCODE_IF)
        pop(v, ENGINE_I32);
    pop_types(v, type.params, type.param_count);
    push_frame(v, opcode, &type);
    push_types(v, type.params, type.param_count);
}

static void check_else(struct validator *v)
{
    if (v->frame->opcode != OPCODE_IF)
        return fail(v, STATUS_MALFORMED, "END opcode expected: else without if");
    finish_frame(v);
    v->frame->opcode = OPCODE_ELSE;
    v->frame->unreachable = false;
    push_types(v, v->frame->params, v->frame->param_count);
}

static void check_end(struct validator *v)
{
    finish_frame(v);
    struct frame ended = *v->frame;
    if (ended.opcode == OPCODE_IF && !bytes_equal(bytes_make(ended.params, ended.param_count),
                                                  bytes_make(ended.results, ended.result_count)))
        fail(v, STATUS_INVALID, "type mismatch: if without else must not change types");
    v->frame_count--;
    if (v->frame_count == 0) {
        if (reader_left(&v->reader) > 0)
            reader_fail(&v->reader, STATUS_MALFORMED,
                        "section size mismatch: %zu bytes after the end of the function",
                        reader_left(&v->reader));
        return;
    }
    v->frame--;
    v->floor = v->values + v->frame->height;
    push_types(v, ended.results, ended.result_count);
}

static void check_br(struct validator *v)
{
    struct label label = read_label(v);
    (void)peek_types(v, label.types, label.count);
    set_unreachable(v);
}

static void check_br_if(struct validator *v)
{
    struct label label = read_label(v);
    pop(v, ENGINE_I32);
    pop_types(v, label.types, label.count);
    push_types(v, label.types, label.count);
}

static void check_br_table(struct validator *v)
{
    struct reader *reader = &v->reader;
    uint32_t count = reader_count(reader, 1, "labels");
    if (count > MODULE_MAX_BR_TABLE)
        fail(v, STATUS_LIMIT, "br_table with %u labels, the limit is %u", count,
             MODULE_MAX_BR_TABLE);
    pop(v, ENGINE_I32);
    size_t arity = 0;
    const uint8_t *known = NULL; /* types that fit, and need no second look */
    for (uint32_t i = 0; i <= count && !reader_failed(reader); i++) {
        struct label label = read_label(v);
        if (i == 0)
            arity = label.count;
        if (label.count != arity)
            fail(v, STATUS_INVALID, "type mismatch: br_table labels with %zu and %zu values", arity,
                 label.count);
        else if (label.types != known)
            (void)peek_types(v, label.types, label.count);
        known = label.types;
    }
    set_unreachable(v);
}

/* ---- calls --------------------------------------------------------------------------- */

static const struct engine_functype *read_callee(struct validator *v, bool is_indirect)
{
    const struct module *module = v->module;
    if (!is_indirect) {
        uint32_t func = check_index(v, module->func_count, "function");
        return reader_failed(&v->reader) ? NULL : module_func_type(module, func);
    }
    uint32_t type = check_index(v, module->type_count, "type");
    uint32_t table = check_index(v, module->table_count, "table");
    if (reader_failed(&v->reader))
        return NULL;
    if (module->tables[table].type != ENGINE_FUNCREF)
        fail(v, STATUS_INVALID, "type mismatch: %s through table %u, which has %s",
             instruction_text(v), table, validate_type_name(module->tables[table].type));
    pop(v, ENGINE_I32);
    return &module->types[type];
}

static void check_call(struct validator *v, bool is_indirect)
{
    const struct engine_functype *type = read_callee(v, is_indirect);
    if (type == NULL)
        return;
    pop_types(v, type->params, type->param_count);
    push_types(v, type->results, type->result_count);
}

static void check_return_call(struct validator *v, bool is_indirect)
{
    const struct engine_functype *type = read_callee(v, is_indirect);
    if (type == NULL)
        return;
    if (!bytes_equal(bytes_make(type->results, type->result_count),
                     bytes_make(v->type->results, v->type->result_count)))
        fail(v, STATUS_INVALID, "type mismatch: %s of a function with other results",
             instruction_text(v));
    pop_types(v, type->params, type->param_count);
    set_unreachable(v);
}

/* Instructions that open, close or leave blocks. */
static void check_control(struct validator *v, uint32_t code)
{
    switch ((enum opcode)code) {
    case OPCODE_UNREACHABLE:
        return set_unreachable(v);
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
    case OPCODE_IF:
        return check_block(v, (uint8_t)code);
    case OPCODE_ELSE:
        return check_else(v);
    case OPCODE_END:
        return check_end(v);
    case OPCODE_BR:
        return check_br(v);
    case OPCODE_BR_IF:
        return check_br_if(v);
    case OPCODE_BR_TABLE:
        return check_br_table(v);
    case OPCODE_RETURN:
        (void)peek_types(v, v->type->results, v->type->result_count);
        return set_unreachable(v);
    case OPCODE_CALL:
    case OPCODE_CALL_INDIRECT:
        return check_call(v, code == OPCODE_CALL_INDIRECT);
    case OPCODE_RETURN_CALL:
    case OPCODE_RETURN_CALL_INDIRECT:
        return check_return_call(v, code == OPCODE_RETURN_CALL_INDIRECT);
    default:
        ASSERT(false && "a special opcode without a function");
    }
}

/* ---- locals, globals, tables, references ----------------------------------------------- */

static uint8_t local_type_slow(struct validator *v, uint32_t index)
{
    if (index >= v->local_count) {
        fail(v, STATUS_INVALID, "unknown local %u: there are %u", index, v->local_count);
        return UNKNOWN;
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

static inline uint8_t read_local(struct validator *v)
{
    uint32_t index = reader_u32(&v->reader);
    return LIKELY(index < v->expanded_count) ? v->expanded.data[index] : local_type_slow(v, index);
}

static void check_global(struct validator *v, bool is_set)
{
    uint32_t index = check_index(v, v->module->global_count, "global");
    if (reader_failed(&v->reader))
        return;
    const struct module_global *global = &v->module->globals[index];
    if (!is_set)
        return push(v, global->type);
    if (!global->is_mutable)
        fail(v, STATUS_INVALID, "immutable global: %u cannot be set", index);
    pop(v, global->type);
}

/* The element type of the table named next; UNKNOWN after a failure. */
static uint8_t read_table(struct validator *v)
{
    uint32_t index = check_index(v, v->module->table_count, "table");
    return reader_failed(&v->reader) ? UNKNOWN : v->module->tables[index].type;
}

static void check_select(struct validator *v)
{
    pop(v, ENGINE_I32);
    uint8_t second = pop_any(v);
    uint8_t first = pop_any(v);
    if (validate_is_reference(first) || validate_is_reference(second))
        fail_mismatch(v, "numbers if it names no type",
                      validate_is_reference(first) ? first : second);
    if (first != second && first != UNKNOWN && second != UNKNOWN)
        fail_mismatch(v, validate_type_name(first), second);
    push(v, first == UNKNOWN ? second : first);
}

static void check_select_typed(struct validator *v)
{
    uint32_t count = reader_u32(&v->reader);
    if (count != 1 && !reader_failed(&v->reader))
        return fail(v, STATUS_INVALID, "invalid result arity: select with %u types", count);
    uint8_t type = decode_value_type(&v->reader);
    pop(v, ENGINE_I32);
    pop(v, type);
    pop(v, type);
    push(v, type);
}

static void check_ref_func(struct validator *v)
{
    uint32_t index = check_index(v, v->module->func_count, "function");
    if (!reader_failed(&v->reader) && !v->module->funcs[index].declared)
        fail(v, STATUS_INVALID,
             "undeclared function reference: %u is in no element segment, "
             "global or export",
             index);
    push(v, ENGINE_FUNCREF);
}

static void check_ref_is_null(struct validator *v)
{
    uint8_t type = pop_any(v);
    if (type != UNKNOWN && !validate_is_reference(type))
        fail_mismatch(v, "a reference", type);
    push(v, ENGINE_I32);
}

static void check_table_set(struct validator *v)
{
    uint8_t type = read_table(v);
    pop(v, type);
    pop(v, ENGINE_I32);
}

static void check_table_grow(struct validator *v)
{
    uint8_t type = read_table(v);
    pop(v, ENGINE_I32);
    pop(v, type);
    push(v, ENGINE_I32);
}

static void check_table_fill(struct validator *v)
{
    uint8_t type = read_table(v);
    pop(v, ENGINE_I32);
    pop(v, type);
    pop(v, ENGINE_I32);
}

/* Instructions whose types depend on their immediate or on the stack. */
static void check_special(struct validator *v, uint32_t code)
{
    uint8_t type;
    switch ((enum opcode)code) {
    case OPCODE_LOCAL_GET:
        return push(v, read_local(v));
    case OPCODE_LOCAL_SET:
        return pop(v, read_local(v));
    case OPCODE_LOCAL_TEE:
        type = read_local(v);
        pop(v, type);
        return push(v, type);
    case OPCODE_DROP:
        (void)pop_any(v);
        return;
    case OPCODE_SELECT:
        return check_select(v);
    case OPCODE_SELECT_T:
        return check_select_typed(v);
    case OPCODE_GLOBAL_GET:
    case OPCODE_GLOBAL_SET:
        return check_global(v, code == OPCODE_GLOBAL_SET);
    case OPCODE_TABLE_GET:
        type = read_table(v);
        pop(v, ENGINE_I32);
        return push(v, type);
    case OPCODE_TABLE_SET:
        return check_table_set(v);
    case OPCODE_TABLE_GROW:
        return check_table_grow(v);
    case OPCODE_TABLE_FILL:
        return check_table_fill(v);
    case OPCODE_REF_NULL:
        return push(v, decode_reference_type(&v->reader));
    case OPCODE_REF_IS_NULL:
        return check_ref_is_null(v);
    case OPCODE_REF_FUNC:
        return check_ref_func(v);
    default:
        return check_control(v, code);
    }
}

/* ---- immediates of instructions with a fixed signature --------------------------------- */

static void check_memarg(struct validator *v, unsigned natural)
{
    uint32_t alignment = reader_u32(&v->reader);
    uint64_t offset = LIKELY(v->reader.at < v->reader.end && *v->reader.at < 0x80)
                          ? *v->reader.at++
                          : reader_u64(&v->reader);
    if (LIKELY(alignment <= natural && offset <= UINT32_MAX && v->module->memory_count > 0))
        return;
    if (alignment >= 0x80)
        fail(v, STATUS_MALFORMED, "malformed memop flags 0x%x", alignment);
    else if (alignment >= 0x40)
        fail(v, STATUS_UNSUPPORTED, "multiple memories: %s names its memory", instruction_text(v));
    else if (v->module->memory_count == 0)
        fail(v, STATUS_INVALID, "unknown memory 0: there are none");
    else if (alignment > natural)
        fail(v, STATUS_INVALID, "alignment must not be larger than natural: 2^%u for %s", alignment,
             instruction_text(v));
    else
        fail(v, STATUS_INVALID, "offset out of range: %" PRIu64, offset);
}

static void check_memory(struct validator *v)
{
    (void)check_index(v, v->module->memory_count, "memory");
}

static void check_data(struct validator *v, uint32_t index)
{
    if (index >= v->module->data_count)
        fail(v, STATUS_INVALID, "unknown data segment %u: there are %u", index,
             v->module->data_count);
    else if (!v->module->has_data_count)
        fail(v, STATUS_MALFORMED, "data count section required by %s", instruction_text(v));
}

static void check_data_memory(struct validator *v)
{
    uint32_t data = reader_u32(&v->reader);
    check_memory(v);
    check_data(v, data);
}

static void check_elem(struct validator *v, uint32_t index)
{
    if (index >= v->module->elem_count)
        fail(v, STATUS_INVALID, "unknown elem segment %u: there are %u", index,
             v->module->elem_count);
}

static void check_elem_table(struct validator *v)
{
    uint32_t elem = reader_u32(&v->reader);
    uint8_t type = read_table(v);
    check_elem(v, elem);
    if (!reader_failed(&v->reader) && v->module->elems[elem].type != type)
        fail_mismatch(v, validate_type_name(type), v->module->elems[elem].type);
}

static void check_table_table(struct validator *v)
{
    uint8_t destination = read_table(v);
    uint8_t source = read_table(v);
    if (!reader_failed(&v->reader) && destination != source)
        fail_mismatch(v, validate_type_name(destination), source);
}

static void check_immediate(struct validator *v, uint8_t kind)
{
    switch (kind) {
    case IMMEDIATE_MEMORY:
        return check_memory(v);
    case IMMEDIATE_I32:
        (void)reader_s32(&v->reader);
        return;
    case IMMEDIATE_I64:
        (void)reader_s64(&v->reader);
        return;
    case IMMEDIATE_F32:
        (void)reader_take(&v->reader, 4);
        return;
    case IMMEDIATE_F64:
        (void)reader_take(&v->reader, 8);
        return;
    case IMMEDIATE_DATA:
        return check_data(v, reader_u32(&v->reader));
    case IMMEDIATE_DATA_MEMORY:
        return check_data_memory(v);
    case IMMEDIATE_MEMORY_MEMORY:
        check_memory(v);
        return check_memory(v);
    case IMMEDIATE_ELEM:
        return check_elem(v, reader_u32(&v->reader));
    case IMMEDIATE_ELEM_TABLE:
        return check_elem_table(v);
    case IMMEDIATE_TABLE:
        (void)read_table(v);
        return;
    case IMMEDIATE_TABLE_TABLE:
        return check_table_table(v);
    default:
        ASSERT(false && "an immediate without a function");
    }
}

/* ---- the body ------------------------------------------------------------------------ */

static void check_prefixed(struct validator *v)
{
    uint32_t code = decode_prefixed_opcode(&v->reader);
    if (reader_failed(&v->reader))
        return;
    if (opcode_row(code) == NULL) {
        v->reader.at = v->instruction;
        return decode_refuse_opcode(&v->reader, code);
    }
    const struct validate_rule *rule = &v->rules.prefixed[code - OPCODE_PREFIXED_FIRST];
    if (rule->action == VALIDATE_SPECIAL)
        return check_special(v, code);
    if (rule->action != IMMEDIATE_NONE)
        check_immediate(v, rule->action);
    apply(v, rule);
}

static void check_code(struct validator *v)
{
    while (v->reader.at < v->reader.end) {
        v->instruction = v->reader.at;
        uint8_t code = *v->reader.at++;
        const struct validate_rule *rule = &v->rules.plain[code];
        switch (rule->action) {
        case IMMEDIATE_NONE:
            break;
        case VALIDATE_SPECIAL:
            check_special(v, code);
            continue;
        case IMMEDIATE_MEMARG0:
        case IMMEDIATE_MEMARG1:
        case IMMEDIATE_MEMARG2:
        case IMMEDIATE_MEMARG3:
            check_memarg(v, rule->action - IMMEDIATE_MEMARG0);
            break;
        case VALIDATE_PREFIX:
            check_prefixed(v);
            continue;
        case VALIDATE_ILLEGAL:
            v->reader.at = v->instruction;
            decode_refuse_opcode(&v->reader, code);
            continue;
        default:
            check_immediate(v, rule->action);
            break;
        }
        apply(v, rule);
    }
}

static void append_run(struct validator *v, uint32_t end, uint8_t type)
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
    uint32_t run_count = reader_count(reader, 2, "runs of locals");
    for (uint32_t i = 0; i < run_count && !reader_failed(reader); i++) {
        uint32_t count = reader_u32(reader);
        uint8_t type = decode_value_type(reader);
        total += count;
        if (total - v->type->param_count > UINT32_MAX)
            return reader_fail(reader, STATUS_MALFORMED, "too many locals: %" PRIu64, total);
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
    if (buffer_reserve(&v->expanded, v->expanded_count) != STATUS_OK)
        return reader_fail(&v->reader, STATUS_NO_MEMORY, "out of memory");
    if (done > 0)
        memcpy(v->expanded.data, v->type->params, done);
    for (const struct local_run *run = (const void *)v->local_runs.data; done < v->expanded_count;
         run++) {
        uint32_t end = MIN(run->end, v->expanded_count);
        memset(v->expanded.data + done, run->type, end - done);
        done = end;
    }
}

static void check_body(struct validator *v)
{
    v->instruction = v->reader.at;
    read_locals(v);
    if (reader_failed(&v->reader))
        return;
    expand_locals(v);
    v->top = v->values;
    v->limit = v->values + (MODULE_MAX_FRAME_SLOTS - v->local_count);
    v->frame_count = 0;
    /* The parameters are locals: the function's frame begins empty. */
    struct engine_functype results = {.params = v->type->results,
                                      .results = v->type->results,
                                      .result_count = v->type->result_count};
    push_frame(v, OPCODE_BLOCK, &results);
    check_code(v);
    if (!reader_failed(&v->reader) && v->frame_count > 0)
        reader_fail(&v->reader, STATUS_MALFORMED, "END opcode expected");
}

/* ---- all bodies ---------------------------------------------------------------------- */

static enum status fail_in_func(const struct validator *v, uint32_t index, struct report *report)
{
    const struct report *inner = v->reader.report;
    struct bytes name = {0};
    if (v->module->func_names != NULL)
        name = v->module->func_names[index];
    if (name.count == 0)
        return report_fail(report, inner->status, inner->offset, "%.300s, in function %u",
                           inner->text, index);
    return report_fail(report, inner->status, inner->offset, "%.300s, in function %u (%.*s)",
                       inner->text, index, (int)MIN(name.count, (size_t)100),
                       (const char *)name.data);
}

static bool validator_init(struct validator *v, const struct module *module)
{
    v->module = module;
    size_t value_bytes = VALIDATE_WINDOW + MODULE_MAX_FRAME_SLOTS + 1;
    buffer_init(&v->value_bytes, value_bytes);
    buffer_init(&v->frame_bytes, (MODULE_MAX_NESTING + 1) * sizeof(struct frame));
    buffer_init(&v->local_runs, MODULE_MAX_LOCALS * sizeof(struct local_run));
    buffer_init(&v->expanded, MODULE_MAX_LOCALS);
    validate_rules_init(&v->rules);
    if (buffer_reserve(&v->value_bytes, value_bytes) != STATUS_OK)
        return false;
    memset(v->value_bytes.data, UNKNOWN, VALIDATE_WINDOW);
    v->values = v->value_bytes.data + VALIDATE_WINDOW;
    return true;
}

static void validator_done(struct validator *v)
{
    buffer_done(&v->value_bytes);
    buffer_done(&v->frame_bytes);
    buffer_done(&v->local_runs);
    buffer_done(&v->expanded);
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
