/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real clocks of the machine.
 */
#include "engine/base/clock.h"

#include <time.h>

static uint64_t clock_read_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t clock_system_monotonic_ns(void *context)
{
    (void)context;
    return clock_read_ns(CLOCK_MONOTONIC);
}

static uint64_t clock_system_realtime_ns(void *context)
{
    (void)context;
    return clock_read_ns(CLOCK_REALTIME);
}

const struct clock clock_system = {
    .monotonic_ns = clock_system_monotonic_ns,
    .realtime_ns = clock_system_realtime_ns,
    .context = NULL,
};
