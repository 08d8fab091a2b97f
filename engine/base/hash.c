/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a hash begins.
 */
#include "engine/base/hash.h"

#include <sys/random.h>

uint64_t hash_seed(const struct clock *clock)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed = clock_realtime_ns(clock);
    return seed;
}
