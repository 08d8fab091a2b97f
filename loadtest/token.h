/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The characters of an HTTP token [RFC 9110 5.6.2], as a set of bits, because every byte
 * of every header name is looked up here.
 */
#ifndef SKERRY_LOADTEST_TOKEN_H
#define SKERRY_LOADTEST_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

/* Letters, digits and !#$%&'*+-.^_`|~ */
static inline bool token_has(uint8_t c)
{
    static const uint64_t set[] = {0x03ff6cfa00000000ull, 0x57ffffffc7fffffeull, 0, 0};
    return (set[c >> 6] >> (c & 63) & 1) != 0;
}

#endif
