/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of memories, a page at a time: what is zero is not written, neither into an image,
 * which stays sparse, nor into memory, which stays untouched.
 */
#ifndef SKERRY_ENGINE_LIFE_PAGES_H
#define SKERRY_ENGINE_LIFE_PAGES_H

#include "engine/image/image.h"

static inline bool pages_are_zero(const uint8_t *data, uint64_t count)
{
    return count == 0 || (data[0] == 0 && memcmp(data, data + 1, count - 1) == 0);
}

/* Copies whole pages over zeroed ones. */
static inline void pages_copy(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += IMAGE_PAGE_BYTES) {
        if (!pages_are_zero(from + at, IMAGE_PAGE_BYTES))
            memcpy(to + at, from + at, IMAGE_PAGE_BYTES);
    }
}

#endif
