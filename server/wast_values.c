/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in the scripts: numbers are decimal bit patterns ("1065353216" is 1.0f), an
 * external reference is the host's number, `expected` also knows classes of NaN.
 *
 * The host's reference n is n + 1 in the engine, where 0 is null.
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/values.h"
#include "server/wast.h"

#define F32_QUIET     0x7fc00000u
#define F64_QUIET     0x7ff8000000000000u
#define F32_SIGN_LESS 0x7fffffffu
#define F64_SIGN_LESS 0x7fffffffffffffffu

static uint32_t type_of(const char *name)
{
    static const uint32_t types[] = {
        ENGINE_I32,     ENGINE_I64,         ENGINE_F32,           ENGINE_F64,
        ENGINE_FUNCREF, ENGINE_ANYREF,      ENGINE_EXTERNREF,     ENGINE_EQREF,
        ENGINE_I31REF,  ENGINE_STRUCTREF,   ENGINE_NULLREF,       ENGINE_NULLEXNREF,
        ENGINE_EXNREF,  ENGINE_NULLFUNCREF, ENGINE_NULLEXTERNREF, ENGINE_ARRAYREF};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(name, engine_type_text(types[i]).text) == 0)
            return types[i];
    }
    return 0;
}

/* A type that has no value but null. */
static bool is_null_type(uint32_t type)
{
    return type == ENGINE_NULLREF || type == ENGINE_NULLFUNCREF || type == ENGINE_NULLEXTERNREF ||
           type == ENGINE_NULLEXNREF;
}

static uint64_t number_of(const char *text)
{
    return text[0] == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
}

static void read_value(struct wast_pattern *pattern, const char *value)
{
    if (strcmp(value, "nan:canonical") == 0) {
        pattern->kind = WAST_NAN_CANONICAL;
    } else if (strcmp(value, "nan:arithmetic") == 0) {
        pattern->kind = WAST_NAN_ARITHMETIC;
    } else if (pattern->type == ENGINE_FUNCREF && strcmp(value, "null") != 0) {
        pattern->kind = WAST_ANY_REFERENCE; /* a function has no number in the script */
    } else if (engine_type_is_reference(pattern->type)) {
        pattern->value.ref = strcmp(value, "null") == 0 ? 0 : number_of(value) + 1;
    } else {
        pattern->value.bits = number_of(value);
        if (pattern->type == ENGINE_I32 || pattern->type == ENGINE_F32)
            pattern->value.bits = (uint32_t)pattern->value.bits;
    }
}

struct wast_pattern wast_pattern_read(const json_t *json)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    const char *value = json_string_value(json_object_get(json, "value"));
    struct wast_pattern pattern = {.kind = WAST_EXACT, .text = type != NULL ? type : "?"};
    pattern.type = type_of(pattern.text);
    if (strcmp(pattern.text, "refnull") == 0)
        return pattern;
    if (pattern.type == 0)
        pattern.kind = WAST_UNKNOWN;
    else if (value != NULL)
        read_value(&pattern, value);
    else if (engine_type_is_reference(pattern.type))
        pattern.kind = is_null_type(pattern.type) ? WAST_EXACT : WAST_ANY_REFERENCE;
    else
        pattern.kind = WAST_UNKNOWN;
    return pattern;
}

/* Is this reference, which is not null, of the kind that the pattern's type names? */
static bool kind_matches(uint32_t type, uint64_t reference)
{
    bool is_i31 = engine_reference_is_i31(reference);
    bool is_object = engine_reference_is_object(reference);
    switch (type) {
    case ENGINE_I31REF:
        return is_i31;
    case ENGINE_EQREF:
        return is_i31 || is_object;
    case ENGINE_STRUCTREF:
    case ENGINE_ARRAYREF:
        return is_object;
    default:
        return true;
    }
}

bool wast_pattern_matches(const struct wast_pattern *pattern,
                          uint32_t type,
                          union engine_value value)
{
    if (pattern->kind == WAST_UNKNOWN)
        return false;
    if (pattern->type == 0)
        return engine_type_is_reference(type) && value.ref == 0;
    /* A script names the kind of a reference, not the type of the function's result. */
    if (pattern->type != type &&
        (!engine_type_is_reference(pattern->type) || !engine_type_is_reference(type)))
        return false;
    bool narrow = type == ENGINE_F32;
    if (narrow && value.bits >> 32 != 0)
        return false;
    switch (pattern->kind) {
    case WAST_NAN_CANONICAL:
        return narrow ? (value.i32 & F32_SIGN_LESS) == F32_QUIET
                      : (value.bits & F64_SIGN_LESS) == F64_QUIET;
    case WAST_NAN_ARITHMETIC:
        return narrow ? (value.i32 & F32_QUIET) == F32_QUIET
                      : (value.bits & F64_QUIET) == F64_QUIET;
    case WAST_ANY_REFERENCE:
        return value.ref != 0 && kind_matches(pattern->type, value.ref);
    default:
        return value.bits == pattern->value.bits;
    }
}

void wast_pattern_print(const struct wast_pattern *pattern, char *text, size_t bytes)
{
    char value[VALUES_TEXT_BYTES];
    switch (pattern->kind) {
    case WAST_NAN_CANONICAL:
        (void)snprintf(text, bytes, "%s:nan:canonical", pattern->text);
        break;
    case WAST_NAN_ARITHMETIC:
        (void)snprintf(text, bytes, "%s:nan:arithmetic", pattern->text);
        break;
    case WAST_ANY_REFERENCE:
        (void)snprintf(text, bytes, "%s, not null", pattern->text);
        break;
    case WAST_UNKNOWN:
        (void)snprintf(text, bytes, "%s, which is not supported", pattern->text);
        break;
    default:
        values_print(value, pattern->type == 0 ? ENGINE_FUNCREF : pattern->type, pattern->value);
        (void)snprintf(text, bytes, "%s", value);
        break;
    }
}
