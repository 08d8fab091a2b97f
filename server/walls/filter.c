/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.def as a filter, made by libseccomp, and what happens to who makes another call.
 *
 *   another call --trap--> SIGSYS --> a line in the log with its name --> SIGSYS again: the end
 *
 * The call is refused by the trap; the rest is for who reads the log. So it does not matter that a
 * process which was taken over could spoil the handler: it may not set another one, and gets no
 * call by that. Names are looked up before, since the handler can do nothing that takes memory.
 */
#include "server/walls/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/macros.h"
#include "server/telemetry/log.h"

#define FILTER_CALLS_MAX      512 /* numbers with a name; those of today end at 470 */
#define FILTER_CALL_BYTES     32
#define FILTER_OPTIMIZE_TREE  2 /* a search by number, instead of one after the other */
#define FILTER_CONDITIONS_MAX 2
#define FILTER_WORD           UINT32_MAX /* of a register, where the argument is an int */
#define FILTER_CHANGES        (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (__O_TMPFILE & ~O_DIRECTORY))

/* What libc makes a thread with: it shares all that its process has, its filter too. */
#define FILTER_THREAD_FLAGS                                                                        \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define FILTER_THREAD_SIGNAL 33 /* libc's own, for its threads; in no header */

enum filter_rule {
    FILTER_ABSENT, /* as on a kernel without it: ENOSYS, and libc takes another */
    FILTER_ANY,
    FILTER_AS_CONNECTED,
    FILTER_CODE_OF_FILES,
    FILTER_COUNTS,
    FILTER_FLAGS,
    FILTER_INTERNET,
    FILTER_NOT_BOTH,
    FILTER_NO_CODE,
    FILTER_OF_A_DESCRIPTOR,
    FILTER_OF_FAULTS,
    FILTER_OF_ITSELF,
    FILTER_OF_NOTHING_NEW,
    FILTER_OF_THREADS,
    FILTER_READ_ONLY,
    FILTER_THREAD,
};

static const struct {
    const char *name;
    const char *roles;
    enum filter_rule rule;
} filter_calls[] = {
#define CALL(name, roles)          {#name, roles, FILTER_ANY},
#define CALL_IF(name, roles, rule) {#name, roles, FILTER_##rule},
#include "server/walls/calls.def"
};

#define BITS(argument, mask, value)                                                                \
    {                                                                                              \
        (argument), SCMP_CMP_MASKED_EQ, (mask), (value)                                            \
    }
#define IS(argument, value) BITS(argument, FILTER_WORD, value)
#define IS_NULL(argument)                                                                          \
    {                                                                                              \
        (argument), SCMP_CMP_EQ, 0, 0                                                              \
    }

/* A rule allows a call in each of its ways, in which all conditions are true. */
static const struct {
    enum filter_rule rule;
    unsigned count;
    struct scmp_arg_cmp conditions[FILTER_CONDITIONS_MAX];
} filter_ways[] = {
    {FILTER_AS_CONNECTED, 1, {IS_NULL(4)}},
    {FILTER_CODE_OF_FILES, 1, {BITS(2, PROT_EXEC, 0)}},
    {FILTER_CODE_OF_FILES,
     2,
     {BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), BITS(3, MAP_ANONYMOUS, 0)}},
    {FILTER_NO_CODE, 1, {BITS(2, PROT_EXEC, 0)}},
    {FILTER_NOT_BOTH, 1, {BITS(2, PROT_EXEC, 0)}},
    {FILTER_NOT_BOTH, 1, {BITS(2, PROT_WRITE, 0)}},
    {FILTER_COUNTS, 1, {IS(1, FIONREAD)}},
    {FILTER_COUNTS, 1, {IS(1, FIONBIO)}},
    {FILTER_COUNTS, 1, {IS(1, SIOCOUTQ)}},
    {FILTER_FLAGS, 1, {IS(1, F_DUPFD_CLOEXEC)}},
    {FILTER_FLAGS, 1, {IS(1, F_GETFD)}},
    {FILTER_FLAGS, 1, {IS(1, F_SETFD)}},
    {FILTER_FLAGS, 1, {IS(1, F_GETFL)}},
    {FILTER_FLAGS, 1, {IS(1, F_SETFL)}},
    {FILTER_INTERNET, 1, {IS(0, AF_INET)}},
    {FILTER_INTERNET, 1, {IS(0, AF_INET6)}},
    {FILTER_INTERNET, 2, {IS(0, AF_NETLINK), IS(2, NETLINK_ROUTE)}}, /* which addresses it has */
    {FILTER_OF_A_DESCRIPTOR, 1, {BITS(3, AT_EMPTY_PATH, AT_EMPTY_PATH)}},
    {FILTER_OF_FAULTS, 1, {IS(0, SIGSEGV)}},
    {FILTER_OF_FAULTS, 1, {IS(0, SIGBUS)}},
    {FILTER_OF_FAULTS, 1, {IS(0, SIGABRT)}},
    {FILTER_OF_FAULTS, 1, {IS(0, SIGPIPE)}},
    {FILTER_OF_ITSELF, 1, {IS(0, 0)}}, /* filled in */
    {FILTER_OF_NOTHING_NEW, 2, {IS(0, 0), IS_NULL(2)}},
    {FILTER_OF_THREADS, 1, {IS(0, FILTER_THREAD_SIGNAL)}},
    {FILTER_READ_ONLY, 1, {BITS(2, FILTER_CHANGES, O_RDONLY)}},
    {FILTER_THREAD, 1, {{0, SCMP_CMP_EQ, FILTER_THREAD_FLAGS, 0}}},
};

/* Of SIGSYS's handler, which has no other way to know. */
static char filter_names[FILTER_CALLS_MAX][FILTER_CALL_BYTES];

bool filter_is_there(void)
{
    const uint32_t action = SECCOMP_RET_TRAP;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* ---- who makes another call ------------------------------------------------------------------ */

static void filter_on_refused(int number, siginfo_t *info, void *context)
{
    (void)context;
    unsigned call = (unsigned)info->si_syscall;
    if (call < FILTER_CALLS_MAX && filter_names[call][0] != '\0')
        log_message("error", "wall", "it made the system call %s, which its role may not: killed",
                    filter_names[call]);
    else
        log_message("error", "wall", "it made the system call %u, which its role may not: killed",
                    call);
    /* The handler is gone, and the signal is blocked until we return: then it ends the process. */
    (void)syscall(SYS_tgkill, getpid(), gettid(), number);
}

static enum status filter_catch(struct report *report)
{
    struct sigaction action = {.sa_sigaction = filter_on_refused,
                               .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    for (int call = 0; call < FILTER_CALLS_MAX; call++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);
        if (name != NULL)
            (void)snprintf(filter_names[call], FILTER_CALL_BYTES, "%s", name);
        free(name);
    }
    if (sigaction(SIGSYS, &action, NULL) != 0)
        return report_errno(report, "cannot catch SIGSYS");
    return STATUS_OK;
}

/* ---- the filter ------------------------------------------------------------------------------ */

/* 0, or an errno below it, as libseccomp has it. */
static int filter_add(scmp_filter_ctx filter, int call, enum filter_rule rule)
{
    if (rule == FILTER_ANY)
        return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0, NULL);
    if (rule == FILTER_ABSENT)
        return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0, NULL);
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < COUNT_OF(filter_ways); i++) {
        struct scmp_arg_cmp conditions[FILTER_CONDITIONS_MAX];
        if (filter_ways[i].rule != rule)
            continue;
        memcpy(conditions, filter_ways[i].conditions, sizeof(conditions));
        if (rule == FILTER_OF_ITSELF)
            conditions[0].datum_b = (scmp_datum_t)getpid();
        failed =
            seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, filter_ways[i].count, conditions);
    }
    return failed;
}

static int filter_fill(scmp_filter_ctx filter, enum walls_role role)
{
    char letter = walls_letter(role);
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, FILTER_OPTIMIZE_TREE);
    for (size_t i = 0; failed == 0 && i < COUNT_OF(filter_calls); i++) {
        int call = seccomp_syscall_resolve_name(filter_calls[i].name);
        if (call >= 0 && strchr(filter_calls[i].roles, letter) != NULL)
            failed = filter_add(filter, call, filter_calls[i].rule);
    }
    return failed;
}

enum status filter_raise(enum walls_role role, struct report *report)
{
    uint32_t other = role == WALLS_CONTROL ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_TRAP;
    enum status status = role == WALLS_CONTROL ? STATUS_OK : filter_catch(report);
    if (status != STATUS_OK)
        return status;
    scmp_filter_ctx filter = seccomp_init(other);
    int failed = filter == NULL ? -ENOMEM : filter_fill(filter, role);
    if (failed == 0)
        failed = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    errno = -failed;
    return failed == 0 ? STATUS_OK : report_errno(report, "seccomp's filter cannot be put up");
}
