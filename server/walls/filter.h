/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to walls/: the system calls that are left to a process, as a seccomp filter.
 */
#ifndef SKERRY_SERVER_WALLS_FILTER_H
#define SKERRY_SERVER_WALLS_FILTER_H

#include "server/walls/walls.h"

bool filter_is_there(void);
/* For the rest of the process's life and for what it starts. */
NODISCARD enum status filter_raise(enum walls_role role, struct report *report);

#endif
