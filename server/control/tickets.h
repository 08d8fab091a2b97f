/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the keys that session tickets of TLS are sealed with. Control makes them, all
 * workers have the same, so that a client may come back to any of them; they are changed
 * while the server runs, are on no disk, and end with it.
 */
#ifndef SKERRY_SERVER_CONTROL_TICKETS_H
#define SKERRY_SERVER_CONTROL_TICKETS_H

#include "server/channel/tls_messages.h"
#include "server/control/workers.h"

#define TICKETS_ROTATION_S 28800

struct tickets {
    struct workers *workers;
    const struct config *config;
    struct event *timer;
    struct tls_ticket_key keys[TLS_TICKET_KEYS];
};

/* Both are borrowed. */
NODISCARD enum status tickets_open(struct tickets *tickets,
                                   struct event_base *base,
                                   const struct config *config,
                                   struct workers *workers,
                                   struct report *report);
void tickets_close(struct tickets *tickets);
/* Those of the program before, so that its TLS tickets stay good. */
void tickets_resume(struct tickets *tickets, const struct tls_ticket_key keys[TLS_TICKET_KEYS]);
/* Tells a worker that was started. */
void tickets_welcome(const struct tickets *tickets, const struct workers_caller *worker);
/* A new key for new tickets; those of the key before stay good. */
void tickets_rotate(struct tickets *tickets);

#endif
