/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in the scripts: numbers are decimal bit patterns ("1065353216" is 1.0f), an
 * external reference is the host's number, `expected` also knows classes of NaN.
 *
 * A vector is a list of lanes, each such a number or class.
 *
 * The host's reference n is n + 1 in the engine, where 0 is null.
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/cli/values.h"
#include "server/cli/wast.h"

#define F32_QUIET     0x7fc00000u
#define F64_QUIET     0x7ff8000000000000u
#define F32_SIGN_LESS 0x7fffffffu
#define F64_SIGN_LESS 0x7fffffffffffffffu

static uint32_t type_of(const char *name)
{
    static const uint32_t types[] = {
        ENGINE_I32,      ENGINE_I64,        ENGINE_F32,    ENGINE_F64,         ENGINE_FUNCREF,
        ENGINE_ANYREF,   ENGINE_EXTERNREF,  ENGINE_EQREF,  ENGINE_I31REF,      ENGINE_STRUCTREF,
        ENGINE_NULLREF,  ENGINE_NULLEXNREF, ENGINE_EXNREF, ENGINE_NULLFUNCREF, ENGINE_NULLEXTERNREF,
        ENGINE_ARRAYREF, ENGINE_V128};
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

/* WAST_EXACT if it names none. */
static uint8_t nan_kind(const char *value)
{
    if (strcmp(value, "nan:canonical") == 0)
        return WAST_NAN_CANONICAL;
    return strcmp(value, "nan:arithmetic") == 0 ? WAST_NAN_ARITHMETIC : WAST_EXACT;
}

/* The lanes of a vector, the lowest first. */
static void read_lanes(struct wast_pattern *pattern, const char *lane_type, const json_t *lanes)
{
    size_t count = json_array_size(lanes);
    if (count < 2 || count > 16 || 16 % count != 0) {
        pattern->kind = WAST_UNKNOWN;
        return;
    }
    if (lane_type[0] == 'f')
        pattern->lane_type = count == 2 ? ENGINE_F64 : ENGINE_F32;
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_array_get(lanes, i));
        if (value == NULL || (pattern->lane_type != 0 && count > COUNT_OF(pattern->lane_kinds))) {
            pattern->kind = WAST_UNKNOWN;
            return;
        }
        if (pattern->lane_type != 0)
            pattern->lane_kinds[i] = nan_kind(value);
        uint64_t number = number_of(value);
        memcpy((uint8_t *)pattern->slots + i * (16 / count), &number, 16 / count);
    }
}

static void read_value(struct wast_pattern *pattern, const char *value)
{
    pattern->kind = nan_kind(value);
    if (pattern->kind != WAST_EXACT)
        return;
    if (pattern->type == ENGINE_FUNCREF && strcmp(value, "null") != 0) {
        pattern->kind = WAST_ANY_REFERENCE; /* a function has no number in the script */
    } else if (engine_type_is_reference(pattern->type)) {
        pattern->slots[0].ref = strcmp(value, "null") == 0 ? 0 : number_of(value) + 1;
    } else {
        pattern->slots[0].bits = number_of(value);
        if (pattern->type == ENGINE_I32 || pattern->type == ENGINE_F32)
            pattern->slots[0].bits = (uint32_t)pattern->slots[0].bits;
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
    else if (pattern.type == ENGINE_V128)
        read_lanes(&pattern, json_string_value(json_object_get(json, "lane_type")),
                   json_object_get(json, "value"));
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

static bool number_matches(uint8_t kind, bool narrow, uint64_t wanted, uint64_t bits)
{
    switch (kind) {
    case WAST_NAN_CANONICAL:
        return narrow ? (bits & F32_SIGN_LESS) == F32_QUIET : (bits & F64_SIGN_LESS) == F64_QUIET;
    case WAST_NAN_ARITHMETIC:
        return narrow ? (bits & F32_QUIET) == F32_QUIET : (bits & F64_QUIET) == F64_QUIET;
    default:
        return bits == wanted;
    }
}

static bool vector_matches(const struct wast_pattern *pattern, const union engine_value *slots)
{
    if (pattern->lane_type == 0)
        return memcmp(slots, pattern->slots, sizeof(pattern->slots)) == 0;
    bool narrow = pattern->lane_type == ENGINE_F32;
    for (unsigned i = 0; i < (narrow ? 4 : 2); i++) {
        uint64_t wanted = pattern->slots[narrow ? i / 2 : i].bits;
        uint64_t bits = slots[narrow ? i / 2 : i].bits;
        if (narrow) {
            wanted = (uint32_t)(wanted >> (i % 2 * 32));
            bits = (uint32_t)(bits >> (i % 2 * 32));
        }
        if (!number_matches(pattern->lane_kinds[i], narrow, wanted, bits))
            return false;
    }
    return true;
}

bool wast_pattern_matches(const struct wast_pattern *pattern,
                          uint32_t type,
                          const union engine_value *slots)
{
    union engine_value value = slots[0];
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
    if (type == ENGINE_V128)
        return vector_matches(pattern, slots);
    if (pattern->kind == WAST_ANY_REFERENCE)
        return value.ref != 0 && kind_matches(pattern->type, value.ref);
    return number_matches((uint8_t)pattern->kind, narrow, pattern->slots[0].bits, value.bits);
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
        values_print(value, pattern->type == 0 ? ENGINE_FUNCREF : pattern->type, pattern->slots);
        (void)snprintf(text, bytes, "%s", value);
        break;
    }
}
