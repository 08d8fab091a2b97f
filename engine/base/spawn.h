/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a process that is born confined: the only place of the server that forks.
 *
 *   role:  which program, under which verb, what of our environment it sees, how soon the
 *          kernel may kill it when memory runs out        (one of a table, for ever)
 *   order: its descriptors, its stderr, its limits        (of one child)
 *
 * Whatever the role, a child has: the descriptors of its order from 3 on and no others, /dev/null
 * as stdin and stdout, no capability and no way to get one (no_new_privs), no core dump,
 * all signals as they are by default, and a death signal, so that it does not outlive us. It has
 * all that before the first of its own instructions runs.
 */
#ifndef SKERRY_ENGINE_BASE_SPAWN_H
#define SKERRY_ENGINE_BASE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/status.h"

/* The very file that runs now, even if its name was given to a newer build meanwhile. */
#define SPAWN_EXECUTABLE      "/proc/self/exe"
#define SPAWN_FD_FIRST        3
#define SPAWN_FDS_MAX         32
#define SPAWN_ENVIRONMENT_MAX 8

struct spawn_role {
    const char *verb; /* argv[1] */
    const char *executable;
    /* Names that are handed on when we have them; NULL ends the list early. A sanitizer's
     * options go with them in a program that has one. */
    const char *environment[SPAWN_ENVIRONMENT_MAX];
    int oom_score; /* above ours: 0 to 1000 */
};

struct spawn_limit {
    int resource; /* RLIMIT_* */
    uint64_t value;
};

struct spawn_order {
    const struct spawn_role *role;
    const int *fds; /* fds[i] becomes 3 + i; borrowed */
    uint32_t fd_count;
    int error_fd; /* its stderr; -1: it has ours */
    const struct spawn_limit *limits;
    uint32_t limit_count;
};

/* Returns when the program runs, or could not be made to: then the report says which step
 * failed, and no process is left. */
NODISCARD enum status
spawn_start(const struct spawn_order *order, struct report *report, pid_t *ret_pid);
/* A child's first act, since exec would undo it: others of its user may not read its memory. */
void spawn_settle(void);
/* A sanitizer's shadow memory is private data too, and its leak check traces the process: the
 * bounds that forbid it are left away. */
bool spawn_is_sanitized(void);

#endif
