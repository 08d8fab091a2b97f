/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks, branches and calls.
 */
#include "engine/validate/control.h"

#include <inttypes.h>

#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/validate/locals.h"
#include "engine/validate/stack.h"

/* ---- frames ---------------------------------------------------------------------------------- */

static void set_unreachable(struct validator *v)
{
    v->top = v->floor;
    v->frame->unreachable = true;
}

void validate_push_frame(struct validator *v, uint8_t opcode, const struct validate_block *type)
{
    if (v->frame_count > MODULE_MAX_NESTING)
        return validate_fail(v, STATUS_LIMIT, "blocks nested deeper than %u", MODULE_MAX_NESTING);
    v->frame_bytes.count = v->frame_count * sizeof(struct validate_frame);
    if (buffer_reserve(&v->frame_bytes, sizeof(struct validate_frame)) != STATUS_OK)
        return validate_fail(v, STATUS_NO_MEMORY, "out of memory");
    v->frame = (struct validate_frame *)(void *)v->frame_bytes.data + v->frame_count++;
    *v->frame =
        (struct validate_frame){.params = type->params,
                                .results = type->results,
                                .single = type->single,
                                .set_count = (uint32_t)(v->set_locals.count / sizeof(uint32_t)),
                                .height = (uint32_t)(v->top - v->values),
                                .param_count = (uint16_t)type->param_count,
                                .result_count = (uint16_t)type->result_count,
                                .opcode = opcode};
    v->floor = v->top;
}

static const uint32_t *frame_results(const struct validate_frame *frame)
{
    return frame->results != NULL ? frame->results : &frame->single;
}

/* Pops the innermost frame's results; they must be all that is left in it. */
static void finish_frame(struct validator *v)
{
    validate_unset_locals(v, v->frame->set_count);
    validate_pop_types(v, frame_results(v->frame), v->frame->result_count);
    if (v->top != v->floor)
        validate_fail(v, STATUS_INVALID,
                      "type mismatch: %td values too many at the end of the block",
                      v->top - v->floor);
}

/* Are values of the types `subs` also of the types `supers`? */
static bool types_below(struct validator *v,
                        const uint32_t *subs,
                        uint32_t sub_count,
                        const uint32_t *supers,
                        uint32_t super_count)
{
    bool below = sub_count == super_count;
    for (uint32_t i = 0; i < sub_count && below; i++)
        below = validate_matches(v, subs[i], supers[i]);
    return below;
}

static struct validate_label frame_label(const struct validate_frame *frame)
{
    if (frame->opcode == OPCODE_LOOP)
        return (struct validate_label){frame->params, frame->param_count};
    return (struct validate_label){frame_results(frame), frame->result_count};
}

/* After a failure the label of the innermost frame, which exists always. */
struct validate_label validate_read_label(struct validator *v)
{
    uint32_t depth = validate_check_index(v, v->frame_count, "label");
    if (UNLIKELY(depth >= v->frame_count))
        depth = 0;
    return frame_label(v->frame - depth);
}

static struct validate_block read_block_type(struct validator *v)
{
    struct validate_block block = {0};
    struct reader *reader = &v->reader;
    if (reader_left(reader) > 0 && *reader->at == 0x40) {
        reader->at++;
        return block;
    }
    /* Single bytes from 0x40 to 0x7f would be negative numbers: they begin value types. */
    if (reader_left(reader) > 0 && *reader->at >= 0x40 && *reader->at < 0x80) {
        block.single = decode_value_type(reader, v->module);
        block.result_count = 1;
        return block;
    }
    const uint8_t *at = reader->at;
    if (reader_s33(reader) < 0) {
        validate_fail(v, STATUS_MALFORMED, "malformed block type");
        return block;
    }
    if (reader_failed(reader))
        return block;
    reader->at = at;
    uint32_t index = decode_type_index(reader, v->module, TYPES_FUNC);
    if (reader_failed(reader))
        return block;
    const struct engine_functype *type = &v->module->types[index].func;
    return (struct validate_block){.params = type->params,
                                   .results = type->results,
                                   .param_count = type->param_count,
                                   .result_count = type->result_count};
}

static void check_block(struct validator *v, uint8_t opcode)
{
    struct validate_block type = read_block_type(v);
    if (opcode == OPCODE_IF)
        validate_pop(v, ENGINE_I32);
    validate_pop_types(v, type.params, type.param_count);
    validate_push_frame(v, opcode, &type);
    validate_push_types(v, type.params, type.param_count);
}

/* Another arm of the innermost block begins: what the one before it leaves was its results. */
static void begin_arm(struct validator *v, uint8_t opcode)
{
    finish_frame(v);
    v->frame->opcode = opcode;
    v->frame->unreachable = false;
}

static void check_else(struct validator *v)
{
    if (v->frame->opcode != OPCODE_IF)
        return validate_fail(v, STATUS_MALFORMED, "END opcode expected: else without if");
    begin_arm(v, OPCODE_ELSE);
    validate_push_types(v, v->frame->params, v->frame->param_count);
}

static void check_end(struct validator *v)
{
    finish_frame(v);
    struct validate_frame ended = *v->frame;
    if (ended.opcode == OPCODE_IF &&
        !types_below(v, ended.params, ended.param_count, frame_results(&ended), ended.result_count))
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
    validate_push_types(v, frame_results(&ended), ended.result_count);
}

static void check_br(struct validator *v)
{
    struct validate_label label = validate_read_label(v);
    (void)validate_peek_types(v, label.types, label.count);
    set_unreachable(v);
}

static void check_br_if(struct validator *v)
{
    struct validate_label label = validate_read_label(v);
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
        struct validate_label label = validate_read_label(v);
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

/* The callee of call_ref: the reference to it is on top. */
static const struct engine_functype *read_callee_reference(struct validator *v)
{
    uint32_t type = decode_type_index(&v->reader, v->module, TYPES_FUNC);
    if (reader_failed(&v->reader))
        return NULL;
    validate_pop(v, ENGINE_TYPE_CONCRETE | v->module->types[type].canonical);
    return &v->module->types[type].func;
}

static const struct engine_functype *read_callee_table(struct validator *v)
{
    const struct module *module = v->module;
    uint32_t type = decode_type_index(&v->reader, module, TYPES_FUNC);
    uint32_t table = validate_check_index(v, module->table_count, "table");
    if (reader_failed(&v->reader))
        return NULL;
    if (!validate_matches(v, module->tables[table].type, ENGINE_FUNCREF))
        validate_fail(v, STATUS_INVALID, "type mismatch: %s through table %u, which has %s",
                      validate_instruction_text(v), table,
                      engine_type_text(module->tables[table].type).text);
    validate_pop(v, validate_address_type(module->tables[table].is_64));
    return &module->types[type].func;
}

static const struct engine_functype *read_callee(struct validator *v, uint32_t code)
{
    switch (code) {
    case OPCODE_CALL_REF:
    case OPCODE_RETURN_CALL_REF:
        return read_callee_reference(v);
    case OPCODE_CALL_INDIRECT:
    case OPCODE_RETURN_CALL_INDIRECT:
        return read_callee_table(v);
    default: {
        uint32_t func = validate_check_index(v, v->module->func_count, "function");
        return reader_failed(&v->reader) ? NULL : module_func_type(v->module, func);
    }
    }
}

static void check_call(struct validator *v, uint32_t code)
{
    const struct engine_functype *type = read_callee(v, code);
    if (type == NULL)
        return;
    validate_pop_types(v, type->params, type->param_count);
    validate_push_types(v, type->results, type->result_count);
}

static void check_return_call(struct validator *v, uint32_t code)
{
    const struct engine_functype *type = read_callee(v, code);
    if (type == NULL)
        return;
    if (!types_below(v, type->results, type->result_count, v->type->results, v->type->result_count))
        validate_fail(v, STATUS_INVALID, "type mismatch: %s of a function with other results",
                      validate_instruction_text(v));
    validate_pop_types(v, type->params, type->param_count);
    set_unreachable(v);
}

/* ---- branches on references ------------------------------------------------------------------ */

static void check_br_on_null(struct validator *v)
{
    struct validate_label label = validate_read_label(v);
    uint32_t type = validate_pop_reference(v);
    validate_pop_types(v, label.types, label.count);
    validate_push_types(v, label.types, label.count);
    validate_push(v, type | ENGINE_TYPE_NON_NULL);
}

static void check_br_on_non_null(struct validator *v)
{
    struct validate_label label = validate_read_label(v);
    uint32_t type = validate_pop_reference(v);
    if (label.count == 0)
        return validate_fail(v, STATUS_INVALID, "type mismatch: %s to a label without values",
                             validate_instruction_text(v));
    validate_push(v, type | ENGINE_TYPE_NON_NULL);
    validate_pop_types(v, label.types, label.count);
    validate_push_types(v, label.types, label.count - 1);
}

/* ---- exceptions ------------------------------------------------------------------------------ */

/* The values of the tag named next; those of none after a failure. */
static const struct engine_functype *read_tag(struct validator *v)
{
    static const struct engine_functype no_values;
    uint32_t tag = validate_check_index(v, v->module->tag_count, "tag");
    return reader_failed(&v->reader) ? &no_values : module_tag_type(v->module, tag);
}

static void check_throw(struct validator *v)
{
    const struct engine_functype *type = read_tag(v);
    validate_pop_types(v, type->params, type->param_count);
    set_unreachable(v);
}

/* The values that a clause brings must be what its label takes. */
static void check_clause(struct validator *v)
{
    struct decode_clause clause = decode_clause(&v->reader);
    static const struct engine_functype no_values;
    const struct engine_functype *type = &no_values;
    if (reader_failed(&v->reader))
        return;
    if (!clause.is_all && clause.tag >= v->module->tag_count)
        return validate_fail(v, STATUS_INVALID, "unknown tag %u: there are %u", clause.tag,
                             v->module->tag_count);
    if (!clause.is_all)
        type = module_tag_type(v->module, clause.tag);
    if (clause.label >= v->frame_count)
        return validate_fail(v, STATUS_INVALID, "unknown label %u: there are %u", clause.label,
                             v->frame_count);
    struct validate_label label = frame_label(v->frame - clause.label);
    bool fits = label.count == type->param_count + (size_t)clause.with_reference &&
                types_below(v, type->params, type->param_count, label.types, type->param_count);
    if (fits && clause.with_reference)
        fits =
            validate_matches(v, ENGINE_TYPE_NON_NULL | ENGINE_EXNREF, label.types[label.count - 1]);
    if (!fits)
        validate_fail(v, STATUS_INVALID, "type mismatch: label %u does not take what is caught",
                      clause.label);
}

static void check_try_table(struct validator *v)
{
    struct validate_block type = read_block_type(v);
    validate_pop_types(v, type.params, type.param_count);
    uint32_t count = reader_count(&v->reader, 2, "catch clauses");
    for (uint32_t i = 0; i < count && !reader_failed(&v->reader); i++)
        check_clause(v);
    validate_push_frame(v, OPCODE_TRY_TABLE, &type);
    validate_push_types(v, type.params, type.param_count);
}

/* Of the form before WebAssembly 3.0: the exception lives on in the catch block. */
static void check_catch(struct validator *v, uint8_t code)
{
    if (v->frame->opcode != OPCODE_TRY && v->frame->opcode != OPCODE_CATCH)
        return validate_fail(v, STATUS_MALFORMED, "%s without a try, or behind catch_all",
                             validate_instruction_text(v));
    begin_arm(v, code);
    if (code == OPCODE_CATCH_ALL)
        return;
    const struct engine_functype *type = read_tag(v);
    validate_push_types(v, type->params, type->param_count);
}

/* Ends a try that has no catch. */
static void check_delegate(struct validator *v)
{
    if (v->frame->opcode != OPCODE_TRY)
        return validate_fail(v, STATUS_MALFORMED, "delegate without a try, or behind its catch");
    /* Labels count from outside of the try. */
    (void)validate_check_index(v, v->frame_count - 1, "label");
    check_end(v);
}

static void check_rethrow(struct validator *v)
{
    uint32_t depth = validate_check_index(v, v->frame_count, "label");
    if (reader_failed(&v->reader))
        return;
    uint8_t opcode = (v->frame - depth)->opcode;
    if (opcode != OPCODE_CATCH && opcode != OPCODE_CATCH_ALL)
        validate_fail(v, STATUS_INVALID, "invalid rethrow label: %u is no catch block", depth);
    set_unreachable(v);
}

static void check_exception(struct validator *v, uint32_t code)
{
    switch ((enum opcode)code) {
    case OPCODE_TRY_TABLE:
        return check_try_table(v);
    case OPCODE_THROW:
        return check_throw(v);
    case OPCODE_CATCH:
    case OPCODE_CATCH_ALL:
        return check_catch(v, (uint8_t)code);
    case OPCODE_DELEGATE:
        return check_delegate(v);
    case OPCODE_RETHROW:
        return check_rethrow(v);
    default:
        ASSERT(code == OPCODE_THROW_REF && "a special opcode without a function");
        validate_pop(v, ENGINE_EXNREF);
        return set_unreachable(v);
    }
}

void validate_check_control(struct validator *v, uint32_t code)
{
    switch ((enum opcode)code) {
    case OPCODE_UNREACHABLE:
        return set_unreachable(v);
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
    case OPCODE_IF:
    case OPCODE_TRY:
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
    case OPCODE_CALL_REF:
        return check_call(v, code);
    case OPCODE_RETURN_CALL:
    case OPCODE_RETURN_CALL_INDIRECT:
    case OPCODE_RETURN_CALL_REF:
        return check_return_call(v, code);
    case OPCODE_BR_ON_NULL:
        return check_br_on_null(v);
    case OPCODE_BR_ON_NON_NULL:
        return check_br_on_non_null(v);
    default:
        return check_exception(v, code);
    }
}
