/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does something end its process by an assertion? It is done in a child, so that the test goes on.
 */
#ifndef SKERRY_TESTS_SUPPORT_ABORTS_H
#define SKERRY_TESTS_SUPPORT_ABORTS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

static inline bool aborts(void (*act)(void *context), void *context)
{
    int how;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL); /* cmocka's is there */
        (void)close(STDERR_FILENO);
        act(context);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT;
}

#endif
