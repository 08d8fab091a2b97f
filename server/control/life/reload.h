/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the configuration as it is now, and as it will be when new workers serve.
 *
 *   reload_begin: asked = configure() --right?--> next = config with what of it can change --> roll
 *   reload_end:   config = next, or nothing has changed
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_RELOAD_H
#define SKERRY_SERVER_CONTROL_LIFE_RELOAD_H

#include "server/control/workers.h"

struct reload {
    struct config config; /* as it is now */
    struct config next;   /* that workers begin with */
    /* As in supervisor_options. */
    enum status (*configure)(void *context, struct config *ret_config, struct report *report);
    void *context;
};

NODISCARD enum status reload_begin(struct reload *reload,
                                   struct workers *workers,
                                   struct deploy_reload *ret_reload,
                                   struct report *report);
/* New workers with the configuration as it is; not OK: not now. */
NODISCARD enum status reload_renew(struct reload *reload, struct workers *workers);
/* What workers_options.rolled is told. */
void reload_end(struct reload *reload, bool done);
/* Where there is only the log to say how `begin` went. */
void reload_by_signal(enum status (*begin)(void *context,
                                           struct deploy_reload *ret_reload,
                                           struct report *report),
                      void *context);

#endif
