/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libh2o's wait for sockets, to the microsecond.
 *
 * It knows milliseconds, and a guest that sleeps until a moment would go on up to one later. What
 * it waits with is epoll_wait, which is ours here, as h2o_guard.h says: where it waits for as long
 * as h2o_wait_run told it, and not for a timer of its own, we know how long that is. All other
 * waits of the process are as they were.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "server/front/h2o_guard.h"

#define WAIT_NS_PER_US 1000

/* Rounded up: whoever wakes too early has nothing to do yet. */
static int32_t wait_ms(uint64_t wait_us)
{
    return (int32_t)((wait_us + CLOCK_US_PER_MS - 1) / CLOCK_US_PER_MS);
}

void h2o_wait_run(h2o_loop_t *loop, uint64_t wait_us)
{
    h2o_guard.wait_us = wait_us;
    /* It fails only when a signal interrupts the wait: the next turn does the rest. */
    (void)h2o_evloop_run(loop, wait_ms(wait_us));
}

/* Declared again, since it is to be seen from outside. */
GUARD_EXPORT int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms);

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    uint64_t wait_us = h2o_guard.wait_us;
    if (timeout_ms > 0 && wait_ms(wait_us) == timeout_ms) {
        const struct timespec wait = {
            .tv_sec = (time_t)(wait_us / CLOCK_US_PER_S),
            .tv_nsec = (long)(wait_us % CLOCK_US_PER_S * WAIT_NS_PER_US),
        };
        int count = epoll_pwait2(fd, events, max, &wait, NULL);
        /* A kernel, or a container's filter, that is older than the call. */
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return count;
    }
    return epoll_pwait(fd, events, max, timeout_ms, NULL);
}
