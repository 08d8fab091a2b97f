/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzzer's bytes, read as decisions. When they are used up every decision is 0, which all
 * readers take as "the plainest" or "no more", so that any bytes mean something that ends.
 */
#ifndef SKERRY_TESTS_FUZZ_CHOICES_H
#define SKERRY_TESTS_FUZZ_CHOICES_H

#include "engine/base/bytes.h"

struct choices {
    const uint8_t *at;
    size_t left;
};

static inline struct choices choices_make(const uint8_t *data, size_t count)
{
    return (struct choices){.at = data, .left = count};
}

static inline uint8_t choose_byte(struct choices *choices)
{
    if (choices->left == 0)
        return 0;
    choices->left--;
    return *choices->at++;
}

/* `count` bytes, at most 8, as a number. */
static inline uint64_t choose_bits(struct choices *choices, uint32_t count)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++)
        bits |= (uint64_t)choose_byte(choices) << (8 * i);
    return bits;
}

/* One of [0, count); count is at least 1 and at most 65,536. */
static inline uint32_t choose(struct choices *choices, uint32_t count)
{
    return (uint32_t)choose_bits(choices, count <= 256 ? 1 : 2) % count;
}

/* True once in `count` times. */
static inline bool choose_once_in(struct choices *choices, uint32_t count)
{
    return choose(choices, count) == count - 1;
}

#endif
