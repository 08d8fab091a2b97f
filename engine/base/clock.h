/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, behind a pointer, so that tests can turn the hands themselves.
 *
 * All durations in Skerry that carry no other unit are microseconds in uint64_t;
 * nanoseconds say so in the name. Pass a `const struct clock *`; `clock_system` is
 * the real one.
 */
#ifndef SKERRY_ENGINE_BASE_CLOCK_H
#define SKERRY_ENGINE_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_US UINT64_C(1000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S  UINT64_C(1000000000)
#define CLOCK_US_PER_MS UINT64_C(1000)
#define CLOCK_US_PER_S  UINT64_C(1000000)

struct clock {
    uint64_t (*monotonic_ns)(void *context);
    uint64_t (*realtime_ns)(void *context); /* since the Unix epoch */
    void *context;
};

extern const struct clock clock_system;

static inline uint64_t clock_monotonic_ns(const struct clock *clock)
{
    return clock->monotonic_ns(clock->context);
}

static inline uint64_t clock_monotonic_us(const struct clock *clock)
{
    return clock->monotonic_ns(clock->context) / CLOCK_NS_PER_US;
}

static inline uint64_t clock_realtime_ns(const struct clock *clock)
{
    return clock->realtime_ns(clock->context);
}

#endif
