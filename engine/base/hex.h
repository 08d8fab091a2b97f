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

/* Eight digits at once, those of the lowest bits first. */
static inline void hex_half(uint32_t half, char *ret_text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word = half;
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (word + ones * (16 - 10)) >> 4 & ones; /* 1 where it is 10 or more */
    word += ones * '0' + letters * ('a' - '0' - 10);
    memcpy(ret_text, &word, sizeof(word));
}

/* The 16 digits of a number, those of the lowest bits first; no NUL. */
static inline void hex_digits(uint64_t value, char *ret_text)
{
    hex_half((uint32_t)value, ret_text);
    hex_half((uint32_t)(value >> 32), ret_text + 8);
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
