/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the connections of a worker that does not serve, taken by others.
 *
 *   listeners of a stalled worker --control accepts--> the next worker that serves (SCM_RIGHTS)
 *
 * The kernel goes on giving it its share of new connections, and those that came before it
 * stalled wait in its queue. Control holds the same sockets: it accepts from them for the time
 * being, reads nothing, and passes the connections on. None is lost, and nothing has to be closed
 * that would have to be opened again.
 */
#ifndef SKERRY_SERVER_CONTROL_SOCKETS_LENDING_H
#define SKERRY_SERVER_CONTROL_SOCKETS_LENDING_H

#include "server/control/sockets/listeners.h"

struct event;
struct event_base;

struct lending {
    /* A socket of the next worker that serves, for one connection; -1: there is none. */
    int (*next)(void *context);
    void *context;
    uint64_t lent;                           /* connections ever */
    uint64_t lost;                           /* ... that nobody could take */
    struct event *events[CONFIG_LISTEN_MAX]; /* NULL: its worker serves */
    int fds[CONFIG_LISTEN_MAX];              /* its listeners; borrowed */
};

/* Begins to accept from these listeners, of which those that are -1 are none; borrowed until
 * lending_end. Does nothing if it has begun, and as much as it can if memory runs out. Ends by
 * itself when nobody can take them, or none can be accepted: to be begun again later. */
void lending_begin(struct lending *lending,
                   struct event_base *base,
                   const int *fds,
                   uint32_t count);
void lending_end(struct lending *lending);
/* The other side: the next connection that was passed on over this socket, and which listener it
 * came by; or -1. */
int lending_receive(int fd, uint32_t *ret_listener);

#endif
