// SPDX-License-Identifier: Apache-2.0
/* Input for the benchmark's programs: the same bytes in every run and on every engine.
 *
 * Text is made of invented words, some of them frequent, as in a language; input_hash is what a
 * program prints of its result, so that no engine can be fast by being wrong.
 */
#ifndef BENCH_INPUT_H
#define BENCH_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct input {
    char *bytes;
    size_t used, size;
    uint32_t random;
};

static inline uint32_t input_random(struct input *input, uint32_t limit)
{
    uint32_t x = input->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    input->random = x;
    return (uint32_t)((uint64_t)x * limit >> 32);
}

/* What does not fit is left out. */
static inline void input_put(struct input *input, const char *text)
{
    size_t length = strlen(text);

    if (length < input->size - input->used) {
        memcpy(input->bytes + input->used, text, length + 1);
        input->used += length;
    }
}

/* One of 4,096 words; the smaller of three draws, so that some are frequent. */
static inline void input_word(struct input *input)
{
    static const char SYLLABLES[16][4] = {"ka", "lo", "mi", "ner", "tu", "sa", "vel", "dor",
                                          "en", "is", "ha", "po",  "ri", "ul", "gra", "te"};
    uint32_t number = input_random(input, 4096);

    for (int draw = 0; draw < 2; draw++) {
        uint32_t other = input_random(input, 4096);

        number = other < number ? other : number;
    }
    do {
        input_put(input, SYLLABLES[number % 16]);
        number /= 16;
    } while (number != 0);
}

static inline void input_words(struct input *input, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i != 0) {
            input_put(input, " ");
        }
        input_word(input);
    }
}

static inline void input_number(struct input *input, uint32_t limit)
{
    char text[16];

    snprintf(text, sizeof text, "%u", (unsigned)input_random(input, limit));
    input_put(input, text);
}

static inline uint32_t input_hash(uint32_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ at[i]) * 16777619;
    }
    return hash;
}

#endif
