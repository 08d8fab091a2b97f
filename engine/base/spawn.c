/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork and exec, with the way there told step by step. What needs memory is made before the
 * fork; between fork and exec there are system calls only.
 *
 *   child:  signals -> death signal -> descriptors -> limits -> score -> privileges -> exec
 *              \-- a step fails: (step, errno) through a pipe that exec would have closed
 *
 * Where the bounding set can be emptied (root), capabilities go with the exec itself, so that the
 * program may be a file that only root could open; else they are given up before.
 */
#include "engine/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/macros.h"

/* Above all targets: those of the order, and the pipe that tells of failures. */
#define SPAWN_FD_PARKED   (SPAWN_FD_FIRST + SPAWN_FDS_MAX + 1)
#define SPAWN_EXIT_ERROR  127
#define SPAWN_OOM_MAX     1000
#define SPAWN_OOM_BYTES   24 /* of any long, and its NUL */
#define SPAWN_OOM_FILE    "/proc/self/oom_score_adj"
#define SPAWN_VERB_BYTES  32
#define SPAWN_SIGNALS_MAX 64
#define SPAWN_OPTIONS_MAX 3 /* of sanitizers */

/* STEP(name, text): what a child does on its way, in this order. */
#define SPAWN_STEPS(STEP)                                                                          \
    STEP(SIGNALS, "signals")                                                                       \
    STEP(DESCRIPTORS, "descriptors: raise `ulimit -n`")                                            \
    STEP(LIMITS, "limits")                                                                         \
    STEP(PRIVILEGES, "privileges")                                                                 \
    STEP(PROGRAM, "program")

enum spawn_step {
#define STEP(name, text) SPAWN_STEP_##name,
    SPAWN_STEPS(STEP)
#undef STEP
        SPAWN_STEP_COUNT
};

struct spawn_failure {
    enum spawn_step step;
    int error;
};

struct spawn_child {
    const struct spawn_order *order;
    pid_t parent;
    int told_fd; /* where a failure is told */
    char *arguments[3];
    char *environment[SPAWN_ENVIRONMENT_MAX + SPAWN_OPTIONS_MAX + 1]; /* owned */
    char oom_text[SPAWN_OOM_BYTES];
};

extern void __asan_init(void) __attribute__((weak));

bool spawn_is_sanitized(void)
{
    return __asan_init != NULL;
}

/* ---- in the child ---------------------------------------------------------------------------- */

static bool spawn_signals(pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    /* Two of them belong to the C library, and two cannot be changed: those calls fail. */
    for (int number = 1; number <= SPAWN_SIGNALS_MAX; number++)
        (void)signal(number, SIG_DFL);
    (void)umask(S_IRWXG | S_IRWXO);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
           getppid() == parent;
}

/* As `target`, which exec keeps. */
static bool spawn_place_fd(int fd, int target)
{
    return fd == target ? fcntl(fd, F_SETFD, 0) == 0 : dup2(fd, target) == target;
}

/* First out of the way of the targets, then down. */
static bool spawn_descriptors(struct spawn_child *child)
{
    const struct spawn_order *order = child->order;
    int parked[SPAWN_FDS_MAX];
    for (uint32_t i = 0; i < order->fd_count; i++) {
        parked[i] = fcntl(order->fds[i], F_DUPFD_CLOEXEC, SPAWN_FD_PARKED);
        if (parked[i] < 0)
            return false;
    }
    int told_fd = fcntl(child->told_fd, F_DUPFD_CLOEXEC, SPAWN_FD_PARKED);
    int error_fd = order->error_fd < 0 ? STDERR_FILENO : order->error_fd;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (told_fd < 0 || null < 0 || !spawn_place_fd(error_fd, STDERR_FILENO) ||
        !spawn_place_fd(null, STDIN_FILENO) || !spawn_place_fd(null, STDOUT_FILENO))
        return false;
    child->told_fd = told_fd;
    for (uint32_t i = 0; i < order->fd_count; i++) {
        if (!spawn_place_fd(parked[i], SPAWN_FD_FIRST + (int)i))
            return false;
    }
    int last = SPAWN_FD_FIRST + (int)order->fd_count;
    if (dup3(told_fd, last, O_CLOEXEC) != last)
        return false;
    child->told_fd = last;
    return close_range((unsigned)last + 1, ~0U, 0) == 0;
}

static bool spawn_limits(const struct spawn_child *child)
{
    const struct rlimit none = {0};
    bool done = setrlimit(RLIMIT_CORE, &none) == 0;
    for (uint32_t i = 0; done && i < child->order->limit_count; i++) {
        const struct spawn_limit *row = &child->order->limits[i];
        const struct rlimit limit = {.rlim_cur = row->value, .rlim_max = row->value};
        done = setrlimit((__rlimit_resource_t)row->resource, &limit) == 0;
    }
    /* In a process whose memory nobody may read that file is root's; exec undoes this. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    int fd = open(SPAWN_OOM_FILE, O_WRONLY | O_CLOEXEC);
    /* It is no wall: where /proc is not to be had, it does without. */
    if (fd >= 0) {
        ssize_t written = write(fd, child->oom_text, strlen(child->oom_text));
        (void)written;
        (void)close(fd);
    }
    return done;
}

static bool spawn_privileges(void)
{
    bool emptied = true;
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        emptied = prctl(PR_CAPBSET_DROP, cap) == 0 && emptied;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, caps) != 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(caps); i++)
        caps[i] = emptied ? (struct __user_cap_data_struct){.effective = caps[i].effective,
                                                            .permitted = caps[i].permitted}
                          : (struct __user_cap_data_struct){0};
    return syscall(SYS_capset, &header, caps) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

NORETURN static void spawn_run(struct spawn_child *child)
{
    struct spawn_failure failure = {.step = SPAWN_STEP_SIGNALS};
    bool going = spawn_signals(child->parent);
    if (going) {
        failure.step = SPAWN_STEP_DESCRIPTORS;
        going = spawn_descriptors(child);
    }
    if (going) {
        failure.step = SPAWN_STEP_LIMITS;
        going = spawn_limits(child);
    }
    if (going) {
        failure.step = SPAWN_STEP_PRIVILEGES;
        going = spawn_privileges();
    }
    if (going) {
        failure.step = SPAWN_STEP_PROGRAM;
        (void)execve(child->order->role->executable, child->arguments, child->environment);
    }
    failure.error = errno;
    ssize_t written = write(child->told_fd, &failure, sizeof(failure));
    (void)written;
    _exit(SPAWN_EXIT_ERROR);
}

/* ---- in the parent --------------------------------------------------------------------------- */

/* False if memory ran out. */
static bool spawn_keep_name(struct spawn_child *child, uint32_t *count, const char *name)
{
    const char *value = getenv(name);
    if (value == NULL)
        return true;
    if (asprintf(&child->environment[*count], "%s=%s", name, value) < 0) {
        child->environment[*count] = NULL;
        return false;
    }
    ++*count;
    return true;
}

static bool spawn_make_environment(struct spawn_child *child)
{
    static const char *const options[SPAWN_OPTIONS_MAX] = {"ASAN_OPTIONS", "LSAN_OPTIONS",
                                                           "UBSAN_OPTIONS"};
    const struct spawn_role *role = child->order->role;
    uint32_t count = 0;
    bool made = true;
    for (size_t i = 0; made && i < SPAWN_ENVIRONMENT_MAX && role->environment[i] != NULL; i++)
        made = spawn_keep_name(child, &count, role->environment[i]);
    for (size_t i = 0; made && spawn_is_sanitized() && i < COUNT_OF(options); i++)
        made = spawn_keep_name(child, &count, options[i]);
    return made;
}

static void spawn_score(const struct spawn_role *role, char ret_text[SPAWN_OOM_BYTES])
{
    char text[16] = "";
    AUTO_CLOSE int fd = open(SPAWN_OOM_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    long ours = count > 0 ? strtol(text, NULL, 10) : 0;
    (void)snprintf(ret_text, SPAWN_OOM_BYTES, "%ld", MIN(ours + role->oom_score, SPAWN_OOM_MAX));
}

/* What the child told, if it did not get as far as its program. */
static enum status spawn_listen(int fd, const struct spawn_order *order, struct report *report)
{
    static const char *const steps[SPAWN_STEP_COUNT] = {
#define STEP(name, text) [SPAWN_STEP_##name] = (text),
        SPAWN_STEPS(STEP)
#undef STEP
    };
    struct spawn_failure failure;
    ssize_t count;
    do
        count = read(fd, &failure, sizeof(failure));
    while (count < 0 && errno == EINTR);
    if (count == 0)
        return STATUS_OK;
    if (count != (ssize_t)sizeof(failure) || (unsigned)failure.step >= SPAWN_STEP_COUNT)
        return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "a %s did not start",
                           order->role->verb);
    errno = failure.error;
    return report_errno(report, "cannot start a %s (%.100s), at its %s", order->role->verb,
                        order->role->executable, steps[failure.step]);
}

static enum status spawn_fork(struct spawn_child *child, struct report *report, pid_t *ret_pid)
{
    int told[2];
    if (pipe2(told, O_CLOEXEC) != 0)
        return report_errno(report, "cannot start a %s", child->order->role->verb);
    child->told_fd = told[1];
    child->parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        spawn_run(child);
    (void)close(told[1]);
    enum status status = pid < 0
                             ? report_errno(report, "cannot start a %s", child->order->role->verb)
                             : spawn_listen(told[0], child->order, report);
    (void)close(told[0]);
    if (status == STATUS_OK)
        *ret_pid = pid;
    else if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return status;
}

enum status spawn_start(const struct spawn_order *order, struct report *report, pid_t *ret_pid)
{
    ASSERT(order->fd_count <= SPAWN_FDS_MAX);
    struct spawn_child child = {.order = order};
    char program[] = "skerry";
    char verb[SPAWN_VERB_BYTES];
    (void)snprintf(verb, sizeof(verb), "%s", order->role->verb);
    child.arguments[0] = program;
    child.arguments[1] = verb;
    spawn_score(order->role, child.oom_text);
    enum status status = STATUS_NO_MEMORY;
    if (spawn_make_environment(&child))
        status = spawn_fork(&child, report, ret_pid);
    else
        status = report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    for (size_t i = 0; child.environment[i] != NULL; i++)
        free(child.environment[i]);
    return status;
}

/* ---- in the program -------------------------------------------------------------------------- */

void spawn_settle(void)
{
    if (!spawn_is_sanitized())
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
