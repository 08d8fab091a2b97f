/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork and exec of what the user may run anyway, as the leader of a group of its own.
 */
#include "deploy/project/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_EXIT_NO_PROGRAM 127

NORETURN static void process_run(const struct project_start *start, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ready = setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 &&
                 getppid() == parent && sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
                 (start->folder == NULL || chdir(start->folder) == 0) && null >= 0 &&
                 dup2(null, STDIN_FILENO) >= 0 && dup2(start->out_fd, STDOUT_FILENO) >= 0 &&
                 dup2(start->error_fd, STDERR_FILENO) >= 0;
    if (ready) {
        union {
            const char *const *given;
            char *const *wanted; /* exec changes none of them */
        } words = {.given = start->words};
        (void)execvp(start->words[0], words.wanted);
    }
    (void)dprintf(STDERR_FILENO, "%s: %s\n", start->words[0], strerrordesc_np(errno));
    _exit(PROCESS_EXIT_NO_PROGRAM);
}

enum status project_process_start(const struct project_start *start,
                                  struct report *report,
                                  struct project_process *ret_process)
{
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        process_run(start, parent);
    int fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        enum status status = report_errno(report, "cannot start %.100s", start->words[0]);
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
        }
        return status;
    }
    /* Here too, lest it be stopped before it has come so far itself. */
    (void)setpgid(pid, pid);
    *ret_process = (struct project_process){.pid = pid, .fd = fd};
    return STATUS_OK;
}

static bool process_wait(struct project_process *process, int flags, int *ret_wait)
{
    pid_t done;
    do
        done = waitpid(process->pid, ret_wait, flags);
    while (done < 0 && errno == EINTR);
    if (done != process->pid)
        return false;
    (void)close(process->fd);
    *process = PROJECT_PROCESS_NONE;
    return true;
}

bool project_process_reap(struct project_process *process, int *ret_wait)
{
    return process->fd >= 0 && process_wait(process, WNOHANG, ret_wait);
}

void project_process_stop(struct project_process *process, int patience_ms)
{
    struct pollfd ended = {.fd = process->fd, .events = POLLIN};
    pid_t group = process->pid;
    int ignored;
    if (process->fd < 0)
        return;
    (void)kill(-group, SIGTERM);
    (void)poll(&ended, 1, patience_ms);
    (void)kill(-group, SIGKILL);
    (void)process_wait(process, 0, &ignored);
}
