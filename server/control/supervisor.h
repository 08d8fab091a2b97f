/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what makes a process control: it holds all that control does together.
 */
#ifndef SKERRY_SERVER_CONTROL_SUPERVISOR_H
#define SKERRY_SERVER_CONTROL_SUPERVISOR_H

#include "config/config.h"

struct supervisor_options {
    const struct config *config; /* checked; borrowed */
    /* Makes the configuration anew, from all its sources: what a restart would begin with. */
    enum status (*configure)(void *context, struct config *ret_config, struct report *report);
    void *context;
    char **arguments; /* of this process, "skerry" first; borrowed, for who takes its place */
};

/* Runs until it is told to stop; returns the exit status. */
int supervisor_run(const struct supervisor_options *options);

#endif
