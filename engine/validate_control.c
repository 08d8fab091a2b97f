/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks, branches and calls.
 */
#include <inttypes.h>

#include "engine/decode.h"
#include "engine/validate_body.h"

/* ---- frames ---------------------------------------------------------------------------------- */

static void set_unreachable(struct validator *v)
{
    v->top = v->floor;
    v->frame->unreachable = true;
}

void validate_push_frame(struct validator *v, uint8_t opcode, const struct engine_functype *type)
{
    if (v->frame_count > MODULE_MAX_NESTING)
        return validate_fail(v, STATUS_LIMIT, "blocks nested deeper than %u", MODULE_MAX_NESTING);
    v->frame_bytes.count = v->frame_count * sizeof(struct validate_frame);
    if (buffer_reserve(&v->frame_bytes, sizeof(struct validate_frame)) != STATUS_OK)
        return validate_fail(v, STATUS_NO_MEMORY, "out of memory");
    v->frame = (struct validate_frame *)(void *)v->frame_bytes.data + v->frame_count++;
    *v->frame = (struct validate_frame){.params = type->params,
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
    validate_pop_types(v, v->frame->results, v->frame->result_count);
    if (v->top != v->floor)
        validate_fail(v, STATUS_INVALID,
                      "type mismatch: %td values too many at the end of the block",
                      v->top - v->floor);
}

static bool types_equal(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
}

struct label {
    const uint32_t *types;
    size_t count;
};

static struct label frame_label(const struct validate_frame *frame)
{
    if (frame->opcode == OPCODE_LOOP)
        return (struct label){frame->params, frame->param_count};
    return (struct label){frame->results, frame->result_count};
}

/* After a failure the label of the innermost frame, which exists always. */
static struct label read_label(struct validator *v)
{
    uint32_t depth = validate_check_index(v, v->frame_count, "label");
    if (UNLIKELY(depth >= v->frame_count))
        depth = 0;
    return frame_label(v->frame - depth);
}

static const uint32_t one_i32[] = {ENGINE_I32};
static const uint32_t one_i64[] = {ENGINE_I64};
static const uint32_t one_f32[] = {ENGINE_F32};
static const uint32_t one_f64[] = {ENGINE_F64};
static const uint32_t one_funcref[] = {ENGINE_FUNCREF};
static const uint32_t one_externref[] = {ENGINE_EXTERNREF};

static const uint32_t *one_type(uint32_t type)
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
        uint32_t type = decode_value_type(reader);
        struct engine_functype one = none;
        one.results = one_type(type);
        one.result_count = 1;
        return one;
    }
    int64_t index = reader_s33(reader);
    if (index >= 0 && index < v->module->type_count)
        return v->module->types[index];
    if (index < 0)
        validate_fail(v, STATUS_MALFORMED, "malformed block type");
    else
        validate_fail(v, STATUS_INVALID, "unknown type %" PRId64 ": there are %u", index,
                      v->module->type_count);
    return none;
}

static void check_block(struct validator *v, uint8_t opcode)
{
    struct engine_functype type = read_block_type(v);
    if (opcode == OPCODE_IF)
        validate_pop(v, ENGINE_I32);
    validate_pop_types(v, type.params, type.param_count);
    validate_push_frame(v, opcode, &type);
    validate_push_types(v, type.params, type.param_count);
}

static void check_else(struct validator *v)
{
    if (v->frame->opcode != OPCODE_IF)
        return validate_fail(v, STATUS_MALFORMED, "END opcode expected: else without if");
    finish_frame(v);
    v->frame->opcode = OPCODE_ELSE;
    v->frame->unreachable = false;
    validate_push_types(v, v->frame->params, v->frame->param_count);
}

static void check_end(struct validator *v)
{
    finish_frame(v);
    struct validate_frame ended = *v->frame;
    if (ended.opcode == OPCODE_IF &&
        !types_equal(ended.params, ended.param_count, ended.results, ended.result_count))
        validate_fail(v, STATUS_INVALID, "type mismatch: if without else must not change types");
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
    validate_push_types(v, ended.results, ended.result_count);
}

static void check_br(struct validator *v)
{
    struct label label = read_label(v);
    (void)validate_peek_types(v, label.types, label.count);
    set_unreachable(v);
}

static void check_br_if(struct validator *v)
{
    struct label label = read_label(v);
    validate_pop(v, ENGINE_I32);
    validate_pop_types(v, label.types, label.count);
    validate_push_types(v, label.types, label.count);
}

static void check_br_table(struct validator *v)
{
    struct reader *reader = &v->reader;
    uint32_t count = reader_count(reader, 1, "labels");
    if (count > MODULE_MAX_BR_TABLE)
        validate_fail(v, STATUS_LIMIT, "br_table with %u labels, the limit is %u", count,
                      MODULE_MAX_BR_TABLE);
    validate_pop(v, ENGINE_I32);
    size_t arity = 0;
    const uint32_t *known = NULL; /* types that fit, and need no second look */
    for (uint32_t i = 0; i <= count && !reader_failed(reader); i++) {
        struct label label = read_label(v);
        if (i == 0)
            arity = label.count;
        if (label.count != arity)
            validate_fail(v, STATUS_INVALID,
                          "type mismatch: br_table labels with %zu and %zu values", arity,
                          label.count);
        else if (label.types != known)
            (void)validate_peek_types(v, label.types, label.count);
        known = label.types;
    }
    set_unreachable(v);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const struct engine_functype *read_callee(struct validator *v, bool is_indirect)
{
    const struct module *module = v->module;
    if (!is_indirect) {
        uint32_t func = validate_check_index(v, module->func_count, "function");
        return reader_failed(&v->reader) ? NULL : module_func_type(module, func);
    }
    uint32_t type = validate_check_index(v, module->type_count, "type");
    uint32_t table = validate_check_index(v, module->table_count, "table");
    if (reader_failed(&v->reader))
        return NULL;
    if (module->tables[table].type != ENGINE_FUNCREF)
        validate_fail(v, STATUS_INVALID, "type mismatch: %s through table %u, which has %s",
                      validate_instruction_text(v), table,
                      validate_type_name(module->tables[table].type));
    validate_pop(v, validate_address_type(module->tables[table].is_64));
    return &module->types[type];
}

static void check_call(struct validator *v, bool is_indirect)
{
    const struct engine_functype *type = read_callee(v, is_indirect);
    if (type == NULL)
        return;
    validate_pop_types(v, type->params, type->param_count);
    validate_push_types(v, type->results, type->result_count);
}

static void check_return_call(struct validator *v, bool is_indirect)
{
    const struct engine_functype *type = read_callee(v, is_indirect);
    if (type == NULL)
        return;
    if (!types_equal(type->results, type->result_count, v->type->results, v->type->result_count))
        validate_fail(v, STATUS_INVALID, "type mismatch: %s of a function with other results",
                      validate_instruction_text(v));
    validate_pop_types(v, type->params, type->param_count);
    set_unreachable(v);
}

void validate_check_control(struct validator *v, uint32_t code)
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
        (void)validate_peek_types(v, v->type->results, v->type->result_count);
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
