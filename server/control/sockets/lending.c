/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting, and passing descriptors over a socket: one byte, which listener it is of, one
 * descriptor, one message.
 */
#include "server/control/sockets/lending.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENDING_PER_TURN 32

union lending_room {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int))];
};

static bool lending_send(int to, int connection, uint8_t listener)
{
    uint8_t byte = listener;
    union lending_room room = {0};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = sizeof(room.bytes)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(connection));
    memcpy(CMSG_DATA(head), &connection, sizeof(connection));
    return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

int lending_receive(int fd, uint32_t *ret_listener)
{
    uint8_t byte;
    union lending_room room = {0};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = sizeof(room.bytes)};
    int connection = -1;
    if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
        return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(connection)))
        memcpy(&connection, CMSG_DATA(head), sizeof(connection));
    *ret_listener = byte;
    return connection;
}

void lending_end(struct lending *lending)
{
    for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++) {
        if (lending->events[i] != NULL)
            event_free(lending->events[i]);
        lending->events[i] = NULL;
    }
}

static void lending_on_accept(evutil_socket_t fd, short events, void *context)
{
    (void)events;
    struct lending *lending = context;
    uint8_t listener = 0;
    while (listener + 1 < CONFIG_LISTEN_MAX && lending->fds[listener] != fd)
        listener++;
    for (int i = 0; i < LENDING_PER_TURN; i++) {
        int to = lending->next(lending->context);
        AUTO_CLOSE int connection =
            to < 0 ? -1 : accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0 && to >= 0 && errno == EAGAIN)
            return;
        if (connection < 0) {
            /* They are better off in the queue; to be woken by them again at once is of no use. */
            lending_end(lending);
            return;
        }
        if (lending_send(to, connection, listener))
            lending->lent++;
        else
            lending->lost++;
    }
}

void lending_begin(struct lending *lending, struct event_base *base, const int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count && lending->events[i] == NULL; i++) {
        lending->fds[i] = fds[i];
        if (fds[i] < 0)
            continue;
        lending->events[i] =
            event_new(base, fds[i], EV_READ | EV_PERSIST, lending_on_accept, lending);
        if (lending->events[i] == NULL)
            return;
        (void)event_add(lending->events[i], NULL);
    }
}
