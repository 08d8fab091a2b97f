/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to walls/: files that are left to a process, by landlock. Called by number and with
 * structures of our own, since Debian 12's headers know less of it than its kernels do.
 */
#ifndef SKERRY_SERVER_WALLS_LANDLOCK_H
#define SKERRY_SERVER_WALLS_LANDLOCK_H

#include "server/walls/walls.h"

struct landlock_place {
    const char *path; /* file or folder; one that is not there is left out */
    bool writes;      /* makes, changes and removes what is in it */
};

/* Its version; 0: this kernel has none. */
uint32_t landlock_version(void);
struct landlock_order {
    const struct landlock_place *places;
    uint32_t place_count;
    bool connects; /* over TCP */
};
/* For the rest of the process's life: nothing but these places can be opened; whatever was before
 * is not touched. No other process is signalled, where this kernel's landlock knows of that. */
NODISCARD enum status landlock_raise(const struct landlock_order *order, struct report *report);

#endif
