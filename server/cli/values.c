/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wasm values to text and back. Integers print signed and read either way.
 */
#include "server/cli/values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_f32(char text[VALUES_TEXT_BYTES], union engine_value value)
{
    if (isnan(value.f32)) {
        (void)snprintf(text, VALUES_TEXT_BYTES, "f32:nan:0x%08x", value.i32);
        return;
    }
    char digits[VALUES_TEXT_BYTES / 2];
    int precision = 1;
    do {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, (double)value.f32);
    } while (strtof(digits, NULL) != value.f32 && precision++ < 9);
    (void)snprintf(text, VALUES_TEXT_BYTES, "f32:%s", digits);
}

static void print_f64(char text[VALUES_TEXT_BYTES], union engine_value value)
{
    if (isnan(value.f64)) {
        (void)snprintf(text, VALUES_TEXT_BYTES, "f64:nan:0x%016llx",
                       (unsigned long long)value.bits);
        return;
    }
    char digits[VALUES_TEXT_BYTES / 2];
    int precision = 1;
    do {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, value.f64);
    } while (strtod(digits, NULL) != value.f64 && precision++ < 17);
    (void)snprintf(text, VALUES_TEXT_BYTES, "f64:%s", digits);
}

void values_print(char text[VALUES_TEXT_BYTES], uint32_t type, const union engine_value *slots)
{
    union engine_value value = slots[0];
    switch (type) {
    case ENGINE_I32:
        (void)snprintf(text, VALUES_TEXT_BYTES, "i32:%d", (int32_t)value.i32);
        break;
    case ENGINE_I64:
        (void)snprintf(text, VALUES_TEXT_BYTES, "i64:%lld", (long long)value.i64);
        break;
    case ENGINE_F32:
        print_f32(text, value);
        break;
    case ENGINE_F64:
        print_f64(text, value);
        break;
    case ENGINE_V128:
        (void)snprintf(text, VALUES_TEXT_BYTES, "i32x4:%d,%d,%d,%d", (int32_t)value.i32,
                       (int32_t)(value.bits >> 32), (int32_t)slots[1].i32,
                       (int32_t)(slots[1].bits >> 32));
        break;
    default:
        if (value.ref == 0)
            (void)snprintf(text, VALUES_TEXT_BYTES, "%s:null", engine_type_text(type).text);
        else
            (void)snprintf(text, VALUES_TEXT_BYTES, "%s:0x%llx", engine_type_text(type).text,
                           (unsigned long long)value.ref);
        break;
    }
}

static bool parse_integer(const char *text, unsigned bits, uint64_t *ret_bits)
{
    char *end;
    if (isspace((unsigned char)text[0]))
        return false;
    int base = strncmp(text + (text[0] == '-'), "0x", 2) == 0 ? 16 : 10;
    errno = 0;
    if (text[0] == '-') {
        long long number = strtoll(text, &end, base);
        if (errno != 0 || *end != '\0' || number < -(1LL << (bits - 2)) * 2)
            return false;
        *ret_bits = (uint64_t)number;
    } else {
        unsigned long long number = strtoull(text, &end, base);
        if (errno != 0 || *end != '\0' || end == text || (bits == 32 && number > UINT32_MAX))
            return false;
        *ret_bits = number;
    }
    if (bits == 32)
        *ret_bits = (uint32_t)*ret_bits;
    return true;
}

#define LANE_TEXT_BYTES 64

/* One number between commas as a lane of `bytes`. */
static bool parse_lane(const char *text, size_t count, bool is_float, size_t bytes, void *ret_lane)
{
    char lane[LANE_TEXT_BYTES];
    union engine_value value;
    if (count >= sizeof(lane))
        return false;
    memcpy(lane, text, count);
    lane[count] = '\0';
    uint32_t type = is_float ? ENGINE_F64 : ENGINE_I64;
    if (bytes < 8)
        type = is_float ? ENGINE_F32 : ENGINE_I32;
    if (!values_parse(lane, type, &value))
        return false;
    /* Of less than 32 bits: any number that has that many, read either way. */
    int64_t number = (int32_t)value.i32;
    if (bytes < 4 &&
        (number >= INT64_C(1) << bytes * 8 || number < -(INT64_C(1) << (bytes * 8 - 1))))
        return false;
    memcpy(ret_lane, &value, bytes);
    return true;
}

static bool parse_vector(const char *text, union engine_value *ret_slots)
{
    static const struct {
        const char *shape;
        bool is_float;
        size_t bytes; /* of a lane */
    } shapes[] = {{"i8x16:", false, 1}, {"i16x8:", false, 2}, {"i32x4:", false, 4},
                  {"i64x2:", false, 8}, {"f32x4:", true, 4},  {"f64x2:", true, 8}};
    uint8_t bytes[16];
    size_t shape = 0;
    while (shape < COUNT_OF(shapes) && strncmp(text, shapes[shape].shape, 6) != 0)
        shape++;
    if (shape == COUNT_OF(shapes))
        return false;
    text += 6;
    for (size_t at = 0; at < sizeof(bytes); at += shapes[shape].bytes) {
        size_t count = strcspn(text, ",");
        bool last = at + shapes[shape].bytes == sizeof(bytes);
        if (!parse_lane(text, count, shapes[shape].is_float, shapes[shape].bytes, &bytes[at]) ||
            (text[count] == '\0') != last)
            return false;
        text += count + 1;
    }
    memcpy(ret_slots, bytes, sizeof(bytes));
    return true;
}

/* nan:0x<bits>, all of them, as values_print writes it. */
static bool parse_nan(const char *text, uint32_t type, union engine_value *ret_value)
{
    union engine_value value = {.bits = 0};
    if (strncmp(text, "nan:0x", 6) != 0 ||
        !parse_integer(text + 4, type == ENGINE_F32 ? 32 : 64, &value.bits))
        return false;
    if (type == ENGINE_F32 ? !isnan(value.f32) : !isnan(value.f64))
        return false;
    *ret_value = value;
    return true;
}

/* A number too large for the type is none of it; one too small is its nearest, like any other
 * that the type has no exact form of. */
static bool parse_float(const char *text, uint32_t type, union engine_value *ret_value)
{
    char *end;
    union engine_value value = {.bits = 0};
    errno = 0;
    if (type == ENGINE_F32)
        value.f32 = strtof(text, &end);
    else
        value.f64 = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)text[0]))
        return parse_nan(text, type, ret_value);
    bool infinite = type == ENGINE_F32 ? isinf(value.f32) : isinf(value.f64);
    if (errno == ERANGE && infinite)
        return false;
    *ret_value = value;
    return true;
}

const char *values_form(uint32_t type)
{
    switch (type) {
    case ENGINE_I32:
        return "a whole number of 32 bits, decimal or 0x";
    case ENGINE_I64:
        return "a whole number of 64 bits, decimal or 0x";
    case ENGINE_F32:
    case ENGINE_F64:
        return "a number, inf, nan or nan:0x<bits>";
    case ENGINE_V128:
        return "i32x4:1,2,3,4, or another shape";
    default:
        return (type & ENGINE_TYPE_NON_NULL) == 0 ? "null, all that can come from outside"
                                                  : "nothing: none can come from outside";
    }
}

bool values_parse(const char *text, uint32_t type, union engine_value *ret_slots)
{
    if (type == ENGINE_V128)
        return parse_vector(text, ret_slots);
    union engine_value value = {.bits = 0};
    switch (type) {
    case ENGINE_I32:
    case ENGINE_I64:
        if (!parse_integer(text, type == ENGINE_I32 ? 32 : 64, &value.bits))
            return false;
        break;
    case ENGINE_F32:
    case ENGINE_F64:
        if (!parse_float(text, type, &value))
            return false;
        break;
    default:
        if (!engine_type_is_reference(type) || strcmp(text, "null") != 0 ||
            (type & ENGINE_TYPE_NON_NULL) != 0)
            return false;
        break;
    }
    *ret_slots = value;
    return true;
}
