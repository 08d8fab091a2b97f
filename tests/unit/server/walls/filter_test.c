/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters in children: each call that is not left to a role ends the child that makes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/macros.h"
#include "engine/base/spawn.h"
#include "server/walls/filter.h"
#include "tests/support/unit.h"

#define CALLS_MAX 470
/* Kernels that have them let them past every filter: they mean nothing outside of a probe. */
#define CALL_URETPROBE 335
#define CALL_UPROBE    336
#define PAGE           4096

static const char *roles_of(const char *name)
{
    static const struct {
        const char *name;
        const char *roles;
    } rows[] = {
#define CALL(name, roles)          {#name, roles},
#define CALL_IF(name, roles, rule) {#name, roles},
#include "server/walls/calls.def"
    };
    static char found[32];
    found[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            (void)strncat(found, rows[i].roles, sizeof(found) - strlen(found) - 1);
    }
    return found;
}

struct attempt {
    long call;
    unsigned long arguments[6];
};

/* The status of a child that puts the filter up and makes the call. */
static int try(enum walls_role role, const struct attempt *attempt)
{
    int wait_status;
    pid_t pid = fork();
    if (pid == 0) {
        struct report report = REPORT_INIT;
        const unsigned long *of = attempt->arguments;
        (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        if (filter_raise(role, &report) != STATUS_OK)
            _exit(2);
        long result = syscall(attempt->call, of[0], of[1], of[2], of[3], of[4], of[5]);
        _exit(result >= 0 ? 0 : errno == ENOSYS ? 3 : 4);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    return wait_status;
}

static bool is_killed(int wait_status)
{
    return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS;
}

static void skip_without(void)
{
    if (!filter_is_there() || spawn_is_sanitized())
        skip();
}

static void every_call_that_is_not_a_roles_own_ends_it(void **state)
{
    (void)state;
    skip_without();
    static const enum walls_role roles[] = {WALLS_WORKER, WALLS_BUILDER, WALLS_EGRESS, WALLS_KEYS};
    uint32_t tried = 0;
    for (long call = 0; call < CALLS_MAX; call++) {
        /* One role each is enough here; tests/e2e/attacks/calls.py tries all in all of them. */
        enum walls_role role = roles[call % (long)COUNT_OF(roles)];
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);
        bool own = name != NULL && strchr(roles_of(name), walls_letter(role)) != NULL;
        free(name);
        if (own || call == CALL_URETPROBE || call == CALL_UPROBE)
            continue;
        const struct attempt attempt = {.call = call};
        if (!is_killed(try(role, &attempt)))
            fail_msg("call %ld was not refused", call);
        tried++;
    }
    assert_true(tried > 300);
}

static void control_is_refused_and_goes_on(void **state)
{
    (void)state;
    skip_without();
    static const long calls[] = {SYS_ptrace, SYS_mount,  SYS_bpf,
                                 SYS_keyctl, SYS_reboot, SYS_chroot};
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        const struct attempt attempt = {.call = calls[i]};
        int wait_status = try(WALLS_CONTROL, &attempt);
        assert_true(WIFEXITED(wait_status));
        assert_int_equal(WEXITSTATUS(wait_status), 3);
    }
}

/* Its children inherit its filter, below their own. */
static void control_has_the_calls_of_its_children(void **state)
{
    (void)state;
    static const char *const names[] = {
#define CALL(name, roles)          #name,
#define CALL_IF(name, roles, rule) #name,
#include "server/walls/calls.def"
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strchr(roles_of(names[i]), walls_letter(WALLS_CONTROL)) == NULL)
            fail_msg("control lacks %s, which a child may make", names[i]);
    }
}

/* What is mapped to be run comes from a file, and only in who runs what comes from files. */
static void memory_is_written_or_run(void **state)
{
    (void)state;
    skip_without();
    const unsigned long both = PROT_READ | PROT_WRITE | PROT_EXEC;
    const unsigned long run = PROT_READ | PROT_EXEC;
    const unsigned long memory = MAP_PRIVATE | MAP_ANONYMOUS;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const struct attempt forbidden[] = {
        {SYS_mmap, {0, PAGE, both, memory, (unsigned long)-1, 0}},
        {SYS_mmap, {0, PAGE, run, memory, (unsigned long)-1, 0}},
        {SYS_mmap, {0, PAGE, both, MAP_PRIVATE, (unsigned long)fd, 0}},
        {SYS_mprotect, {0, PAGE, run}},
    };
    for (size_t i = 0; i < COUNT_OF(forbidden); i++)
        assert_true(is_killed(try(WALLS_WORKER, &forbidden[i])));
    const struct attempt code = {SYS_mmap, {0, PAGE, run, MAP_PRIVATE, (unsigned long)fd, 0}};
    assert_int_equal(try(WALLS_WORKER, &code), 0);
    assert_true(is_killed(try(WALLS_BUILDER, &code)));
    const struct attempt data = {SYS_mmap,
                                 {0, PAGE, PROT_READ | PROT_WRITE, memory, (unsigned long)-1, 0}};
    assert_int_equal(try(WALLS_WORKER, &data), 0);
    assert_int_equal(close(fd), 0);
}

static void only_egress_has_sockets(void **state)
{
    (void)state;
    skip_without();
    const struct attempt internet = {SYS_socket, {AF_INET, SOCK_STREAM}};
    const struct attempt local = {SYS_socket, {AF_UNIX, SOCK_STREAM}};
    assert_int_equal(try(WALLS_EGRESS, &internet), 0);
    assert_true(is_killed(try(WALLS_EGRESS, &local)));
    assert_true(is_killed(try(WALLS_WORKER, &internet)));
    assert_true(is_killed(try(WALLS_KEYS, &internet)));
}

static void files_are_opened_to_be_read(void **state)
{
    (void)state;
    skip_without();
    const char *name = "/dev/null";
    const struct attempt reads = {
        SYS_openat,
        {(unsigned long)AT_FDCWD, (unsigned long)(uintptr_t)name, O_RDONLY | O_CLOEXEC}};
    struct attempt writes = reads;
    static const unsigned long flags[] = {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC,
                                          O_TMPFILE | O_RDWR};
    assert_int_equal(try(WALLS_WORKER, &reads), 0);
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        writes.arguments[2] = flags[i];
        assert_true(is_killed(try(WALLS_WORKER, &writes)));
    }
}

/* abort() has to work, so that a failed assertion looks like one. */
static void a_signal_goes_to_itself_only(void **state)
{
    (void)state;
    skip_without();
    const struct attempt others = {SYS_tgkill,
                                   {(unsigned long)getppid(), (unsigned long)getppid()}};
    assert_true(is_killed(try(WALLS_WORKER, &others)));
    int wait_status;
    pid_t pid = fork();
    if (pid == 0) {
        struct report report = REPORT_INIT;
        if (filter_raise(WALLS_WORKER, &report) == STATUS_OK)
            abort();
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFSIGNALED(wait_status));
    assert_int_equal(WTERMSIG(wait_status), SIGABRT);
}

/* Whichever role it is: what the log is written with is left to all of them. */
static void the_log_names_the_call_of(enum walls_role role)
{
    int ends[2];
    char text[1024] = "";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct report report = REPORT_INIT;
        (void)dup2(ends[1], STDERR_FILENO);
        if (filter_raise(role, &report) == STATUS_OK)
            (void)syscall(SYS_ptrace, 0, 0, 0, 0);
        _exit(2);
    }
    assert_int_equal(close(ends[1]), 0);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_non_null(strstr(text, "\"event\":\"wall\""));
    assert_non_null(strstr(text, "the system call ptrace,"));
}

static void the_log_names_the_call(void **state)
{
    (void)state;
    skip_without();
    static const enum walls_role roles[] = {WALLS_WORKER, WALLS_BUILDER, WALLS_EGRESS, WALLS_KEYS};
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        the_log_names_the_call_of(roles[i]);
}

static void *nothing(void *context)
{
    return context;
}

/* The status of a child that puts the filter up and has a thread do something. */
static int try_thread(enum walls_role role)
{
    int wait_status;
    pid_t pid = fork();
    if (pid == 0) {
        struct report report = REPORT_INIT;
        pthread_t thread;
        (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        if (filter_raise(role, &report) != STATUS_OK)
            _exit(2);
        bool done =
            pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
        _exit(done ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    return wait_status;
}

/* A builder's threads are its own; a process would be another's. */
static void only_a_builder_has_threads_and_no_more(void **state)
{
    (void)state;
    skip_without();
    assert_int_equal(try_thread(WALLS_BUILDER), 0);
    assert_true(is_killed(try_thread(WALLS_WORKER)));
    static const unsigned long process[] = {SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD,
                                            CLONE_NEWUSER | SIGCHLD, CLONE_THREAD | CLONE_VM};
    for (size_t i = 0; i < COUNT_OF(process); i++) {
        const struct attempt clone = {SYS_clone, {process[i]}};
        assert_true(is_killed(try(WALLS_BUILDER, &clone)));
    }
    const struct attempt clone3 = {.call = SYS_clone3};
    int wait_status = try(WALLS_BUILDER, &clone3);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 3); /* ENOSYS */
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_that_is_not_a_roles_own_ends_it),
        cmocka_unit_test(control_is_refused_and_goes_on),
        cmocka_unit_test(control_has_the_calls_of_its_children),
        cmocka_unit_test(memory_is_written_or_run),
        cmocka_unit_test(only_egress_has_sockets),
        cmocka_unit_test(files_are_opened_to_be_read),
        cmocka_unit_test(a_signal_goes_to_itself_only),
        cmocka_unit_test(the_log_names_the_call),
        cmocka_unit_test(only_a_builder_has_threads_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
