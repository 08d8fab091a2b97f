/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as hexadecimal text and back. Written in lower case; a digit may be read in either.
 */
#ifndef SKERRY_ENGINE_BASE_HEX_H
#define SKERRY_ENGINE_BASE_HEX_H

#include "engine/base/bytes.h"

/* The digit of the lowest four bits. */
static inline char hex_digit(uint64_t value)
{
    return "0123456789abcdef"[value & 15];
}

/* What the digit stands for; -1: it is none. */
static inline int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Writes 2 * count digits and a NUL. */
void hex_encode(const uint8_t *data, size_t count, char *ret_text);
/* Reads exactly 2 * count lower-case digits, so that each text has one reading and each value
 * one text; what follows them is not looked at. */
bool hex_decode(const char *text, size_t count, uint8_t *ret_data);

#endif
