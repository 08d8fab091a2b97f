/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of names for tables in memory. Names come from strangers, so the hash starts from a
 * seed that each process, or table, takes by chance: who does not know it cannot choose names
 * that meet in one bucket. Never for what is written down or sent: bytes are read in the
 * machine's order.
 */
#ifndef SKERRY_ENGINE_BASE_HASH_H
#define SKERRY_ENGINE_BASE_HASH_H

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/macros.h"

/* From the kernel's random numbers; from `clock` while it has none to give yet. */
uint64_t hash_seed(const struct clock *clock);

/* 1 to 8 bytes as one word, of a length that is known besides: two halves that may overlap. */
static inline uint64_t hash_last_word(const uint8_t *data, size_t count)
{
    uint32_t first;
    uint32_t last;
    if (count < sizeof(first))
        return data[0] | (uint64_t)data[count / 2] << 8 | (uint64_t)data[count - 1] << 16;
    memcpy(&first, data, sizeof(first));
    memcpy(&last, data + count - sizeof(last), sizeof(last));
    return first | (uint64_t)last << 32;
}

static inline uint64_t hash_mix(uint64_t hash, uint64_t word)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of `bytes` after what `seed` stands for: another hash, to hash several things in order. */
static inline uint64_t hash_bytes(uint64_t seed, struct bytes bytes)
{
    /* The count goes first: a last word with another count may be the same. */
    uint64_t hash = hash_mix(seed, bytes.count);
    size_t at = 0;
    for (; bytes.count - at > sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes.data + at, sizeof(word));
        hash = hash_mix(hash, word);
    }
    return at < bytes.count ? hash_mix(hash, hash_last_word(bytes.data + at, bytes.count - at))
                            : hash;
}

#endif
