/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the sockets on which functions are served.
 *
 * Control opens one set per worker (SO_REUSEPORT: the kernel spreads connections over the
 * sets) and keeps them open over a worker's death: connections that arrive meanwhile wait
 * in the accept queue for its successor.
 */
#ifndef SKERRY_SERVER_CONTROL_SOCKETS_LISTENERS_H
#define SKERRY_SERVER_CONTROL_SOCKETS_LISTENERS_H

#include "config/config.h"
#include "server/control/sockets/service_manager.h"

struct listeners {
    uint32_t count;                /* addresses */
    uint32_t sets;                 /* workers */
    int (*fds)[CONFIG_LISTEN_MAX]; /* [set][address]; owned; -1: another worker's alone */
    char addresses[CONFIG_LISTEN_MAX][CONFIG_ADDRESS_BYTES]; /* with the real port */
    bool is_tls[CONFIG_LISTEN_MAX];
};

/* BUSY, with a report that names the address, if somebody listens there already. Of `sockets`
 * (NULL: none were handed over) it takes those that it wants, and wants all of them. */
NODISCARD enum status listeners_open(const struct config *config,
                                     struct service_sockets *sockets,
                                     struct report *report,
                                     struct listeners *ret_listeners);
/* The same with what a service manager has handed to this process. */
NODISCARD enum status listeners_open_service(const struct config *config,
                                             struct report *report,
                                             struct listeners *ret_listeners);
/* Copies of sockets that listen already: fds[worker][address]. */
NODISCARD enum status listeners_adopt(const struct listeners *left,
                                      struct report *report,
                                      struct listeners *ret_listeners);
void listeners_close(struct listeners *listeners);

#endif
