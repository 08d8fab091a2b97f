/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the user's own: a build, or the server that `skerry dev` has. It sees what its
 * starter sees, environment and folders, but for standard input, which is empty; it leads a group
 * of processes, so that what it started ends with it.
 *
 * Confined children are another matter: engine/base/spawn.h.
 */
#ifndef SKERRY_DEPLOY_PROJECT_PROCESS_H
#define SKERRY_DEPLOY_PROJECT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/status.h"

#define PROJECT_PROCESS_NONE ((struct project_process){.fd = -1})

struct project_start {
    const char *const *words; /* the program, looked up in PATH, and its arguments; NULL ends */
    const char *folder;       /* where it starts; NULL: here */
    int out_fd;               /* its stdout */
    int error_fd;             /* its stderr */
};

struct project_process {
    pid_t pid;
    int fd; /* readable when it has ended; -1: there is no process */
};

/* Runs it. A program that cannot be started ends with status 127, and says so. */
NODISCARD enum status project_process_start(const struct project_start *start,
                                            struct report *report,
                                            struct project_process *ret_process);
/* True: it has ended, `ret_wait` is as wait(2) has it, and the process is none. */
bool project_process_reap(struct project_process *process, int *ret_wait);
/* Ends the group: asks, waits for `patience_ms` at most, then kills. The process is none. */
void project_process_stop(struct project_process *process, int patience_ms);

#endif
