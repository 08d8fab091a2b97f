/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the control process of `skerry serve`.
 */
#ifndef SKERRY_SERVER_CONTROL_CONTROL_H
#define SKERRY_SERVER_CONTROL_CONTROL_H

#include "config/config.h"

struct control_options {
    const struct config *config; /* checked; borrowed */
    bool access_log;
};

/* Runs until it is told to stop; returns the exit status. */
int control_run(const struct control_options *options);

#endif
