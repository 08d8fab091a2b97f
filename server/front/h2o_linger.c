/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing in two steps, for clients that are still sending a body which was refused.
 *
 * libh2o closes a connection as soon as its last answer is written. If bytes of the request
 * are still on their way, the kernel then resets the connection, and the client may never
 * see the 413. So such a connection's descriptor is kept (a duplicate): after libh2o's close
 * we end our side, and read and forget until the client ends its own, for a bounded time and
 * number of bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/front/h2o_front.h"

#define LINGER_MAX        256 /* connections at once; more are closed at once */
#define LINGER_NS         (3 * CLOCK_NS_PER_S)
#define LINGER_READ_BYTES 65536
#define LINGER_READS      16 /* in one go */

struct h2o_linger {
    h2o_linklist_t link; /* in front->lingering, oldest first */
    struct h2o_front *front;
    h2o_socket_t *socket;
    uint64_t began_ns;
    uint64_t bytes_left;
};

void h2o_linger_keep(struct h2o_connection *connection, uint64_t bytes_max)
{
    if (connection->linger_fd >= 0 || connection->front->linger_count >= LINGER_MAX)
        return;
    connection->linger_bytes = bytes_max;
    connection->linger_fd = fcntl(h2o_socket_get_fd(connection->socket), F_DUPFD_CLOEXEC, 0);
}

static void linger_end(struct h2o_linger *linger)
{
    h2o_linklist_unlink(&linger->link);
    linger->front->linger_count--;
    h2o_socket_close(linger->socket);
    free(linger);
}

static void linger_on_read(h2o_socket_t *socket, const char *err)
{
    struct h2o_linger *linger = socket->data;
    static const char *const done = "done";
    char waste[LINGER_READ_BYTES];
    for (int i = 0; err == NULL && i < LINGER_READS; i++) {
        ssize_t count = read(h2o_socket_get_fd(socket), waste, sizeof(waste));
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (count <= 0 || (uint64_t)count > linger->bytes_left)
            err = done;
        else
            linger->bytes_left -= (uint64_t)count;
    }
    if (err != NULL)
        linger_end(linger);
}

void h2o_linger_begin(const struct h2o_connection *connection)
{
    struct h2o_front *front = connection->front;
    int fd = connection->linger_fd;
    struct h2o_linger *linger = NULL;
    if (front->linger_count < LINGER_MAX)
        linger = calloc(1, sizeof(*linger));
    if (linger == NULL || shutdown(fd, SHUT_WR) != 0) {
        free(linger);
        (void)close(fd);
        return;
    }
    linger->front = front;
    linger->bytes_left = connection->linger_bytes;
    linger->began_ns = clock_monotonic_ns(front->service->clock);
    linger->socket = h2o_evloop_socket_create(front->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    linger->socket->data = linger;
    h2o_linklist_insert(&front->lingering, &linger->link);
    front->linger_count++;
    h2o_socket_read_start(linger->socket, linger_on_read);
}

void h2o_linger_sweep(struct h2o_front *front)
{
    uint64_t now = clock_monotonic_ns(front->service->clock);
    while (!h2o_linklist_is_empty(&front->lingering)) {
        struct h2o_linger *oldest =
            H2O_STRUCT_FROM_MEMBER(struct h2o_linger, link, front->lingering.next);
        if (now - oldest->began_ns <= LINGER_NS)
            return;
        linger_end(oldest);
    }
}
