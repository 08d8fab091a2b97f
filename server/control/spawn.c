/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork and exec. Between the two, only calls that are safe after fork.
 */
#include "server/control/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/base/macros.h"

#define SPAWN_FD_FIRST   3
#define SPAWN_FD_PARKED  (SPAWN_FD_FIRST + SPAWN_FDS_MAX) /* above all targets */
#define SPAWN_EXIT_ERROR 127

/* First out of the way of the targets, then down: dup2 drops close-on-exec. */
static bool spawn_place(const int *fds, uint32_t count)
{
    int parked[SPAWN_FDS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        parked[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, SPAWN_FD_PARKED);
        if (parked[i] < 0)
            return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (dup2(parked[i], SPAWN_FD_FIRST + (int)i) < 0)
            return false;
    }
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return null >= 0 && dup2(null, STDIN_FILENO) >= 0;
}

NORETURN static void spawn_child(char *const *arguments, const int *fds, uint32_t count)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && spawn_place(fds, count))
        (void)execv(SPAWN_EXECUTABLE, arguments);
    _exit(SPAWN_EXIT_ERROR);
}

pid_t spawn_self(const char *verb, const int *fds, uint32_t count)
{
    ASSERT(count <= SPAWN_FDS_MAX);
    char program[] = "skerry";
    char name[32] = "";
    for (size_t i = 0; i + 1 < sizeof(name) && verb[i] != '\0'; i++)
        name[i] = verb[i];
    char *arguments[] = {program, name, NULL};
    pid_t pid = fork();
    if (pid == 0)
        spawn_child(arguments, fds, count);
    return pid;
}
