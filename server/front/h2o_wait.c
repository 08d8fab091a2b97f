/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libh2o's waits for sockets: to the microsecond, and with fewer system calls.
 *
 * It knows milliseconds, and a guest that sleeps until a moment would go on up to one later. What
 * it waits with is epoll_wait, which is ours here, as h2o_guard.h says: where it waits for as long
 * as h2o_wait_run told it, and not for a timer of its own, we know how long that is. All other
 * waits of the process are as they were.
 *
 * It also reads no more from an HTTP/1 client while a request of it is under way, and has the
 * kernel told so twice for each request that waits for something. epoll_ctl is ours, too: the
 * kernel goes on looking, and is told only if something comes meanwhile, which then waits.
 *
 *   is read --DEL--> is_left --ADD--> is read          the kernel heard of neither
 *                       | something comes, or the socket is closed: the DEL is made good
 *                       v
 *                    not looked at --ADD--> is read
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "server/front/h2o_guard.h"

#define WAIT_NS_PER_US 1000

/* Rounded up: whoever wakes too early has nothing to do yet. */
static int32_t wait_ms(uint64_t wait_us)
{
    return (int32_t)((wait_us + CLOCK_US_PER_MS - 1) / CLOCK_US_PER_MS);
}

void h2o_wait_run(h2o_loop_t *loop, uint64_t wait_us, bool looks)
{
    h2o_guard.wait_us = wait_us;
    h2o_guard.spares = !looks;
    h2o_guard.in_loop = true;
    /* It fails only when a signal interrupts the wait: the next turn does the rest. */
    (void)h2o_evloop_run(loop, wait_ms(wait_us));
    h2o_guard.in_loop = false;
}

/* ---- what the kernel looks at ---------------------------------------------------------------- */

/* Declared again, since they are to be seen from outside. */
GUARD_EXPORT int epoll_ctl(int fd, int change, int of, struct epoll_event *event);
GUARD_EXPORT int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms);

static int wait_tell(int fd, int change, int of, struct epoll_event *event)
{
    return (int)syscall(SYS_epoll_ctl, fd, change, of, event);
}

/* Whose socket it is; NULL: none of our clients', or not libh2o's loop. */
static struct h2o_connection *wait_connection(const struct epoll_event *event)
{
    if (!h2o_guard.in_loop || event == NULL)
        return NULL;
    const h2o_socket_t *socket = event->data.ptr;
    return h2o_connection_owns(socket) ? socket->on_close.data : NULL;
}

int epoll_ctl(int fd, int change, int of, struct epoll_event *event)
{
    struct h2o_connection *connection = wait_connection(event);
    if (connection == NULL)
        return wait_tell(fd, change, of, event);
    bool was_left = connection->left_loop_fd >= 0;
    connection->left_loop_fd = -1;
    if (change == EPOLL_CTL_DEL) {
        if (connection->waits_for != EPOLLIN)
            return wait_tell(fd, change, of, event);
        connection->left_loop_fd = fd;
        return 0;
    }
    if (was_left && event->events == EPOLLIN)
        return 0;
    connection->waits_for = event->events;
    return wait_tell(fd, was_left ? EPOLL_CTL_MOD : change, of, event);
}

void h2o_wait_leave(struct h2o_connection *connection)
{
    if (connection->left_loop_fd >= 0)
        (void)wait_tell(connection->left_loop_fd, EPOLL_CTL_DEL,
                        h2o_socket_get_fd(connection->socket), NULL);
    connection->left_loop_fd = -1;
}

/* Takes those out that libh2o waits for no more. */
static int wait_sift(struct epoll_event *events, int count)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        struct h2o_connection *connection = wait_connection(&events[i]);
        if (connection != NULL && connection->left_loop_fd >= 0)
            h2o_wait_leave(connection);
        else
            events[kept++] = events[i];
    }
    return count < 0 ? count : kept;
}

/* ---- how long -------------------------------------------------------------------------------- */

static int wait_for_events(int fd, struct epoll_event *events, int max, int timeout_ms)
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

/* Not two in a row: what there is to go on with could keep all others out. */
static bool wait_is_spared(int timeout_ms)
{
    h2o_guard.spared =
        h2o_guard.in_loop && h2o_guard.spares && timeout_ms == 0 && !h2o_guard.spared;
    return h2o_guard.spared;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    if (wait_is_spared(timeout_ms))
        return 0;
    return wait_sift(events, wait_for_events(fd, events, max, timeout_ms));
}
