/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping one process alive: what runs are shell scripts, what passes is a fake clock.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/control/child.h"
#include "tests/support/unit.h"

struct bench {
    char script[64];
    struct role role;
    uint64_t now_ns;
    struct clock clock;
    struct child child;
    enum status start_status; /* what the next start answers, if it is not OK */
    uint32_t starts;
    uint32_t readies;
};

static uint64_t bench_now(void *context)
{
    return ((struct bench *)context)->now_ns;
}

static enum status bench_start(void *context, int ready_fd, struct report *report, pid_t *ret_pid)
{
    struct bench *bench = context;
    bench->starts++;
    if (bench->start_status != STATUS_OK)
        return report_fail(report, bench->start_status, REPORT_OFFSET_NONE, "not today");
    const struct spawn_order order = {
        .role = &bench->role.spawn, .fds = &ready_fd, .fd_count = 1, .error_fd = -1};
    return spawn_start(&order, report, ret_pid);
}

static void bench_ready(void *context)
{
    ((struct bench *)context)->readies++;
}

static void bench_init(struct bench *bench, const char *commands)
{
    struct report report = REPORT_INIT;
    *bench = (struct bench){.script = "/tmp/skerry-child-XXXXXX", .now_ns = CLOCK_NS_PER_S};
    int fd = mkstemp(bench->script);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", commands) > 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(fclose(file), 0);
    bench->role = (struct role){
        .spawn = {.verb = "verb", .executable = bench->script, .environment = {"PATH"}},
        .restart = ROLE_RESTART_ALWAYS};
    bench->clock =
        (struct clock){.monotonic_ns = bench_now, .realtime_ns = bench_now, .context = bench};
    bench->child =
        (struct child){.role = &bench->role,
                       .base = event_base_new(),
                       .clock = &bench->clock,
                       .ops = {.start = bench_start, .ready = bench_ready, .context = bench}};
    assert_int_equal(child_init(&bench->child, &report), STATUS_OK);
}

/* Waits for its end and tells of it. */
static void bench_reap(struct bench *bench)
{
    int wait_status;
    pid_t pid = bench->child.pid;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    child_died(&bench->child, wait_status);
}

static void bench_done(struct bench *bench)
{
    child_stop(&bench->child);
    child_kill(&bench->child, SIGKILL);
    if (bench->child.pid > 0)
        bench_reap(bench);
    child_done(&bench->child);
    event_base_free(bench->child.base);
    assert_int_equal(unlink(bench->script), 0);
}

static bool bench_waits(const struct bench *bench)
{
    return evtimer_pending(bench->child.restart_event, NULL) != 0;
}

static void bench_age(struct bench *bench)
{
    bench->now_ns += CLOCK_NS_PER_S;
}

static void child_that_says_so_is_ready(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "printf r >&3; exec 3>&-; kill -STOP $$");
    child_start(&bench.child);
    assert_false(bench.child.ready);
    assert_int_equal(event_base_loop(bench.child.base, EVLOOP_ONCE), 0);
    assert_true(bench.child.ready);
    assert_int_equal(bench.readies, 1);
    bench_done(&bench);
}

static void child_that_was_ready_has_a_successor_at_once_however_often_it_dies(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "printf r >&3; exec 3>&-; kill -9 $$");
    child_start(&bench.child);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(bench.starts, i);
        assert_int_equal(event_base_loop(bench.child.base, EVLOOP_ONCE), 0);
        assert_true(bench.child.ready);
        bench_age(&bench);
        bench_reap(&bench);
        assert_false(bench_waits(&bench));
    }
    assert_int_equal(bench.starts, 11);
    bench_done(&bench);
}

static void starts_keep_a_distance(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "printf r >&3; exec 3>&-; kill -9 $$");
    child_start(&bench.child);
    assert_int_equal(event_base_loop(bench.child.base, EVLOOP_ONCE), 0);
    bench.now_ns += 30 * CLOCK_NS_PER_MS;
    assert_int_equal(child_wait_ns(&bench.child, bench.now_ns), 70 * CLOCK_NS_PER_MS);
    bench_reap(&bench);
    assert_true(bench_waits(&bench));
    assert_int_equal(bench.starts, 1);
    bench_done(&bench);
}

static void child_that_is_never_ready_waits_longer_each_time(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "exit 3");
    child_start(&bench.child);
    static const uint64_t waits_ms[] = {0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    for (size_t i = 0; i < COUNT_OF(waits_ms); i++) {
        bench_age(&bench);
        assert_int_equal(child_is_hopeless(&bench.child), i >= CHILD_START_TRIES_MAX);
        bench_reap(&bench);
        bench_age(&bench);
        assert_int_equal(child_wait_ns(&bench.child, bench.now_ns), waits_ms[i] * CLOCK_NS_PER_MS);
        if (bench_waits(&bench))
            child_start(&bench.child);
    }
    bench_done(&bench);
}

static void being_ready_once_makes_up_for_failures(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "printf r >&3; exec 3>&-; kill -STOP $$");
    bench.child.failures = 2;
    child_start(&bench.child);
    assert_int_equal(event_base_loop(bench.child.base, EVLOOP_ONCE), 0);
    assert_int_equal(bench.child.failures, 0);
    bench_done(&bench);
}

static void start_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "kill -STOP $$");
    bench.start_status = STATUS_NO_MEMORY;
    child_start(&bench.child);
    assert_int_equal(bench.child.pid, 0);
    assert_int_equal(bench.child.failures, 1);
    assert_true(bench_waits(&bench));
    bench.start_status = STATUS_OK;
    event_active(bench.child.restart_event, EV_TIMEOUT, 0);
    assert_int_equal(event_base_loop(bench.child.base, EVLOOP_NONBLOCK), 0);
    assert_true(bench.child.pid > 0);
    bench_done(&bench);
}

static void child_that_was_stopped_has_no_successor(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "exit 0");
    child_start(&bench.child);
    child_stop(&bench.child);
    bench_age(&bench);
    bench_reap(&bench);
    assert_int_equal(bench.starts, 1);
    assert_false(bench_waits(&bench));
    bench_done(&bench);
}

static void role_that_ends_when_it_is_done_has_no_successor(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "exit 0");
    bench.role.restart = ROLE_RESTART_NEVER;
    child_start(&bench.child);
    bench_age(&bench);
    bench_reap(&bench);
    assert_int_equal(bench.starts, 1);
    assert_false(bench_waits(&bench));
    bench_done(&bench);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_that_says_so_is_ready),
        cmocka_unit_test(child_that_was_ready_has_a_successor_at_once_however_often_it_dies),
        cmocka_unit_test(starts_keep_a_distance),
        cmocka_unit_test(child_that_is_never_ready_waits_longer_each_time),
        cmocka_unit_test(being_ready_once_makes_up_for_failures),
        cmocka_unit_test(start_that_fails_is_tried_again),
        cmocka_unit_test(child_that_was_stopped_has_no_successor),
        cmocka_unit_test(role_that_ends_when_it_is_done_has_no_successor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
