/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what stands at a server's start: is there enough to run on, and what it says
 * to whoever started it.
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_THRESHOLD_H
#define SKERRY_SERVER_CONTROL_LIFE_THRESHOLD_H

#include "server/control/sockets/listeners.h"

/* LIMIT: the process may not have as many descriptors as its workers need. */
NODISCARD enum status threshold_check_descriptors(const struct config *config,
                                                  struct report *report);
/* Ends the server as SIGTERM does, once this turn of the loop is over. */
void threshold_leave(void *context);
/* Where it listens, on stdout. */
void threshold_announce(const struct config *config, const struct listeners *listeners);

#endif
