/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the worker's face to the network: libh2o's loop, its listeners and
 * connections. No type of libh2o shows here.
 */
#ifndef SKERRY_SERVER_FRONT_H2O_LISTEN_H
#define SKERRY_SERVER_FRONT_H2O_LISTEN_H

#include "server/request/service.h"

struct h2o_front;

/* Is what we add to libh2o in force in the library that is loaded? Nothing may be served if not. */
NODISCARD enum status h2o_listen_check(struct report *report);
/* Accepts on `fds` (listening sockets; taken over), one for each address; those that are -1 are
 * other workers' alone. The service is borrowed. */
NODISCARD enum status h2o_listen_create(struct request_service *service,
                                        const int *fds,
                                        uint32_t count,
                                        struct report *report,
                                        struct h2o_front **ret_front);
/* One turn of the loop: waits at most so long for something to happen. */
void h2o_listen_run(struct h2o_front *front, uint64_t wait_us);
struct h2o_watch;
/* Calls `ready` whenever `fd` can be read; the callee reads. The fd is taken over; a handful are
 * possible. */
struct h2o_watch *
h2o_listen_watch(struct h2o_front *front, int fd, void (*ready)(void *context), void *context);
/* Ends that, and closes the fd. May be called by `ready`. */
void h2o_listen_unwatch(struct h2o_watch *watch);
/* A connection that somebody else accepted from that listener's address; taken over. */
void h2o_listen_adopt(struct h2o_front *front, int fd, uint32_t listener);
/* Takes what waits in the accept queues, closes the listeners, and asks connections to end. */
void h2o_listen_drain(struct h2o_front *front);
/* Requests whose answers are not wholly sent. */
uint32_t h2o_listen_unsent(const struct h2o_front *front);
uint32_t h2o_listen_connections(const struct h2o_front *front);
/* About once a second: closes connections whose client does not read. */
void h2o_listen_sweep(struct h2o_front *front);
/* Ends all connections, whatever they are doing. */
void h2o_listen_abort(struct h2o_front *front);

#endif
