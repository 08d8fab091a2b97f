/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value stack off the fast path: reports, unreachable code, vectors of types.
 *
 * A vector has up to 1000 types and is compared and copied many at a time, so that no
 * instruction costs much more than its own bytes.
 */
#include "engine/validate/stack.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/read/decode_immediate.h"

/* ---- reports --------------------------------------------------------------------------------- */

const char *validate_instruction_text(const struct validator *v)
{
    if (v->instruction == NULL)
        return "function";
    struct reader reader = v->reader;
    reader.at = v->instruction;
    reader.status = STATUS_OK;
    reader.report = NULL;
    uint32_t code = reader_u8(&reader);
    if (opcode_is_prefix(code))
        code = decode_prefixed_opcode(&reader, code);
    const struct opcode_row *row = opcode_row(code);
    return row == NULL ? "instruction" : row->text;
}

void validate_fail(struct validator *v, enum status status, const char *format, ...)
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

void validate_fail_mismatch(struct validator *v, const char *wanted, uint32_t found)
{
    validate_fail(v, STATUS_INVALID, "type mismatch: %s needs %s, found %s",
                  validate_instruction_text(v), wanted, engine_type_text(found).text);
}

static void fail_missing(struct validator *v, const char *wanted)
{
    validate_fail(v, STATUS_INVALID, "type mismatch: %s needs %s, the stack is empty",
                  validate_instruction_text(v), wanted);
}

void validate_fail_stack_full(struct validator *v)
{
    v->top = v->limit;
    validate_fail(v, STATUS_LIMIT, "function needs more than %u stack slots",
                  MODULE_MAX_FRAME_SLOTS);
}

uint32_t validate_check_index(struct validator *v, uint32_t count, const char *what)
{
    uint32_t index = reader_u32(&v->reader);
    if (LIKELY(index < count) || reader_failed(&v->reader))
        return index;
    validate_fail(v, STATUS_INVALID, "unknown %s %u: there are %u", what, index, count);
    return UINT32_MAX;
}

uint32_t validate_pop_any_at_floor(struct validator *v)
{
    if (!v->frame->unreachable)
        fail_missing(v, "a value");
    return VALIDATE_UNKNOWN;
}

uint32_t validate_pop_reference(struct validator *v)
{
    uint32_t type = validate_pop_any(v);
    if (type == VALIDATE_UNKNOWN || engine_type_is_reference(type))
        return type == VALIDATE_UNKNOWN ? TYPES_BOTTOM_REF : type;
    validate_fail_mismatch(v, "a reference", type);
    return TYPES_BOTTOM_REF;
}

void validate_pop_slow(struct validator *v, uint32_t type)
{
    if (v->top == v->floor) {
        if (!v->frame->unreachable)
            fail_missing(v, engine_type_text(type).text);
        return;
    }
    uint32_t found = *--v->top;
    if (!validate_matches(v, found, type))
        validate_fail_mismatch(v, engine_type_text(type).text, found);
}

bool validate_matches(struct validator *v, uint32_t found, uint32_t wanted)
{
    if (found == wanted || found == VALIDATE_UNKNOWN)
        return true;
    if (v->matches_left == 0) {
        validate_fail(v, STATUS_LIMIT, "more comparisons of subtypes than a function may need");
        return false;
    }
    v->matches_left--;
    return types_match(v->module, found, wanted);
}

/* Compares the whole vectors: no early exit, so that it runs many values at a time. */
static inline bool types_fit(const uint32_t *found, const uint32_t *types, size_t count)
{
    uint32_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong |= found[i] != types[i] && found[i] != VALIDATE_UNKNOWN;
    return wrong == 0;
}

static bool
types_match_each(struct validator *v, const uint32_t *found, const uint32_t *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!validate_matches(v, found[i], types[i]))
            return false;
    }
    return true;
}

static void fail_types(struct validator *v, const uint32_t *types, size_t count)
{
    size_t have = MIN((size_t)(v->top - v->floor), count);
    for (size_t i = 1; i <= have; i++) {
        uint32_t found = v->top[-(ptrdiff_t)i];
        uint32_t type = types[count - i];
        if (!validate_matches(v, found, type))
            return validate_fail_mismatch(v, engine_type_text(type).text, found);
    }
    if (have < count)
        fail_missing(v, engine_type_text(types[count - have - 1]).text);
}

size_t validate_peek_types(struct validator *v, const uint32_t *types, size_t count)
{
    if (count == 0) /* and `types` may be NULL */
        return 0;
    size_t have = MIN((size_t)(v->top - v->floor), count);
    const uint32_t *found = v->top - have;
    const uint32_t *wanted = types + (count - have);
    if ((have == count || v->frame->unreachable) &&
        (types_fit(found, wanted, have) || types_match_each(v, found, wanted, have)))
        return have;
    fail_types(v, types, count);
    return 0;
}

void validate_pop_types(struct validator *v, const uint32_t *types, size_t count)
{
    v->top -= validate_peek_types(v, types, count);
}

void validate_push_types(struct validator *v, const uint32_t *types, size_t count)
{
    if (count > (size_t)(v->limit - v->top))
        return validate_fail_stack_full(v);
    if (count > 0)
        memcpy(v->top, types, count * sizeof(*types));
    v->top += count;
}

void validate_apply_wide(struct validator *v, const struct validate_rule *rule)
{
    struct validate_rule wide = *rule;
    for (unsigned i = 0; i < VALIDATE_WINDOW; i++) {
        if ((rule->addresses >> i & 1) != 0)
            wide.want[i] = ENGINE_I64;
    }
    if (rule->result_is_address)
        wide.result = ENGINE_I64;
    validate_apply(v, &wide);
}
