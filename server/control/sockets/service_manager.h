/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what control and the service manager that started it (systemd) say to each
 * other: which sockets it was handed [sd_listen_fds(3)], and how it is [sd_notify(3)].
 *
 * Both are a few words of environment and a datagram, which a library would not make shorter.
 * Without a service manager there are no sockets, and nothing is said.
 */
#ifndef SKERRY_SERVER_CONTROL_SOCKETS_SERVICE_MANAGER_H
#define SKERRY_SERVER_CONTROL_SOCKETS_SERVICE_MANAGER_H

#include "config/config.h"

#define SERVICE_SOCKETS_FIRST 3 /* of the descriptors that are handed over */

struct service_sockets {
    int fds[CONFIG_LISTEN_MAX]; /* owned; -1: taken, or none */
    char addresses[CONFIG_LISTEN_MAX][CONFIG_ADDRESS_BYTES];
    uint32_t count;
};

/*
 * The sockets that were handed to this process: TCP sockets that listen, from `first` on. They are
 * its own from here on, close on exec and do not block; the environment forgets them. CONFIG, with
 * a report that names the unit's setting, if one is of another kind or there are too many.
 */
NODISCARD enum status
service_sockets_take(int first, struct report *report, struct service_sockets *ret_sockets);
/* The one that is bound to `address` as config_address_print prints it; the caller's to close. -1:
 * there is none. */
int service_sockets_pick(struct service_sockets *sockets, const char *address);
/* CONFIG if one was handed over that nobody picked: clients would wait at it for ever. */
NODISCARD enum status service_sockets_check(const struct service_sockets *sockets,
                                            struct report *report);
void service_sockets_close(struct service_sockets *sockets);

/* Lines as sd_notify takes them, "READY=1\nSTATUS=..."; what cannot be said is not. */
void service_manager_say(const char *state);

#endif
