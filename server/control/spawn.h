/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: starts this program again with another verb.
 */
#ifndef SKERRY_SERVER_CONTROL_SPAWN_H
#define SKERRY_SERVER_CONTROL_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

/* The very file that runs now, even if its name was given to a newer build meanwhile. */
#define SPAWN_EXECUTABLE "/proc/self/exe"
#define SPAWN_FDS_MAX    32

/*
 * The child gets fds[i] as descriptor 3 + i, stdin from /dev/null, our stdout and stderr, and
 * dies with us. -1 and errno if there is no child.
 */
pid_t spawn_self(const char *verb, const int *fds, uint32_t count);

#endif
