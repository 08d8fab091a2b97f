/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spawning, with shell scripts in the program's place: a child is born with what its order says,
 * and what it could not be given is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/io.h"
#include "engine/base/spawn.h"
#include "tests/support/unit.h"

struct bench {
    char script[64];
    struct spawn_role role;
    struct spawn_order order;
    int out[2]; /* the child's descriptor 3 writes to it */
    int fds[SPAWN_FDS_MAX];
    char text[8192];
    int wait_status;
};

static void bench_init(struct bench *bench, const char *commands)
{
    *bench = (struct bench){.script = "/tmp/skerry-spawn-XXXXXX"};
    int fd = mkstemp(bench->script);
    assert_true(fd >= 0);
    static const char head[] = "#!/bin/sh\n";
    assert_int_equal(write(fd, head, strlen(head)), strlen(head));
    assert_int_equal(write(fd, commands, strlen(commands)), strlen(commands));
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(pipe2(bench->out, O_CLOEXEC), 0);
    bench->fds[0] = bench->out[1];
    bench->role = (struct spawn_role){
        .verb = "verb", .executable = bench->script, .environment = {"PATH", "SPAWN_KEPT"}};
    bench->order = (struct spawn_order){
        .role = &bench->role, .fds = bench->fds, .fd_count = 1, .error_fd = -1};
}

static void bench_done(struct bench *bench)
{
    base_auto_close(&bench->out[0]);
    base_auto_close(&bench->out[1]);
    assert_int_equal(unlink(bench->script), 0);
}

/* Runs it to its end; what it wrote is in `text`. */
static void bench_run(struct bench *bench)
{
    struct report report = REPORT_INIT;
    pid_t pid = 0;
    size_t count = 0;
    if (spawn_start(&bench->order, &report, &pid) != STATUS_OK)
        fail_msg("%s", report.text);
    assert_int_equal(close(bench->out[1]), 0);
    bench->out[1] = -1;
    assert_int_equal(io_read(bench->out[0], bench->text, sizeof(bench->text) - 1, &count),
                     STATUS_OK);
    bench->text[count] = '\0';
    assert_int_equal(waitpid(pid, &bench->wait_status, 0), pid);
}

static void child_sees_the_names_of_its_role_and_no_others(void **state)
{
    (void)state;
    struct bench bench;
    assert_int_equal(setenv("SPAWN_SECRET", "secret", 1), 0);
    assert_int_equal(setenv("SPAWN_KEPT", "two words", 1), 0);
    bench_init(&bench, "echo \"$0 $1 $#\" >&3\ntr '\\0' '\\n' </proc/$$/environ >&3\n");
    bench_run(&bench);
    assert_non_null(strstr(bench.text, " verb 1\n"));
    assert_non_null(strstr(bench.text, "SPAWN_KEPT=two words\n"));
    assert_non_null(strstr(bench.text, "PATH="));
    assert_null(strstr(bench.text, "SPAWN_SECRET"));
    bench_done(&bench);
}

static void child_has_its_descriptors_and_no_others(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "cd /proc/self/fd\necho * >&3\nread line <&4\necho \"$line\" >&3\n"
                       "links=$(readlink /proc/$$/fd/0 /proc/$$/fd/1)\necho \"$links\" >&3\n");
    int stray = open("/dev/null", O_RDONLY); /* as a careless parent leaves it */
    int data[2];
    assert_int_equal(pipe2(data, O_CLOEXEC), 0);
    assert_int_equal(write(data[1], "hello\n", 6), 6);
    bench.fds[1] = data[0];
    bench.order.fd_count = 2;
    bench_run(&bench);
    /* A shell may hold one above nine for its script. */
    assert_int_equal(strncmp(bench.text, "0 1 ", 4), 0);
    assert_null(strstr(bench.text, " 5 "));
    assert_non_null(strstr(bench.text, "hello\n/dev/null\n/dev/null\n"));
    char number[16];
    (void)snprintf(number, sizeof(number), " %d ", stray);
    if (stray > 4)
        assert_null(strstr(bench.text, number));
    assert_int_equal(close(stray), 0);
    assert_int_equal(close(data[0]) | close(data[1]), 0);
    bench_done(&bench);
}

static void descriptors_whose_numbers_cross_come_out_in_order(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "echo three >&3\ncat <&4 >&3\ncat <&5 >&3\n");
    int one[2];
    int two[2];
    assert_int_equal(pipe2(one, O_CLOEXEC) | pipe2(two, O_CLOEXEC), 0);
    assert_int_equal(write(one[1], "one\n", 4) + write(two[1], "two\n", 4), 8);
    assert_int_equal(close(one[1]) | close(two[1]), 0);
    /* The lower number goes to the higher place. */
    bench.fds[1] = MAX(one[0], two[0]);
    bench.fds[2] = MIN(one[0], two[0]);
    bench.order.fd_count = 3;
    bench_run(&bench);
    assert_string_equal(bench.text, one[0] > two[0] ? "three\none\ntwo\n" : "three\ntwo\none\n");
    assert_int_equal(close(one[0]) | close(two[0]), 0);
    bench_done(&bench);
}

static void child_writes_errors_where_its_order_says(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "echo to stderr >&2\n");
    bench.order.error_fd = bench.out[1];
    bench_run(&bench);
    assert_string_equal(bench.text, "to stderr\n");
    bench_done(&bench);
}

static void child_has_no_privileges_and_dumps_no_core(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "ulimit -c >&3\ngrep -E '^(Cap|NoNewPrivs|SigIgn|SigBlk)' "
                       "/proc/self/status >&3\numask >&3\n");
    (void)signal(SIGPIPE, SIG_IGN);
    bench_run(&bench);
    assert_int_equal(strncmp(bench.text, "0\n", 2), 0);
    assert_non_null(strstr(bench.text, "CapPrm:\t0000000000000000"));
    assert_non_null(strstr(bench.text, "CapEff:\t0000000000000000"));
    assert_non_null(strstr(bench.text, "CapInh:\t0000000000000000"));
    assert_non_null(strstr(bench.text, "CapAmb:\t0000000000000000"));
    assert_non_null(strstr(bench.text, "NoNewPrivs:\t1"));
    assert_non_null(strstr(bench.text, "SigIgn:\t0000000000000000"));
    assert_non_null(strstr(bench.text, "SigBlk:\t0000000000000000"));
    assert_non_null(strstr(bench.text, "0077\n"));
    bench_done(&bench);
}

static void child_has_the_limits_of_its_order_and_the_score_of_its_role(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "ulimit -n >&3\nulimit -t >&3\ncat /proc/self/oom_score_adj >&3\n");
    static const struct spawn_limit limits[] = {{RLIMIT_NOFILE, 32}, {RLIMIT_CPU, 7}};
    bench.order.limits = limits;
    bench.order.limit_count = COUNT_OF(limits);
    bench.role.oom_score = 1000;
    bench_run(&bench);
    assert_string_equal(bench.text, "32\n7\n1000\n");
    bench_done(&bench);
}

static void program_that_is_not_there_is_an_error_of_the_start(void **state)
{
    (void)state;
    struct bench bench;
    struct report report = REPORT_INIT;
    pid_t pid = 7;
    bench_init(&bench, "");
    bench.role.executable = "/nowhere/at/all";
    enum status status = spawn_start(&bench.order, &report, &pid);
    assert_int_equal(status, report.status);
    assert_int_not_equal(report.status, STATUS_OK);
    assert_non_null(strstr(report.text, "cannot start a verb (/nowhere/at/all), at its program"));
    assert_int_equal(pid, 7);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    bench_done(&bench);
}

static void too_few_descriptors_are_named(void **state)
{
    (void)state;
    struct bench bench;
    struct report report = REPORT_INIT;
    struct rlimit before;
    pid_t pid;
    bench_init(&bench, "");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = {.rlim_cur = 24, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_not_equal(spawn_start(&bench.order, &report, &pid), STATUS_OK);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_non_null(strstr(report.text, "descriptors: raise `ulimit -n`"));
    bench_done(&bench);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_sees_the_names_of_its_role_and_no_others),
        cmocka_unit_test(child_has_its_descriptors_and_no_others),
        cmocka_unit_test(descriptors_whose_numbers_cross_come_out_in_order),
        cmocka_unit_test(child_writes_errors_where_its_order_says),
        cmocka_unit_test(child_has_no_privileges_and_dumps_no_core),
        cmocka_unit_test(child_has_the_limits_of_its_order_and_the_score_of_its_role),
        cmocka_unit_test(program_that_is_not_there_is_an_error_of_the_start),
        cmocka_unit_test(too_few_descriptors_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
