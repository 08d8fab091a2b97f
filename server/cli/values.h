/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: Wasm values as text, for `skerry run` and `skerry wast`.
 *
 *   i32:-3   i64:7   f32:0.1   f64:inf   f64:nan:0x7ff8000000000000   externref:null
 *   i32x4:1,-2,3,4
 *
 * A v128 takes two slots, every other value one. What is printed reads back, but for
 * references that are not null.
 */
#ifndef SKERRY_SERVER_CLI_VALUES_H
#define SKERRY_SERVER_CLI_VALUES_H

#include "engine/engine.h"

#define VALUES_TEXT_BYTES 64

/* Shortest decimal that reads back as the same number; NaN as its bits. */
void values_print(char text[VALUES_TEXT_BYTES], uint32_t type, const union engine_value *slots);
/* Decimal, 0x, and for floats anything strtod reads, or nan:0x<bits>; a v128 as its shape and
 * lanes. False if it is not of this type, or too large for it. */
NODISCARD bool values_parse(const char *text, uint32_t type, union engine_value *ret_slots);
/* How a value of this type is written, for messages. */
const char *values_form(uint32_t type);

#endif
