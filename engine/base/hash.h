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

/* Of `bytes` after what `seed` stands for: another hash, to hash several things in order. */
static inline uint64_t hash_bytes(uint64_t seed, struct bytes bytes)
{
    uint64_t hash = seed ^ bytes.count;
    for (size_t i = 0; i < bytes.count; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes.data + i, MIN(bytes.count - i, (size_t)8));
        unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return hash;
}

#endif
