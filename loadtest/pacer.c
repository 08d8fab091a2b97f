/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Due times.
 */
#include "loadtest/pacer.h"

#include <math.h>

#include "engine/base/macros.h"

#define PACER_NS_PER_1000_S 1000000000000ull
#define PACER_RANDOM_BITS   53

void pacer_init(struct pacer *pacer, uint64_t start_ns, uint64_t rate_millis)
{
    ASSERT(rate_millis > 0);
    *pacer = (struct pacer){.start_ns = start_ns, .rate_millis = rate_millis, .due_ns = start_ns};
}

/* splitmix64: one add and three mixes, full period. Returns a number in (0, 1]. */
static double pacer_uniform(struct pacer *pacer)
{
    pacer->random += 0x9e3779b97f4a7c15ull;
    uint64_t mixed = pacer->random;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
    mixed ^= mixed >> 31;
    uint64_t top = (mixed >> (64 - PACER_RANDOM_BITS)) + 1;
    return (double)top / (double)(1ull << PACER_RANDOM_BITS);
}

void pacer_make_poisson(struct pacer *pacer, uint64_t seed)
{
    ASSERT(pacer->index == 0);
    pacer->poisson = true;
    pacer->random = seed;
}

void pacer_advance(struct pacer *pacer)
{
    pacer->index++;
    if (pacer->poisson) {
        double mean_ns = (double)PACER_NS_PER_1000_S / (double)pacer->rate_millis;
        pacer->offset_ns += -log(pacer_uniform(pacer)) * mean_ns;
        pacer->due_ns = pacer->start_ns + (uint64_t)pacer->offset_ns;
    } else {
        unsigned __int128 offset = (unsigned __int128)pacer->index * PACER_NS_PER_1000_S;
        pacer->due_ns = pacer->start_ns + (uint64_t)(offset / pacer->rate_millis);
    }
}
