/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which clients have hung up, asked of the kernel once for all of them.
 *
 * While it answers a request of HTTP/1.1, libh2o does not read from its connection, so it does not
 * see the end of it. A request that is parked for long has its connection put into an epoll of its
 * own, which tells of that end and nothing else; the epoll is a descriptor on the loop. What waits
 * costs nothing then, however many do.
 *
 *   parked for seconds --> in the epoll, for one event --> it comes: request_hung_up
 *                                                     \--> closed: out of the epoll
 *
 * A connection stays in it when its request goes on: the event then finds another, or none.
 */
#include <sys/epoll.h>

#include "server/front/h2o_guard.h"

static void hangup_on_event(const struct h2o_connection *connection)
{
    if (connection->watched != NULL)
        request_hung_up(&connection->watched->request);
}

/* One by one: what follows from an event may free the connection of the next. */
static void hangup_on_ready(void *context)
{
    const struct h2o_front *front = context;
    struct epoll_event event;
    while (epoll_pwait(front->hangup_fd, &event, 1, 0, NULL) == 1)
        hangup_on_event(event.data.ptr);
}

enum status h2o_hangup_init(struct h2o_front *front, struct report *report)
{
    front->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
    if (front->hangup_fd < 0)
        return report_errno(report, "worker: cannot watch for clients that hang up");
    h2o_listen_watch(front, front->hangup_fd, hangup_on_ready, front);
    return STATUS_OK;
}

bool h2o_hangup_watch(struct request *request)
{
    struct h2o_exchange *exchange = h2o_exchange_of(request);
    struct h2o_connection *connection = exchange->connection;
    /* There libh2o reads all the time. */
    if (exchange->req->version >= 0x200)
        return true;
    /* There it would be taken for the loop's own. */
    ASSERT(!h2o_guard.in_loop);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = connection};
    int verb = connection->in_hangups ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int fd = h2o_socket_get_fd(connection->socket);
    if (epoll_ctl(connection->front->hangup_fd, verb, fd, &event) != 0)
        return false;
    connection->in_hangups = true;
    connection->watched = exchange;
    return true;
}

void h2o_hangup_leave(struct h2o_connection *connection)
{
    if (!connection->in_hangups)
        return;
    /* Closing would do it, were there no duplicate that lingers. */
    int fd = h2o_socket_get_fd(connection->socket);
    int rc = epoll_ctl(connection->front->hangup_fd, EPOLL_CTL_DEL, fd, NULL);
    ASSERT(rc == 0);
    connection->in_hangups = false;
}
